//! Uploading price lists in a supplier's place, and watching what becomes of them.

use common::{
    accounts,
    audit::{self, Action, Entry},
    ids::{PriceImportId, SupplierId},
    imports::{self, Acceptance, PriceImport, RowStatus},
    locale::Locale,
    suppliers,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use serde_json::json;

use crate::{
    answer::Accepted,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    idempotency::{Answered, Idempotency},
    imports::{
        brought::Brought,
        delivery::Announced,
        dto::{ImportResponse, ImportRowResponse, ImportRowsResponse, ImportsResponse},
        handlers::acceptance,
    },
    params::{PageQuery, PathId, Query},
    problem::ProblemCode,
};

/// Takes a price list for a supplier, as the supplier's own people upload it, or by its address.
///
/// Somebody of the supplier must have confirmed an address: 409 `supplier_unconfirmed` until then.
#[endpoint(
    tags("admin"),
    parameters(
        ("mode" = Option<String>, Query, description = "`replace` (default): what the list no longer has is \
            withdrawn; `upsert`: it stays"),
        ("dry_run" = Option<bool>, Query, description = "`true`: the import stops at `validated` with what it would \
            change, until it is applied or discarded; after a week it is discarded"),
    ),
)]
pub(crate) async fn create_import_for_supplier(
    ctx: Ctx,
    staff: Staff,
    idempotency: Idempotency,
    id: PathId<SupplierId>,
    query: Query,
    brought: Brought,
) -> ApiResult<Answered<Accepted<ImportResponse>>> {
    let announced = Announced::of(staff.user_id, idempotency, query, brought)?;
    let supplier = suppliers::find(&mut *ctx.read().await?, id.0).await?.ok_or_else(ApiError::not_found)?;
    if !supplier.confirmed {
        let detail =
            "nobody of this supplier has confirmed an address; until then its registration may start afresh";
        return Err(ApiError::new(ProblemCode::SupplierUnconfirmed, detail));
    }
    let delivery = announced.deliver(id.0, &ctx.services().fetching).await?;
    let mut tx = ctx.begin_long().await?;
    if let Some(kept) = delivery.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let import = delivery.receive(&mut tx, ctx.now()).await?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::ImportPriceList(import.id),
        details: json!({ "supplier_id": id.0, "mode": import.mode.as_str(), "dry_run": import.dry_run }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    let locale = accounts::locale_of(&mut tx, staff.user_id).await?;
    let accepted = accepted(id.0, import, locale);
    delivery.keep(&mut tx, ctx.now(), &accepted).await?;
    tx.commit().await?;
    Ok(Answered::First(accepted))
}

/// A supplier's imports, the newest first.
#[endpoint(tags("admin"))]
pub(crate) async fn list_imports_of_supplier(
    ctx: Ctx,
    staff: Staff,
    query: PageQuery<PriceImportId>,
    id: PathId<SupplierId>,
) -> ApiResult<Json<ImportsResponse>> {
    let paging = query.finish()?;
    let mut conn = ctx.read().await?;
    suppliers::find(&mut conn, id.0).await?.ok_or_else(ApiError::not_found)?;
    let locale = accounts::locale_of(&mut conn, staff.user_id).await?;
    let imports = imports::list(&mut conn, id.0, paging.after, paging.limit).await?;
    let page = paging.limit.page(imports, |import| import.id);
    Ok(Json(page.map(|import| ImportResponse::of(import, locale)).into()))
}

/// One of a supplier's imports, and how far it has come.
#[endpoint(tags("admin"))]
pub(crate) async fn get_import_of_supplier(
    ctx: Ctx,
    staff: Staff,
    id: PathId<SupplierId>,
    import_id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportResponse>> {
    let mut conn = ctx.read().await?;
    let locale = accounts::locale_of(&mut conn, staff.user_id).await?;
    let import = imports::find(&mut conn, id.0, import_id.0).await?;
    Ok(Json(ImportResponse::of(import.ok_or_else(ApiError::not_found)?, locale)))
}

/// Applies an import of a supplier that waits, as it was shown. A job does it; the import shows its progress.
#[endpoint(
    tags("admin"),
    parameters(
        ("exclude_held" = Option<bool>, Query, description = "`true`: without what looks like a slip; those offers stay \
            as they are, and their rows count as failed"),
    ),
)]
pub(crate) async fn apply_import_of_supplier(
    ctx: Ctx,
    staff: Staff,
    query: Query,
    id: PathId<SupplierId>,
    import_id: PathId<PriceImportId>,
) -> ApiResult<Accepted<ImportResponse>> {
    let acceptance = acceptance(query)?;
    let mut tx = ctx.begin().await?;
    let import = imports::accept(&mut tx, ctx.now(), id.0, import_id.0, acceptance).await?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::ApplyPriceList(import.id),
        details: json!({
            "supplier_id": id.0, "exclude_held": acceptance == Acceptance::WithoutSuspicious,
        }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    let locale = accounts::locale_of(&mut tx, staff.user_id).await?;
    tx.commit().await?;
    Ok(accepted(id.0, import, locale))
}

/// Discards an import of a supplier that waits, or whose file is still being fetched: nothing of it is applied.
#[endpoint(tags("admin"))]
pub(crate) async fn discard_import_of_supplier(
    ctx: Ctx,
    staff: Staff,
    query: Query,
    id: PathId<SupplierId>,
    import_id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportResponse>> {
    query.finish()?;
    let mut tx = ctx.begin().await?;
    let import = imports::discard(&mut tx, ctx.now(), id.0, import_id.0).await?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::DiscardPriceList(import.id),
        details: json!({ "supplier_id": id.0 }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    let locale = accounts::locale_of(&mut tx, staff.user_id).await?;
    tx.commit().await?;
    Ok(Json(ImportResponse::of(import, locale)))
}

/// Takes back what an import of a supplier has changed, as an import of its own. What has changed since is left
/// as it is; its rows fail.
#[endpoint(tags("admin"))]
pub(crate) async fn revert_import_of_supplier(
    ctx: Ctx,
    staff: Staff,
    idempotency: Idempotency,
    query: Query,
    id: PathId<SupplierId>,
    import_id: PathId<PriceImportId>,
) -> ApiResult<Answered<Accepted<ImportResponse>>> {
    query.finish()?;
    let request = idempotency.of(staff.user_id, &[]);
    let mut tx = ctx.begin().await?;
    if let Some(kept) = request.begin(&mut tx, ctx.now()).await? {
        tx.rollback().await?;
        return Ok(Answered::Again(kept));
    }
    let import = imports::revert(&mut tx, ctx.now(), id.0, import_id.0, staff.user_id).await?;
    let entry = Entry {
        by: Some(staff.user_id),
        action: Action::RevertPriceList(import.id),
        details: json!({ "supplier_id": id.0, "reverts": import_id.0 }),
    };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    let locale = accounts::locale_of(&mut tx, staff.user_id).await?;
    let accepted = accepted(id.0, import, locale);
    request.keep(&mut tx, ctx.now(), &accepted).await?;
    tx.commit().await?;
    Ok(Answered::First(accepted))
}

fn accepted(supplier_id: SupplierId, import: PriceImport, locale: Locale) -> Accepted<ImportResponse> {
    let location = format!("/api/v1/admin/suppliers/{supplier_id}/imports/{}", import.id);
    Accepted { location: Some(location), body: ImportResponse::of(import, locale) }
}

/// What became of the rows of a supplier's import, or would become of them: those that were refused or changed
/// something, in the order of the file.
#[endpoint(
    tags("admin"),
    parameters(
        ("status" = Option<String>, Query, description = "Only `failed`, `inserted`, `updated` or `withdrawn`"),
    ),
)]
pub(crate) async fn list_import_rows_of_supplier(
    ctx: Ctx,
    staff: Staff,
    query: PageQuery<i64>,
    id: PathId<SupplierId>,
    import_id: PathId<PriceImportId>,
) -> ApiResult<Json<ImportRowsResponse>> {
    let PageQuery { paging, mut query } = query;
    let status = query.take_word("status", "failed, inserted, updated or withdrawn", RowStatus::parse);
    query.finish()?;
    let mut conn = ctx.read().await?;
    imports::find(&mut conn, id.0, import_id.0).await?.ok_or_else(ApiError::not_found)?;
    let locale = accounts::locale_of(&mut conn, staff.user_id).await?;
    let rows = imports::rows(&mut conn, id.0, import_id.0, status, paging.after, paging.limit).await?;
    let page = paging.limit.page(rows, |row| row.position);
    Ok(Json(page.map(|row| ImportRowResponse::of(row, locale)).into()))
}
