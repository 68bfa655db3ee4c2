//! The supplier's price list on its way out, and templates for its way in.

use std::io;

use common::imports::{self, formats::Format};
use salvo::{oapi::endpoint, prelude::Writer};
use tokio::{fs::File, task};

use crate::{
    context::{Ctx, Supplier},
    error::ApiResult,
    imports::file::{FileAnswer, on_disk},
    params::Query,
};

/// The words of `format`.
pub(super) const FORMATS: &str = "yaml, csv, xlsx or yml";

/// The supplier's current price list as a file, in the form in which it can be uploaded again: that changes nothing.
///
/// Offers that are withdrawn are not in it. In CSV a text that a spreadsheet would run as a formula has an apostrophe
/// before it, which goes when it is uploaded.
#[endpoint(
    tags("supplier"),
    parameters(
        ("format" = Option<String>, Query, description = "`yaml` (default), `csv`, `xlsx` or `yml`"),
    ),
)]
pub(crate) async fn get_price_list(ctx: Ctx, supplier: Supplier, mut query: Query) -> ApiResult<FileAnswer> {
    let format = query.take_word("format", FORMATS, Format::parse).unwrap_or(Format::Yaml);
    query.finish()?;
    let (file, written) = unnamed().await?;
    let mut snapshot = ctx.snapshot().await?;
    imports::export(&mut snapshot, supplier.organization_id.into(), format, written).await?;
    snapshot.rollback().await?;
    FileAnswer::of("price-list", format, file).await
}

/// A price list of two goods, to be filled with one's own.
#[endpoint(
    tags("supplier"),
    parameters(
        ("format" = Option<String>, Query, description = "`yaml` (default), `csv`, `xlsx` or `yml`"),
    ),
)]
pub(crate) async fn get_price_list_template(_supplier: Supplier, mut query: Query) -> ApiResult<FileAnswer> {
    let format = query.take_word("format", FORMATS, Format::parse).unwrap_or(Format::Yaml);
    query.finish()?;
    let (file, written) = unnamed().await?;
    imports::template(format, written).await?;
    FileAnswer::of("template", format, file).await
}

/// A file without a name, which is gone with the request, to be read and to be written.
pub(super) async fn unnamed() -> ApiResult<(File, std::fs::File)> {
    let files = task::spawn_blocking(|| {
        let file = tempfile::tempfile()?;
        Ok::<_, io::Error>((file.try_clone()?, file))
    });
    let (file, written) = files.await.map_err(io::Error::other).flatten().map_err(on_disk)?;
    Ok((File::from_std(file), written))
}
