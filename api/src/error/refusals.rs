//! What each domain refuses, as an answer: every case of it, so that the compiler asks for a new one.

use common::{
    accounts::{AccountError, PasswordsError},
    addresses::KeepError,
    basket::{BasketError, Problem},
    db::CommitError,
    idempotency::IdempotencyError,
    imports::{
        DecideError, ExportError, ReceiveError, RevertError, formats::WriteError, urls::ScheduleError,
    },
    limits::LimitError,
    mail::{RenderError, ResendError, SampleError},
    orders::{CancelError, MoveError, PlaceError},
    payments::{BeginError, CaptureError, RefundError},
    queue::office::OfficeError,
    text::Invalid,
};

use super::{ApiError, RETRY_AFTER_S, chain};
use crate::{basket::dto::refusal, problem::ProblemCode};

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
            Problem::BelowMinimum => Self::BelowMinimum,
            Problem::NotAMultiple => Self::NotAMultiple,
            Problem::PriceChanged => Self::PriceChanged,
        }
    }
}

impl From<BasketError> for ApiError {
    fn from(error: BasketError) -> Self {
        match error {
            BasketError::OfferUnknown => Self::not_found(),
            BasketError::Refused { problem, orderable } => {
                Self::new(problem.into(), refusal(problem, &orderable))
                    .with("available", orderable.available)
                    .with("min_quantity", orderable.terms.min_quantity)
                    .with("multiple", orderable.terms.multiple)
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

impl From<ScheduleError> for ApiError {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::NoUrl => {
                Self::field("/price_list_url", Invalid::new("required", error.to_string()))
            }
            ScheduleError::Database(error) => error.into(),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        let disk = match error {
            ExportError::Database(error) => return error.into(),
            ExportError::Write(WriteError::Io(error)) => error,
            ExportError::Write(full) => return Self::new(ProblemCode::NotExportable, full.to_string()),
            ExportError::Broken(error) => std::io::Error::other(error),
        };
        sqlx::Error::Io(disk).into()
    }
}

impl From<DecideError> for ApiError {
    fn from(error: DecideError) -> Self {
        let code = match error {
            DecideError::Unknown => return Self::not_found(),
            DecideError::NotWaiting(_) => ProblemCode::ImportNotWaiting,
            DecideError::Outdated => ProblemCode::ImportOutdated,
            DecideError::OtherUnderWay => ProblemCode::ImportUnderWay,
            DecideError::Database(error) => return error.into(),
        };
        Self::new(code, error.to_string())
    }
}

impl From<RevertError> for ApiError {
    fn from(error: RevertError) -> Self {
        match error {
            RevertError::Unknown => Self::not_found(),
            RevertError::NotApplied(_) | RevertError::Forgotten => {
                Self::new(ProblemCode::ImportNotRevertible, error.to_string())
            }
            RevertError::Receive(error) => error.into(),
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
