//! How far an import has come, as it comes: server-sent events, until it ends or waits for somebody.
//!
//! A stream asks the database twice a second. There are only so many at once, each lasts so long at most, and who reads
//! slower than they are written is cut off like every slow reader: programs that lose one ask again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use common::{
    accounts,
    ids::{PriceImportId, SupplierId},
    imports::{self, PriceImport},
    locale::Locale,
};
use futures_util::{Stream, stream};
use salvo::{
    async_trait,
    http::header::{CONTENT_TYPE, HeaderValue},
    oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc, ToSchema},
    prelude::{Depot, Request, Response, Writer},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{self, Instant},
};

use super::dto::ImportResponse;
use crate::{
    context::{Ctx, Services, Supplier},
    error::{ApiError, ApiResult},
    problem::ProblemCode,
    serve::Ending,
};

/// How many streams a process writes at once.
static PLACES: Semaphore = Semaphore::const_new(64);

/// How often a stream looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long nothing may be written: proxies take silence for an end.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a stream lasts at most: whoever is signed out meanwhile reads no longer than that.
const LASTS: Duration = Duration::from_secs(5 * 60);

/// The events of an import.
pub(crate) struct ImportEvents {
    services: Arc<Services>,
    supplier_id: SupplierId,
    first: PriceImport,
    locale: Locale,
    place: SemaphorePermit<'static>,
}

impl ImportEvents {
    /// Those of one of a supplier's imports.
    ///
    /// # Errors
    /// 404 for another's, 503 when as many streams as may be are written.
    pub(crate) async fn of(ctx: &Ctx, supplier: &Supplier, id: PriceImportId) -> ApiResult<Self> {
        let supplier_id = supplier.organization_id.into();
        let mut conn = ctx.read().await?;
        let locale = accounts::locale_of(&mut conn, supplier.user_id).await?;
        let first = imports::find(&mut conn, supplier_id, id).await?.ok_or_else(ApiError::not_found)?;
        drop(conn);
        let place = PLACES.try_acquire().map_err(|_| {
            let detail = "too many imports are being watched; ask for the import itself from time to time";
            ApiError::new(ProblemCode::Unavailable, detail)
        })?;
        Ok(Self { services: Arc::clone(ctx.shared()), supplier_id, first, locale, place })
    }

    /// Writes them until the import ends, or the process does.
    fn stream(self, ending: Ending) -> impl Stream<Item = Result<String, Infallible>> + Send + 'static {
        let now = Instant::now();
        let Self { services, supplier_id, first, locale, place } = self;
        let watch = Watch {
            services,
            supplier_id,
            id: first.id,
            locale,
            unseen: Some(first),
            shown: None,
            wrote: now,
            ends: now + LASTS,
            ending,
            is_over: false,
            _place: place,
        };
        stream::unfold(watch, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }
}

/// A stream as it is written.
struct Watch {
    services: Arc<Services>,
    supplier_id: SupplierId,
    id: PriceImportId,
    locale: Locale,
    unseen: Option<PriceImport>,
    shown: Option<String>,
    wrote: Instant,
    ends: Instant,
    ending: Ending,
    is_over: bool,
    _place: SemaphorePermit<'static>,
}

impl Watch {
    /// The next event, as soon as there is one.
    async fn next(&mut self) -> Option<String> {
        while !self.is_over {
            let import = match self.unseen.take() {
                Some(import) => Some(import),
                None => self.look().await,
            };
            let now = Instant::now();
            let is_last = |import: &PriceImport| import.status.has_ended() || import.status.awaits_decision();
            self.is_over =
                self.ending.has_begun() || now >= self.ends || import.as_ref().is_some_and(is_last);
            let import = import.map(|import| ImportResponse::of(import, self.locale));
            let import = import.and_then(|import| serde_json::to_string(&import).ok());
            if let Some(import) = import.filter(|import| self.shown.as_ref() != Some(import)) {
                let event = format!("event: import\ndata: {import}\n\n");
                (self.wrote, self.shown) = (now, Some(import));
                return Some(event);
            }
            if now >= self.wrote + SILENCE {
                self.wrote = now;
                return Some(": nothing new\n\n".to_owned());
            }
        }
        None
    }

    /// The import as it is after a moment; none while the database is away.
    async fn look(&self) -> Option<PriceImport> {
        time::sleep(LOOK_EVERY).await;
        let mut conn = self.services.db.pool().acquire().await.ok()?;
        imports::find(&mut conn, self.supplier_id, self.id).await.ok()?
    }
}

#[async_trait]
impl Writer for ImportEvents {
    async fn write(self, _: &mut Request, depot: &mut Depot, res: &mut Response) {
        let ending = depot.get_typed::<Ending>().cloned().unwrap_or_default();
        res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        res.stream(self.stream(ending));
    }
}

impl EndpointOutRegister for ImportEvents {
    fn register(components: &mut Components, operation: &mut Operation) {
        ImportResponse::to_schema(components);
        let answer = ResponseDoc::new(
            "Events `import`, whose data is the import as it is then, an `ImportResponse`: whenever it has changed, until it \
             ends or waits for somebody",
        );
        operation.responses.insert("200", answer.add_content("text/event-stream", Content::default()));
    }
}
