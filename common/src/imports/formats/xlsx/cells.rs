//! What stands in a cell.

use std::{borrow::Cow, io::Read};

use super::{
    super::{
        FileCode, FileError, KEPT_CHARS, ReadError,
        xml::{Element, Node, Nodes},
    },
    book::Book,
    numbers::shown,
};
use crate::imports::said;

/// A cell of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    /// What a formula came to that went wrong, such as `#N/A`.
    Error(String),
}

impl Cell {
    /// What stands there.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Error(text) => text,
        }
    }

    /// Reads the cell whose element has just begun.
    pub(super) fn read<R: Read>(
        nodes: &mut Nodes<R>,
        form: &CellForm,
        book: &Book,
    ) -> Result<Self, ReadError> {
        let text = text_of(nodes)?;
        Ok(match form.kind.as_deref() {
            Some("s") => {
                let shared = text.trim().parse().ok().and_then(|n| book.texts.get(n));
                Self::Text(shared.ok_or_else(missing)?.to_owned())
            }
            Some("e") => Self::Error(text),
            Some("b") => Self::Text(if text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned()),
            Some("str" | "inlineStr" | "d") => Self::Text(text),
            _ => {
                let style = book.styles.get(form.style).copied().unwrap_or_default();
                Self::Text(shown(&text, style, book.from_1904))
            }
        })
    }
}

fn missing() -> FileError {
    let detail = said!(
        "found a cell whose text is not in the workbook, expected a whole workbook",
        "текста ячейки нет в книге, ожидается целая книга"
    );
    FileError::new(FileCode::Damaged, detail)
}

/// What the element of a cell says of it.
pub(super) struct CellForm {
    /// Its place in the row, from 0, if it says one.
    pub(super) place: Option<usize>,
    kind: Option<String>,
    style: usize,
}

impl CellForm {
    pub(super) fn of(element: &Element<'_>) -> Self {
        let style = element.attribute("s").and_then(|text| text.parse().ok()).unwrap_or(0);
        let place = element.attribute("r").and_then(|text| place_of(&text));
        Self { place, kind: element.attribute("t"), style }
    }
}

/// The column of a reference such as `AB12`, from 0.
fn place_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number = letters.fold(0, |number, c| number * 26 + usize::from(c.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// The text within an element that has just begun, as far as anybody wants it: not its formula, nor how it is read aloud.
pub(super) fn text_of<R: Read>(nodes: &mut Nodes<R>) -> Result<String, ReadError> {
    let outside = nodes.depth().saturating_sub(1);
    let mut text = String::new();
    let mut takes = false;
    while nodes.depth() > outside {
        match nodes.next()? {
            Node::Start(element) => match element.name().as_str() {
                "f" | "rPh" => nodes.skip()?,
                name => takes = matches!(name, "t" | "v"),
            },
            Node::Text(more) if takes && text.len() < KEPT_CHARS * char::MAX_LEN_UTF8 => text.push_str(&more),
            Node::End => takes = false,
            _ => {}
        }
    }
    Ok(match unescaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text,
    })
}

/// Excel writes characters that XML does not have as `_x000A_`, and what looks like that as `_x005F_x000A_`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 7).and_then(|code| code.strip_suffix('_'));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_a_column() {
        for (reference, place) in
            [("A1", Some(0)), ("Z9", Some(25)), ("AB12", Some(27)), ("12", None), ("", None)]
        {
            assert_eq!(place_of(reference), place, "{reference}");
        }
    }

    #[test]
    fn characters_that_xml_does_not_have_come_back() {
        assert_eq!(unescaped("a_x000A_b"), "a\nb");
        assert_eq!(unescaped("_x005F_x000A_"), "_x000A_");
        assert_eq!(unescaped("_x_x12_xZZZZ_"), "_x_x12_xZZZZ_");
    }
}
