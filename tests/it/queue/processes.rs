//! Real processes, killed without a word.

use std::{
    collections::BTreeSet,
    process::{Command as Blocking, Stdio},
};

use common::{
    clock::Clock,
    locale::Locale,
    mail::{self, MessageKind, NewMessage},
};
use local_stack::mail_catcher::{Fault, FaultKind, MailCatcher};
use serde_json::json;
use tokio::process::Child;
use uuid::Uuid;

use super::workers::{Queue, ends, until};
use crate::support::program;

const MESSAGES: usize = 300;
const KILLS: usize = 5;

async fn start(database_url: &str, catcher: &MailCatcher) -> Child {
    program("worker")
        .await
        .args(["run", "--queues", "mail=4"])
        .env("DATABASE_URL", database_url)
        .env("SMTP_URL", format!("smtp://{}", catcher.smtp_addr()))
        .env("MAIL_FROM", "Postavka <orders@postavka.test>")
        .env("WORKER_LEASE_SECONDS", "2")
        .env("WORKER_HEARTBEAT_SECONDS", "1")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .spawn()
        .expect("the worker program starts")
}

#[tokio::test]
async fn every_message_is_sent_although_its_workers_are_killed() {
    let queue = Queue::create().await;
    let local = ([127, 0, 0, 1], 0).into();
    let catcher = MailCatcher::start(local, local).await.unwrap();
    let recipients: BTreeSet<_> = (0..MESSAGES).map(|number| format!("buyer{number}@example.com")).collect();
    post(&queue, &recipients).await;

    let url = queue.url();
    let mut worker = start(url, &catcher).await;
    for kill in 1..=KILLS {
        let enough = kill * MESSAGES / (KILLS + 1);
        until("some are sent", async || catcher.messages().len() >= enough).await;
        let next = start(url, &catcher).await;
        // SIGKILL: nothing is handed back.
        worker.kill().await.unwrap();
        worker = next;
    }
    let all = i64::try_from(MESSAGES).unwrap();
    until("all jobs are done", async || queue.count("done").await == all).await;

    let sent = "select count(*) from email_messages where status = 'sent' and sent_at is not null";
    let sent: i64 = sqlx::query_scalar(sent).fetch_one(queue.pool()).await.unwrap();
    assert_eq!(usize::try_from(sent).unwrap(), MESSAGES);
    for recipient in &recipients {
        let copies = catcher.messages_to(recipient);
        let names: BTreeSet<_> = copies.iter().map(|copy| copy.message_id.as_deref().unwrap()).collect();
        assert_eq!(names.len(), 1, "{recipient}: {} copies under the names {names:?}", copies.len());
    }
    until("only the living worker is registered", async || queue.workers().await.len() == 1).await;

    let process = worker.id().unwrap().to_string();
    assert!(Blocking::new("kill").args(["-TERM", &process]).status().unwrap().success());
    assert!(ends("the worker", worker.wait()).await.unwrap().success());
    assert!(queue.workers().await.is_empty());
    queue.finish().await;
}

#[tokio::test]
async fn a_host_that_hangs_takes_half_of_the_slots_and_the_letters_to_others_go_on() {
    let queue = Queue::create().await;
    let local = ([127, 0, 0, 1], 0).into();
    let catcher = MailCatcher::start(local, local).await.unwrap();
    let slow: BTreeSet<_> = (0..20).map(|number| format!("buyer{number}@slow.example")).collect();
    let quick: BTreeSet<_> = (0..20).map(|number| format!("buyer{number}@quick.example")).collect();
    for recipient in &slow {
        catcher.inject(Fault::new(recipient.clone(), FaultKind::Hang));
    }
    post(&queue, &slow).await;
    let mut worker = start(queue.url(), &catcher).await;
    let tried = || slow.iter().map(|recipient| catcher.attempts(recipient)).sum::<u32>();
    until("the host hangs", async || tried() == 2).await;
    post(&queue, &quick).await;
    until("the letters to others are sent", async || catcher.messages().len() == quick.len()).await;
    // Of four slots.
    assert_eq!(tried(), 2);
    let charged = "select count(*) from jobs where state = 'ready' and attempts > 0";
    let begun = "select count(*) from email_messages where recipient like '%slow.example' and attempts > 0";
    let count =
        async |statement| sqlx::query_scalar::<_, i64>(statement).fetch_one(queue.pool()).await.unwrap();
    assert_eq!((count(charged).await, count(begun).await), (0, 2));
    worker.kill().await.unwrap();
    queue.finish().await;
}

async fn post(queue: &Queue, recipients: &BTreeSet<String>) {
    let messages: Vec<_> = recipients
        .iter()
        .map(|recipient| NewMessage {
            cause: Uuid::now_v7(),
            kind: MessageKind::AddressKnown,
            recipient: recipient.clone(),
            locale: Locale::Ru,
            data: json!({
                "first_name": "Анна", "sign_in_url": "https://postavka.test/", "reset_url": "https://postavka.test/reset",
            }),
            user_id: None,
        })
        .collect();
    let mut tx = queue.db.begin().await.expect("the messages are posted");
    mail::post(&mut tx, Clock::system().now(), &messages).await.expect("the messages are posted");
    tx.commit().await.expect("the messages are posted");
}
