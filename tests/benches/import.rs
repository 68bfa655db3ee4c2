//! Price lists, against PostgreSQL doing our own SQL, and against the least that the work needs.
//!
//! `cargo bench -p tests --bench import`. A worker process with one slot, over a catalogue that is empty at first; 100,000
//! goods with five parameters, and a million for its memory. A time runs from the commit of the upload until the list is
//! seen to have ended. The limit is what the worker itself asked of PostgreSQL (see [`Replay`]): all goods in one `COPY`,
//! then the transactions that find the difference and apply it, by psql over a database of its own.

#[path = "import/list.rs"]
mod list;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use common::{
    clock::Clock,
    config::DatabaseSettings,
    db::Db,
    ids::{PriceImportId, SupplierId},
    imports::{self, ImportMode, NewImport, formats::Format},
};
use futures_util::TryStreamExt;
use list::List;
use local_stack::bench::{
    Cluster, Recording, Replay, Report, Round, Run, WorkerProcess, build_programs, target_dir,
};
use sqlx::{PgConnection, postgres::PgPoolCopyExt};
use tokio::time;

const ROUNDS: usize = 3;

const GOODS: u32 = 100_000;
const MANY_GOODS: u32 = 1_000_000;

/// How long a list may take.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// The columns that goods are copied into.
const STAGED: &str =
    "import_id, row, line, sku, category, category_key, model, name, name_key, description, price_minor,
    recommended_price_minor, stock, parameters";

const FILL: &str = "
    insert into organizations (id, kind, name, created_at, approved_at)
        values ('01900000-0000-7000-8000-000000000001', 'supplier', 'Связной', now(), now());
    insert into suppliers (id, updated_at) values ('01900000-0000-7000-8000-000000000001', now());
";

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let target = target_dir(env!("CARGO_TARGET_TMPDIR"));
    build_programs()?;
    let cluster = Cluster::start().await?;
    let empty = cluster.database("import", FILL).await?;
    let bench = Bench { lists: Lists::write(&target.join("bench-lists"))?, cluster, target, empty };
    let replays = bench.warm_up().await?;
    let mut report = Report::default();
    for round in 1..=ROUNDS {
        println!("Round {round} of {ROUNDS} …");
        bench.round(&replays, &mut report).await?;
    }
    println!("{MANY_GOODS} goods …");
    let grown = bench.growth_of_a_million().await?;
    report.add("import.memory.1m_mib", "MiB", Round { ours: grown, limit: None, reference: None });
    report.finish(&bench.target, "import")
}

/// Price lists on the disk.
struct Lists {
    csv: PathBuf,
    changed_csv: PathBuf,
    yaml: PathBuf,
    many_csv: PathBuf,
    reference: PathBuf,
}

impl Lists {
    fn write(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let file = |name: &str| dir.join(name);
        let lists = Self {
            csv: file("new.csv"),
            changed_csv: file("changed.csv"),
            yaml: file("new.yaml"),
            many_csv: file("many.csv"),
            reference: file("reference.tsv"),
        };
        let usual = List { goods: GOODS, changed: false };
        usual.write_csv(&lists.csv)?;
        usual.write_yaml(&lists.yaml)?;
        usual.write_reference(&lists.reference)?;
        List { changed: true, ..usual }.write_csv(&lists.changed_csv)?;
        List { goods: MANY_GOODS, ..usual }.write_csv(&lists.many_csv)?;
        Ok(lists)
    }
}

/// What a list had PostgreSQL do.
struct Asked {
    import_id: PriceImportId,
    stage: PathBuf,
    replay: Replay,
}

struct Bench {
    cluster: Cluster,
    target: PathBuf,
    /// A database with a supplier and nothing else.
    empty: String,
    lists: Lists,
}

impl Bench {
    /// Imports a list once, and notes what was asked of PostgreSQL.
    async fn warm_up(&self) -> anyhow::Result<Asked> {
        println!("Warming up …");
        let database = self.cluster.copy(&self.empty, "import_ours").await?;
        let recording = Recording::begin(&self.cluster, &database).await?;
        let worker = Worker::start(self, &database).await?;
        let import_id = worker.receive(&self.lists.csv, Format::Csv).await?;
        worker.wait_for(import_id, &["applying"]).await?;
        let stage = self.target.join("bench-lists/stage.tsv");
        worker.save_stage(import_id, &stage).await?;
        worker.wait_for_end(import_id).await?;
        worker.end().await;
        let replay = recording.after_copying(&import_id.to_string())?;
        Ok(Asked { import_id, stage, replay })
    }

    async fn round(&self, asked: &Asked, report: &mut Report) -> anyhow::Result<()> {
        let limit = self.replayed(asked).await?;
        let reference = self.merged_by_reference()?;
        let database = self.cluster.copy(&self.empty, "import_ours").await?;
        let worker = Worker::start(self, &database).await?;
        let new = worker.import(&self.lists.csv, Format::Csv).await?;
        let changed = worker.import(&self.lists.changed_csv, Format::Csv).await?;
        let same = worker.import(&self.lists.changed_csv, Format::Csv).await?;
        worker.end().await;
        let database = self.cluster.copy(&self.empty, "import_ours").await?;
        let worker = Worker::start(self, &database).await?;
        let new_yaml = worker.import(&self.lists.yaml, Format::Yaml).await?;
        worker.end().await;

        let against = |ours: Duration, limit: Duration, reference: Option<Duration>| Round {
            ours: ours.as_secs_f64(),
            limit: Some(limit.as_secs_f64()),
            reference: reference.map(|time| time.as_secs_f64()),
        };
        report.add("import.csv.new.100k", "s", against(new, limit, Some(reference)));
        report.add("import.yaml.new.100k", "s", against(new_yaml, limit, Some(reference)));
        report.add("import.csv.changed1pct.100k", "s", against(changed, new, None));
        report.add("import.csv.same.100k", "s", against(same, new, None));
        Ok(())
    }

    /// How long psql takes for what our worker had asked.
    async fn replayed(&self, asked: &Asked) -> anyhow::Result<Duration> {
        let database = self.cluster.copy(&self.empty, "import_limit").await?;
        let db = connect(&self.cluster.url(&database))?;
        let import_id = receive(&db, &self.lists.csv, Format::Csv).await?;
        db.close().await;
        let ids = [(asked.import_id.to_string(), import_id.to_string())];
        let ids: Vec<_> = ids.iter().map(|(recorded, wanted)| (recorded.as_str(), wanted.as_str())).collect();
        let stage = fs::read_to_string(&asked.stage)?.replace(ids[0].0, ids[0].1);
        let script = format!("copy price_import_stage ({STAGED}) from stdin;\n{stage}\\.\n");
        self.psql(&database, &(script + &asked.replay.script(&ids)))
    }

    fn merged_by_reference(&self) -> anyhow::Result<Duration> {
        let script = |name: &str| -> anyhow::Result<String> {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference");
            Ok(fs::read_to_string(dir.join(name))?)
        };
        let schema = format!(
            "{}{}delete from reference.offer where supplier_id = 5;vacuum analyze",
            script("schema.sql")?,
            script("import_stage.sql")?
        );
        self.psql("postgres", &schema)?;
        let copied = format!("\\copy reference.stage from '{}'\n", self.lists.reference.display());
        self.psql("postgres", &format!("{copied}analyze reference.stage;\n{}", script("import_merge.sql")?))
    }

    /// Runs a script, and says how long that took.
    fn psql(&self, database: &str, script: &str) -> anyhow::Result<Duration> {
        let file = self.target.join("bench-lists/script.sql");
        fs::write(&file, script)?;
        let begun = Instant::now();
        let output = Command::new(self.cluster.program("psql"))
            .args(["--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"])
            .arg("-d")
            .arg(self.cluster.url(database))
            .arg("-f")
            .arg(&file)
            .env("PGOPTIONS", "--client-min-messages=warning -c jit=off")
            .output()
            .context("cannot start psql")?;
        let took = begun.elapsed();
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql has failed: {complained}");
        Ok(took)
    }

    async fn growth_of_a_million(&self) -> anyhow::Result<f64> {
        let database = self.cluster.copy(&self.empty, "import_ours").await?;
        let worker = Worker::start(self, &database).await?;
        let took = worker.import(&self.lists.many_csv, Format::Csv).await?;
        println!("{MANY_GOODS} goods took {took:.1?}");
        worker.process.growth_mib()
    }
}

/// A worker process, and the way to its database.
struct Worker {
    process: WorkerProcess,
    db: Db,
}

impl Worker {
    async fn start(bench: &Bench, database: &str) -> anyhow::Result<Self> {
        let database_url = bench.cluster.url(database);
        let target_dir = &bench.target;
        let run = Run { name: "worker", target_dir, database_url: &database_url, settings: Vec::new() };
        Ok(Self { process: WorkerProcess::start(run, "imports=1").await?, db: connect(&database_url)? })
    }

    /// Leaves the database to others.
    async fn end(self) {
        drop(self.process);
        self.db.close().await;
    }

    async fn receive(&self, file: &Path, format: Format) -> anyhow::Result<PriceImportId> {
        receive(&self.db, file, format).await
    }

    /// How long a list takes to get into the catalogue.
    async fn import(&self, file: &Path, format: Format) -> anyhow::Result<Duration> {
        let id = self.receive(file, format).await?;
        let begun = Instant::now();
        self.wait_for_end(id).await?;
        Ok(begun.elapsed())
    }

    async fn wait_for_end(&self, id: PriceImportId) -> anyhow::Result<()> {
        self.wait_for(id, &["completed"]).await
    }

    async fn wait_for(&self, id: PriceImportId, statuses: &[&str]) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut connection = self.db.pool().acquire().await?;
        loop {
            let status = status_of(&mut connection, id).await?;
            if statuses.contains(&status.as_str()) {
                return Ok(());
            }
            let over = ["completed", "completed_with_errors", "failed", "held_for_review", "validated"];
            ensure!(!over.contains(&status.as_str()), "the import is {status}");
            ensure!(begun.elapsed() < PATIENCE, "the import is still {status}");
            time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Saves the goods that are staged: other transactions see them until the one that applies them ends.
    async fn save_stage(&self, id: PriceImportId, file: &Path) -> anyhow::Result<()> {
        let goods =
            format!("copy (select {STAGED} from price_import_stage where import_id = '{id}') to stdout");
        let mut rows = self.db.pool().copy_out_raw(&goods).await?;
        let mut saved = Vec::new();
        while let Some(row) = rows.try_next().await? {
            saved.extend_from_slice(&row);
        }
        ensure!(!saved.is_empty(), "the goods were applied before they could be read");
        Ok(fs::write(file, saved)?)
    }
}

async fn status_of(connection: &mut PgConnection, id: PriceImportId) -> anyhow::Result<String> {
    let status = sqlx::query_scalar("select status from price_imports where id = $1").bind(id);
    Ok(status.fetch_one(connection).await?)
}

fn connect(url: &str) -> anyhow::Result<Db> {
    Ok(Db::new(&DatabaseSettings { url: url.to_owned(), max_connections: 4 })?)
}

/// Uploads a list.
async fn receive(db: &Db, file: &Path, format: Format) -> anyhow::Result<PriceImportId> {
    let new = NewImport {
        supplier_id: supplier(),
        requested_by: None,
        mode: ImportMode::Replace,
        dry_run: false,
        format,
        source: file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let file = tokio::fs::File::open(file).await?;
    let mut tx = db.begin_long().await?;
    let import = imports::receive(&mut tx, Clock::system().now(), &new, file).await?;
    tx.commit().await?;
    Ok(import.id)
}

fn supplier() -> SupplierId {
    SupplierId(uuid::uuid!("01900000-0000-7000-8000-000000000001"))
}
