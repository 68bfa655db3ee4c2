//! The checker: recomputes the invariants from the history, and names whatever does not agree with it.
//!
//! | | what must hold |
//! |---|---|
//! | I1 | `reserved` of an offer is the sum of its open order lines; its ledger adds up to what it has, without a gap; nothing was ever reserved beyond what was available |
//! | I2 | a line's sum is price × quantity, a part's the sum of its lines, an order's the sum of its parts |
//! | I3 | the history of a supplier order, a payment, an import or a message is a path in its state machine, and ends where it stands |
//! | I4 | what came of a payment is what is allocated to parts, each by what it costs; no more goes back than came, and what was paid for a part that is called off does; suppliers see what is invoiced or held; what a card pays is sent once its money is ours, and waits or is called off without |
//! | I6 | every event that owes an e-mail has its message; a message has a live job or an end |
//! | I7 | an import was applied whole or not at all: its counts, its changes and its version agree; one that waits can be applied as it was shown; the catalogue lists what has an offer to show, by its price |
//! | I8 | no job is stuck: what runs, runs on a worker that lives, and not for ever |
//!
//! It only reads, and sees one snapshot, so that it may run beside live traffic. Each check is one statement
//! that returns the violations; the rules themselves are not repeated here: the legal moves come from the
//! state machines, the kinds of messages and jobs from where they are made.
//!
//! What it cannot see is what the history no longer holds: a ledger, an import or a message that was pruned
//! counts as missing.

mod model;
mod store;

use sqlx::PgConnection;

use model::Machine;
pub use model::{Invariant, Report, Violation};

/// Checks every invariant, in the transaction that the **caller has opened for this alone** and ends as it
/// likes.
///
/// The first statement makes that transaction `repeatable read, read only`, which PostgreSQL refuses once a
/// transaction has run a query. Outside a transaction each check would see a database of its own, and report
/// as violations what merely happened between two of them. Until the transaction ends, its statements may
/// take minutes instead of what the pool allows.
///
/// # Errors
/// When the transaction has run a query already, or the database refuses. A violation is no error.
pub async fn run(conn: &mut PgConnection) -> Result<Report, sqlx::Error> {
    store::take_snapshot(conn).await?;
    let mut report = Report { violations: Vec::new(), examined: store::examined(conn).await? };

    report.add(Invariant::I1, store::offers_without_stock(conn).await?);
    report.add(Invariant::I1, store::unfounded_reservations(conn).await?);
    report.add(Invariant::I1, store::unbalanced_ledgers(conn).await?);
    report.add(Invariant::I1, store::broken_ledgers(conn).await?);
    report.add(Invariant::I1, store::impossible_movements(conn).await?);

    report.add(Invariant::I2, store::wrong_totals(conn).await?);
    report.add(Invariant::I2, store::wrong_subtotals(conn).await?);
    report.add(Invariant::I2, store::wrong_line_sums(conn).await?);

    for machine in Machine::all() {
        report.add(Invariant::I3, store::illegal_moves(conn, &machine).await?);
        report.add(Invariant::I3, store::misplaced(conn, &machine).await?);
    }

    report.add(Invariant::I4, store::unbalanced_payments(conn).await?);
    report.add(Invariant::I4, store::mispaid_parts(conn).await?);
    report.add(Invariant::I4, store::misinvoiced_parts(conn).await?);
    report.add(Invariant::I4, store::misreleased_orders(conn).await?);
    report.add(Invariant::I4, store::unpaid_shipments(conn).await?);
    report.add(Invariant::I4, store::forgotten_orders(conn).await?);
    report.add(Invariant::I4, store::unreturned_money(conn).await?);
    report.add(Invariant::I4, store::forgotten_refunds(conn).await?);

    report.add(Invariant::I6, store::unconfirmed_orders(conn).await?);
    report.add(Invariant::I6, store::unannounced_parts(conn).await?);
    report.add(Invariant::I6, store::untold_moves(conn).await?);
    report.add(Invariant::I6, store::untold_cancellations(conn).await?);
    report.add(Invariant::I6, store::unreported_imports(conn).await?);
    report.add(Invariant::I6, store::unannounced_holds(conn).await?);
    report.add(Invariant::I6, store::untold_streaks(conn).await?);
    report.add(Invariant::I6, store::unreceipted_payments(conn).await?);
    report.add(Invariant::I6, store::untold_lapses(conn).await?);
    report.add(Invariant::I6, store::unreminded_invoices(conn).await?);
    report.add(Invariant::I6, store::untold_expiries(conn).await?);
    report.add(Invariant::I6, store::unasked_registrations(conn).await?);
    report.add(Invariant::I6, store::untold_approvals(conn).await?);
    report.add(Invariant::I6, store::messages_without_their_job(conn).await?);

    report.add(Invariant::I7, store::miscounted_imports(conn).await?);
    report.add(Invariant::I7, store::changes_without_an_import(conn).await?);
    report.add(Invariant::I7, store::undecidable_imports(conn).await?);
    report.add(Invariant::I7, store::wrong_catalog_versions(conn).await?);
    report.add(Invariant::I7, store::misplaced_products(conn).await?);
    report.add(Invariant::I7, store::miscounted_offers(conn).await?);

    report.add(Invariant::I8, store::abandoned_jobs(conn).await?);
    report.add(Invariant::I8, store::endless_jobs(conn).await?);
    Ok(report)
}
