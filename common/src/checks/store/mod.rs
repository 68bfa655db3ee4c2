//! All SQL of the checker: a statement a check, each returning what violates it.

mod histories;
mod imports;
mod jobs;
mod messages;
mod payments;
mod stock;
mod sums;

use sqlx::PgConnection;

use super::model::Invariant;

pub(super) use histories::{illegal_moves, misplaced};
pub(super) use imports::{
    changes_without_an_import, miscounted_imports, miscounted_offers, misplaced_products,
    undecidable_imports, wrong_catalog_versions,
};
pub(super) use jobs::{abandoned_jobs, endless_jobs};
pub(super) use messages::{
    messages_without_their_job, unannounced_holds, unannounced_parts, unasked_registrations,
    unconfirmed_orders, unreceipted_payments, unreminded_invoices, unreported_imports, untold_approvals,
    untold_cancellations, untold_expiries, untold_lapses, untold_moves, untold_streaks,
};
pub(super) use payments::{
    forgotten_orders, forgotten_refunds, misinvoiced_parts, mispaid_parts, misreleased_orders,
    unbalanced_payments, unpaid_shipments, unreturned_money,
};
pub(super) use stock::{
    broken_ledgers, impossible_movements, offers_without_stock, unbalanced_ledgers, unfounded_reservations,
};
pub(super) use sums::{wrong_line_sums, wrong_subtotals, wrong_totals};

/// How long one check may take: a ledger of years is read whole.
const STATEMENT_TIMEOUT: &str = "10min";

/// Makes the transaction read only, and see one state of the database to its end.
///
/// Nested loops are off, since the checks read whole tables and as a rule return nothing: their `limit` makes
/// the planner hope for an early end that never comes, and a second's work takes minutes.
pub(super) async fn take_snapshot(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *conn).await?;
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as timeout, set_config('enable_nestloop', 'off', true) as loops",
        STATEMENT_TIMEOUT,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// How much there is to look at.
pub(super) async fn examined(
    conn: &mut PgConnection,
) -> Result<Vec<(Invariant, &'static str, i64)>, sqlx::Error> {
    let count = sqlx::query!(
        r#"
        select
            (select count(*) from offers) as "offers!",
            (select count(*) from stock_movements) as "movements!",
            (select count(*) from orders) as "orders!",
            (select count(*) from supplier_orders) as "parts!",
            (select count(*) from order_lines) as "lines!",
            (select count(*) from supplier_order_history) as "part_history!",
            (select count(*) from payments) as "payments!",
            (select count(*) from payment_history) as "payment_history!",
            (select count(*) from refunds) as "refunds!",
            (select count(*) from price_imports) as "imports!",
            (select count(*) from price_import_history) as "import_history!",
            (select count(*) from offer_changes) as "changes!",
            (select count(*) from listed_products) as "listed!",
            (select count(*) from suppliers) as "suppliers!",
            (select count(*) from users where email_confirmed_at is null) as "unconfirmed!",
            (select count(*) from email_messages) as "messages!",
            (select count(*) from email_message_history) as "message_history!",
            (select count(*) from email_messages where status in ('queued', 'sending')) as "unsent!",
            (select count(*) from jobs) as "jobs!",
            (select count(*) from jobs where state = 'running') as "running!"
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok(vec![
        (Invariant::I1, "offers", count.offers),
        (Invariant::I1, "stock movements", count.movements),
        (Invariant::I2, "orders", count.orders),
        (Invariant::I2, "supplier orders", count.parts),
        (Invariant::I2, "order lines", count.lines),
        (Invariant::I3, "steps of supplier orders", count.part_history),
        (Invariant::I3, "steps of imports", count.import_history),
        (Invariant::I3, "steps of messages", count.message_history),
        (Invariant::I3, "steps of payments", count.payment_history),
        (Invariant::I4, "payments", count.payments),
        (Invariant::I4, "refunds", count.refunds),
        (Invariant::I6, "orders", count.orders),
        (Invariant::I6, "steps of supplier orders", count.part_history),
        (Invariant::I6, "imports", count.imports),
        (Invariant::I6, "unconfirmed users", count.unconfirmed),
        (Invariant::I6, "messages", count.messages),
        (Invariant::I6, "of them unsent", count.unsent),
        (Invariant::I7, "suppliers", count.suppliers),
        (Invariant::I7, "imports", count.imports),
        (Invariant::I7, "changes of offers", count.changes),
        (Invariant::I7, "listed products", count.listed),
        (Invariant::I8, "jobs", count.jobs),
        (Invariant::I8, "of them running", count.running),
    ])
}
