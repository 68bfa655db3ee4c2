//! What people do with their accounts.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Credentials, EmailAddress, NewStaff, PasswordHash, Profile, Purpose, Registration, TokenSecret,
    store::{self, Spent},
};
use crate::{
    audit::{self, Action, Entry},
    config::TradeSettings,
    ids::{OrganizationId, SessionId, UserId},
    mail::{self, MessageKind, NewMessage},
};

/// How long a session lasts without being used.
const SESSION_LIFETIME: Duration = Duration::days(30);

/// A refresh token that is used again this soon was sent twice by its owner; later, it was stolen.
const REUSE_GRACE: Duration = Duration::seconds(10);

/// What an account refuses.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The link's token is unknown, used or expired.
    #[error("the token is unknown, was used already, or has expired")]
    TokenInvalid,
    /// The refresh token is unknown, used or expired, or its session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Founds an organization with its first user, and mails them a link to confirm the address.
///
/// An address that was never confirmed starts afresh with everything of this registration. The owner of a
/// confirmed one gets a note instead; nothing here tells the caller which it was.
///
/// # Errors
/// When the database refuses.
pub async fn register(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    registration: &Registration,
    password_hash: &PasswordHash,
) -> Result<(), AccountError> {
    let holder = store::lock_address(conn, &registration.email).await?;
    let message = match holder {
        Some(owner) if owner.confirmed => NewMessage {
            cause: Uuid::now_v7(),
            kind: MessageKind::AddressKnown,
            recipient: owner.email,
            locale: owner.locale,
            data: json!({ "first_name": owner.first_name, "sign_in_url": trade.link("/") }),
            user_id: None,
        },
        unconfirmed => {
            if let Some(deserted) = unconfirmed {
                store::delete_user_and_organization(conn, deserted.id, deserted.organization_id).await?;
            }
            let (organization_id, user_id) = (OrganizationId::new(), UserId::new());
            let approved_at = (!trade.require_approval).then_some(now);
            store::insert_organization(conn, organization_id, registration, approved_at, now).await?;
            store::insert_user(conn, user_id, organization_id, registration, password_hash, now).await?;
            NewMessage {
                cause: user_id.0,
                kind: MessageKind::ConfirmRegistration,
                recipient: registration.email.as_str().to_owned(),
                locale: registration.locale,
                data: json!({ "first_name": registration.first_name }),
                user_id: Some(user_id),
            }
        }
    };
    mail::post(conn, now, &[message]).await?;
    Ok(())
}

/// Why somebody was not given an account for staff.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// There is an account with this address.
    #[error("there is an account with the address {0} already; nothing was changed")]
    AddressKnown(String),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Gives somebody an account for staff, in the one organization that runs the installation, and founds that when
/// they are its first. A registration of the address that was never confirmed gives way.
///
/// # Errors
/// [`StaffError::AddressKnown`]; nothing is changed then.
pub async fn create_staff(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    staff: &NewStaff,
    password_hash: &PasswordHash,
) -> Result<UserId, StaffError> {
    match store::lock_address(conn, &staff.email).await? {
        Some(owner) if owner.confirmed => return Err(StaffError::AddressKnown(owner.email)),
        Some(deserted) => {
            store::delete_user_and_organization(conn, deserted.id, deserted.organization_id).await?;
        }
        None => {}
    }
    let organization_id = store::find_or_found_operator(conn, now).await?;
    let user_id = UserId::new();
    store::insert_staff(conn, user_id, organization_id, staff, password_hash, now).await?;
    let entry = Entry { by: None, action: Action::CreateStaff(user_id), details: json!({}) };
    audit::record(conn, now, &entry).await?;
    Ok(user_id)
}

/// Makes a token for a user, to be mailed to them: called when the message goes out.
///
/// # Errors
/// When the database refuses.
pub async fn mint_token(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    purpose: Purpose,
) -> Result<TokenSecret, sqlx::Error> {
    let secret = TokenSecret::generate()?;
    store::insert_token(conn, &secret.hash(), user_id, purpose, now + purpose.lifetime()).await?;
    Ok(secret)
}

/// Confirms the address that a link's token was mailed to.
///
/// # Errors
/// [`AccountError::TokenInvalid`].
pub async fn confirm_email(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    token: &TokenSecret,
) -> Result<(), AccountError> {
    store::lock_token_owner(conn, &token.hash()).await?;
    let user_id = store::use_token(conn, &token.hash(), Purpose::ConfirmEmail, now)
        .await?
        .ok_or(AccountError::TokenInvalid)?;
    store::confirm_user(conn, user_id, now).await?;
    Ok(())
}

/// What signing in needs to know of the account with this address, if there is one that is open.
///
/// # Errors
/// When the database refuses.
pub async fn find_credentials(
    conn: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Credentials>, sqlx::Error> {
    store::find_credentials(conn, email).await
}

/// Starts a session and returns its first refresh token.
///
/// # Errors
/// When the database refuses.
pub async fn start_session(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
) -> Result<TokenSecret, AccountError> {
    let session_id = SessionId::new();
    store::insert_session(conn, session_id, user_id, now).await?;
    issue_refresh_token(conn, now, session_id).await
}

/// Spends a refresh token on the session's next one, and says whose session it is.
///
/// A token that was spent before ends the whole session, unless it was spent a moment ago: then its owner
/// merely asked twice. Both are the same refusal; the caller commits either way.
///
/// # Errors
/// [`AccountError::SessionEnded`].
pub async fn refresh_session(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    token: &TokenSecret,
) -> Result<(Credentials, TokenSecret), AccountError> {
    match store::spend_refresh_token(conn, &token.hash(), now).await? {
        Spent::Now { session_id, owner } => Ok((owner, issue_refresh_token(conn, now, session_id).await?)),
        Spent::Before { session_id, at } => {
            if now - at > REUSE_GRACE {
                store::end_session(conn, session_id, now).await?;
            }
            Err(AccountError::SessionEnded)
        }
        Spent::Unknown => Err(AccountError::SessionEnded),
    }
}

async fn issue_refresh_token(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    session_id: SessionId,
) -> Result<TokenSecret, AccountError> {
    let secret = TokenSecret::generate()?;
    store::insert_refresh_token(conn, &secret.hash(), session_id, now, now + SESSION_LIFETIME).await?;
    Ok(secret)
}

/// Ends the session that a refresh token belongs to. An unknown token ends nothing, and is no error.
///
/// # Errors
/// When the database refuses.
pub async fn end_session(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    token: &TokenSecret,
) -> Result<(), sqlx::Error> {
    store::end_session_of_token(conn, &token.hash(), now).await
}

/// A person, as they see themselves.
///
/// # Errors
/// When the database refuses.
pub async fn profile(conn: &mut PgConnection, user_id: UserId) -> Result<Option<Profile>, sqlx::Error> {
    store::find_profile(conn, user_id).await
}
