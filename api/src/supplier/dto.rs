//! The JSON of the supplier's side.

use common::{
    ids::SupplierOrderId,
    imports::{
        ImportMode, OfferChange, Percent, PriceFactor,
        urls::{Allowed, CheckOutcome, EveryMinutes, PriceListUrl, ScheduleChange, UrlSchedule},
    },
    locale::Locale,
    money::Currency,
    orders::{Step, SupplierOrderStatus, SupplierOrderSummary},
    suppliers::{GuardChange, Supplier},
    text::{Invalid, many_lines},
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    addresses::dto::AddressResponse,
    body::{Fields, named, whole_if_any},
    error::ApiResult,
    imports::dto::ImportFailureResponse,
    orders::dto::{HistoryResponse, OrderLineResponse},
    params::page_response,
};

/// A supplier, as its own people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplierSettingsResponse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it takes orders now.
    pub accepting_orders: bool,
    /// Whether staff has approved it: until then nobody sees its offers.
    pub approved: bool,
    /// A price list is held for review when a price becomes more than so many times as much, or as little.
    pub guard_price_factor: f64,
    /// A price list is held for review when it withdraws more than so many of a hundred offers.
    pub guard_withdrawn_percent: i16,
    /// From where its price list is fetched by itself.
    pub price_list_url: Option<String>,
    /// How often it is, in minutes.
    pub price_list_every_minutes: Option<i32>,
    /// What happens then to offers that the list does not name: `replace` or `upsert`.
    pub price_list_mode: Option<&'static str>,
    /// When that was done, what it came to, and when it is done next.
    pub price_list_fetch: Option<PriceListFetchResponse>,
}

impl SupplierSettingsResponse {
    /// A supplier as somebody of this language sees it.
    pub fn of(supplier: Supplier, schedule: Option<UrlSchedule>, locale: Locale) -> Self {
        Self {
            id: supplier.id.to_string(),
            name: supplier.name,
            accepting_orders: supplier.accepting_orders,
            approved: supplier.approved,
            guard_price_factor: supplier.guard.price_factor.times(),
            guard_withdrawn_percent: supplier.guard.withdrawn_percent.of_a_hundred(),
            price_list_url: schedule.as_ref().map(|schedule| schedule.url.as_str().to_owned()),
            price_list_every_minutes: schedule.as_ref().map(|schedule| schedule.every.minutes()),
            price_list_mode: schedule.as_ref().map(|schedule| schedule.mode.as_str()),
            price_list_fetch: schedule.map(|schedule| PriceListFetchResponse::of(schedule, locale)),
        }
    }
}

/// How it goes with fetching a supplier's price list by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceListFetchResponse {
    /// When it is fetched next.
    #[serde(with = "time::serde::rfc3339")]
    pub next_fetch_at: OffsetDateTime,
    /// When that was done last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_checked_at: Option<OffsetDateTime>,
    /// What that came to: `fetched` (the file had changed, and became an import), `unchanged` or `failed`.
    pub outcome: Option<&'static str>,
    /// The import that the last file from there became.
    pub import_id: Option<String>,
    /// Why it failed the last time.
    pub error: Option<ImportFailureResponse>,
    /// Since when it has failed each time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub failing_since: Option<OffsetDateTime>,
}

impl PriceListFetchResponse {
    fn of(schedule: UrlSchedule, locale: Locale) -> Self {
        Self {
            next_fetch_at: schedule.next_at,
            last_checked_at: schedule.last_checked_at,
            outcome: schedule.outcome.map(CheckOutcome::as_str),
            import_id: schedule.import_id.map(|id| id.to_string()),
            error: schedule.error.map(|failure| ImportFailureResponse::of(failure, locale)),
            failing_since: schedule.failing_since,
        }
    }
}

/// What to change of a supplier's settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierSettingsRequest {
    /// Whether it takes orders.
    pub accepting_orders: Option<bool>,
    /// Price lists are held for review when a price becomes more than so many times as much, or as little: 1.01
    /// to 1000.
    pub guard_price_factor: Option<f64>,
    /// Price lists are held for review when they withdraw more than so many of a hundred offers: 0 to 100.
    #[serde(default, deserialize_with = "whole_if_any")]
    pub guard_withdrawn_percent: Option<i64>,
    /// From where its price list is fetched by itself, now and then as often as `price_list_every_minutes` says: an `http` or
    /// `https` address at a host of the internet, without user and password; null ends it.
    #[serde(default, deserialize_with = "named")]
    #[salvo(schema(value_type = Option<String>))]
    pub price_list_url: Option<Option<String>>,
    /// How often it is, in minutes: 15 to 10,080 (a week); 60 unless it is said.
    #[serde(default, deserialize_with = "whole_if_any")]
    pub price_list_every_minutes: Option<i64>,
    /// What happens then to offers that the list does not name: `replace` (withdrawn; the default) or `upsert`.
    pub price_list_mode: Option<String>,
}

/// What to change of a supplier's settings, checked.
#[derive(Clone, Debug)]
pub struct SupplierChange {
    /// Whether it takes orders.
    pub accepting_orders: Option<bool>,
    /// What of its price lists looks like a slip.
    pub guard: GuardChange,
    /// From where, how and when its price list is fetched by itself.
    pub schedule: ScheduleChange,
}

impl SupplierSettingsRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, allowed: &Allowed) -> ApiResult<SupplierChange> {
        let mut fields = Fields::default();
        let factor = fields.optional("/guard_price_factor", self.guard_price_factor, PriceFactor::parse);
        let percent =
            fields.optional("/guard_withdrawn_percent", self.guard_withdrawn_percent, Percent::parse);
        let url = fields.optional("/price_list_url", self.price_list_url, |url| {
            url.map(|url| PriceListUrl::parse(&url, allowed)).transpose()
        });
        let every =
            fields.optional("/price_list_every_minutes", self.price_list_every_minutes, EveryMinutes::parse);
        let mode = fields.optional("/price_list_mode", self.price_list_mode, |word| {
            let unknown =
                || Invalid::new("unknown_word", format!("expected replace or upsert, found {word:?}"));
            ImportMode::parse(&word).ok_or_else(unknown)
        });
        let change = (|| {
            Some(SupplierChange {
                accepting_orders: self.accepting_orders,
                guard: GuardChange { price_factor: factor?, withdrawn_percent: percent? },
                schedule: ScheduleChange { url: url?, every: every?, mode: mode? },
            })
        })();
        fields.finish(change)
    }
}

/// The list through which an offer became what it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangingImportResponse {
    /// The import.
    pub id: String,
    /// The file's name.
    pub source: String,
    /// The offer's number among the goods, from 1; null where the list no longer had it.
    pub row: Option<i64>,
}

/// A supplier's offer, as it became.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferChangeResponse {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `inserted`, `updated` (also: brought back) or `withdrawn` by a list, or `shipped` with an order.
    pub change: &'static str,
    /// Its price from then on; null where an order took of it.
    pub price: Option<String>,
    /// Its recommended price from then on.
    pub recommended_price: Option<String>,
    /// The currency of prices.
    pub currency: String,
    /// The GTIN that the list says from then on.
    pub gtin: Option<String>,
    /// The rate of the VAT in the price from then on.
    pub vat_rate: Option<String>,
    /// What a piece is from then on.
    pub unit: Option<String>,
    /// The least that is ordered from then on; null in what is not known of it.
    pub min_quantity: Option<i32>,
    /// In packs of how many it is ordered from then on; likewise.
    pub multiple: Option<i32>,
    /// Pieces in stock from then on.
    pub stock: i32,
    /// The list that did it.
    pub import: Option<ChangingImportResponse>,
    /// The supplier order that took of its stock.
    pub supplier_order_id: Option<String>,
}

impl OfferChangeResponse {
    /// A change, in the installation's currency.
    pub fn new(change: OfferChange, currency: Currency) -> Self {
        let (cause, row) = (change.cause.to_string(), change.row);
        let (import, supplier_order_id) = match change.source {
            Some(source) => (Some(ChangingImportResponse { id: cause, source, row }), None),
            None => (None, Some(cause)),
        };
        Self {
            at: change.at,
            change: change.kind.as_str(),
            price: change.price.map(|price| price.to_string()),
            recommended_price: change.recommended_price.map(|price| price.to_string()),
            currency: currency.to_string(),
            gtin: change.gtin.map(|gtin| gtin.to_string()),
            vat_rate: change.vat_rate.map(|rate| rate.to_string()),
            unit: change.unit,
            min_quantity: change.min_quantity,
            multiple: change.multiple,
            stock: change.stock,
            import,
            supplier_order_id,
        }
    }
}

/// A page of what became of an offer, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferHistoryResponse {
    /// This page's items.
    pub items: Vec<OfferChangeResponse>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// A move of a supplier order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// Where to: `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    #[salvo(schema(example = "confirmed"))]
    pub status: String,
    /// What the buyer should know about it; at most 1,000 characters.
    pub comment: Option<String>,
}

impl StatusRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, part_id: SupplierOrderId) -> ApiResult<Step> {
        let mut fields = Fields::default();
        let known = SupplierOrderStatus::parse(&self.status);
        let unknown = || Invalid::new("unknown_word", format!("there is no status {:?}", self.status));
        let to = fields.take("/status", known.ok_or_else(unknown));
        let comment = fields.optional("/comment", self.comment, |text| many_lines(&text, 1_000));
        let step = to.zip(comment).map(|(to, comment)| Step { part_id, to, comment });
        fields.finish(step)
    }
}

/// Who bought.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuyerResponse {
    /// The organization's name.
    pub name: String,
    /// The recipient's phone.
    pub phone: String,
    /// The recipient's e-mail.
    pub email: String,
}

/// The supplier's part of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplierOrderResponse {
    /// Its id.
    pub id: String,
    /// The order's number, for people.
    pub order_number: String,
    /// When the order was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// `new`, `confirmed`, `assembled`, `sent`, `delivered`, `refused` or `canceled`.
    pub status: &'static str,
    /// The sum of its lines.
    pub subtotal: String,
    /// The currency of prices.
    pub currency: String,
    /// Who bought.
    pub buyer: BuyerResponse,
    /// Where it goes.
    pub address: AddressResponse,
    /// Anything the supplier should know.
    pub comment: Option<String>,
    /// The date asked for.
    pub deliver_on: Option<String>,
    /// Its lines.
    pub lines: Vec<OrderLineResponse>,
    /// How it came to where it stands.
    pub history: Vec<HistoryResponse>,
}

impl From<SupplierOrderSummary> for SupplierOrderResponse {
    fn from(summary: SupplierOrderSummary) -> Self {
        let part = summary.part;
        Self {
            id: part.id.to_string(),
            order_number: summary.order_number,
            created_at: summary.created_at,
            status: part.status.as_str(),
            subtotal: part.subtotal.to_string(),
            currency: summary.currency,
            buyer: BuyerResponse {
                name: summary.buyer_name,
                phone: summary.address.phone.as_str().to_owned(),
                email: summary.address.email.as_str().to_owned(),
            },
            address: summary.address.into(),
            comment: summary.comment,
            deliver_on: summary.deliver_on.map(|date| date.to_string()),
            lines: part.lines.into_iter().map(Into::into).collect(),
            history: part.history.into_iter().map(Into::into).collect(),
        }
    }
}

page_response! {
    /// A page of the supplier's parts, the newest first.
    SupplierOrdersResponse of SupplierOrderResponse
}
