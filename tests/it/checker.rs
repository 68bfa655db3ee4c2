//! The checker finds what is planted: a violation of each rule in turn, by the words that say which one it is, and nothing
//! once all are gone. What is paid is planted in `payments::checker`.

use std::collections::BTreeSet;

use common::checks::{self, Invariant, Report};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::{TestApp, price_list, program, registration};

/// A violation: of which invariant, how it is planted, how it is taken back, and what is found.
struct Planted(Invariant, &'static str, &'static str, &'static str);

const STOCK: [Planted; 6] = [
    Planted(
        Invariant::I1,
        "delete from offer_stock where offer_id = (select id from offers where sku = 'D')",
        "insert into offer_stock (offer_id, stock) select id, 10 from offers where sku = 'D'",
        "has no row in offer_stock",
    ),
    Planted(
        Invariant::I1,
        "update order_lines set accepted = 2, sum_minor = price_minor * 2 where sku = 'A'",
        "update order_lines set accepted = 3, sum_minor = price_minor * 3 where sku = 'A'",
        "its open order lines hold 2",
    ),
    Planted(
        Invariant::I1,
        "update offer_stock set stock = stock + 1",
        "update offer_stock set stock = stock - 1",
        "movements add up to",
    ),
    Planted(
        Invariant::I1,
        "update stock_movements set stock_after = stock_after + 1 where kind = 'released'",
        "update stock_movements set stock_after = stock_after - 1 where kind = 'released'",
        "its ledger comes to",
    ),
    Planted(
        Invariant::I1,
        "update stock_movements set reserved_after = reserved_after + 10 where kind = 'reserved'",
        "update stock_movements set reserved_after = reserved_after - 10 where kind = 'reserved'",
        "only what is available can be reserved",
    ),
    Planted(
        Invariant::I1,
        "update stock_movements set reserved_after = reserved_after - 10 where kind = 'released'",
        "update stock_movements set reserved_after = reserved_after + 10 where kind = 'released'",
        "neither is ever below 0",
    ),
];

const SUMS: [Planted; 3] = [
    Planted(
        Invariant::I2,
        "update orders set total_minor = total_minor + 1",
        "update orders set total_minor = total_minor - 1",
        "parts add up to",
    ),
    Planted(
        Invariant::I2,
        "update supplier_orders set subtotal_minor = subtotal_minor + 1",
        "update supplier_orders set subtotal_minor = subtotal_minor - 1",
        "lines add up to",
    ),
    // The database refuses it by itself: the checker does not count on that.
    Planted(
        Invariant::I2,
        "alter table order_lines drop constraint order_lines_sum; \
         update order_lines set sum_minor = sum_minor + 1",
        "update order_lines set sum_minor = sum_minor - 1; \
         alter table order_lines add constraint order_lines_sum check (sum_minor = price_minor * accepted)",
        "accepted at",
    ),
];

const HISTORIES: [Planted; 7] = [
    Planted(
        Invariant::I3,
        "update supplier_order_history set status = 'delivered' where status = 'confirmed'",
        "update supplier_order_history set status = 'confirmed' where status = 'delivered'",
        "its history goes from new to delivered; that move is not legal",
    ),
    Planted(
        Invariant::I3,
        "update supplier_order_history set position = 7 where status = 'canceled'",
        "update supplier_order_history set position = 2 where status = 'canceled'",
        "its history has entry 7 in place 2",
    ),
    Planted(
        Invariant::I3,
        "update supplier_orders set status = 'assembled' where status = 'confirmed'",
        "update supplier_orders set status = 'confirmed' where status = 'assembled'",
        "its status is assembled; its history has 2, and ends with confirmed",
    ),
    Planted(
        Invariant::I3,
        "update price_import_history set status = 'validated' where status = 'received'",
        "update price_import_history h set status = 'received' where status = 'validated' and position = \
         (select min(position) from price_import_history f where f.import_id = h.import_id)",
        "its history begins with validated; it should with received",
    ),
    Planted(
        Invariant::I3,
        "update price_imports set status = 'completed_with_errors' where status = 'completed'",
        "update price_imports set status = 'completed' where status = 'completed_with_errors'",
        "its status is completed_with_errors",
    ),
    Planted(
        Invariant::I3,
        "update payment_history set status = 'captured' where status = 'canceled'",
        "update payment_history set status = 'canceled' where status = 'captured'",
        "its status is canceled; its history has 2, and ends with captured",
    ),
    Planted(
        Invariant::I3,
        "update email_messages set entries = entries + 1",
        "update email_messages set entries = entries - 1",
        "after 4 entries; its history has 3",
    ),
];

const PAID: [Planted; 1] = [Planted(
    Invariant::I4,
    "update payments set amount_minor = amount_minor + 1 where status = 'invoiced'",
    "update payments set amount_minor = amount_minor - 1 where status = 'invoiced'",
    "its invoice is invoiced over",
)];

const MESSAGES: [Planted; 11] = [
    Planted(
        Invariant::I6,
        "insert into price_list_urls (supplier_id, url, every_minutes, mode, next_at, failing_since, streak) \
         select s.id, 'https://shop.example.com/', 60, 'replace', now(), now(), gen_random_uuid() \
         from suppliers s where s.offers_count > 0",
        "delete from price_list_urls",
        "cannot have its price list fetched since",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set cause = id where kind = 'price_list_held'",
        "update email_messages set cause = (select id from price_imports where status = 'held_for_review') \
         where kind = 'price_list_held'",
        "was held and has no message",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'order_placed'",
        "update email_messages set kind = 'order_placed' where kind = 'address_known'",
        "it owes its buyer one",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'order_to_fulfil'",
        "update email_messages set kind = 'order_to_fulfil' where kind = 'address_known'",
        "has no message order_to_fulfil",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'order_status_changed'",
        "update email_messages set kind = 'order_status_changed' where kind = 'address_known'",
        "it owes the buyer one",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'order_canceled'",
        "update email_messages set kind = 'order_canceled' where kind = 'address_known'",
        "was canceled by buyer",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'price_list_imported'",
        "update email_messages set kind = 'price_list_imported' where kind = 'address_known'",
        "has no message price_list_imported",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set kind = 'address_known' where kind = 'confirm_registration'",
        "update email_messages set kind = 'confirm_registration' where kind = 'address_known'",
        "has not confirmed their address",
    ),
    Planted(
        Invariant::I6,
        "update supplier_order_history set by_role = 'system' where status = 'canceled'",
        "update supplier_order_history set by_role = 'buyer' where status = 'canceled'",
        "was called off by nobody and has 0 messages",
    ),
    Planted(
        Invariant::I6,
        "update email_messages set status = 'queued' where kind = 'order_placed'",
        "update email_messages set status = 'sent' where kind = 'order_placed'",
        "is queued and has 0 live jobs send_email; it should have one",
    ),
    Planted(
        Invariant::I6,
        "update payments set overdue_at = created_at where status = 'invoiced'",
        "update payments set overdue_at = null where status = 'invoiced'",
        "is overdue and has 0 messages",
    ),
];

const IMPORTS: [Planted; 7] = [
    Planted(
        Invariant::I7,
        "update price_imports set failed = failed + 1 where status = 'held_for_review'",
        "update price_imports set failed = failed - 1 where status = 'held_for_review'",
        "waits, counts 1 inserted",
    ),
    Planted(
        Invariant::I7,
        "update price_imports set updated = updated + 1",
        "update price_imports set updated = updated - 1",
        "its changes of offers are",
    ),
    Planted(
        Invariant::I7,
        "delete from offer_changes where change = 'updated'",
        "insert into offer_changes (offer_id, at, import_id, row, change, price_minor, stock) \
         select o.id, i.finished_at, i.id, 2, 'updated', o.price_minor, 10 \
         from offers o, price_imports i where o.sku = 'B' and i.updated = 1",
        "its changes of offers are 0, 0, 0",
    ),
    Planted(
        Invariant::I7,
        "update price_imports set status = 'failed' where updated = 1",
        "update price_imports set status = 'completed' where updated = 1",
        "is failed, but changed 1 offers; it should have none",
    ),
    Planted(
        Invariant::I7,
        "update suppliers set catalog_version = catalog_version + 1",
        "update suppliers set catalog_version = catalog_version - 1",
        "and imports have the versions",
    ),
    Planted(
        Invariant::I7,
        "update listed_products set price_minor = price_minor + 1",
        "update listed_products set price_minor = price_minor - 1",
        "its cheapest offer costs",
    ),
    Planted(
        Invariant::I7,
        "update suppliers set offers_count = offers_count + 1",
        "update suppliers set offers_count = offers_count - 1",
        "says that it has",
    ),
];

const JOBS: [Planted; 3] = [
    Planted(
        Invariant::I8,
        "update jobs set state = 'running', lock_by = 'nobody', locked_at = now() where state = 'done'",
        "update jobs set state = 'done', lock_by = null where lock_by = 'nobody'",
        "runs on nobody, which has no lease; it should have been taken over",
    ),
    Planted(
        Invariant::I8,
        "insert into workers (name, queues, lease_until) values ('dead', '{}', now() - interval '1 minute'); \
         update jobs set state = 'running', lock_by = 'dead', locked_at = now() where state = 'done'",
        "delete from workers where name = 'dead'; \
         update jobs set state = 'done', lock_by = null where lock_by = 'dead'",
        "runs on dead, whose lease ended at",
    ),
    Planted(
        Invariant::I8,
        "insert into workers (name, queues, lease_until) values ('slow', '{}', now() + interval '1 hour'); \
         update jobs set state = 'running', lock_by = 'slow', locked_at = now() - interval '2 hours' \
         where state = 'done'",
        "delete from workers where name = 'slow'; \
         update jobs set state = 'done', lock_by = null where lock_by = 'slow'",
        "no attempt may take more than 60 minutes",
    ),
];

async fn check(app: &TestApp) -> Report {
    let mut tx = app.pool().begin().await.unwrap();
    checks::run(&mut tx).await.unwrap()
}

async fn execute(app: &TestApp, statements: &'static str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(app.pool()).await.unwrap().rows_affected()
}

/// A shop with something of everything: an order with a part that goes on and one that was called off, a price list that
/// changed an offer, one that is held, somebody who has not confirmed their address. No job runs any more.
async fn shop() -> TestApp {
    let app = TestApp::start().await;
    let list = |price| {
        price_list(&[
            ("A", "Телефон А", "100", 10),
            ("B", "Телефон Б", price, 10),
            ("D", "Телефон Д", "30", 10),
        ])
    };
    let elektron = app.supplier("Электрон").with_price_list(list("20")).create().await;
    let paper = |sku| price_list(&[(sku, "Бумага", "5", 10)]);
    let kancler = app.supplier("Канцлер").with_price_list(paper("C")).create().await;
    let buyer = app.buyer().with_basket([("A", 3), ("C", 4)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = |supplier: &str| {
        let mut parts = order["parts"].as_array().unwrap().iter();
        parts.find(|part| part["supplier"]["name"] == supplier).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let confirmed = format!("/api/v1/supplier/orders/{}/status", part("Электрон"));
    elektron.post(&confirmed, json!({ "status": "confirmed" })).await.assert_status(200);
    let canceled =
        format!("/api/v1/orders/{}/parts/{}/cancel", order["id"].as_str().unwrap(), part("Канцлер"));
    buyer.post(&canceled, json!({})).await.assert_status(200);
    app.import(&elektron, "price.yaml", list("21")).await;
    // It would withdraw all that there is, and waits for somebody.
    let held = app.import(&kancler, "price.yaml", paper("E")).await;
    assert_eq!(held["status"], "held_for_review", "{held}");
    app.post("/api/v1/auth/register", registration("waits@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    app.stop_worker().await;
    app
}

#[tokio::test]
async fn a_violation_of_each_rule_is_found_and_named() {
    let app = shop().await;
    let report = check(&app).await;
    assert!(report.is_clean(), "{report}");
    let all =
        STOCK.into_iter().chain(SUMS).chain(HISTORIES).chain(PAID).chain(MESSAGES).chain(IMPORTS).chain(JOBS);
    let mut planted = BTreeSet::new();
    for Planted(invariant, plant, take_back, says) in all {
        assert!(execute(&app, plant).await > 0, "nothing was planted by {plant}");
        let report = check(&app).await;
        let found = |violation: &checks::Violation| {
            violation.invariant == invariant && violation.detail.contains(says)
        };
        assert!(report.violations.iter().any(found), "{plant}: {report}");
        planted.insert(invariant);
        execute(&app, take_back).await;
    }
    let report = check(&app).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(planted, BTreeSet::from(Invariant::ALL), "an invariant without a violation");
    app.finish().await;
}

#[tokio::test]
async fn the_program_names_a_violation_of_every_invariant_at_once_and_fails() {
    let app = shop().await;
    let url = app.database_url().await;
    let check = async || {
        let mut program = program("worker").await;
        let output = program.arg("check").env("DATABASE_URL", &url).output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (well, report) = check().await;
    assert!(well && report.ends_with("no violations"), "{report}");

    let ones = [&STOCK[2], &SUMS[0], &HISTORIES[0], &PAID[0], &MESSAGES[0], &IMPORTS[3], &JOBS[0]];
    for Planted(_, plant, ..) in ones {
        execute(&app, plant).await;
    }
    let (well, report) = check().await;
    assert!(!well, "{report}");
    for Planted(invariant, _, _, says) in ones {
        let title = format!("{invariant}  {}: VIOLATED", invariant.title());
        assert!(report.contains(&title) && report.contains(says), "{invariant}: {report}");
    }
    for Planted(_, _, take_back, _) in ones {
        execute(&app, take_back).await;
    }
    app.finish().await;
}
