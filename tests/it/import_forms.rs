//! The forms of price lists: each is recognised, and what goes out comes in again as it was.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::support::TestApp;

const ELEKTRON: &str = include_str!("../data/elektron.yaml");
const EXPORT: &str = "/api/v1/supplier/price-list";

const CATALOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">\
    <yml_catalog><shop><name>Связной</name><categories><category id=\"1\">Смартфоны</category></categories><offers>\
    <offer id=\"A\"><name>Телефон А</name><price>100</price><currencyId>RUR</currencyId><categoryId>1</categoryId>\
    <count>10</count><param name=\"Цвет\">черный</param></offer>\
    <offer id=\"B\"><name>Телефон Б</name><price>20</price><currencyId>USD</currencyId><categoryId>1</categoryId>\
    <count>5</count></offer></offers></shop></yml_catalog>";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("a vector can be written to");
    packed.finish().expect("a vector can be written to")
}

/// Asserts how many goods an import inserted, left as they were, and refused.
#[track_caller]
fn assert_came(import: &Value, [inserted, unchanged, failed]: [u32; 3]) {
    let expected = json!({ "inserted": inserted, "updated": 0, "unchanged": unchanged, "withdrawn": 0, "failed": failed });
    assert_eq!(import["counts"], expected, "{import}");
}

#[tokio::test]
async fn a_list_is_told_by_its_content_whatever_it_is_called() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let csv = "id;category;name;price;quantity;Цвет\nA;Смартфоны;Телефон А;100;10;черный\n";
    for (file, bytes, counts) in [
        ("market.yml", CATALOG.as_bytes().to_vec(), [1, 0, 1]),
        ("price.csv.gz", gzip(csv.as_bytes()), [0, 1, 0]),
        ("price", gzip(csv.as_bytes()), [0, 1, 0]),
        ("price.txt", csv.as_bytes().to_vec(), [0, 1, 0]),
        ("price.csv", gzip(CATALOG.as_bytes()), [0, 1, 1]),
    ] {
        let import = app.import(&supplier, file, bytes).await;
        assert_came(&import, counts);
    }
    supplier.upload("/api/v1/supplier/imports", "price.txt", "что угодно").await.assert_status(415);
    app.finish().await;
}

#[tokio::test]
async fn errors_are_in_the_words_of_the_form() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "market.xml", CATALOG).await;
    let rows =
        format!("/api/v1/supplier/imports/{}/rows?status=failed", import["id"].as_str().expect("an id"));
    let rows = supplier.get(&rows).await.assert_status(200).json();
    let expected = json!([
        { "field": "currencyId", "code": "wrong_currency", "detail": "найдено «USD», ожидается RUB" },
    ]);
    assert_eq!((&rows["items"][0]["sku"], &rows["items"][0]["errors"]), (&json!("B"), &expected));
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_is_uploaded_again_changes_nothing() {
    let app = TestApp::start().await;
    let tricky = "  - {id: '=1+1', category: 10, name: \"=cmd|' /C calc'!A0\", price: 7, quantity: 1,\n\
                  \x20    description: \"первая\\nвторая; \\\"третья\\\"\", parameters: {'@a': '-1+1', id: \"'=2\", Вес: '-20'}}\n";
    let supplier =
        app.supplier("Электрон").with_price_list(format!("{}\n{tricky}", ELEKTRON.trim_end())).create().await;
    for (format, media_type) in [
        ("yaml", "application/yaml"),
        ("csv", "text/csv"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("yml", "application/xml"),
    ] {
        let list = supplier.get(&format!("{EXPORT}?format={format}")).await.assert_status(200);
        assert_eq!(list.header("content-type"), Some(media_type));
        let import = app.import(&supplier, "price-list", list.bytes()).await;
        assert_came(&import, [0, 46, 0]);
        if format == "csv" {
            assert!(list.text().contains(";'=cmd|' /C calc'!A0;"), "{}", list.text());
        }
    }
    supplier.get(&format!("{EXPORT}?format=xls")).await.invalid(&[("format", "unknown_word")]);
    app.finish().await;
}

#[tokio::test]
async fn only_what_is_offered_is_exported_and_only_ones_own() {
    let app = TestApp::start().await;
    let list = |sku: &str| format!("id,category,name,price,quantity\n{sku},Столы,Стол {sku},5,1\n");
    let supplier = app.supplier("Электрон").create().await;
    supplier.may_withdraw_all().await;
    app.import(&supplier, "price.csv", list("OLD")).await;
    app.import(&supplier, "price.csv", list("NEW")).await;
    let other = app.supplier("Канцлер").create().await;
    app.import(&other, "price.csv", list("OTHER")).await;
    let export = supplier.get(&format!("{EXPORT}?format=csv")).await.assert_status(200);
    let expected = "\u{feff}id;category;model;name;description;price;price_rrc;quantity;gtin;vat;unit;\
                    min_quantity;multiple\nNEW;Столы;;Стол NEW;;5,00;;1;;;;;\n";
    assert_eq!(export.text(), expected);
    app.finish().await;
}

#[tokio::test]
async fn a_template_can_be_uploaded_as_it_is() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    for (format, counts) in [("yaml", [2, 0, 0]), ("csv", [0, 2, 0]), ("xlsx", [0, 2, 0]), ("yml", [0, 2, 0])]
    {
        let template = supplier.get(&format!("{EXPORT}/template?format={format}")).await.assert_status(200);
        let name =
            format!("attachment; filename=\"template.{}\"", if format == "yml" { "xml" } else { format });
        assert_eq!(template.header("content-disposition"), Some(name.as_str()));
        let import = app.import(&supplier, "template", template.bytes()).await;
        assert_came(&import, counts);
    }
    app.finish().await;
}
