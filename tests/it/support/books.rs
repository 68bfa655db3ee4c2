//! Our ledger against the provider's own.

use std::collections::HashMap;

use common::money::Money;
use local_stack::payment_sandbox::SandboxStatus;

use super::TestApp;

/// Asserts that the provider took and gave back exactly what we say, each payment once.
pub async fn assert_books_agree(app: &TestApp) {
    let ours: Vec<(Option<String>, String, i64, i64)> = sqlx::query_as(
        "select provider_payment_id, status, captured_minor, refunded_minor from payments where kind = 'card'",
    )
    .fetch_all(app.pool())
    .await
    .expect("the payments");
    let ours: HashMap<String, (String, i64, i64)> = ours
        .into_iter()
        .filter_map(|(name, status, captured, refunded)| Some((name?, (status, captured, refunded))))
        .collect();
    for theirs in app.provider().payments() {
        assert!(theirs.captures <= 1, "{theirs:?}");
        let taken = if theirs.status == SandboxStatus::Succeeded { theirs.amount } else { Money::ZERO };
        let found = ours.get(&theirs.id).map(|(_, captured, refunded)| (*captured, *refunded));
        let found = found.unwrap_or_default();
        assert_eq!(found, (taken.minor(), theirs.refunded.minor()), "{theirs:?}");
    }
    let back: i64 = app.provider().refunds().iter().map(|refund| refund.amount.minor()).sum();
    assert_eq!(back, ours.values().map(|(.., refunded)| refunded).sum::<i64>());
}
