//! What deserves an alarm.

use metrics::counter;

/// The figures, by their names.
const DISAGREEMENTS: &str = "payment_disagreements_total";
const REFUNDS_FAILED: &str = "refunds_failed_total";
const LAPSED: &str = "payments_lapsed_total";
const WITHOUT_PROVIDER: &str = "payments_without_provider_total";

/// Shows zeros: to an alarm, a figure that appears with its first event has not grown.
pub fn begin() {
    for figure in [DISAGREEMENTS, REFUNDS_FAILED, LAPSED, WITHOUT_PROVIDER] {
        counter!(figure).increment(0);
    }
}

/// The provider's word does not agree with ours.
pub(super) fn disagreed() {
    counter!(DISAGREEMENTS).increment(1);
}

/// The provider has refused to give money back.
pub(super) fn refund_failed() {
    counter!(REFUNDS_FAILED).increment(1);
}

/// Held money was lost.
pub(super) fn lapsed() {
    counter!(LAPSED).increment(1);
}

/// A payment is open, and this process has nobody to ask about it.
pub fn without_provider() {
    counter!(WITHOUT_PROVIDER).increment(1);
}
