//! What is said to suppliers about their lists, in each language that they may have.
//!
//! Whoever finds something wrong says it in all languages at once: which of them its reader speaks is not known until
//! it is read, and may be several (the e-mail goes to everybody at the supplier).

use serde::{Deserialize, Serialize};

use crate::locale::Locale;

/// A sentence in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Wording {
    /// In English.
    pub en: String,
    /// In Russian.
    pub ru: String,
}

impl Wording {
    /// The sentence in a language.
    #[must_use]
    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Ru => &self.ru,
        }
    }

    /// What was found instead of what was expected.
    pub(super) fn found(found: &str, expected: &Self) -> Self {
        Self {
            en: format!("found {found}, expected {}", expected.en),
            ru: format!("найдено {found}, ожидается {}", expected.ru),
        }
    }

    /// How many bytes it has in all languages.
    pub(super) fn len(&self) -> usize {
        self.en.len() + self.ru.len()
    }
}

/// As it stands in the database. Version 0.1.0 wrote English only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    English(String),
    Each { en: String, ru: String },
}

impl From<Stored> for Wording {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::English(en) => Self { ru: en.clone(), en },
            Stored::Each { en, ru } => Self { en, ru },
        }
    }
}

/// Says the same in English and Russian: `said!("found {n}", "найдено {n}")`. Arguments follow as for `format!`: those of
/// both after a comma, or one for each language after a semicolon.
macro_rules! said {
    ($en:literal, $ru:literal; $in_en:expr, $in_ru:expr $(,)?) => {
        $crate::imports::Wording { en: format!($en, $in_en), ru: format!($ru, $in_ru) }
    };
    ($en:literal, $ru:literal $(, $argument:expr)* $(,)?) => {
        $crate::imports::Wording { en: format!($en $(, $argument)*), ru: format!($ru $(, $argument)*) }
    };
}

pub(crate) use said;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_said_in_each_language() {
        let n = 3;
        let said = said!("found {n} of {}", "найдено {n} из {}", 5);
        assert_eq!(said.in_locale(Locale::En), "found 3 of 5");
        assert_eq!(said.in_locale(Locale::Ru), "найдено 3 из 5");
    }

    #[test]
    fn what_was_kept_in_english_only_is_still_read() {
        let old: Wording = serde_json::from_str(r#""found nothing""#).unwrap();
        assert_eq!((old.en.as_str(), old.ru.as_str()), ("found nothing", "found nothing"));
        let new = said!("found nothing", "ничего не найдено");
        assert_eq!(serde_json::from_value::<Wording>(serde_json::json!(new)).unwrap(), new);
    }
}
