//! What the programs write into their logs while people use them, at the level that tells most.

use std::time::{Duration, Instant};

use local_stack::mail_catcher::MailCatcher;
use reqwest::{Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Answer, Collector, Speaking, TestDatabase, attach, link_token, price_list, program};

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until something is there.
async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what} never came");
        sleep(Duration::from_millis(20)).await;
    }
}

/// People before the API, and everything of theirs that nobody else should read.
struct People {
    client: reqwest::Client,
    url: String,
    catcher: MailCatcher,
    secrets: Vec<String>,
}

impl People {
    fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(token)
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        Answer::to(self.request(method, path, token).json(body)).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(Method::POST, path, token, &body).await
    }

    /// The token of the newest letter's link.
    async fn mailed_token(&mut self, email: &str, page: &str) -> String {
        let token = eventually("the letter", async || {
            let letters = self.catcher.messages_to(email);
            let letter = letters.iter().find(|letter| letter.text.as_deref().unwrap_or("").contains(page))?;
            Some(link_token(letter, page))
        })
        .await;
        self.secrets.push(token.clone());
        token
    }

    async fn sign_in(&mut self, email: &str, password: &str) -> String {
        let answer = self.post("/auth/login", "", json!({ "email": email, "password": password })).await;
        let tokens = answer.assert_status(200).json();
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        self.secrets.extend([text("access_token"), text("refresh_token")]);
        text("access_token")
    }

    /// Registers, confirms the address, signs in.
    async fn join(&mut self, registration: &Value) -> String {
        let text = |name: &str| registration[name].as_str().expect("a text").to_owned();
        let names = ["email", "password", "first_name", "last_name"].map(text);
        let [email, password, ..] = names.clone();
        self.secrets.extend(names);
        self.post("/auth/register", "", registration.clone()).await.assert_status(202);
        let token = self.mailed_token(&email, "/confirm-email").await;
        self.post("/auth/confirm-email", "", json!({ "token": token })).await.assert_status(204);
        self.sign_in(&email, &password).await
    }
}

async fn supplier_sells(people: &mut People) -> String {
    let registration = json!({
        "email": "svyazist@example.com", "password": "пароль-поставщика-7", "first_name": "Святослав",
        "last_name": "Громыхайлов", "account_type": "supplier", "supplier_name": "Связной",
    });
    let token = people.join(&registration).await;
    let list = price_list(&[("A", "Телефон", "100", 10)]).into_bytes();
    let request = people.request(Method::POST, "/supplier/imports", &token);
    let import = Answer::to(attach(request, "price.yaml", list)).await.assert_status(202).json();
    let path = format!("/supplier/imports/{}", import["id"].as_str().unwrap());
    eventually("the import's end", async || {
        let import = Answer::to(people.request(Method::GET, &path, &token)).await.assert_status(200).json();
        (import["status"] == "completed").then_some(())
    })
    .await;
    token
}

async fn buyer_orders(people: &mut People) -> String {
    let registration = json!({
        "email": "zakupki@example.com", "password": "пароль-покупателя-8", "first_name": "Евлампия",
        "last_name": "Закупкина", "account_type": "buyer", "company": "Ромашка",
    });
    let mut token = people.join(&registration).await;
    let found = Answer::to(people.request(Method::GET, "/products?q=телефон", "")).await.json();
    let path = format!("/products/{}", found["items"][0]["id"].as_str().unwrap());
    let card = Answer::to(people.request(Method::GET, &path, "")).await.assert_status(200).json();
    let line = format!("/basket/lines/{}", card["offers"][0]["id"].as_str().unwrap());
    people.send(Method::PUT, &line, &token, &json!({ "quantity": 2 })).await.assert_status(200);
    let address = json!({
        "last_name": "Получателев", "first_name": "Аристарх", "middle_name": "Поликарпович",
        "email": "sklad@example.com", "phone": "+7 495 987-65-43", "city": "Усть-Кокса", "street": "Набережная-Тестовая",
        "house": "1",
    });
    for name in ["last_name", "first_name", "middle_name", "email", "phone", "city", "street"] {
        people.secrets.push(address[name].as_str().unwrap().to_owned());
    }
    people.secrets.push("74959876543".to_owned());
    people.post("/me/addresses", &token, address.clone()).await.assert_status(201);
    let order = json!({ "address": address, "payment_method": "invoice", "comment": "Спросить-Евлампию" });
    people.secrets.push("Спросить-Евлампию".to_owned());
    let placed = people.post("/orders", &token, order).await.assert_status(201);
    let path = placed.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    people
        .post("/auth/password-reset", "", json!({ "email": "zakupki@example.com" }))
        .await
        .assert_status(202);
    let reset = people.mailed_token("zakupki@example.com", "/reset-password").await;
    people.secrets.push("новый-пароль-9".to_owned());
    let new = json!({ "token": reset, "password": "новый-пароль-9" });
    people.post("/auth/password-reset/confirm", "", new).await.assert_status(204);
    token = people.sign_in("zakupki@example.com", "новый-пароль-9").await;
    Answer::to(people.request(Method::GET, &path, &token)).await.assert_status(200);
    token
}

/// What goes wrong is logged most.
async fn things_go_wrong(people: &mut People, token: &str) {
    people.secrets.extend(["не-тот-пароль".to_owned(), "chuzhoy@example.com".to_owned()]);
    let wrong = json!({ "email": "zakupki@example.com", "password": "не-тот-пароль" });
    people.post("/auth/login", "", wrong).await.assert_status(401);
    let unknown = json!({ "email": "chuzhoy@example.com", "password": "не-тот-пароль", "extra": 1 });
    people.post("/auth/login", "", unknown).await.assert_status(422);
    let path = "/orders?q=chuzhoy@example.com&nothing=chuzhoy@example.com";
    Answer::to(people.request(Method::GET, path, token)).await.assert_status(422);
    Answer::to(people.request(Method::GET, "/products?q=chuzhoy@example.com", "")).await.assert_status(200);
    Answer::to(people.request(Method::GET, "/me", "chuzhoy@example.com")).await.assert_status(401);
    let broken =
        people.request(Method::POST, "/auth/register", "").header("content-type", "application/json");
    Answer::to(broken.body("{\"email\": \"chuzhoy@example.com\", ")).await.assert_status(400);
    let form = multipart::Form::new().text("chuzhoy@example.com", "не-тот-пароль");
    Answer::to(people.request(Method::POST, "/supplier/imports", token).multipart(form))
        .await
        .assert_status(403);
}

#[tokio::test]
async fn a_whole_story_leaves_nothing_of_anybody_in_logs_and_traces() {
    let database = TestDatabase::create().await;
    let collector = Collector::start().await;
    let local = ([127, 0, 0, 1], 0).into();
    let catcher = MailCatcher::start(local, local).await.unwrap();
    let settings = [
        ("DATABASE_URL", database.settings(1).await.url),
        ("TOKEN_SECRET", "kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA".to_owned()),
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
        ("SMTP_URL", format!("smtp://{}", catcher.smtp_addr())),
        ("MAIL_FROM", "Postavka <orders@postavka.test>".to_owned()),
        ("ADMIN_EMAIL", "glavnaya@example.com".to_owned()),
        ("REQUIRE_APPROVAL", "false".to_owned()),
        ("RUST_LOG", "debug".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
    ];
    let api = Speaking::start(program("api").await.arg("serve").envs(settings.clone()));
    let worker = Speaking::start(program("worker").await.arg("run").envs(settings));
    let url = api.address().await;

    let secrets = vec!["glavnaya@example.com".to_owned(), "kS0zq8mYxV1nT4rWc7bJdLhPgF9uE2iA".to_owned()];
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let mut people = People { client, url, catcher, secrets };
    let supplier = supplier_sells(&mut people).await;
    let buyer = buyer_orders(&mut people).await;
    things_go_wrong(&mut people, &buyer).await;
    let parts = Answer::to(people.request(Method::GET, "/supplier/orders", &supplier)).await.json();
    let path = format!("/supplier/orders/{}/status", parts["items"][0]["id"].as_str().unwrap());
    people.post(&path, &supplier, json!({ "status": "confirmed" })).await.assert_status(200);
    for email in ["glavnaya@example.com", "svyazist@example.com"] {
        eventually("the letter", async || people.catcher.messages_to(email).pop()).await;
    }
    Answer::to(people.request(Method::DELETE, "/me", &buyer)).await.assert_status(204);

    let mut all = vec![api.stop().await, worker.stop().await];
    for said in &all {
        // Otherwise it proves nothing.
        assert!(said.contains("DEBUG") && said.contains("request_id="), "{said}");
    }
    let traced = collector.spans().iter().map(|span| format!("{span:?}\n")).collect::<String>();
    assert!(traced.contains("send_email") && traced.contains("/api/v1/orders"), "{traced}");
    all.push(traced);
    for said in all {
        for secret in &people.secrets {
            let coded = secret.replace('@', "%40");
            for secret in [secret, &coded] {
                let line = said.lines().find(|line| line.contains(secret.as_str()));
                assert!(line.is_none(), "{secret:?} stands in {line:?}");
            }
        }
    }
    database.drop().await;
}
