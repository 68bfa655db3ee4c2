//! Who asks from where, and how often they may.
//!
//! What comes from one address of a caller is counted here, by salvo's limiter, in this process's memory: at most
//! 100,000 addresses, the oldest forgotten first. It guards the process (a flood is refused before it costs a hash or
//! a statement), so each process counts for itself. What is tried with one *account* is counted in the database,
//! for all processes together ([`common::limits`]).

mod callers;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{config::Problems, limits::Quota};
use ipnet::IpNet;
use salvo::{
    FlowCtrl, Handler, async_trait,
    prelude::{Depot, Request, Response},
    rate_limiter::{BasicQuota, FixedGuard, MokaStore, RateIssuer, RateLimiter},
};

use self::callers::Callers;
use crate::context::Services;

/// When an address may ask again, as salvo's limiter says it: seconds since 1970.
const RESET: &str = "x-ratelimit-reset";

/// How often something may be tried, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct LimitArgs {
    /// How often a password may be offered for one account
    #[arg(long, env = "LIMIT_SIGN_INS_PER_ACCOUNT", default_value = "10/m")]
    pub limit_sign_ins_per_account: String,

    /// How often passwords may be offered from one address of a caller
    #[arg(long, env = "LIMIT_SIGN_INS_PER_CALLER", default_value = "60/m")]
    pub limit_sign_ins_per_caller: String,

    /// How many may register from one address of a caller
    #[arg(long, env = "LIMIT_REGISTRATIONS_PER_CALLER", default_value = "20/h")]
    pub limit_registrations_per_caller: String,

    /// How many links may be mailed to one account
    #[arg(long, env = "LIMIT_MAILS_PER_ACCOUNT", default_value = "5/h")]
    pub limit_mails_per_account: String,

    /// How many links may be asked for from one address of a caller
    #[arg(long, env = "LIMIT_MAILS_PER_CALLER", default_value = "30/h")]
    pub limit_mails_per_caller: String,

    /// The addresses or networks (10.0.0.0/8) of the proxies in front, separated by commas: only from these is
    /// X-Forwarded-For believed
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: String,
}

/// How often something may be tried.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Passwords offered for one account.
    pub sign_ins_per_account: Quota,
    /// Passwords offered from one address of a caller.
    pub sign_ins_per_caller: Quota,
    /// Registrations from one address of a caller.
    pub registrations_per_caller: Quota,
    /// Links mailed to one account.
    pub mails_per_account: Quota,
    /// Links asked for from one address of a caller.
    pub mails_per_caller: Quota,
    /// From whom X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl LimitArgs {
    /// Checks them.
    pub fn check(self, problems: &mut Problems) -> Option<LimitSettings> {
        let mut quota = |setting, text: String| problems.take(setting, text.parse::<Quota>());
        let sign_ins_per_account = quota("LIMIT_SIGN_INS_PER_ACCOUNT", self.limit_sign_ins_per_account);
        let sign_ins_per_caller = quota("LIMIT_SIGN_INS_PER_CALLER", self.limit_sign_ins_per_caller);
        let registrations_per_caller =
            quota("LIMIT_REGISTRATIONS_PER_CALLER", self.limit_registrations_per_caller);
        let mails_per_account = quota("LIMIT_MAILS_PER_ACCOUNT", self.limit_mails_per_account);
        let mails_per_caller = quota("LIMIT_MAILS_PER_CALLER", self.limit_mails_per_caller);
        let proxies = self.trusted_proxies.split(',').map(str::trim).filter(|text| !text.is_empty());
        let proxies = proxies.map(callers::parse_network).collect::<Result<Vec<_>, _>>();
        let trusted_proxies = problems.take("TRUSTED_PROXIES", proxies);
        Some(LimitSettings {
            sign_ins_per_account: sign_ins_per_account?,
            sign_ins_per_caller: sign_ins_per_caller?,
            registrations_per_caller: registrations_per_caller?,
            mails_per_account: mails_per_account?,
            mails_per_caller: mails_per_caller?,
            trusted_proxies: trusted_proxies?,
        })
    }
}

/// The limits of this process.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    settings: LimitSettings,
    callers: Callers,
    sign_ins: PerAddress,
    registrations: PerAddress,
    mails: PerAddress,
}

type PerAddress = RateLimiter<FixedGuard, MokaStore<IpAddr, FixedGuard>, Callers, BasicQuota>;

impl Limits {
    /// Limits that nobody has used up yet.
    #[must_use]
    pub fn new(settings: LimitSettings) -> Self {
        let callers = Callers::behind(settings.trusted_proxies.as_slice());
        let per_address = |quota: Quota| {
            let count = usize::try_from(quota.count()).unwrap_or(usize::MAX);
            let quota = BasicQuota::new(count, quota.period());
            RateLimiter::new(FixedGuard::new(), MokaStore::new(), callers.clone(), quota).add_headers(true)
        };
        Self(Arc::new(Counters {
            sign_ins: per_address(settings.sign_ins_per_caller),
            registrations: per_address(settings.registrations_per_caller),
            mails: per_address(settings.mails_per_caller),
            callers,
            settings,
        }))
    }

    /// How often something may be tried.
    #[must_use]
    pub fn settings(&self) -> &LimitSettings {
        &self.0.settings
    }

    /// From where a request comes.
    pub async fn caller(&self, req: &mut Request, depot: &Depot) -> Option<IpAddr> {
        self.0.callers.issue(req, depot).await
    }
}

/// Stands before a handler that one address may not call without end.
#[derive(Clone, Copy, Debug)]
pub enum PerCaller {
    /// Passwords are offered.
    SignIns,
    /// Somebody registers.
    Registrations,
    /// Links are asked for.
    Mails,
}

#[async_trait]
impl Handler for PerCaller {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let Ok(services) = depot.get_typed::<Arc<Services>>() else { return };
        let limits = Arc::clone(&services.limits.0);
        let limiter = match self {
            Self::SignIns => &limits.sign_ins,
            Self::Registrations => &limits.registrations,
            Self::Mails => &limits.mails,
        };
        limiter.handle(req, depot, res, ctrl).await;
    }
}

/// In how many seconds a caller may ask again, when it was this limiter that refused.
pub(crate) fn retry_after_s(res: &Response) -> Option<u64> {
    let reset: u64 = res.headers().get(RESET)?.to_str().ok()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Some(reset.saturating_sub(now).max(1))
}
