//! A price list as it is brought: as a file in a form, or as the address from which it is to be fetched.

use salvo::{
    Extractible,
    extract::Metadata,
    oapi::{Components, EndpointArgRegister, Operation, ToSchema},
    prelude::{Depot, Request},
};
use serde::Deserialize;

use super::upload::UploadForm;
use crate::{
    body::Body,
    error::{ApiError, ApiResult},
    problem::ProblemCode,
};

/// Where a price list is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportByUrlRequest {
    /// The address, `http` or `https`, at a host of the internet, without user and password; at most 2,000 characters.
    pub url: String,
}

/// What a request to import has as its body.
pub enum Brought {
    /// The file itself, of which nothing was read yet.
    Form(UploadForm),
    /// Where it is.
    Url(Body<ImportByUrlRequest>),
}

impl<'ex> Extractible<'ex> for Brought {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Brought");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, ApiError> {
        match req.content_type().as_ref().map(|mime| mime.essence_str()) {
            Some("application/json") => Body::extract(req, depot).await.map(Self::Url),
            Some("multipart/form-data") => UploadForm::extract(req, depot).await.map(Self::Form),
            _ => unsupported(),
        }
    }
}

fn unsupported<T>() -> ApiResult<T> {
    let detail = "send the price list as the field `file` of a multipart/form-data body, or its `url` as application/json";
    Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail))
}

impl EndpointArgRegister for Brought {
    fn register(components: &mut Components, operation: &mut Operation, name: &str) {
        Body::<ImportByUrlRequest>::register(components, operation, name);
        let by_url = operation.request_body.take();
        UploadForm::register(components, operation, name);
        if let (Some(body), Some(by_url)) = (&mut operation.request_body, by_url) {
            body.contents.extend(by_url.contents);
        }
    }
}
