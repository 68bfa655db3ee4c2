//! What a handler refuses, as RFC 9457 `application/problem+json`.
//!
//! Each domain's refusals are mapped here, exhaustively. A 500 says nothing of the inside: its cause is
//! logged, once, with the request's id.

use common::{
    accounts::{AccountError, PasswordsError},
    addresses::KeepError,
    basket::{BasketError, Problem},
    db::CommitError,
    idempotency::IdempotencyError,
    imports::ReceiveError,
    limits::LimitError,
    mail::{RenderError, ResendError, SampleError},
    orders::{CancelError, MoveError, PlaceError},
    payments::{BeginError, CaptureError, RefundError},
    queue::office::OfficeError,
    text::Invalid,
};
use salvo::{
    async_trait,
    http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    oapi::{Components, EndpointOutRegister, Operation},
    prelude::{Depot, Request, Response, Writer},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{basket::dto::refusal, observe::RequestId, problem::ProblemCode};

/// What every handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// How long a client should wait when we are overloaded or the database is away, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// One value that is not right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where: a JSON pointer into the body, or the name of a query parameter or header.
    pub pointer: String,
    /// What, for programs.
    pub code: String,
    /// What was found and what was expected, for people.
    pub detail: String,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ProblemCode,
    detail: String,
    errors: Vec<FieldProblem>,
    extra: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// A refusal with a sentence for people.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let retry_after_s = (code == ProblemCode::Unavailable).then_some(RETRY_AFTER_S);
        Self { code, detail: detail.into(), errors: Vec::new(), extra: Map::new(), retry_after_s }
    }

    /// It was tried too often, and may be tried again in so many seconds.
    pub fn too_often(retry_after_s: u64) -> Self {
        let detail = format!("try again in {retry_after_s} seconds");
        Self { retry_after_s: Some(retry_after_s), ..Self::new(ProblemCode::TooManyRequests, detail) }
    }

    /// There is no such thing, or it is somebody else's: nobody is told which.
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound, "there is nothing at this address for you")
    }

    /// The body came too slowly.
    pub fn too_slow() -> Self {
        Self::new(ProblemCode::RequestTimeout, "the body stopped coming, or came too slowly; send it again")
    }

    /// Nobody knows whether it was done.
    pub fn outcome_unknown() -> Self {
        let detail =
            "it may have been done, or not: send it again with the same Idempotency-Key, or look first";
        Self::new(ProblemCode::Unavailable, detail)
    }

    /// Values that are not right, all of them.
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        let mut refusal = Self::new(ProblemCode::ValidationFailed, "see `errors` for what to mend");
        refusal.errors = errors;
        refusal
    }

    /// One value that is not right.
    pub fn field(pointer: &str, invalid: Invalid) -> Self {
        Self::fields(vec![FieldProblem {
            pointer: pointer.to_owned(),
            code: invalid.code.to_owned(),
            detail: invalid.detail,
        }])
    }

    /// Adds a member to the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.extra.insert(name.to_owned(), json!(value));
        self
    }

    /// What went wrong inside, which the client is not told.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = chain(error), "a request failed");
        Self::new(ProblemCode::Internal, "the error was noted; quote the request_id when you report it")
    }

    /// An answer of ours cannot be written as JSON.
    pub fn unwritable(error: &serde_json::Error) -> Self {
        Self::internal(error)
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// Writes it as the answer.
    pub fn render(self, depot: &Depot, res: &mut Response) {
        let request_id = depot.get_typed::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let mut body = self.extra;
        body.insert("type".into(), json!(format!("/problems/{}", self.code.as_str())));
        body.insert("title".into(), json!(self.code.title()));
        body.insert("status".into(), json!(self.code.status().as_u16()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("code".into(), json!(self.code.as_str()));
        body.insert("request_id".into(), json!(request_id));
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        res.status_code(self.code.status());
        if let Some(seconds) = self.retry_after_s {
            res.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == ProblemCode::RequestTimeout {
            // What may still come belongs to no request.
            res.headers_mut().insert(salvo::http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.code.status() == salvo::http::StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            res.headers_mut().insert(salvo::http::header::WWW_AUTHENTICATE, challenge);
        }
        res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        res.replace_body(salvo::http::ResBody::Once(Value::Object(body).to_string().into()));
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[async_trait]
impl Writer for ApiError {
    async fn write(self, _: &mut Request, depot: &mut Depot, res: &mut Response) {
        self.render(depot, res);
    }
}

impl EndpointOutRegister for ApiError {
    /// Nothing here: [`openapi`](crate::openapi) adds to each operation the refusals that it can give.
    fn register(_: &mut Components, _: &mut Operation) {}
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls};
        let code = error.as_database_error().and_then(|error| error.code());
        let busy = match (&error, code.as_deref()) {
            (PoolTimedOut | PoolClosed | Io(_) | Tls(_), _) => true,
            // Connections refused or cut, resources exhausted, the operator stepping in, locks and deadlocks.
            (_, Some(code)) => {
                ["08", "53", "57"].contains(&code.get(..2).unwrap_or_default())
                    || ["55P03", "40001", "40P01"].contains(&code)
            }
            _ => false,
        };
        if busy {
            tracing::warn!(error = chain(&error), "the database is busy or away");
            Self::new(ProblemCode::Unavailable, "the database did not answer in time; try again")
        } else {
            Self::internal(&error)
        }
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(error) => error.into(),
            CommitError::Unknown(_) => {
                tracing::warn!(error = chain(&error), "the outcome of a request is unknown");
                Self::outcome_unknown()
            }
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::TokenInvalid => Self::new(ProblemCode::TokenInvalid, error.to_string()),
            AccountError::WrongPassword => {
                Self::field("/current_password", Invalid::new("wrong", error.to_string()))
            }
            AccountError::LastStaff => Self::new(
                ProblemCode::LastStaff,
                "give somebody else an account first, so that one stays open",
            ),
            AccountError::Unknown => Self::not_found(),
            AccountError::SessionEnded => Self::new(ProblemCode::SessionEnded, "sign in again"),
            AccountError::Database(error) => error.into(),
        }
    }
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::TooMany => Self::new(ProblemCode::TooManyAddresses, error.to_string()),
            KeepError::Deserted => Self::new(ProblemCode::Unauthorized, "the account is closed"),
            KeepError::Database(error) => error.into(),
        }
    }
}

impl From<LimitError> for ApiError {
    fn from(error: LimitError) -> Self {
        match error {
            // A started second counts.
            LimitError::TooOften(left) => {
                Self::too_often(u64::try_from(left.whole_seconds()).unwrap_or(0).saturating_add(1))
            }
            LimitError::Database(error) => error.into(),
        }
    }
}

impl From<PasswordsError> for ApiError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Overloaded => {
                Self::new(ProblemCode::Unavailable, "too many people are signing in")
            }
            PasswordsError::Broken(_) => Self::internal(&error),
        }
    }
}

impl From<Problem> for ProblemCode {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Withdrawn => Self::Withdrawn,
            Problem::SupplierClosed => Self::SupplierClosed,
            Problem::NotEnoughStock => Self::NotEnoughStock,
            Problem::PriceChanged => Self::PriceChanged,
        }
    }
}

impl From<BasketError> for ApiError {
    fn from(error: BasketError) -> Self {
        match error {
            BasketError::OfferUnknown => Self::not_found(),
            BasketError::Refused { problem, available } => {
                Self::new(problem.into(), refusal(problem, available)).with("available", available)
            }
            BasketError::TooManyLines => Self::new(ProblemCode::BasketFull, error.to_string()),
            BasketError::Database(error) => error.into(),
        }
    }
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::BasketEmpty => {
                Self::new(ProblemCode::BasketEmpty, "put something into the basket first")
            }
            PlaceError::Drifted { problem, .. } => Self::new(
                problem.into(),
                "the basket no longer agrees with the catalogue; see `basket` for how it stands now",
            ),
            PlaceError::AddressUnknown => {
                Self::field("/address_id", Invalid::new("unknown", "your organization has no such address"))
            }
            PlaceError::PaymentMethodUnavailable => Self::new(
                ProblemCode::PaymentMethodUnavailable,
                "no card provider is set up, or your organization waits for approval",
            ),
            PlaceError::TotalTooLarge => Self::new(ProblemCode::TotalTooLarge, "split the order"),
            PlaceError::Database(error) => error.into(),
        }
    }
}

impl From<ResendError> for ApiError {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::Unknown => Self::not_found(),
            ResendError::UnderWay => Self::new(ProblemCode::MessageUnderWay, "it is queued or being sent"),
            ResendError::Database(error) => error.into(),
        }
    }
}

impl From<RenderError> for ApiError {
    fn from(error: RenderError) -> Self {
        Self::internal(&error)
    }
}

impl From<SampleError> for ApiError {
    fn from(error: SampleError) -> Self {
        Self::internal(&error)
    }
}

impl From<MoveError> for ApiError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Unknown => Self::not_found(),
            MoveError::Illegal { from, .. } => {
                Self::new(ProblemCode::IllegalTransition, error.to_string()).with("from", from)
            }
            MoveError::NotPaid(_) => Self::new(ProblemCode::NotPaid, error.to_string()),
            MoveError::Database(error) => error.into(),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Unknown => Self::not_found(),
            CancelError::NotCancelable(_) => Self::new(ProblemCode::NotCancelable, error.to_string()),
            CancelError::Database(error) => error.into(),
        }
    }
}

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        let code = match error {
            BeginError::Unknown => return Self::not_found(),
            BeginError::PaidByInvoice => ProblemCode::PaymentMethodUnavailable,
            BeginError::AlreadyPaid => ProblemCode::AlreadyPaid,
            BeginError::NothingToPay => ProblemCode::NothingToPay,
            BeginError::Database(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<CaptureError> for ApiError {
    fn from(error: CaptureError) -> Self {
        let code = match error {
            CaptureError::Unknown => return Self::not_found(),
            CaptureError::AlreadyPaid => ProblemCode::AlreadyPaid,
            CaptureError::NotWaiting { .. } => ProblemCode::NotWaiting,
            CaptureError::Database(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<RefundError> for ApiError {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::Unknown => Self::not_found(),
            RefundError::OtherPart => Self::field("/part_id", Invalid::new("unknown", error.to_string())),
            RefundError::TooMuch { left } => {
                Self::new(ProblemCode::RefundTooLarge, error.to_string()).with("left", left)
            }
            RefundError::Database(error) => error.into(),
        }
    }
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooMany => Self::new(ProblemCode::TooManyImports, error.to_string()),
            ReceiveError::Database(error) => error.into(),
        }
    }
}

impl From<OfficeError> for ApiError {
    fn from(error: OfficeError) -> Self {
        let code = match error {
            OfficeError::Unknown => return Self::not_found(),
            OfficeError::Standing(_) => ProblemCode::JobSettled,
            OfficeError::KeyTaken => ProblemCode::JobKeyTaken,
            OfficeError::Pointless(_) => ProblemCode::JobPointless,
            OfficeError::Database(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<IdempotencyError> for ApiError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Reused => Self::new(ProblemCode::IdempotencyKeyReused, error.to_string()),
            IdempotencyError::InFlight => Self {
                retry_after_s: Some(RETRY_AFTER_S),
                ..Self::new(ProblemCode::IdempotencyInFlight, error.to_string())
            },
            IdempotencyError::Database(error) => error.into(),
        }
    }
}
