//! The JSON of everybody's accounts.

use common::accounts::{Role, UserSummary};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{admin::orders::dto::OrganizationNameResponse, params::page_response};

/// Somebody, as staff sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserResponse {
    /// Their id.
    pub id: String,
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
    /// `buyer`, `supplier` or `staff`.
    pub role: &'static str,
    /// `ru` or `en`.
    pub locale: &'static str,
    /// Whose person they are.
    pub organization: OrganizationNameResponse,
    /// Whether the account is open.
    pub active: bool,
    /// Whether they have confirmed their address.
    pub email_confirmed: bool,
    /// When they registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<UserSummary> for UserResponse {
    fn from(user: UserSummary) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            company: user.company,
            position: user.position,
            role: Role::from(user.kind).as_str(),
            locale: user.locale.as_str(),
            organization: OrganizationNameResponse {
                id: user.organization_id.to_string(),
                name: user.organization_name,
            },
            active: user.closed_at.is_none(),
            email_confirmed: user.email_confirmed_at.is_some(),
            created_at: user.created_at,
        }
    }
}

page_response! {
    /// A page of everybody, the newest first.
    UsersResponse of UserResponse
}

/// What to change of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Whether it is open: false closes it and signs it out everywhere, at once.
    pub active: bool,
}
