//! A message as a document that a browser may open: it shows what a mail program would, and does nothing.

use common::mail::Rendered;
use salvo::{
    async_trait,
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    oapi::{BasicType, Components, Content, EndpointOutRegister, Object, Operation, Response as ResponseDoc},
    prelude::{Depot, Request, Response, Writer},
};

/// No scripts, no requests, no frame around it, and an origin of nobody's.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; sandbox";

/// Which form of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Its HTML.
    #[default]
    Html,
    /// Its plain text.
    Text,
    /// Its subject.
    Subject,
}

impl Format {
    /// The format of that word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "html" => Some(Self::Html),
            "text" => Some(Self::Text),
            "subject" => Some(Self::Subject),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Text | Self::Subject => "text/plain; charset=utf-8",
        }
    }
}

/// A message in one of its forms.
#[derive(Debug)]
pub struct Preview {
    format: Format,
    body: String,
}

impl Preview {
    /// This form of it.
    pub fn of(rendered: Rendered, format: Format) -> Self {
        let body = match format {
            Format::Html => rendered.html,
            Format::Text => rendered.text,
            Format::Subject => rendered.subject,
        };
        Self { format, body }
    }
}

#[async_trait]
impl Writer for Preview {
    async fn write(self, _: &mut Request, _: &mut Depot, res: &mut Response) {
        res.status_code(StatusCode::OK);
        let headers = res.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.format.content_type()));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        res.replace_body(salvo::http::ResBody::Once(self.body.into()));
    }
}

impl EndpointOutRegister for Preview {
    fn register(_: &mut Components, operation: &mut Operation) {
        let text = || Content::new(Object::with_type(BasicType::String));
        let document = ResponseDoc::new("The message")
            .add_content("text/html", text())
            .add_content("text/plain", text());
        operation.responses.insert("200", document);
    }
}
