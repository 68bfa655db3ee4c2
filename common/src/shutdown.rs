//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when the process is told to stop: by SIGTERM, or by Ctrl-C. Whatever comes from the call on is heard, also
/// before this is waited for.
pub fn requested() -> impl Future<Output = ()> + Send + 'static {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        match signals {
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
}
