//! Faults 10 and 11: a provider whose notices come again and again, in any order, too early, too late or from somebody
//! else; and one whose answers are lost.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use local_stack::payment_sandbox::{
    Fault, FaultKind, NoticeSettings, Operation, SandboxPayment, SandboxStatus,
};
use serde_json::{Value, json};

use crate::{
    Tally,
    support::{Answer, Person, TestApp, address, price_list},
};

const WEBHOOK: &str = "/api/v1/webhooks/payments/yookassa";

/// How long the jobs of a full run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Buyers that order side by side.
const BUYERS: usize = 4;

/// Two suppliers, and buyers.
struct Market {
    suppliers: [Person; 2],
    buyers: Vec<Person>,
    offers: [String; 2],
}

impl Market {
    async fn open(app: &TestApp) -> Self {
        let a = app.supplier("Электрон").with_price_list(price_list(&[("A", "Телефон А", "100", 100_000)]));
        let b = app.supplier("Канцлер").with_price_list(price_list(&[("B", "Телефон Б", "40", 100_000)]));
        let suppliers = [a.create().await, b.create().await];
        let mut buyers = Vec::new();
        for _ in 0..BUYERS {
            buyers.push(app.buyer().create().await);
        }
        Self { suppliers, buyers, offers: [app.offer("A").await, app.offer("B").await] }
    }

    /// Orders a piece of each by card, and begins to pay; returns the payment.
    async fn order(&self, buyer: &Person, attempted: &AtomicU64) -> Value {
        for offer in &self.offers {
            buyer.put_into_basket(offer, 1).await.assert_status(200);
        }
        let body = json!({ "address": address(), "payment_method": "card" });
        let order = buyer.post("/api/v1/orders", body).await.assert_status(201);
        let path = format!("{}/payments", order.header("location").unwrap());
        let payment = buyer.post(&path, json!({})).await.assert_status(201).json();
        attempted.fetch_add(2, Ordering::Relaxed);
        payment
    }

    /// Each supplier answers for all parts that it sees: the first refuses every third, the second confirms all.
    async fn answer(&self, attempted: &AtomicU64) {
        let [first, second] = &self.suppliers;
        let first =
            answer_all(first, attempted, |number| if number % 3 == 0 { "refused" } else { "confirmed" });
        let second = answer_all(second, attempted, |_| "confirmed");
        tokio::join!(first, second);
    }

    /// The first supplier cancels every other part that it confirmed.
    async fn cancel_some(&self, attempted: &AtomicU64) {
        let mut confirmed = parts_of(&self.suppliers[0], "confirmed").await;
        confirmed.sort();
        for part in confirmed.iter().step_by(2) {
            set_status(&self.suppliers[0], part, "canceled", attempted).await;
        }
    }
}

async fn parts_of(supplier: &Person, status: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/supplier/orders?status={status}&limit=100&cursor={cursor}");
        let page = supplier.get(&path).await.assert_status(200).json();
        found.extend(
            page["items"].as_array().unwrap().iter().map(|part| part["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
}

async fn answer_all(supplier: &Person, attempted: &AtomicU64, say: impl Fn(usize) -> &'static str) {
    for (number, part) in parts_of(supplier, "new").await.iter().enumerate() {
        set_status(supplier, part, say(number), attempted).await;
    }
}

async fn set_status(supplier: &Person, part: &str, status: &str, attempted: &AtomicU64) {
    let path = format!("/api/v1/supplier/orders/{part}/status");
    supplier.post(&path, json!({ "status": status })).await.assert_status(200);
    attempted.fetch_add(1, Ordering::Relaxed);
}

/// A notice as anybody could write it.
fn notice(event: &str, id: &str, value: &str) -> Value {
    json!({ "type": "notification", "event": event, "object": {
        "id": id, "status": "succeeded", "paid": true, "amount": { "value": value, "currency": "RUB" },
        "payment_id": id,
    } })
}

/// Every notice that somebody could make up about a payment, and about one that does not exist.
async fn forge(app: &TestApp, id: &str, forged: &AtomicU64) {
    for event in ["payment.waiting_for_capture", "payment.succeeded", "payment.canceled", "refund.succeeded"]
    {
        for (id, value) in [(id, "140.00"), (id, "0.01"), ("22d6d597-000f-5000-9000-145f6df21d6f", "140.00")]
        {
            app.post(WEBHOOK, notice(event, id, value)).await.assert_status(200);
            forged.fetch_add(1, Ordering::Relaxed);
        }
    }
    app.post(WEBHOOK, json!({ "event": "payment.succeeded", "object": { "id": 1 } }))
        .await
        .assert_status(400);
    forged.fetch_add(1, Ordering::Relaxed);
}

/// How each of our payments stands, and how many steps it took there.
async fn standing(app: &TestApp) -> Vec<(uuid::Uuid, String, i64, i64, i64)> {
    sqlx::query_as(
        "select y.id, y.status, y.captured_minor, y.refunded_minor, count(h.id) \
         from payments y join payment_history h on h.payment_id = y.id group by y.id order by y.id",
    )
    .fetch_all(app.pool())
    .await
    .unwrap()
}

/// Our ledger against the provider's, payment by payment.
async fn compare(app: &TestApp, tally: &mut Tally) {
    type Ours = (String, String, i64, i64, Option<String>);
    let ours: Vec<Ours> = sqlx::query_as(
        "select provider_payment_id, status, captured_minor, refunded_minor, disagreement from payments \
         where provider_payment_id is not null",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let theirs = app.provider().payments();
    tally.check(ours.len() == theirs.len(), || {
        format!("{} payments here, {} there", ours.len(), theirs.len())
    });
    for payment in theirs {
        let found = ours.iter().find(|(name, ..)| *name == payment.id);
        tally.check(payment.captures <= 1, || format!("taken {} times: {payment:?}", payment.captures));
        tally.check(found.is_some_and(|ours| agree(&payment, ours)), || {
            format!("{payment:?} is {found:?} here")
        });
    }
}

fn agree(
    theirs: &SandboxPayment,
    (_, status, captured, refunded, disagreement): &(String, String, i64, i64, Option<String>),
) -> bool {
    let (expected, taken) = match theirs.status {
        SandboxStatus::Pending => ("requires_action", 0),
        SandboxStatus::WaitingForCapture => ("authorized", 0),
        SandboxStatus::Succeeded => ("captured", theirs.amount.minor()),
        SandboxStatus::Canceled => ("canceled", 0),
    };
    status == expected && *captured == taken && *refunded == theirs.refunded.minor() && disagreement.is_none()
}

/// What the checker finds.
async fn checker(app: &TestApp, tally: &mut Tally) {
    let mut tx = app.pool().begin().await.unwrap();
    let report = common::checks::run(&mut tx).await.unwrap();
    tally.violations.extend(report.violations.iter().map(|found| format!("{found:?}")));
}

async fn notices_in_any_order(orders: usize) -> Tally {
    let app = TestApp::start_with_cards().await;
    let market = Market::open(&app).await;
    let (attempted, forged) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut tally = Tally::default();
    app.provider().notify(NoticeSettings { url: Some(app.url(WEBHOOK)), more: 9, late_by_ms: 700 });

    // Each buyer orders and pays; about every payment there are forged notices, before it is paid and after.
    let buying = market.buyers.iter().map(async |buyer| {
        for _ in 0..orders.div_ceil(BUYERS) {
            let payment = market.order(buyer, &attempted).await;
            let page = payment["redirect_url"].as_str().unwrap().to_owned();
            let name = page.rsplit('/').next().unwrap().to_owned();
            forge(&app, &name, &forged).await;
            let path = format!("/api/v1/payments/{}", payment["id"].as_str().unwrap());
            let status = buyer.get(&path).await.assert_status(200).json()["status"].clone();
            assert_eq!(status, "requires_action", "nobody has paid");
            Answer::to(app.client().post(page)).await.assert_status(200);
            attempted.fetch_add(1, Ordering::Relaxed);
            forge(&app, &name, &forged).await;
        }
    });
    futures_util::future::join_all(buying).await;
    app.drain_jobs_within(PATIENCE).await;
    market.answer(&attempted).await;
    app.drain_jobs_within(PATIENCE).await;
    market.cancel_some(&attempted).await;
    app.drain_jobs_within(PATIENCE).await;

    // And once more about each, now that all is over.
    let before = standing(&app).await;
    for payment in app.provider().payments() {
        forge(&app, &payment.id, &forged).await;
    }
    app.drain_jobs_within(PATIENCE).await;
    let after = standing(&app).await;
    tally.check(before == after, || format!("late notices moved payments from {before:?} to {after:?}"));
    compare(&app, &mut tally).await;
    checker(&app, &mut tally).await;
    tally.attempted = attempted.into_inner();
    tally.faults = forged.into_inner() + app.provider().notices_sent_again();
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_again_shuffled_early_late_and_forged() {
    notices_in_any_order(4).await.report("fault 10 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_10_notices_again_shuffled_early_late_and_forged() {
    notices_in_any_order(100).await.report("fault 10");
}

async fn lost_answers(captures: u32) -> Tally {
    let app = TestApp::start_with_cards().await;
    let market = Market::open(&app).await;
    let attempted = AtomicU64::new(0);
    let mut tally = Tally::default();
    let each = usize::try_from(captures).unwrap().div_ceil(BUYERS);
    let buying = market.buyers.iter().map(async |buyer| {
        for _ in 0..each {
            let payment = market.order(buyer, &attempted).await;
            let page = payment["redirect_url"].as_str().unwrap().to_owned();
            Answer::to(app.client().post(page)).await.assert_status(200);
            attempted.fetch_add(1, Ordering::Relaxed);
        }
    });
    futures_util::future::join_all(buying).await;
    app.drain_jobs_within(PATIENCE).await;

    // The answer to every capture is lost after its effect, one way or the other; some fail before, and some of the
    // questions how it stands fail too.
    for number in 0..captures {
        let kind = if number % 2 == 0 { FaultKind::LoseAnswer } else { FaultKind::FailAfter };
        app.provider().inject(Fault { operation: Operation::Capture, kind, times: Some(1) });
        if number % 5 == 0 {
            let kind = FaultKind::FailBefore;
            app.provider().inject(Fault { operation: Operation::Capture, kind, times: Some(1) });
            app.provider().inject(Fault { operation: Operation::Find, kind, times: Some(1) });
        }
    }
    market.answer(&attempted).await;
    app.drain_jobs_within(PATIENCE).await;
    for kind in [FaultKind::LoseAnswer, FaultKind::FailAfter, FaultKind::FailBefore] {
        app.provider().inject(Fault {
            operation: Operation::Refund,
            kind,
            times: Some((captures / 10).max(1)),
        });
    }
    market.cancel_some(&attempted).await;
    app.drain_jobs_within(PATIENCE).await;
    let lost = app.provider().faults_struck();
    tally.check(lost >= u64::from(captures), || format!("only {lost} answers were lost"));
    compare(&app, &mut tally).await;
    checker(&app, &mut tally).await;
    tally.attempted = attempted.into_inner();
    tally.faults = lost;
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_to_captures_are_lost() {
    lost_answers(8).await.report("fault 11 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_11_the_answer_to_a_capture_is_lost_200_times() {
    lost_answers(200).await.report("fault 11");
}
