//! A program that runs, and what it says.

use std::{
    process::{Command as Blocking, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::sleep,
};

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs, and what it has said.
pub struct Speaking {
    child: Child,
    said: Arc<Mutex<String>>,
    listening: JoinHandle<()>,
}

impl Speaking {
    /// Starts it.
    pub fn start(program: &mut Command) -> Self {
        let started = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = started.expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        let said: Arc<Mutex<String>> = Arc::default();
        let heard = Arc::clone(&said);
        let listening = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut heard = heard.lock().expect("nobody panicked with it");
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { child, said, listening }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("nobody panicked with it").clone()
    }

    /// Asks it to stop, and returns all that it said.
    pub async fn stop(mut self) -> String {
        let process = self.child.id().expect("it runs").to_string();
        assert!(Blocking::new("kill").args(["-TERM", &process]).status().unwrap().success());
        assert!(self.child.wait().await.unwrap().success(), "{}", self.said());
        self.listening.await.unwrap();
        self.said.lock().expect("nobody panicked with it").clone()
    }

    /// The address where an API serves, once it says so.
    pub async fn address(&self) -> String {
        let since = Instant::now();
        loop {
            let said = self.said();
            let rest = said.split_once("serving address=").map(|(_, rest)| rest);
            if let Some(address) = rest.and_then(|rest| rest.split_whitespace().next()) {
                return format!("http://{address}");
            }
            assert!(since.elapsed() < PATIENCE, "it never served: {said}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}
