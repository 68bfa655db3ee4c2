//! Texts of a price list: what may stand in them, and the key by which names are compared.
//!
//! A text is taken as it stands, with four exceptions, all of them invisible: white space around it goes, line
//! breaks become `\n` (a space where a text has one line only), a tab in a one-line text becomes a space, and
//! characters of zero width and those that turn the direction of writing are removed, since they come with
//! copying and pasting, make equal names unequal, and let a name show as what it is not. Control characters are
//! refused (PostgreSQL refuses NUL), and so is U+FFFD, the trace of a broken encoding.

use super::{FieldCode, FieldError, Wording};

/// Whether a text may run over several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// Why a text cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("expected a text")]
    Empty,
    /// More characters than the field holds.
    #[error("found {found} characters or more, expected at most {max}")]
    TooLong {
        /// How many characters the field holds.
        max: usize,
        /// How many there were, at least.
        found: usize,
    },
    /// A control character other than a line break or a tab.
    #[error("found the control character U+{:04X}, expected printable text", u32::from(*.0))]
    Control(char),
    /// U+FFFD, which stands for what could not be decoded.
    #[error("found a character that cannot be read in the file's encoding: save the list as UTF-8 again")]
    Unreadable,
}

impl TextError {
    /// This error as that of `field`.
    pub(super) fn of(self, field: impl Into<String>) -> FieldError {
        let code = match self {
            Self::Empty => FieldCode::Required,
            Self::TooLong { .. } => FieldCode::TooLong,
            Self::Control(_) => FieldCode::ControlCharacter,
            Self::Unreadable => FieldCode::UnreadableCharacter,
        };
        FieldError::new(field, code, self.said())
    }

    /// This error, for the supplier.
    pub(super) fn said(self) -> Wording {
        let ru = match self {
            Self::Empty => "ожидается текст".to_owned(),
            Self::TooLong { max, found } => {
                format!("найдено {found} символов или больше, ожидается не больше {max}")
            }
            Self::Control(c) => {
                format!("найден управляющий символ U+{:04X}, ожидается обычный текст", u32::from(c))
            }
            Self::Unreadable => {
                "найден символ, который не читается в кодировке файла: сохраните список заново в UTF-8"
                    .to_owned()
            }
        };
        Wording { en: self.to_string(), ru }
    }
}

/// Cleans a text as the module says, and holds it to `max` characters. Empty texts pass.
pub(super) fn clean(text: String, lines: Lines, max: usize) -> Result<String, TextError> {
    let cleaned = if text.chars().all(stands_as_it_is) { text } else { rewritten(&text, lines)? };
    let trimmed = cleaned.trim();
    // A text has no more characters than bytes, so counting is left for the few that come near.
    if trimmed.len() > max {
        let found = trimmed.chars().take(max + 1).count();
        if found > max {
            return Err(TextError::TooLong { max, found });
        }
    }
    Ok(if trimmed.len() == cleaned.len() { cleaned } else { trimmed.to_owned() })
}

fn stands_as_it_is(c: char) -> bool {
    !c.is_control() && c != char::REPLACEMENT_CHARACTER && !is_invisible(c)
}

fn rewritten(text: &str, lines: Lines) -> Result<String, TextError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' if lines == Lines::Many => out.push('\n'),
            '\t' if lines == Lines::Many => out.push('\t'),
            '\r' | '\n' | '\t' => out.push(' '),
            char::REPLACEMENT_CHARACTER => return Err(TextError::Unreadable),
            c if c.is_control() => return Err(TextError::Control(c)),
            c if is_invisible(c) => {}
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Characters without width, and those that steer the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The key by which categories and products are found by name.
///
/// Lower case, `ё` as `е`, any run of white space as one space, none around it, nothing invisible: «Мобильный
/// ТЕЛЕФОН » and «мобильный телефон» are one name. Punctuation and digits count.
#[must_use]
pub fn normalized(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        let before = key.len();
        if before > 0 {
            key.push(' ');
        }
        let visible = word.chars().filter(|c| !is_invisible(*c));
        key.extend(visible.flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }));
        // A word of invisible characters only is no word.
        if key.len() == before + usize::from(before > 0) {
            key.truncate(before);
        }
    }
    key
}

/// A found text as an error shows it: in guillemets, cut to 40 characters, control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut out = String::from("«");
    for (n, c) in text.chars().enumerate() {
        if n == SHOWN {
            out.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push('»');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_line(text: &str) -> Result<String, TextError> {
        clean(text.to_owned(), Lines::One, 20)
    }

    #[test]
    fn a_printable_text_stays_as_it_stands() {
        for text in ["007", "1.10", "true", "NULL", "  ё Ё № ₽ «»  ".trim(), "=cmd|' /C calc'!A0", "日本語"]
        {
            assert_eq!(one_line(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn white_space_around_a_text_goes_and_inside_it_stays() {
        assert_eq!(one_line("\u{a0} a  b \n").as_deref(), Ok("a  b"));
    }

    #[test]
    fn line_breaks_are_kept_only_where_lines_are() {
        assert_eq!(one_line("a\r\nb\tc").as_deref(), Ok("a b c"));
        let many = clean("a\r\nb\rc\td".to_owned(), Lines::Many, 20);
        assert_eq!(many.as_deref(), Ok("a\nb\nc\td"));
    }

    #[test]
    fn invisible_characters_are_removed() {
        assert_eq!(one_line("\u{feff}42\u{200b}\u{202e}16\u{ad}292").as_deref(), Ok("4216292"));
    }

    #[test]
    fn control_characters_and_traces_of_a_broken_encoding_are_refused() {
        assert_eq!(one_line("a\0b"), Err(TextError::Control('\0')));
        assert_eq!(one_line("a\u{85}"), Err(TextError::Control('\u{85}')));
        assert_eq!(one_line("a\u{fffd}"), Err(TextError::Unreadable));
        assert!(TextError::Control('\0').to_string().contains("U+0000"));
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert_eq!(one_line(&"ж".repeat(20)), Ok("ж".repeat(20)));
        assert_eq!(one_line(&"ж".repeat(21)), Err(TextError::TooLong { max: 20, found: 21 }));
    }

    #[test]
    fn names_that_look_alike_have_one_key() {
        for name in ["Счётная  машинка", " СЧЕТНАЯ\u{a0}машинка ", "счётная \u{200b} маши\u{200b}нка"]
        {
            assert_eq!(normalized(name), "счетная машинка");
        }
        assert_ne!(normalized("Бумага А4"), normalized("Бумага А5"));
    }

    #[test]
    fn a_found_text_is_shown_short_and_harmless() {
        assert_eq!(quoted("a\0\u{202e}b"), "«a\\u{0}\\u{202e}b»");
        assert_eq!(quoted(&"ж".repeat(50)), format!("«{}…»", "ж".repeat(40)));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in any::<String>()) {
            let key = normalized(&name);
            prop_assert_eq!(normalized(&key), key);
        }

        #[test]
        fn what_is_clean_is_cleaned_no_further(text in any::<String>()) {
            if let Ok(cleaned) = clean(text, Lines::Many, 100) {
                prop_assert_eq!(clean(cleaned.clone(), Lines::Many, 100), Ok(cleaned));
            }
        }
    }
}
