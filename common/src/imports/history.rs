//! What became of an offer: every change of its price, its stock and its state, with what caused it.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::store;
use crate::{
    catalog::Gtin,
    ids::{OfferId, SupplierId},
    money::Money,
    page::{Limit, Page},
    vat::VatRate,
};

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OfferChangeKind {
    /// A list brought it.
    Inserted,
    /// A list changed it, or brought it back.
    Updated,
    /// A list no longer had it.
    Withdrawn,
    /// An order took of its stock.
    Shipped,
}

impl OfferChangeKind {
    /// Its word in answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Withdrawn => "withdrawn",
            Self::Shipped => "shipped",
        }
    }
}

/// An offer, as it became.
#[derive(Clone, Debug)]
pub struct OfferChange {
    /// When.
    pub at: OffsetDateTime,
    /// The import, or the supplier order, that caused it.
    pub cause: Uuid,
    /// What became of it.
    pub kind: OfferChangeKind,
    /// Its price from then on; none where an order took of it.
    pub price: Option<Money>,
    /// Its recommended price from then on.
    pub recommended_price: Option<Money>,
    /// The GTIN that its supplier says from then on.
    pub gtin: Option<Gtin>,
    /// The rate of the VAT in its price from then on.
    pub vat_rate: Option<VatRate>,
    /// What a piece is from then on.
    pub unit: Option<String>,
    /// The least that is ordered from then on; none in what is not known of it.
    pub min_quantity: Option<i32>,
    /// In packs of how many it is ordered from then on; likewise.
    pub multiple: Option<i32>,
    /// Pieces in stock from then on.
    pub stock: i32,
    /// Its row in the list, from 1; none where the list no longer had it.
    pub row: Option<i64>,
    /// The list's file; none where an order took of it.
    pub source: Option<String>,
}

/// A place in the history of an offer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OfferHistoryCursor {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Through what.
    pub cause: Uuid,
}

/// A page of what became of a supplier's offer, the newest first; none when the supplier has no such offer.
///
/// # Errors
/// When the database refuses.
pub async fn offer_history(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    offer_id: OfferId,
    after: Option<OfferHistoryCursor>,
    limit: Limit,
) -> Result<Option<Page<OfferChange, OfferHistoryCursor>>, sqlx::Error> {
    if !store::has_offer(conn, supplier_id, offer_id).await? {
        return Ok(None);
    }
    let changes = store::offer_history(conn, supplier_id, offer_id, after, limit).await?;
    Ok(Some(limit.page(changes, |change| OfferHistoryCursor { at: change.at, cause: change.cause })))
}
