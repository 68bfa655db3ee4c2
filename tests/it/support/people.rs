//! People who use the application: they register, confirm, sign in, and then speak HTTP.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use common::{
    accounts::{self, EmailAddress, NewStaff, Password, Passwords, PersonName},
    locale::Locale,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, TestApp, register_token, upload};

/// Everybody's password.
pub const PASSWORD: &str = "длинный пароль 42";

/// What somebody sends to register as a buyer.
pub fn registration(email: &str) -> Value {
    json!({
        "email": email,
        "password": PASSWORD,
        "first_name": "Анна",
        "last_name": "Орлова",
        "account_type": "buyer",
    })
}

/// A delivery address, all of it.
pub fn address() -> Value {
    json!({
        "last_name": "Иванов",
        "first_name": "Пётр",
        "middle_name": "Сергеевич",
        "email": "shop-12@example.com",
        "phone": "+7 495 123-45-67",
        "city": "Москва",
        "street": "Тверская",
        "house": "7",
        "building": "2",
        "structure": "1",
        "apartment": "15",
    })
}

/// Somebody about to register.
pub struct PersonBuilder<'a> {
    app: &'a TestApp,
    registration: Value,
    basket: Vec<(String, u32)>,
    price_list: Option<String>,
}

impl TestApp {
    /// A buyer of a company of their own.
    pub fn buyer(&self) -> PersonBuilder<'_> {
        let mut registration = registration(&new_email("buyer"));
        registration["company"] = json!("Сеть «Ромашка»");
        registration["position"] = json!("Закупщик");
        PersonBuilder { app: self, registration, basket: Vec::new(), price_list: None }
    }

    /// A person of a supplier of this name.
    pub fn supplier(&self, name: &str) -> PersonBuilder<'_> {
        let mut registration = registration(&new_email("supplier"));
        registration["account_type"] = json!("supplier");
        registration["supplier_name"] = json!(name);
        PersonBuilder { app: self, registration, basket: Vec::new(), price_list: None }
    }
}

/// Somebody of the operator, about to be given an account.
pub struct StaffBuilder<'a> {
    app: &'a TestApp,
    email: String,
}

impl TestApp {
    /// Somebody of the operator.
    pub fn staff(&self) -> StaffBuilder<'_> {
        StaffBuilder { app: self, email: new_email("staff") }
    }
}

impl StaffBuilder<'_> {
    /// Is given an account, as `api create-staff` gives it, and signs in.
    pub async fn create(self) -> Person {
        let Self { app, email } = self;
        let password = Password::parse(PASSWORD).expect("a password");
        let hash = Passwords::default().hash(password).await.expect("a hash");
        let name = |text| PersonName::parse(text).expect("a name");
        let staff = NewStaff {
            email: EmailAddress::parse(&email).expect("an address"),
            first_name: name("Мария"),
            last_name: name("Кузнецова"),
            locale: Locale::Ru,
        };
        let mut tx = app.pool().begin().await.expect("a transaction");
        accounts::create_staff(&mut tx, app.clock().now(), &staff, &hash).await.expect("an account");
        tx.commit().await.expect("the account is kept");
        let person = Person::new(app, email);
        person.sign_in().await;
        person
    }
}

fn new_email(role: &str) -> String {
    static PEOPLE: AtomicU32 = AtomicU32::new(1);
    format!("{role}-{}@example.com", PEOPLE.fetch_add(1, Ordering::Relaxed))
}

impl PersonBuilder<'_> {
    /// With this address.
    pub fn email(mut self, email: &str) -> Self {
        self.registration["email"] = json!(email);
        self
    }

    /// Who reads e-mails in this language.
    pub fn locale(mut self, locale: &str) -> Self {
        self.registration["locale"] = json!(locale);
        self
    }

    /// Whose basket is filled: skus of offers and pieces.
    pub fn with_basket<const N: usize>(mut self, lines: [(&str, u32); N]) -> Self {
        self.basket = lines.map(|(sku, quantity)| (sku.to_owned(), quantity)).to_vec();
        self
    }

    /// Whose price list, in YAML, is in the catalogue.
    pub fn with_price_list(mut self, yaml: impl Into<String>) -> Self {
        self.price_list = Some(yaml.into());
        self
    }

    /// Registers, confirms by the token in the e-mail, and signs in.
    pub async fn create(self) -> Person {
        let Self { app, registration, basket, price_list } = self;
        app.post("/api/v1/auth/register", registration.clone()).await.assert_status(202);
        let email = registration["email"].as_str().expect("an address").to_owned();
        let person = Person::new(app, email);
        let mailbox = app.mailbox(&person.email).await;
        let token = register_token(mailbox.last());
        app.post("/api/v1/auth/confirm-email", json!({ "token": token })).await.assert_status(204);
        person.sign_in().await;
        for (sku, quantity) in basket {
            let offer = app.offer(&sku).await;
            person.put_into_basket(&offer, quantity).await.assert_status(200);
        }
        if let Some(yaml) = price_list {
            app.import(&person, "price.yaml", yaml).await;
        }
        person
    }
}

/// Somebody who is signed in.
pub struct Person {
    client: reqwest::Client,
    base_url: String,
    email: String,
    access_token: Mutex<String>,
    refresh_token: Mutex<String>,
}

impl Person {
    fn new(app: &TestApp, email: String) -> Self {
        Self {
            client: app.client().clone(),
            base_url: app.url(""),
            email,
            access_token: Mutex::default(),
            refresh_token: Mutex::default(),
        }
    }

    /// Lets lists withdraw all that there is: none is held for that.
    pub async fn may_withdraw_all(&self) {
        self.patch("/api/v1/supplier", json!({ "guard_withdrawn_percent": 100 })).await.assert_status(200);
    }

    /// Their address.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Their newest access token.
    pub fn access_token(&self) -> String {
        self.access_token.lock().expect("nobody panicked with it").clone()
    }

    /// Their newest refresh token.
    pub fn refresh_token(&self) -> String {
        self.refresh_token.lock().expect("nobody panicked with it").clone()
    }

    /// Their id.
    pub async fn id(&self) -> String {
        let profile = self.get("/api/v1/me").await.assert_status(200).json();
        profile["id"].as_str().expect("an id").to_owned()
    }

    /// Signs in (again: an access token is good for a quarter of an hour).
    pub async fn sign_in(&self) {
        let login = json!({ "email": self.email, "password": PASSWORD });
        let request = self.client.post(format!("{}/api/v1/auth/login", self.base_url)).json(&login);
        let tokens = Answer::to(request).await.assert_status(200).json();
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        *self.access_token.lock().expect("nobody panicked with it") = text("access_token");
        *self.refresh_token.lock().expect("nobody panicked with it") = text("refresh_token");
    }

    /// A request of theirs, to be completed and sent by `Answer::to`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let token = self.access_token.lock().expect("nobody panicked with it").clone();
        self.client.request(method, format!("{}{path}", self.base_url)).bearer_auth(token)
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    /// Posts JSON under an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).header("idempotency-key", key).json(&body)).await
    }

    /// Puts JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PUT, path).json(&body)).await
    }

    /// Changes by JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::DELETE, path)).await
    }

    /// Uploads a file.
    pub async fn upload(&self, path: &str, file_name: &str, bytes: impl Into<Vec<u8>>) -> Answer {
        Answer::to(upload::attach(self.request(Method::POST, path), file_name, bytes.into())).await
    }

    /// Uploads a file under an `Idempotency-Key`.
    pub async fn upload_once(&self, path: &str, key: &str, file_name: &str, bytes: &str) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        Answer::to(upload::attach(request, file_name, bytes.into())).await
    }

    /// Sets how many pieces of an offer are wanted.
    pub async fn put_into_basket(&self, offer_id: &str, quantity: u32) -> Answer {
        self.put(&format!("/api/v1/basket/lines/{offer_id}"), json!({ "quantity": quantity })).await
    }

    /// Orders what is in the basket, to a new address.
    pub async fn order(&self) -> Answer {
        self.post("/api/v1/orders", json!({ "address": address(), "payment_method": "invoice" })).await
    }
}
