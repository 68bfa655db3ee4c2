//! What people do with their accounts.

mod approving;
mod changing;
mod closing;
mod registering;
mod sessions;
mod staff;

pub use approving::{approve_organization, find_organization, find_user};
pub use changing::{change_password, change_profile, check_reset, own_credentials, profile, reset_password};
pub use closing::{Activity, erase, set_active};
pub use registering::{confirm_email, mail_link, mint_token, register};
pub use sessions::{Session, end_session, find_credentials, refresh_session, start_session};
pub use staff::{StaffError, create_staff};

/// What an account refuses.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The link's token is unknown, used or expired.
    #[error("the token is unknown, was used already, or has expired")]
    TokenInvalid,
    /// The password that was offered as the current one is not, or not any more.
    #[error("the current password is another one")]
    WrongPassword,
    /// Nobody else of the operator could sign in then.
    #[error("this is the last account of the staff that is open")]
    LastStaff,
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// The refresh token is unknown, used or expired, or its session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
