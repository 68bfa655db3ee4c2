//! Keeping the addresses of an organization's shops.

use common::{addresses, ids::AddressId};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{AddressRequest, AddressesResponse, SavedAddressResponse};
use crate::{
    answer::{Created, NoContent},
    body::Body,
    context::{Buyer, Ctx},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId},
};

/// Keeps an address.
#[endpoint(tags("addresses"))]
pub(crate) async fn create_address(
    ctx: Ctx,
    buyer: Buyer,
    body: Body<AddressRequest>,
) -> ApiResult<Created<SavedAddressResponse>> {
    let saved = body.into_inner().parse(AddressId::new())?;
    let mut tx = ctx.begin().await?;
    addresses::insert(&mut tx, buyer.organization_id, &saved, ctx.now()).await?;
    tx.commit().await?;
    Ok(Created { location: format!("/api/v1/me/addresses/{}", saved.id), body: saved.into() })
}

/// The organization's addresses, the oldest first.
#[endpoint(tags("addresses"))]
pub(crate) async fn list_addresses(
    ctx: Ctx,
    buyer: Buyer,
    query: PageQuery<AddressId>,
) -> ApiResult<Json<AddressesResponse>> {
    let paging = query.finish()?;
    let saved =
        addresses::list(&mut *ctx.read().await?, buyer.organization_id, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(saved, |saved| saved.id).into()))
}

/// One of the organization's addresses.
#[endpoint(tags("addresses"))]
pub(crate) async fn get_address(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<AddressId>,
) -> ApiResult<Json<SavedAddressResponse>> {
    let saved = addresses::find(&mut *ctx.read().await?, buyer.organization_id, id.0).await?;
    Ok(Json(saved.ok_or_else(ApiError::not_found)?.into()))
}

/// Changes an address: all of it is as it stands in the body. Orders that went there keep it as it was.
#[endpoint(tags("addresses"))]
pub(crate) async fn put_address(
    ctx: Ctx,
    buyer: Buyer,
    id: PathId<AddressId>,
    body: Body<AddressRequest>,
) -> ApiResult<Json<SavedAddressResponse>> {
    let saved = body.into_inner().parse(id.0)?;
    let mut tx = ctx.begin().await?;
    if !addresses::replace(&mut tx, buyer.organization_id, &saved).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(Json(saved.into()))
}

/// Forgets an address. Orders that went there keep it.
#[endpoint(tags("addresses"))]
pub(crate) async fn delete_address(ctx: Ctx, buyer: Buyer, id: PathId<AddressId>) -> ApiResult<NoContent> {
    let mut tx = ctx.begin().await?;
    if !addresses::delete(&mut tx, buyer.organization_id, id.0).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(NoContent)
}
