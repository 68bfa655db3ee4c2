//! The mailer against a scripted server: what it says on the wire, and what it makes of each answer.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

const GREETING: &str = "220 relay.example";
const EHLO: &str = "250 relay.example";
const OK: &str = "250 2.0.0 Ok";
const GO_AHEAD: &str = "354 go ahead";
const QUEUED: &str = "250 2.0.0 Ok: queued as 4XyZ";

/// What one session answers: the greeting, then a line for each command and for the message's end. After the last
/// line it hangs up.
type Session = &'static [&'static str];

const SILENCE: &str = "(never)";
const TAKES_ONE: Session = &[GREETING, EHLO, OK, OK, GO_AHEAD, QUEUED];

/// An SMTP server on a port of its own that follows its script, one session after the other.
struct Relay {
    url: String,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Relay {
    async fn start(sessions: &'static [Session]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}/client.example", listener.local_addr().unwrap());
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for session in sessions {
                let (stream, _) = listener.accept().await.unwrap();
                tell.send("(connected)".to_owned()).unwrap();
                tokio::spawn(follow(session, stream, tell.clone()));
            }
        });
        Self { url, heard }
    }

    fn mailer(&self) -> Mailer {
        Mailer::new(&self.url, "Поставка <no-reply@postavka.example>").unwrap()
    }

    fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

/// Whether the client stays to the end is the client's affair.
async fn follow(
    session: Session,
    stream: TcpStream,
    tell: mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut message = false;
    for (turn, &answer) in session.iter().enumerate() {
        if turn > 0 {
            hear(&mut stream, message, &tell).await?;
        }
        if answer == SILENCE {
            std::future::pending::<()>().await;
        }
        message = answer == GO_AHEAD;
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Hears one command, or after "354" the whole message with the dot that ends it.
async fn hear(
    stream: &mut BufReader<TcpStream>,
    message: bool,
    tell: &mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_owned();
        let last = !message || line == ".";
        let _unheard = tell.send(line);
        if last {
            return Ok(());
        }
    }
}

fn rendered() -> Rendered {
    Rendered {
        subject: "Заказ № 2026-000123 принят".to_owned(),
        text: "Здравствуйте!\n.\n".to_owned(),
        html: "<p>Здравствуйте!</p>".to_owned(),
    }
}

async fn send(mailer: &Mailer, to: &str) -> Result<Accepted, SendError> {
    let rendered = rendered();
    mailer
        .send(Outgoing {
            message_id: "<0199-aa@postavka.example>",
            request_id: None,
            to,
            rendered: &rendered,
        })
        .await
}

async fn kind_after(sessions: &'static [Session]) -> (FailureKind, String) {
    let relay = Relay::start(sessions).await;
    let error = send(&relay.mailer(), "buyer@example.com").await.unwrap_err();
    (error.kind, error.detail)
}

#[tokio::test]
async fn an_accepted_message_carries_its_headers_and_both_versions() {
    let mut relay = Relay::start(&[TAKES_ONE]).await;
    let accepted = send(&relay.mailer(), "Анна Иванова <anna@почта.рф>").await.unwrap();
    assert_eq!(accepted.response, "250 2.0.0 Ok: queued as 4XyZ");

    let heard = relay.heard();
    assert_eq!(heard[1], "EHLO client.example");
    assert_eq!(heard[2], "MAIL FROM:<no-reply@postavka.example>");
    assert_eq!(heard[3], "RCPT TO:<anna@xn--80a1acny.xn--p1ai>");
    let has = |start: &str| heard.iter().any(|line| line.starts_with(start));
    for start in [
        "From: =?utf-8?b?",
        "To: =?utf-8?b?",
        "Subject: =?utf-8?b?",
        "Date: ",
        "Message-ID: <0199-aa@postavka.example>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
    ] {
        assert!(has(start), "no {start} in {heard:#?}");
    }
    assert!(heard.iter().all(|line| line.is_ascii()));
}

#[tokio::test]
async fn a_connection_serves_the_next_message() {
    let mut relay =
        Relay::start(&[&[GREETING, EHLO, OK, OK, GO_AHEAD, QUEUED, OK, OK, OK, GO_AHEAD, QUEUED]]).await;
    let mailer = relay.mailer();
    for _ in 0..2 {
        send(&mailer, "buyer@example.com").await.unwrap();
    }
    let heard = relay.heard();
    assert_eq!(heard.iter().filter(|line| *line == "(connected)").count(), 1);
    assert_eq!(heard.iter().filter(|line| *line == "NOOP").count(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let mut relay = Relay::start(&[TAKES_ONE, TAKES_ONE]).await;
    let mailer = relay.mailer();
    for _ in 0..2 {
        send(&mailer, "buyer@example.com").await.unwrap();
    }
    assert_eq!(relay.heard().iter().filter(|line| *line == "(connected)").count(), 2);
}

#[tokio::test]
async fn a_5xx_to_the_message_is_permanent() {
    let refusals: [&[Session]; 4] = [
        &[&[GREETING, EHLO, OK, "550-5.1.1 no such\r\n550 5.1.1 user"]],
        &[&[GREETING, EHLO, OK, OK, GO_AHEAD, "550 5.7.1 looks like spam"]],
        &[&[GREETING, EHLO, OK, OK, "554 5.5.0 no"]],
        &[&[GREETING, EHLO, OK, OK, GO_AHEAD, "552 5.3.4 too big"]],
    ];
    for sessions in refusals {
        let (kind, detail) = kind_after(sessions).await;
        assert_eq!(kind, FailureKind::Permanent, "{detail}");
        assert!(detail.contains("(55") && !detail.contains('\n'), "{detail}");
    }
}

#[tokio::test]
async fn a_5xx_that_speaks_of_the_installation_is_temporary() {
    let refusals: [&[Session]; 7] = [
        &[&[GREETING, EHLO, "550 5.7.1 sender refused"]],
        &[&[GREETING, EHLO, "553 5.1.8 no such sender"]],
        &[&[GREETING, EHLO, "530 5.7.0 authentication required"]],
        &[&[GREETING, EHLO, OK, "530 authentication required"]],
        &[&[GREETING, EHLO, OK, "550 5.7.1 <buyer@example.com>: relaying denied"]],
        &[&[GREETING, EHLO, OK, "550 Relay not permitted"]],
        &[&[GREETING, EHLO, OK, OK, "530 5.7.0 must issue STARTTLS first"]],
    ];
    for sessions in refusals {
        let (kind, detail) = kind_after(sessions).await;
        assert_eq!(kind, FailureKind::Temporary, "{detail}");
    }
}

#[tokio::test]
async fn nobody_learns_the_recipient_from_what_the_server_says() {
    let (_, detail) = kind_after(&[&[
        GREETING,
        EHLO,
        OK,
        "550-5.1.1 <Buyer@Example.com>: Recipient address rejected\r\n550 5.1.1 no mailbox buyer@example.com",
    ]])
    .await;
    assert!(!detail.to_lowercase().contains("buyer@example.com"), "{detail}");
    assert!(detail.contains("<[recipient]>: Recipient address rejected"), "{detail}");

    let relay =
        Relay::start(&[&[GREETING, EHLO, OK, OK, GO_AHEAD, "250 queued for anna@xn--80a1acny.xn--p1ai"]]);
    let accepted = send(&relay.await.mailer(), "Анна <anna@почта.рф>").await.unwrap();
    assert_eq!(accepted.response, "250 queued for [recipient]");
}

#[tokio::test]
async fn everything_else_is_temporary() {
    let failures: [&[Session]; 9] = [
        &[&["421 4.3.2 busy"]],
        &[&["554 5.3.2 not today"]],
        &[&[]],
        &[&["what?"]],
        &[&[GREETING, EHLO, "451 4.3.0 try later"]],
        &[&[GREETING, EHLO, OK, "450 4.2.0 greylisted"]],
        &[&[GREETING, EHLO, OK, OK, GO_AHEAD, "452 4.3.1 disk full"]],
        &[&[GREETING, EHLO, OK, OK, GO_AHEAD]],
        &[&[GREETING, EHLO, OK, OK, GO_AHEAD, "354 still waiting"]],
    ];
    for sessions in failures {
        let (kind, detail) = kind_after(sessions).await;
        assert_eq!(kind, FailureKind::Temporary, "{sessions:?}: {detail}");
    }
}

#[tokio::test]
async fn silence_is_temporary_and_its_late_answer_is_nobodys() {
    let mut relay = Relay::start(&[&[GREETING, EHLO, OK, OK, GO_AHEAD, SILENCE], TAKES_ONE]).await;
    let mut mailer = relay.mailer();
    mailer.limits.send = Duration::from_millis(300);
    let error = send(&mailer, "buyer@example.com").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Temporary);
    send(&mailer, "buyer@example.com").await.unwrap();
    assert_eq!(relay.heard().iter().filter(|line| *line == "(connected)").count(), 2);

    let relay = Relay::start(&[&[SILENCE]]).await;
    let mut mailer = relay.mailer();
    mailer.limits.connect = Duration::from_millis(200);
    assert!(send(&mailer, "buyer@example.com").await.unwrap_err().detail.contains("greet"));
}

#[tokio::test]
async fn no_server_and_no_tls_are_temporary() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mailer = Mailer::new(&format!("smtp://{address}"), "a@example.com").unwrap();
    assert_eq!(send(&mailer, "b@example.com").await.unwrap_err().kind, FailureKind::Temporary);

    // Whoever wants TLS never falls back to plain text.
    for scheme in ["smtp+starttls", "smtps"] {
        let mut relay = Relay::start(&[&[GREETING, EHLO]]).await;
        let url = relay.url.replace("smtp:", &format!("{scheme}:")).replace("//", "//user:s3cret@");
        let mailer = Mailer::new(&url, "a@example.com").unwrap();
        let error = send(&mailer, "b@example.com").await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Temporary, "{}", error.detail);
        assert!(!relay.heard().iter().any(|line| line.starts_with("MAIL") || line.starts_with("AUTH")));
    }
}

#[tokio::test]
async fn a_refused_password_is_temporary_and_stays_secret() {
    let mut relay =
        Relay::start(&[&[GREETING, "250-relay.example\r\n250 AUTH PLAIN", "535 5.7.8 wrong"]]).await;
    let url = relay.url.replace("smtp://", "smtp://user:s3cret@");
    let mailer = Mailer::new(&url, "a@example.com").unwrap();
    let error = send(&mailer, "b@example.com").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Temporary);
    assert!(relay.heard().iter().any(|line| line.starts_with("AUTH PLAIN ")));
    assert!(!format!("{mailer:?} {error:?} {error}").contains("s3cret"));
}

#[tokio::test]
async fn what_is_no_address_is_permanent_and_never_connects() {
    let mut relay = Relay::start(&[]).await;
    let mailer = relay.mailer();
    for to in
        ["", "nobody", "a@", "@b.example", "a@b.example, c@d.example", "a@b.example\r\nRCPT TO:<c@d.example>"]
    {
        assert_eq!(send(&mailer, to).await.expect_err(to).kind, FailureKind::Permanent);
    }
    let rendered = rendered();
    for message_id in ["", "0199@x", "<0199>", "<a@b>\r\nBcc: c@d.example", "<a b@c>"] {
        let outgoing = Outgoing { message_id, request_id: None, to: "a@example.com", rendered: &rendered };
        assert_eq!(mailer.send(outgoing).await.expect_err(message_id).kind, FailureKind::Permanent);
    }
    assert!(relay.heard().is_empty());
    assert!(Mailer::new(&relay.url, "nobody").is_err());
}
