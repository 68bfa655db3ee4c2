//! The refusals of the API: one code for each, with its status and title, in one table.
//!
//! A code is what programs hold on to, and never changes; `type` of an answer is `/problems/<code>`.

use salvo::http::StatusCode;

macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:ident $code:literal, $title:literal;)+) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its word in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// Its title, the same in every answer.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

problems! {
    /// The body is no JSON.
    MalformedJson = BAD_REQUEST "malformed_json", "The body is not JSON";
    /// The request cannot be understood at all.
    BadRequest = BAD_REQUEST "bad_request", "The request cannot be understood";
    /// No valid access token.
    Unauthorized = UNAUTHORIZED "unauthorized", "Sign in first";
    /// Wrong e-mail or password.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials", "The e-mail or the password is wrong";
    /// The refresh token's session has ended.
    SessionEnded = UNAUTHORIZED "session_ended", "The session has ended";
    /// Another role is needed.
    Forbidden = FORBIDDEN "forbidden", "This is for another role";
    /// The address was never confirmed.
    EmailNotConfirmed = FORBIDDEN "email_not_confirmed", "Confirm your e-mail address first";
    /// There is no such thing, or it is somebody else's.
    NotFound = NOT_FOUND "not_found", "There is no such thing here";
    /// The path exists, the method does not.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed", "This method is not allowed here";
    /// The client took too long.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout", "The request took too long to arrive";
    /// The basket is empty.
    BasketEmpty = CONFLICT "basket_empty", "The basket is empty";
    /// The basket is full.
    BasketFull = CONFLICT "basket_full", "The basket is full";
    /// Fewer pieces are available.
    NotEnoughStock = CONFLICT "not_enough_stock", "There is not enough in stock";
    /// A price has moved.
    PriceChanged = CONFLICT "price_changed", "Prices have changed";
    /// An offer was withdrawn.
    Withdrawn = CONFLICT "withdrawn", "An offer was withdrawn";
    /// A supplier takes no orders.
    SupplierClosed = CONFLICT "supplier_closed", "The supplier takes no orders now";
    /// There is no such step.
    IllegalTransition = CONFLICT "illegal_transition", "The order cannot make this step";
    /// The organization keeps as many addresses as it may.
    TooManyAddresses = CONFLICT "too_many_addresses", "There are too many addresses";
    /// The first request with the key still runs.
    IdempotencyInFlight = CONFLICT "idempotency_in_flight", "The first request is still running";
    /// The body is too large.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large", "The body is too large";
    /// The body has another content type.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type", "This content type is not taken here";
    /// Some fields are wrong.
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed", "Some values are not right";
    /// The link's token is unknown, used or expired.
    TokenInvalid = UNPROCESSABLE_ENTITY "token_invalid", "The link is not valid any more";
    /// The key was used for another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused", "The key was used for another request";
    /// No such payment method here.
    PaymentMethodUnavailable = UNPROCESSABLE_ENTITY "payment_method_unavailable", "This payment method is not available";
    /// The total is beyond what can be kept.
    TotalTooLarge = UNPROCESSABLE_ENTITY "total_too_large", "The total is too large";
    /// Something here is broken.
    Internal = INTERNAL_SERVER_ERROR "internal", "Something went wrong on our side";
    /// Too much at once, or the database is away.
    Unavailable = SERVICE_UNAVAILABLE "unavailable", "The service is busy; try again soon";
}

impl ProblemCode {
    /// The code for a status that no handler of ours has set.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::ValidationFailed,
            // Salvo's concurrency limiter says 429 for what is our overload, its timeout 503.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}
