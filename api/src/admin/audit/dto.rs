//! The JSON of the audit log.

use common::audit::Record;
use salvo::oapi::ToSchema;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::params::page_response;

/// What somebody of the staff did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRecordResponse {
    /// Its id.
    pub id: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who; null where it was done on the operator's command line.
    pub by: Option<AuthorResponse>,
    /// What: `close_account`, `approve_organization`, …
    pub action: String,
    /// To what.
    pub subject: SubjectResponse,
    /// What else should be known of it.
    #[salvo(schema(value_type = Object, additional_properties = true))]
    pub details: Value,
    /// The request that did it.
    pub request_id: Option<String>,
}

/// Somebody of the staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorResponse {
    /// Their id.
    pub id: String,
    /// Given name and family name.
    pub name: String,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectResponse {
    /// What kind of thing: `user`, `organization`, `supplier_order`, …
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl From<Record> for AuditRecordResponse {
    fn from(record: Record) -> Self {
        Self {
            id: record.id.to_string(),
            at: record.at,
            by: record.by.map(|author| AuthorResponse { id: author.id.to_string(), name: author.name }),
            action: record.action,
            subject: SubjectResponse { kind: record.subject_kind, id: record.subject_id.to_string() },
            details: record.details,
            request_id: record.request_id,
        }
    }
}

page_response! {
    /// A page of the audit log, the newest first.
    AuditLogResponse of AuditRecordResponse
}
