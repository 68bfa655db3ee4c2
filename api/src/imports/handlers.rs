//! Uploading price lists and watching what becomes of them.

use common::{
    accounts,
    ids::PriceImportId,
    imports::{self, Acceptance, RowStatus, formats::Format},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::{
    brought::Brought,
    delivery::Announced,
    dto::{ImportResponse, ImportRowResponse, ImportRowsResponse, ImportsResponse},
    events::ImportEvents,
    export::{FORMATS, unnamed},
    file::{FileAnswer, Shown},
};
use crate::{
    answer::Accepted,
    context::{Ctx, Supplier},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    params::{PageQuery, PathId, Query},
};

/// Takes a price list as a file or by its address. A job imports it; the import shows its progress.
///
/// The address is one of the internet: what leads elsewhere, also by its name or a redirect, is `failed` with
/// `url_not_allowed`. What may pass is tried again for some minutes.
#[endpoint(
    tags("supplier"),
    parameters(
        ("mode" = Option<String>, Query, description = "`replace` (default): what the list no longer has is \
            withdrawn; `upsert`: it stays"),
        ("dry_run" = Option<bool>, Query, description = "`true`: the import stops at `validated` with what it would \
            change, until it is applied or discarded; after a week it is discarded"),
    ),
)]
pub(crate) async fn create_import(
    ctx: Ctx,
    supplier: Supplier,
    idempotency: Idempotency,
    query: Query,
    brought: Brought,
) -> ApiResult<Answered<Accepted<ImportResponse>>> {
    let announced = Announced::of(supplier.user_id, idempotency, query, brought)?;
    let delivery = announced.deliver(supplier.organization_id.into(), &ctx.services().fetching).await?;
    let mut tx = ctx.begin_long().await?;
    if let Some(kept) = delivery.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let locale = accounts::locale_of(&mut tx, supplier.user_id).await?;
    let import = ImportResponse::of(delivery.receive(&mut tx, ctx.now()).await?, locale);
    let accepted = Accepted { location: Some(import.location()), body: import };
    delivery.keep(&mut tx, ctx.now(), &accepted).await?;
    tx.commit().await?;
    Ok(Answered::First(accepted))
}

/// The supplier's imports, the newest first.
#[endpoint(tags("supplier"))]
pub(crate) async fn list_imports(
    ctx: Ctx,
    supplier: Supplier,
    query: PageQuery<PriceImportId>,
) -> ApiResult<Json<ImportsResponse>> {
    let paging = query.finish()?;
    let supplier_id = supplier.organization_id.into();
    let mut conn = ctx.read().await?;
    let locale = accounts::locale_of(&mut conn, supplier.user_id).await?;
    let imports = imports::list(&mut conn, supplier_id, paging.after, paging.limit).await?;
    let page = paging.limit.page(imports, |import| import.id);
    Ok(Json(page.map(|import| ImportResponse::of(import, locale)).into()))
}

/// One of the supplier's imports, and how far it has come.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_import(
    ctx: Ctx,
    supplier: Supplier,
    id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportResponse>> {
    let mut conn = ctx.read().await?;
    let locale = accounts::locale_of(&mut conn, supplier.user_id).await?;
    let import = imports::find(&mut conn, supplier.organization_id.into(), id.0).await?;
    Ok(Json(ImportResponse::of(import.ok_or_else(ApiError::not_found)?, locale)))
}

/// The import as it comes along: server-sent events, until it ends or waits for somebody.
#[endpoint(tags("supplier"))]
pub(crate) async fn watch_import(
    ctx: Ctx,
    supplier: Supplier,
    query: Query,
    id: PathId<PriceImportId>,
) -> ApiResult<ImportEvents> {
    query.finish()?;
    ImportEvents::of(&ctx, &supplier, id.0).await
}

/// Applies an import that waits, as it was shown. A job does it; the import shows its progress.
#[endpoint(
    tags("supplier"),
    parameters(
        ("exclude_held" = Option<bool>, Query, description = "`true`: without what looks like a slip; those offers stay \
            as they are, and their rows count as failed"),
    ),
)]
pub(crate) async fn apply_import(
    ctx: Ctx,
    supplier: Supplier,
    query: Query,
    id: PathId<PriceImportId>,
) -> ApiResult<Accepted<ImportResponse>> {
    let acceptance = acceptance(query)?;
    let mut tx = ctx.begin().await?;
    let supplier_id = supplier.organization_id.into();
    let import = imports::accept(&mut tx, ctx.now(), supplier_id, id.0, acceptance).await?;
    let locale = accounts::locale_of(&mut tx, supplier.user_id).await?;
    tx.commit().await?;
    let import = ImportResponse::of(import, locale);
    Ok(Accepted { location: Some(import.location()), body: import })
}

/// Whether all of an import is to be applied.
pub(crate) fn acceptance(mut query: Query) -> ApiResult<Acceptance> {
    let exclude_held = query.take_bool("exclude_held").unwrap_or_default();
    query.finish()?;
    Ok(if exclude_held { Acceptance::WithoutSuspicious } else { Acceptance::Whole })
}

/// Discards an import that waits, or whose file is still being fetched: nothing of it is applied.
#[endpoint(tags("supplier"))]
pub(crate) async fn discard_import(
    ctx: Ctx,
    supplier: Supplier,
    query: Query,
    id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportResponse>> {
    query.finish()?;
    let mut tx = ctx.begin().await?;
    let import = imports::discard(&mut tx, ctx.now(), supplier.organization_id.into(), id.0).await?;
    let locale = accounts::locale_of(&mut tx, supplier.user_id).await?;
    tx.commit().await?;
    Ok(Json(ImportResponse::of(import, locale)))
}

/// Takes back what an import has changed, as an import of its own: what it brought is withdrawn, what it
/// withdrew is brought back, what it changed is as it was. What has changed since is left as it is; its rows
/// fail.
#[endpoint(tags("supplier"))]
pub(crate) async fn revert_import(
    ctx: Ctx,
    supplier: Supplier,
    idempotency: Idempotency,
    query: Query,
    id: PathId<PriceImportId>,
) -> ApiResult<Answered<Accepted<ImportResponse>>> {
    query.finish()?;
    let request = idempotency.of(supplier.user_id, &[]);
    let mut tx = ctx.begin().await?;
    if let Some(kept) = request.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let supplier_id = supplier.organization_id.into();
    let import = imports::revert(&mut tx, ctx.now(), supplier_id, id.0, supplier.user_id).await?;
    let locale = accounts::locale_of(&mut tx, supplier.user_id).await?;
    let import = ImportResponse::of(import, locale);
    let accepted = Accepted { location: Some(import.location()), body: import };
    request.keep(&mut tx, ctx.now(), &accepted).await?;
    tx.commit().await?;
    Ok(Answered::First(accepted))
}

/// What became of an import's rows, or would become of them: those that were refused or changed something, in the
/// order of the file.
#[endpoint(
    tags("supplier"),
    parameters(
        ("status" = Option<String>, Query, description = "Only `failed`, `inserted`, `updated` or `withdrawn`"),
        ("format" = Option<String>, Query, description = "`yaml`, `csv`, `xlsx` or `yml`: the refused rows as a file \
            in this form, as they stood, with a column `error`; it can be mended and uploaded with `mode=upsert`"),
    ),
)]
pub(crate) async fn list_import_rows(
    ctx: Ctx,
    supplier: Supplier,
    query: PageQuery<i64>,
    id: PathId<PriceImportId>,
) -> ApiResult<Shown<ImportRowsResponse>> {
    let PageQuery { paging, mut query } = query;
    let status = query.take_word("status", "failed, inserted, updated or withdrawn", RowStatus::parse);
    let format = query.take_word("format", FORMATS, Format::parse);
    query.finish()?;
    let supplier_id = supplier.organization_id.into();
    if let Some(format) = format {
        let (file, written) = unnamed().await?;
        let mut snapshot = ctx.snapshot().await?;
        let locale = accounts::locale_of(&mut snapshot, supplier.user_id).await?;
        let found = imports::report(&mut snapshot, (supplier_id, id.0), format, locale, written).await?;
        snapshot.rollback().await?;
        return match found {
            true => Ok(Shown::File(FileAnswer::of("refused-rows", format, file).await?)),
            false => Err(ApiError::not_found()),
        };
    }
    let mut conn = ctx.read().await?;
    imports::find(&mut conn, supplier_id, id.0).await?.ok_or_else(ApiError::not_found)?;
    let locale = accounts::locale_of(&mut conn, supplier.user_id).await?;
    let rows = imports::rows(&mut conn, supplier_id, id.0, status, paging.after, paging.limit).await?;
    let page = paging.limit.page(rows, |row| row.position);
    Ok(Shown::Json(Json(page.map(|row| ImportRowResponse::of(row, locale)).into())))
}
