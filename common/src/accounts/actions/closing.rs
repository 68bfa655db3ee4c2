//! Closing accounts: by staff, who may open them again, and by their owners, for good.
//!
//! Either ends every session in the same transaction, and each request asks for its session: a closed account stops
//! at once, whatever its tokens say.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::AccountError;
use crate::{
    accounts::{
        EmailAddress, OrganizationKind,
        store::{self, Member},
    },
    addresses, basket, idempotency,
    ids::UserId,
    imports::urls::end_schedule,
    mail, suppliers,
};

/// What became of asking that an account be open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It is so now.
    Changed,
    /// It was so before.
    AsBefore,
}

/// Closes somebody's account, or opens it again.
///
/// # Errors
/// [`AccountError::Unknown`]; [`AccountError::LastStaff`], since nobody could open it again.
pub async fn set_active(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
    active: bool,
) -> Result<Activity, AccountError> {
    let member = store::lock_member(conn, user_id).await?.ok_or(AccountError::Unknown)?;
    if member.open == active {
        return Ok(Activity::AsBefore);
    }
    if !active {
        refuse_last_staff(&member)?;
    }
    store::set_closed(conn, user_id, (!active).then_some(now)).await?;
    if !active {
        store::end_sessions(conn, user_id, None, now).await?;
        stop_selling_without_people(conn, now, &member).await?;
    }
    Ok(Activity::Changed)
}

/// Erases somebody's account at their own wish: signs them out everywhere and removes what is personal. Orders keep
/// what they say of who bought and where it went; the address can be registered again.
///
/// # Errors
/// [`AccountError::LastStaff`]; [`AccountError::Unknown`] when it was closed meanwhile.
pub async fn erase(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    user_id: UserId,
) -> Result<(), AccountError> {
    let member = store::lock_member(conn, user_id).await?.ok_or(AccountError::Unknown)?;
    if !member.open {
        return Err(AccountError::Unknown);
    }
    refuse_last_staff(&member)?;
    let nobody = EmailAddress::of_nobody();
    basket::clear(conn, now, user_id).await?;
    store::erase_user(conn, user_id, &nobody, now).await?;
    idempotency::forget(conn, user_id).await?;
    mail::forget(conn, &member.email, &nobody).await?;
    stop_selling_without_people(conn, now, &member).await?;
    if member.last {
        addresses::delete_all(conn, member.organization_id).await?;
        store::erase_organization_name(conn, member.organization_id).await?;
    }
    Ok(())
}

fn refuse_last_staff(member: &Member) -> Result<(), AccountError> {
    if member.kind == OrganizationKind::Operator && member.last {
        return Err(AccountError::LastStaff);
    }
    Ok(())
}

/// Nobody is left who could fulfil an order, or turn order taking off.
async fn stop_selling_without_people(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    member: &Member,
) -> Result<(), sqlx::Error> {
    if member.kind == OrganizationKind::Supplier && member.last {
        suppliers::set_accepting_orders(conn, member.organization_id.into(), false, now).await?;
        end_schedule(conn, member.organization_id.into()).await?;
    }
    Ok(())
}
