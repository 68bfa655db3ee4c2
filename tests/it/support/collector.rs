//! A collector of traces: it takes what the programs' exporters send by OTLP, and shows it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A span as it was sent.
#[derive(Clone, Debug)]
pub struct Span {
    /// The program.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// OpenTelemetry's number: 2 serves, 3 asks, 5 takes from a queue.
    pub kind: i32,
    /// The trace, itself and its parent, in hexadecimal; the parent empty at the beginning of a trace.
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it failed, and of what.
    pub failure: Option<String>,
}

/// A collector on a port of its own.
pub struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::answering(true).await
    }

    /// One that reads what it is sent, and never answers.
    pub async fn silent() -> Self {
        Self::answering(false).await
    }

    async fn answering(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let kept = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let taken = take(&mut stream).await;
                    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(taken);
                    if !answers {
                        std::future::pending::<()>().await;
                    }
                    let thanks = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    stream.write_all(thanks.as_bytes()).await.expect("the exporter hears");
                });
            }
        });
        Self { url, spans }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// What came so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads one request.
async fn take(stream: &mut BufReader<TcpStream>) -> Vec<Span> {
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    while stream.read_line(&mut line).await.expect("a head") > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
        line.clear();
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    spans_in(&ExportTraceServiceRequest::decode(body.as_slice()).expect("a message of OTLP"))
}

fn spans_in(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_program in &request.resource_spans {
        let resource = of_program.resource.as_ref().map(|resource| texts(&resource.attributes));
        let service = resource.and_then(|mut all| all.remove("service.name")).unwrap_or_default();
        for span in of_program.scope_spans.iter().flat_map(|scope| &scope.spans) {
            assert!(span.events.is_empty(), "what is logged is not traced: {span:?}");
            spans.push(Span {
                service: service.clone(),
                name: span.name.clone(),
                kind: span.kind,
                trace_id: hex(&span.trace_id),
                span_id: hex(&span.span_id),
                parent_id: hex(&span.parent_span_id),
                attributes: texts(&span.attributes),
                failure: span.status.as_ref().filter(|status| status.code == 2).map(|s| s.message.clone()),
            });
        }
    }
    spans
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        (attribute.key.clone(), value.map(text).unwrap_or_default())
    });
    pairs.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
