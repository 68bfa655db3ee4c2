//! How long things are kept.

use crate::{age::Age, config::Problems};

macro_rules! retention {
    ($($(#[doc = $doc:literal])+ $name:ident = $flag:literal $env:literal $default:literal;)+) => {
        /// How long things are kept, as written: `30d`, `24h`, …
        #[derive(clap::Args, Clone, Debug)]
        pub struct RetentionArgs {
            $(
                $(#[doc = $doc])+
                #[arg(long = $flag, env = $env, default_value = $default)]
                pub $name: String,
            )+
        }

        /// How long things are kept.
        #[derive(Clone, Debug)]
        pub struct Retention {
            $($(#[doc = $doc])+ pub $name: Age,)+
        }

        impl RetentionArgs {
            /// Checks them.
            pub fn check(&self, problems: &mut Problems) -> Option<Retention> {
                $(let $name = problems.take($env, self.$name.parse());)+
                Some(Retention { $($name: $name?,)+ })
            }
        }

        impl Default for Retention {
            fn default() -> Self {
                let age = |text: &str| text.parse().unwrap_or(Age::days(365));
                Self { $($name: age($default),)+ }
            }
        }
    };
}

retention! {
    /// How long jobs are kept that are done or were discarded
    finished_jobs = "keep-finished-jobs" "KEEP_FINISHED_JOBS" "7d";
    /// How long dead letters are kept
    dead_jobs = "keep-dead-jobs" "KEEP_DEAD_JOBS" "90d";
    /// How long sessions and tokens are kept after their end
    sessions = "keep-sessions" "KEEP_SESSIONS" "30d";
    /// How long messages keep their recipient and their data
    messages = "keep-messages" "KEEP_MESSAGES" "365d";
    /// How long price lists wait for somebody to apply or discard them
    undecided_imports = "keep-undecided-imports" "KEEP_UNDECIDED_IMPORTS" "7d";
    /// How long the reports of price lists keep their rows
    import_rows = "keep-import-rows" "KEEP_IMPORT_ROWS" "30d";
    /// How long workers are kept that are gone
    workers = "keep-workers" "KEEP_WORKERS" "1d";
    /// How long the notices of payment providers are kept
    payment_notices = "keep-payment-notices" "KEEP_PAYMENT_NOTICES" "90d";
}
