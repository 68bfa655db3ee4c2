//! HEAD: answered wherever GET is, by the same handlers, without the body.

use salvo::{
    FlowCtrl, Router, async_trait, handler,
    http::{Method, ResBody, header::CONTENT_LENGTH},
    prelude::{Depot, Request, Response},
    routing::{Filter, FilterInfo, PathState},
};

/// Lets every route for GET take HEAD too.
pub(crate) fn with_heads(mut router: Router) -> Router {
    for filter in &mut router.filters {
        if matches!(filter.info(), FilterInfo::Method(Method::GET)) {
            *filter = Box::new(GetOrHead);
        }
    }
    router.routers = std::mem::take(&mut router.routers).into_iter().map(with_heads).collect();
    router
}

/// Says how long the body would be: the server takes the body of an answer to HEAD away, and its length with it.
#[handler]
pub(crate) async fn announce_length(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    ctrl.call_next(req, depot, res).await;
    if req.method() == Method::HEAD
        && let ResBody::Once(body) = &res.body
    {
        let length = body.len();
        res.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

/// GET, as the OpenAPI document knows it, or HEAD.
#[derive(Debug)]
struct GetOrHead;

#[async_trait]
impl Filter for GetOrHead {
    async fn filter(&self, req: &mut Request, _: &mut PathState<'_>) -> bool {
        matches!(*req.method(), Method::GET | Method::HEAD)
    }

    fn info(&self) -> FilterInfo {
        FilterInfo::Method(Method::GET)
    }

    fn collect_methods(&self, methods: &mut Vec<Method>) {
        methods.extend([Method::GET, Method::HEAD]);
    }

    async fn filter_for_method(
        &self,
        _: &mut Request,
        _: &mut PathState<'_>,
        method: &Method,
    ) -> Option<bool> {
        Some(matches!(*method, Method::GET | Method::HEAD))
    }
}
