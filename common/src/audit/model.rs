//! Actions, and what they were done to.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::{
    AuditRecordId, EmailMessageId, JobId, OrganizationId, PauseId, PaymentId, PriceImportId, SupplierOrderId,
    SynonymId, UserId,
};

/// An action's line names the id of what it is done to, its word, and what kind of thing that is.
macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident($id:ident) = $word:literal of $kind:literal;)+) => {
        /// What was done, and to which thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[doc = $doc])+ $name($id),)+
        }

        impl Action {
            /// Every word.
            pub const WORDS: &[&'static str] = &[$($word,)+];

            /// Its word in the log.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name(_) => $word,)+ }
            }

            /// What kind of thing it was done to.
            #[must_use]
            pub fn subject_kind(self) -> &'static str {
                match self { $(Self::$name(_) => $kind,)+ }
            }

            /// Which one.
            #[must_use]
            pub fn subject_id(self) -> Uuid {
                match self { $(Self::$name(id) => id.0,)+ }
            }
        }
    };
}

actions! {
    /// Somebody of the operator was given an account.
    CreateStaff(UserId) = "create_staff" of "user";
    /// An account was closed.
    CloseAccount(UserId) = "close_account" of "user";
    /// A closed account was opened again.
    ReopenAccount(UserId) = "reopen_account" of "user";
    /// A buyer or supplier was approved.
    ApproveOrganization(OrganizationId) = "approve_organization" of "organization";
    /// A part of an order was moved along.
    MoveSupplierOrder(SupplierOrderId) = "move_supplier_order" of "supplier_order";
    /// An invoice was marked paid.
    CapturePayment(PaymentId) = "capture_payment" of "payment";
    /// Money of a payment was given back.
    RefundPayment(PaymentId) = "refund_payment" of "payment";
    /// A price list was uploaded for a supplier.
    ImportPriceList(PriceImportId) = "import_price_list" of "price_import";
    /// A price list of a supplier that waited was applied.
    ApplyPriceList(PriceImportId) = "apply_price_list" of "price_import";
    /// A price list of a supplier that waited, or was being fetched, was discarded.
    DiscardPriceList(PriceImportId) = "discard_price_list" of "price_import";
    /// What a price list of a supplier had changed was taken back: the import that does so.
    RevertPriceList(PriceImportId) = "revert_price_list" of "price_import";
    /// A message was sent again.
    ResendMessage(EmailMessageId) = "resend_message" of "email_message";
    /// A word was told what it means to searches.
    SetSynonym(SynonymId) = "set_synonym" of "synonym";
    /// A word means itself again.
    DeleteSynonym(SynonymId) = "delete_synonym" of "synonym";
    /// A job was made ready to run.
    RetryJob(JobId) = "retry_job" of "job";
    /// A job was kept from running.
    DiscardJob(JobId) = "discard_job" of "job";
    /// Nobody takes from a queue.
    PauseQueue(PauseId) = "pause_queue" of "pause";
    /// Workers take from a queue again.
    ResumeQueue(PauseId) = "resume_queue" of "pause";
}

/// An entry about to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who does it; nobody where it is done on the command line.
    pub by: Option<UserId>,
    /// What is done.
    pub action: Action,
    /// What else should be known: an object, without anybody's personal data.
    pub details: Value,
}

/// An entry, as it is read.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which one.
    pub id: AuditRecordId,
    /// When it was done.
    pub at: OffsetDateTime,
    /// Who did it; nobody where it was done on the command line.
    pub by: Option<Author>,
    /// What was done: a word of [`Action::WORDS`], or one of a version before or after this one.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: Uuid,
    /// What else should be known.
    pub details: Value,
    /// The request that did it.
    pub request_id: Option<String>,
}

/// Who did something, as they are called now.
#[derive(Clone, Debug)]
pub struct Author {
    /// The person.
    pub id: UserId,
    /// Given name and family name.
    pub name: String,
}

/// Which entries are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter {
    /// Only what was done by this person.
    pub by: Option<UserId>,
    /// Only what was done to this thing.
    pub subject_id: Option<Uuid>,
    /// Only this action, by its word.
    pub action: Option<&'static str>,
}
