//! An uploaded file on its way in: through a temporary file, so that no transaction waits for a slow client.
//!
//! The form is read as it comes. Of its fields only the file is kept, and never in memory; all that is not asked for
//! is read no further than is needed to say so.

use std::io;

use common::imports::formats::Format;
use futures_util::{StreamExt, future};
use multra::{Constraints, Error as FormError, Field, Multipart, SizeLimit};
use salvo::{
    Extractible,
    extract::Metadata,
    http::{ReqBody, header::CONTENT_TYPE},
    oapi::{
        BasicType, Components, Content, EndpointArgRegister, KnownFormat, Object, Operation, RequestBody,
        Required, SchemaFormat,
    },
    prelude::{Depot, Request},
};
use sha2::{Digest, Sha256};
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
    task,
};

use crate::{
    body::escape,
    error::{ApiError, ApiResult, FieldProblem},
    problem::ProblemCode,
    serve::TooSlow,
};

/// The largest file.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The largest of everything around the file, and of each field that is none.
const MAX_OTHER_BYTES: u64 = 64 << 10;

/// The most parts of a form: one is asked for, and some more can be told that they are not.
const MAX_PARTS: usize = 16;

/// The form of an upload, of which nothing was read yet: what can be refused without the file is refused before.
pub struct UploadForm {
    body: ReqBody,
    boundary: String,
    too_slow: Option<TooSlow>,
}

/// A price list that was uploaded as the field `file` of a form.
#[derive(Debug)]
pub struct Upload {
    /// The name that the client gave it.
    pub name: String,
    /// Its form.
    pub format: Format,
    /// The hash of its bytes.
    pub hash: Vec<u8>,
    /// It has no name, and is gone with the request, however that ends.
    file: File,
}

impl Upload {
    /// Opens the file, from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(&self) -> io::Result<File> {
        let mut file = self.file.try_clone().await?;
        file.rewind().await?;
        Ok(file)
    }
}

impl UploadForm {
    /// Reads the form, whose file goes to the disk.
    ///
    /// # Errors
    /// 413 for a file beyond 512 MiB, 415 for what is no price list by its name, 422 for other fields.
    pub async fn receive(self) -> ApiResult<Upload> {
        let Self { body, boundary, too_slow } = self;
        let read = read(body, &boundary).await;
        read.map_err(|failure| match failure {
            Failure::Refused(refusal) => refusal,
            Failure::Form(_) if too_slow.is_some_and(|slow| slow.is_so()) => ApiError::too_slow(),
            Failure::Form(error) => malformed(&error),
            Failure::Disk(error) => sqlx::Error::Io(error).into(),
        })
    }
}

/// Why a form does not become an upload.
enum Failure {
    Refused(ApiError),
    Form(FormError),
    Disk(io::Error),
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

async fn read(body: ReqBody, boundary: &str) -> Result<Upload, Failure> {
    let pieces =
        body.filter_map(|frame| future::ready(frame.map(|frame| frame.into_data().ok()).transpose()));
    let sizes = SizeLimit::new()
        .whole_stream(MAX_FILE_BYTES + MAX_OTHER_BYTES)
        .per_field(MAX_OTHER_BYTES)
        .for_field("file", MAX_FILE_BYTES);
    let limits = Constraints::new().max_fields(MAX_PARTS).size_limit(sizes);
    let mut form = Multipart::with_constraints(pieces, boundary, limits);
    let (mut upload, mut problems) = (None, Vec::new());
    while let Some(mut field) = form.next_field().await? {
        match field.name().unwrap_or_default() {
            "file" if field.file_name().is_some() && upload.is_none() => {
                upload = Some(keep(&mut field).await?)
            }
            "file" if upload.is_some() => problems.push(problem("file", "repeated", "expected one file")),
            // A text, which may be as large as a file.
            "file" => break,
            other => problems.push(problem(other, "unknown_field", "there is no such field")),
        }
    }
    let Some(upload) = upload else {
        problems.push(problem("file", "required", "expected a file in the field `file`"));
        return Err(Failure::Refused(ApiError::fields(problems)));
    };
    if problems.is_empty() { Ok(upload) } else { Err(Failure::Refused(ApiError::fields(problems))) }
}

/// Writes the file to the disk as it comes.
async fn keep(field: &mut Field<'_>) -> Result<Upload, Failure> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let content_type = field.content_type().map(ToString::to_string);
    let unsupported = || {
        let detail =
            "send a price list as YAML, CSV, XLSX or YML, whose name ends so, or with its content type";
        Failure::Refused(ApiError::new(ProblemCode::UnsupportedMediaType, detail))
    };
    if !Format::may_be_named(&name) && Format::detect(None, content_type.as_deref(), &[]).is_none() {
        return Err(unsupported());
    }
    let mut head = Vec::new();
    while head.len() < Format::HEAD_BYTES
        && let Some(piece) = field.chunk().await?
    {
        head.extend_from_slice(&piece);
    }
    let format = Format::detect(Some(&name), content_type.as_deref(), &head).ok_or_else(unsupported)?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let name = if name.is_empty() { "price-list".to_owned() } else { name };
    let file = task::spawn_blocking(tempfile::tempfile).await.map_err(io::Error::other)??;
    let (mut file, mut hash) = (File::from_std(file), Sha256::new());
    hash.update(&head);
    file.write_all(&head).await?;
    while let Some(piece) = field.chunk().await? {
        hash.update(&piece);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(Upload { name, format, hash: hash.finalize().to_vec(), file })
}

fn malformed(error: &FormError) -> ApiError {
    match error {
        FormError::FieldSizeExceeded { .. }
        | FormError::StreamSizeExceeded { .. }
        | FormError::FieldCountExceeded { .. } => ApiError::new(
            ProblemCode::PayloadTooLarge,
            "expected a file of at most 512 MiB, and little else in the form",
        ),
        _ => broken(),
    }
}

fn broken() -> ApiError {
    ApiError::new(ProblemCode::BadRequest, "the form broke off or is not multipart/form-data")
}

fn problem(field: &str, code: &str, detail: &str) -> FieldProblem {
    FieldProblem { pointer: format!("/{}", escape(field)), code: code.to_owned(), detail: detail.to_owned() }
}

impl<'ex> Extractible<'ex> for UploadForm {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("UploadForm");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        let is_form = req.content_type().is_some_and(|mime| mime.essence_str() == "multipart/form-data");
        if !is_form {
            let detail = "send the price list as the field `file` of a multipart/form-data body";
            return Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail));
        }
        let content_type = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = content_type.and_then(|text| multra::parse_boundary(text).ok()).ok_or_else(broken)?;
        Ok(Self { too_slow: TooSlow::of(req), boundary, body: req.take_body() })
    }
}

impl EndpointArgRegister for UploadForm {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        let binary =
            Object::with_type(BasicType::String).format(SchemaFormat::KnownFormat(KnownFormat::Binary));
        let form = Object::new()
            .property("file", binary)
            .required("file")
            .additional_properties(salvo::oapi::schema::AdditionalProperties::FreeForm(false));
        let body = RequestBody::new()
            .add_content("multipart/form-data", Content::new(form))
            .description(
                "A price list as YAML, CSV, XLSX or YML (the catalogue of Yandex Market), perhaps packed by gzip; at most \
                 512 MiB, also unpacked, and 2,000,000 goods",
            )
            .required(Required::True);
        operation.request_body = Some(body);
    }
}
