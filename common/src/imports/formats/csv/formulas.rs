//! Texts that a spreadsheet would run.
//!
//! A program that opens a CSV file takes a cell which begins like a formula for one: `=cmd|…` starts a program. Such a
//! text is written with an apostrophe before it, which spreadsheets take for "this is a text", and loses it when it is
//! read. Texts that have such apostrophes of their own get and lose one more, so that each comes back as it was.

use std::borrow::Cow;

/// Whether a text, but for apostrophes before it, would be run. A plain negative number is none of these.
fn is_formula(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    let number = bare.strip_prefix('-').is_some_and(is_number);
    bare.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        && !(number && bare.len() == text.len())
}

fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

/// A text as it can stand in a cell.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a cell stands for.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(cell) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_run_is_guarded() {
        for text in ["=cmd|' /C calc'!A0", "+7 495", "-1+1", "@SUM(A1)", "'=1", "''-5", "\u{ff1d}1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["-20", "-1,5", "'quoted'", "19\" экран", "a=b", ""] {
            assert_eq!(guarded(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was(text in "['=+@,0-9a-]{0,8}") {
            let cell = guarded(&text);
            prop_assert_eq!(unguarded(&cell), &text);
            prop_assert!(!cell.starts_with(['=', '+', '@']));
        }
    }
}
