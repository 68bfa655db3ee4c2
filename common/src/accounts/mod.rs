//! Accounts: organizations, their people, and how they prove who they are.
//!
//! A registration founds an organization and mails a link; the link's token confirms the address; then an
//! e-mail and a password start a session, whose refresh tokens follow each other. Every secret that leaves
//! the house (link tokens, refresh tokens) is kept as a hash only, and a link's token is made at the moment
//! its message is sent, so that it never stands in the database at all.
//!
//! An access token names its session, and each request asks whether that goes on: signing out, a new password, and
//! whoever closes an account end sessions, and thereby access, at once.

mod actions;
mod hashing;
mod model;
mod overview;
mod password;
mod store;
mod token;

pub use actions::{
    AccountError, Activity, Session, StaffError, approve_organization, change_password, change_profile,
    check_reset, confirm_email, create_staff, end_session, erase, find_credentials, find_organization,
    find_user, mail_link, mint_token, own_credentials, profile, refresh_session, register, reset_password,
    set_active, start_session,
};
pub use model::{
    AccountType, Credentials, EmailAddress, NewStaff, OrganizationKind, OrganizationName, PersonName,
    PositionName, Profile, ProfileChange, Registration, Role,
};
pub use overview::{OrganizationFilter, OrganizationSummary, UserFilter, UserSummary};
pub use password::{Password, PasswordHash, Passwords, PasswordsError, Place};
pub use store::{list_organizations, list_users, locale_of, session_goes_on};
pub use token::{Purpose, TokenHash, TokenSecret};
