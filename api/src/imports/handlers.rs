//! Uploading price lists and watching what becomes of them.

use common::{
    idempotency::{self, Begun, KeptAnswer},
    ids::PriceImportId,
    imports::{self, ImportMode, NewImport, RowStatus},
};
use salvo::{
    http::StatusCode,
    oapi::endpoint,
    prelude::{Json, Response, Writer},
};
use serde_json::json;

use super::{
    dto::{ImportResponse, ImportRowsResponse, ImportsResponse},
    upload::Upload,
};
use crate::{
    answer::respond,
    context::{Ctx, Supplier},
    error::{ApiError, ApiResult},
    orders::handlers::replay,
    params::{Idempotency, Paging, PathId, Query},
};

/// Takes a price list. A job imports it; the import shows its progress.
#[endpoint(
    tags("supplier"),
    parameters(
        ("mode" = Option<String>, Query, description = "`replace` (default): what the list no longer has is \
            withdrawn; `upsert`: it stays"),
    ),
    responses((status_code = 202, description = "The import; `Location` says where it stands", body = ImportResponse)),
    status_codes(202),
)]
pub(crate) async fn create_import(
    ctx: Ctx,
    supplier: Supplier,
    idempotency: Idempotency,
    query: Query,
    upload: Upload,
    res: &mut Response,
) -> ApiResult<()> {
    let mut query = query;
    let mode = query.take_word("mode", "replace or upsert", ImportMode::parse).unwrap_or_default();
    query.finish()?;
    let hash = upload.hash().await?;
    let key = idempotency.of(&[upload.name.as_bytes(), &hash]);
    let new = NewImport {
        id: PriceImportId::new(),
        supplier_id: supplier.organization_id.into(),
        requested_by: supplier.user_id,
        mode,
        format: upload.format,
        source: upload.name.clone(),
    };
    let mut tx = ctx.begin().await?;
    if let Some((key, request)) = &key
        && let Begun::Replay(kept) =
            idempotency::begin(&mut tx, ctx.now(), supplier.user_id, key, request).await?
    {
        replay(res, kept);
        return Ok(());
    }
    let file = upload.open().map_err(sqlx::Error::Io)?;
    let import: ImportResponse = imports::receive(&mut tx, ctx.now(), &new, file).await?.into();
    if let Some((key, request)) = &key {
        let kept = KeptAnswer { status: 202, location: Some(import.location()), body: json!(import) };
        idempotency::keep(&mut tx, ctx.now(), supplier.user_id, key, request, &kept).await?;
    }
    tx.commit().await?;
    respond(res, StatusCode::ACCEPTED, Some(&import.location()), import);
    Ok(())
}

/// The supplier's imports, the newest first.
#[endpoint(
    tags("supplier"),
    parameters(
        ("limit" = Option<u8>, Query, description = "How many: 1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
)]
pub(crate) async fn list_imports(
    ctx: Ctx,
    supplier: Supplier,
    query: Query,
) -> ApiResult<Json<ImportsResponse>> {
    let mut query = query;
    let paging = Paging::<PriceImportId>::take(&mut query);
    query.finish()?;
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
        ("limit" = Option<u8>, Query, description = "How many: 1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
)]
pub(crate) async fn list_import_rows(
    ctx: Ctx,
    supplier: Supplier,
    query: Query,
    id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportRowsResponse>> {
    let mut query = query;
    let status = query.take_word("status", "failed, inserted, updated or withdrawn", RowStatus::parse);
    let paging = Paging::<i64>::take(&mut query);
    query.finish()?;
    let mut conn = ctx.read().await?;
    let supplier_id = supplier.organization_id.into();
    imports::find(&mut conn, supplier_id, id.0).await?.ok_or_else(ApiError::not_found)?;
    let rows = imports::rows(&mut conn, supplier_id, id.0, status, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(rows, |row| row.position).into()))
}
