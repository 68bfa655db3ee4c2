//! The demonstration's price lists are what they pretend to be.

use std::{collections::BTreeSet, io::Cursor, ops::ControlFlow};

use super::*;
use crate::{
    imports::{FieldCode, Good, Rejected, normalized},
    vat::VatRates,
};

fn checked(format: Format, list: &[u8]) -> Vec<Result<Good, Rejected>> {
    let mut goods = Vec::new();
    let mut sink = |raw| {
        goods.push(Good::check(raw, &VatRates::default()));
        ControlFlow::Continue(())
    };
    let summary = read(format, Cursor::new(list), Limits::default(), &mut sink).unwrap();
    assert_eq!((summary.rows, summary.ignored_fields.len()), (goods.len() as u64, 0));
    goods
}

fn elektron() -> Vec<Good> {
    let list = include_bytes!("../../../../tests/data/elektron.yaml");
    checked(Format::Yaml, list).into_iter().map(Result::unwrap).collect()
}

fn kancler() -> Vec<Good> {
    let list = include_bytes!("../../../../tests/data/kancler.csv");
    checked(Format::Csv, list).into_iter().map(Result::unwrap).collect()
}

#[test]
fn every_good_of_both_suppliers_is_sound_and_has_a_sku_of_its_own() {
    for goods in [elektron(), kancler()] {
        let skus: BTreeSet<&str> = goods.iter().map(|good| good.sku.as_str()).collect();
        assert!((40..=60).contains(&goods.len()) && skus.len() == goods.len());
        assert!(goods.iter().all(|good| good.recommended_price.is_some_and(|rrc| rrc > good.price)));
    }
}

#[test]
fn some_products_are_offered_by_both_suppliers() {
    let keys = |goods: Vec<Good>| -> BTreeSet<(String, String)> {
        goods.iter().map(|good| (good.category.normalized(), normalized(&good.name))).collect()
    };
    assert_eq!(keys(elektron()).intersection(&keys(kancler())).count(), 9);
}

#[test]
fn the_broken_list_has_an_error_of_nearly_every_kind() {
    let list = include_bytes!("../../../../tests/data/broken.csv");
    let errors: Vec<(u64, String, FieldCode)> = checked(Format::Csv, list)
        .into_iter()
        .filter_map(Result::err)
        .flat_map(|rejected| rejected.errors.into_iter().map(move |e| (rejected.row, e.field, e.code)))
        .collect();
    let expected = [
        (2, "price", FieldCode::NotANumber),
        (3, "price", FieldCode::Negative),
        (4, "category", FieldCode::Required),
        (5, "id", FieldCode::Required),
        (6, "name", FieldCode::Required),
        (7, "quantity", FieldCode::Fractional),
        (8, "row", FieldCode::CellCount),
        (9, "row", FieldCode::BadQuotes),
        (10, "price", FieldCode::Ambiguous),
        (11, "price", FieldCode::NotPositive),
        (12, "row", FieldCode::CellCount),
        (13, "price", FieldCode::NotANumber),
        (13, "price_rrc", FieldCode::NotANumber),
        (13, "quantity", FieldCode::NotANumber),
        (14, "quantity", FieldCode::TooLarge),
    ];
    assert_eq!(errors, expected.map(|(row, field, code)| (row, field.to_owned(), code)));
}
