//! Bodies that are refused before they are read.
//!
//! A connection is of no more use while there is a body on it that nobody reads. So a short one is read before the answer is
//! sent, and thrown away; with a longer one the connection is closed, which [takes its time](super::lingering).

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use salvo::{
    BoxedError, FlowCtrl, Handler, async_trait,
    http::{
        HeaderValue, ReqBody,
        body::{Body, Frame, SizeHint},
        header::{CONNECTION, EXPECT},
    },
    prelude::{Depot, Request, Response},
};
use tokio::time::timeout;

use super::was_too_slow;

/// Reads what a handler left of a body, so that the connection stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread {
    /// No more than so many bytes: of a larger body the connection is closed instead …
    pub(crate) at_most: u64,
    /// … and for no longer than this.
    pub(crate) within: Duration,
}

#[async_trait]
impl Handler for Unread {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        // Whoever asks first whether to send the body has not begun to.
        if req.body().is_end_stream() || req.headers().contains_key(EXPECT) {
            ctrl.call_next(req, depot, res).await;
            return;
        }
        let left = Left::default();
        let lent = Lent { body: req.take_body(), left: left.clone() };
        req.replace_body(ReqBody::Boxed { inner: Box::pin(lent), fuse_config: None });
        ctrl.call_next(req, depot, res).await;
        drop(req.take_body());
        if let Some(body) = left.take()
            && !was_too_slow(req)
        {
            let is_read = timeout(self.within, self.discard(body)).await.unwrap_or(false);
            if !is_read {
                res.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
    }
}

impl Unread {
    /// Whether it came to the end of the body.
    async fn discard(&self, body: ReqBody) -> bool {
        let mut body = pin!(body);
        let mut room = Some(self.at_most);
        while let Some(bytes) = room.filter(|room| body.size_hint().lower() <= *room) {
            match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                Some(Ok(frame)) => {
                    room = bytes.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
                }
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    }
}

/// What was left of a body when its reader let go of it.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<ReqBody>>>);

impl Left {
    fn put(&self, body: ReqBody) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    fn take(&self) -> Option<ReqBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that comes back when it is not read to its end.
struct Lent {
    body: ReqBody,
    left: Left,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.left.put(self.body.take());
        }
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = BoxedError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxedError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
