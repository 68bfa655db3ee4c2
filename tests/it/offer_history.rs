//! How an offer came to what it is.

use serde_json::{Value, json};

use crate::support::{TestApp, price_list};

#[tokio::test]
async fn every_change_of_an_offer_leads_to_the_list_and_row_or_the_order_that_it_came_from() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let b = ("B", "Телефон Б", "20", 50);
    let a = |price, stock| ("A", "Телефон А", price, stock);
    let mut imports = Vec::new();
    for (file, goods) in [
        ("1.yaml", &[a("100", 10), b][..]),
        ("2.yaml", &[b, a("90", 10)]),
        // Nothing of it changes.
        ("3.yaml", &[b, a("90", 10)]),
        ("4.yaml", &[b]),
        ("5.yaml", &[b, a("90", 7)]),
    ] {
        imports.push(app.import(&supplier, file, price_list(goods)).await["id"].clone());
    }
    let buyer = app.buyer().with_basket([("A", 3)]).create().await;
    let order = buyer.order().await.assert_status(201).json();
    let part = &order["parts"][0]["id"];
    for status in ["confirmed", "assembled", "sent"] {
        let path = format!("/api/v1/supplier/orders/{}/status", part.as_str().unwrap());
        supplier.post(&path, json!({ "status": status })).await.assert_status(200);
    }

    let history = format!("/api/v1/supplier/offers/{}/history", app.offer("A").await);
    let shown = supplier.get(&history).await.assert_status(200).json();
    let entries = shown["items"].as_array().unwrap();
    let by_list =
        |n: usize, row: Value| json!({ "id": imports[n], "source": format!("{}.yaml", n + 1), "row": row });
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                &entry["change"],
                &entry["price"],
                &entry["stock"],
                &entry["import"],
                &entry["supplier_order_id"],
            )
        })
        .collect();
    let none = Value::Null;
    assert_eq!(
        seen,
        [
            (&json!("shipped"), &none, &json!(4), &none, part),
            (&json!("updated"), &json!("90.00"), &json!(7), &by_list(4, json!(2)), &none),
            (&json!("withdrawn"), &json!("90.00"), &json!(10), &by_list(3, none.clone()), &none),
            (&json!("updated"), &json!("90.00"), &json!(10), &by_list(1, json!(2)), &none),
            (&json!("inserted"), &json!("100.00"), &json!(10), &by_list(0, json!(1)), &none),
        ]
    );
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            supplier.get(&format!("{history}?limit=2&cursor={cursor}")).await.assert_status(200).json();
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(&paged, entries, "the pages visit each change once");

    let rows = format!("/api/v1/supplier/imports/{}/rows", imports[1].as_str().unwrap());
    let rows = supplier.get(&rows).await.assert_status(200).json();
    assert_eq!(rows["items"][0]["offer_id"], app.offer("A").await);
    let stranger = app.supplier("Канцлер").create().await;
    stranger.get(&history).await.assert_status(404).problem("not_found");
    app.finish().await;
}
