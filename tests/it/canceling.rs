//! What a buyer may do with an order: call it off, whole or by part, receive it, and order it again.

mod at_once;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Person, TestApp, address, price_list};

const NO_ORDER: &str = "0199a9a0-0000-7000-8000-000000000000";

/// An order of two suppliers' goods.
struct Ordered {
    elektron: Person,
    kancler: Person,
    buyer: Person,
    order: Value,
}

impl Ordered {
    async fn new(app: &TestApp) -> Self {
        let goods = price_list(&[("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 10)]);
        let elektron = app.supplier("Электрон").with_price_list(goods).create().await;
        let goods = price_list(&[("C", "Бумага", "5", 10)]);
        let kancler = app.supplier("Канцлер").with_price_list(goods).create().await;
        let buyer = app.buyer().with_basket([("A", 3), ("B", 1), ("C", 4)]).create().await;
        let order = buyer.order().await.assert_status(201).json();
        Self { elektron, kancler, buyer, order }
    }

    fn path(&self) -> String {
        format!("/api/v1/orders/{}", self.order["id"].as_str().unwrap())
    }

    fn part_id(&self, supplier: &str) -> &str {
        let mut parts = self.order["parts"].as_array().unwrap().iter();
        parts.find(|part| part["supplier"]["name"] == supplier).unwrap()["id"].as_str().unwrap()
    }

    fn part_path(&self, supplier: &str) -> String {
        format!("{}/parts/{}", self.path(), self.part_id(supplier))
    }

    async fn cancel(&self) -> Answer {
        self.buyer.post(&format!("{}/cancel", self.path()), json!(null)).await
    }

    async fn cancel_part(&self, supplier: &str) -> Answer {
        self.buyer.post(&format!("{}/cancel", self.part_path(supplier)), json!(null)).await
    }

    async fn receive(&self, supplier: &str) -> Answer {
        self.buyer.post(&format!("{}/received", self.part_path(supplier)), json!(null)).await
    }

    /// The supplier of a part moves it along.
    async fn walk(&self, supplier: &str, statuses: &[&str]) {
        for status in statuses {
            self.step(supplier, status).await.assert_status(200);
        }
    }

    async fn step(&self, supplier: &str, status: &str) -> Answer {
        let person = if supplier == "Электрон" { &self.elektron } else { &self.kancler };
        let path = format!("/api/v1/supplier/orders/{}/status", self.part_id(supplier));
        person.post(&path, json!({ "status": status })).await
    }

    async fn shown(&self) -> Value {
        self.buyer.get(&self.path()).await.assert_status(200).json()
    }
}

/// Where each part stands, by supplier.
fn statuses(order: &Value) -> BTreeMap<&str, &str> {
    let parts = order["parts"].as_array().unwrap().iter();
    parts.map(|part| (part["supplier"]["name"].as_str().unwrap(), part["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn canceling_an_order_gives_its_goods_back_and_tells_whom_it_concerns() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    ordered.walk("Электрон", &["confirmed", "assembled"]).await;
    let canceled = ordered.cancel().await.assert_status(200).json();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(statuses(&canceled), BTreeMap::from([("Канцлер", "canceled"), ("Электрон", "canceled")]));
    for part in canceled["parts"].as_array().unwrap() {
        let last = part["history"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["status"], &last["by"]), (&json!("canceled"), &json!("buyer")));
    }
    assert_eq!(canceled, ordered.shown().await);
    for sku in ["A", "B", "C"] {
        assert_eq!(app.stock(sku).await, (10, 0), "{sku}");
    }
    let number = ordered.order["number"].as_str().unwrap();
    let mailbox = app.mailbox(ordered.elektron.email()).await;
    let letter = mailbox.assert_one("отменён покупателем").text.clone().unwrap();
    assert!(letter.contains(number) && letter.contains("Телефон А") && letter.contains("320,00"), "{letter}");
    assert!(!letter.contains("Бумага"), "only its own part: {letter}");
    assert!(letter.contains("shop-12@example.com"), "the recipient's address: {letter}");
    for message in mailbox.about("Заказ") {
        assert!(!message.text.clone().unwrap().contains(ordered.buyer.email()), "nor the account's");
    }
    let mailbox = app.mailbox(ordered.kancler.email()).await;
    let letter = mailbox.assert_one("отменён покупателем").text.clone().unwrap();
    assert!(letter.contains("Бумага") && !letter.contains("Телефон А"), "{letter}");
    let mailbox = app.mailbox(ADMIN).await;
    let letter = mailbox.assert_one("отменён покупателем").text.clone().unwrap();
    assert!(
        letter.contains("Бумага") && letter.contains("Телефон А") && letter.contains("340,00"),
        "{letter}"
    );
    let mailbox = app.mailbox(ordered.buyer.email()).await;
    assert!(mailbox.about("отменён").is_empty(), "who asked for it knows: {:?}", mailbox.subjects());
    app.finish().await;
}

#[tokio::test]
async fn a_part_is_canceled_without_the_others() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    let shown = ordered.cancel_part("Канцлер").await.assert_status(200).json();
    assert_eq!(statuses(&shown), BTreeMap::from([("Канцлер", "canceled"), ("Электрон", "new")]));
    assert_eq!(shown["status"], "in_progress");
    assert_eq!((app.stock("A").await, app.stock("C").await), ((10, 3), (10, 0)));
    app.mailbox(ordered.kancler.email()).await.assert_one("отменён");
    assert!(app.mailbox(ordered.elektron.email()).await.about("отменён").is_empty());
    let letter = app.mailbox(ADMIN).await.assert_one("отменён").text.clone().unwrap();
    assert!(letter.contains("Бумага") && !letter.contains("Телефон А"), "{letter}");

    let shown = ordered.cancel().await.assert_status(200).json();
    assert_eq!(shown["status"], "canceled", "what was still open of it");
    assert_eq!(app.mailbox(ADMIN).await.about("отменён").len(), 2);
    app.mailbox(ordered.kancler.email()).await.assert_one("отменён");
    app.finish().await;
}

#[tokio::test]
async fn once_a_part_was_sent_the_whole_cannot_be_canceled_but_its_other_parts_can() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    ordered.walk("Электрон", &["confirmed", "assembled", "sent"]).await;
    let before = ordered.shown().await;
    for step in ["sent", "delivered"] {
        if step == "delivered" {
            ordered.walk("Электрон", &[step]).await;
        }
        ordered.cancel().await.assert_status(409).problem("not_cancelable");
        ordered.cancel_part("Электрон").await.assert_status(409).problem("not_cancelable");
    }
    let after = ordered.shown().await;
    assert_eq!(statuses(&after)["Канцлер"], "new", "all or nothing");
    assert_eq!(before["parts"].as_array().unwrap().len(), 2);
    assert_eq!((app.stock("A").await, app.stock("C").await), ((7, 0), (10, 4)));
    assert!(app.mailbox(ordered.kancler.email()).await.about("отменён").is_empty());
    let shown = ordered.cancel_part("Канцлер").await.assert_status(200).json();
    assert_eq!(shown["status"], "delivered");
    app.finish().await;
}

#[tokio::test]
async fn canceling_what_is_called_off_already_changes_nothing() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    ordered.walk("Канцлер", &["refused"]).await;
    let shown = ordered.cancel().await.assert_status(200).json();
    assert_eq!(statuses(&shown), BTreeMap::from([("Канцлер", "refused"), ("Электрон", "canceled")]));
    for again in
        [ordered.cancel().await, ordered.cancel_part("Электрон").await, ordered.cancel_part("Канцлер").await]
    {
        assert_eq!(again.assert_status(200).json(), shown);
    }
    app.mailbox(ordered.elektron.email()).await.assert_one("отменён");
    assert!(app.mailbox(ordered.kancler.email()).await.about("отменён").is_empty());
    ordered.step("Электрон", "confirmed").await.assert_status(409).problem("illegal_transition");
    app.finish().await;
}

#[tokio::test]
async fn a_supplier_that_never_heard_of_an_order_is_not_told_that_it_was_canceled() {
    let app = TestApp::start_with_cards().await;
    let goods = price_list(&[("A", "Телефон А", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 2)]).create().await;
    let by_card = json!({ "address": address(), "payment_method": "card" });
    let order = buyer.post("/api/v1/orders", by_card).await.assert_status(201).json();
    let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let canceled = buyer.post(&path, json!(null)).await.assert_status(200).json();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(app.stock("A").await, (10, 0));
    assert!(app.mailbox(supplier.email()).await.about("Заказ").is_empty());
    app.mailbox(ADMIN).await.none();
    app.finish().await;
}

#[tokio::test]
async fn who_cancels_is_told_in_the_language_of_who_reads() {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Phone", "100", 10)]);
    let supplier = app.supplier("Elektron").locale("en").with_price_list(goods).create().await;
    let buyer = app.buyer().with_basket([("A", 2)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    buyer.post(&path, json!(null)).await.assert_status(200);
    let letter =
        app.mailbox(supplier.email()).await.assert_one("was canceled by the buyer").text.clone().unwrap();
    assert!(letter.contains("Phone"), "{letter}");
    app.finish().await;
}

#[tokio::test]
async fn a_buyer_says_that_a_part_has_arrived_once_it_was_sent() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    for step in ["confirmed", "assembled", "sent"] {
        let refused = ordered.receive("Электрон").await.assert_status(409);
        refused.problem("illegal_transition");
        ordered.walk("Электрон", &[step]).await;
    }
    let shown = ordered.receive("Электрон").await.assert_status(200).json();
    assert_eq!(statuses(&shown)["Электрон"], "delivered");
    assert_eq!(shown["status"], "in_progress");
    assert_eq!(ordered.receive("Электрон").await.assert_status(200).json(), shown, "once is enough");
    let parts = shown["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["supplier"]["name"] == "Электрон").unwrap();
    let by: Vec<_> = part["history"].as_array().unwrap().iter().map(|step| &step["by"]).collect();
    assert_eq!(by, ["buyer", "supplier", "supplier", "supplier", "buyer"]);
    assert_eq!(app.stock("A").await, (7, 0));

    ordered.walk("Канцлер", &["confirmed", "assembled", "sent", "delivered"]).await;
    let shown = ordered.receive("Канцлер").await.assert_status(200).json();
    assert_eq!(shown["status"], "delivered", "the supplier said so before");
    app.finish().await;
}

#[tokio::test]
async fn what_was_called_off_cannot_be_received() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    ordered.walk("Канцлер", &["refused"]).await;
    ordered.cancel_part("Электрон").await.assert_status(200);
    for supplier in ["Электрон", "Канцлер"] {
        ordered.receive(supplier).await.assert_status(409).problem("illegal_transition");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_cancels_receives_and_repeats_nothing() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    let stranger = app.buyer().with_basket([("A", 1)]).create().await;
    let theirs = stranger.order().await.assert_status(201).json();
    let (path, part) = (ordered.path(), ordered.part_path("Электрон"));
    let their_part = theirs["parts"][0]["id"].as_str().unwrap();
    for path in [
        format!("{path}/cancel"),
        format!("{path}/repeat"),
        format!("{part}/cancel"),
        format!("{part}/received"),
        format!("/api/v1/orders/{NO_ORDER}/cancel"),
        "/api/v1/orders/x/cancel".to_owned(),
        // Their own order does not have this part.
        format!(
            "/api/v1/orders/{}/parts/{}/cancel",
            theirs["id"].as_str().unwrap(),
            ordered.part_id("Электрон")
        ),
        format!("{path}/parts/{their_part}/cancel"),
    ] {
        stranger.post(&path, json!(null)).await.assert_status(404).problem("not_found");
    }
    let path = format!("{path}/parts/{their_part}");
    for path in [format!("{path}/cancel"), format!("{path}/received")] {
        ordered.buyer.post(&path, json!(null)).await.assert_status(404).problem("not_found");
    }
    assert_eq!(ordered.shown().await, ordered.order);
    app.finish().await;
}

#[tokio::test]
async fn repeating_an_order_puts_what_can_be_had_of_it_into_the_basket() {
    let app = TestApp::start().await;
    let ordered = Ordered::new(&app).await;
    let repeat = format!("{}/repeat", ordered.path());
    let goods = price_list(&[("A", "Телефон А", "90", 10)]);
    app.import(&ordered.elektron, "price.yaml", goods).await;
    let filled = ordered.buyer.post(&repeat, json!(null)).await.assert_status(200).json();
    let put: BTreeMap<_, _> = filled["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["sku"].as_str().unwrap(), line["quantity"].as_i64().unwrap()))
        .collect();
    assert_eq!(put, BTreeMap::from([("A", 3), ("C", 4)]));
    assert_eq!(filled["total"], "290.00", "at the prices of now");
    let lines: Vec<_> = ordered.order["parts"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|part| part["lines"].as_array().unwrap())
        .collect();
    let rejected = filled["rejected"].as_array().unwrap();
    assert_eq!((rejected.len(), &rejected[0]["code"]), (1, &json!("withdrawn")));
    let index = usize::try_from(rejected[0]["index"].as_u64().unwrap()).unwrap();
    assert_eq!(lines[index]["sku"], "B", "its place among the order's lines");
    let again = ordered.buyer.post(&repeat, json!(null)).await.assert_status(200).json();
    assert_eq!(again, filled, "quantities are set, not added to");
    ordered.buyer.order().await.assert_status(201);
    app.finish().await;
}
