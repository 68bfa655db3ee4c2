//! Finding orders, as buyers and as suppliers.

use common::orders::{OrderStatus, SupplierOrderStatus};
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{Answer, Person, TestApp, address, price_list};

/// The numbers of a list's items.
fn numbers(list: Answer, member: &str) -> Vec<String> {
    let list = list.assert_status(200).json();
    list["items"].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn at(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap()
}

/// Gets a list with a query.
async fn find(person: &Person, path: &str, query: &[(&str, &str)]) -> Answer {
    Answer::to(person.request(reqwest::Method::GET, path).query(query)).await
}

#[tokio::test]
async fn the_database_and_the_program_agree_on_where_an_order_stands() {
    let app = TestApp::start().await;
    let mut cases: Vec<Vec<SupplierOrderStatus>> = vec![Vec::new()];
    for parts in 1..=3 {
        let all = (0..7usize.pow(parts)).map(|mut n| {
            (0..parts)
                .map(|_| {
                    let status = SupplierOrderStatus::ALL[n % 7];
                    n /= 7;
                    status
                })
                .collect()
        });
        cases.extend(all);
    }
    for parts in cases {
        let words: Vec<&str> = parts.iter().map(|status| status.as_str()).collect();
        let found: String = sqlx::query_scalar("select order_status($1::text[])")
            .bind(&words)
            .fetch_one(app.pool())
            .await
            .unwrap();
        assert_eq!(found, OrderStatus::of(parts).as_str(), "{words:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn orders_are_found_by_where_they_stand() {
    let app = TestApp::start().await;
    let supplier =
        app.supplier("Электрон").with_price_list(price_list(&[("A", "А", "1", 100)])).create().await;
    let buyer = app.buyer().create().await;
    let a = app.offer("A").await;
    let mut placed = Vec::new();
    for steps in [&[][..], &["confirmed"], &["refused"], &["confirmed", "assembled", "sent", "delivered"]] {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        let order = buyer.order().await.assert_status(201).json();
        let part = format!("/api/v1/supplier/orders/{}/status", order["parts"][0]["id"].as_str().unwrap());
        for status in steps {
            supplier.post(&part, json!({ "status": status })).await.assert_status(200);
        }
        placed.push(order["number"].as_str().unwrap().to_owned());
    }
    for (index, status) in ["new", "in_progress", "canceled", "delivered"].into_iter().enumerate() {
        let found = find(&buyer, "/api/v1/orders", &[("status", status)]).await;
        assert_eq!(found.json()["items"][0]["status"], status);
        assert_eq!(numbers(found, "number"), [placed[index].clone()], "{status}");
    }
    let refused = find(&buyer, "/api/v1/orders", &[("status", "sent")]).await.assert_status(422);
    refused.invalid(&[("status", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn orders_are_found_by_when_they_were_confirmed_and_by_their_numbers() {
    let app = TestApp::start().await;
    let supplier =
        app.supplier("Электрон").with_price_list(price_list(&[("A", "А", "1", 100)])).create().await;
    let buyer = app.buyer().create().await;
    let a = app.offer("A").await;
    let (mut times, mut placed) = (Vec::new(), Vec::new());
    for purchase_number in ["З-17/a", "З-18", "100%_"] {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        let mut body = json!({ "address": address(), "payment_method": "invoice" });
        body["purchase_number"] = json!(purchase_number);
        let order = buyer.post("/api/v1/orders", body).await.assert_status(201).json();
        placed.push(order["number"].as_str().unwrap().to_owned());
        times.push(OffsetDateTime::parse(order["created_at"].as_str().unwrap(), &Rfc3339).unwrap());
        app.clock().advance(Duration::minutes(1));
    }
    let middle = at(times[1]);
    let moscow = at(times[1].to_offset(time::UtcOffset::from_hms(3, 0, 0).unwrap()));
    let later = at(times[1] + Duration::seconds(1));
    let newest_first =
        |indices: &[usize]| indices.iter().map(|index| placed[*index].clone()).collect::<Vec<_>>();
    for (query, expected) in [
        (vec![("created_from", &*middle)], newest_first(&[2, 1])),
        (vec![("created_from", &*moscow)], newest_first(&[2, 1])),
        (vec![("created_to", &*middle)], newest_first(&[0])),
        (vec![("created_from", &*middle), ("created_to", &*later)], newest_first(&[1])),
        (vec![("created_from", &*middle), ("created_to", &*middle)], Vec::new()),
        (vec![("q", &*placed[1])], newest_first(&[1])),
        (vec![("q", &placed[2][8..])], newest_first(&[2])),
        (vec![("q", "з-1")], newest_first(&[1, 0])),
        (vec![("q", "17/A")], newest_first(&[0])),
        (vec![("q", "%")], newest_first(&[2])),
        (vec![("q", "_")], newest_first(&[2])),
        (vec![("q", "nowhere")], Vec::new()),
        (vec![("q", ""), ("status", "")], newest_first(&[2, 1, 0])),
        (vec![("q", "З-18"), ("status", "canceled")], Vec::new()),
    ] {
        assert_eq!(numbers(find(&buyer, "/api/v1/orders", &query).await, "number"), expected, "{query:?}");
    }
    // The buyer's own number is none of the supplier's business.
    for (query, expected) in [
        (vec![("created_from", &*middle)], newest_first(&[2, 1])),
        (vec![("created_to", &*middle), ("status", "new")], newest_first(&[0])),
        (vec![("q", &*placed[1])], newest_first(&[1])),
        (vec![("q", "З-18")], Vec::new()),
    ] {
        let found = find(&supplier, "/api/v1/supplier/orders", &query).await;
        assert_eq!(numbers(found, "order_number"), expected, "{query:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_filter_goes_on_through_the_pages() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(price_list(&[("A", "А", "1", 100)])).create().await;
    let buyer = app.buyer().create().await;
    let a = app.offer("A").await;
    let mut open = Vec::new();
    for n in 0..6 {
        buyer.put_into_basket(&a, 1).await.assert_status(200);
        let order = buyer.order().await.assert_status(201).json();
        if n % 2 == 0 {
            let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
            buyer.post(&path, json!(null)).await.assert_status(200);
        } else {
            open.insert(0, order["number"].as_str().unwrap().to_owned());
        }
    }
    let first = find(&buyer, "/api/v1/orders", &[("status", "new"), ("limit", "2")]).await.assert_status(200);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let rest = find(&buyer, "/api/v1/orders", &[("status", "new"), ("cursor", &cursor)]).await;
    assert!(rest.json()["next_cursor"].is_null());
    let found = [numbers(first, "number"), numbers(rest, "number")].concat();
    assert_eq!(found, open);
    app.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_query_is_said_at_once() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let query = [
        ("status", "lost"),
        ("created_from", "yesterday"),
        ("created_to", "2026-11-01"),
        ("q", &*"x".repeat(101)),
        ("limit", "101"),
        ("cursor", "?"),
        ("sort", "price"),
        ("limit", "5"),
    ];
    find(&buyer, "/api/v1/orders", &query).await.assert_status(422).invalid(&[
        ("status", "unknown_word"),
        ("created_from", "invalid_time"),
        ("created_to", "invalid_time"),
        ("q", "too_long"),
        ("limit", "out_of_range"),
        ("limit", "unknown_parameter"),
        ("cursor", "invalid"),
        ("sort", "unknown_parameter"),
    ]);
    for (name, far) in [("created_from", "9999-12-31T23:59:59Z"), ("created_to", "0000-01-01T00:00:00Z")] {
        assert_eq!(numbers(find(&buyer, "/api/v1/orders", &[(name, far)]).await, "number"), [""; 0]);
    }
    app.finish().await;
}
