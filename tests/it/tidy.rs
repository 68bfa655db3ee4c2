//! The house rules that check themselves.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use common::{
    clock::Clock,
    locale::Locale,
    mail::{MessageKind, Templates},
};
use worker::registry::Registry;

use crate::support::{TestApp, trade};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Every Rust file of a crate, by its path in the workspace.
fn sources(of: &str) -> Vec<(String, String)> {
    let (root, mut folders, mut files) = (workspace(), vec![workspace().join(of)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("a path in the workspace").display().to_string();
                files.push((name, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    assert!(!files.is_empty(), "there is nothing in {of}");
    files
}

/// Whether SQL may stand in a file: `store.rs`, and folders `store/` and `queue/`.
fn is_room_for_sql(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/") || path.contains("/queue/")
}

#[test]
fn sql_stands_in_its_rooms_only() {
    let mut elsewhere = Vec::new();
    for (path, text) in ["api/src", "worker/src", "common/src"].into_iter().flat_map(sources) {
        if is_room_for_sql(&path) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let sql = ["query!(", "query_as!(", "query_scalar!(", "sqlx::query", "raw_sql(", "copy_in_raw("];
            if sql.iter().any(|sql| line.contains(sql)) {
                elsewhere.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn every_job_is_registered_in_the_worker() {
    let mut declared = BTreeSet::new();
    for (_, text) in sources("common/src") {
        let kinds = text.split("const KIND: &'static str = \"").skip(1);
        declared.extend(kinds.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    let registry = Registry::of_postavka(Clock::system(), trade());
    let registered: BTreeSet<String> = registry.kinds().map(|(kind, _)| kind.to_owned()).collect();
    assert_eq!(declared, registered);
    assert!(!registered.is_empty());
}

/// Loading fails when a part of a kind is missing in a language, and when a folder is of no kind.
#[test]
fn every_template_renders_strictly_in_each_language() {
    let templates = Templates::load().expect("the templates");
    for message in MessageKind::ALL {
        let sample = Templates::sample(message).expect("a sample");
        let mut subjects = BTreeSet::new();
        for locale in Locale::ALL {
            let rendered = templates.render(message, locale, &sample);
            let rendered = rendered.unwrap_or_else(|error| panic!("{locale}/{message}: {error}"));
            for (part, text) in
                [("subject", &rendered.subject), ("text", &rendered.text), ("html", &rendered.html)]
            {
                assert!(!text.trim().is_empty(), "{locale}/{message}: no {part}");
                assert!(!text.contains("{{") && !text.contains("}}"), "{locale}/{message}: {part}: {text}");
            }
            subjects.insert(rendered.subject);
        }
        assert_eq!(subjects.len(), Locale::ALL.len(), "{message} has the same subject in every language");
        let missing = templates.render(message, Locale::Ru, &serde_json::json!({}));
        assert!(missing.is_err(), "{message} is rendered without its data");
    }
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let app = TestApp::start().await;
    let without: Vec<String> = sqlx::query_scalar(
        "select c.conrelid::regclass || ' ' || c.conname
         from pg_constraint c
         join pg_class t on t.oid = c.conrelid
         where c.contype = 'f' and not t.relispartition
           and not exists (
             select from pg_index i
             where i.indrelid = c.conrelid and i.indpred is null
               and (i.indkey::int2[])[0:array_length(c.conkey, 1) - 1] @> c.conkey
               and (i.indkey::int2[])[0:array_length(c.conkey, 1) - 1] <@ c.conkey
           )
         order by 1",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    assert!(without.is_empty(), "{without:#?}");
    app.finish().await;
}

#[tokio::test]
async fn every_check_has_a_name_of_its_own_choosing() {
    let app = TestApp::start().await;
    let unnamed: Vec<String> = sqlx::query_scalar(
        "select conrelid::regclass || ' ' || conname from pg_constraint
         where contype in ('c', 'u') and conrelid <> 0 and conname ~ '_(check|key)[0-9]*$' and conname !~ '^(categories_name_key)$'
         order by 1",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    assert!(unnamed.is_empty(), "violations are mapped by name: {unnamed:#?}");
    app.finish().await;
}

#[test]
fn no_file_of_the_programs_is_longer_than_it_is_read() {
    // From 400 on a file is questioned.
    const TOO_LONG: usize = 500;
    let long: Vec<String> = ["api/src", "worker/src", "common/src", "tests/src"]
        .into_iter()
        .flat_map(sources)
        .filter(|(_, text)| text.lines().count() > TOO_LONG)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The queue replaces apalis's storage for PostgreSQL: what it would bring (its statements, its tables, its trigger) must
/// not come in by a side door, and another release of the traits beneath ours is read before it is used.
#[test]
fn the_queue_stands_on_the_traits_of_apalis_alone() {
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("the lock file");
    let apalis: Vec<&str> = lock
        .split("[[package]]\nname = \"")
        .skip(1)
        .filter(|package| package.starts_with("apalis"))
        .filter_map(|package| package.split("\nsource").next())
        .collect();
    assert_eq!(apalis, ["apalis\"\nversion = \"1.0.0\"", "apalis-core\"\nversion = \"1.0.0\""]);
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let mut names: Vec<String> = fs::read_dir(workspace().join("migrations"))
        .expect("the migrations")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    for (index, name) in names.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} is not number {}", index + 1);
    }
}

#[test]
fn every_setting_stands_in_the_readme() {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("the readme");
    let mut missing = BTreeSet::new();
    for (_, text) in ["api/src", "worker/src", "common/src"].into_iter().flat_map(sources) {
        let settings = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        missing.extend(settings.filter(|name| !readme.contains(&format!("`{name}`"))).map(str::to_owned));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_the_checklists_name_is_there() {
    let text = fs::read_to_string(workspace().join("CONTRIBUTING.md")).expect("the checklists");
    let code: Vec<(String, String)> = ["tests/it", "api/src"].into_iter().flat_map(sources).collect();
    let named: Vec<(&str, &str)> = text.split('`').filter_map(|code| code.split_once("::")).collect();
    let (mut found, mut missing) = (0, Vec::new());
    for (module, name) in named.into_iter().filter(|(module, _)| ["tidy", "openapi"].contains(module)) {
        found += 1;
        let (file, items) = (format!("/{module}.rs"), [format!("fn {name}("), format!("const {name}:")]);
        let mut texts = code.iter().filter(|(path, _)| path.ends_with(&file)).map(|(_, text)| text);
        if !texts.any(|text| items.iter().any(|item| text.contains(item))) {
            missing.push(format!("{module}::{name}"));
        }
    }
    assert!(found >= 10 && missing.is_empty(), "{found} named, missing: {missing:?}");
}
