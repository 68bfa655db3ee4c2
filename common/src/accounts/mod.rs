//! Accounts: organizations, their people, and how they prove who they are.
//!
//! A registration founds an organization and mails a link; the link's token confirms the address; then an
//! e-mail and a password start a session, whose refresh tokens follow each other. Every secret that leaves
//! the house (link tokens, refresh tokens) is kept as a hash only, and a link's token is made at the moment
//! its message is sent, so that it never stands in the database at all.

mod actions;
mod model;
mod password;
mod store;
mod token;

pub use actions::{
    AccountError, StaffError, confirm_email, create_staff, end_session, find_credentials, mint_token,
    profile, refresh_session, register, start_session,
};
pub use model::{
    AccountType, Credentials, EmailAddress, NewStaff, OrganizationKind, OrganizationName, PersonName,
    PositionName, Profile, Registration, Role,
};
pub use password::{Password, PasswordHash, Passwords, PasswordsError};
pub use token::{Purpose, TokenHash, TokenSecret};
