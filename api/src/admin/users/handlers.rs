//! Finding people, closing their accounts and opening them again.

use common::{
    accounts::{self, Activity, OrganizationKind, Role, UserFilter},
    audit::{self, Action, Entry},
    ids::UserId,
    text,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use serde_json::json;

use super::dto::{UserRequest, UserResponse, UsersResponse};
use crate::{
    body::Body,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId},
};

/// The longest words that are looked for.
const MAX_WORDS: usize = 200;

/// Everybody, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("q" = Option<String>, Query, description = "Only whoever has this in their address, name, company or \
            organization"),
        ("role" = Option<String>, Query, description = "Only `buyer`, `supplier` or `staff`"),
        ("active" = Option<bool>, Query, description = "Only open accounts, or only closed ones"),
        ("organization_id" = Option<String>, Query, description = "Only the people of this organization"),
    ),
)]
pub(crate) async fn list_users(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<UserId>,
) -> ApiResult<Json<UsersResponse>> {
    let PageQuery { paging, mut query } = query;
    let filter = UserFilter {
        id: None,
        words: query.take("q", |words| text::one_line(words, MAX_WORDS)),
        kind: query.take_word("role", "buyer, supplier or staff", Role::parse).map(OrganizationKind::from),
        active: query.take_bool("active"),
        organization_id: query.take_id("organization_id"),
    };
    query.finish()?;
    let users = accounts::list_users(&mut *ctx.read().await?, &filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(users, |user| user.id).into()))
}

/// Closes an account, or opens it again. The last open account of the staff stays open.
#[endpoint(tags("admin"))]
pub(crate) async fn patch_user(
    ctx: Ctx,
    staff: Staff,
    id: PathId<UserId>,
    body: Body<UserRequest>,
) -> ApiResult<Json<UserResponse>> {
    let active = body.into_inner().active;
    let mut tx = ctx.begin().await?;
    if accounts::set_active(&mut tx, ctx.now(), id.0, active).await? == Activity::Changed {
        let action = if active { Action::ReopenAccount(id.0) } else { Action::CloseAccount(id.0) };
        let entry = Entry { by: Some(staff.user_id), action, details: json!({}) };
        audit::record(&mut tx, ctx.now(), &entry).await?;
    }
    let user = accounts::find_user(&mut tx, id.0).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(Json(user.into()))
}
