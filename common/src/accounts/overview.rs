//! People and organizations as staff sees them: everybody's, at a glance.

use time::OffsetDateTime;

use super::OrganizationKind;
use crate::{
    ids::{OrganizationId, UserId},
    locale::Locale,
};

/// Somebody, as staff sees them.
#[derive(Clone, Debug)]
pub struct UserSummary {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where they say they work.
    pub company: Option<String>,
    /// As what.
    pub position: Option<String>,
    /// The language of their e-mails.
    pub locale: Locale,
    /// What their organization is.
    pub kind: OrganizationKind,
    /// Whose person they are.
    pub organization_id: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// When they confirmed their address.
    pub email_confirmed_at: Option<OffsetDateTime>,
    /// When the account was closed.
    pub closed_at: Option<OffsetDateTime>,
    /// When they registered.
    pub created_at: OffsetDateTime,
}

/// Which people are asked for.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only this one.
    pub id: Option<UserId>,
    /// Only whoever has this in their address, name, company or organization.
    pub words: Option<String>,
    /// Only people of such organizations.
    pub kind: Option<OrganizationKind>,
    /// Only open accounts, or only closed ones.
    pub active: Option<bool>,
    /// Only people of this organization.
    pub organization_id: Option<OrganizationId>,
}

/// A company, as staff sees it.
#[derive(Clone, Debug)]
pub struct OrganizationSummary {
    /// Which one.
    pub id: OrganizationId,
    /// What it is.
    pub kind: OrganizationKind,
    /// Its name.
    pub name: String,
    /// Since when it is approved.
    pub approved_at: Option<OffsetDateTime>,
    /// When it was founded.
    pub created_at: OffsetDateTime,
    /// How many people of it can sign in.
    pub people: i64,
}

/// Which organizations are asked for.
#[derive(Clone, Debug, Default)]
pub struct OrganizationFilter {
    /// Only this one.
    pub id: Option<OrganizationId>,
    /// Only those that have this in their name.
    pub words: Option<String>,
    /// Only those of this kind.
    pub kind: Option<OrganizationKind>,
    /// Only those that are approved, or only those that wait.
    pub approved: Option<bool>,
}
