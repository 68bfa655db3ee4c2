//! Fault 14: price lists that mean harm, or were broken on their way. Each has a clear error, soon, in bounded memory, and
//! changes nothing.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    Tally,
    support::{TestApp, price_list},
};

const HEADER: &str = "id,category,name,price,quantity\n";

/// A list, under which name it comes, and what is said of it: a code for the whole list, or that of its only row.
struct Hostile {
    what: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    code: &'static str,
}

fn hostile(what: &'static str, file: &'static str, bytes: impl Into<Vec<u8>>, code: &'static str) -> Hostile {
    Hostile { what, file, bytes: bytes.into(), code }
}

/// The same piece again and again, packed: nothing of it is ever in memory.
fn packed(head: &str, piece: &str, bytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(head.as_bytes()).unwrap();
    let block = piece.repeat((1 << 16) / piece.len());
    for _ in 0..bytes / block.len() {
        packed.write_all(block.as_bytes()).unwrap();
    }
    packed.finish().unwrap()
}

fn good(fields: &str) -> String {
    format!("categories: [{{id: 1, name: К}}]\ngoods:\n  - {{id: 1, category: 1, name: Н, {fields}}}\n")
}

fn alias_bomb() -> String {
    let mut bomb = String::from("x0: &x0 [бум, бум, бум, бум, бум, бум, бум, бум, бум]\n");
    for n in 1..12 {
        let before = format!("*x{}", n - 1);
        bomb.push_str(&format!("x{n}: &x{n} [{}]\n", [before.as_str(); 9].join(", ")));
    }
    bomb + "goods: *x11\n"
}

/// A row of a CSV list: sku, category, name, price, quantity.
fn row(cells: &str) -> String {
    format!("{HEADER}{cells}\n")
}

/// `mib` is how large the large ones are.
fn lists(mib: usize) -> Vec<Hostile> {
    let deep = format!("categories: []\ngoods:\n  - name: {}", "[".repeat(100_000));
    let wide = format!("{}{}\n", HEADER.trim(), ",x".repeat(10_000));
    let entity = "<!DOCTYPE yml_catalog [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><yml_catalog/>";
    let long_name = row(&format!("1,К,{},5,1", "ж".repeat(10_000)));
    let utf16: Vec<u8> = "\u{feff}id;name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        hostile("alias bomb", "a.yaml", alias_bomb(), "too_many_aliases"),
        hostile("100,000 levels", "a.yaml", deep, "syntax"),
        hostile("100,000 levels of XML", "a.xml", "<a>".repeat(100_000), "syntax"),
        hostile("entities", "a.xml", entity, "own_definitions"),
        hostile("gzip bomb of zeros", "a.csv.gz", packed("", "\0", mib << 20), "value_too_long"),
        hostile("gzip bomb of empty rows", "a.csv.gz", packed(HEADER, "\n", mib << 20), "decompression_bomb"),
        hostile(
            "gzip bomb of XML",
            "a.xml.gz",
            packed("<yml_catalog>", "<a></a>", mib << 20),
            "decompression_bomb",
        ),
        hostile("a line of 100 MB", "a.csv.gz", packed(&row("1,К,"), "жы ", 100 << 20), "value_too_long"),
        hostile("a quote that is never closed", "a.csv", row("1,К,\"Н,5,1\n2,К,Н,5,1"), "unclosed_quote"),
        hostile("10,000 columns", "a.csv", wide, "too_many_columns"),
        hostile("a truncated upload", "a.yaml", "categories: []\ngoods: [{id: 1", "syntax"),
        hostile("a truncated archive", "a.csv.gz", &packed(HEADER, "1,К,Н,5,1\n", 1 << 20)[..900], "damaged"),
        hostile("a broken workbook", "a.xlsx", *b"PK\x03\x04\x14\0\0\0", "damaged"),
        hostile("UTF-16 without the columns", "a.csv", utf16, "missing_columns"),
        hostile("an empty list", "a.yaml", "categories: []\ngoods: []\n", "no_goods"),
        hostile(
            "a custom tag",
            "a.yaml",
            good("price: !!python/object:os.system x, quantity: 1"),
            "unknown_tag",
        ),
        hostile("a duplicate key", "a.yaml", good("price: 1, price: 2, quantity: 1"), "duplicate_key"),
        hostile("NUL", "a.csv", row("1,К,Н\0,5,1"), "control_character"),
        hostile("a negative price", "a.csv", row("1,К,Н,-5,1"), "negative"),
        hostile("NaN", "a.csv", row("1,К,Н,NaN,1"), "not_a_number"),
        hostile("1e999", "a.yaml", good("price: 1e999, quantity: 1"), "not_a_number"),
        hostile("hexadecimal", "a.yaml", good("price: 0x10, quantity: 1"), "not_a_number"),
        hostile("40 digits", "a.csv", row(&format!("1,К,Н,{},1", "9".repeat(40))), "too_large"),
        hostile("a fraction of a piece", "a.csv", row("1,К,Н,5,1.5"), "fractional"),
        hostile("an ambiguous price", "a.csv", row("1,К,Н,\"1,234\",1"), "ambiguous"),
        hostile("a missing category", "a.csv", row("1,,Н,5,1"), "required"),
        hostile("a repeated id", "a.csv", row("1,К,Н,5,1\n1,К,Н,5,1"), "repeated"),
        hostile("a name of 10,000 characters", "a.csv", long_name, "too_long"),
    ]
}

/// A figure of this process, in MiB: `VmRSS` or `VmHWM`.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() >> 10
}

fn taken_ms(import: &Value) -> i128 {
    let at = |name: &str| OffsetDateTime::parse(import[name].as_str().unwrap(), &Rfc3339).unwrap();
    (at("finished_at") - at("started_at")).whole_milliseconds()
}

async fn price_lists(mib: usize) -> Tally {
    let app = TestApp::start().await;
    let goods = price_list(&[("A", "Телефон", "100", 10)]);
    let supplier = app.supplier("Электрон").with_price_list(goods).create().await;
    let before: Vec<(String, i64)> =
        sqlx::query_as("select sku, price_minor from offers").fetch_all(app.pool()).await.unwrap();
    let mut tally = Tally::default();
    println!("{:<30} {:<20} {:>8} {:>10}", "list", "said", "ms", "MiB more");
    for list in lists(mib) {
        // The peak begins anew.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let held = memory("VmRSS:");
        let import = app.import_as(&supplier, "upsert", list.file, list.bytes).await;
        let more = memory("VmHWM:").saturating_sub(held);
        let said = match import["error"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None => import["problems"][0]["code"].as_str().unwrap_or_default().to_owned(),
        };
        println!("{:<30} {said:<20} {:>8} {more:>10}", list.what, taken_ms(&import));
        tally.attempted += 1;
        tally.faults += 1;
        tally.check(said == list.code, || format!("{}: {import}", list.what));
    }
    let after: Vec<(String, i64)> =
        sqlx::query_as("select sku, price_minor from offers").fetch_all(app.pool()).await.unwrap();
    tally.check(after == before, || format!("the catalogue has changed: {after:?}"));
    app.finish().await;
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn price_lists_mean_harm() {
    price_lists(40).await.report("fault 14 (short)");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn fault_14_hostile_price_lists() {
    price_lists(2 << 10).await.report("fault 14");
}
