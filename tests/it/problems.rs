//! The pages that say what a refusal means.

use api::problem::ProblemCode;
use common::locale::Locale;
use serde_json::json;

use crate::support::{Answer, TestApp};

/// A page as somebody whose browser prefers these languages sees it.
async fn read(app: &TestApp, path: &str, languages: &str) -> Answer {
    Answer::to(app.client().get(app.url(path)).header("accept-language", languages)).await
}

/// A text of the table, up to its first piece of code, as it stands in HTML.
fn beginning(text: &str) -> &str {
    text.split(['`', '&', '<', '"', '\'']).next().unwrap_or_default()
}

#[tokio::test]
async fn every_code_has_a_page_in_both_languages() {
    let app = TestApp::start().await;
    for &code in ProblemCode::ALL {
        for locale in Locale::ALL {
            let path = format!("/problems/{}?locale={locale}", code.as_str());
            let page = app.get(&path).await.assert_status(200);
            assert_eq!(page.header("content-language"), Some(locale.as_str()), "{path}");
            assert!(page.header("content-type").is_some_and(|form| form.starts_with("text/html")), "{path}");
            let policy = page.header("content-security-policy");
            assert!(policy.is_some_and(|policy| policy.contains("default-src 'none'")), "{path}");
            let texts = code.texts(locale);
            for text in [texts.title, texts.happened, texts.remedy, code.as_str()] {
                assert!(page.text().contains(beginning(text)), "{path} lacks {text}");
            }
            assert!(!page.text().contains("{{") && !page.text().contains('`'), "{path}: {}", page.text());
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_list_leads_to_every_page_and_each_page_back() {
    let app = TestApp::start().await;
    for locale in Locale::ALL {
        let list = app.get(&format!("/problems?locale={locale}")).await.assert_status(200);
        for code in ProblemCode::ALL {
            let link = format!("href=\"/problems/{}?locale={locale}\"", code.as_str());
            assert!(list.text().contains(&link), "{link}");
            assert!(list.text().contains(beginning(code.texts(locale).title)), "{link}");
        }
    }
    let page = app.get("/problems/not_found?locale=en").await.assert_status(200);
    assert!(page.text().contains("href=\"/problems?locale=en\""));
    assert!(page.text().contains("href=\"?locale=ru\""));
    app.finish().await;
}

#[tokio::test]
async fn a_page_comes_in_the_language_of_its_reader() {
    let app = TestApp::start().await;
    for (path, languages, expected) in [
        ("/problems/not_found", "en-GB,en;q=0.9", "en"),
        ("/problems/not_found", "ru,en;q=0.9", "ru"),
        ("/problems/not_found", "de", "ru"),
        ("/problems/not_found?locale=en", "ru", "en"),
        ("/problems/not_found?locale=de", "en", "en"),
        ("/problems", "en", "en"),
        ("/confirm-email", "en", "en"),
    ] {
        let page = read(&app, path, languages).await.assert_status(200);
        assert_eq!(page.header("content-language"), Some(expected), "{path} {languages}");
        assert!(page.text().contains(&format!("<html lang=\"{expected}\">")), "{path} {languages}");
        assert_eq!(page.header("vary"), Some("accept-language"));
    }
    app.finish().await;
}

#[tokio::test]
async fn where_a_refusal_points_there_is_its_page() {
    let app = TestApp::start().await;
    let refused = app.get("/api/v1/me").await.assert_status(401).problem("unauthorized");
    app.get(refused["type"].as_str().unwrap()).await.assert_status(200);
    app.get("/problems/no_such_code").await.assert_status(404).problem("not_found");
    app.get("/problems/NOT_FOUND").await.assert_status(404).problem("not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_nul_is_named_where_it_stands_and_hides_nothing_else() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let order = json!({
        "address": { "last_name": "Ива\0нов", "first_name": "Пётр", "ci\0ty": "Москва", "street": 7 },
        "comment": "\0",
        "payment_method": "invoice",
    });
    buyer.post("/api/v1/orders", order).await.assert_status(422).invalid(&[
        ("/address/ci\0ty", "control_characters"),
        ("/address/ci\0ty", "unknown_field"),
        ("/address/city", "required"),
        ("/address/email", "required"),
        ("/address/house", "required"),
        ("/address/last_name", "control_characters"),
        ("/address/phone", "required"),
        ("/address/street", "wrong_type"),
        ("/comment", "control_characters"),
    ]);
    app.finish().await;
}
