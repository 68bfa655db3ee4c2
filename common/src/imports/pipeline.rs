//! From the stored file to the stage: reading and checking off the runtime's threads, copying meanwhile.
//!
//! A few batches are on their way at any time, each bounded by rows and bytes, so memory stays the same whatever the
//! size of the list and of its goods.

use std::{
    io::{self, Read, Seek, SeekFrom},
    mem,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::counter;
use sqlx::PgPool;
use tokio::{runtime::Handle, sync::mpsc, task};

use super::{
    CHUNK_BYTES, Good, Rejected,
    formats::{self, Format, Limits, ListSummary, RawGood, ReadError},
    store::{self, Begun},
};
use crate::{
    config::TradeSettings,
    db::Db,
    ids::PriceImportId,
    queue::{Failure, Run},
    vat::VatRates,
};

/// How many rows are copied at once.
const BATCH_ROWS: usize = 2_000;

/// And how many bytes of texts: a good may have 200 KiB of them.
const BATCH_BYTES: usize = 4 << 20;

/// How many batches may wait to be copied.
const WAITING_BATCHES: usize = 2;

/// How often the progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Why a list did not get to the stage.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The list could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The database refused, or the job is another worker's by now.
    #[error(transparent)]
    Attempt(#[from] Failure),
    /// The reader did not end as it should.
    #[error("reading the price list broke off: {0}")]
    Broken(#[from] task::JoinError),
}

/// Rows that were read together.
struct Batch {
    format: Format,
    rates: Arc<VatRates>,
    goods: Vec<(u64, Option<u64>, Good)>,
    rejected: Vec<Rejected>,
    last_row: u64,
    bytes: usize,
}

impl Batch {
    fn of(format: Format, rates: Arc<VatRates>) -> Self {
        Self { format, rates, goods: Vec::new(), rejected: Vec::new(), last_row: 0, bytes: 0 }
    }

    fn take(&mut self, raw: RawGood) {
        let (row, line) = (raw.row, raw.line);
        let stood = raw.clone();
        match Good::check(raw, &self.rates) {
            Ok(good) => {
                self.bytes += good.weight();
                self.goods.push((row, line, good));
            }
            Err(mut rejected) => {
                for error in &mut rejected.errors {
                    error.field = self.format.field(&error.field);
                }
                rejected.good = stood.kept_for_report();
                self.bytes += rejected.weight();
                self.rejected.push(rejected);
            }
        }
        self.last_row = row;
    }

    fn is_full(&self) -> bool {
        self.goods.len() + self.rejected.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

/// Reads an import's file, and stages what is right of it; what is wrong is kept for the report.
///
/// # Errors
/// [`StageError`].
pub async fn stage(
    db: &Db,
    run: &Run,
    begun: &Begun,
    trade: &TradeSettings,
) -> Result<ListSummary, StageError> {
    let (sender, mut batches) = mpsc::channel::<Batch>(WAITING_BATCHES);
    let file = StoredFile::open(db.pool().clone(), begun.id).await.map_err(Failure::from)?;
    let (format, bytes_read) = (begun.format, Arc::clone(&file.bytes_read));
    let limits = Limits { currency: Some(trade.currency), ..Limits::default() };
    let batch = Batch::of(format, Arc::new(trade.vat_rates.clone()));
    let reading = task::spawn_blocking(move || read(batch, file, limits, &sender));
    let mut shown = Instant::now();
    let mut rows_counted = 0;
    while let Some(batch) = batches.recv().await {
        keep(db, run, begun, &batch).await?;
        counter!("import_rows_read_total").increment(batch.last_row.saturating_sub(rows_counted));
        rows_counted = batch.last_row.max(rows_counted);
        if shown.elapsed() >= PROGRESS_EVERY {
            let bytes = bytes_read.load(Ordering::Relaxed);
            let noted = store::note_progress(db.pool(), begun.id, batch.last_row, bytes).await;
            noted.map_err(Failure::from)?;
            shown = Instant::now();
        }
    }
    Ok(reading.await??)
}

/// Keeps what was read together, as long as the job is this worker's: another may have begun again meanwhile.
async fn keep(db: &Db, run: &Run, begun: &Begun, batch: &Batch) -> Result<(), Failure> {
    let mut tx = db.begin().await?;
    run.hold(&mut tx).await?;
    if !batch.goods.is_empty() {
        store::stage(&mut tx, begun.id, &batch.goods).await?;
    }
    if !batch.rejected.is_empty() {
        store::insert_rejected(&mut tx, begun.id, &batch.rejected).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn read(
    mut batch: Batch,
    file: StoredFile,
    limits: Limits,
    sender: &mpsc::Sender<Batch>,
) -> Result<ListSummary, ReadError> {
    let (format, rates) = (batch.format, Arc::clone(&batch.rates));
    let summary = formats::read(format, io::BufReader::new(file), limits, &mut |raw| {
        batch.take(raw);
        if !batch.is_full() {
            return ControlFlow::Continue(());
        }
        // Nobody receives any more when the copying failed; its error is the one to tell.
        match sender.blocking_send(mem::replace(&mut batch, Batch::of(format, Arc::clone(&rates)))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    if sender.blocking_send(batch).is_err() {
        tracing::debug!("the last rows of a price list were not wanted any more");
    }
    Ok(summary)
}

/// The chunks of an uploaded file, read one after the other as one file.
struct StoredFile {
    pool: PgPool,
    runtime: Handle,
    id: PriceImportId,
    chunks: u64,
    bytes: u64,
    position: u64,
    /// The farthest that it was read.
    bytes_read: Arc<AtomicU64>,
    loaded: Option<(u64, Vec<u8>)>,
}

impl StoredFile {
    async fn open(pool: PgPool, id: PriceImportId) -> Result<Self, sqlx::Error> {
        let (chunks, bytes) = store::chunks(&pool, id).await?;
        Ok(Self {
            pool,
            runtime: Handle::current(),
            id,
            chunks: u64::try_from(chunks).unwrap_or(0),
            bytes: u64::try_from(bytes).unwrap_or(0),
            position: 0,
            bytes_read: Arc::default(),
            loaded: None,
        })
    }

    fn chunk(&mut self, number: u64) -> io::Result<&[u8]> {
        if self.loaded.as_ref().is_none_or(|(loaded, _)| *loaded != number) {
            let position = i32::try_from(number).map_err(io::Error::other)?;
            let chunk = self.runtime.block_on(store::chunk(&self.pool, self.id, position));
            let data = chunk.map_err(io::Error::other)?.unwrap_or_default();
            self.loaded = Some((number, data));
        }
        Ok(self.loaded.as_ref().map_or(&[], |(_, data)| data))
    }
}

impl Read for StoredFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (number, offset) = (self.position / CHUNK_BYTES, self.position % CHUNK_BYTES);
        if number >= self.chunks {
            return Ok(0);
        }
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let rest = self.chunk(number)?.get(offset..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.position += read as u64;
        self.bytes_read.fetch_max(self.position, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for StoredFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
        }
        .ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(description: &str) -> Batch {
        let text = |text: &str| Some(text.to_owned());
        let raw = RawGood {
            sku: text("1"),
            category: text("Товары"),
            name: text("Чайник"),
            price: text("1"),
            quantity: text("1"),
            description: text(description),
            ..RawGood::default()
        };
        let mut batch = Batch::of(Format::Csv, Arc::default());
        while !batch.is_full() {
            batch.take(raw.clone());
        }
        batch
    }

    #[test]
    fn a_batch_is_full_by_its_rows_or_by_their_texts() {
        assert_eq!(filled("").goods.len(), BATCH_ROWS);
        assert!(filled(&"ж".repeat(20_000)).goods.len() <= BATCH_BYTES / 40_000 + 1);
        let rejected = filled(&"ж".repeat(20_001)).rejected;
        assert_eq!(rejected.len(), BATCH_ROWS, "what is too long is not kept");
    }
}
