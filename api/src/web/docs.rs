//! The reference: Swagger UI, which is made by salvo, under a policy as strict as it can bear.

use base64::{Engine, prelude::BASE64_STANDARD};
use salvo::{
    FlowCtrl, handler,
    http::{HeaderValue, ResBody, header::CONTENT_SECURITY_POLICY},
    prelude::{Depot, Request, Response},
};
use sha2::{Digest, Sha256};

/// Names the one script that stands in the page by its hash, and allows no other: it is salvo's, and may change with it.
#[handler]
pub(crate) async fn restrict(req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
    ctrl.call_next(req, depot, res).await;
    let script = match &res.body {
        ResBody::Once(page) => std::str::from_utf8(page).ok().and_then(inline_script),
        _ => None,
    };
    let hash = script.map(|script| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))));
    // The page styles itself as it goes, and its pictures stand in its styles.
    let policy = format!(
        "default-src 'none'; script-src 'self'{}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash.unwrap_or_default()
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        res.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

fn inline_script(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<script>")?;
    Some(rest.split_once("</script>")?.0)
}
