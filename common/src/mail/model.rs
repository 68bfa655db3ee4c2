//! What is mailed to whom.

use std::{fmt, str::FromStr};

use serde_json::Value;
use time::OffsetDateTime;
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
    /// To whoever lost their password: a link that lets them choose another.
    ResetPassword,
    /// To the administrator: an organization waits for approval.
    OrganizationWaiting,
    /// To everybody of an organization: staff has approved it.
    OrganizationApproved,
    /// To the buyer: what they ordered.
    OrderPlaced,
    /// To each supplier: its part of an order.
    OrderToFulfil,
    /// To the administrator: the whole order.
    OrderToAdminister,
    /// To the buyer: a part of their order moved along.
    OrderStatusChanged,
    /// To each supplier, and to the administrator: an order was called off.
    OrderCanceled,
    /// To the supplier: what became of a price list.
    PriceListImported,
    /// To the supplier: a price list looks like a slip, and waits.
    PriceListHeld,
    /// To the supplier: its price list could not be fetched.
    PriceListNotFetched,
    /// To the buyer: their money came.
    PaymentReceived,
    /// To the buyer, who is to pay again, and to the administrator: money that was held on a card was lost.
    PaymentLapsed,
    /// To the buyer: an invoice is overdue.
    InvoiceOverdue,
    /// To the buyer: their order was called off, since its payment did not come.
    OrderExpired,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::ConfirmRegistration,
        Self::AddressKnown,
        Self::ResetPassword,
        Self::OrganizationWaiting,
        Self::OrganizationApproved,
        Self::OrderPlaced,
        Self::OrderToFulfil,
        Self::OrderToAdminister,
        Self::OrderStatusChanged,
        Self::OrderCanceled,
        Self::PriceListImported,
        Self::PriceListHeld,
        Self::PriceListNotFetched,
        Self::PaymentReceived,
        Self::PaymentLapsed,
        Self::InvoiceOverdue,
        Self::OrderExpired,
    ];

    /// The folder of its templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmRegistration => "confirm_registration",
            Self::AddressKnown => "address_known",
            Self::ResetPassword => "reset_password",
            Self::OrganizationWaiting => "organization_waiting",
            Self::OrganizationApproved => "organization_approved",
            Self::OrderPlaced => "order_placed",
            Self::OrderToFulfil => "order_to_fulfil",
            Self::OrderToAdminister => "order_to_administer",
            Self::OrderStatusChanged => "order_status_changed",
            Self::OrderCanceled => "order_canceled",
            Self::PriceListImported => "price_list_imported",
            Self::PriceListHeld => "price_list_held",
            Self::PriceListNotFetched => "price_list_not_fetched",
            Self::PaymentReceived => "payment_received",
            Self::PaymentLapsed => "payment_lapsed",
            Self::InvoiceOverdue => "invoice_overdue",
            Self::OrderExpired => "order_expired",
        }
    }

    /// The secret link that it carries: what the token is for, the page that takes it, and the name of the
    /// link in the template.
    #[must_use]
    pub fn secret_link(self) -> Option<(Purpose, &'static str, &'static str)> {
        match self {
            Self::ConfirmRegistration => Some((Purpose::ConfirmEmail, "/confirm-email", "confirm_url")),
            Self::ResetPassword => Some((Purpose::ResetPassword, "/reset-password", "reset_url")),
            Self::AddressKnown
            | Self::OrganizationWaiting
            | Self::OrganizationApproved
            | Self::OrderPlaced
            | Self::OrderToFulfil
            | Self::OrderToAdminister
            | Self::OrderStatusChanged
            | Self::PriceListImported
            | Self::PriceListHeld
            | Self::PriceListNotFetched
            | Self::PaymentReceived
            | Self::PaymentLapsed
            | Self::InvoiceOverdue
            | Self::OrderCanceled
            | Self::OrderExpired => None,
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

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageStatus {
    /// It waits for its job, for the first time or for another try.
    Queued,
    /// A worker speaks with the mail server, or died doing so.
    Sending,
    /// The server took it.
    Sent,
    /// It was given up.
    Failed,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sending, Self::Sent, Self::Failed];

    /// Its word in URLs, answers and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether a message may go from here to there.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            // Its job may die before it begins.
            Self::Queued => matches!(next, Self::Sending | Self::Failed),
            // Again `sending`: its worker died, and another took over.
            Self::Sending => true,
            // Staff has it sent again.
            Self::Sent | Self::Failed => matches!(next, Self::Queued),
        }
    }
}

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
    /// Which one.
    pub id: EmailMessageId,
    /// Which copy of it, from 1.
    pub copy: i16,
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

impl OutgoingMessage {
    /// Its Message-ID, the same each time this copy is tried (decision 8). A copy that staff had sent on purpose has
    /// one of its own.
    #[must_use]
    pub fn message_id(&self, host: &str) -> String {
        match self.copy {
            1 => format!("<{}@{host}>", self.id),
            copy => format!("<{}.{copy}@{host}>", self.id),
        }
    }
}

/// Which messages staff looks for.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only those to this address.
    pub recipient: Option<String>,
    /// Only those that stand there.
    pub status: Option<MessageStatus>,
    /// Only those of this kind.
    pub kind: Option<MessageKind>,
}

/// Which failed messages are sent again together.
#[derive(Clone, Debug, Default)]
pub struct FailedFilter {
    /// Only those to this address.
    pub recipient: Option<String>,
    /// Only those of this kind.
    pub kind: Option<MessageKind>,
}

impl FailedFilter {
    /// How many messages are sent again at once.
    pub const AT_ONCE: i64 = 500;
}

/// A message, as staff sees it: never what it says, which is between us and its recipient.
#[derive(Clone, Debug)]
pub struct MessageSummary {
    /// Which one.
    pub id: EmailMessageId,
    /// What it is about: an order, a part of one, a step, an import, a user.
    pub cause: Uuid,
    /// Which templates.
    pub kind: MessageKind,
    /// To whom.
    pub recipient: String,
    /// In which language.
    pub locale: Locale,
    /// Where it stands.
    pub status: MessageStatus,
    /// How often it was tried.
    pub attempts: i16,
    /// Which copy it is, from 1.
    pub copy: i16,
    /// The server's last answer, or what went wrong.
    pub last_response: Option<String>,
    /// When it was posted.
    pub created_at: OffsetDateTime,
    /// When the server took it last.
    pub sent_at: Option<OffsetDateTime>,
}

/// One entry of a message's story.
#[derive(Clone, Debug)]
pub struct MessageEvent {
    /// Where the message stood from then on.
    pub status: MessageStatus,
    /// When.
    pub at: OffsetDateTime,
    /// The server's answer, or what went wrong.
    pub response: Option<String>,
    /// Who of the staff had it sent again.
    pub by_user: Option<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_ended_is_sent_again() {
        use MessageStatus::{Failed, Queued, Sending, Sent};
        let resendable: Vec<_> = MessageStatus::ALL
            .into_iter()
            .filter(|from| *from != Sending && from.may_become(Queued))
            .collect();
        assert_eq!(resendable, [Sent, Failed]);
        assert!(!Queued.may_become(Sent), "nothing is sent without being tried");
        assert!(!Queued.may_become(Queued) && !Sent.may_become(Failed) && !Failed.may_become(Sent));
    }

    #[test]
    fn another_copy_has_another_message_id() {
        let message = |copy| OutgoingMessage {
            id: EmailMessageId::new(),
            copy,
            kind: MessageKind::OrderPlaced,
            recipient: "anna@example.com".to_owned(),
            locale: Locale::Ru,
            data: Value::Null,
            user_id: None,
        };
        let first = message(1);
        assert_eq!(first.message_id("shop.example"), format!("<{}@shop.example>", first.id));
        let third = message(3);
        assert_eq!(third.message_id("shop.example"), format!("<{}.3@shop.example>", third.id));
    }
}
