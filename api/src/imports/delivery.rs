//! A price list on its way in, whoever brings it: the supplier's people, or staff in their place.

use common::{
    idempotency::{IdempotencyError, KeptAnswer},
    ids::{PriceImportId, SupplierId, UserId},
    imports::{self, ImportMode, NewImport, PriceImport},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::upload::Upload;
use crate::{
    error::ApiResult,
    idempotency::{Idempotency, Keepable, Repeatable},
    params::Query,
};

/// What was brought, and how the request is told from others.
pub(crate) struct Delivery {
    new: NewImport,
    request: Repeatable,
    upload: Upload,
}

impl Delivery {
    /// Checks the request, whose file is there.
    ///
    /// # Errors
    /// 422 for a wrong query.
    pub(crate) async fn of(
        by: UserId,
        supplier_id: SupplierId,
        idempotency: Idempotency,
        mut query: Query,
        upload: Upload,
    ) -> ApiResult<Self> {
        let mode = query.take_word("mode", "replace or upsert", ImportMode::parse).unwrap_or_default();
        query.finish()?;
        let hash = upload.hash().await?;
        let request = idempotency.of(by, &[upload.name.as_bytes(), &hash]);
        let new = NewImport {
            id: PriceImportId::new(),
            supplier_id,
            requested_by: by,
            mode,
            format: upload.format,
            source: upload.name.clone(),
        };
        Ok(Self { new, request, upload })
    }

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
    /// When the database refuses.
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
