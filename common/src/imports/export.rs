//! The supplier's current list, written out in the form in which it can come in again.
//!
//! It is written to a file, and only that is sent: whoever reads slowly keeps no transaction open. Reading a page and
//! writing it take turns, so that memory stays the same whatever the size of the list.

use std::io::BufWriter;

use sqlx::PgConnection;
use tokio::task::{self, JoinError};

use super::{
    FieldError,
    formats::{self, Format, ListHead, ListWriter, RawGood, WriteError},
    store,
};
use crate::{
    ids::{PriceImportId, SupplierId},
    locale::Locale,
};

/// Why a list was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The form has no place for it, or the disk.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The writer did not end as it should.
    #[error("writing the price list broke off: {0}")]
    Broken(#[from] JoinError),
}

/// Writes what a supplier offers into `file`, from one view of the database.
///
/// # Errors
/// [`ExportError`].
pub async fn export(
    conn: &mut PgConnection,
    supplier_id: SupplierId,
    format: Format,
    file: std::fs::File,
) -> Result<(), ExportError> {
    let head = store::export_head(conn, supplier_id).await?;
    let mut list = begin(format, file, head).await?;
    let mut after = None;
    loop {
        let goods = store::export_goods(conn, supplier_id, after.as_deref()).await?;
        let Some(last) = goods.last() else { break };
        after.clone_from(&last.sku);
        let page = goods.into_iter().map(|good| (good, None)).collect();
        list = write(list, page).await?;
    }
    end(list).await
}

type List = Box<dyn ListWriter>;

/// Begins a list, off the runtime's threads.
pub(super) async fn begin(format: Format, file: std::fs::File, head: ListHead) -> Result<List, ExportError> {
    let out = Box::new(BufWriter::with_capacity(64 << 10, file));
    Ok(task::spawn_blocking(move || formats::writer(format, out, &head)).await??)
}

/// Writes goods, each with what is wrong with it.
pub(super) async fn write(
    mut list: List,
    goods: Vec<(RawGood, Option<String>)>,
) -> Result<List, ExportError> {
    let written = task::spawn_blocking(move || {
        for (good, error) in &goods {
            list.write(good, error.as_deref())?;
        }
        Ok::<_, WriteError>(list)
    });
    Ok(written.await??)
}

/// Ends a list.
pub(super) async fn end(list: List) -> Result<(), ExportError> {
    Ok(task::spawn_blocking(move || list.finish()).await??)
}

/// Writes the refused rows of an import, as they stood, each with what is wrong with it. False if there is no such
/// import.
///
/// # Errors
/// [`ExportError`].
pub async fn report(
    conn: &mut PgConnection,
    (supplier_id, id): (SupplierId, PriceImportId),
    format: Format,
    locale: Locale,
    file: std::fs::File,
) -> Result<bool, ExportError> {
    let Some(head) = store::report_head(conn, supplier_id, id).await? else { return Ok(false) };
    let mut list = begin(format, file, head).await?;
    let mut after = 0;
    loop {
        let rows = store::refused_rows(conn, supplier_id, id, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        let said = |errors: Vec<FieldError>| {
            errors.iter().map(|error| error.said_in(locale)).collect::<Vec<_>>().join("; ")
        };
        let page = rows.into_iter().map(|row| (row.good, Some(said(row.errors)))).collect();
        list = write(list, page).await?;
    }
    end(list).await?;
    Ok(true)
}

/// Writes a list of two goods, to be filled with one's own.
///
/// # Errors
/// [`ExportError`].
pub async fn template(format: Format, file: std::fs::File) -> Result<(), ExportError> {
    let text = |text: &str| Some(text.to_owned());
    let phone = RawGood {
        sku: text("4216292"),
        category: text("Смартфоны"),
        model: text("apple/iphone/xs-max"),
        name: text("Смартфон Apple iPhone XS Max 512GB (золотистый)"),
        description: text("Экран 6,5 дюйма, две камеры"),
        price: text("110000.00"),
        price_rrc: text("116990.00"),
        quantity: text("14"),
        gtin: text("190198776419"),
        vat: text("22"),
        unit: text("шт"),
        parameters: vec![
            ("Диагональ (дюйм)".to_owned(), "6.5".to_owned()),
            ("Цвет".to_owned(), "золотистый".to_owned()),
        ],
        ..RawGood::default()
    };
    let case = RawGood {
        sku: text("007"),
        category: text("Чехлы"),
        name: text("Чехол для iPhone XS Max"),
        price: text("600.50"),
        quantity: text("30"),
        vat: text("none"),
        min_quantity: text("10"),
        multiple: text("5"),
        parameters: vec![("Цвет".to_owned(), "черный".to_owned())],
        ..RawGood::default()
    };
    let head = ListHead {
        shop: "Ваш магазин".to_owned(),
        categories: vec!["Смартфоны".to_owned(), "Чехлы".to_owned()],
        parameters: vec!["Диагональ (дюйм)".to_owned(), "Цвет".to_owned()],
        is_report: false,
    };
    let list = begin(format, file, head).await?;
    end(write(list, vec![(phone, None), (case, None)]).await?).await
}
