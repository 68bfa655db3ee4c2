//! Fault 9: a mail server that refuses for a while or for good, falls silent, or hangs up when it has the letter.

use std::{collections::BTreeSet, time::Duration};

use local_stack::mail_catcher::CaughtMessage;

use crate::{
    Tally,
    support::{TestApp, registration},
};

/// How long the jobs of a run may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What becomes of somebody's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing goes wrong.
    None,
    /// It is refused twice for a while.
    Temporary,
    /// It is refused for good.
    Permanent,
    /// It is sent whole, and then there is no answer; it is lost.
    Silence,
    /// It is sent whole and taken, and then there is no answer.
    HungUp,
}

impl Fate {
    const ALL: [Self; 5] = [Self::None, Self::Temporary, Self::Permanent, Self::HungUp, Self::Silence];

    /// Silence takes 20 s each time, so it is rarer.
    fn of(number: u32) -> Self {
        let fate = Self::ALL[usize::try_from(number).unwrap() % 5];
        if fate == Self::Silence && !number.is_multiple_of(4) { Self::None } else { fate }
    }
}

fn email(number: u32) -> String {
    format!("buyer{number}@example.com")
}

async fn letters(people: u32) -> Tally {
    let app = TestApp::start().await;
    let mut tally = Tally { attempted: people.into(), ..Tally::default() };
    for number in 0..people {
        let to = email(number);
        match Fate::of(number) {
            Fate::None => {}
            Fate::Temporary => app.catcher().fail_temporarily(&to, 2),
            Fate::Permanent => app.catcher().fail_permanently(&to),
            Fate::Silence => app.catcher().hang_after_data(&to, 1),
            Fate::HungUp => app.catcher().drop_after_data(&to, 1),
        }
        tally.faults += u64::from(Fate::of(number) != Fate::None);
        app.post("/api/v1/auth/register", registration(&to)).await.assert_status(202);
    }
    app.drain_jobs_within(PATIENCE).await;

    for number in 0..people {
        let (to, fate) = (email(number), Fate::of(number));
        let copies = app.catcher().messages_to(&to);
        let names: BTreeSet<_> = copies.iter().map(|copy: &CaughtMessage| copy.message_id.clone()).collect();
        let expected = match fate {
            Fate::None | Fate::Temporary | Fate::Silence => 1,
            Fate::Permanent => 0,
            Fate::HungUp => 2,
        };
        tally.check(copies.len() == expected, || format!("{to}, {fate:?}: {} copies", copies.len()));
        tally.check(names.len() == expected.min(1), || format!("{to}, {fate:?}: under the names {names:?}"));
        let status: String = sqlx::query_scalar("select status from email_messages where recipient = $1")
            .bind(&to)
            .fetch_one(app.pool())
            .await
            .unwrap();
        let wanted = if fate == Fate::Permanent { "failed" } else { "sent" };
        tally.check(status == wanted, || format!("{to}, {fate:?}: its message is {status}"));
    }
    let refused = (0..people).filter(|number| Fate::of(*number) == Fate::Permanent).count();
    app.expect_dead_jobs(i64::try_from(refused).unwrap());
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_server_misbehaves() {
    letters(10).await.report("fault 9 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn fault_9_4xx_5xx_silence_and_hanging_up_after_data() {
    letters(400).await.report("fault 9");
}
