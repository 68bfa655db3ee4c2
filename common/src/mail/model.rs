//! What is mailed to whom.

use std::{fmt, str::FromStr};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    accounts::Purpose,
    ids::{EmailMessageId, UserId},
    locale::Locale,
};

/// A kind of message: the folder of its templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageKind {
    /// To somebody new: a link that confirms their address.
    ConfirmRegistration,
    /// To the owner of an address that was registered again.
    AddressKnown,
    /// To the buyer: what they ordered.
    OrderPlaced,
    /// To each supplier: its part of an order.
    OrderToFulfil,
    /// To the administrator: the whole order.
    OrderToAdminister,
    /// To the buyer: a part of their order moved along.
    OrderStatusChanged,
    /// To the supplier: what became of a price list.
    PriceListImported,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ConfirmRegistration,
        Self::AddressKnown,
        Self::OrderPlaced,
        Self::OrderToFulfil,
        Self::OrderToAdminister,
        Self::OrderStatusChanged,
        Self::PriceListImported,
    ];

    /// The folder of its templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmRegistration => "confirm_registration",
            Self::AddressKnown => "address_known",
            Self::OrderPlaced => "order_placed",
            Self::OrderToFulfil => "order_to_fulfil",
            Self::OrderToAdminister => "order_to_administer",
            Self::OrderStatusChanged => "order_status_changed",
            Self::PriceListImported => "price_list_imported",
        }
    }

    /// The secret link that it carries: what the token is for, the page that takes it, and the name of the
    /// link in the template.
    #[must_use]
    pub fn secret_link(self) -> Option<(Purpose, &'static str, &'static str)> {
        match self {
            Self::ConfirmRegistration => Some((Purpose::ConfirmEmail, "/confirm-email", "confirm_url")),
            Self::AddressKnown
            | Self::OrderPlaced
            | Self::OrderToFulfil
            | Self::OrderToAdminister
            | Self::OrderStatusChanged
            | Self::PriceListImported => None,
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MessageKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// There is no such kind of message.
#[derive(Debug, thiserror::Error)]
#[error("there is no such kind of message")]
pub struct UnknownKind;

/// A message about to be posted.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// What it is about: each cause has each kind of message for each recipient once.
    pub cause: Uuid,
    /// Which templates.
    pub kind: MessageKind,
    /// To whom.
    pub recipient: String,
    /// In which language.
    pub locale: Locale,
    /// What the templates show.
    pub data: Value,
    /// Whose secret link it carries, where its kind has one.
    pub user_id: Option<UserId>,
}

/// A message about to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    /// Which one; also its Message-ID.
    pub id: EmailMessageId,
    /// Which templates.
    pub kind: MessageKind,
    /// To whom.
    pub recipient: String,
    /// In which language.
    pub locale: Locale,
    /// What the templates show.
    pub data: Value,
    /// Whose secret link it carries.
    pub user_id: Option<UserId>,
}
