//! The languages Postavka speaks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language of e-mails and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Locale {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

impl Locale {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// `ru` or `en`, as in URLs, templates and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

impl Locale {
    /// The locale of a language tag, whose region does not matter: `ru`, `ru-RU`, `en_GB`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(language))
    }

    /// The best of a header `Accept-Language`, if it names one of ours: `de, en-GB;q=0.8, ru;q=0.5` is English.
    #[must_use]
    pub fn of_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',').take(MAX_RANGES) {
            let (tag, parameter) = range.split_once(';').unwrap_or((range, ""));
            let quality = match parameter.trim().strip_prefix("q=") {
                Some(quality) => quality.trim().parse().unwrap_or(0.0),
                None => 1.0_f32,
            };
            let Some(locale) = Self::of_tag(tag.trim()) else { continue };
            if quality > best.map_or(0.0, |(quality, _)| quality) {
                best = Some((quality, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

/// How much of an `Accept-Language` is read.
const MAX_RANGES: usize = 50;

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(text: &str) -> Result<Self, UnknownLocale> {
        Self::ALL
            .into_iter()
            .find(|locale| locale.as_str() == text)
            .ok_or_else(|| UnknownLocale(text.to_owned()))
    }
}

/// A language Postavka does not speak.
#[derive(Debug, thiserror::Error)]
#[error("expected ru or en, found {0:?}")]
pub struct UnknownLocale(String);

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn the_region_of_a_language_tag_does_not_matter() {
        for tag in ["ru", "RU", "ru-RU", "ru_RU.UTF-8"] {
            assert_eq!(Locale::of_tag(tag), Some(Locale::Ru), "{tag}");
        }
        assert_eq!(Locale::of_tag("de"), None);
        assert_eq!(Locale::of_tag(""), None);
    }

    #[test]
    fn the_language_that_is_wanted_most_is_spoken() {
        for (header, expected) in [
            ("en", Some(Locale::En)),
            ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", Some(Locale::Ru)),
            ("de, en-GB;q=0.8, ru;q=0.5", Some(Locale::En)),
            ("ru;q=0.1, en; q=0.2", Some(Locale::En)),
            ("ru;q=0, en;q=nan", None),
            ("de, *;q=0.5", None),
            ("", None),
        ] {
            assert_eq!(Locale::of_accept_language(header), expected, "{header:?}");
        }
    }
}
