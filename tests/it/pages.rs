//! The pages that letters lead to.

use serde_json::json;

use crate::support::{ADMIN, TestApp, price_list, registration};

/// Every link of a text, without the address of the installation.
fn links(text: &str) -> Vec<String> {
    let found = text.split("http://postavka.test").skip(1);
    found.map(|rest| rest.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn every_link_of_every_letter_leads_to_a_page_in_its_readers_language() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    let staff = app.staff().create().await;
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Elektron").locale("en").with_price_list(list).create().await;
    let buyer = app.buyer().create().await;
    let waiting = staff.get("/api/v1/admin/organizations?approved=false").await.json();
    for organization in waiting["items"].as_array().unwrap() {
        let path = format!("/api/v1/admin/organizations/{}/approve", organization["id"].as_str().unwrap());
        staff.post(&path, json!({})).await.assert_status(200);
    }
    buyer.put_into_basket(&app.offer("A").await, 1).await.assert_status(200);
    buyer.order().await.assert_status(201);
    let part = supplier.get("/api/v1/supplier/orders").await.json()["items"][0]["id"].clone();
    let path = format!("/api/v1/supplier/orders/{}/status", part.as_str().unwrap());
    supplier.post(&path, json!({ "status": "confirmed" })).await.assert_status(200);
    for person in [&buyer, &supplier] {
        app.post("/api/v1/auth/register", registration(person.email())).await.assert_status(202);
        let body = json!({ "email": person.email() });
        app.post("/api/v1/auth/password-reset", body).await.assert_status(202);
    }
    app.drain_jobs().await;
    let mut seen = 0;
    for (person, language) in [(&buyer, "ru"), (&supplier, "en")] {
        for letter in app.catcher().messages_to(person.email()) {
            for link in links(letter.text.as_deref().unwrap()) {
                // The browser's language is not the reader's.
                let other = if language == "ru" { "en" } else { "ru" };
                let request = app.client().get(app.url(&link)).header("accept-language", other);
                let page = crate::support::Answer::to(request).await.assert_status(200);
                assert_eq!(page.header("content-language"), Some(language), "{link}");
                seen += 1;
            }
        }
    }
    // Buyer: confirmed, approved, ordered, moved, known (two), reset. Supplier: confirmed, imported, approved, known
    // (two), reset.
    assert!(seen >= 13, "{seen} links");
    app.finish().await;
}

#[tokio::test]
async fn a_page_says_how_a_program_gets_what_it_is_about() {
    let app = TestApp::start().await;
    let id = "0199a9a0-7c1e-7d3a-9f00-5b1c2d3e4f50";
    for (path, call) in [
        ("/".to_owned(), "POST /api/v1/auth/login".to_owned()),
        (format!("/orders/{id}"), format!("GET /api/v1/orders/{id}")),
        (format!("/supplier/imports/{id}"), format!("GET /api/v1/supplier/imports/{id}/rows")),
    ] {
        for (language, lost) in [("ru", "Забыли пароль?"), ("en", "Lost your password?")] {
            let page = app.get(&format!("{path}?locale={language}")).await.assert_status(200);
            assert!(page.text().contains(&format!("<code>{call}")), "{path}: {}", page.text());
            assert!(page.text().contains(lost), "{path}: {}", page.text());
        }
    }
    let page = app.get("/password-reset").await.assert_status(200);
    assert!(page.text().contains("data-action=\"/api/v1/auth/password-reset\""), "{}", page.text());
    for nothing in ["/orders/x", "/supplier/imports/1", "/orders", "/sign-in"] {
        app.get(nothing).await.assert_status(404).problem("not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_administrator_is_told_once_of_an_organization_that_waits() {
    let app = TestApp::start_with(|trade| trade.require_approval = true).await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    app.mailbox(ADMIN).await.none();
    app.supplier("Электрон").create().await;
    let mailbox = app.mailbox(ADMIN).await;
    let letter = mailbox.assert_one("Ждёт одобрения: Электрон");
    let staff = app.staff().create().await;
    let waiting = staff.get("/api/v1/admin/organizations?kind=supplier").await.json();
    let call =
        format!("POST /api/v1/admin/organizations/{}/approve", waiting["items"][0]["id"].as_str().unwrap());
    assert!(letter.text.as_deref().unwrap().contains(&call), "{letter:?}");
    app.finish().await;

    let app = TestApp::start().await;
    app.supplier("Электрон").create().await;
    app.mailbox(ADMIN).await.none();
    app.finish().await;
}
