//! A file as an answer.

use std::io;

use common::imports::formats::Format;
use salvo::{
    async_trait,
    http::{
        HeaderValue, ResBody,
        header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE},
    },
    oapi::{
        BasicType, Components, Content, EndpointOutRegister, KnownFormat, Object, Operation,
        Response as ResponseDoc, SchemaFormat,
    },
    prelude::{Depot, Request, Response, Writer},
};
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
        let binary =
            || Object::with_type(BasicType::String).format(SchemaFormat::KnownFormat(KnownFormat::Binary));
        let answer = Format::ALL.into_iter().fold(ResponseDoc::new("The file"), |answer, format| {
            answer.add_content(format.media_type(), Content::new(binary()))
        });
        operation.responses.insert("200", answer);
    }
}
