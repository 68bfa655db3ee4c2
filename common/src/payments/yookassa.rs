//! YooKassa's API v3 as a [`PaymentProvider`]: <https://yookassa.ru/developers/api>.
//!
//! Two-step payments by redirect. Our payment's id travels as `metadata.payment_id`, a refund's as
//! `metadata.refund_id`; keys are held for 24 hours there. What it answers is known for 200, and for refusals of 400
//! to 499 that are about the request itself. For anything else (a timeout, 202, 401, 429, 500 and above) it is not
//! known, or will be otherwise later.

mod wire;

use std::time::Duration;

use futures_util::FutureExt;
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use self::wire::{NoticeObject, Refunds, Refusal, WirePayment, WireRefund};
use super::{
    Asking, Capture, Charge, Notice, PaymentProvider, ProviderError, ProviderPayment, ProviderRefund,
    RefundCharge,
};
use crate::{config::Secret, ids::PaymentId, money::Money};

/// How long one question may take, and the connecting in it.
const WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// What it tells of: nothing else is kept, since anybody may say anything.
const EVENTS: [&str; 4] =
    ["payment.waiting_for_capture", "payment.succeeded", "payment.canceled", "refund.succeeded"];

/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// A shop at YooKassa.
#[derive(Debug)]
pub struct YooKassa {
    http: reqwest::Client,
    base: String,
    shop_id: String,
    secret_key: Secret,
}

impl YooKassa {
    /// Prepares a client; nothing is asked yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(url: Url, shop_id: String, secret_key: Secret) -> Result<Self, reqwest::Error> {
        crate::tls::use_ring();
        let http = reqwest::Client::builder()
            .timeout(WITHIN)
            .connect_timeout(CONNECT_WITHIN)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("postavka/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: url.as_str().trim_end_matches('/').to_owned(), shop_id, secret_key })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.basic_auth(&self.shop_id, Some(self.secret_key.reveal()))
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("Idempotence-Key", key).json(body)
    }

    async fn payment(&self, request: RequestBuilder) -> Result<ProviderPayment, ProviderError> {
        let payment: WirePayment = ask(request).await?.ok_or_else(no_such_thing)?;
        payment.read()
    }
}

impl PaymentProvider for YooKassa {
    fn name(&self) -> &'static str {
        "yookassa"
    }

    fn create<'a>(&'a self, charge: &'a Charge) -> Asking<'a, ProviderPayment> {
        let body = json!({
            "amount": amount(charge.amount, &charge.currency),
            "capture": false,
            "confirmation": { "type": "redirect", "return_url": charge.return_url },
            "description": format!("№ {}", charge.order_number),
            "metadata": { "payment_id": charge.payment_id, "order_number": charge.order_number },
        });
        let request = self.post("/payments", &charge.payment_id.to_string(), &body);
        self.payment(request).boxed()
    }

    fn find<'a>(&'a self, provider_payment_id: &'a str) -> Asking<'a, Option<ProviderPayment>> {
        let request = self.request(Method::GET, &format!("/payments/{}", segment(provider_payment_id)));
        async { ask::<WirePayment>(request).await?.map(WirePayment::read).transpose() }.boxed()
    }

    fn capture<'a>(&'a self, capture: &'a Capture) -> Asking<'a, ProviderPayment> {
        let path = format!("/payments/{}/capture", segment(&capture.provider_payment_id));
        let body = json!({ "amount": amount(capture.amount, &capture.currency) });
        let request = self.post(&path, &format!("{}-capture", capture.payment_id), &body);
        self.payment(request).boxed()
    }

    fn cancel<'a>(
        &'a self,
        payment_id: PaymentId,
        provider_payment_id: &'a str,
    ) -> Asking<'a, ProviderPayment> {
        let path = format!("/payments/{}/cancel", segment(provider_payment_id));
        let request = self.post(&path, &format!("{payment_id}-cancel"), &json!({}));
        self.payment(request).boxed()
    }

    fn refund<'a>(&'a self, charge: &'a RefundCharge) -> Asking<'a, ProviderRefund> {
        let body = json!({
            "payment_id": charge.provider_payment_id,
            "amount": amount(charge.amount, &charge.currency),
            "metadata": { "refund_id": charge.refund_id },
        });
        let request = self.post("/refunds", &charge.refund_id.to_string(), &body);
        async { ask::<WireRefund>(request).await?.ok_or_else(no_such_thing)?.read() }.boxed()
    }

    fn find_refund<'a>(&'a self, charge: &'a RefundCharge) -> Asking<'a, Option<ProviderRefund>> {
        let wanted = charge.refund_id.to_string();
        async move {
            let mut cursor: Option<String> = None;
            loop {
                let mut request = self
                    .request(Method::GET, "/refunds")
                    .query(&[("payment_id", charge.provider_payment_id.as_str()), ("limit", "100")]);
                if let Some(cursor) = &cursor {
                    request = request.query(&[("cursor", cursor)]);
                }
                let page: Refunds = ask(request).await?.ok_or_else(no_such_thing)?;
                let mut refunds = page.items.into_iter();
                if let Some(found) = refunds.find(|refund| refund.is_of(&wanted)) {
                    return found.read().map(Some);
                }
                if page.next_cursor.is_none() || page.next_cursor == cursor {
                    return Ok(None);
                }
                cursor = page.next_cursor;
            }
        }
        .boxed()
    }

    fn read_notice(&self, body: &[u8]) -> Option<Notice> {
        let notice: wire::WireNotice = serde_json::from_slice(body).ok()?;
        if notice.kind != "notification" {
            return None;
        }
        let NoticeObject { id, payment_id } = notice.object;
        let short =
            |text: &String| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if ![Some(&id), payment_id.as_ref()].into_iter().flatten().all(short) {
            return None;
        }
        let event = EVENTS.into_iter().find(|event| *event == notice.event)?;
        let provider_payment_id = if event.starts_with("refund.") { payment_id? } else { id };
        Some(Notice { event, provider_payment_id })
    }
}

fn amount(value: Money, currency: &str) -> Value {
    json!({ "value": value, "currency": currency })
}

/// An id as a part of a path.
fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

fn no_such_thing() -> ProviderError {
    ProviderError::Refused("not_found".to_owned())
}

/// Asks; `None` for 404.
#[tracing::instrument(name = "yookassa", skip_all, fields(otel.kind = "client"))]
async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<Option<T>, ProviderError> {
    let unknown = |error: reqwest::Error| ProviderError::Unknown(error.without_url().to_string());
    let mut response = request.send().await.map_err(unknown)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unknown)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(ProviderError::Unknown("the answer is too large".to_owned()));
        }
    }
    match status {
        StatusCode::OK => match serde_json::from_slice(&body) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => Err(ProviderError::Unknown(format!("the answer cannot be read: {error}"))),
        },
        StatusCode::NOT_FOUND => Ok(None),
        // Our key is wrong, or we ask too much: that will be mended.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            Err(ProviderError::Unknown(format!("it answered {status}")))
        }
        status if status.is_client_error() => {
            let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
            Err(ProviderError::Refused(refusal.to_string()))
        }
        status => Err(ProviderError::Unknown(format!("it answered {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yookassa() -> YooKassa {
        let url = "http://127.0.0.1:1/v3".parse().unwrap();
        YooKassa::new(url, "shop".to_owned(), Secret::new("key".to_owned())).unwrap()
    }

    #[test]
    fn a_notice_says_what_to_ask_about_and_nothing_else() {
        let read = |text: &str| yookassa().read_notice(text.as_bytes());
        let payment =
            r#"{"type": "notification", "event": "payment.succeeded", "object": {"id": "p1", "amount": 1}}"#;
        let notice = read(payment).unwrap();
        assert_eq!((notice.event, notice.provider_payment_id.as_str()), ("payment.succeeded", "p1"));
        let refund = r#"{"type": "notification", "event": "refund.succeeded", "object": {"id": "r1", "payment_id": "p1"}}"#;
        let notice = read(refund).unwrap();
        assert_eq!((notice.event, notice.provider_payment_id.as_str()), ("refund.succeeded", "p1"));
    }

    #[test]
    fn what_is_no_notice_is_passed_over() {
        let long = format!(
            r#"{{"type": "notification", "event": "payment.canceled", "object": {{"id": "{}"}}}}"#,
            "x".repeat(65)
        );
        for text in [
            "",
            "[]",
            "{}",
            r#"{"event": "payment.succeeded", "object": {"id": "p1"}}"#,
            r#"{"type": {}, "event": "payment.succeeded", "object": {"id": "p1"}}"#,
            r#"{"type": "notification", "event": "payment.succeeded"}"#,
            r#"{"type": "notification", "event": "payment.succeeded", "object": {"id": 7}}"#,
            r#"{"type": "notification", "event": "payout.succeeded", "object": {"id": "p1"}}"#,
            r#"{"type": "notification", "event": "payment.invented", "object": {"id": "p1"}}"#,
            r#"{"type": "notification", "event": "refund.succeeded", "object": {"id": "r1"}}"#,
            "{\"type\": \"notification\", \"event\": \"payment.canceled\", \"object\": {\"id\": \"a\\u0000b\"}}",
            &long,
        ] {
            assert_eq!(yookassa().read_notice(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_secret_key_is_not_printed() {
        assert!(!format!("{:?}", yookassa()).contains("\"key\""));
    }
}
