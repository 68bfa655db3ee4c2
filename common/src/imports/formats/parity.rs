//! The same goods from every form, and no input that brings a form down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    io::{Cursor, Read, Seek},
    ops::ControlFlow,
};

use proptest::prelude::*;

use super::*;
use crate::{
    imports::{Good, Rejected},
    money::Money,
    vat::VatRates,
};

/// A good as a supplier's program knows it.
#[derive(Clone, Debug)]
struct Sample {
    sku: String,
    category: usize,
    name: String,
    description: String,
    price: i64,
    quantity: u32,
    parameters: BTreeMap<String, String>,
}

const CATEGORIES: [&str; 3] = ["Смартфоны", "Бытовая техника", "true"];

/// Texts that are easily mistaken for something else.
fn text() -> impl Strategy<Value = String> {
    let tricky = prop::sample::select(vec![
        "007",
        "1.10",
        "true",
        "null",
        "~",
        "NaN",
        "0x10",
        "1e9",
        "- a",
        "a: b",
        "#x",
        "\"",
        "'",
        "a,b;c\td",
        "\\n",
        "{}",
        "[]",
        "&a",
        "*a",
        "!x",
        "%",
        "@",
        "`",
        "|",
        ">",
        "2026-05-01",
        "19\" экран",
        "😀",
        "«ёлка» №5",
        "=1+1",
    ]);
    prop_oneof![tricky.prop_map(str::to_owned), "[a-zа-яё0-9 ,;:\"'#{}\\[\\]\\\\-]{1,30}"]
        .prop_filter("a text that is more than white space, and no guarded formula", |text| {
            !text.trim().is_empty() && !text.trim().starts_with('\'')
        })
}

fn sample() -> impl Strategy<Value = Sample> {
    let parameters =
        prop::collection::btree_map("[а-я ]{0,8}[а-я]".prop_map(|name| name.trim().to_owned()), text(), 0..5);
    (
        text(),
        0..CATEGORIES.len(),
        text(),
        "|[a-zа-я\"\n,]{0,40}",
        1..Money::MAX.minor(),
        any::<u16>(),
        parameters,
    )
        .prop_map(|(sku, category, name, description, price, quantity, parameters)| Sample {
            sku,
            category,
            name,
            description,
            price,
            quantity: u32::from(quantity),
            parameters,
        })
}

fn amount(minor: i64) -> String {
    Money::from_minor(minor).unwrap().to_string()
}

/// A text in double quotes, as YAML reads it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn yaml(samples: &[Sample], categories_first: bool) -> String {
    let categories: Vec<String> = CATEGORIES
        .iter()
        .enumerate()
        .map(|(id, name)| format!("{{id: {id}, name: {}}}", quoted(name)))
        .collect();
    let categories = format!("categories: [{}]\n", categories.join(", "));
    let mut goods = String::from("goods:\n");
    for sample in samples {
        let parameters: Vec<String> = sample
            .parameters
            .iter()
            .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
            .collect();
        write!(
            goods,
            "  - id: {}\n    category: {}\n    name: {}\n    description: {}\n    price: {}\n    quantity: {}\n    parameters: {{{}}}\n",
            quoted(&sample.sku),
            sample.category,
            quoted(&sample.name),
            quoted(&sample.description),
            amount(sample.price),
            sample.quantity,
            parameters.join(", "),
        )
        .unwrap();
    }
    if categories_first { categories + &goods } else { goods + &categories }
}

fn csv(samples: &[Sample], delimiter: char) -> String {
    let names: std::collections::BTreeSet<&str> =
        samples.iter().flat_map(|sample| sample.parameters.keys().map(String::as_str)).collect();
    let mut header =
        ["quantity", "id", "category", "name", "description", "price"].join(&delimiter.to_string());
    for name in &names {
        write!(header, "{delimiter}param:{name}").unwrap();
    }
    let mut list = header + "\n";
    for sample in samples {
        let mut cells = vec![
            sample.quantity.to_string(),
            sample.sku.clone(),
            CATEGORIES[sample.category].to_owned(),
            sample.name.clone(),
            sample.description.clone(),
            amount(sample.price).replace('.', ","),
        ];
        cells.extend(names.iter().map(|name| sample.parameters.get(*name).cloned().unwrap_or_default()));
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        list.push_str(&cells.join(&delimiter.to_string()));
        list.push('\n');
    }
    list
}

/// A good with any texts that a list can have.
fn any_good() -> impl Strategy<Value = Good> {
    let texts = || prop_oneof![3 => text(), 1 => any::<String>(), 1 => "['=+@-]{1,3}[0-9a-я]{0,4}"];
    let parameters = prop::collection::vec((texts(), texts()), 0..4);
    let numbers = (1..Money::MAX.minor(), prop::option::of(1..Money::MAX.minor()), 0..1_000_000_000_i64);
    let rates = prop::sample::select(vec!["none", "0", "5", "7", "10", "22"]);
    let gtins = prop::sample::select(vec!["4601234567893", "036000291452", "96385074", "14601234567890"]);
    let packs = (prop::option::of(1..1_000), prop::option::of(1..1_000));
    let terms = (prop::option::of(gtins), prop::option::of(rates), prop::option::of("\\PC{0,20}"), packs);
    (
        texts(),
        texts(),
        prop::option::of(texts()),
        texts(),
        prop::option::of("(\\PC|\n){0,40}"),
        numbers,
        terms,
        parameters,
    )
        .prop_filter_map(
            "a good that can be taken",
            |(sku, category, model, name, description, numbers, (gtin, vat, unit, packs), parameters)| {
                let (min_quantity, multiple) = packs;
                let raw = RawGood {
                    sku: Some(sku),
                    category: Some(category),
                    model,
                    name: Some(name),
                    description,
                    price: Some(amount(numbers.0)),
                    price_rrc: numbers.1.map(amount),
                    quantity: Some(numbers.2.to_string()),
                    gtin: gtin.map(str::to_owned),
                    vat: vat.map(str::to_owned),
                    unit,
                    min_quantity: min_quantity.map(|packs: i32| (packs * multiple.unwrap_or(1)).to_string()),
                    multiple: multiple.map(|pieces: i32| pieces.to_string()),
                    parameters,
                    ..RawGood::default()
                };
                Good::check(raw, &VatRates::default()).ok()
            },
        )
}

/// A list as it is exported.
fn written(format: Format, goods: &[Good]) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    let distinct =
        |texts: Vec<String>| texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    let head = ListHead {
        shop: "Связной".to_owned(),
        categories: distinct(goods.iter().map(|good| good.category.as_str().to_owned()).collect()),
        parameters: distinct(goods.iter().flat_map(|good| good.parameters.keys().cloned()).collect()),
        is_report: false,
    };
    let mut list = writer(format, Box::new(file.try_clone().unwrap()), &head).unwrap();
    for good in goods {
        let raw = RawGood {
            sku: Some(good.sku.as_str().to_owned()),
            category: Some(good.category.as_str().to_owned()),
            model: good.model.clone(),
            name: Some(good.name.clone()),
            description: good.description.clone(),
            price: Some(good.price.to_string()),
            price_rrc: good.recommended_price.map(|price| price.to_string()),
            quantity: Some(good.quantity.to_string()),
            gtin: good.gtin.as_ref().map(ToString::to_string),
            vat: good.vat_rate.as_ref().map(ToString::to_string),
            unit: good.unit.clone(),
            min_quantity: good.terms.said().0.map(|pieces| pieces.to_string()),
            multiple: good.terms.said().1.map(|pieces| pieces.to_string()),
            parameters: good.parameters.clone().into_iter().collect(),
            ..RawGood::default()
        };
        list.write(&raw, None).unwrap();
    }
    list.finish().unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn checked(format: Format, list: &[u8]) -> Result<Vec<Result<Good, Rejected>>, ReadError> {
    let mut goods = Vec::new();
    let mut sink = |raw| {
        goods.push(Good::check(raw, &VatRates::default()));
        ControlFlow::Continue(())
    };
    read(format, Cursor::new(list), Limits::default(), &mut sink).map(|_| goods)
}

fn goods(format: Format, list: &str) -> Vec<Good> {
    checked(format, list.as_bytes()).unwrap().into_iter().map(Result::unwrap).collect()
}

proptest! {
    #[test]
    fn yaml_and_csv_of_the_same_goods_are_the_same_goods(
        samples in prop::collection::vec(sample(), 1..8),
        delimiter in prop::sample::select(vec![',', ';', '\t']),
        categories_first: bool,
    ) {
        let from_yaml = goods(Format::Yaml, &yaml(&samples, categories_first));
        prop_assert_eq!(&goods(Format::Csv, &csv(&samples, delimiter)), &from_yaml);
        for (sample, good) in samples.iter().zip(&from_yaml) {
            prop_assert_eq!(good.sku.as_str(), sample.sku.trim().replace('\t', " "));
            prop_assert_eq!(&good.name, &sample.name.trim().replace('\t', " "));
            prop_assert_eq!(good.price.minor(), sample.price);
            prop_assert_eq!(good.parameters.len(), sample.parameters.len());
            for (name, value) in &sample.parameters {
                prop_assert_eq!(good.parameters[name].as_str(), value.trim());
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was(goods in prop::collection::vec(any_good(), 1..6)) {
        for format in Format::ALL {
            let read = checked(format, &written(format, &goods)).unwrap();
            let read: Vec<Good> = read.into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(&read, &goods, "{:?}", format);
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        for format in Format::ALL {
            let _unused = checked(format, &bytes);
        }
    }

    #[test]
    fn no_text_panics(text in "([-:{}\\[\\],&*!|>'\"%@`#?<~ \n\ta0.ж]|goods:|categories:|id|name){0,60}") {
        let _unused = checked(Format::Yaml, text.as_bytes());
        let _unused = checked(Format::Yaml, format!("categories: []\ngoods:\n  - {text}").as_bytes());
        let _unused = checked(Format::Csv, text.as_bytes());
        let _unused = checked(Format::Csv, format!("id,category,name,price,quantity\n{text}").as_bytes());
    }

    #[test]
    fn no_markup_panics(
        text in "(</?(yml_catalog|shop|offers?|name|price|param|row|c|v|is|t|f)( (id|r|s|t|name)=\"[A-C0-9sb]{0,3}\")?/?>\
                 |<!--|-->|<!\\[CDATA\\[|\\]\\]>|&(amp|#x0|#65|x);?|[<>&\"/= a0ж]){0,40}",
    ) {
        let _unused = checked(Format::Yml, text.as_bytes());
        let _unused = checked(Format::Yml, format!("<yml_catalog><shop><categories/><offers>{text}").as_bytes());
        let _unused = checked(Format::Xlsx, &super::xlsx::tests::list(&text));
    }

    #[test]
    fn no_change_to_a_sound_list_panics(
        goods in prop::collection::vec(any_good(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        for format in Format::ALL {
            let mut bytes = written(format, &goods);
            for (at, byte, how) in &changes {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let _unused = checked(format, &bytes);
        }
    }
}
