//! An uploaded file on its way in: through a temporary file, so that no transaction waits for a slow client.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use common::imports::formats::Format;
use salvo::{
    Extractible,
    extract::Metadata,
    http::ParseError,
    oapi::{
        BasicType, Components, Content, EndpointArgRegister, KnownFormat, Object, Operation, RequestBody,
        Required, SchemaFormat,
    },
    prelude::{Depot, Request},
};
use sha2::{Digest, Sha256};
use tokio::task;

use crate::{
    body::escape,
    error::{ApiError, ApiResult, FieldProblem},
    problem::ProblemCode,
    serve::was_too_slow,
};

/// The largest file, and a little for the form around it.
const MAX_BYTES: usize = (512 << 20) + (1 << 16);

/// A price list that was uploaded as the field `file` of a form.
#[derive(Debug)]
pub struct Upload {
    /// The name that the client gave it.
    pub name: String,
    /// Its form.
    pub format: Format,
    path: PathBuf,
    // Removes the file when the request is over.
    _kept: salvo::http::form::FilePart,
}

impl Upload {
    /// Opens the file, from its beginning.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn open(&self) -> io::Result<tokio::fs::File> {
        tokio::fs::File::open(&self.path).await
    }

    /// The hash of its bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn hash(&self) -> ApiResult<Vec<u8>> {
        let path = self.path.clone();
        let hashed = task::spawn_blocking(move || {
            let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok::<_, io::Error>(hash.finalize().to_vec()),
                    read => hash.update(&buffer[..read]),
                }
            }
        });
        match hashed.await.map_err(io::Error::other) {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(error)) | Err(error) => Err(sqlx::Error::Io(error).into()),
        }
    }
}

impl<'ex> Extractible<'ex> for Upload {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Upload");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        let is_form = req.content_type().is_some_and(|mime| mime.essence_str() == "multipart/form-data");
        if !is_form {
            let detail = "send the price list as the field `file` of a multipart/form-data body";
            return Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail));
        }
        let failed = req.form_data_max_size(MAX_BYTES).await.err();
        if let Some(error) = failed {
            return Err(match error {
                _ if was_too_slow(req) => ApiError::too_slow(),
                ParseError::PayloadTooLarge => ApiError::new(
                    ProblemCode::PayloadTooLarge,
                    "expected a file of at most 512 MiB, and little else in the form",
                ),
                _ => broken(),
            });
        }
        // It is kept from above.
        let form = req.form_data_max_size(MAX_BYTES).await.map_err(|_| broken())?;
        let names = form.fields.iter().map(|(name, _)| name).chain(form.files.iter().map(|(name, _)| name));
        let unknown = names.filter(|name| *name != "file");
        let mut problems: Vec<_> =
            unknown.map(|name| problem(name, "unknown_field", "there is no such field")).collect();
        let file = form.files.get("file").cloned();
        if file.is_none() {
            problems.push(problem("file", "required", "expected a file in the field `file`"));
        }
        let Some(file) = file.filter(|_| problems.is_empty()) else {
            return Err(ApiError::fields(problems));
        };
        let name =
            file.name().unwrap_or("price-list").chars().filter(|c| !c.is_control()).take(200).collect();
        let content_type = file.content_type().map(|mime| mime.to_string());
        let format = Format::detect(file.name(), content_type.as_deref()).ok_or_else(|| {
            let detail = "send a file whose name ends in .yaml, .yml or .csv, or with their content type";
            ApiError::new(ProblemCode::UnsupportedMediaType, detail)
        })?;
        Ok(Self { name, format, path: file.path().clone(), _kept: file })
    }
}

fn broken() -> ApiError {
    ApiError::new(ProblemCode::BadRequest, "the form broke off or is not multipart/form-data")
}

fn problem(field: &str, code: &str, detail: &str) -> FieldProblem {
    FieldProblem { pointer: format!("/{}", escape(field)), code: code.to_owned(), detail: detail.to_owned() }
}

impl EndpointArgRegister for Upload {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        let binary =
            Object::with_type(BasicType::String).format(SchemaFormat::KnownFormat(KnownFormat::Binary));
        let form = Object::new()
            .property("file", binary)
            .required("file")
            .additional_properties(salvo::oapi::schema::AdditionalProperties::FreeForm(false));
        let body = RequestBody::new()
            .add_content("multipart/form-data", Content::new(form))
            .description("A price list as YAML or CSV, at most 512 MiB and 2,000,000 goods")
            .required(Required::True);
        operation.request_body = Some(body);
    }
}
