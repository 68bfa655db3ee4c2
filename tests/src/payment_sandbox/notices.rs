//! Telling the shop what happened, until it answers 200.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::json;
use tokio::time;

use super::ledger::Event;

/// How often a notice is tried, and how long between: a doubling second, as out there it is a day.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How long the shop may take to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Where and how to tell.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoticeSettings {
    /// Where to; nowhere when there is none.
    pub url: Option<String>,
    /// How many times more than once each is sent.
    pub more: u32,
    /// Whether each copy is late by up to this many milliseconds, so that they overtake one another.
    pub late_by_ms: u64,
}

/// The notices under way.
#[derive(Debug, Default)]
pub(super) struct Notices {
    settings: Mutex<NoticeSettings>,
    undelivered: Arc<AtomicUsize>,
    sent_again: AtomicU64,
}

impl Notices {
    pub(super) fn set(&self, settings: NoticeSettings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    pub(super) fn undelivered(&self) -> usize {
        self.undelivered.load(Ordering::SeqCst)
    }

    pub(super) fn sent_again(&self) -> u64 {
        self.sent_again.load(Ordering::Relaxed)
    }

    /// Begins to tell; the caller does not wait.
    pub(super) fn tell(&self, event: Event) {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(url) = settings.url else { return };
        let body = json!({ "type": "notification", "event": event.event, "object": event.object });
        self.sent_again.fetch_add(settings.more.into(), Ordering::Relaxed);
        for copy in 0..=settings.more {
            let (url, body, undelivered) = (url.clone(), body.clone(), Arc::clone(&self.undelivered));
            // Copies overtake one another in an order of their own, not at random: a test can be repeated.
            let late =
                if settings.late_by_ms == 0 { 0 } else { u64::from(copy) * 7919 % settings.late_by_ms };
            undelivered.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                time::sleep(Duration::from_millis(late)).await;
                deliver(&url, &body).await;
                undelivered.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
}

async fn deliver(url: &str, body: &serde_json::Value) {
    common::tls::use_ring();
    let client = reqwest::Client::builder().timeout(WITHIN).no_proxy().build();
    let Ok(client) = client else { return };
    let mut pause = FIRST_PAUSE;
    for _ in 0..ATTEMPTS {
        match client.post(url).json(body).send().await {
            Ok(answer) if answer.status().as_u16() == 200 => return,
            _ => time::sleep(pause).await,
        }
        pause *= 2;
    }
    tracing::warn!("the payment sandbox gives up telling the shop of an event");
}
