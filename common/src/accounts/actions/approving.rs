//! Approving organizations: until then a supplier's offers are hidden, and a buyer has no invoice terms.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::AccountError;
use crate::{
    accounts::{
        OrganizationFilter, OrganizationKind, OrganizationSummary, UserFilter, UserSummary,
        store::{self, list_organizations, list_users},
    },
    catalog,
    config::TradeSettings,
    ids::{OrganizationId, UserId},
    mail::{self, MessageKind, NewMessage},
    page::Limit,
};

/// One user, as staff sees them; nobody when they were erased.
///
/// # Errors
/// When the database refuses.
pub async fn find_user(conn: &mut PgConnection, id: UserId) -> Result<Option<UserSummary>, sqlx::Error> {
    let filter = UserFilter { id: Some(id), ..UserFilter::default() };
    Ok(list_users(conn, &filter, None, Limit::default()).await?.pop())
}

/// One organization, as staff sees it.
///
/// # Errors
/// When the database refuses.
pub async fn find_organization(
    conn: &mut PgConnection,
    id: OrganizationId,
) -> Result<Option<OrganizationSummary>, sqlx::Error> {
    let filter = OrganizationFilter { id: Some(id), ..OrganizationFilter::default() };
    Ok(list_organizations(conn, &filter, None, Limit::default()).await?.pop())
}

/// Approves an organization and tells its people, once: false when it was approved before.
///
/// # Errors
/// [`AccountError::Unknown`].
pub async fn approve_organization(
    conn: &mut PgConnection,
    trade: &TradeSettings,
    now: OffsetDateTime,
    id: OrganizationId,
) -> Result<bool, AccountError> {
    let approved = store::approve(conn, id, now).await?;
    let organization = find_organization(conn, id).await?.ok_or(AccountError::Unknown)?;
    if !approved {
        return Ok(false);
    }
    if organization.kind == OrganizationKind::Supplier {
        catalog::relist_supplier(conn, id.into()).await?;
    }
    let people = store::people_of(conn, id).await?;
    let messages: Vec<NewMessage> = people
        .into_iter()
        .map(|person| NewMessage {
            cause: id.0,
            kind: MessageKind::OrganizationApproved,
            recipient: person.email,
            locale: person.locale,
            data: json!({
                "first_name": person.first_name,
                "organization": organization.name,
                "kind": organization.kind.as_str(),
                "sign_in_url": trade.link_in(person.locale, "/"),
            }),
            user_id: None,
        })
        .collect();
    mail::post(conn, now, &messages).await?;
    Ok(true)
}
