//! What operators' programs ask: is it alive, can it serve, how is it doing.

use std::sync::{Arc, LazyLock};

use metrics_exporter_prometheus::PrometheusHandle;
use salvo::{
    handler,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    prelude::{Depot, Response, Text},
};

use crate::{
    context::Services,
    error::{ApiError, ApiResult},
    openapi,
    problem::ProblemCode,
    serve::Ending,
};

/// Alive: the process answers.
#[handler]
pub async fn healthz() -> Text<&'static str> {
    Text::Plain("ok\n")
}

/// Ready: the database is reachable, understands Cyrillic, and is migrated; and the process is not about to end.
#[handler]
pub async fn readyz(depot: &mut Depot, res: &mut Response) -> ApiResult<()> {
    let services = depot.get_typed::<Arc<Services>>();
    let Ok(services) = services else { return Err(ApiError::not_found()) };
    if depot.get_typed::<Ending>().is_ok_and(Ending::has_begun) {
        return Err(ApiError::new(ProblemCode::Unavailable, "the process stops"));
    }
    match services.db.check_ready().await {
        Ok(()) => {
            res.status_code(StatusCode::OK);
            res.render(Text::Plain("ready\n"));
            Ok(())
        }
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(ApiError::new(ProblemCode::Unavailable, "the database is away or not migrated; see the log"))
        }
    }
}

/// Figures, in Prometheus' text form.
#[handler]
pub async fn metrics(depot: &mut Depot, res: &mut Response) {
    if let Ok(services) = depot.get_typed::<Arc<Services>>() {
        services.db.count_connections();
    }
    let text = depot.get_typed::<PrometheusHandle>().map(PrometheusHandle::render).unwrap_or_default();
    let form = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    res.render(Text::Plain(text));
    res.headers_mut().insert(CONTENT_TYPE, form);
}

/// The OpenAPI document of this build.
#[handler]
pub async fn openapi_document(res: &mut Response) {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());
    res.render(Text::Json(DOCUMENT.as_str()));
}
