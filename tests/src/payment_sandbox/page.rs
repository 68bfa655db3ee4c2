//! The pages for people: what there is, and where a buyer pays. Everything in them is escaped.

use std::sync::LazyLock;

use handlebars::Handlebars;
use serde_json::json;

use super::SandboxPayment;

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates
});

const LIST: &str = include_str!("page/list.html.hbs");
const PAY: &str = include_str!("page/pay.html.hbs");

/// All payments, newest first.
pub(super) fn list<'a>(payments: impl Iterator<Item = &'a SandboxPayment>) -> anyhow::Result<String> {
    let payments: Vec<_> = payments.map(summary).collect();
    Ok(TEMPLATES.render_template(LIST, &json!({ "payments": payments }))?)
}

/// Where a buyer pays.
pub(super) fn pay(payment: &SandboxPayment, said: Option<&str>) -> anyhow::Result<String> {
    let context = json!({
        "payment": summary(payment),
        "said": said,
        "waits": payment.status == super::SandboxStatus::Pending,
    });
    Ok(TEMPLATES.render_template(PAY, &context)?)
}

fn summary(payment: &SandboxPayment) -> serde_json::Value {
    json!({
        "id": payment.id,
        "status": payment.status,
        "amount": payment.amount,
        "refunded": payment.refunded,
        "currency": payment.currency,
        "description": payment.description.as_deref().unwrap_or_default(),
        // Only an address to go to, whatever a client has written.
        "return_url": payment.return_url.starts_with("http").then_some(&payment.return_url),
    })
}
