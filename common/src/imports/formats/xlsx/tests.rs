use std::io::{Cursor, Write};

use flate2::{Compression, write::DeflateEncoder};

use super::*;
use crate::imports::formats::FileError;

/// The parts of an archive, and what it says of their sizes if that is not the truth.
pub(in super::super) fn archive(parts: &[(&str, &[u8])], said_sizes: Option<u32>) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let long = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    for (name, content) in parts {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(content).unwrap();
        let packed = packed.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let size = said_sizes.map_or(long(content.len()), u32::to_le_bytes);
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &long(packed.len()),
            &size,
            &short(name.len()),
        ]
        .concat();
        directory.extend(
            [b"PK\x01\x02\x14\0".as_slice(), &common, &[0; 12], &long(file.len()), name.as_bytes()].concat(),
        );
        file.extend([b"PK\x03\x04".as_slice(), &common, &[0; 2], name.as_bytes(), &packed].concat());
    }
    let count = short(parts.len());
    let end = [&count[..], &count, &long(directory.len()), &long(file.len()), &[0; 2]].concat();
    [file, directory, b"PK\x05\x06\0\0\0\0".to_vec(), end].concat()
}

const ROOT: &str = r#"<Relationships xmlns="x"><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONS: &str = r#"<Relationships><Relationship Id="a" Type="http://x/worksheet" Target="/xl/hidden.xml"/><Relationship Id="b" Type="http://x/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="c" Type="http://x/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="d" Type="http://x/styles" Target="./styles.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<x:workbook xmlns:x="x" xmlns:r="r"><x:workbookPr/><x:sheets><x:sheet name="1" state="hidden" r:id="a"/><x:sheet name="Прайс" sheetId="2" r:id="b"/></x:sheets></x:workbook>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="dd\.mm\.yyyy"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="4"/></cellXfs></styleSheet>"#;
const TEXTS: &str = r#"<sst count="4" uniqueCount="4"><si><t>Смартфоны</t></si><si><r><t xml:space="preserve">Смарт</t></r><r><rPr><b/></rPr><t>фон</t></r><rPh sb="0"><t>фу</t></rPh></si><si><t>первая_x000A_вторая</t></si><si><t>_x005F_x0041_ &amp; &#1041;</t></si></sst>"#;

/// A workbook whose first shown sheet has these rows.
pub(in super::super) fn workbook(rows: &str) -> Vec<u8> {
    let sheet =
        format!("<worksheet><dimension ref=\"A1\"/><sheetData>{rows}</sheetData><pageMargins/></worksheet>");
    let parts: [(&str, &[u8]); 6] = [
        ("_rels/.rels", ROOT.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/sharedStrings.xml", TEXTS.as_bytes()),
        ("xl/worksheets/sheet2.xml", sheet.as_bytes()),
    ];
    archive(&parts, None)
}

fn text(reference: &str, text: &str) -> String {
    format!(r#"<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

/// The header of a list, and this in the rows after it.
pub(in super::super) fn list(rows: &str) -> Vec<u8> {
    let names = ["id", "category", "name", "price", "quantity", "Дата", "description"];
    let header: String =
        names.iter().zip(["A2", "B2", "C2", "D2", "E2", "F2", "G2"]).map(|(n, r)| text(r, n)).collect();
    workbook(&format!("<row r=\"1\"><c r=\"A1\" s=\"1\"/></row><row r=\"2\">{header}</row>{rows}"))
}

fn try_read(file: &[u8]) -> Result<(ListSummary, Vec<RawGood>), FileError> {
    let mut goods = Vec::new();
    let mut sink = |good| {
        goods.push(good);
        ControlFlow::Continue(())
    };
    match read(Cursor::new(file), Limits::default(), &mut sink) {
        Ok(summary) => Ok((summary, goods)),
        Err(ReadError::File(error)) => Err(error),
        Err(ReadError::Source(error)) => panic!("{error}"),
    }
}

#[test]
fn a_sheet_is_read_as_it_is_shown() {
    let row = "<row r=\"7\"><c r=\"A7\"><v>4216292</v></c><c r=\"B7\" t=\"s\"><v>0</v></c><c r=\"C7\" t=\"s\"><v>1</v></c>\
               <c r=\"D7\" s=\"2\"><f>A1*2</f><v>1.1000000000000001</v></c><c r=\"E7\"><v>14</v></c>\
               <c r=\"F7\" s=\"1\"><v>46143</v></c><c r=\"G7\" t=\"s\"><v>2</v></c><c r=\"I7\" t=\"s\"><v>3</v></c></row>";
    let (summary, mut goods) = try_read(&list(row)).unwrap();
    let good = goods.remove(0);
    assert_eq!((good.row, good.line, summary.rows), (1, Some(7), 1));
    assert_eq!((good.sku.as_deref(), good.category.as_deref()), (Some("4216292"), Some("Смартфоны")));
    assert_eq!((good.name.as_deref(), good.price.as_deref()), (Some("Смартфон"), Some("1.1")));
    assert_eq!(good.description.as_deref(), Some("первая\nвторая"));
    assert_eq!(good.parameters, [("Дата".to_owned(), "2026-05-01".to_owned())]);
    assert_eq!(summary.ignored_fields["column 9"], 1);
}

#[test]
fn cells_without_references_follow_one_another() {
    let row = "<row><c><v>7</v></c><c t=\"str\"><v>К</v></c><c t=\"inlineStr\"><is><t>Н</t></is></c><c><v>5</v></c></row>";
    let good = try_read(&list(row)).unwrap().1.remove(0);
    assert_eq!(
        (good.sku.as_deref(), good.name.as_deref(), good.price.as_deref()),
        (Some("7"), Some("Н"), Some("5"))
    );
    assert_eq!(good.line, Some(3));
}

#[test]
fn a_formula_that_went_wrong_is_that_rows_error() {
    let good = try_read(&list("<row r=\"3\"><c r=\"D3\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c></row>"))
        .unwrap()
        .1
        .remove(0);
    let error = &good.errors[0];
    assert_eq!((error.field.as_str(), error.code), ("price", FieldCode::FormulaError));
    assert_eq!(error.detail.en, "found a formula that came to #DIV/0!, expected a value");
}

#[test]
fn what_is_no_workbook_is_told_so() {
    let code = |file: &[u8]| try_read(file).unwrap_err().code;
    assert_eq!(code(&archive(&[("word/document.xml", b"<x/>")], None)), FileCode::NotAWorkbook);
    assert_eq!(code(b"PK\x03\x04 and no more"), FileCode::Damaged);
    assert_eq!(code(&workbook("")), FileCode::Empty);
    let whole = list("");
    assert_eq!(code(&whole[..whole.len() / 2]), FileCode::Damaged);
}

#[test]
fn a_changed_byte_is_noticed() {
    let whole = list("<row r=\"3\"><c r=\"A3\"><v>7</v></c></row>");
    let sheet = whole.windows(25).position(|name| name == b"xl/worksheets/sheet2.xml\x00").unwrap_or(0);
    let mut missed = 0;
    for at in (sheet..whole.len()).step_by(7) {
        let mut file = whole.clone();
        file[at] ^= 1;
        missed += usize::from(try_read(&file).is_ok_and(|read| read.1 != try_read(&whole).unwrap().1));
    }
    assert_eq!(missed, 0);
}

#[test]
fn a_bomb_goes_off_harmlessly() {
    let read = |file: &[u8], most| -> Result<usize, ReadError> {
        let mut bytes = Vec::new();
        Package::open(Cursor::new(file))?.part("a", most)?.read_to_end(&mut bytes)?;
        Ok(bytes.len())
    };
    let code = |file: &[u8]| match read(file, 64 << 20).unwrap_err() {
        ReadError::File(error) => error.code,
        ReadError::Source(error) => panic!("{error}"),
    };
    let zeros = vec![0; 48 << 20];
    assert_eq!(code(&archive(&[("a", &zeros)], None)), FileCode::DecompressionBomb);
    // What says that it is smaller, or far larger, is not believed.
    assert_eq!(code(&archive(&[("a", &zeros[..100])], Some(10))), FileCode::Damaged);
    assert_eq!(code(&archive(&[("a", &zeros[..100])], Some(u32::MAX - 1))), FileCode::TooLarge);
    assert_eq!(read(&archive(&[("a", &zeros[..100])], None), 100).unwrap(), 100);
}

#[test]
fn a_row_has_its_limits() {
    let far = "<row r=\"3\"><c r=\"ZZZ3\"><v>1</v></c></row>";
    assert_eq!(try_read(&list(far)).unwrap_err().code, FileCode::TooManyColumns);
    let cell = text("H3", &"ж".repeat(600_000));
    assert_eq!(
        try_read(&list(&format!("<row r=\"3\">{cell}</row>"))).unwrap_err().code,
        FileCode::ValueTooLong
    );
}
