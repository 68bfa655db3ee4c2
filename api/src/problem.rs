//! The refusals of the API: one code for each, with its status and what its page says, in one table.
//!
//! A code is what programs hold on to, and never changes; `type` of an answer is `/problems/<code>`, which is also
//! the address of the page that says what happened and what to do.

mod table;

use common::locale::Locale;
use salvo::http::StatusCode;
use serde::Serialize;

pub use table::ProblemCode;

/// What people are told of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemTexts {
    /// In a few words.
    pub title: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl ProblemCode {
    /// Its page in a language.
    #[must_use]
    pub fn texts(self, locale: Locale) -> ProblemTexts {
        match locale {
            Locale::Ru => self.in_russian(),
            Locale::En => self.in_english(),
        }
    }

    /// Its title, the same in every answer.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.in_english().title
    }

    /// The code of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// The code for a status that no handler of ours has set.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::ValidationFailed,
            // Salvo's concurrency limiter says 429 for what is our overload, its timeout 503.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_explained_in_both_languages() {
        for &code in ProblemCode::ALL {
            let name = code.as_str();
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name} is a word of programs"
            );
            assert_eq!(ProblemCode::of_word(name), Some(code), "{name} is there once");
            let pages = Locale::ALL.map(|locale| code.texts(locale));
            for text in pages.iter().flat_map(|page| [page.title, page.happened, page.remedy]) {
                assert!(!text.trim().is_empty(), "{name}");
                assert!(text.matches('`').count().is_multiple_of(2), "{name}: {text}");
            }
            for (page, cyrillic) in pages.into_iter().zip([true, false]) {
                for text in [page.title, page.happened, page.remedy] {
                    let letters = text.chars().any(|c| matches!(c, 'а'..='я'));
                    assert_eq!(letters, cyrillic, "{name} is in the other language: {text}");
                }
                for text in [page.happened, page.remedy] {
                    assert!(text.ends_with('.'), "{name} says it in sentences: {text}");
                }
            }
        }
    }

    #[test]
    fn no_two_codes_say_the_same() {
        for locale in Locale::ALL {
            let titles: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.texts(locale).title).collect();
            assert_eq!(titles.len(), ProblemCode::ALL.len());
        }
    }
}
