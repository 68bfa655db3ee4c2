use std::ops::ControlFlow;

use super::*;

const HEADER: &str = "id,category,model,name,description,price,price_rrc,quantity,Цвет";

fn try_list(text: &str, limits: Limits) -> Result<(ListSummary, Vec<RawGood>), FileError> {
    let mut goods = Vec::new();
    let mut sink = |good| {
        goods.push(good);
        ControlFlow::Continue(())
    };
    match read(text.as_bytes(), limits, &mut sink) {
        Ok(summary) => Ok((summary, goods)),
        Err(ReadError::File(error)) => Err(error),
        Err(ReadError::Source(error)) => panic!("{error}"),
    }
}

fn goods(rows: &str) -> Vec<RawGood> {
    try_list(&format!("{HEADER}\n{rows}"), Limits::default()).unwrap().1
}

fn file_error(text: &str) -> FileError {
    try_list(text, Limits::default()).unwrap_err()
}

#[test]
fn every_cell_is_the_text_that_stands_there() {
    let good =
        goods("007,Бумага,m,\"Бумага \"\"А4\"\", 80 г\",\"а\nб\",\"110000,50\",1.10,14.0,true\n").remove(0);
    assert_eq!((good.row, good.line), (1, Some(2)));
    assert_eq!(good.sku.as_deref(), Some("007"));
    assert_eq!(good.name.as_deref(), Some("Бумага \"А4\", 80 г"));
    assert_eq!(good.description.as_deref(), Some("а\nб"));
    assert_eq!((good.price.as_deref(), good.price_rrc.as_deref()), (Some("110000,50"), Some("1.10")));
    assert_eq!(good.parameters, [("Цвет".to_owned(), "true".to_owned())]);
}

#[test]
fn an_empty_cell_is_absent() {
    let good = goods("1,К,, ,,5,,1,\n").remove(0);
    assert_eq!((good.model, good.name, good.description, good.price_rrc), (None, None, None, None));
    assert!(good.parameters.is_empty());
}

#[test]
fn empty_rows_are_not_counted_and_lines_are() {
    let all = goods("\n,,,,,,,,\n1,К,,Н,,5,,1,\n  \n2,К,,Н,,5,,1,");
    assert_eq!(
        all.iter().map(|good| (good.row, good.line)).collect::<Vec<_>>(),
        [(1, Some(4)), (2, Some(6))]
    );
}

#[test]
fn a_row_of_the_wrong_length_is_that_rows_error() {
    let all = goods("1,К,,Н\n2,К,,Н,,5,,1,a,b\n3,К,,Н,,5,,1,a\n");
    assert_eq!(all[0].errors[0].code, FieldCode::CellCount);
    assert_eq!(all[1].errors[0].detail.en, "found 10 cells, expected 9 as in the header");
    assert_eq!(all[1].sku.as_deref(), Some("2"));
    assert_eq!(all[2].errors, []);
}

#[test]
fn the_sku_of_a_broken_row_is_believed_only_where_nothing_can_have_moved_it() {
    let last = "name,category,price,quantity,id\nН,К,5,1\n";
    assert_eq!(try_list(last, Limits::default()).unwrap().1[0].sku, None);
    assert_eq!(goods("1,К,,\"Н\nН\",5\n")[0].sku, None);
    assert_eq!(goods("1,К,,\"19\" экран\",,5,,1,\n")[0].sku, None);
}

#[test]
fn a_quote_that_swallows_rows_costs_the_list_no_silent_loss() {
    let all = goods("1,К,m,\"Н,,5,,1,\n2,К,m,\"Н\",,5,,1,\n3,К,,Н,,5,,1,\n");
    assert_eq!((all.len(), all[0].errors[0].code, &all[0].sku), (2, FieldCode::BadQuotes, &None));
    assert_eq!(all[1].sku.as_deref(), Some("3"));
}

#[test]
fn a_quote_that_is_never_closed_is_named_by_its_line() {
    let error = file_error(&format!("{HEADER}\n1,К,,Н,,5,,1,\n2,К,,\"Н,,5,,1,\n3,К,,Н,,5,,1,\n"));
    assert_eq!((error.code, error.line), (FileCode::UnclosedQuote, Some(3)));
    let endless = format!("{HEADER}\n1,К,,\"{}", "Н\n".repeat(MAX_ROW_BYTES));
    assert_eq!(file_error(&endless).code, FileCode::UnclosedQuote);
}

#[test]
fn a_list_of_nothing_but_a_header_has_no_goods() {
    assert_eq!(try_list(HEADER, Limits::default()).unwrap().0, ListSummary::default());
    assert_eq!(file_error(" \n\n").code, FileCode::Empty);
}

#[test]
fn text_under_a_column_without_a_name_is_counted() {
    let (summary, _) = try_list(
        "id,category,name,price,quantity,\n1,К,Н,5,1,a\n2,К,Н,5,1,b\n3,К,Н,5,1,\n",
        Limits::default(),
    )
    .unwrap();
    assert_eq!(summary.ignored_fields["column 6"], 2);
}

#[test]
fn goods_beyond_the_limit_are_refused() {
    let limits = Limits { goods: 1, ..Limits::default() };
    let error = try_list(&format!("{HEADER}\n1,К,,Н,,5,,1,\n2,К,,Н,,5,,1,\n"), limits).unwrap_err();
    assert_eq!((error.code, error.line), (FileCode::TooManyGoods, Some(3)));
}

#[test]
fn a_sink_that_breaks_off_ends_the_reading() {
    let text = format!("{HEADER}\n{}", "1,К,,Н,,5,,1,\n".repeat(10));
    let summary = read(text.as_bytes(), Limits::default(), &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(summary.rows, 1);
}
