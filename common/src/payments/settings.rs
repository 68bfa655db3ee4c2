//! Who handles cards, by settings.

use std::sync::Arc;

use super::{PaymentProvider, yookassa::YooKassa};
use crate::config::{Problems, Secret, parse_http_url};

/// Who handles cards, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct ProviderArgs {
    /// The shop's id at YooKassa; without it nobody pays by card
    #[arg(long, env = "YOOKASSA_SHOP_ID")]
    pub yookassa_shop_id: Option<String>,

    /// The shop's secret key at YooKassa
    #[arg(long, env = "YOOKASSA_SECRET_KEY", hide_env_values = true)]
    pub yookassa_secret_key: Option<String>,

    /// Where YooKassa's API is
    #[arg(long, env = "YOOKASSA_URL", default_value = "https://api.yookassa.ru/v3")]
    pub yookassa_url: String,
}

/// Who handles cards, if anybody does.
pub type ProviderSettings = Option<Arc<dyn PaymentProvider>>;

impl ProviderArgs {
    /// Checks them.
    pub fn check(self, problems: &mut Problems) -> Option<ProviderSettings> {
        let url = problems.take("YOOKASSA_URL", parse_http_url(&self.yookassa_url));
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        match (given(self.yookassa_shop_id), given(self.yookassa_secret_key)) {
            (None, None) => url.map(|_| None),
            (shop_id, secret_key) => {
                let shop_id = problems.required("YOOKASSA_SHOP_ID", shop_id);
                let secret_key = problems.required("YOOKASSA_SECRET_KEY", secret_key);
                let yookassa = YooKassa::new(url?, shop_id?, Secret::new(secret_key?));
                let yookassa = problems.take("YOOKASSA_URL", yookassa)?;
                Some(Some(Arc::new(yookassa)))
            }
        }
    }
}
