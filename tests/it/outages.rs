//! The database of the whole application goes away and comes back.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{OwnCluster, TestApp};

#[tokio::test]
async fn the_application_goes_on_by_itself_after_the_database_was_away() {
    let mut cluster = OwnCluster::start("away").await;
    let app = TestApp::start_over(cluster.database(10).await).await;
    let buyer = app.buyer().create().await;
    cluster.crash();
    buyer.get("/api/v1/basket").await.assert_status(503).problem("unavailable");
    app.get("/readyz").await.assert_status(503);
    cluster.begin().await;
    app.eventually(async || buyer.get("/api/v1/basket").await.status() == 200).await;
    app.get("/readyz").await.assert_status(200);
    // The test's own connections are trusted for a second after their last use.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    app.finish().await;
}

#[tokio::test]
async fn the_application_goes_on_by_itself_after_the_database_was_silent() {
    let cluster = OwnCluster::start("silent").await;
    let app = TestApp::start_over(cluster.database(10).await).await;
    let buyer = app.buyer().create().await;
    let frozen = cluster.process_ids();
    let say = |word: Signal| {
        for process in &frozen {
            let process = i32::try_from(*process).ok().and_then(Pid::from_raw).unwrap();
            // One that has ended meanwhile has nothing to hear.
            _ = kill_process(process, word);
        }
    };
    say(Signal::STOP);
    app.get("/readyz").await.assert_status(503);
    app.get("/healthz").await.assert_status(200);
    say(Signal::CONT);
    app.eventually(async || buyer.get("/api/v1/basket").await.status() == 200).await;
    app.finish().await;
}
