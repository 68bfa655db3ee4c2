//! Lists that mean harm, or were broken on their way: a clear error, soon, and in bounded memory.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::ControlFlow,
};

use encoding_rs::WINDOWS_1251;

use super::*;
use crate::{
    imports::{FieldCode, Good, Rejected},
    vat::VatRates,
};

const HEADER: &str = "id,category,name,price,quantity\n";

type Checked = Result<Good, Rejected>;

fn try_list(format: Format, source: impl Read + Seek) -> Result<Vec<Checked>, FileError> {
    let mut goods = Vec::new();
    let mut sink = |raw| {
        goods.push(Good::check(raw, &VatRates::default()));
        ControlFlow::Continue(())
    };
    match read(format, source, Limits::default(), &mut sink) {
        Ok(_) => Ok(goods),
        Err(ReadError::File(error)) => Err(error),
        Err(ReadError::Source(error)) => panic!("{error}"),
    }
}

fn file_error(format: Format, source: impl AsRef<[u8]>) -> FileError {
    let error = try_list(format, Cursor::new(source)).map(|goods| goods.len()).unwrap_err();
    assert!(error.detail.len() < 1_000, "{error}");
    error
}

fn goods(format: Format, source: impl AsRef<[u8]>) -> Vec<Checked> {
    try_list(format, Cursor::new(source)).unwrap()
}

/// The only error of the only good.
fn row_error(format: Format, source: impl AsRef<[u8]>) -> (String, FieldCode) {
    let mut rejected = goods(format, source).remove(0).unwrap_err();
    assert_eq!(rejected.errors.len(), 1, "{rejected:?}");
    let error = rejected.errors.remove(0);
    (error.field, error.code)
}

fn yaml_good(fields: &str) -> String {
    format!("categories: [{{id: 1, name: К}}]\ngoods:\n  - {{id: 1, category: 1, name: Н, {fields}}}\n")
}

/// A beginning, and then the same again for so many bytes; nothing of it is ever in memory.
struct Endless {
    head: &'static [u8],
    again: &'static [u8],
    len: u64,
    at: u64,
}

impl Endless {
    fn new(head: &'static str, again: &'static str, len: u64) -> Self {
        Self { head: head.as_bytes(), again: again.as_bytes(), len, at: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = (self.len - self.at).min(buf.len() as u64) as usize;
        for byte in &mut buf[..n] {
            let at = self.at as usize;
            *byte = match at.checked_sub(self.head.len()) {
                None => self.head[at],
                Some(beyond) => self.again[beyond % self.again.len()],
            };
            self.at += 1;
        }
        Ok(n)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            SeekFrom::Current(0) => {}
            SeekFrom::Current(_) | SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        }
        Ok(self.at)
    }
}

fn endless_error(format: Format, source: Endless) -> FileError {
    try_list(format, source).map(|goods| goods.len()).unwrap_err()
}

const HUNDRED_MB: u64 = 100 << 20;

#[test]
fn an_alias_bomb_goes_off_harmlessly_wherever_it_lies() {
    let mut bomb = String::from("x0: &x0 [бум, бум, бум, бум, бум, бум, бум, бум, бум]\n");
    for n in 1..12 {
        let before = format!("*x{}", n - 1);
        bomb.push_str(&format!("x{n}: &x{n} [{}]\n", [before.as_str(); 9].join(", ")));
    }
    for list in [
        "goods: *x11\n",
        "goods: [{name: *x11}]\n",
        "goods: [{parameters: {a: *x11}}]\n",
        "goods: [{other: *x11}]\n",
    ] {
        assert_eq!(
            file_error(Format::Yaml, format!("{bomb}categories: []\n{list}")).code,
            FileCode::TooManyAliases
        );
    }
    let texts =
        format!("a: &a {}\ncategories: []\ngoods:\n{}", "ж".repeat(100_000), "  - *a\n".repeat(100_000));
    assert_eq!(file_error(Format::Yaml, texts).code, FileCode::TooManyAliases);
}

#[test]
fn too_much_under_an_anchor_is_refused() {
    let list = Endless::new("categories: []\ngoods: &all\n", "  - {id: 1}\n", HUNDRED_MB);
    assert_eq!(endless_error(Format::Yaml, list).code, FileCode::TooManyAliases);
}

#[test]
fn a_hundred_thousand_levels_are_too_deep() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        for list in [format!("other:\n  {deep}"), format!("categories: []\ngoods:\n  - name:\n      {deep}")]
        {
            assert_eq!(file_error(Format::Yaml, list).code, FileCode::Syntax);
        }
    }
    let steps: String = (0..1_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(file_error(Format::Yaml, steps).code, FileCode::Syntax);
}

#[test]
fn a_value_of_a_hundred_megabytes_is_not_kept() {
    let code = FileCode::ValueTooLong;
    for (head, again) in [
        ("categories: []\ngoods: [{name: ", "x"),
        ("categories: []\ngoods: [{name: \"", "жы "),
        ("categories: []\ngoods:\n  - name: |\n", "      строка\n"),
        ("categories: []\ngoods:\n  - name: ", "x y\n     "),
        ("goods: []\n# ", "x"),
        ("goods: []\n", "\n"),
    ] {
        assert_eq!(endless_error(Format::Yaml, Endless::new(head, again, HUNDRED_MB)).code, code, "{head}");
    }
    for (head, again, code) in [
        ("", "x", FileCode::ValueTooLong),
        ("id,category,name,price,quantity\n1,К,", "x", FileCode::ValueTooLong),
        ("id,category,name,price,quantity\n1,К", ",", FileCode::ValueTooLong),
        ("id,category,name,price,quantity\n1,К,\"", "x\n", FileCode::UnclosedQuote),
    ] {
        assert_eq!(endless_error(Format::Csv, Endless::new(head, again, HUNDRED_MB)).code, code, "{head}");
    }
}

#[test]
fn a_list_that_never_ends_is_cut_at_its_limit() {
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    for (format, head, again) in [
        (Format::Yaml, "categories: []\ngoods:\n", "  - {id: 1}\n"),
        (Format::Csv, "id,category,name,price,quantity\n", "1,2,3,4,5\n"),
        (Format::Csv, "id,category,name,price,quantity\n", "\n"),
    ] {
        let result =
            read(format, Endless::new(head, again, u64::MAX), limits, &mut |_| ControlFlow::Continue(()));
        let Err(ReadError::File(error)) = result else { panic!("{head}") };
        assert_eq!(error.code, FileCode::TooLarge);
    }
}

#[test]
fn ten_thousand_parameters_are_too_many() {
    let parameters: Vec<String> = (0..10_000).map(|n| format!("п{n}: да")).collect();
    let list = yaml_good(&format!("price: 1, quantity: 1, parameters: {{{}}}", parameters.join(", ")));
    assert_eq!(row_error(Format::Yaml, list), ("parameters".into(), FieldCode::TooMany));
    let header = format!("{}{}\n", HEADER.trim(), ",x".repeat(10_000));
    assert_eq!(file_error(Format::Csv, header).code, FileCode::TooManyColumns);
    let row = format!("{HEADER}1,К,Н,5,1{}\n", ",x".repeat(10_000));
    assert_eq!(row_error(Format::Csv, row), ("row".into(), FieldCode::CellCount));
}

#[test]
fn errors_of_one_good_are_bounded() {
    let rejected = goods(Format::Yaml, yaml_good(&"<<: 1, ".repeat(100_000))).remove(0).unwrap_err();
    assert!(rejected.errors.len() < 200);
}

#[test]
fn a_nul_never_reaches_the_database() {
    let control = FieldCode::ControlCharacter;
    assert_eq!(row_error(Format::Csv, format!("{HEADER}1,К,Н\0,5,1\n")), ("name".into(), control));
    assert_eq!(row_error(Format::Csv, format!("{HEADER}1,К\0,Н,5,1\n")), ("category".into(), control));
    let escaped = yaml_good(r#"price: 5, quantity: 1, parameters: {"a\0": "b", c: "\0"}"#);
    let rejected = goods(Format::Yaml, escaped).remove(0).unwrap_err();
    assert!(rejected.errors.iter().all(|error| error.code == control) && rejected.errors.len() == 2);
    assert_eq!(file_error(Format::Yaml, yaml_good("price: \0")).code, FileCode::Syntax);
}

#[test]
fn numbers_that_are_none_are_refused_in_both_forms() {
    for (price, code) in [
        ("-5", FieldCode::Negative),
        ("0", FieldCode::NotPositive),
        ("NaN", FieldCode::NotANumber),
        (".inf", FieldCode::NotANumber),
        ("1e999", FieldCode::NotANumber),
        ("0x10", FieldCode::NotANumber),
        ("١٢٣", FieldCode::NotANumber),
        ("9999999999999999999999999999999999999999", FieldCode::TooLarge),
        ("'1,234'", FieldCode::Ambiguous),
    ] {
        let expected = ("price".to_owned(), code);
        assert_eq!(
            row_error(Format::Yaml, yaml_good(&format!("price: {price}, quantity: 1"))),
            expected,
            "{price}"
        );
        let cell = price.replace('\'', "\"");
        assert_eq!(row_error(Format::Csv, format!("{HEADER}1,К,Н,{cell},1\n")), expected, "{price}");
    }
    for (quantity, code) in
        [("-1", FieldCode::Negative), ("1.5", FieldCode::Fractional), ("1e9", FieldCode::NotANumber)]
    {
        let expected = ("quantity".to_owned(), code);
        assert_eq!(row_error(Format::Yaml, yaml_good(&format!("price: 1, quantity: {quantity}"))), expected);
        assert_eq!(row_error(Format::Csv, format!("{HEADER}1,К,Н,1,{quantity}\n")), expected);
    }
}

#[test]
fn every_encoding_gives_the_same_goods() {
    let csv = format!("{HEADER}1,Канцтовары,Ручка «Ёж» №5,10,5\n");
    let yaml = "categories: [{id: 1, name: Канцтовары}]\ngoods: [{id: 1, category: 1, name: Ручка «Ёж» №5, price: 10, quantity: 5}]\n";
    let expected = goods(Format::Csv, &csv);
    assert!(expected[0].is_ok());
    for (format, text) in [(Format::Csv, csv.as_str()), (Format::Yaml, yaml)] {
        let marked = format!("\u{feff}{text}");
        let utf16 = |bytes: fn(u16) -> [u8; 2]| marked.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for bytes in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            WINDOWS_1251.encode(text).0.into_owned(),
        ] {
            assert_eq!(goods(format, bytes), expected, "{format:?}");
        }
    }
}

#[test]
fn a_broken_character_costs_its_row_only() {
    let mut csv = format!("{HEADER}1,Канцтовары,Ручка,10,5\n2,Канцтовары,Карандаш,10,5\n").into_bytes();
    let at = csv.windows(2).position(|pair| pair == "ш".as_bytes()).unwrap();
    csv.remove(at + 1);
    let all = goods(Format::Csv, csv);
    assert!(all[0].is_ok());
    assert_eq!(all[1].as_ref().unwrap_err().errors[0].code, FieldCode::UnreadableCharacter);
}

#[test]
fn lone_returns_are_line_breaks() {
    let all = goods(Format::Csv, "id,category,name,price,quantity\r1,К,Н,5,1\r2,К,Н,5,1\r");
    assert_eq!((all.len(), all.iter().all(Result::is_ok)), (2, true));
    let yaml = yaml_good("price: 1, quantity: 1").replace('\n', "\r");
    assert!(goods(Format::Yaml, yaml)[0].is_ok());
}

#[test]
fn a_truncated_list_is_refused_or_ends_with_a_rejected_row() {
    for cut in ["categories: [", "categories: []\ngoods: [{id: 1", "categories: []\ngoods:\n  - id: \"1"] {
        assert_eq!(file_error(Format::Yaml, cut).code, FileCode::Syntax, "{cut}");
    }
    let all = goods(Format::Csv, format!("{HEADER}1,К,Н,5,1\n2,К,Н"));
    assert_eq!(all[1].as_ref().unwrap_err().errors[0].code, FieldCode::CellCount);
}

#[test]
fn archives_are_named_for_what_they_are() {
    for format in [Format::Yaml, Format::Csv, Format::Yml] {
        assert_eq!(file_error(format, b"PK\x03\x04\x14\0").code, FileCode::NotText);
        assert_eq!(file_error(format, b"%PDF-1.7").code, FileCode::NotText);
        assert_eq!(file_error(format, b"\x1f\x8b\x08\0\0").code, FileCode::Damaged);
    }
    assert_eq!(file_error(Format::Xlsx, b"\xd0\xcf\x11\xe0").code, FileCode::NotAWorkbook);
}

#[test]
fn hidden_characters_do_not_reach_the_catalogue() {
    let csv = format!("{HEADER}4\u{200b}2,К\u{ad},\u{202e}Н\u{2066},5,1\n");
    let good = goods(Format::Csv, csv).remove(0).unwrap();
    assert_eq!((good.sku.as_str(), good.category.as_str(), good.name.as_str()), ("42", "К", "Н"));
}

#[test]
fn a_formula_is_a_text_like_any_other() {
    let good = goods(Format::Csv, format!("{HEADER}1,К,=cmd|' /C calc'!A0,5,1\n")).remove(0).unwrap();
    assert_eq!(good.name, "=cmd|' /C calc'!A0");
}

#[test]
fn a_name_of_ten_thousand_characters_is_too_long() {
    let list = format!("{HEADER}1,К,{},5,1\n", "ж".repeat(10_000));
    assert_eq!(row_error(Format::Csv, list), ("name".into(), FieldCode::TooLong));
}
