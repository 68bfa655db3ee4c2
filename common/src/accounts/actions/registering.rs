//! Registering, and showing that an address is one's own.
//!
//! Whatever is asked about an address, the same is done whether or not anybody has it: the same statements, the
//! same jobs. Neither the answer nor the time it takes tells a stranger who has an account.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::AccountError;
use crate::{
    accounts::{
        EmailAddress, PasswordHash, Purpose, Registration, TokenSecret,
        store::{self, Founding},
    },
    config::TradeSettings,
    ids::{OrganizationId, UserId},
    mail::{self, MessageKind, NewMessage},
    suppliers,
};

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
    let (known, deserted) = match holder {
        Some(owner) if owner.settled => (Some(owner), None),
        holder => (None, holder),
    };
    if let Some(left) = store::delete_deserted(conn, deserted.as_ref()).await? {
        // Nobody is there any more to fulfil what it sells.
        suppliers::set_accepting_orders(conn, left, false, now).await?;
    }
    let founding = Founding {
        organization_id: OrganizationId::new(),
        user_id: UserId::new(),
        registration,
        password_hash,
        approved_at: (!trade.require_approval).then_some(now),
        meant: known.is_none(),
    };
    store::found(conn, &founding, now).await?;
    let message = match known {
        Some(owner) => NewMessage {
            cause: Uuid::now_v7(),
            kind: MessageKind::AddressKnown,
            recipient: owner.email,
            locale: owner.locale,
            data: json!({
                "first_name": owner.first_name,
                "sign_in_url": trade.link_in(owner.locale, "/"),
                "reset_url": trade.link_in(owner.locale, "/password-reset"),
            }),
            user_id: None,
        },
        None => NewMessage {
            cause: founding.user_id.0,
            kind: MessageKind::ConfirmRegistration,
            recipient: registration.email.as_str().to_owned(),
            locale: registration.locale,
            data: json!({ "first_name": registration.first_name }),
            user_id: Some(founding.user_id),
        },
    };
    mail::post(conn, now, &[message]).await?;
    Ok(())
}

/// Mails a secret link to whoever has an open account with this address: one that confirms it while it is not
/// confirmed, one that resets the password once it is.
///
/// # Errors
/// When the database refuses.
pub async fn mail_link(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    email: &EmailAddress,
    wanted: Purpose,
) -> Result<(), sqlx::Error> {
    let owner = store::find_open(conn, email).await?;
    let kind = match (wanted, &owner) {
        (_, Some(owner)) if !owner.settled => Some(MessageKind::ConfirmRegistration),
        (Purpose::ResetPassword, Some(_)) => Some(MessageKind::ResetPassword),
        // Who has confirmed needs no link for it.
        (Purpose::ConfirmEmail, Some(_)) | (_, None) => None,
    };
    match (owner, kind) {
        (Some(owner), Some(kind)) => {
            let message = NewMessage {
                cause: Uuid::now_v7(),
                kind,
                recipient: owner.email,
                locale: owner.locale,
                data: json!({ "first_name": owner.first_name }),
                user_id: Some(owner.id),
            };
            mail::post(conn, now, &[message]).await
        }
        _ => {
            let nobody = NewMessage {
                cause: Uuid::now_v7(),
                kind: MessageKind::ResetPassword,
                recipient: email.as_str().to_owned(),
                locale: trade.default_locale,
                data: Value::Null,
                user_id: None,
            };
            mail::pretend(conn, now, &nobody).await
        }
    }
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

/// Confirms the address that a link's token was mailed to, and tells the administrator of an organization that waits
/// for approval from now on.
///
/// # Errors
/// [`AccountError::TokenInvalid`].
pub async fn confirm_email(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    token: &TokenSecret,
) -> Result<(), AccountError> {
    store::lock_token_owner(conn, &token.hash()).await?;
    let user_id = store::use_token(conn, &token.hash(), Purpose::ConfirmEmail, now)
        .await?
        .ok_or(AccountError::TokenInvalid)?;
    store::confirm_user(conn, user_id, now).await?;
    if let Some(admin) = trade.admin_email.as_ref().filter(|_| trade.require_approval)
        && let Some(waiting) = store::find_waiting(conn, user_id).await?
    {
        let message = NewMessage {
            cause: waiting.id.0,
            kind: MessageKind::OrganizationWaiting,
            recipient: admin.as_str().to_owned(),
            locale: trade.default_locale,
            data: json!({
                "organization": waiting.name,
                "kind": waiting.kind.as_str(),
                "approve": format!("POST /api/v1/admin/organizations/{}/approve", waiting.id),
            }),
            user_id: None,
        };
        mail::post(conn, now, &[message]).await?;
    }
    Ok(())
}
