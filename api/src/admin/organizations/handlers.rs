//! Finding organizations, and approving them.

use common::{
    accounts::{self, OrganizationFilter, OrganizationKind},
    audit::{self, Action, Entry},
    ids::OrganizationId,
    text,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use serde_json::json;

use super::dto::{OrganizationResponse, OrganizationsResponse};
use crate::{
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId},
};

/// The longest words that are looked for.
const MAX_WORDS: usize = 200;

/// All organizations, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("q" = Option<String>, Query, description = "Only those that have this in their name"),
        ("kind" = Option<String>, Query, description = "Only `buyer`, `supplier` or `operator`"),
        ("approved" = Option<bool>, Query, description = "Only those that are approved, or only those that wait"),
    ),
)]
pub(crate) async fn list_organizations(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<OrganizationId>,
) -> ApiResult<Json<OrganizationsResponse>> {
    let PageQuery { paging, mut query } = query;
    let filter = OrganizationFilter {
        id: None,
        words: query.take("q", |words| text::one_line(words, MAX_WORDS)),
        kind: query.take_word("kind", "buyer, supplier or operator", OrganizationKind::parse),
        approved: query.take_bool("approved"),
    };
    query.finish()?;
    let mut conn = ctx.read().await?;
    let organizations = accounts::list_organizations(&mut conn, &filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(organizations, |organization| organization.id).into()))
}

/// Approves an organization: a supplier's offers show, a buyer has invoice terms. Its people are told by e-mail, once,
/// however often it is approved.
#[endpoint(tags("admin"))]
pub(crate) async fn approve_organization(
    ctx: Ctx,
    staff: Staff,
    id: PathId<OrganizationId>,
) -> ApiResult<Json<OrganizationResponse>> {
    let mut tx = ctx.begin().await?;
    if accounts::approve_organization(&mut tx, ctx.trade(), ctx.now(), id.0).await? {
        let action = Action::ApproveOrganization(id.0);
        let entry = Entry { by: Some(staff.user_id), action, details: json!({}) };
        audit::record(&mut tx, ctx.now(), &entry).await?;
    }
    let organization = accounts::find_organization(&mut tx, id.0).await?;
    tx.commit().await?;
    Ok(Json(organization.ok_or_else(ApiError::not_found)?.into()))
}
