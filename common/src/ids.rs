//! Ids: one newtype for each thing, so that an offer's id is never taken for an order's.
//!
//! All are UUIDv7: they sort by the time they were made, which the keyset pages rely on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later than every one made before it by this process.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "an id is made on purpose, never by default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                // The one spelling that we write; braces, URNs and bare digits are not ids.
                let hyphenated = if text.len() == 36 { text } else { "" };
                hyphenated.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A company: the tenant that baskets' owners, addresses, orders and price lists belong to.
    OrganizationId;
    /// A supplier; the same value as its organization's id.
    SupplierId;
    /// A person of one organization.
    UserId;
    /// One sign-in on one device.
    SessionId;
    /// A delivery address of an organization.
    AddressId;
    /// A category of the catalogue.
    CategoryId;
    /// One thing that can be bought, whoever sells it.
    ProductId;
    /// A word that means what others mean, to searches.
    SynonymId;
    /// A supplier's product: the unit that is ordered.
    OfferId;
    /// A price list on its way into the catalogue.
    PriceImportId;
    /// What a buyer confirmed once.
    OrderId;
    /// The part of an order that one supplier fulfils.
    SupplierOrderId;
    /// One attempt to pay.
    PaymentId;
    /// Money going back.
    RefundId;
    /// One message to one recipient.
    EmailMessageId;
    /// One unit of background work.
    JobId;
    /// A time in which nobody takes from a queue.
    PauseId;
    /// Something that staff did.
    AuditRecordId;
}

impl From<OrganizationId> for SupplierId {
    fn from(id: OrganizationId) -> Self {
        Self(id.0)
    }
}

impl From<SupplierId> for OrganizationId {
    fn from(id: SupplierId) -> Self {
        Self(id.0)
    }
}
