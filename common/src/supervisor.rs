//! Telling whoever supervises the process how it is, as systemd wants it told: that it is ready, that it stops, and, as
//! long as it is well, that it lives. Without systemd nobody is told.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process,
    sync::Arc,
    time::Duration,
};

use tokio::time;

/// Who supervises the process, if anybody does.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Option<Arc<Told>>);

#[derive(Debug)]
struct Told {
    socket: UnixDatagram,
    /// Within which time it wants to hear that the process lives.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that started the process and wants to be told.
    #[must_use]
    pub fn of_this_process() -> Self {
        let Some(address) = env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        match connect(address.as_bytes()) {
            Ok(socket) => Self(Some(Arc::new(Told { socket, watchdog: watchdog() }))),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be reached; the supervisor is told nothing");
                Self::default()
            }
        }
    }

    /// The process does what it is for.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The process was told to stop, and does.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that the process lives, as often as is wanted, as long as it is well. Ends when nobody wants to know.
    pub async fn watch(self, is_well: impl Fn() -> bool) {
        let Some(within) = self.0.as_ref().and_then(|told| told.watchdog) else { return };
        let mut ticks = time::interval(within / 3);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if is_well() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, state: &str) {
        let Some(told) = &self.0 else { return };
        if let Err(error) = told.socket.send(state.as_bytes()) {
            tracing::warn!(%error, state, "the supervisor could not be told");
        }
    }
}

/// The socket of a name, which is a path or, after an `@`, one that is none.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = match name.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // Whoever does not listen must not hold anything up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The time within which a sign of life is wanted, where it is wanted of this process.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let of_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(process::id()));
    number("WATCHDOG_USEC").filter(|within| of_us && *within > 0).map(Duration::from_micros)
}
