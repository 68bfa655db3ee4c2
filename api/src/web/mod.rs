//! The few pages that links in e-mails lead to. They work without scripts of others, under a strict policy.

use salvo::{
    handler,
    http::{HeaderValue, header},
    prelude::{Response, Text},
};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of a confirmation link. Opening it uses up nothing, since mail scanners open links too: the button
/// does.
#[handler]
pub async fn confirm_email_page(res: &mut Response) {
    page(res, include_str!("confirm_email.html"), "text/html; charset=utf-8");
}

/// What the button of the confirmation page does.
#[handler]
pub async fn confirm_email_script(res: &mut Response) {
    page(res, include_str!("confirm_email.js"), "text/javascript; charset=utf-8");
}

fn page(res: &mut Response, text: &'static str, form: &'static str) {
    res.render(Text::Plain(text));
    let headers = res.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // The address carries the token: it goes to nobody else, and into no cache.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
