//! Confirming a basket that no longer agrees with the catalogue: nothing is ordered, and the buyer sees why.

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, address, price_list};

/// A buyer who put two of A, at 100, and five of B, at 20, into the basket; and what the supplier's list says then.
struct Drifted {
    supplier: Person,
    buyer: Person,
}

impl Drifted {
    async fn to(app: &TestApp, list: &[(&str, &str, &str, u32)]) -> Self {
        let seen = [("A", "Телефон А", "100", 10), ("B", "Телефон Б", "20", 10)];
        let supplier = app.supplier("Электрон").with_price_list(price_list(&seen)).create().await;
        let buyer = app.buyer().with_basket([("A", 2), ("B", 5)]).create().await;
        app.import(&supplier, "price.yaml", price_list(list)).await;
        Self { supplier, buyer }
    }

    async fn order(&self, expected_total: Option<&str>) -> Answer {
        let mut body = json!({ "address": address(), "payment_method": "invoice" });
        if let Some(total) = expected_total {
            body["expected_total"] = json!(total);
        }
        self.buyer.post("/api/v1/orders", body).await
    }

    /// Asserts that an order is refused so, that exactly these lines are concerned, and that nothing changed.
    async fn refused(&self, expected_total: Option<&str>, code: &str, lines: &[(&str, &str)]) -> Value {
        let before = self.buyer.get("/api/v1/basket").await.assert_status(200).json();
        let problem = self.order(expected_total).await.assert_status(409).problem(code);
        let concerned = problem["lines"].as_array().unwrap().iter();
        let concerned: Vec<_> = concerned
            .map(|line| (line["sku"].as_str().unwrap(), line["problem"].as_str().unwrap()))
            .collect();
        assert_eq!(concerned, lines, "{expected_total:?}");
        assert_eq!(problem["basket"], before, "the basket as it is now");
        assert_eq!(self.buyer.get("/api/v1/basket").await.json(), before, "it is left as it was");
        assert_eq!(self.buyer.get("/api/v1/orders").await.json()["items"], json!([]), "nothing was ordered");
        problem
    }
}

const A: (&str, &str, &str, u32) = ("A", "Телефон А", "100", 10);
const B: (&str, &str, &str, u32) = ("B", "Телефон Б", "20", 10);

#[tokio::test]
async fn a_price_that_rose_or_fell_is_accepted_by_the_new_total_only() {
    let app = TestApp::start().await;
    for (price, total) in [("110", "320.00"), ("90", "280.00"), ("99.99", "299.98")] {
        let drifted = Drifted::to(&app, &[("A", "Телефон А", price, 10), B]).await;
        let concerned = [("A", "price_changed")];
        let problem = drifted.refused(None, "price_changed", &concerned).await;
        assert_eq!(problem["basket"]["total"], total);
        for stale in ["300.00", "0.01", "320.01"] {
            drifted.refused(Some(stale), "price_changed", &concerned).await;
        }
        let order = drifted.order(Some(total)).await.assert_status(201).json();
        assert_eq!(order["total"], total);
        drifted
            .supplier
            .patch("/api/v1/supplier", json!({ "accepting_orders": false }))
            .await
            .assert_status(200);
        // The next round's goods are another supplier's.
        sqlx::query("update offers set sku = sku || '-' || id").execute(app.pool()).await.unwrap();
    }
    app.finish().await;
}

#[tokio::test]
async fn an_expected_total_that_fits_is_no_objection() {
    let app = TestApp::start().await;
    let drifted = Drifted::to(&app, &[A, B]).await;
    drifted.refused(Some("299.99"), "price_changed", &[]).await;
    let order = drifted.order(Some("300")).await.assert_status(201).json();
    assert_eq!(order["total"], "300.00");
    app.finish().await;
}

#[tokio::test]
async fn prices_that_moved_against_each_other_are_accepted_by_the_total() {
    let app = TestApp::start().await;
    let list = [("A", "Телефон А", "105", 10), ("B", "Телефон Б", "18", 10)];
    let drifted = Drifted::to(&app, &list).await;
    drifted.refused(None, "price_changed", &[("A", "price_changed"), ("B", "price_changed")]).await;
    let order = drifted.order(Some("300.00")).await.assert_status(201).json();
    let lines: Vec<_> =
        order["parts"][0]["lines"].as_array().unwrap().iter().map(|line| &line["price"]).collect();
    assert_eq!(lines, ["105.00", "18.00"]);
    app.finish().await;
}

#[tokio::test]
async fn too_little_stock_is_refused_whatever_total_is_expected() {
    let app = TestApp::start().await;
    let drifted = Drifted::to(&app, &[A, ("B", "Телефон Б", "20", 4)]).await;
    for expected in [None, Some("300.00"), Some("1.00")] {
        let problem = drifted.refused(expected, "not_enough_stock", &[("B", "not_enough_stock")]).await;
        assert_eq!(problem["lines"][0]["available"], 4);
    }
    drifted.buyer.put_into_basket(&app.offer("B").await, 4).await.assert_status(200);
    drifted.order(None).await.assert_status(201);
    app.finish().await;
}

#[tokio::test]
async fn agreeing_to_a_price_leaves_only_what_was_not_agreed_to() {
    let app = TestApp::start().await;
    let list = [("A", "Телефон А", "90", 10), ("B", "Телефон Б", "20", 4)];
    let drifted = Drifted::to(&app, &list).await;
    let both = [("A", "price_changed"), ("B", "not_enough_stock")];
    drifted.refused(None, "not_enough_stock", &both).await;
    drifted.refused(Some("300.00"), "not_enough_stock", &both).await;
    drifted.refused(Some("280.00"), "not_enough_stock", &both[1..]).await;
    app.finish().await;
}

#[tokio::test]
async fn of_several_reasons_the_gravest_is_the_code_and_every_line_is_named() {
    let app = TestApp::start().await;
    let drifted = Drifted::to(&app, &[("B", "Телефон Б", "25", 1)]).await;
    let concerned = [("A", "withdrawn"), ("B", "not_enough_stock")];
    drifted.refused(None, "withdrawn", &concerned).await;
    drifted.refused(Some("325.00"), "withdrawn", &concerned).await;
    drifted.supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    drifted.refused(None, "withdrawn", &[("A", "withdrawn"), ("B", "supplier_closed")]).await;
    let a = app.offer("A").await;
    drifted.buyer.delete(&format!("/api/v1/basket/lines/{a}")).await.assert_status(200);
    drifted.refused(None, "supplier_closed", &[("B", "supplier_closed")]).await;
    app.finish().await;
}

#[tokio::test]
async fn another_buyer_may_have_been_quicker() {
    let app = TestApp::start().await;
    let drifted = Drifted::to(&app, &[A, B]).await;
    let other = app.buyer().with_basket([("B", 6)]).create().await;
    other.order().await.assert_status(201);
    let problem = drifted.refused(Some("300.00"), "not_enough_stock", &[("B", "not_enough_stock")]).await;
    assert_eq!(problem["lines"][0]["available"], 4);
    app.finish().await;
}

#[tokio::test]
async fn an_empty_basket_is_shown_too() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let problem = buyer.order().await.assert_status(409).problem("basket_empty");
    assert_eq!((&problem["lines"], &problem["basket"]["lines"]), (&json!([]), &json!([])));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_beside_a_price_list_is_of_the_old_prices_or_refused() {
    let app = TestApp::start().await;
    let list =
        |price: &str| price_list(&[("A", "Телефон А", price, 1_000), ("B", "Телефон Б", price, 1_000)]);
    let supplier = app.supplier("Электрон").with_price_list(list("10")).create().await;
    let buyer = app.buyer().create().await;
    let (a, b) = (app.offer("A").await, app.offer("B").await);
    let mut prices = ["20", "10"].into_iter().cycle();
    for _ in 0..6 {
        for offer in [&a, &b] {
            buyer.put_into_basket(offer, 1).await.assert_status(200);
        }
        let seen = buyer.get("/api/v1/basket").await.json()["total"].clone();
        let next = list(prices.next().unwrap());
        let (received, placed) =
            tokio::join!(supplier.upload("/api/v1/supplier/imports", "price.yaml", next), buyer.order());
        received.assert_status(202);
        match placed.status() {
            201 => assert_eq!(placed.json()["total"], seen, "what the buyer saw is what the buyer pays"),
            409 => _ = placed.problem("price_changed"),
            status => panic!("{status}: {}", placed.text()),
        }
        app.drain_jobs().await;
        buyer.delete("/api/v1/basket").await.assert_status(200);
    }
    app.finish().await;
}
