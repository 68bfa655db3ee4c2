//! Uploading price lists and watching what becomes of them.

use common::{
    ids::PriceImportId,
    imports::{self, RowStatus},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::{
    delivery::Announced,
    dto::{ImportResponse, ImportRowsResponse, ImportsResponse},
    upload::UploadForm,
};
use crate::{
    answer::Accepted,
    context::{Ctx, Supplier},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    params::{PageQuery, PathId, Query},
};

/// Takes a price list. A job imports it; the import shows its progress.
#[endpoint(
    tags("supplier"),
    parameters(
        ("mode" = Option<String>, Query, description = "`replace` (default): what the list no longer has is \
            withdrawn; `upsert`: it stays"),
    ),
)]
pub(crate) async fn create_import(
    ctx: Ctx,
    supplier: Supplier,
    idempotency: Idempotency,
    query: Query,
    form: UploadForm,
) -> ApiResult<Answered<Accepted<ImportResponse>>> {
    let announced = Announced::of(supplier.user_id, idempotency, query, form)?;
    let delivery = announced.deliver(supplier.organization_id.into()).await?;
    let mut tx = ctx.begin_long().await?;
    if let Some(kept) = delivery.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let import = ImportResponse::from(delivery.receive(&mut tx, ctx.now()).await?);
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
    let imports = imports::list(&mut *ctx.read().await?, supplier_id, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(imports, |import| import.id).into()))
}

/// One of the supplier's imports, and how far it has come.
#[endpoint(tags("supplier"))]
pub(crate) async fn get_import(
    ctx: Ctx,
    supplier: Supplier,
    id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportResponse>> {
    let import = imports::find(&mut *ctx.read().await?, supplier.organization_id.into(), id.0).await?;
    Ok(Json(import.ok_or_else(ApiError::not_found)?.into()))
}

/// What became of an import's rows: those that were refused or changed something, in the order of the file.
#[endpoint(
    tags("supplier"),
    parameters(
        ("status" = Option<String>, Query, description = "Only `failed`, `inserted`, `updated` or `withdrawn`"),
    ),
)]
pub(crate) async fn list_import_rows(
    ctx: Ctx,
    supplier: Supplier,
    query: PageQuery<i64>,
    id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportRowsResponse>> {
    let PageQuery { paging, mut query } = query;
    let status = query.take_word("status", "failed, inserted, updated or withdrawn", RowStatus::parse);
    query.finish()?;
    let mut conn = ctx.read().await?;
    let supplier_id = supplier.organization_id.into();
    imports::find(&mut conn, supplier_id, id.0).await?.ok_or_else(ApiError::not_found)?;
    let rows = imports::rows(&mut conn, supplier_id, id.0, status, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(rows, |row| row.position).into()))
}
