//! The settings of fetching.

use super::Allowed;
use crate::config::Problems;

/// From where price lists are fetched, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct FetchArgs {
    /// Addresses or networks from which price lists may be fetched although they are not public, with commas between and
    /// perhaps the only port, e.g. 10.1.0.0/16,127.0.0.1:8090; none when empty
    #[arg(long, env = "IMPORT_URL_ALLOW", default_value = "")]
    pub import_url_allow: String,
}

impl FetchArgs {
    /// Checks them.
    pub fn check(&self, problems: &mut Problems) -> Option<Allowed> {
        problems.take("IMPORT_URL_ALLOW", self.import_url_allow.parse())
    }
}
