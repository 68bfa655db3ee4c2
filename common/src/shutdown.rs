//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when the process is told to stop: by SIGTERM, or by Ctrl-C.
pub async fn requested() {
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without handlers the signals end the process as they always do.
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "signals cannot be handled; the process will stop without grace");
            std::future::pending::<()>().await;
        }
    }
}
