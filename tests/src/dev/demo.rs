//! The demonstration data of a fresh development database: two suppliers with their price lists, and a buyer.
//!
//! They come the way everything comes: over HTTP, confirmed by e-mail, imported by the job.

use std::{fmt, time::Duration};

use anyhow::{Context, bail};
use reqwest::{Client, multipart};
use serde_json::{Value, json};
use tokio::time;

use super::Addresses;

/// The password of every demonstration account.
const PASSWORD: &str = "postavka-demo";

/// How long an e-mail or an import may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody as whom to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// Who it is: a buyer, a supplier.
    pub role: String,
    /// The e-mail address to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
}

impl DemoAccount {
    fn new(role: &str, email: &str) -> Self {
        Self { role: role.to_owned(), email: email.to_owned(), password: PASSWORD.to_owned() }
    }
}

impl fmt::Display for DemoAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<10} {} / {}", self.role, self.email, self.password)
    }
}

/// Loads the demonstration data through the API, which answers already, unless the database has suppliers: then they are
/// there. Says as whom to sign in.
///
/// # Errors
/// When the API refuses them, or an e-mail or an import does not arrive.
pub async fn load(stack: &Addresses) -> anyhow::Result<Vec<DemoAccount>> {
    let buyer = DemoAccount::new("buyer", "buyer@example.com");
    let elektron = DemoAccount::new("supplier", "elektron@example.com");
    let kancler = DemoAccount::new("supplier", "kancler@example.com");
    let demo =
        Demo { http: Client::new(), api: format!("{}/api/v1", stack.api), mail: stack.mail_page.clone() };
    if demo.has_suppliers().await? {
        return Ok(vec![buyer, elektron, kancler]);
    }
    tokio::try_join!(
        demo.supplier(
            "Электрон",
            &elektron.email,
            "elektron.yaml",
            include_bytes!("../../data/elektron.yaml")
        ),
        demo.supplier("Канцлер", &kancler.email, "kancler.csv", include_bytes!("../../data/kancler.csv")),
    )?;
    let asked = json!({
        "email": buyer.email, "password": PASSWORD, "first_name": "Анна", "last_name": "Смирнова",
        "company": "Сеть «Пример»", "position": "закупщик", "account_type": "buyer",
    });
    demo.register(&buyer.email, &asked).await?;
    Ok(vec![buyer, elektron, kancler])
}

struct Demo {
    http: Client,
    api: String,
    mail: String,
}

impl Demo {
    async fn has_suppliers(&self) -> anyhow::Result<bool> {
        let answer = self.http.get(format!("{}/suppliers?limit=1", self.api)).send().await?;
        let suppliers: Value = answer.error_for_status()?.json().await?;
        Ok(suppliers["items"].as_array().is_some_and(|items| !items.is_empty()))
    }

    async fn supplier(
        &self,
        name: &str,
        email: &str,
        file_name: &'static str,
        list: &'static [u8],
    ) -> anyhow::Result<()> {
        let asked = json!({
            "email": email, "password": PASSWORD, "first_name": "Иван", "last_name": "Петров",
            "account_type": "supplier", "supplier_name": name,
        });
        self.register(email, &asked).await?;
        let signed_in = json!({ "email": email, "password": PASSWORD });
        let token = self.post("/auth/login", &signed_in).await?["access_token"].as_str().map(str::to_owned);
        let token = token.context("signing in answered without a token")?;
        let file = multipart::Part::bytes(list).file_name(file_name);
        let form = multipart::Form::new().part("file", file);
        let url = format!("{}/supplier/imports", self.api);
        let answer = self.http.post(&url).bearer_auth(&token).multipart(form).send().await?;
        let import: Value = answer.error_for_status()?.json().await?;
        let url = format!("{url}/{}", import["id"].as_str().unwrap_or_default());
        self.wait(|| async {
            let import: Value = self.http.get(&url).bearer_auth(&token).send().await?.json().await?;
            match import["status"].as_str() {
                Some("completed") => Ok(Some(())),
                Some("failed" | "completed_with_errors") => {
                    bail!("{file_name} was not imported whole: {import}")
                }
                _ => Ok(None),
            }
        })
        .await
        .with_context(|| format!("{file_name} was not imported"))
    }

    /// Registers somebody, and confirms their address by the link that was mailed to them.
    async fn register(&self, email: &str, asked: &Value) -> anyhow::Result<()> {
        self.post("/auth/register", asked).await?;
        let token = self
            .wait(|| async {
                let url = format!("{}/messages", self.mail);
                let mails: Value = self.http.get(url).query(&[("to", email)]).send().await?.json().await?;
                let text = mails[0]["text"].as_str().unwrap_or_default();
                let token = text.split_once("token=").map(|(_, rest)| rest);
                Ok(token.and_then(|rest| rest.split_whitespace().next()).map(str::to_owned))
            })
            .await
            .with_context(|| format!("the confirmation e-mail to {email} did not arrive"))?;
        self.post("/auth/confirm-email", &json!({ "token": token })).await?;
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.http.post(format!("{}{path}", self.api)).json(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Asks until there is an answer.
    async fn wait<T, F>(&self, mut ask: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        let asking = async {
            loop {
                if let Some(answer) = ask().await? {
                    return Ok(answer);
                }
                time::sleep(Duration::from_millis(100)).await;
            }
        };
        time::timeout(PATIENCE, asking).await.context("nothing happened for a minute")?
    }
}
