//! A file as an answer.

use std::io;

use common::imports::formats::Format;
use salvo::{
    async_trait,
    http::{
        HeaderValue, ResBody,
        header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE},
    },
    oapi::{Components, Content, EndpointOutRegister, Operation, Response as ResponseDoc, ToSchema},
    prelude::{Depot, Json, Request, Response, Writer},
};
use serde::Serialize;
use tokio::{fs::File, io::AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::error::{ApiError, ApiResult};

/// How much of a file is sent at once.
const PIECE_BYTES: usize = 64 << 10;

/// A file that is sent as it is read.
#[derive(Debug)]
pub struct FileAnswer {
    name: String,
    media_type: &'static str,
    file: File,
    bytes: u64,
}

impl FileAnswer {
    /// A price list that was written to `file`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) async fn of(name: &str, format: Format, mut file: File) -> ApiResult<Self> {
        let bytes = file.metadata().await.map_err(on_disk)?.len();
        file.rewind().await.map_err(on_disk)?;
        let name = format!("{name}.{}", format.extension());
        Ok(Self { name, media_type: format.media_type(), file, bytes })
    }
}

/// What the disk refuses is as good as a database that is away: later it may do.
pub(super) fn on_disk(error: io::Error) -> ApiError {
    sqlx::Error::Io(error).into()
}

#[async_trait]
impl Writer for FileAnswer {
    async fn write(self, _: &mut Request, _: &mut Depot, res: &mut Response) {
        let headers = res.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(CONTENT_LENGTH, self.bytes.into());
        if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(CONTENT_DISPOSITION, disposition);
        }
        res.body(ResBody::stream(ReaderStream::with_capacity(self.file, PIECE_BYTES)));
    }
}

impl EndpointOutRegister for FileAnswer {
    fn register(_: &mut Components, operation: &mut Operation) {
        operation.responses.insert("200", in_each_form("The file"));
    }
}

/// An answer that is a file of any form. It has no schema: what a file says is said by its form.
fn in_each_form(what: &str) -> ResponseDoc {
    Format::ALL.into_iter().fold(ResponseDoc::new(what), |answer, format| {
        answer.add_content(format.media_type(), Content::default())
    })
}

/// An answer that is read by programs, or a file.
#[derive(Debug)]
pub enum Shown<T> {
    /// For programs.
    Json(Json<T>),
    /// For people.
    File(FileAnswer),
}

#[async_trait]
impl<T: Serialize + Send> Writer for Shown<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        match self {
            Self::Json(answer) => answer.write(req, depot, res).await,
            Self::File(file) => file.write(req, depot, res).await,
        }
    }
}

impl<T: ToSchema> EndpointOutRegister for Shown<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        let json = Content::new(T::to_schema(components));
        operation
            .responses
            .insert("200", in_each_form("A page, or a file").add_content("application/json", json));
    }
}
