//! Words that mean to searches what other words mean.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::search::plain;
use crate::{
    ids::SynonymId,
    text::{Invalid, one_line},
};

/// The longest word, and the longest thing that one may mean.
const MAX_WORD: usize = 40;
const MAX_MEANING: usize = 100;

/// How many things a word may mean.
const MAX_MEANINGS: usize = 20;

/// A word that means what other words mean, and they what it means: айфон, iphone.
#[derive(Clone, Debug)]
pub struct Synonym {
    /// Which one.
    pub id: SynonymId,
    /// The word, as searches compare it.
    pub word: String,
    /// What it means.
    pub means: Vec<String>,
    /// When that was last changed.
    pub updated_at: OffsetDateTime,
}

/// One word, as searches compare it: lower case, ё as е, letters and digits only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct SynonymWord(String);

impl SynonymWord {
    /// Reads it.
    ///
    /// # Errors
    /// As [`one_line`], and `invalid` for what is no single word.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let word = plain(&one_line(text, MAX_WORD)?);
        if word.is_empty() || word.contains(' ') {
            return Err(Invalid::new("invalid", format!("expected one word, found {text:?}")));
        }
        Ok(Self(word))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a word means: 1 to 20 words or phrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanings(Vec<String>);

impl Meanings {
    /// Reads them; what is there twice counts once.
    ///
    /// # Errors
    /// As [`one_line`], `invalid` for what has no letters or digits, and `out_of_range` for none or too many.
    pub fn parse(texts: &[String]) -> Result<Self, Invalid> {
        let mut means = Vec::new();
        for text in texts {
            let meaning = plain(&one_line(text, MAX_MEANING)?);
            if meaning.is_empty() {
                return Err(Invalid::new("invalid", format!("expected words, found {text:?}")));
            }
            if !means.contains(&meaning) {
                means.push(meaning);
            }
        }
        if means.is_empty() || means.len() > MAX_MEANINGS {
            let detail = format!("expected 1 to {MAX_MEANINGS} meanings, found {}", means.len());
            return Err(Invalid::new("out_of_range", detail));
        }
        Ok(Self(means))
    }

    /// They.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_as_searches_compare_it() {
        assert_eq!(SynonymWord::parse(" Ёлка ").unwrap().as_str(), "елка");
        for (text, code) in [("", "required"), ("два слова", "invalid"), ("a-b", "invalid"), ("!", "invalid")]
        {
            assert_eq!(SynonymWord::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn meanings_are_some_and_not_too_many() {
        let parse =
            |texts: &[&str]| Meanings::parse(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["USB-накопитель", "usb накопитель"]).unwrap().as_slice(), ["usb накопитель"]);
        assert_eq!(parse(&[]).unwrap_err().code, "out_of_range");
        assert_eq!(parse(&["?"]).unwrap_err().code, "invalid");
    }
}
