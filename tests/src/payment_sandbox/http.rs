//! The sandbox over HTTP: YooKassa's API v3 under `/v3`, the page where a buyer pays, an overview, and the faults.
//!
//! `PUT /faults`, `DELETE /faults`, `PUT /notices` and `POST /expire/{id}` do what the methods of
//! [`PaymentSandbox`](super::PaymentSandbox) do.

use std::{io, sync::Arc, time::Duration};

use futures_util::stream;
use salvo::{
    FlowCtrl,
    conn::tcp::TcpAcceptor,
    http::{Method, header::AUTHORIZATION},
    prelude::{Depot, Json, Request, Response, Router, Server, StatusCode, Text, affix_state, handler},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time};

use super::{
    Fault, FaultKind, NoticeSettings, Operation, Provider, SECRET_KEY, SHOP_ID, page,
    wire::{NewPayment, NewRefund, Refusal, WireAmount},
};

/// No scripts, nothing from elsewhere.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/// Prepares to serve clients; the future does, until it is dropped.
pub(super) fn serve(
    listener: TcpListener,
    provider: Arc<Provider>,
) -> anyhow::Result<impl Future<Output = ()> + Send> {
    let api = Router::with_path("v3")
        .hoop(authenticate)
        .push(Router::with_path("payments").get(list_payments).post(operate))
        .push(Router::with_path("payments/{id}").get(operate))
        .push(Router::with_path("payments/{id}/capture").post(operate))
        .push(Router::with_path("payments/{id}/cancel").post(operate))
        .push(Router::with_path("refunds").get(operate).post(operate))
        .push(Router::with_path("refunds/{id}").get(operate));
    let router = Router::new()
        .hoop(affix_state::inject(provider))
        .get(overview)
        .push(api)
        .push(Router::with_path("pay/{id}").get(show_page).post(pay))
        .push(Router::with_path("expire/{id}").post(expire))
        .push(Router::with_path("notices").put(set_notices))
        .push(Router::with_path("faults").put(inject_fault).delete(clear_faults));
    let server = Server::new(TcpAcceptor::try_from(listener)?);
    Ok(async move {
        if let Err(error) = server.try_serve(router).await {
            tracing::error!(%error, "the payment sandbox has stopped");
        }
    })
}

/// The shared state; `serve` has put it there.
fn provider(depot: &Depot) -> Arc<Provider> {
    match depot.get_typed::<Arc<Provider>>() {
        Ok(provider) => Arc::clone(provider),
        Err(_) => unreachable!("serve has put it there"),
    }
}

#[handler]
fn authenticate(req: &mut Request, res: &mut Response, ctrl: &mut FlowCtrl) {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{SHOP_ID}:{SECRET_KEY}")));
    let given = req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given != Some(&expected) {
        let description = "Authentication failed".to_owned();
        let refusal = Refusal { status: 401, code: "invalid_credentials", description, parameter: None };
        refuse(res, &refusal);
        ctrl.skip_rest();
    }
}

/// What a request of the API asks for.
fn operation(method: &Method, path: &str) -> Operation {
    match (method == Method::POST, path) {
        (true, path) if path.ends_with("/capture") => Operation::Capture,
        (true, path) if path.ends_with("/cancel") => Operation::Cancel,
        (true, path) if path.ends_with("/refunds") => Operation::Refund,
        (true, _) => Operation::Create,
        (false, path) if path.contains("/refunds") => Operation::FindRefunds,
        (false, _) => Operation::Find,
    }
}

/// Does what is asked, or what the next fault makes of it.
#[handler]
async fn operate(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let provider = provider(depot);
    let operation = operation(req.method(), req.uri().path());
    let fault = provider.faults().strike(operation);
    if fault == Some(FaultKind::FailBefore) {
        return fail(res);
    }
    let mut answer = perform(&provider, operation, req).await;
    match fault {
        None | Some(FaultKind::FailBefore) => {}
        Some(FaultKind::FailAfter) => return fail(res),
        Some(FaultKind::LoseAnswer) => {
            let whole = answer.unwrap_or_default().to_string();
            let half = whole.get(..whole.len() / 2).unwrap_or_default().to_owned();
            return res.stream(stream::iter([Ok(half), Err(io::Error::other("the answer is lost"))]));
        }
        Some(FaultKind::Delay(ms)) => time::sleep(Duration::from_millis(ms)).await,
        Some(FaultKind::OtherAmount) => {
            if let Ok(answer) = &mut answer {
                answer["amount"]["value"] = json!("0.01");
            }
        }
    }
    match answer {
        Ok(answer) => res.render(Json(answer)),
        Err(refusal) => refuse(res, &refusal),
    }
}

async fn perform(provider: &Provider, operation: Operation, req: &mut Request) -> Result<Value, Refusal> {
    let id = req.param::<String>("id").unwrap_or_default();
    let payment_id = req.query::<String>("payment_id");
    let key = req.header::<String>("idempotence-key");
    let body = req.payload().await.map(|body| body.to_vec()).unwrap_or_default();
    let asked = format!("{operation:?} {id} {}", String::from_utf8_lossy(&body));
    let key = key.as_deref();
    provider.change(|ledger| match operation {
        Operation::Create => ledger.once(key, asked, |ledger| ledger.create(read::<NewPayment>(&body)?)),
        Operation::Find => ledger.find(&id),
        Operation::Capture => {
            let amount = if body.is_empty() { Value::Null } else { read::<Value>(&body)?["amount"].take() };
            let amount: Option<WireAmount> = serde_json::from_value(amount)
                .map_err(|error| Refusal::invalid("amount", error.to_string()))?;
            ledger.once(key, asked, |ledger| ledger.capture(&id, amount))
        }
        Operation::Cancel => ledger.once(key, asked, |ledger| ledger.cancel(&id)),
        Operation::Refund => ledger.once(key, asked, |ledger| ledger.refund(read::<NewRefund>(&body)?)),
        Operation::FindRefunds if id.is_empty() => Ok(ledger.list_refunds(payment_id.as_deref())),
        Operation::FindRefunds => ledger.find_refund(&id),
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid("body", error.to_string()))
}

fn refuse(res: &mut Response, refusal: &Refusal) {
    res.status_code(StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST));
    res.render(Json(json!({
        "type": "error",
        "id": uuid::Uuid::now_v7(),
        "code": refusal.code,
        "description": refusal.description,
        "parameter": refusal.parameter,
    })));
}

fn fail(res: &mut Response) {
    let description = "Internal server error".to_owned();
    refuse(res, &Refusal { status: 500, code: "internal_server_error", description, parameter: None });
}

#[handler]
fn list_payments(depot: &mut Depot, res: &mut Response) {
    res.render(Json(provider(depot).ledger().list_payments()));
}

#[handler]
fn overview(depot: &mut Depot, res: &mut Response) {
    let provider = provider(depot);
    let payments: Vec<_> = provider.ledger().payments().cloned().collect();
    render(res, page::list(payments.iter().rev()));
}

#[handler]
fn show_page(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    show(req, depot, res, None);
}

#[handler]
fn pay(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let id = req.param::<String>("id").unwrap_or_default();
    let declines = req.query::<bool>("decline").unwrap_or(false);
    let provider = provider(depot);
    let outcome = provider.change(|ledger| if declines { ledger.decline(&id) } else { ledger.pay(&id) });
    let said = match outcome {
        Ok(()) if declines => "The bank declined.".to_owned(),
        Ok(()) => "Thank you, it is paid.".to_owned(),
        Err(why) => {
            res.status_code(StatusCode::CONFLICT);
            why
        }
    };
    show(req, depot, res, Some(&said));
}

fn show(req: &mut Request, depot: &mut Depot, res: &mut Response, said: Option<&str>) {
    let id = req.param::<String>("id").unwrap_or_default();
    let provider = provider(depot);
    let payment = provider.ledger().payments().find(|payment| payment.id == id).cloned();
    match payment {
        Some(payment) => render(res, page::pay(&payment, said)),
        None => {
            res.status_code(StatusCode::NOT_FOUND).render(Text::Plain("There is no such payment.\n"));
        }
    }
}

#[handler]
fn expire(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let id = req.param::<String>("id").unwrap_or_default();
    match provider(depot).change(|ledger| ledger.expire(&id)) {
        Ok(()) => _ = res.status_code(StatusCode::NO_CONTENT),
        Err(why) => res.status_code(StatusCode::CONFLICT).render(Text::Plain(format!("{why}\n"))),
    }
}

#[handler]
async fn set_notices(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    match req.parse_json::<NoticeSettings>().await {
        Ok(settings) => {
            provider(depot).notices.set(settings);
            res.status_code(StatusCode::NO_CONTENT);
        }
        Err(error) => {
            res.status_code(StatusCode::BAD_REQUEST).render(Text::Plain(format!("no settings: {error}\n")));
        }
    }
}

#[handler]
async fn inject_fault(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    match req.parse_json::<Fault>().await {
        Ok(fault) => {
            provider(depot).faults().inject(fault);
            res.status_code(StatusCode::NO_CONTENT);
        }
        Err(error) => {
            res.status_code(StatusCode::BAD_REQUEST).render(Text::Plain(format!("not a fault: {error}\n")));
        }
    }
}

#[handler]
fn clear_faults(depot: &mut Depot, res: &mut Response) {
    provider(depot).faults().clear();
    res.status_code(StatusCode::NO_CONTENT);
}

fn render(res: &mut Response, page: anyhow::Result<String>) {
    for (name, value) in [
        ("content-security-policy", CONTENT_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        // The values are constants that are valid.
        _ = res.add_header(name, value, true);
    }
    match page {
        Ok(page) => res.render(Text::Html(page)),
        Err(error) => {
            tracing::error!(%error, "a page of the payment sandbox cannot be shown");
            res.status_code(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
