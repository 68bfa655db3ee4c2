//! The catcher over HTTP: pages for people, JSON for programs.
//!
//! `GET /` and `GET /mail/{id}` are pages; `GET /messages?to=`, `DELETE /messages`, `PUT /faults` and
//! `DELETE /faults` do what the methods of [`MailCatcher`](super::MailCatcher) do. With `&wait=5` the messages are waited
//! for, so many seconds, where there are none.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use salvo::{
    conn::tcp::TcpAcceptor,
    prelude::{Depot, Json, Request, Response, Router, Server, StatusCode, Text, affix_state, handler},
};
use tokio::net::TcpListener;

use super::{CaughtMessage, Fault, PostOffice, page};

/// How many of the newest messages the page lists.
const LISTED: usize = 200;

/// The longest that messages are waited for, in seconds, and how often is looked meanwhile.
const LONGEST_WAIT_S: u64 = 30;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// No scripts, nothing from elsewhere: the messages of a development machine may hold anything.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// Prepares to serve clients; the future does, until it is dropped.
pub(super) fn serve(
    listener: TcpListener,
    office: Arc<PostOffice>,
) -> anyhow::Result<impl Future<Output = ()> + Send> {
    let router = Router::new()
        .hoop(affix_state::inject(office))
        .hoop(secure)
        .get(list)
        .push(Router::with_path("mail/{id}").get(show))
        .push(Router::with_path("messages").get(messages).delete(clear_messages))
        .push(Router::with_path("faults").put(inject_fault).delete(clear_faults));
    let server = Server::new(TcpAcceptor::try_from(listener)?).max_connections(100);
    Ok(async move {
        if let Err(error) = server.try_serve(router).await {
            tracing::error!(%error, "the mail page has stopped");
        }
    })
}

#[handler]
fn secure(res: &mut Response) {
    for (name, value) in [
        ("content-security-policy", CONTENT_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        // The values are constants that are valid.
        _ = res.add_header(name, value, true);
    }
}

#[handler]
fn list(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let recipient = recipient(req);
    let found = find(depot, recipient.as_deref(), LISTED);
    render(res, page::list(&found, recipient.as_deref()));
}

#[handler]
fn show(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let id = req.param::<u64>("id");
    match id.and_then(|id| office(depot)?.mailbox().get(id)) {
        Some(message) => render(res, page::show(&message)),
        None => {
            res.status_code(StatusCode::NOT_FOUND)
                .render(Text::Plain("This message is not here any more.\n"));
        }
    }
}

#[handler]
async fn messages(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let (recipient, patience) = (recipient(req), req.query::<u64>("wait").unwrap_or_default());
    let (since, patience) = (Instant::now(), Duration::from_secs(patience.min(LONGEST_WAIT_S)));
    let mut found = find(depot, recipient.as_deref(), usize::MAX);
    while found.is_empty() && since.elapsed() < patience {
        tokio::time::sleep(LOOK_EVERY).await;
        found = find(depot, recipient.as_deref(), usize::MAX);
    }
    let found: Vec<&CaughtMessage> = found.iter().map(AsRef::as_ref).collect();
    res.render(Json(found));
}

#[handler]
fn clear_messages(depot: &mut Depot, res: &mut Response) {
    if let Some(office) = office(depot) {
        office.mailbox().clear();
    }
    res.status_code(StatusCode::NO_CONTENT);
}

#[handler]
async fn inject_fault(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    match req.parse_json::<Fault>().await {
        Ok(fault) => {
            if let Some(office) = office(depot) {
                office.faults().inject(fault);
            }
            res.status_code(StatusCode::NO_CONTENT);
        }
        Err(error) => {
            res.status_code(StatusCode::BAD_REQUEST).render(Text::Plain(format!("not a fault: {error}\n")));
        }
    }
}

#[handler]
fn clear_faults(depot: &mut Depot, res: &mut Response) {
    if let Some(office) = office(depot) {
        office.faults().clear();
    }
    res.status_code(StatusCode::NO_CONTENT);
}

/// The shared state; `serve` has put it there.
fn office(depot: &Depot) -> Option<&Arc<PostOffice>> {
    depot.get_typed::<Arc<PostOffice>>().ok()
}

fn recipient(req: &mut Request) -> Option<String> {
    req.query::<String>("to").filter(|recipient| !recipient.is_empty())
}

fn find(depot: &Depot, recipient: Option<&str>, at_most: usize) -> Vec<Arc<CaughtMessage>> {
    let Some(office) = office(depot) else { return Vec::new() };
    office.mailbox().newest_first(recipient).take(at_most).cloned().collect()
}

fn render(res: &mut Response, page: anyhow::Result<String>) {
    match page {
        Ok(page) => res.render(Text::Html(page)),
        Err(error) => {
            tracing::error!(%error, "the mail page cannot be shown");
            res.status_code(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
