//! Signing in, staying so, signing out.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::AccountError;
use crate::{
    accounts::{
        Credentials, EmailAddress, TokenSecret,
        store::{self, Spent},
    },
    ids::SessionId,
};

/// How long a session lasts without being used.
const SESSION_LIFETIME: Duration = Duration::days(30);

/// A refresh token that is used again this soon was sent twice by its owner; later, it was stolen.
const REUSE_GRACE: Duration = Duration::seconds(10);

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

/// A session that goes on, and what its owner needs for that.
#[derive(Debug)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// Whose.
    pub owner: Credentials,
    /// Its next refresh token.
    pub refresh_token: TokenSecret,
}

/// Starts a session of somebody whose password was just verified; none when it was changed, or the account closed,
/// meanwhile.
///
/// # Errors
/// When the database refuses.
pub async fn start_session(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    owner: Credentials,
) -> Result<Option<Session>, sqlx::Error> {
    let id = SessionId::new();
    if !store::insert_session(conn, id, &owner, now).await? {
        return Ok(None);
    }
    let refresh_token = issue_refresh_token(conn, now, id).await?;
    Ok(Some(Session { id, owner, refresh_token }))
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
) -> Result<Session, AccountError> {
    match store::spend_refresh_token(conn, &token.hash(), now).await? {
        Spent::Now { session_id: id, owner } => {
            Ok(Session { id, owner, refresh_token: issue_refresh_token(conn, now, id).await? })
        }
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
) -> Result<TokenSecret, sqlx::Error> {
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
