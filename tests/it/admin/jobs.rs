//! What staff sees of jobs and queues, and does about them.

use common::queue::{QueueName, figures};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, program, registration};

const JOBS: &str = "/api/v1/admin/jobs";

async fn register(app: &TestApp, email: &str) {
    app.post("/api/v1/auth/register", registration(email)).await.assert_status(202);
}

/// A message to each of these that the mail server refuses for good, and whose job is dead.
async fn dead_letters(app: &TestApp, emails: &[&str]) -> Vec<String> {
    for email in emails {
        app.catcher().fail_permanently(email);
        register(app, email).await;
    }
    app.drain_jobs().await;
    let statement = "select id::text from jobs where state = 'dead' order by id";
    let dead: Vec<String> = sqlx::query_scalar(statement).fetch_all(app.pool()).await.unwrap();
    assert_eq!(dead.len(), emails.len());
    dead
}

async fn actions(staff: &Person, action: &str) -> Vec<Value> {
    let log = staff.get(&format!("/api/v1/admin/audit-log?action={action}")).await.assert_status(200).json();
    log["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_dead_letter_keeps_what_is_known_of_it_and_is_tried_again() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let dead = dead_letters(&app, &["anna@example.com"]).await.remove(0);
    let path = format!("{JOBS}/{dead}");

    let job = staff.get(&path).await.assert_status(200).json();
    assert_eq!(
        (&job["status"], &job["kind"], &job["queue"]),
        (&json!("dead"), &json!("send_email"), &json!("mail"))
    );
    assert_eq!(job["payload"]["message_id"].as_str().map(str::len), Some(36), "{job}");
    let failure = &job["failures"][0];
    assert_eq!((&failure["attempt"], job["failures"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(failure["error"].as_str().unwrap().contains("the mail server refused the message"), "{failure}");
    assert!(
        failure["worker"].as_str().unwrap().contains('/') && failure["ended_at"].is_string(),
        "{failure}"
    );

    app.catcher().clear_faults();
    let rehearsed =
        staff.post(&format!("{path}/retry?dry_run=true"), json!({})).await.assert_status(200).json();
    assert_eq!((&rehearsed["status"], &rehearsed["attempts"]), (&json!("ready"), &json!(0)));
    assert_eq!(rehearsed["would"], "send confirm_registration (failed) to its recipient");
    assert_eq!(staff.get(&path).await.json()["status"], "dead", "it was a rehearsal");
    assert!(actions(&staff, "retry_job").await.is_empty());

    let retried = staff.post(&format!("{path}/retry"), json!({})).await.assert_status(200).json();
    assert_eq!((&retried["status"], retried.get("would")), (&json!("ready"), None));
    let mailbox = app.mailbox("anna@example.com").await;
    assert_eq!(mailbox.about("Подтвердите").len(), 1);
    let job = staff.get(&path).await.json();
    assert_eq!((&job["status"], job["failures"].as_array().unwrap().len()), (&json!("done"), 1));
    let log = actions(&staff, "retry_job").await;
    assert_eq!((log.len(), &log[0]["subject"]["id"]), (1, &json!(dead)));
    assert_eq!(log[0]["by"]["id"], json!(staff.id().await));

    staff.post(&format!("{path}/retry"), json!({})).await.assert_status(409).problem("job_settled");
    staff.post(&format!("{path}/discard"), json!({})).await.assert_status(409).problem("job_settled");
    app.finish().await;
}

#[tokio::test]
async fn a_job_is_not_tried_again_when_that_would_do_nothing_or_twice() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let dead = dead_letters(&app, &["anna@example.com"]).await.remove(0);
    app.catcher().clear_faults();
    // Staff has sent the message again, with a job of its own.
    let list = staff.get("/api/v1/admin/messages?status=failed").await.assert_status(200).json();
    let resend = format!("/api/v1/admin/messages/{}/resend", list["items"][0]["id"].as_str().unwrap());
    staff.post(&resend, json!({})).await.assert_status(202);
    let refused = staff.post(&format!("{JOBS}/{dead}/retry"), json!({})).await;
    refused.assert_status(409).problem("job_pointless");
    app.drain_jobs().await;
    assert_eq!(app.mailbox("anna@example.com").await.about("Подтвердите").len(), 1);

    app.stop_worker().await;
    let taken = "insert into jobs (id, queue, kind, payload, key, max_attempts, state) values
        ('0199a9a0-0000-7000-8000-00000000000a', 'payments', 'unheard_of', '{}', 'k', 1, 'dead'),
        ('0199a9a0-0000-7000-8000-00000000000b', 'payments', 'unheard_of', '{}', 'k', 1, 'ready')";
    sqlx::query(taken).execute(app.pool()).await.unwrap();
    let path = format!("{JOBS}/0199a9a0-0000-7000-8000-00000000000a/retry");
    staff.post(&path, json!({})).await.assert_status(409).problem("job_key_taken");
    sqlx::query("delete from jobs where queue = 'payments'").execute(app.pool()).await.unwrap();
    app.expect_dead_jobs(1);
    app.finish().await;
}

/// What each kind is about, where that is gone or was never there.
const ABOUT_NOTHING: [(&str, &str, &str); 8] = [
    ("mail", "send_email", r#"{"message_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("imports", "import_price_list", r#"{"import_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("payments", "finalize_payment", r#"{"payment_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("payments", "watch_payment", r#"{"payment_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("payments", "refund_payment", r#"{"refund_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("payments", "expire_order", r#"{"order_id": "0199a9a0-0000-7000-8000-000000000001"}"#),
    ("maintenance", "remind_overdue", r#"{"due_on": [2026, 1]}"#),
    (
        "maintenance",
        "relist_supplier",
        r#"{"supplier_id": "0199a9a0-0000-7000-8000-000000000001", "pass": 1}"#,
    ),
];

#[tokio::test]
async fn a_job_whose_thing_has_ended_is_pointless_to_try_again() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    for (queue, kind, payload) in ABOUT_NOTHING {
        let insert = "insert into jobs (id, queue, kind, payload, max_attempts, state)
            values (gen_random_uuid(), $1, $2, $3::jsonb, 1, 'dead') returning id::text";
        let dead = sqlx::query_scalar::<_, String>(insert).bind(queue).bind(kind).bind(payload);
        let dead = dead.fetch_one(app.pool()).await.unwrap();
        for path in [format!("{JOBS}/{dead}/retry?dry_run=true"), format!("{JOBS}/{dead}/retry")] {
            let refused = staff.post(&path, json!({})).await.assert_status(409);
            refused.problem("job_pointless");
        }
        let (rehearsed, said) = operate(&app, &["jobs", "retry", &dead, "--dry-run"]).await;
        assert!(!rehearsed && said.contains("0 jobs would run again") && !said.contains("1 would"), "{said}");
    }
    app.expect_dead_jobs(i64::try_from(ABOUT_NOTHING.len()).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn many_jobs_are_tried_again_or_discarded_at_once() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let dead = dead_letters(&app, &["anna@example.com", "bob@example.com", "carl@example.com"]).await;
    app.catcher().clear_faults();
    let of_kind = |kind: &str| json!({ "queue": "mail", "kind": kind, "created_to": "2100-01-01T00:00:00Z" });
    let none =
        staff.post(&format!("{JOBS}/retry"), of_kind("import_price_list")).await.assert_status(200).json();
    assert_eq!(none, json!({ "changed": [], "refused": [], "next_after": null }));

    staff.post(&format!("{JOBS}/{}/discard", dead[0]), json!({})).await.assert_status(200);
    let retried = staff.post(&format!("{JOBS}/retry"), of_kind("send_email")).await.assert_status(200).json();
    assert_eq!(retried["changed"], json!([dead[1], dead[2]]));
    app.drain_jobs().await;
    for (email, letters) in [("anna@example.com", 0), ("bob@example.com", 1), ("carl@example.com", 1)] {
        assert_eq!(app.mailbox(email).await.about("Подтвердите").len(), letters, "{email}");
    }
    let done = json!({ "status": "done", "kind": "send_email" });
    let refused = staff.post(&format!("{JOBS}/discard"), done).await.assert_status(200).json();
    assert_eq!(refused["changed"], json!([]));
    assert_eq!(refused["refused"][0]["code"], "job_settled", "{refused}");
    assert_eq!(
        (actions(&staff, "retry_job").await.len(), actions(&staff, "discard_job").await.len()),
        (2, 1)
    );

    let words = json!({ "queue": "post", "status": "lost", "created_to": "soon", "after": "x" });
    let answer = staff.post(&format!("{JOBS}/retry"), words).await.assert_status(422).json();
    assert_eq!(answer["errors"].as_array().unwrap().len(), 4, "{answer}");
    app.finish().await;
}

#[tokio::test]
async fn what_waits_and_is_discarded_fails_with_its_job() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let path = "/api/v1/admin/queues/mail";
    staff.post(&format!("{path}/pause"), json!({})).await.assert_status(200);
    register(&app, "anna@example.com").await;
    let waiting = staff.get(&format!("{JOBS}?status=ready&queue=mail")).await.assert_status(200).json();
    let id = waiting["items"][0]["id"].as_str().unwrap();
    let job = staff.post(&format!("{JOBS}/{id}/discard"), json!({})).await.assert_status(200).json();
    assert_eq!(job["status"], "discarded");
    let message = staff.get("/api/v1/admin/messages?status=failed").await.assert_status(200).json();
    assert_eq!(message["items"][0]["recipient"], "anna@example.com", "{message}");
    staff.post(&format!("{path}/resume"), json!({})).await.assert_status(200);
    // Somebody thinks better of it.
    staff.post(&format!("{JOBS}/{id}/retry"), json!({})).await.assert_status(200);
    assert_eq!(app.mailbox("anna@example.com").await.about("Подтвердите").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn nobody_takes_from_a_queue_that_pauses() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let mail = async || {
        let queues = staff.get("/api/v1/admin/queues").await.assert_status(200).json();
        let names: Vec<_> =
            queues["items"].as_array().unwrap().iter().map(|queue| queue["queue"].clone()).collect();
        assert_eq!(names, QueueName::ALL.map(|queue| json!(queue.as_str())));
        queues["items"][0].clone()
    };
    assert_eq!((&mail().await["paused_since"], &mail().await["workers"]), (&Value::Null, &json!(1)));
    for _ in 0..2 {
        let paused = staff.post("/api/v1/admin/queues/mail/pause", json!({})).await.assert_status(200).json();
        assert!(paused["paused_since"].is_string(), "{paused}");
    }
    register(&app, "anna@example.com").await;
    // The worker has had more than a second to look.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let waits = mail().await;
    assert!(waits["ready"].as_i64().unwrap() >= 1 && waits["running"] == 0, "{waits}");
    for _ in 0..2 {
        staff.post("/api/v1/admin/queues/mail/resume", json!({})).await.assert_status(200);
    }
    assert_eq!(app.mailbox("anna@example.com").await.about("Подтвердите").len(), 1);
    assert_eq!(
        (actions(&staff, "pause_queue").await.len(), actions(&staff, "resume_queue").await.len()),
        (1, 1)
    );
    staff.post("/api/v1/admin/queues/post/pause", json!({})).await.assert_status(404);
    app.finish().await;
}

/// What the worker program answers to an operator.
async fn operate(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let mut command = program("worker").await;
    let output =
        command.args(arguments).env("DATABASE_URL", app.database_url().await).output().await.unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), said)
}

#[tokio::test]
async fn operators_do_the_same_on_the_command_line() {
    let app = TestApp::start().await;
    let staff = app.staff().create().await;
    let dead = dead_letters(&app, &["anna@example.com", "bob@example.com"]).await;
    app.catcher().clear_faults();

    let (listed, said) = operate(&app, &["jobs", "list", "--status", "dead", "--json"]).await;
    let jobs: Value = serde_json::from_str(&said).unwrap();
    assert!(listed && jobs.as_array().unwrap().len() == 2, "{said}");
    let (_, said) = operate(&app, &["jobs", "list", "--older-than", "1h"]).await;
    assert_eq!(said.lines().count(), 1, "only the header: {said}");
    let (shown, said) = operate(&app, &["jobs", "show", &dead[0]]).await;
    assert!(shown && said.contains("message_id") && said.contains("attempt 1 by"), "{said}");

    let (named, said) = operate(&app, &["jobs", "retry"]).await;
    assert!(!named && said.contains("by their ids, or by a filter"), "{said}");
    let (rehearsed, said) = operate(&app, &["jobs", "retry", "--queue", "mail", "--dry-run"]).await;
    assert!(rehearsed && said.contains("2 jobs would run again"), "{said}");
    assert!(said.contains("2 would send confirm_registration (failed) to its recipient"), "{said}");
    let (_, said) = operate(&app, &["jobs", "retry", &dead[0], "--dry-run", "--json"]).await;
    let rehearsed: Value = serde_json::from_str(&said).unwrap();
    assert!(
        rehearsed["would"][&dead[0]].as_str().unwrap().starts_with("send confirm_registration"),
        "{said}"
    );
    let (discarded, said) = operate(&app, &["jobs", "discard", &dead[0]]).await;
    assert!(discarded && said.contains("1 job is discarded"), "{said}");
    let (retried, said) = operate(&app, &["jobs", "retry", "--status", "dead", "--json"]).await;
    assert!(retried && said.contains(&dead[1]), "{said}");
    assert_eq!(app.mailbox("bob@example.com").await.about("Подтвердите").len(), 1);
    let (again, said) = operate(&app, &["jobs", "retry", &dead[1]]).await;
    assert!(!again && said.contains("it is done"), "{said}");

    let (paused, said) = operate(&app, &["queues", "pause", "mail"]).await;
    assert!(paused && said.contains("mail pauses"), "{said}");
    let figures = figures::of(app.pool()).await.unwrap();
    assert!(figures.iter().any(|queue| queue.queue == "mail" && queue.paused_since.is_some()));
    let (_, said) = operate(&app, &["queues", "list"]).await;
    assert!(said.contains("PAUSED SINCE") && said.contains("imports"), "{said}");
    let (resumed, said) = operate(&app, &["queues", "resume", "mail", "--json"]).await;
    assert!(resumed && said.contains("\"changed\": true"), "{said}");
    let log = actions(&staff, "retry_job").await;
    assert_eq!((log.len(), &log[0]["by"]), (1, &Value::Null));
    app.finish().await;
}
