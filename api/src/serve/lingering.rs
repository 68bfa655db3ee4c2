//! Connections that are closed while their client still sends.
//!
//! Whoever goes on sending to a connection that is closed is told so by a reset, and its system throws away the answer that
//! it had not read yet. So a connection closes in two steps: nothing more is sent, and what still comes is read and thrown
//! away until the client has closed it too.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// A client that sends nothing for so long has read its answer, or never will.
const QUIET: Duration = Duration::from_secs(2);

/// How much is thrown away at once, in bytes.
const PIECE: usize = 16 << 10;

/// A connection that closes in two steps.
pub(super) struct Lingering<S> {
    stream: S,
    within: Duration,
    closing: Option<Closing>,
}

/// The second step.
struct Closing {
    /// When it ends, whatever comes.
    end: Instant,
    /// Until then, or until nothing has come for [`QUIET`].
    patience: Pin<Box<Sleep>>,
}

fn patience_until(end: Instant) -> Instant {
    end.min(Instant::now() + QUIET)
}

impl<S> Lingering<S> {
    /// What still comes when it closes is read for `within` at most.
    pub(super) fn new(stream: S, within: Duration) -> Self {
        Self { stream, within, closing: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lingering<S> {
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        let within = self.within;
        let Closing { end, patience } = self.closing.get_or_insert_with(|| {
            let end = Instant::now() + within;
            Closing { end, patience: Box::pin(sleep_until(patience_until(end))) }
        });
        let mut room = [MaybeUninit::uninit(); PIECE];
        loop {
            let mut piece = ReadBuf::uninit(&mut room);
            match Pin::new(&mut self.stream).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() && Instant::now() < *end => {
                    patience.as_mut().reset(patience_until(*end));
                }
                // Closed by the client, broken, or past its end.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return patience.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        piece: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, piece)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, piece)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_closed(cx)
    }
}
