//! Giving accounts to the operator's own people.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    accounts::{NewStaff, PasswordHash, store},
    audit::{self, Action, Entry},
    ids::UserId,
};

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
        Some(owner) if owner.settled => return Err(StaffError::AddressKnown(owner.email)),
        Some(deserted) => {
            store::delete_deserted(conn, Some(&deserted)).await?;
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
