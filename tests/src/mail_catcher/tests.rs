//! The catcher from outside: SMTP over TCP, and HTTP.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{FaultKind, MailCatcher};

async fn start() -> MailCatcher {
    common::tls::use_ring();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    MailCatcher::start(any, any).await.unwrap()
}

/// A client that says a line and returns the last line of the answer.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(catcher: &MailCatcher) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(catcher.smtp_addr()).await.unwrap()));
        assert!(client.hear().await.starts_with("220 "));
        assert!(client.say("EHLO test").await.starts_with("250 "));
        client
    }

    async fn say(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.hear().await
    }

    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            timeout(Duration::from_secs(20), self.0.read_line(&mut line)).await.unwrap().unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// Names one recipient and sends a message; the first refusal, or the last answer.
    async fn send(&mut self, to: &str, message: &str) -> String {
        assert!(self.say("MAIL FROM:<shop@localhost>").await.starts_with("250 "));
        let answer = self.say(&format!("RCPT TO:<{to}>")).await;
        if !answer.starts_with("250 ") {
            return answer;
        }
        assert!(self.say("DATA").await.starts_with("354 "));
        self.say(&format!("{message}\r\n.")).await
    }
}

#[tokio::test]
async fn a_message_is_found_by_its_recipient() {
    let catcher = start().await;
    let mut client = Client::connect(&catcher).await;
    assert!(client.send("anna@example.com", "Subject: One\r\n\r\n..dot\r\n").await.starts_with("250 "));
    assert!(client.send("anna@example.com", "Subject: Two\r\n\r\n").await.starts_with("250 "));
    assert!(client.send("boris@example.com", "Subject: Three\r\n\r\n").await.starts_with("250 "));
    assert!(client.say("QUIT").await.starts_with("221 "));

    let messages = catcher.messages_to("ANNA@example.com");
    let subjects: Vec<_> = messages.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["Two", "One"]);
    assert_eq!(messages[1].text.as_deref(), Some(".dot\r\n\r\n"));
    assert_eq!(
        (messages[1].from.as_str(), &messages[1].to[..]),
        ("shop@localhost", &["anna@example.com".into()][..])
    );
    assert_eq!(catcher.messages().len(), 3);
}

#[tokio::test]
async fn refusals_come_as_often_as_asked_and_the_connection_goes_on() {
    let catcher = start().await;
    catcher.fail_temporarily("anna@x", 2);
    catcher.fail_permanently("boris@x");
    let mut client = Client::connect(&catcher).await;
    for expected in ["451 ", "451 ", "250 "] {
        assert!(client.send("Anna@x", "Subject: One\r\n\r\n").await.starts_with(expected));
        client.say("RSET").await;
    }
    assert!(client.send("boris@x", "").await.starts_with("550 "));
    client.say("RSET").await;
    catcher.clear_faults();
    assert!(client.send("boris@x", "Subject: Two\r\n\r\n").await.starts_with("250 "));
    assert_eq!(
        (catcher.attempts("anna@x"), catcher.attempts("boris@x"), catcher.attempts("vera@x")),
        (3, 2, 0)
    );
    assert_eq!(catcher.messages().len(), 2);
}

#[tokio::test]
async fn a_refusal_after_the_data_leaves_the_conversation_in_order() {
    let catcher = start().await;
    put_fault(&catcher, r#"{"recipient": "anna@x", "kind": "permanent", "at": "data", "times": 1}"#).await;
    let mut client = Client::connect(&catcher).await;
    assert!(client.send("anna@x", "Subject: One\r\n\r\n").await.starts_with("550 "));
    assert!(catcher.messages().is_empty());
    assert!(client.send("anna@x", "Subject: Two\r\n\r\n").await.starts_with("250 "));
    assert_eq!(catcher.messages_to("anna@x").len(), 1);
}

#[tokio::test]
async fn a_drop_after_the_data_keeps_the_message_and_a_hang_does_not() {
    let catcher = start().await;
    catcher.drop_after_data("anna@x", 1);
    let mut client = Client::connect(&catcher).await;
    assert_eq!(client.send("anna@x", "Subject: One\r\n\r\n").await, "");
    assert_eq!(catcher.messages_to("anna@x").len(), 1);

    catcher.hang_after_data("boris@x", 1);
    let mut client = Client::connect(&catcher).await;
    let silence = timeout(Duration::from_millis(300), client.send("boris@x", "Subject: One\r\n\r\n")).await;
    assert!(silence.is_err());
    drop(client);
    assert!(catcher.messages_to("boris@x").is_empty());
    let mut client = Client::connect(&catcher).await;
    assert!(client.send("boris@x", "Subject: One\r\n\r\n").await.starts_with("250 "));
}

#[tokio::test]
async fn hostile_clients_are_bounded_and_hurt_nobody() {
    let catcher = start().await;
    let mut endless = TcpStream::connect(catcher.smtp_addr()).await.unwrap();
    endless.write_all(&vec![b'x'; 1 << 20]).await.ok();
    let mut rubbish = Client::connect(&catcher).await;
    assert!(rubbish.say("\0\u{7f}é").await.starts_with("500 "));
    assert!(rubbish.say("DATA").await.starts_with("503 "));

    let mut large = Client::connect(&catcher).await;
    let line = "x".repeat(1022) + "\r\n";
    let answer = large.send("anna@x", &format!("Subject: Large\r\n\r\n{}", line.repeat(11 << 10))).await;
    assert!(answer.starts_with("552 "), "{answer}");
    assert!(large.send("anna@x", "Subject: Small\r\n\r\n").await.starts_with("250 "));

    let mut broken = Client::connect(&catcher).await;
    broken.say("MAIL FROM:<a@x>").await;
    broken.say("RCPT TO:<anna@x>").await;
    broken.0.write_all(b"DATA\r\nSubject: Half").await.unwrap();
    drop(broken);
    assert_eq!(catcher.messages_to("anna@x").len(), 1);
}

#[tokio::test]
async fn programs_read_and_forget_messages_over_http() {
    let catcher = start().await;
    Client::connect(&catcher)
        .await
        .send("anna@x", "Message-ID: <7@shop>\r\nSubject: Да\r\n\r\nText\r\n")
        .await;
    let address = format!("http://{}", catcher.http_addr());
    let http = reqwest::Client::new();

    let found: serde_json::Value =
        http.get(format!("{address}/messages?to=anna@x")).send().await.unwrap().json().await.unwrap();
    assert_eq!(found[0]["message_id"], "7@shop");
    assert_eq!(found[0]["to"], serde_json::json!(["anna@x"]));
    assert_eq!((&found[0]["subject"], &found[0]["html"]), (&"Да".into(), &serde_json::Value::Null));
    let nothing = http.get(format!("{address}/messages?to=boris@x")).send().await.unwrap();
    assert_eq!(nothing.text().await.unwrap(), "[]");

    for page in ["/", "/?to=anna@x", "/mail/1"] {
        let page = http.get(format!("{address}{page}")).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(
            page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
        );
        assert!(page.text().await.unwrap().contains("Да"));
    }
    assert_eq!(http.get(format!("{address}/mail/9")).send().await.unwrap().status(), 404);
    assert_eq!(http.delete(format!("{address}/messages")).send().await.unwrap().status(), 204);
    assert!(catcher.messages().is_empty());
}

#[tokio::test]
async fn programs_may_wait_for_what_is_on_its_way() {
    let catcher = start().await;
    let messages = reqwest::Client::new()
        .get(format!("http://{}/messages?to=anna@x&wait=20", catcher.http_addr()))
        .send();
    let mut messages = Box::pin(messages);
    tokio::select! {
        answer = &mut messages => panic!("it did not wait: {answer:?}"),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    let mut client = Client::connect(&catcher).await;
    assert!(client.send("anna@x", "Subject: One\r\n\r\n").await.starts_with("250 "));
    let messages: serde_json::Value = messages.await.unwrap().json().await.unwrap();
    assert_eq!(messages[0]["subject"], "One");
}

#[tokio::test]
async fn programs_ask_for_faults_over_http() {
    let catcher = start().await;
    put_fault(&catcher, r#"{"recipient": "anna@x", "kind": "temporary", "times": 1}"#).await;
    let mut client = Client::connect(&catcher).await;
    assert!(client.send("anna@x", "").await.starts_with("451 "));

    put_fault(&catcher, r#"{"recipient": "anna@x", "kind": "permanent"}"#).await;
    let address = format!("http://{}/faults", catcher.http_addr());
    let http = reqwest::Client::new();
    assert_eq!(http.delete(&address).send().await.unwrap().status(), 204);
    client.say("RSET").await;
    assert!(client.send("anna@x", "Subject: One\r\n\r\n").await.starts_with("250 "));
    let refusal =
        http.put(&address).json(&serde_json::json!({"recipient": "a", "kind": "odd"})).send().await.unwrap();
    assert_eq!(refusal.status(), 400);
    assert!(refusal.text().await.unwrap().contains("odd"));
}

#[tokio::test]
async fn a_taken_port_is_named_and_a_dropped_catcher_frees_it() {
    let catcher = start().await;
    let addr = catcher.smtp_addr();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let refusal = MailCatcher::start(addr, any).await.unwrap_err();
    assert_eq!(refusal.to_string(), format!("cannot listen on {addr}"));

    catcher.inject(super::Fault::new("anna@x", FaultKind::Hang));
    let mut client = Client::connect(&catcher).await;
    client.0.write_all(b"MAIL FROM:<a@x>\r\nRCPT TO:<anna@x>\r\n").await.unwrap();
    drop(catcher);
    let mut rest = Vec::new();
    _ = timeout(Duration::from_secs(20), client.0.read_to_end(&mut rest)).await.unwrap();
    MailCatcher::start(addr, any).await.unwrap();
}

async fn put_fault(catcher: &MailCatcher, json: &str) {
    let request = reqwest::Client::new()
        .put(format!("http://{}/faults", catcher.http_addr()))
        .header("content-type", "application/json")
        .body(json.to_owned());
    assert_eq!(request.send().await.unwrap().status(), 204);
}
