//! How the API meets browsers, crowds, and clients that are too large or too slow.

use std::time::{Duration, Instant};

use reqwest::{Method, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Answer, TestApp, price_list};

const IMPORTS: &str = "/api/v1/supplier/imports";

/// Longer than anything here takes, and shorter than what is usual for connections.
const PATIENCE: Duration = Duration::from_secs(25);

#[tokio::test]
async fn every_answer_tells_browsers_to_guess_frame_and_keep_nothing() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let answers = [
        app.get("/api/v1/nothing").await.assert_status(404),
        app.get("/api/v1/orders").await.assert_status(401),
        buyer.get("/api/v1/me").await.assert_status(200),
        app.post("/api/v1/auth/login", json!({})).await.assert_status(422),
        app.get("/healthz").await.assert_status(200),
        app.get("/metrics").await.assert_status(200),
        app.get("/docs/").await.assert_status(200),
        app.get("/confirm-email?token=x").await.assert_status(200),
        Answer::to(app.client().delete(app.url("/healthz"))).await.assert_status(405),
    ];
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{answer:?}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{answer:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{answer:?}");
        assert!(answer.header("cache-control").is_some(), "{answer:?}");
        // By http it would lock people out who come by http again.
        assert_eq!(answer.header("strict-transport-security"), None, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
    }
    assert_eq!(answers[2].header("cache-control"), Some("no-store"));
    app.finish().await;
}

#[tokio::test]
async fn whoever_came_by_https_comes_by_https_again() {
    let app = TestApp::start_serving(|serving| serving.https = true).await;
    for path in ["/api/v1/products", "/api/v1/nothing", "/docs/"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_one_script_in_the_page_of_the_reference_is_allowed_by_its_hash() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    let app = TestApp::start().await;
    let page = app.get("/docs/").await.assert_status(200);
    let policy = page.header("content-security-policy").unwrap();
    let scripts: Vec<_> =
        page.text().split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next()).collect();
    assert_eq!(scripts.len(), 1);
    let hash = BASE64_STANDARD.encode(Sha256::digest(scripts[0]));
    assert!(policy.contains(&format!("script-src 'self' 'sha256-{hash}';")), "{policy}");
    assert!(!page.text().contains("onload=") && !policy.contains("unsafe-eval"), "{policy}");
    app.finish().await;
}

#[tokio::test]
async fn pages_of_the_named_origins_may_read_the_answers_and_no_others() {
    let origins = ["https://shop.example.com", "http://localhost:3000"];
    let app = TestApp::start_serving(|serving| {
        serving.cors_origins = origins.map(header::HeaderValue::from_static).to_vec()
    })
    .await;
    let ask = async |origin: &str, preflight: bool| {
        let method = if preflight { Method::OPTIONS } else { Method::GET };
        let request = app.client().request(method, app.url("/api/v1/orders")).header("origin", origin);
        Answer::to(match preflight {
            true => request
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,content-type,idempotency-key"),
            false => request,
        })
        .await
    };
    for origin in origins {
        let leave = ask(origin, true).await.assert_status(204);
        assert_eq!(leave.header("access-control-allow-origin"), Some(origin));
        let methods = leave.header("access-control-allow-methods").unwrap();
        assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)));
        let taken = leave.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(["authorization", "content-type", "idempotency-key"].iter().all(|name| taken.contains(name)));
        assert!(leave.header("access-control-max-age").is_some());

        let answer = ask(origin, false).await.assert_status(401);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let shown = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for name in ["etag", "location", "x-request-id", "retry-after", "idempotency-replayed"] {
            assert!(shown.contains(name), "{name}: {shown}");
        }
        assert!(answer.header("vary").unwrap().to_lowercase().contains("origin"));
    }
    for stranger in ["https://evil.example", "https://shop.example.com.evil.example", "null"] {
        for preflight in [true, false] {
            assert_eq!(
                ask(stranger, preflight).await.header("access-control-allow-origin"),
                None,
                "{stranger}"
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn bodies_beyond_what_an_address_takes_are_413() {
    let app = TestApp::start().await;
    let buyer = app.buyer().create().await;
    let padded = |bytes: usize| json!({ "email": "anna@example.com", "password": "x".repeat(bytes) });
    app.post("/api/v1/auth/login", padded(20 << 10)).await.assert_status(413).problem("payload_too_large");
    app.post("/api/v1/auth/login", padded(10 << 10)).await.assert_status(401).problem("invalid_credentials");
    let comment = json!({ "payment_method": "invoice", "comment": "x".repeat((1 << 20) + 1) });
    buyer.post("/api/v1/orders", comment).await.assert_status(413).problem("payload_too_large");
    // Without a length that could be looked at first.
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(
        (0..200).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 10])),
    ));
    let request = app.client().post(app.url("/api/v1/auth/login")).header("content-type", "application/json");
    Answer::to(request.body(body)).await.assert_status(413).problem("payload_too_large");
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_refused_unread_leaves_the_connection_as_it_was() {
    let app = TestApp::start().await;
    let mut stream = connect(&app).await;
    let body = "x".repeat(1 << 20);
    // Too large for its address, for nobody's address, and without a token: none of them is read by a handler.
    for (path, status) in [("auth/login", 413), ("nothing", 404), ("orders", 401)].repeat(5) {
        let length = body.len();
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = vec![0; 64 << 10];
        let read = timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer comes").unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(!answer.to_lowercase().contains("connection: close"), "{path}: {answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_nobody_would_read_to_its_end_is_refused_at_once() {
    let app = TestApp::start().await;
    for path in ["auth/login", "orders"] {
        let answer = begin(&app, &endless(path)).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn whoever_sends_a_large_body_to_its_end_finds_the_answer_to_its_beginning() {
    let app = TestApp::start().await;
    let mut stream = connect(&app).await;
    stream.write_all(endless("supplier/imports").as_bytes()).await.unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..64 {
        stream.write_all(&piece).await.unwrap();
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(stream);
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_not_taken_for_ever() {
    let within = Duration::from_millis(200);
    let app = TestApp::start_serving(|serving| serving.bounds.linger_within = within).await;
    let mut stream = connect(&app).await;
    let since = Instant::now();
    stream.write_all(endless("supplier/imports").as_bytes()).await.unwrap();
    let piece = vec![b' '; 1 << 20];
    let sending = async { while stream.write_all(&piece).await.is_ok() {} };
    timeout(PATIENCE, sending).await.expect("the connection ends");
    assert!(since.elapsed() >= within);
    app.finish().await;
}

#[tokio::test]
async fn a_crowd_is_told_to_come_again_and_health_is_not() {
    let app = TestApp::start_serving(|serving| serving.bounds.requests = 0).await;
    let refused = app.get("/api/v1/products").await.assert_status(503);
    refused.problem("unavailable");
    assert!(refused.header("retry-after").is_some());
    for path in ["/healthz", "/readyz", "/metrics"] {
        app.get(path).await.assert_status(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let app = TestApp::start_serving(|serving| serving.bounds.request_within = Duration::ZERO).await;
    let refused = app.get("/api/v1/products").await.assert_status(503);
    refused.problem("unavailable");
    assert!(refused.header("retry-after").is_some());
    app.finish().await;
}

/// The beginning of a request without a token whose body nobody will read.
fn endless(path: &str) -> String {
    format!("POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url("").strip_prefix("http://").unwrap()).await.unwrap()
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("the connection ends").unwrap();
    answer
}

/// Sends the beginning of a request and nothing more, and returns what is answered before the connection ends.
async fn begin(app: &TestApp, request: &str) -> String {
    let mut stream = connect(app).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

fn impatient(serving: &mut api::serve::Serving) {
    serving.bounds.piece_within = Duration::from_millis(200);
    serving.bounds.reader_within = Duration::from_millis(200);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_408() {
    let app = TestApp::start_serving(impatient).await;
    for (what, length) in
        [("Content-Length: 1000", "{\"email\":"), ("Transfer-Encoding: chunked", "5\r\n{\"ema\r\n")]
    {
        let answer = begin(
            &app,
            &format!("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{what}\r\n\r\n{length}"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn headers_that_stop_coming_end_the_connection() {
    let app = TestApp::start_serving(impatient).await;
    for beginning in ["", "GET /api/v1/products HTTP/1.1\r\nHost: x\r\n"] {
        let answer = begin(&app, beginning).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stalled_upload_gives_its_slot_back() {
    let app = TestApp::start_serving(|serving| {
        impatient(serving);
        serving.bounds.uploads = 1;
    })
    .await;
    let supplier = app.supplier("Электрон").create().await;
    let token = supplier.access_token();
    let stalled = begin(
        &app,
        &format!(
            "POST {IMPORTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"price.yaml\"\r\n\r\ngoods:"
        ),
    )
    .await;
    assert!(stalled.starts_with("HTTP/1.1 408"), "{stalled}");
    let list = price_list(&[("A", "Телефон", "100", 10)]);
    supplier.upload(IMPORTS, "price.yaml", list).await.assert_status(202);
    app.finish().await;
}

#[tokio::test]
async fn an_upload_that_trickles_is_408_though_it_never_stops() {
    let app = TestApp::start_serving(impatient).await;
    let supplier = app.supplier("Электрон").create().await;
    let trickle = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(b" ".to_vec()), ()))
    });
    let part = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(trickle)).file_name("price.yaml");
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = supplier.request(Method::POST, IMPORTS).multipart(form);
    Answer::to(request).await.assert_status(408).problem("request_timeout");
    app.finish().await;
}

#[tokio::test]
async fn whoever_does_not_read_the_answer_gives_the_connection_back() {
    let app = TestApp::start_serving(|serving| {
        impatient(serving);
        serving.bounds.connections = 1;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = app.url("").strip_prefix("http://").unwrap().parse().unwrap();
    let mut silent = socket.connect(address).await.unwrap();
    // More than all buffers on the way hold.
    let asked = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    silent.write_all(asked.as_bytes()).await.unwrap();
    silent.read_u8().await.unwrap();
    // The one connection there is.
    app.get("/healthz").await.assert_status(200);
    drop(silent);
    app.finish().await;
}

#[tokio::test]
async fn figures_tell_of_connections_and_of_requests_that_run() {
    let app = TestApp::start().await;
    app.get("/api/v1/products").await.assert_status(200);
    let text = app.get("/metrics").await.assert_status(200).text().to_owned();
    for figure in [
        "http_requests_in_flight",
        "db_pool_connections{state=\"used\"}",
        "db_pool_connections{state=\"idle\"}",
        "db_pool_connections_max",
        "http_request_duration_seconds_count",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    app.finish().await;
}
