use std::{net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};

use super::*;

/// A client of the sandbox's API.
struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    fn of(sandbox: &PaymentSandbox) -> Self {
        Self { http: reqwest::Client::new(), base: sandbox.api_url() }
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).basic_auth(SHOP_ID, Some(SECRET_KEY));
        let answer = request.header("Idempotence-Key", key).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).basic_auth(SHOP_ID, Some(SECRET_KEY));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

async fn start(file: Option<PathBuf>) -> (PaymentSandbox, Client) {
    common::tls::use_ring();
    let sandbox = PaymentSandbox::start(SocketAddr::from(([127, 0, 0, 1], 0)), file).await.unwrap();
    let client = Client::of(&sandbox);
    (sandbox, client)
}

fn charge(value: &str) -> Value {
    json!({
        "amount": { "value": value, "currency": "RUB" },
        "capture": false,
        "confirmation": { "type": "redirect", "return_url": "https://shop.example/orders/1" },
        "description": "№ 1",
        "metadata": { "payment_id": "ours" },
    })
}

fn part(value: &str) -> Value {
    json!({ "amount": { "value": value, "currency": "RUB" } })
}

#[tokio::test]
async fn money_is_held_when_the_page_is_posted_and_taken_in_part() {
    let (sandbox, client) = start(None).await;
    let (status, payment) = client.post("/payments", "k1", charge("100.00")).await;
    assert_eq!((status, &payment["status"]), (200, &json!("pending")));
    let id = payment["id"].as_str().unwrap();
    let (status, refusal) = client.post(&format!("/payments/{id}/capture"), "k2", part("1.00")).await;
    assert_eq!((status, &refusal["code"]), (400, &json!("invalid_request")));

    let page = payment["confirmation"]["confirmation_url"].as_str().unwrap();
    assert!(client.http.get(page).send().await.unwrap().text().await.unwrap().contains("100.00 RUB"));
    assert_eq!(client.http.post(page).send().await.unwrap().status(), 200);
    assert_eq!(client.http.post(page).send().await.unwrap().status(), 409, "nobody pays twice");
    let (_, payment) = client.get(&format!("/payments/{id}")).await;
    assert_eq!((&payment["status"], &payment["paid"]), (&json!("waiting_for_capture"), &json!(true)));

    let path = format!("/payments/{id}/capture");
    assert_eq!(client.post(&path, "k3", part("100.01")).await.0, 400, "no more than is held");
    let (status, payment) = client.post(&path, "k4", part("60.00")).await;
    assert_eq!(
        (status, &payment["status"], &payment["amount"]["value"]),
        (200, &json!("succeeded"), &json!("60.00"))
    );
    assert_eq!(client.post(&path, "k5", part("60.00")).await.0, 400, "nobody takes it twice");
    assert_eq!(sandbox.payments()[0].captures, 1);
}

#[tokio::test]
async fn a_key_stands_for_one_effect() {
    let (sandbox, client) = start(None).await;
    let (_, first) = client.post("/payments", "k", charge("100.00")).await;
    let (status, again) = client.post("/payments", "k", charge("100.00")).await;
    assert_eq!((status, &again), (200, &first));
    let (status, refusal) = client.post("/payments", "k", charge("200.00")).await;
    assert_eq!((status, &refusal["parameter"]), (400, &json!("Idempotence-Key")));
    assert_eq!(client.post("/payments", "", charge("100.00")).await.0, 400, "there is no call without one");
    assert_eq!(sandbox.payments().len(), 1);
}

#[tokio::test]
async fn no_more_goes_back_than_came() {
    let (sandbox, client) = start(None).await;
    let (_, payment) = client.post("/payments", "k", charge("100.00")).await;
    let id = payment["id"].as_str().unwrap();
    let refund = |value: &str| {
        let mut body = part(value);
        body["payment_id"] = json!(id);
        body
    };
    assert_eq!(client.post("/refunds", "r0", refund("1.00")).await.0, 400, "nothing came yet");
    sandbox.pay(id).unwrap();
    client.post(&format!("/payments/{id}/capture"), "c", part("100.00")).await;
    let (status, made) = client.post("/refunds", "r1", refund("70.00")).await;
    assert_eq!((status, &made["status"]), (200, &json!("succeeded")));
    assert_eq!(client.post("/refunds", "r2", refund("30.01")).await.0, 400);
    assert_eq!(client.post("/refunds", "r1", refund("70.00")).await.1, made);
    let (_, list) = client.get(&format!("/refunds?payment_id={id}")).await;
    assert_eq!(list["items"], json!([made]));
    let (_, one) = client.get(&format!("/refunds/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(one, made);
}

#[tokio::test]
async fn a_payment_ends_by_a_refusing_bank_by_time_or_by_the_shop() {
    let (sandbox, client) = start(None).await;
    let mut ids = Vec::new();
    for key in ["a", "b", "c", "d"] {
        let (_, payment) = client.post("/payments", key, charge("100.00")).await;
        ids.push(payment["id"].as_str().unwrap().to_owned());
    }
    let page = format!("http://{}/pay/{}?decline=true", sandbox.addr(), ids[0]);
    assert_eq!(client.http.post(page).send().await.unwrap().status(), 200);
    sandbox.expire(&ids[1]).unwrap();
    for id in &ids[2..] {
        sandbox.pay(id).unwrap();
    }
    sandbox.expire(&ids[2]).unwrap();
    assert_eq!(client.post(&format!("/payments/{}/cancel", ids[3]), "x", json!({})).await.0, 200);
    let mut reasons = Vec::new();
    for id in &ids {
        let (_, payment) = client.get(&format!("/payments/{id}")).await;
        assert_eq!(payment["status"], "canceled");
        reasons.push(payment["cancellation_details"]["reason"].as_str().unwrap().to_owned());
    }
    let expected =
        ["general_decline", "expired_on_confirmation", "expired_on_capture", "canceled_by_merchant"];
    assert_eq!(reasons, expected);
    assert_eq!(client.get("/payments/no-such").await.0, 404);
}

#[tokio::test]
async fn strangers_are_not_served() {
    let (_sandbox, client) = start(None).await;
    let request = client.http.get(format!("{}/payments", client.base)).basic_auth(SHOP_ID, Some("wrong"));
    assert_eq!(request.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn faults_strike_as_often_as_asked() {
    let (sandbox, client) = start(None).await;
    let create = |kind| Fault { operation: Operation::Create, kind, times: Some(1) };
    sandbox.inject(create(FaultKind::FailBefore));
    sandbox.inject(create(FaultKind::FailAfter));
    sandbox.inject(create(FaultKind::LoseAnswer));
    assert_eq!(client.post("/payments", "k", charge("100.00")).await.0, 500);
    assert_eq!(sandbox.payments().len(), 0, "nothing happened");
    assert_eq!(client.post("/payments", "k", charge("100.00")).await.0, 500);
    assert_eq!(sandbox.payments().len(), 1, "it happened");
    let request = client.http.post(format!("{}/payments", client.base)).basic_auth(SHOP_ID, Some(SECRET_KEY));
    let request = request.header("Idempotence-Key", "k").json(&charge("100.00"));
    let lost = async { request.send().await?.bytes().await };
    assert!(lost.await.is_err(), "the answer breaks off");
    assert_eq!(client.post("/payments", "k", charge("100.00")).await.0, 200);
    assert_eq!((sandbox.payments().len(), sandbox.faults_struck()), (1, 3));
}

#[tokio::test]
async fn its_books_outlive_a_restart() {
    let file = crate::scratch::ScratchDir::new("payment-sandbox");
    let path = file.path().join("payments.json");
    let (sandbox, client) = start(Some(path.clone())).await;
    let (_, payment) = client.post("/payments", "k", charge("100.00")).await;
    drop(sandbox);
    let (sandbox, client) = start(Some(path)).await;
    assert_eq!(sandbox.payments().len(), 1);
    let (status, again) = client.post("/payments", "k", charge("100.00")).await;
    assert_eq!((status, &again["id"]), (200, &payment["id"]));
}

/// Where a Python with the package `yookassa` is looked for; `.ci/run` makes the second.
fn python_with_yookassa() -> Result<PathBuf, String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python =
        std::env::var_os("YOOKASSA_PYTHON").map_or(root.join(".data/yookassa/bin/python"), PathBuf::from);
    let has_it = std::process::Command::new(&python).args(["-c", "import yookassa"]).output();
    match has_it {
        Ok(output) if output.status.success() => Ok(python),
        Ok(_) => Err(format!("{} has no package yookassa", python.display())),
        Err(error) => Err(format!("{}: {error}", python.display())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn yookassas_own_client_is_content() {
    let python = match python_with_yookassa() {
        Ok(python) => python,
        Err(why) => {
            eprintln!("SKIPPED: YooKassa's own client is not here ({why}); .ci/run installs it");
            return;
        }
    };
    let (sandbox, _client) = start(None).await;
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/yookassa_client.py");
    let output = tokio::process::Command::new(python)
        .arg(script)
        .args([&format!("http://{}", sandbox.addr()), SHOP_ID, SECRET_KEY])
        .output()
        .await
        .unwrap();
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complaint}");
    println!("{said}");
}
