//! Keeping the synonyms of searches.

use common::{
    audit::{self, Action, Entry},
    catalog::{self, SynonymWord},
    text::Invalid,
};
use salvo::{
    oapi::{endpoint, extract::PathParam},
    prelude::{Json, Writer},
};
use serde_json::json;

use super::dto::{SynonymRequest, SynonymResponse, SynonymsResponse};
use crate::{
    answer::NoContent,
    body::Body,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::PageQuery,
};

/// The synonyms of searches, by their words.
#[endpoint(tags("admin"))]
pub(crate) async fn list_synonyms(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<SynonymWord>,
) -> ApiResult<Json<SynonymsResponse>> {
    let paging = query.finish()?;
    let mut conn = ctx.read().await?;
    let synonyms = catalog::list_synonyms(&mut conn, paging.after.as_ref(), paging.limit).await?;
    let cursor = |synonym: &catalog::Synonym| synonym.word.clone();
    Ok(Json(paging.limit.page(synonyms, cursor).into()))
}

/// Says what a word means to searches, from now on.
#[endpoint(tags("admin"))]
pub(crate) async fn put_synonym(
    ctx: Ctx,
    staff: Staff,
    word: PathParam<String>,
    body: Body<SynonymRequest>,
) -> ApiResult<Json<SynonymResponse>> {
    let (word, means) = body.into_inner().parse(&word)?;
    let mut tx = ctx.begin().await?;
    let synonym = catalog::put_synonym(&mut tx, &word, &means, ctx.now()).await?;
    let synonym = synonym.ok_or_else(|| {
        ApiError::field("word", Invalid::new("invalid", "expected letters and digits that searches know"))
    })?;
    let details = json!({ "word": synonym.word, "means": synonym.means });
    let entry = Entry { by: Some(staff.user_id), action: Action::SetSynonym(synonym.id), details };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    tx.commit().await?;
    Ok(Json(synonym.into()))
}

/// Lets a word mean nothing but itself again.
#[endpoint(tags("admin"))]
pub(crate) async fn delete_synonym(ctx: Ctx, staff: Staff, word: PathParam<String>) -> ApiResult<NoContent> {
    let word = SynonymWord::parse(&word).map_err(|_| ApiError::not_found())?;
    let mut tx = ctx.begin().await?;
    let id = catalog::delete_synonym(&mut tx, &word).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::DeleteSynonym(id),
        details: json!({ "word": word.as_str() }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    tx.commit().await?;
    Ok(NoContent)
}
