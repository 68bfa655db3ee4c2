//! Who uses Postavka.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    ids::{OrganizationId, UserId},
    locale::Locale,
    text::{Invalid, one_line_texts},
};

one_line_texts! {
    /// A first, middle or last name.
    PersonName: 100;
    /// A company's name.
    OrganizationName: 200;
    /// What somebody does in a company.
    PositionName: 200;
}

/// An e-mail address: as typed, but for surrounding space. Two that differ in case are the same account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Checks it: `local@domain`, ASCII, a domain of at least two labels, at most 254 characters.
    ///
    /// # Errors
    /// `invalid_email`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let invalid = || Invalid::new("invalid_email", "expected an e-mail address such as anna@example.com");
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let local_ok = (1..=64).contains(&local.len())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
        if local_ok && domain_ok && text.len() <= 254 { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address of nobody, for whoever was erased: its domain can have no mail server (RFC 2606). It is made up
    /// anew each time, so that nobody can have taken it.
    pub(super) fn of_nobody() -> Self {
        Self(format!("{}{}", Uuid::now_v7(), Self::NOBODY))
    }

    /// Whether an address is nobody's any more.
    pub(crate) fn is_of_nobody(address: &str) -> bool {
        address.ends_with(Self::NOBODY)
    }

    /// How an address ends that is nobody's.
    pub(crate) const NOBODY: &str = "@closed.invalid";
}

/// What an organization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum OrganizationKind {
    /// A chain that buys.
    Buyer,
    /// A company that sells.
    Supplier,
    /// The company that runs this installation.
    Operator,
}

impl OrganizationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Buyer, Self::Supplier, Self::Operator];

    /// `buyer`, `supplier` or `operator`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Supplier => "supplier",
            Self::Operator => "operator",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a person may do; it follows from their organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys for a chain.
    Buyer,
    /// Sells for a supplier.
    Supplier,
    /// Works for the operator.
    Staff,
}

impl From<OrganizationKind> for Role {
    fn from(kind: OrganizationKind) -> Self {
        match kind {
            OrganizationKind::Buyer => Self::Buyer,
            OrganizationKind::Supplier => Self::Supplier,
            OrganizationKind::Operator => Self::Staff,
        }
    }
}

impl From<Role> for OrganizationKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Buyer => Self::Buyer,
            Role::Supplier => Self::Supplier,
            Role::Staff => Self::Operator,
        }
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Buyer, Self::Supplier, Self::Staff];

    /// The role of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// `buyer`, `supplier` or `staff`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Supplier => "supplier",
            Self::Staff => "staff",
        }
    }
}

/// What a registration founds.
#[derive(Clone, Debug)]
pub enum AccountType {
    /// A buyer's organization, named after the company where one was given.
    Buyer,
    /// A supplier's organization of that name.
    Supplier(OrganizationName),
}

/// A registration, checked.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address to confirm.
    pub email: EmailAddress,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// Where they work.
    pub company: Option<OrganizationName>,
    /// As what.
    pub position: Option<PositionName>,
    /// Buyer or supplier.
    pub account_type: AccountType,
    /// The language of their e-mails.
    pub locale: Locale,
    /// The version of the terms that they accepted, where there are terms.
    pub terms_accepted: Option<String>,
}

impl Registration {
    /// The name of the organization that it founds.
    #[must_use]
    pub fn organization_name(&self) -> String {
        match (&self.account_type, &self.company) {
            (AccountType::Supplier(name), _) | (AccountType::Buyer, Some(name)) => name.as_str().to_owned(),
            (AccountType::Buyer, None) => {
                let name = format!("{} {}", self.first_name.as_str(), self.last_name.as_str());
                name.chars().take(OrganizationName::MAX).collect()
            }
        }
    }

    /// What the organization will be.
    #[must_use]
    pub fn organization_kind(&self) -> OrganizationKind {
        match self.account_type {
            AccountType::Buyer => OrganizationKind::Buyer,
            AccountType::Supplier(_) => OrganizationKind::Supplier,
        }
    }
}

/// Somebody of the operator, about to be given an account.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Their address, which needs no confirmation: whoever may create accounts for staff knows it.
    pub email: EmailAddress,
    /// Given name.
    pub first_name: PersonName,
    /// Family name.
    pub last_name: PersonName,
    /// The language of their e-mails.
    pub locale: Locale,
}

/// What signing in needs to know of an account.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose.
    pub user_id: UserId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// Their role.
    pub role: Role,
    /// The hash of their password.
    pub password_hash: super::PasswordHash,
    /// When they confirmed their address.
    pub confirmed_at: Option<OffsetDateTime>,
}

/// What somebody changes of themselves; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<PersonName>,
    /// Family name.
    pub last_name: Option<PersonName>,
    /// Where they work, or that it is nobody's business.
    pub company: Option<Option<OrganizationName>>,
    /// As what, likewise.
    pub position: Option<Option<PositionName>>,
    /// The language of their e-mails.
    pub locale: Option<Locale>,
}

/// A person, as they see themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where they work.
    pub company: Option<String>,
    /// As what.
    pub position: Option<String>,
    /// What they may do.
    pub role: Role,
    /// The language of their e-mails.
    pub locale: Locale,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_accepted() {
        for text in ["anna@example.com", " a.b+c@sub.example.co ", "o'hara@xn--e1afmkfd.xn--p1ai"] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "anna",
            "@example.com",
            "anna@",
            "anna@localhost",
            "a b@example.com",
            "a@b..com",
            ".a@example.com",
            "a@-b.com",
            "a@example.com\nBcc: b@example.com",
            "a\0@example.com",
            "анна@example.com",
        ] {
            assert_eq!(EmailAddress::parse(text).unwrap_err().code, "invalid_email", "{text:?}");
        }
    }
}
