//! Clients that send too slowly: each piece of a body must come within its time, or the request ends with 408.
//!
//! Only waiting for the client counts. Without this a handful of stalled uploads would hold every slot there is.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use salvo::{
    BoxedError, FlowCtrl, Handler, async_trait,
    http::{
        ReqBody,
        body::{Body, Frame, SizeHint},
    },
    prelude::{Depot, Request, Response},
};
use tokio::time::{Instant, Sleep, sleep};

/// How slowly a body may come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// So many bytes, or the rest …
    pub(crate) piece: u64,
    /// … within so much waiting.
    pub(crate) within: Duration,
}

/// Whether the body of a request came too slowly.
pub(crate) fn was_too_slow(req: &Request) -> bool {
    TooSlow::of(req).is_some_and(|slow| slow.is_so())
}

/// Tells of a body, also of one that was taken from its request, whether it came too slowly.
#[derive(Clone, Debug, Default)]
pub(crate) struct TooSlow(Arc<AtomicBool>);

impl TooSlow {
    /// That of a request's body, if it has one whose pace is watched.
    pub(crate) fn of(req: &Request) -> Option<Self> {
        req.extensions().get().cloned()
    }

    /// Whether it did.
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Handler for Pace {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        if !req.body().is_none() {
            let too_slow = TooSlow::default();
            req.extensions_mut().insert(too_slow.clone());
            let paced = Paced {
                body: req.take_body(),
                pace: *self,
                received: 0,
                waited: Duration::ZERO,
                waiting: None,
                too_slow,
            };
            req.replace_body(ReqBody::Boxed { inner: Box::pin(paced), fuse_config: None });
        }
        ctrl.call_next(req, depot, res).await;
    }
}

/// A body that is given up when it comes too slowly.
struct Paced {
    body: ReqBody,
    pace: Pace,
    /// Bytes of the piece that is on its way.
    received: u64,
    /// How long was waited for it before the present wait.
    waited: Duration,
    /// Since when is waited, and the end of patience.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    too_slow: TooSlow,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxedError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxedError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let patience = this.pace.within.saturating_sub(this.waited);
            let (_, end) = this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
            ready!(end.as_mut().poll(cx));
            this.too_slow.0.store(true, Ordering::Relaxed);
            let error = io::Error::new(io::ErrorKind::TimedOut, "the body came too slowly");
            return Poll::Ready(Some(Err(error.into())));
        };
        if let Some((since, _)) = this.waiting.take() {
            this.waited += since.elapsed();
        }
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
        this.received += data.map_or(0, |data| data.len() as u64);
        if this.received >= this.pace.piece {
            (this.received, this.waited) = (0, Duration::ZERO);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
