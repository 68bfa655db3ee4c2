//! The JSON of accounts.

use common::{
    accounts::{
        AccountType, EmailAddress, OrganizationName, Password, PersonName, PositionName, Profile,
        ProfileChange, Registration, TokenSecret,
    },
    config::TradeSettings,
    locale::{Locale, UnknownLocale},
    text::Invalid,
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};

use crate::{
    body::{Fields, named},
    error::{ApiError, ApiResult},
};

/// Somebody new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The address to confirm.
    #[salvo(schema(example = "anna@example.com"))]
    pub email: String,
    /// 8 to 128 characters, not among the commonest.
    pub password: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where they work.
    pub company: Option<String>,
    /// As what.
    pub position: Option<String>,
    /// `buyer` or `supplier`.
    pub account_type: String,
    /// Required for a supplier: the name under which it sells.
    pub supplier_name: Option<String>,
    /// The language of their e-mails: `ru` or `en`.
    pub locale: Option<String>,
    /// That they accept the terms; required to be true where there are terms.
    pub accept_terms: Option<bool>,
}

impl RegisterRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, trade: &TradeSettings) -> ApiResult<(Registration, Password)> {
        let mut fields = Fields::default();
        let email = fields.take("/email", EmailAddress::parse(&self.email));
        let password = fields.take("/password", Password::parse(&self.password));
        let first_name = fields.take("/first_name", PersonName::parse(&self.first_name));
        let last_name = fields.take("/last_name", PersonName::parse(&self.last_name));
        let company = fields.optional("/company", self.company, |text| OrganizationName::parse(&text));
        let position = fields.optional("/position", self.position, |text| PositionName::parse(&text));
        let account_type = match (self.account_type.as_str(), self.supplier_name) {
            ("buyer", None) => Some(AccountType::Buyer),
            ("buyer", Some(_)) => {
                fields.refuse("/supplier_name", Invalid::new("not_applicable", "only a supplier has one"));
                None
            }
            ("supplier", Some(name)) => {
                fields.take("/supplier_name", OrganizationName::parse(&name)).map(AccountType::Supplier)
            }
            ("supplier", None) => {
                fields.refuse(
                    "/supplier_name",
                    Invalid::new("required", "a supplier needs a name to sell under"),
                );
                None
            }
            (other, _) => {
                let detail = format!("expected buyer or supplier, found {other:?}");
                fields.refuse("/account_type", Invalid::new("unknown_word", detail));
                None
            }
        };
        let locale = fields.optional("/locale", self.locale, parse_locale);
        if let (Some(version), false) = (&trade.terms_version, self.accept_terms == Some(true)) {
            let detail = format!("expected true: that the terms of version {version} are accepted");
            fields.refuse("/accept_terms", Invalid::new("required", detail));
        }
        let registration = (|| {
            Some((
                Registration {
                    email: email?,
                    first_name: first_name?,
                    last_name: last_name?,
                    company: company?,
                    position: position?,
                    account_type: account_type?,
                    locale: locale?.unwrap_or(trade.default_locale),
                    terms_accepted: trade.terms_version.clone(),
                },
                password?,
            ))
        })();
        fields.finish(registration)
    }
}

/// Nothing to say.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmptyResponse {}

/// A link's token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The `token` of the link in the e-mail.
    pub token: String,
}

fn parse_locale(text: String) -> Result<Locale, Invalid> {
    text.parse().map_err(|error: UnknownLocale| Invalid::new("unknown_word", error.to_string()))
}

/// Whose account something is wanted for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailRequest {
    /// The account's address.
    #[salvo(schema(example = "anna@example.com"))]
    pub email: String,
}

impl EmailRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 when it is no address.
    pub fn parse(self) -> ApiResult<EmailAddress> {
        EmailAddress::parse(&self.email).map_err(|invalid| ApiError::field("/email", invalid))
    }
}

/// A new password for whoever was mailed a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The `token` of the link in the e-mail.
    pub token: String,
    /// 8 to 128 characters, not among the commonest.
    pub password: String,
}

impl ResetPasswordRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 when it is no password.
    pub fn parse(self) -> ApiResult<(TokenSecret, Password)> {
        let password = Password::parse(&self.password);
        let password = password.map_err(|invalid| ApiError::field("/password", invalid))?;
        Ok((TokenSecret::offered(self.token), password))
    }
}

/// A new password for whoever knows the present one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The present one.
    pub current_password: String,
    /// 8 to 128 characters, not among the commonest.
    pub new_password: String,
}

impl ChangePasswordRequest {
    /// Checks it: the present password, and the new one.
    ///
    /// # Errors
    /// 422 when the new one is no password.
    pub fn parse(self) -> ApiResult<(Password, Password)> {
        let new = Password::parse(&self.new_password);
        let new = new.map_err(|invalid| ApiError::field("/new_password", invalid))?;
        Ok((Password::offered(self.current_password), new))
    }
}

/// What somebody changes of themselves; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Where they work; null takes it away.
    #[serde(default, deserialize_with = "named")]
    #[salvo(schema(value_type = Option<String>))]
    pub company: Option<Option<String>>,
    /// As what; null takes it away.
    #[serde(default, deserialize_with = "named")]
    #[salvo(schema(value_type = Option<String>))]
    pub position: Option<Option<String>>,
    /// The language of their e-mails: `ru` or `en`.
    pub locale: Option<String>,
}

impl ProfileRequest {
    /// Checks it.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self) -> ApiResult<ProfileChange> {
        let mut fields = Fields::default();
        let first_name = fields.optional("/first_name", self.first_name, |text| PersonName::parse(&text));
        let last_name = fields.optional("/last_name", self.last_name, |text| PersonName::parse(&text));
        let company = fields.optional("/company", self.company, |text| {
            text.map(|text| OrganizationName::parse(&text)).transpose()
        });
        let position = fields.optional("/position", self.position, |text| {
            text.map(|text| PositionName::parse(&text)).transpose()
        });
        let locale = fields.optional("/locale", self.locale, parse_locale);
        let change = (|| {
            Some(ProfileChange {
                first_name: first_name?,
                last_name: last_name?,
                company: company?,
                position: position?,
                locale: locale?,
            })
        })();
        fields.finish(change)
    }
}

/// Who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account's address.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A session's newest refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// From the last sign-in or refresh; each works once.
    pub refresh_token: String,
}

/// A session's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokensResponse {
    /// For the `Authorization` header.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// How long the access token is good for, in seconds.
    pub expires_in: i64,
    /// For `POST /auth/refresh`.
    pub refresh_token: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileResponse {
    /// The person's id.
    pub id: String,
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
    /// `buyer`, `supplier` or `staff`.
    pub role: &'static str,
    /// `ru` or `en`.
    pub locale: &'static str,
}

impl From<Profile> for ProfileResponse {
    fn from(profile: Profile) -> Self {
        Self {
            id: profile.id.to_string(),
            email: profile.email,
            first_name: profile.first_name,
            last_name: profile.last_name,
            company: profile.company,
            position: profile.position,
            role: profile.role.as_str(),
            locale: profile.locale.as_str(),
        }
    }
}
