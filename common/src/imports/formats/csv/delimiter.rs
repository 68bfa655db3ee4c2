//! What parts the columns of a CSV list.

use super::{
    super::table::count_known,
    splitter::{Fed, Row, Splitter},
};

const DELIMITERS: [u8; 3] = *b",;\t";

/// The delimiter under which the first row of `text` names most known columns.
pub(super) fn delimiter_of(text: &str) -> u8 {
    let known = |delimiter: u8| count_known(first_row(text, delimiter).iter());
    // Of equals the last one would win: the comma is to be the default.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| known(*delimiter)).unwrap_or(b',')
}

/// Whether the first row of `text` names columns of a price list.
pub(super) fn is_header(text: &str) -> bool {
    count_known(first_row(text, delimiter_of(text)).iter()) >= 3
}

fn first_row(text: &str, delimiter: u8) -> Row {
    let (mut splitter, mut row, mut rest) = (Splitter::new(delimiter), Row::default(), text);
    while let Fed::Row(used) = splitter.feed(rest, &mut row) {
        if !row.is_blank() {
            return row;
        }
        rest = &rest[used..];
    }
    splitter.finish(&mut row);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_under_which_the_header_names_known_columns() {
        assert_eq!(delimiter_of("id,category,name\n"), b',');
        assert_eq!(delimiter_of("id;category;\"Длина, ширина, высота\"\n"), b';');
        assert_eq!(delimiter_of("\n\nЦвет, вид\tid\tname\n1,2,3"), b'\t');
        assert_eq!(delimiter_of("ничего знакомого"), b',');
    }

    #[test]
    fn a_header_names_some_columns() {
        assert!(is_header("\u{feff}id;Цвет;name;price\n1;белый;Стол;5"));
        assert!(!is_header("id,name\n") && !is_header("") && !is_header("shop: id, name, price"));
    }
}
