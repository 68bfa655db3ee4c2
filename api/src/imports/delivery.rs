//! A price list on its way in, whoever brings it: the supplier's people, or staff in their place.

use common::{
    idempotency::{IdempotencyError, KeptAnswer},
    ids::{SupplierId, UserId},
    imports::{self, ImportMode, NewImport, PriceImport},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::upload::{Upload, UploadForm};
use crate::{
    error::ApiResult,
    idempotency::{Idempotency, Keepable, Repeatable},
    params::Query,
};

/// How a list is brought, and the form that has it: all that can be checked before the file is read.
pub(crate) struct Announced {
    by: UserId,
    idempotency: Idempotency,
    mode: ImportMode,
    dry_run: bool,
    form: UploadForm,
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
        form: UploadForm,
    ) -> ApiResult<Self> {
        let mode = query.take_word("mode", "replace or upsert", ImportMode::parse).unwrap_or_default();
        let dry_run = query.take_bool("dry_run").unwrap_or_default();
        query.finish()?;
        Ok(Self { by, idempotency, mode, dry_run, form })
    }

    /// Reads the file, which is for this supplier.
    ///
    /// # Errors
    /// As [`UploadForm::receive`].
    pub(crate) async fn deliver(self, supplier_id: SupplierId) -> ApiResult<Delivery> {
        let Self { by, idempotency, mode, dry_run, form } = self;
        let upload = form.receive().await?;
        let request = idempotency.of(by, &[upload.name.as_bytes(), &upload.hash]);
        let (format, source) = (upload.format, upload.name.clone());
        let new = NewImport { supplier_id, requested_by: Some(by), mode, dry_run, format, source };
        Ok(Delivery { new, request, upload })
    }
}

/// What was brought, and how the request is told from others.
pub(crate) struct Delivery {
    new: NewImport,
    request: Repeatable,
    upload: Upload,
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

    /// Keeps the file, with the job that imports it.
    ///
    /// # Errors
    /// 409 when too many lists of the supplier wait.
    pub(crate) async fn receive(
        &self,
        conn: &mut PgConnection,
        now: OffsetDateTime,
    ) -> ApiResult<PriceImport> {
        let file = self.upload.open().await.map_err(sqlx::Error::Io)?;
        Ok(imports::receive(conn, now, &self.new, file).await?)
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
