//! Reading the audit log.

use common::{
    audit::{self, Action, AuditFilter},
    ids::AuditRecordId,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::AuditLogResponse;
use crate::{
    context::{Ctx, Staff},
    error::ApiResult,
    params::PageQuery,
};

/// What staff did, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("action" = Option<String>, Query, description = "Only this action, by its word"),
        ("subject_id" = Option<String>, Query, description = "Only what was done to the thing with this id"),
        ("by" = Option<String>, Query, description = "Only what the person with this id did"),
    ),
)]
pub(crate) async fn list_audit_log(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<AuditRecordId>,
) -> ApiResult<Json<AuditLogResponse>> {
    let PageQuery { paging, mut query } = query;
    let known = |text: &str| Action::WORDS.iter().copied().find(|word| *word == text);
    let action = query.take_word("action", "the word of an action", known);
    let subject_id = query.take_id("subject_id");
    let by = query.take_id("by");
    query.finish()?;
    let filter = AuditFilter { by, subject_id, action };
    let records = audit::list(&mut *ctx.read().await?, filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(records, |record| record.id).into()))
}
