//! The JSON of all organizations.

use common::accounts::OrganizationSummary;
use salvo::oapi::ToSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::params::page_response;

/// A company, as staff sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationResponse {
    /// Its id; a supplier's is the same.
    pub id: String,
    /// `buyer`, `supplier` or `operator`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whether it is approved: until then a supplier's offers are hidden, and a buyer has no invoice terms.
    pub approved: bool,
    /// Since when.
    #[serde(with = "time::serde::rfc3339::option")]
    pub approved_at: Option<OffsetDateTime>,
    /// How many people of it can sign in.
    pub people_count: i64,
    /// When it was founded.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<OrganizationSummary> for OrganizationResponse {
    fn from(organization: OrganizationSummary) -> Self {
        Self {
            id: organization.id.to_string(),
            kind: organization.kind.as_str(),
            name: organization.name,
            approved: organization.approved_at.is_some(),
            approved_at: organization.approved_at,
            people_count: organization.people,
            created_at: organization.created_at,
        }
    }
}

page_response! {
    /// A page of all organizations, the newest first.
    OrganizationsResponse of OrganizationResponse
}
