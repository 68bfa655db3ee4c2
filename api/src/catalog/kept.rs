//! Answers of the catalogue, kept for at most a second.
//!
//! What is kept are the bytes of the answer with their `ETag`, so that an answer given again costs no query and no JSON.
//! Of a page that many ask for at the same time one request reads the database and the others wait for it. An error is
//! told to whoever waits and then forgotten. Nobody's identity plays a part: the catalogue is the same for everybody.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::{
    ids::{CategoryId, ProductId, SupplierId},
    page::Limit,
};
use moka::{Expiry, future::Cache};
use salvo::{
    async_trait,
    http::{
        HeaderMap, ResBody, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH},
    },
    oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc, ToSchema},
    prelude::{Depot, Request, Response, Writer},
};
use serde::Serialize;

use crate::{
    context::Ctx,
    error::{ApiError, ApiResult},
};

/// How old an answer may be, counted from before its query.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// What an entry takes beside the bytes of its answer, about.
const ENTRY_BYTES: usize = 512;

/// Which answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A page of products, in its one spelling.
    Products(String),
    /// A product card.
    Card(ProductId),
    /// A page of suppliers.
    Suppliers(Option<SupplierId>, Limit),
    /// One supplier.
    Supplier(SupplierId),
    /// A page of categories.
    Categories(Option<CategoryId>, Limit),
}

/// The bytes of an answer.
#[derive(Clone, Debug)]
struct Answer {
    body: Bytes,
    etag: HeaderValue,
    read_at: Instant,
}

impl Answer {
    fn of(body: Vec<u8>, read_at: Instant) -> Self {
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", hash.finish()));
        Self { body: body.into(), etag: etag.unwrap_or(HeaderValue::from_static("\"\"")), read_at }
    }
}

/// The answers that are kept; cloning is cheap. The same for every API process of a build.
#[derive(Clone)]
pub struct CatalogCache(Option<Cache<Key, Answer>>);

impl CatalogCache {
    /// One of at most so many bytes; of none, nothing is kept.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|key, answer: &Answer| {
                let key = if let Key::Products(spelling) = key { spelling.len() } else { 0 };
                u32::try_from(ENTRY_BYTES + key + answer.body.len()).unwrap_or(u32::MAX)
            })
            .expire_after(SinceRead)
            .build();
        Self((max_bytes > 0).then_some(cache))
    }

    /// The answer of this key: a kept one, or what `read` comes to.
    async fn get<T: Serialize>(
        &self,
        key: Key,
        read: impl Future<Output = ApiResult<T>> + Send,
    ) -> ApiResult<Answer> {
        let answer = async {
            let read_at = Instant::now();
            let body = serde_json::to_vec(&read.await?).map_err(|error| ApiError::unwritable(&error))?;
            Ok(Answer::of(body, read_at))
        };
        match &self.0 {
            None => answer.await,
            Some(cache) => {
                cache.try_get_with(key, answer).await.map_err(|error: Arc<ApiError>| ApiError::clone(&error))
            }
        }
    }
}

/// An answer's second begins before its query.
struct SinceRead;

impl Expiry<Key, Answer> for SinceRead {
    fn expire_after_create(&self, _: &Key, answer: &Answer, created_at: Instant) -> Option<Duration> {
        Some(KEPT_FOR.saturating_sub(created_at.saturating_duration_since(answer.read_at)))
    }
}

impl Ctx {
    /// The answer of this key: a kept one, or what `read` comes to.
    pub(super) async fn kept<T: Serialize>(
        &self,
        key: Key,
        read: impl Future<Output = ApiResult<T>> + Send,
    ) -> ApiResult<Kept<T>> {
        let answer = self.services().catalog.get(key, read).await?;
        Ok(Kept { answer, of: PhantomData })
    }
}

/// An answer of the catalogue: 304 to whoever has it already.
pub(crate) struct Kept<T> {
    answer: Answer,
    of: PhantomData<fn() -> T>,
}

#[async_trait]
impl<T> Writer for Kept<T> {
    async fn write(self, req: &mut Request, _: &mut Depot, res: &mut Response) {
        let Answer { body, etag, .. } = self.answer;
        let is_known = knows(req.headers(), &etag);
        let headers = res.headers_mut();
        headers.insert(ETAG, etag);
        // Whoever keeps it asks whether it still holds: kept again elsewhere, it would be older than a second.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if is_known {
            res.status_code(StatusCode::NOT_MODIFIED);
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            res.status_code(StatusCode::OK);
            res.body(ResBody::Once(body));
        }
    }
}

/// Whether the request names this `ETag` among those that the client has.
fn knows(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut named = named.flat_map(|value| value.split(',')).map(str::trim);
    named.any(|tag| tag == "*" || tag.trim_start_matches("W/").as_bytes() == etag.as_bytes())
}

impl<T: ToSchema> EndpointOutRegister for Kept<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        let content = Content::new(T::to_schema(components));
        let found = ResponseDoc::new("At most one second old; `ETag` names this state of it");
        operation.responses.insert("200", found.add_content("application/json", content));
        operation.responses.insert("304", ResponseDoc::new("It still is what `If-None-Match` names"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{sync::Semaphore, task::JoinSet};

    use super::*;
    use crate::problem::ProblemCode;

    const CARD: Key = Key::Card(ProductId(uuid::Uuid::nil()));

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_reads() {
        let (cache, reads, gate) =
            (CatalogCache::new(1 << 20), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let (cache, reads, gate) = (cache.clone(), reads.clone(), gate.clone());
            asking.spawn(async move {
                let read = async {
                    reads.fetch_add(1, Ordering::Relaxed);
                    let _passed = gate.acquire().await;
                    Ok("card")
                };
                cache.get(CARD, read).await.map(|answer| answer.body)
            });
        }
        // All of them have begun to wait before the one that reads may end.
        while reads.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(100);
        while let Some(body) = asking.join_next().await {
            assert_eq!(body.expect("no panic").expect("an answer"), "\"card\"");
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let cache = CatalogCache::new(1 << 20);
        let failing = async { Err::<(), _>(ApiError::not_found()) };
        let refused = cache.get(CARD, failing).await.expect_err("a refusal");
        assert_eq!(refused.code(), ProblemCode::NotFound);
        let answer = cache.get(CARD, async { Ok(1) }).await.expect("an answer");
        assert_eq!(answer.body, "1");
    }

    #[tokio::test]
    async fn more_than_it_may_hold_is_not_kept() {
        let cache = CatalogCache::new(100_000);
        for page in 0..1_000 {
            let key = Key::Products(page.to_string());
            cache.get(key, async { Ok("x".repeat(1_000)) }).await.expect("an answer");
        }
        let kept = cache.0.expect("a cache");
        kept.run_pending_tasks().await;
        assert!((1..=100).contains(&kept.entry_count()), "{}", kept.entry_count());
        assert!(kept.weighted_size() <= 100_000, "{}", kept.weighted_size());
    }

    #[tokio::test]
    async fn without_room_nothing_is_kept() {
        let cache = CatalogCache::new(0);
        for answer in [1, 2] {
            let kept = cache.get(CARD, async { Ok(answer) }).await.expect("an answer");
            assert_eq!(kept.body, answer.to_string());
        }
    }

    #[test]
    fn a_client_may_name_several_states() {
        let etag = HeaderValue::from_static("\"b\"");
        for (named, known) in [
            ("\"a\"", false),
            ("\"a\", \"b\"", true),
            ("W/\"b\"", true),
            ("*", true),
            ("b", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(named));
            assert_eq!(knows(&headers, &etag), known, "{named}");
        }
    }
}
