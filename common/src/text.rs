//! Texts that people type: trimmed, bounded, and free of what PostgreSQL or a mail header cannot hold.

use std::fmt;

/// Why a value of a request was refused: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// `required`, `too_long`, `invalid`, …
    pub code: &'static str,
    /// What was found and what was expected.
    pub detail: String,
}

impl Invalid {
    /// A refusal.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<crate::money::MoneyError> for Invalid {
    fn from(error: crate::money::MoneyError) -> Self {
        Self::new("invalid_amount", error.to_string())
    }
}

/// Trims a text of one line, and checks that it has at most `max` characters and that something is left.
///
/// # Errors
/// `required`, `too_long`, or `control_characters`.
pub fn one_line(text: &str, max: usize) -> Result<String, Invalid> {
    bounded(text, max, |_| false)
}

/// Like [`one_line`], but line breaks and tabs may stand in it.
///
/// # Errors
/// As [`one_line`].
pub fn many_lines(text: &str, max: usize) -> Result<String, Invalid> {
    bounded(text, max, |c| matches!(c, '\n' | '\r' | '\t'))
}

fn bounded(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length > max {
        return Err(Invalid::new("too_long", format!("expected at most {max} characters, found {length}")));
    }
    // Before trimming, which takes some of them for space: the OpenAPI document says exactly what is taken.
    if text.chars().any(|c| (c.is_control() || is_invisible(c)) && !allowed(c)) {
        return Err(Invalid::new("control_characters", "control characters are not allowed"));
    }
    match text.trim() {
        "" => Err(Invalid::new("required", "expected a text, found none")),
        text => Ok(text.to_owned()),
    }
}

/// Zero-width characters, and those that turn the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A newtype over a text of one line, parsed at the edge.
macro_rules! one_line_texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $max:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// The most characters that it has.
            pub const MAX: usize = $max;

            #[doc = concat!("Trims and checks it: one line of 1 to ", stringify!($max), " characters.")]
            ///
            /// # Errors
            /// As [`one_line`](crate::text::one_line).
            pub fn parse(text: &str) -> Result<Self, $crate::text::Invalid> {
                $crate::text::one_line(text, Self::MAX).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }
    )+};
}

pub(crate) use one_line_texts;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_bounded() {
        assert_eq!(one_line("  Иван ", 7), Ok("Иван".to_owned()));
        assert_eq!(one_line("Иван", 3).unwrap_err().code, "too_long");
        assert_eq!(one_line(" \u{a0} ", 3).unwrap_err().code, "required");
    }

    #[test]
    fn what_the_database_or_a_header_cannot_hold_is_refused() {
        for text in ["a\0b", "a\nb", "a\n", "a\u{7f}", "\u{200b}", "\u{202e}b"] {
            assert_eq!(one_line(text, 10).unwrap_err().code, "control_characters");
        }
        assert!(many_lines("a\nb", 10).is_ok());
        assert_eq!(many_lines("a\0b", 10).unwrap_err().code, "control_characters");
    }
}
