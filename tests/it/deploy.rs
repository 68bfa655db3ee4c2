//! The files of `worker/deploy/`: what they watch is there to be watched.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tokio::net::TcpListener;
use worker::operations::Operations;

use crate::support::{Answer, TestApp, figures, registration};

fn deploy(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The figures that a query asks for: names, but for functions, words of the language, and labels.
fn figures_in(query: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut depth = 0;
    for c in query.chars() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    // Labels stand in parentheses after these.
    for word in ["by (", "on ("] {
        while let Some((before, rest)) = bare.split_once(word) {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            bare = format!("{before} {after}");
        }
    }
    let words = bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named =
        words.filter(|word| word.contains('_') && *word != "histogram_quantile" && *word != "label_values");
    named.map(str::to_owned).collect()
}

/// Every `"expr"` of a dashboard.
fn queries_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| queries_in(value, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(query) if ["expr", "definition"].contains(&name.as_str()) => {
                        found.push(query.to_owned())
                    }
                    _ => queries_in(value, found),
                }
            }
        }
        _ => {}
    }
}

fn queries_after(text: &str, word: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim().strip_prefix(word)).map(str::to_owned).collect()
}

/// What the programs tell, by the names that Prometheus knows.
async fn told(app: &TestApp) -> BTreeSet<String> {
    // The API and the worker of a test are one process, and count together.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let operations = Operations { db: app.worker_db().clone(), figures: figures() };
    let answering = tokio::spawn(async move { match operations.serve(listener).await {} });
    let text = Answer::to(app.client().get(url)).await.assert_status(200).text().to_owned();
    answering.abort();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_figure_of_the_dashboard_the_alarms_and_the_scaler_is_told() {
    let app = TestApp::start().await;
    app.post("/api/v1/auth/register", registration("anna@example.com")).await.assert_status(202);
    app.drain_jobs().await;
    let told = told(&app).await;
    let mut asked = Vec::new();
    queries_in(&serde_json::from_str(&deploy("grafana.json")).unwrap(), &mut asked);
    assert!(asked.len() >= 15, "{asked:?}");
    let alarms = queries_after(&deploy("alerts.yaml"), "expr: ");
    let scaler = queries_after(&deploy("keda.yaml"), "query: ");
    assert!(alarms.len() >= 15 && scaler.len() == 1, "{alarms:?} {scaler:?}");
    asked.extend(alarms);
    asked.extend(scaler);
    for query in asked {
        let figures = figures_in(&query);
        assert!(!figures.is_empty(), "{query}");
        for figure in figures {
            assert!(told.contains(&figure), "{figure}, in {query:?}, is not among {told:#?}");
        }
    }
    app.finish().await;
}
