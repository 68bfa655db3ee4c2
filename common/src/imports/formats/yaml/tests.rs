use std::io::Cursor;

use super::*;
use crate::imports::{FieldCode, formats::FileError};

fn try_list(text: &str, limits: Limits) -> Result<(ListSummary, Vec<RawGood>), FileError> {
    let mut goods = Vec::new();
    let mut sink = |good| {
        goods.push(good);
        ControlFlow::Continue(())
    };
    match read(Cursor::new(text), limits, &mut sink) {
        Ok(summary) => Ok((summary, goods)),
        Err(ReadError::File(error)) => Err(error),
        Err(ReadError::Source(error)) => panic!("{error}"),
    }
}

fn list(text: &str) -> (ListSummary, Vec<RawGood>) {
    try_list(text, Limits::default()).unwrap()
}

/// The entries of a list whose `goods` are given as they stand, indented by two.
fn goods(goods: &str) -> Vec<RawGood> {
    list(&format!("categories: [{{id: 224, name: Смартфоны}}]\ngoods:\n{goods}")).1
}

fn file_error(text: &str) -> FileError {
    try_list(text, Limits::default()).unwrap_err()
}

/// The codes of an entry's errors, with their fields.
fn errors(good: &RawGood) -> Vec<(&str, FieldCode)> {
    good.errors.iter().map(|error| (error.field.as_str(), error.code)).collect()
}

const SHOP: &str = r#"
shop: Связной
categories:
  - id: 224
    name: Смартфоны
  - id: 15
    name: Аксессуары
    parent: 1
currency: RUB

goods:
  - id: 4216292
    category: 224
    model: apple/iphone/xs-max
    name: Смартфон Apple iPhone XS Max 512GB (золотистый)
    price: 110000
    price_rrc: 116990
    quantity: 14
    image: 1.jpg
    parameters:
      "Диагональ (дюйм)": 6.5
      "Цвет": золотистый
  - id: 4672670
    category: 15
    name: Чехол
    description: |
      Первая строка
      вторая
    price: 600
    quantity: 3
    image: 1.jpg
"#;

#[test]
fn a_list_as_suppliers_have_it_is_read() {
    let (summary, goods) = list(SHOP);
    assert_eq!((summary.shop.as_deref(), summary.rows), (Some("Связной"), 2));
    assert_eq!(goods[0].sku.as_deref(), Some("4216292"));
    assert_eq!(goods[0].category.as_deref(), Some("Смартфоны"));
    assert_eq!(goods[0].parameters[0], ("Диагональ (дюйм)".to_owned(), "6.5".to_owned()));
    assert_eq!(goods[1].description.as_deref(), Some("Первая строка\nвторая\n"));
    assert_eq!(
        goods.iter().map(|good| (good.row, good.line)).collect::<Vec<_>>(),
        [(1, Some(12)), (2, Some(23))]
    );
    assert!(goods.iter().all(|good| good.errors.is_empty()));
}

#[test]
fn unknown_fields_are_counted_by_name() {
    let ignored = list(SHOP).0.ignored_fields;
    let expected = [("categories[].parent", 1), ("currency", 1), ("goods[].image", 2)];
    assert_eq!(ignored.into_iter().collect::<Vec<_>>(), expected.map(|(name, n)| (name.to_owned(), n)));
}

#[test]
fn a_value_is_the_text_that_stands_there() {
    for text in
        ["007", "1.10", "true", "no", "0x10", "1e999", ".nan", "2026-05-01", "12:30", "1_000", "+5", "'null'"]
    {
        let good = goods(&format!("  - id: {text}\n")).remove(0);
        assert_eq!(good.sku.as_deref(), Some(text.trim_matches('\'')));
    }
}

#[test]
fn nothing_and_null_are_absent() {
    let good =
        goods("  - {id: 1, name: , model: ~, description: null, price: '', parameters: {a: , b: ~, c: 1}}\n")
            .remove(0);
    assert_eq!((good.name, good.model, good.description, good.price), (None, None, None, None));
    assert_eq!(good.parameters, [("c".to_owned(), "1".to_owned())]);
    assert!(goods("  - {id: 1, parameters: }\n").remove(0).errors.is_empty());
}

#[test]
fn a_field_of_the_wrong_shape_is_that_rows_error() {
    let all = goods(
        "  - {id: 1, price: [1, 2], name: {a: {b: c}}, parameters: [x]}\n  - текст\n  - [1, [2]]\n  - {id: 5}\n",
    );
    let wrong = FieldCode::WrongShape;
    assert_eq!(errors(&all[0]), [("price", wrong), ("name", wrong), ("parameters", wrong)]);
    assert_eq!(all[0].errors[0].detail.en, "found a list, expected a text");
    assert_eq!((errors(&all[1]), errors(&all[2])), (vec![("row", wrong)], vec![("row", wrong)]));
    assert_eq!((all[3].sku.as_deref(), errors(&all[3])), (Some("5"), vec![]));
}

#[test]
fn a_field_given_twice_is_that_rows_error_and_an_id_given_twice_is_no_id() {
    let all = goods("  - {id: 1, id: 2, price: 5, price: 6, parameters: {}, parameters: {}}\n  - {id: 3}\n");
    let twice = FieldCode::DuplicateKey;
    assert_eq!(errors(&all[0]), [("id", twice), ("price", twice), ("parameters", twice)]);
    assert_eq!((all[0].sku.as_deref(), all[1].sku.as_deref()), (None, Some("3")));
}

#[test]
fn a_category_id_means_something_in_its_list_only() {
    let all = list(
        "categories: [{id: 1, name: А}, {id: 2}, {id: 3, name: Б}, {id: 3, name: В}, {name: Г}, д]\n\
         goods: [{category: 1}, {category: 2}, {category: 3}, {category: 4}, {category: А}]\n",
    );
    assert_eq!(all.1[0].category.as_deref(), Some("А"));
    for good in &all.1[1..] {
        assert_eq!(
            (good.category.as_deref(), errors(good)),
            (None, vec![("category", FieldCode::UnknownCategory)])
        );
    }
    assert_eq!(
        all.1[3].errors[0].detail.en,
        "found «4», expected the id of a category that stands under `categories`"
    );
}

#[test]
fn categories_may_come_after_the_goods() {
    let (before, after) =
        SHOP.split_once("goods:").map(|(head, tail)| (head.trim(), format!("goods:{tail}"))).unwrap();
    let turned = list(&format!("{after}{before}\n"));
    assert_eq!((turned.0, turned.1.len()), (list(SHOP).0, 2));
    assert_eq!(turned.1[1].category.as_deref(), Some("Аксессуары"));
}

#[test]
fn a_list_without_categories_gives_each_good_its_error() {
    assert_eq!(errors(&list("goods: [{category: 1}]").1[0]), [("category", FieldCode::UnknownCategory)]);
}

#[test]
fn an_empty_list_has_no_goods() {
    for text in ["goods: []", "goods:", "goods: ~", "categories:\ngoods: []"] {
        assert_eq!(list(text).0.rows, 0, "{text}");
    }
}

#[test]
fn what_is_no_list_says_what_was_expected() {
    for (text, code) in [
        ("", FileCode::Empty),
        ("# только примечание\n", FileCode::Empty),
        ("- 1\n", FileCode::WrongShape),
        ("просто текст", FileCode::WrongShape),
        ("shop: x\n", FileCode::GoodsMissing),
        ("goods: {a: 1}", FileCode::WrongShape),
        ("goods: много", FileCode::WrongShape),
        ("categories: {1: a}\ngoods: []", FileCode::WrongShape),
        ("goods: []\ngoods: []", FileCode::DuplicateKey),
        ("goods: []\n---\ngoods: []\n", FileCode::WrongShape),
    ] {
        let error = file_error(text);
        assert_eq!(error.code, code, "{text}: {error}");
        assert!(error.detail.en.contains("expected"), "{error}");
    }
}

#[test]
fn a_syntax_error_is_named_by_line_and_column() {
    let error = file_error("categories: []\ngoods:\n  - {id: 1}\n  - {id: 2]\n");
    assert_eq!((error.code, error.line, error.column), (FileCode::Syntax, Some(4), Some(5)), "{error}");
}

#[test]
fn equal_values_written_as_aliases_are_understood() {
    let all = goods(
        "  - {id: 1, name: &name Чехол, parameters: &p {Цвет: &c черный, Вес: *c}}\n  - {id: 2, name: *name, parameters: *p}\n",
    );
    assert_eq!((all[0].name.as_deref(), &all[0].parameters), (Some("Чехол"), &all[1].parameters));
    assert_eq!(all[1].parameters[1], ("Вес".to_owned(), "черный".to_owned()));
    assert_eq!(all[1].name.as_deref(), Some("Чехол"));
}

#[test]
fn an_alias_inside_its_own_node_or_of_nothing_is_refused() {
    assert_eq!(file_error("categories: []\ngoods: &g [*g]").code, FileCode::TooManyAliases);
    assert_eq!(file_error("categories: []\ngoods: [*nothing]").code, FileCode::Syntax);
}

#[test]
fn a_merge_key_is_that_rows_error() {
    assert_eq!(errors(&goods("  - {<<: {name: x}, id: 1}\n")[0]), [("row", FieldCode::MergeKey)]);
}

#[test]
fn tags_of_programming_languages_are_that_rows_error_and_yamls_own_are_not() {
    let all = goods(
        "  - {id: !!str 007, price: !!float 1.10, name: ! x}\n  - {id: 2, name: !!python/object:os.system x}\n",
    );
    assert_eq!(
        (all[0].sku.as_deref(), all[0].price.as_deref(), errors(&all[0])),
        (Some("007"), Some("1.10"), vec![])
    );
    assert_eq!(errors(&all[1]), [("name", FieldCode::UnknownTag)]);
}

#[test]
fn goods_beyond_the_limit_are_refused() {
    let limits = Limits { goods: 1, ..Limits::default() };
    let error = try_list("categories: []\ngoods:\n  - {id: 1}\n  - {id: 2}\n", limits).unwrap_err();
    assert_eq!((error.code, error.line), (FileCode::TooManyGoods, Some(4)));
}

#[test]
fn a_sink_that_breaks_off_ends_the_reading() {
    let summary = read(Cursor::new(SHOP), Limits::default(), &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(summary.rows, 1);
}
