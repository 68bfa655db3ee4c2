//! Creating one thing, however often its request is sent: the `Idempotency-Key` of a POST that creates.
//!
//! ```text
//! let request = idempotency.of(user_id, &[content]);
//! let mut tx = ctx.begin().await?;
//! if let Some(kept) = request.begin(&mut tx, ctx.now()).await? {
//!     tx.rollback().await?;               // before the answer, so that the key is free when it arrives
//!     return Ok(Answered::Again(kept));
//! }
//! let created = …;                       // a `Created` or an `Accepted`: only successes are kept
//! request.keep(&mut tx, ctx.now(), &created).await?;
//! tx.commit().await?;
//! Ok(Answered::First(created))
//! ```
//!
//! Without a key the same lines do nothing.

use common::{
    idempotency::{self, IdempotencyError, IdempotencyKey, KeptAnswer, KeyedRequest, RequestHash},
    ids::UserId,
    text::Invalid,
};
use salvo::{
    Extractible, async_trait,
    extract::Metadata,
    http::{HeaderValue, StatusCode},
    oapi::{
        BasicType, Components, EndpointArgRegister, EndpointOutRegister, Object, Operation, Parameter,
        ParameterIn,
    },
    prelude::{Depot, Request, Response, Writer},
};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    answer::{Accepted, Created, respond},
    error::ApiError,
};

/// The `Idempotency-Key` header of a request, if it was sent, and the line that it was sent with.
#[derive(Clone, Debug)]
pub struct Idempotency {
    key: Option<IdempotencyKey>,
    line: String,
}

impl Idempotency {
    /// The request as it is told from others: by its user, method, path, query and `content`.
    pub fn of(self, user_id: UserId, content: &[&[u8]]) -> Repeatable {
        let mut parts = vec![self.line.as_bytes()];
        parts.extend_from_slice(content);
        let hash = RequestHash::of(&parts);
        Repeatable(self.key.map(|key| KeyedRequest { user_id, key, hash }))
    }
}

/// A request that creates one thing, however often it is sent with its key.
#[derive(Clone, Debug)]
pub struct Repeatable(Option<KeyedRequest>);

impl Repeatable {
    /// Claims the key for the rest of the transaction, or finds the answer that was given before.
    ///
    /// # Errors
    /// When the key was used for another request, or the first one still runs.
    pub async fn begin(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
    ) -> Result<Option<KeptAnswer>, IdempotencyError> {
        match &self.0 {
            Some(request) => idempotency::begin(conn, now, request).await,
            None => Ok(None),
        }
    }

    /// Keeps the answer, in the transaction of what it created.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
        answer: &impl Keepable,
    ) -> Result<(), sqlx::Error> {
        match &self.0 {
            Some(request) => idempotency::keep(conn, now, request, &answer.to_kept()).await,
            None => Ok(()),
        }
    }
}

/// A success that can be given again.
pub trait Keepable {
    /// Its status, place and body.
    fn to_kept(&self) -> KeptAnswer;
}

impl<T: Serialize> Keepable for Created<T> {
    fn to_kept(&self) -> KeptAnswer {
        let body = serde_json::json!(self.body);
        KeptAnswer { status: 201, location: Some(self.location.clone()), body }
    }
}

impl<T: Serialize> Keepable for Accepted<T> {
    fn to_kept(&self) -> KeptAnswer {
        KeptAnswer { status: 202, location: self.location.clone(), body: serde_json::json!(self.body) }
    }
}

/// An answer, for the first time or once more.
#[derive(Debug)]
pub enum Answered<T> {
    /// The first request's.
    First(T),
    /// The same, to a request that was sent again.
    Again(KeptAnswer),
}

#[async_trait]
impl<T: Writer + Send> Writer for Answered<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        match self {
            Self::First(answer) => answer.write(req, depot, res).await,
            Self::Again(kept) => {
                res.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
                let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
                respond(res, status, kept.location.as_deref(), kept.body);
            }
        }
    }
}

impl<T: EndpointOutRegister> EndpointOutRegister for Answered<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        T::register(components, operation);
    }
}

impl<'ex> Extractible<'ex> for Idempotency {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Idempotency");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        let key = match req.headers().get("idempotency-key") {
            None => None,
            Some(value) => {
                let text =
                    value.to_str().map_err(|_| Invalid::new("invalid", "expected visible ASCII characters"));
                let key = text.and_then(IdempotencyKey::parse);
                Some(key.map_err(|invalid| ApiError::field("Idempotency-Key", invalid))?)
            }
        };
        // Without scheme and host: the same request may be sent again by another of the service's names.
        let target = req.uri().path_and_query().map_or("/", |target| target.as_str());
        Ok(Self { key, line: format!("{} {target}", req.method()) })
    }
}

impl EndpointArgRegister for Idempotency {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        let parameter = Parameter::new("Idempotency-Key")
            .location(ParameterIn::Header)
            .schema(Object::with_type(BasicType::String).max_length(255))
            .required(false)
            .description(
                "Makes the call repeatable for 24 hours: the same key and request replay the first answer",
            );
        operation.parameters.insert(parameter);
    }
}
