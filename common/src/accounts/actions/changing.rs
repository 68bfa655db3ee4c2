//! Changing what an account says, and its password.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::AccountError;
use crate::{
    accounts::{Credentials, PasswordHash, Profile, ProfileChange, Purpose, TokenSecret, store},
    ids::{SessionId, UserId},
};

/// A person, as they see themselves.
///
/// # Errors
/// When the database refuses.
pub async fn profile(conn: &mut PgConnection, user_id: UserId) -> Result<Option<Profile>, sqlx::Error> {
    store::find_profile(conn, user_id).await
}

/// Changes what a person says of themselves.
///
/// # Errors
/// When the database refuses.
pub async fn change_profile(
    conn: &mut PgConnection,
    user_id: UserId,
    change: &ProfileChange,
) -> Result<(), sqlx::Error> {
    store::change_profile(conn, user_id, change).await
}

/// What changing one's own password needs to know, while the account is open.
///
/// # Errors
/// When the database refuses.
pub async fn own_credentials(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Credentials>, sqlx::Error> {
    store::find_own_credentials(conn, user_id).await
}

/// Changes the password of somebody who has just shown that they know the present one, and ends all their other
/// sessions.
///
/// # Errors
/// [`AccountError::WrongPassword`] when it was changed meanwhile.
pub async fn change_password(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    owner: &Credentials,
    session_id: SessionId,
    to: &PasswordHash,
) -> Result<(), AccountError> {
    if !store::set_password(conn, owner.user_id, Some(&owner.password_hash), to).await? {
        return Err(AccountError::WrongPassword);
    }
    store::end_sessions(conn, owner.user_id, Some(session_id), now).await?;
    store::use_up_tokens(conn, owner.user_id, Purpose::ResetPassword, now).await?;
    Ok(())
}

/// Whether a link's token would be taken, before the work of hashing a password is done for it.
///
/// # Errors
/// [`AccountError::TokenInvalid`].
pub async fn check_reset(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    token: &TokenSecret,
) -> Result<(), AccountError> {
    if store::is_good(conn, &token.hash(), Purpose::ResetPassword, now).await? {
        Ok(())
    } else {
        Err(AccountError::TokenInvalid)
    }
}

/// Sets a new password for whoever was mailed a link, and ends all their sessions.
///
/// # Errors
/// [`AccountError::TokenInvalid`].
pub async fn reset_password(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    token: &TokenSecret,
    to: &PasswordHash,
) -> Result<(), AccountError> {
    store::lock_token_owner(conn, &token.hash()).await?;
    let user_id = store::use_token(conn, &token.hash(), Purpose::ResetPassword, now).await?;
    let user_id = user_id.ok_or(AccountError::TokenInvalid)?;
    if !store::set_password(conn, user_id, None, to).await? {
        return Err(AccountError::TokenInvalid);
    }
    store::end_sessions(conn, user_id, None, now).await?;
    store::use_up_tokens(conn, user_id, Purpose::ResetPassword, now).await?;
    Ok(())
}
