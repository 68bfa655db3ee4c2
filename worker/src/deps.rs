//! What jobs work with.

use common::{
    clock::Clock, config::TradeSettings, db::Db, janitor::Retention, mail::Templates,
    payments::ProviderSettings,
};

use crate::{imports::fetching::Fetcher, mail::Mailer};

/// What all jobs share.
pub struct Deps {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The rules of the installation.
    pub trade: TradeSettings,
    /// How messages read.
    pub templates: Templates,
    /// How they leave.
    pub mailer: Mailer,
    /// How price lists come from elsewhere.
    pub fetcher: Fetcher,
    /// Who handles cards.
    pub cards: ProviderSettings,
    /// How long things are kept.
    pub retention: Retention,
}
