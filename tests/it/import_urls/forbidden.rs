//! Where no list is fetched from: refused with its code, and never connected to.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use local_stack::list_server::{Answer, ListServer};
use serde_json::json;
use worker::imports::fetching::{Fetcher, Looking, Resolver};

use super::{IMPORTS, ask, fetcher, goods, import, import_from, server};
use crate::support::TestApp;

/// Names of a test: each time that they are asked they give the next answer, and the last one from then on.
struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn of<const N: usize>(answers: [(&str, Vec<Vec<&str>>); N]) -> Arc<Self> {
        let parse = |turn: Vec<&str>| turn.into_iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.map(|(name, turns)| (name.to_owned(), turns.into_iter().map(parse).collect()));
        Arc::new(Self { answers: HashMap::from(answers), asked: AtomicUsize::new(0) })
    }
}

impl Resolver for Names {
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let turns = self.answers.get(host);
        let found = turns.map(|turns| turns.get(turn).or(turns.last()).cloned().unwrap_or_default());
        Box::pin(async move { found.ok_or_else(|| io::Error::other("there is no such name")) })
    }
}

/// A server that no list may be fetched from, and that would have one.
async fn forbidden(addr: SocketAddr) -> ListServer {
    let server = ListServer::start(addr).await.unwrap();
    server.answer("/price.yaml", Answer::list(goods()));
    server
}

/// The same port at another address of this machine, and at its address of IPv6.
async fn neighbours(of: &ListServer) -> Vec<ListServer> {
    let port = of.addr().port();
    let mut neighbours = vec![forbidden(([127, 0, 0, 2], port).into()).await];
    // Not every machine has it.
    if let Ok(server) = ListServer::start((IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]), port).into()).await {
        server.answer("/price.yaml", Answer::list(goods()));
        neighbours.push(server);
    }
    neighbours
}

/// An application that fetches from a server, and to which names are these.
async fn app_with_names(open: &ListServer, names: Arc<Names>) -> TestApp {
    let mut fetcher: Fetcher = fetcher(open);
    fetcher.resolver = names;
    TestApp::start_fetching(fetcher).await
}

fn assert_untouched(servers: &[ListServer]) {
    for server in servers {
        assert_eq!(server.connections(), 0, "{}", server.addr());
    }
}

/// Writes of addresses that are ours, however they are written.
fn written(port: u16) -> Vec<String> {
    [
        "127.0.0.1",
        "127.0.0.2",
        "127.2",
        "0x7f.2",
        "2130706434",
        "0.0.0.0",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.2]",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]",
        "[2001:0:7f00:2::]",
    ]
    .into_iter()
    .map(|host| format!("http://{host}:{port}/price.yaml"))
    .collect()
}

#[tokio::test]
async fn an_address_of_ours_is_refused_at_once() {
    let closed = server().await;
    closed.answer("/price.yaml", Answer::list(goods()));
    let neighbours = neighbours(&closed).await;
    // The default: nothing that is not public is allowed.
    let app = TestApp::start().await;
    let supplier = app.supplier("Связной").create().await;
    for url in written(closed.addr().port()).iter().filter(|url| !url.contains("localhost")) {
        supplier
            .post(IMPORTS, json!({ "url": url }))
            .await
            .assert_status(422)
            .invalid(&[("/url", "url_not_allowed")]);
    }
    // A name is looked up by whoever fetches.
    let url = format!("http://localhost:{}/price.yaml", closed.addr().port());
    let failed = import_from(&app, &supplier, &url).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("url_not_allowed")));
    assert_eq!(closed.connections(), 0);
    assert_untouched(&neighbours);
    app.finish().await;
}

#[tokio::test]
async fn a_name_of_an_address_of_ours_is_not_connected_to() {
    let open = server().await;
    let neighbours = neighbours(&open).await;
    let resolver = Names::of(NAMES.map(|(name, address)| (name, vec![vec![address]])));
    let app = app_with_names(&open, resolver).await;
    let supplier = app.supplier("Связной").create().await;
    for (name, _) in NAMES {
        let failed =
            import_from(&app, &supplier, &format!("http://{name}:{}/price.yaml", open.addr().port())).await;
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("url_not_allowed")),
            "{name}"
        );
        assert_eq!(failed["fetch"]["attempts"], 1, "it is not tried again");
        // What the name is to us, is nobody's business.
        assert!(!failed.to_string().contains("127.0.0.2") && !failed.to_string().contains("10.0.0.1"));
    }
    assert_eq!(open.connections(), 0);
    assert_untouched(&neighbours);
    app.finish().await;
}

/// Names, and the address of ours that each has.
const NAMES: [(&str, &str); 11] = [
    ("loopback.example", "127.0.0.2"),
    ("metadata.example", "169.254.169.254"),
    ("six.example", "::1"),
    ("mapped.example", "::ffff:127.0.0.2"),
    ("private.example", "10.0.0.1"),
    ("shared.example", "100.64.0.1"),
    ("unique.example", "fd00::1"),
    ("link.example", "fe80::1"),
    ("nowhere.example", "0.0.0.0"),
    ("translated.example", "64:ff9b::7f00:2"),
    ("all.example", "255.255.255.255"),
];

#[tokio::test]
async fn a_redirect_to_an_address_of_ours_is_not_followed() {
    let open = server().await;
    let neighbours = neighbours(&open).await;
    let port = open.addr().port();
    let resolver = Names::of([("private.example", vec![vec!["127.0.0.2"]])]);
    let app = app_with_names(&open, resolver).await;
    let supplier = app.supplier("Связной").create().await;
    let allowed = format!("http://127.0.0.1:{port}/");
    let mut targets: Vec<String> =
        written(port).into_iter().filter(|url| !url.starts_with(&allowed)).collect();
    targets.retain(|url| !url.contains("localhost"));
    targets.push(format!("http://private.example:{port}/price.yaml"));
    targets.push(format!("//127.0.0.2:{port}/price.yaml"));
    for (turn, target) in targets.iter().enumerate() {
        let status = [301, 302, 303, 307, 308][turn % 5];
        open.answer("/moved", Answer::redirect(status, target));
        let failed = import_from(&app, &supplier, &open.url("/moved")).await;
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("url_not_allowed")),
            "{target}"
        );
    }
    assert_eq!(open.connections(), targets.len());
    assert_untouched(&neighbours);
    app.finish().await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gets_nobody_inside() {
    let open = server().await;
    let neighbours = neighbours(&open).await;
    open.answer("/price.yaml", Answer::list(goods()));
    open.answer("/moved", Answer::redirect(302, "/price.yaml"));
    let resolver = Names::of([("rebinding.example", vec![vec!["127.0.0.1"], vec!["127.0.0.2"]])]);
    let names = Arc::clone(&resolver);
    let app = app_with_names(&open, resolver).await;
    let supplier = app.supplier("Связной").create().await;
    let url = |path: &str| format!("http://rebinding.example:{}{path}", open.addr().port());
    // Looked up once: what it would say next, nobody asks.
    let imported = import_from(&app, &supplier, &url("/price.yaml")).await;
    assert_eq!((&imported["status"], names.asked.load(Ordering::SeqCst)), (&json!("completed"), 1));
    // From then on it says otherwise.
    let failed = import_from(&app, &supplier, &url("/price.yaml")).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("url_not_allowed")));
    // Between a redirect and where it leads.
    names.asked.store(0, Ordering::SeqCst);
    let failed = import_from(&app, &supplier, &url("/moved")).await;
    assert_eq!(
        (&failed["error"]["code"], names.asked.load(Ordering::SeqCst)),
        (&json!("url_not_allowed"), 2)
    );
    assert_eq!(open.connections(), 2);
    assert_untouched(&neighbours);
    app.finish().await;
}

#[tokio::test]
async fn of_several_addresses_only_those_are_connected_to_that_may_be() {
    let open = server().await;
    let neighbours = neighbours(&open).await;
    open.answer("/price.yaml", Answer::list(goods()));
    let resolver = Names::of([("both.example", vec![vec!["127.0.0.2", "::1", "10.0.0.1", "127.0.0.1"]])]);
    let app = app_with_names(&open, resolver).await;
    let supplier = app.supplier("Связной").create().await;
    let url = format!("http://both.example:{}/price.yaml", open.addr().port());
    let location = ask(&supplier, "", &url).await;
    app.drain_jobs().await;
    assert_eq!(import(&supplier, &location).await["status"], "completed");
    assert_eq!((open.connections(), &open.asked()[0].headers["host"][..]), (1, &url[7..url.len() - 11]));
    assert_untouched(&neighbours);
    app.finish().await;
}
