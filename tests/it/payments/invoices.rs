//! Invoices: with the order, marked paid by staff, overdue, canceled with their part.

use serde_json::json;
use time::Duration;

use super::{market, now, walk};
use crate::support::{TestApp, price_list};

#[tokio::test]
async fn an_order_has_an_invoice_for_each_part_in_its_answer_and_in_its_letter() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = buyer.order().await.assert_status(201).json();
    assert_eq!(order["payment_status"], "invoiced");
    let number = order["number"].as_str().unwrap();
    let due_on = (app.clock().now() + Duration::hours(3) + Duration::days(14)).date().to_string();
    let parts = order["parts"].as_array().unwrap();
    let payments = order["payments"].as_array().unwrap();
    assert_eq!(payments.len(), 2);
    for (place, payment) in (1..).zip(payments) {
        assert_eq!((&payment["kind"], &payment["status"]), (&json!("invoice"), &json!("invoiced")));
        assert_eq!(payment["number"], format!("{number}-{place}"));
        assert_eq!(payment["due_on"], due_on);
        let part = parts.iter().find(|part| part["id"] == payment["part_id"]).unwrap();
        assert_eq!(payment["amount"], part["subtotal"]);
        let location = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
        assert_eq!(&now(&buyer, &location).await, payment);
    }
    let listed = now(&buyer, "/api/v1/orders").await;
    assert_eq!(listed["items"][0]["payment_status"], "invoiced");

    let mailbox = app.mailbox(buyer.email()).await;
    let letter = mailbox.assert_one("Заказ №").text.clone().unwrap();
    for invoice in [format!("{number}-1"), format!("{number}-2")] {
        assert!(letter.contains(&format!("Счёт № {invoice}")), "{invoice} is missing in {letter}");
    }
    app.finish().await;
}

#[tokio::test]
async fn staff_marks_invoices_paid_and_the_buyer_gets_a_receipt() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let placed = buyer.order().await.assert_status(201);
    let order = placed.json();
    let path = |place: usize| {
        format!("/api/v1/admin/payments/{}/capture", order["payments"][place]["id"].as_str().unwrap())
    };
    let today = (app.clock().now() + Duration::hours(3)).date().to_string();
    let paid = json!({ "paid_on": today, "reference": "П/п 17" });
    let payment = staff.post(&path(0), paid.clone()).await.assert_status(200).json();
    assert_eq!((&payment["status"], &payment["paid_on"]), (&json!("captured"), &json!(today)));
    assert_eq!((&payment["captured"], &payment["reference"]), (&payment["amount"], &json!("П/п 17")));
    let location = placed.header("location").unwrap();
    assert_eq!(now(&buyer, location).await["payment_status"], "partially_paid");
    staff.post(&path(0), paid.clone()).await.assert_status(409).problem("already_paid");

    staff.post(&path(1), paid).await.assert_status(200);
    assert_eq!(now(&buyer, location).await["payment_status"], "paid");
    assert_eq!(now(&buyer, "/api/v1/orders").await["items"][0]["payment_status"], "paid");
    let mailbox = app.mailbox(buyer.email()).await;
    assert_eq!(mailbox.about("Получена оплата").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn only_staff_marks_invoices_paid_and_only_by_days_that_were() {
    let app = TestApp::start().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let order = buyer.order().await.assert_status(201).json();
    let path = format!("/api/v1/admin/payments/{}/capture", order["payments"][0]["id"].as_str().unwrap());
    let body = json!({ "paid_on": "2026-01-01" });
    app.post(&path, body.clone()).await.assert_status(401);
    buyer.post(&path, body.clone()).await.assert_status(403);
    elektron.post(&path, body.clone()).await.assert_status(403);
    let nobodys = "/api/v1/admin/payments/0198a2b4-0000-7000-8000-000000000000/capture";
    staff.post(nobodys, body).await.assert_status(404);
    let tomorrow = (app.clock().now() + Duration::days(2)).date().to_string();
    let refused = staff.post(&path, json!({ "paid_on": tomorrow, "reference": " " })).await;
    refused.assert_status(422).invalid(&[("/paid_on", "in_the_future"), ("/reference", "required")]);
    let refused = staff.post(&path, json!({ "paid_on": "30.11.2026" })).await;
    refused.assert_status(422).invalid(&[("/paid_on", "invalid_date")]);
    app.finish().await;
}

#[tokio::test]
async fn an_unpaid_invoice_is_canceled_with_its_part() {
    let app = TestApp::start().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let placed = buyer.order().await.assert_status(201);
    walk(&elektron, &["refused"]).await;
    let order = now(&buyer, placed.header("location").unwrap()).await;
    let refused = order["parts"].as_array().unwrap().iter().find(|part| part["status"] == "refused").unwrap();
    let payments = order["payments"].as_array().unwrap();
    let invoice = payments.iter().find(|payment| payment["part_id"] == refused["id"]).unwrap();
    assert_eq!(invoice["status"], "canceled");
    assert_eq!(order["payment_status"], "invoiced", "the other one waits");
    let path = format!("/api/v1/admin/payments/{}/capture", invoice["id"].as_str().unwrap());
    staff.post(&path, json!({ "paid_on": "2026-01-01" })).await.assert_status(409).problem("not_waiting");
    app.finish().await;
}

#[tokio::test]
async fn what_was_paid_for_a_part_that_is_called_off_shows_as_due_until_staff_gives_it_back() {
    let app = TestApp::start().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let placed = buyer.order().await.assert_status(201);
    let location = placed.header("location").unwrap();
    let paid = json!({ "paid_on": "2026-01-01" });
    for payment in placed.json()["payments"].as_array().unwrap() {
        let path = format!("/api/v1/admin/payments/{}/capture", payment["id"].as_str().unwrap());
        staff.post(&path, paid.clone()).await.assert_status(200);
    }
    walk(&elektron, &["confirmed", "canceled"]).await;
    let order = now(&buyer, location).await;
    let payments = order["payments"].as_array().unwrap();
    let due = payments.iter().find(|payment| payment["refund_due"] == "100.00").unwrap();
    assert_eq!((&due["status"], &due["captured"]), (&json!("captured"), &json!("100.00")));

    let path = format!("/api/v1/admin/payments/{}/refunds", due["id"].as_str().unwrap());
    let more = json!({ "amount": "100.01", "reason": "Часть отменена" });
    let problem = staff.post(&path, more).await.assert_status(409).problem("refund_too_large");
    assert_eq!(problem["left"], "100.00");
    let body = json!({ "amount": "100.00", "reason": "Часть отменена" });
    let made = staff.post_once(&path, "refund-1", body.clone()).await.assert_status(201).json();
    assert_eq!((&made["refunded"], &made["refund_due"]), (&json!("100.00"), &json!(null)));
    assert_eq!(made["refunds"][0]["status"], "succeeded");
    let again = staff.post_once(&path, "refund-1", body).await.assert_status(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(now(&buyer, location).await["payment_status"], "partially_refunded");
    app.finish().await;
}

#[tokio::test]
async fn an_overdue_invoice_reminds_its_buyer_once() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let placed = buyer.order().await.assert_status(201);
    let location = placed.header("location").unwrap();
    let order = placed.json();
    let first = order["payments"][0]["id"].as_str().unwrap();
    let paid = json!({ "paid_on": "2026-01-01" });
    staff.post(&format!("/api/v1/admin/payments/{first}/capture"), paid).await.assert_status(200);

    app.run_scheduled_jobs().await;
    app.clock().advance(Duration::days(14));
    app.run_scheduled_jobs().await;
    buyer.sign_in().await;
    assert_eq!(now(&buyer, location).await["payment_status"], "partially_paid", "the last day is not over");

    app.clock().advance(Duration::days(1));
    app.run_scheduled_jobs().await;
    buyer.sign_in().await;
    let order = now(&buyer, location).await;
    assert_eq!(order["payment_status"], "overdue");
    let statuses: Vec<_> =
        order["payments"].as_array().unwrap().iter().map(|payment| &payment["status"]).collect();
    assert_eq!(statuses, ["captured", "overdue"]);
    assert_eq!(now(&buyer, "/api/v1/orders").await["items"][0]["payment_status"], "overdue");
    let mailbox = app.mailbox(buyer.email()).await;
    let number = order["payments"][1]["number"].as_str().unwrap();
    assert!(mailbox.assert_one("не оплачен в срок").subject.contains(number));
    app.run_scheduled_jobs().await;
    app.mailbox(buyer.email()).await.assert_one("не оплачен в срок");

    let second = order["payments"][1]["id"].as_str().unwrap();
    staff.sign_in().await;
    let paid = json!({ "paid_on": "2026-01-01" });
    staff.post(&format!("/api/v1/admin/payments/{second}/capture"), paid).await.assert_status(200);
    assert_eq!(now(&buyer, location).await["payment_status"], "paid");
    app.finish().await;
}

#[tokio::test]
async fn a_strangers_payment_is_nowhere() {
    let app = TestApp::start().await;
    let (elektron, _kancler, buyer) = market(&app).await;
    let order = buyer.order().await.assert_status(201).json();
    let path = format!("/api/v1/payments/{}", order["payments"][0]["id"].as_str().unwrap());
    let stranger = app.buyer().create().await;
    stranger.get(&path).await.assert_status(404).problem("not_found");
    elektron.get(&path).await.assert_status(403);
    app.get(&path).await.assert_status(401);
    app.finish().await;
}

#[tokio::test]
async fn invoices_stand_in_the_order_of_their_numbers() {
    let app = TestApp::start().await;
    let skus = ["A", "B", "C", "D", "E"];
    for sku in skus {
        app.supplier(sku).with_price_list(price_list(&[(sku, sku, "10", 10)])).create().await;
    }
    let buyer = app.buyer().with_basket(skus.map(|sku| (sku, 1))).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let number = order["number"].as_str().unwrap();
    for (place, invoice) in (1..).zip(order["payments"].as_array().unwrap()) {
        assert_eq!(invoice["number"], format!("{number}-{place}"));
    }
    app.finish().await;
}

/// Waits until somebody waits for a lock.
async fn somebody_waits(app: &TestApp) {
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(app.pool()).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_marked_paid_while_its_part_is_being_canceled() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let staff = app.staff().create().await;
    let placed = buyer.order().await.assert_status(201);
    let order = placed.json();
    let location = placed.header("location").unwrap();
    // Whoever cancels has the parts locked, and waits here before it comes to the invoices.
    let mut tx = app.pool().begin().await.unwrap();
    sqlx::query("lock table supplier_order_history in share mode").execute(&mut *tx).await.unwrap();
    let path = format!("/api/v1/admin/payments/{}/capture", order["payments"][0]["id"].as_str().unwrap());
    let cancel = format!("{location}/cancel");
    let (canceled, ()) = tokio::join!(buyer.post(&cancel, json!(null)), async {
        somebody_waits(&app).await;
        let paid = staff.post(&path, json!({ "paid_on": "2026-01-01" })).await.assert_status(200).json();
        assert_eq!(paid["status"], "captured");
        tx.commit().await.unwrap();
    });
    let order = canceled.assert_status(200).json();
    assert_eq!(order["status"], "canceled");
    let statuses: Vec<_> =
        order["payments"].as_array().unwrap().iter().map(|payment| &payment["status"]).collect();
    assert_eq!(statuses, ["captured", "canceled"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_somebody_is_at_is_reminded_of_afterwards_and_keeps_no_other_waiting() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let order = buyer.order().await.assert_status(201).json();
    app.clock().advance(Duration::days(16));
    let mut tx = app.pool().begin().await.unwrap();
    sqlx::query("select from payments where number = $1 for update")
        .bind(order["payments"][0]["number"].as_str().unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
    app.run_scheduled_jobs().await;
    assert_eq!(app.mailbox(buyer.email()).await.about("не оплачен в срок").len(), 1);
    tx.commit().await.unwrap();
    app.run_scheduled_jobs().await;
    assert_eq!(app.mailbox(buyer.email()).await.about("не оплачен в срок").len(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_as_it_was_at_one_moment() {
    let app = TestApp::start().await;
    let (_elektron, _kancler, buyer) = market(&app).await;
    let placed = buyer.order().await.assert_status(201);
    let location = placed.header("location").unwrap();
    // Whoever reads has read where the parts stand, and waits here before it comes to their history.
    let mut tx = app.pool().begin().await.unwrap();
    sqlx::query("lock table supplier_order_history in access exclusive mode")
        .execute(&mut *tx)
        .await
        .unwrap();
    let (shown, ()) = tokio::join!(buyer.get(location), async {
        somebody_waits(&app).await;
        for statement in [
            "update supplier_orders set status = 'confirmed'",
            "insert into supplier_order_history (id, supplier_order_id, position, status, at, by_role) \
             select uuid_v7(), id, 2, 'confirmed', now(), 'system' from supplier_orders",
        ] {
            sqlx::query(statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    });
    for part in shown.assert_status(200).json()["parts"].as_array().unwrap() {
        let last = part["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(part["status"], last["status"], "{part}");
    }
    let planted = "update supplier_order_history set by_role = 'buyer' where position = 2";
    sqlx::query(planted).execute(app.pool()).await.unwrap();
    app.finish().await;
}
