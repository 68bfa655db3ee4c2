//! A price list on its way in, whoever brings it: the supplier's people, or staff in their place.

use common::{
    idempotency::{IdempotencyError, KeptAnswer},
    ids::{SupplierId, UserId},
    imports::{
        self, ImportMode, NewImport, PriceImport,
        urls::{self, Allowed, NewFetch, PriceListUrl},
    },
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{brought::Brought, upload::Upload};
use crate::{
    error::{ApiError, ApiResult},
    idempotency::{Idempotency, Keepable, Repeatable},
    params::Query,
};

/// How a list is brought: all that can be checked before the file is read.
pub(crate) struct Announced {
    by: UserId,
    idempotency: Idempotency,
    mode: ImportMode,
    dry_run: bool,
    brought: Brought,
}

impl Announced {
    /// Checks the query.
    ///
    /// # Errors
    /// 422 for a wrong query.
    pub(crate) fn of(
        by: UserId,
        idempotency: Idempotency,
        mut query: Query,
        brought: Brought,
    ) -> ApiResult<Self> {
        let mode = query.take_word("mode", "replace or upsert", ImportMode::parse).unwrap_or_default();
        let dry_run = query.take_bool("dry_run").unwrap_or_default();
        query.finish()?;
        Ok(Self { by, idempotency, mode, dry_run, brought })
    }

    /// Reads the file, or where it is, for this supplier.
    ///
    /// # Errors
    /// As [`UploadForm::receive`](super::upload::UploadForm::receive); 422 for an address from which nothing is fetched.
    pub(crate) async fn deliver(self, supplier_id: SupplierId, allowed: &Allowed) -> ApiResult<Delivery> {
        let Self { by, idempotency, mode, dry_run, brought } = self;
        match brought {
            Brought::Form(form) => {
                let upload = form.receive().await?;
                let request = idempotency.of(by, &[upload.name.as_bytes(), &upload.hash]);
                let (format, source) = (upload.format, upload.name.clone());
                let new = NewImport { supplier_id, requested_by: Some(by), mode, dry_run, format, source };
                Ok(Delivery { list: List::File(new, upload), request })
            }
            Brought::Url(body) => {
                let request = idempotency.of(by, &[body.raw()]);
                let url = PriceListUrl::parse(&body.into_inner().url, allowed);
                let url = url.map_err(|invalid| ApiError::field("/url", invalid))?;
                let new = NewFetch { supplier_id, requested_by: by, mode, dry_run, url };
                Ok(Delivery { list: List::Url(new), request })
            }
        }
    }
}

/// What was brought, and how the request is told from others.
pub(crate) struct Delivery {
    list: List,
    request: Repeatable,
}

enum List {
    File(NewImport, Upload),
    Url(NewFetch),
}

impl Delivery {
    /// Claims the request's key, or finds the answer that was given before.
    ///
    /// # Errors
    /// As [`Repeatable::begin`].
    pub(crate) async fn begin(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
    ) -> Result<Option<KeptAnswer>, IdempotencyError> {
        self.request.begin(conn, now).await
    }

    /// Keeps the file, with the job that imports it; or where it is, with the job that fetches it.
    ///
    /// # Errors
    /// 409 when too many lists of the supplier wait.
    pub(crate) async fn receive(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
    ) -> ApiResult<PriceImport> {
        match &self.list {
            List::File(new, upload) => {
                let file = upload.open().await.map_err(sqlx::Error::Io)?;
                Ok(imports::receive(conn, now, new, file).await?)
            }
            List::Url(new) => Ok(urls::request(conn, now, new).await?),
        }
    }

    /// Keeps the answer.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn keep(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
        answer: &impl Keepable,
    ) -> Result<(), sqlx::Error> {
        self.request.keep(conn, now, answer).await
    }
}
