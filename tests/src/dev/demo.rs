//! The demonstration data of a fresh development database.

use std::fmt;

use super::Addresses;

/// Somebody as whom to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// Who it is: a buyer, a supplier, the administrator.
    pub role: String,
    /// The e-mail address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
}

impl fmt::Display for DemoAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<10} {} / {}", self.role, self.email, self.password)
    }
}

/// Loads the demonstration data through the API, which answers already; `None` when there are none to load.
///
/// # Errors
/// When the API refuses them.
#[expect(clippy::unused_async, reason = "loading speaks HTTP as soon as there is something to load")]
pub async fn load(_stack: &Addresses) -> anyhow::Result<Option<Vec<DemoAccount>>> {
    Ok(None)
}
