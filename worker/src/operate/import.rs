//! `worker import <file> --supplier <id>`: a price list brought by an operator, and watched to its end.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use common::{
    audit::{self, Action, Entry},
    clock::Clock,
    config::{DatabaseArgs, Problems},
    db::Db,
    ids::{PriceImportId, SupplierId},
    imports::{self, ImportMode, ImportStatus, NewImport, PriceImport, RowStatus, formats::Format},
    locale::Locale,
    page::Limit,
    program, suppliers,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    time,
};

use super::print_table;

/// How often it is looked how far the import has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Imports a price list for a supplier, and shows how it goes; a worker that takes from `imports` does it.
#[derive(clap::Args)]
pub struct ImportArgs {
    /// The price list
    file: PathBuf,

    /// The supplier's id
    #[arg(long)]
    supplier: SupplierId,

    /// What happens to offers that the list does not name: `replace` withdraws them, `upsert` keeps them
    #[arg(long, default_value = "replace", value_parser = mode)]
    mode: ImportMode,

    /// Only shows what it would change, and waits for somebody to apply or discard it
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    database: DatabaseArgs,
}

fn mode(text: &str) -> Result<ImportMode, String> {
    ImportMode::parse(text).ok_or_else(|| "expected replace or upsert".to_owned())
}

impl ImportArgs {
    /// Does it.
    ///
    /// # Errors
    /// When the file is no price list, the supplier cannot have one, or nothing of it reached the catalogue.
    pub async fn run(self, mut problems: Problems) -> anyhow::Result<()> {
        let settings = self.database.clone().check(&mut problems);
        let db = Db::new(&problems.finish(settings)?)?;
        let id = self.receive(&db).await?;
        let import = watch(&db, self.supplier, id).await?;
        summarize(&db, self.supplier, &import).await?;
        if let Some(error) = &import.error {
            bail!("nothing was imported: {}", error.detail.in_locale(Locale::En));
        }
        Ok(())
    }

    async fn receive(&self, db: &Db) -> anyhow::Result<PriceImportId> {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut file = File::open(&self.file).await.with_context(|| self.file.display().to_string())?;
        let mut head = Vec::new();
        (&mut file).take(Format::HEAD_BYTES as u64).read_to_end(&mut head).await?;
        file.rewind().await?;
        let format = Format::detect(Some(&name), None, &head);
        let format = format
            .context("expected a price list: YAML, CSV, XLSX or YML, or one of these packed by gzip")?;
        let now = Clock::system().now();
        let mut tx = db.begin_long().await?;
        let supplier = suppliers::find(&mut tx, self.supplier).await?.context("there is no such supplier")?;
        ensure!(supplier.confirmed, "nobody of this supplier has confirmed an address");
        let new = NewImport {
            supplier_id: self.supplier,
            requested_by: None,
            mode: self.mode,
            dry_run: self.dry_run,
            format,
            source: name,
        };
        let import = imports::receive(&mut tx, now, &new, file).await?;
        let entry = Entry {
            by: None,
            action: Action::ImportPriceList(import.id),
            details: json!({
                "supplier_id": self.supplier, "mode": self.mode.as_str(), "dry_run": self.dry_run,
            }),
        };
        audit::record(&mut tx, now, &entry).await?;
        tx.commit().await?;
        Ok(import.id)
    }
}

/// Shows how far it has come, on a terminal, until it ends or waits for somebody.
async fn watch(db: &Db, supplier_id: SupplierId, id: PriceImportId) -> anyhow::Result<PriceImport> {
    let style = ProgressStyle::with_template("{msg:12} {bar:40} {bytes} of {total_bytes}")?;
    let bar = ProgressBar::new(0).with_style(style);
    loop {
        let import = imports::find(&mut *db.pool().acquire().await?, supplier_id, id).await?;
        let import = import.context("the import is gone")?;
        bar.set_length(import.bytes.unsigned_abs());
        bar.set_position(import.bytes_read.unsigned_abs());
        bar.set_message(import.status.as_str());
        if import.status.has_ended() || import.status.awaits_decision() {
            bar.finish_and_clear();
            return Ok(import);
        }
        time::sleep(LOOK_EVERY).await;
    }
}

/// Prints what it came to, and the first rows that were refused.
async fn summarize(db: &Db, supplier_id: SupplierId, import: &PriceImport) -> anyhow::Result<()> {
    program::print(format_args!("{}: {}", import.id, import.status.as_str()));
    let counts = import.counts;
    let rows = [
        ("inserted", counts.inserted),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("withdrawn", counts.withdrawn),
        ("failed", counts.failed),
    ];
    print_table(&["GOODS", ""], &rows.map(|(what, count)| vec![what.to_owned(), count.to_string()]));
    for suspicion in &import.suspicions {
        program::print(format_args!("looks like a slip: {}", suspicion.detail().in_locale(Locale::En)));
    }
    if import.status.awaits_decision() {
        program::print("it waits for somebody to apply or discard it");
    }
    let failed = Some(RowStatus::Failed);
    let mut conn = db.pool().acquire().await?;
    let rows = imports::rows(&mut conn, supplier_id, import.id, failed, None, Limit::default()).await?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let details: Vec<_> = row.errors.iter().map(|error| error.said_in(Locale::En)).collect();
            let number = row.row.map(|row| row.to_string()).unwrap_or_default();
            vec![number, row.sku.clone().unwrap_or_default(), details.join("; ")]
        })
        .collect();
    if !rows.is_empty() && import.status != ImportStatus::Failed {
        print_table(&["ROW", "SKU", "WHAT IS WRONG"], &rows);
    }
    Ok(())
}
