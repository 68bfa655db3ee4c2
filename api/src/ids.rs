//! Ids in paths: where one stands, a route takes what is written like one, and nothing else.
//!
//! Otherwise `jobs/{id}` would take `jobs/retry`, too, and GET there would be 404, for a job of that name, where it is 405.

use salvo::{
    Router,
    routing::{FilterInfo, PathFilter},
};

/// The one spelling that we write, as `common::ids` reads it; salvo wants it whole.
const UUID: &str = "[0-9A-Fa-f-]{36}";

/// Restricts `{id}`, and every `{…_id}`, in the paths of all routes.
pub(crate) fn with_ids(mut router: Router) -> Router {
    for filter in &mut router.filters {
        if let FilterInfo::Path(path) = filter.info()
            && path.contains("id}")
        {
            *filter = Box::new(PathFilter::new(path.replace("id}", &format!("id|{UUID}}}"))));
        }
    }
    router.routers = std::mem::take(&mut router.routers).into_iter().map(with_ids).collect();
    router
}
