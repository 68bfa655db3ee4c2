//! The checker finds what is planted among payments: each violation in turn, and nothing once it is gone.

use common::checks::{self, Invariant, Report};
use sqlx::AssertSqlSafe;

use super::{begin, both_confirm, market, order_by_card, pay, walk};
use crate::support::TestApp;

async fn check(app: &TestApp) -> Report {
    let mut tx = app.pool().begin().await.unwrap();
    checks::run(&mut tx).await.unwrap()
}

/// What is planted, how it is taken back, and which invariant it violates about what.
const PLANTED: [(&str, &str, Invariant, &str); 14] = [
    (
        "update payments set captured_minor = captured_minor - 1 where kind = 'card' and status = 'captured'",
        "update payments set captured_minor = captured_minor + 1 where kind = 'card' and status = 'captured'",
        Invariant::I4,
        "payment ",
    ),
    (
        "update payments set refunded_minor = refunded_minor - 1 where kind = 'card' and status = 'captured'",
        "update payments set refunded_minor = refunded_minor + 1 where kind = 'card' and status = 'captured'",
        Invariant::I4,
        "payment ",
    ),
    (
        "update payment_allocations set amount_minor = amount_minor * 2",
        "update payment_allocations set amount_minor = amount_minor / 2",
        Invariant::I4,
        "supplier order ",
    ),
    (
        "update payments set status = 'canceled' where kind = 'invoice'",
        "update payments set status = 'invoiced' where kind = 'invoice'",
        Invariant::I4,
        "supplier order ",
    ),
    (
        "update orders set released_at = null where payment_method = 'card'",
        "update orders set released_at = created_at where payment_method = 'card' and pay_until is null",
        Invariant::I4,
        "order ",
    ),
    (
        "update refunds set supplier_order_id = null",
        "update refunds r set supplier_order_id = (select p.id from supplier_orders p \
         join payments y on y.order_id = p.order_id where y.id = r.payment_id and p.status = 'canceled')",
        Invariant::I4,
        "payment ",
    ),
    (
        "update refunds set status = 'pending', ended_at = null",
        "update refunds set status = 'succeeded', ended_at = created_at",
        Invariant::I4,
        "refund ",
    ),
    // A refund that failed is no money that went back.
    (
        "update refunds set status = 'failed'; update payments set refunded_minor = 0 where kind = 'card'",
        "update refunds set status = 'succeeded'; update payments y set refunded_minor = \
         (select coalesce(sum(r.amount_minor), 0) from refunds r where r.payment_id = y.id) where kind = 'card'",
        Invariant::I4,
        "payment ",
    ),
    (
        "update payment_allocations a set wanted = false from supplier_orders p \
         where p.id = a.supplier_order_id and p.status = 'sent'",
        "update payment_allocations a set wanted = true from supplier_orders p \
         where p.id = a.supplier_order_id and p.status = 'sent'",
        Invariant::I4,
        "supplier order ",
    ),
    (
        "update jobs set state = 'discarded' where kind = 'expire_order' and state = 'ready'",
        "update jobs set state = 'ready' where kind = 'expire_order' and state = 'discarded'",
        Invariant::I4,
        "order ",
    ),
    (
        "update payments set lapsed_at = created_at where status = 'expired'",
        "update payments set lapsed_at = null where status = 'expired'",
        Invariant::I6,
        "payment ",
    ),
    (
        "update payment_history set position = position + 100 where status = 'requires_action'",
        "update payment_history set position = position - 100 where status = 'requires_action'",
        Invariant::I3,
        "payment ",
    ),
    (
        "update email_messages set kind = 'address_known' where kind = 'payment_received'",
        "update email_messages set kind = 'payment_received' where kind = 'address_known'",
        Invariant::I6,
        "payment ",
    ),
    (
        "update payments set overdue_at = created_at where kind = 'invoice'",
        "update payments set overdue_at = null where kind = 'invoice'",
        Invariant::I6,
        "payment ",
    ),
];

#[tokio::test]
async fn each_violation_that_is_planted_is_found() {
    let app = TestApp::start_with_cards().await;
    let (elektron, kancler, buyer) = market(&app).await;
    pay(&app, &buyer).await;
    both_confirm(&app, &elektron, &kancler).await;
    walk(&kancler, &["assembled", "sent"]).await;
    walk(&elektron, &["canceled"]).await;
    app.drain_jobs().await;
    // An order that waits for its card, of which a payment was begun and not made.
    buyer.put_into_basket(&app.offer("B").await, 1).await.assert_status(200);
    begin(&buyer, &order_by_card(&buyer).await).await.assert_status(201);
    let waiting = app.provider().payments().into_iter().last().unwrap();
    app.provider().expire(&waiting.id).unwrap();
    app.drain_jobs().await;
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(200);
    buyer.order().await.assert_status(201);
    app.drain_jobs().await;
    assert!(check(&app).await.is_clean());
    // What is planted must not be mended by a job that happens to look.
    app.stop_worker().await;
    for (plant, take_back, invariant, subject) in PLANTED {
        let planted = sqlx::raw_sql(AssertSqlSafe(plant)).execute(app.pool()).await.unwrap();
        assert!(planted.rows_affected() > 0, "{plant}");
        let report = check(&app).await;
        let found = report
            .violations
            .iter()
            .any(|found| found.invariant == invariant && found.subject.starts_with(subject));
        assert!(found, "{plant}: {report}");
        sqlx::raw_sql(AssertSqlSafe(take_back)).execute(app.pool()).await.unwrap();
        let report = check(&app).await;
        assert!(report.is_clean(), "{take_back}: {report}");
    }
    app.finish().await;
}
