//! How the words of a search are understood.
//!
//! Products are found by text search over names, models, categories and parameters: Russian and English stems, plain
//! words, and the synonyms that staff keeps. The SQL functions of migration 9 say how texts are cut into words, alike
//! for products and for searches. What finds nothing as it was typed is read again:
//!
//! 1. [`Reading::AsTyped`];
//! 2. [`Reading::OtherLayout`]: each word as typed, or as the same keys write it in the other keyboard layout
//!    ("шзрщту" is "iphone");
//! 3. [`Reading::Corrected`]: each word as the nearest ones that products are described by ("iphnoe" is "iphone").
//!
//! A search that is a GTIN which a product has finds that product, and nothing else.
//!
//! The nearest words come from a vocabulary that imports keep: PostgreSQL's trigrams name those that are alike, and the
//! number of slips between them decides. Trigrams alone cannot: to them "iphone" is nearer to "smartphone" than "iphnoe"
//! is to "iphone".

use serde::{Deserialize, Serialize};

use super::Gtin;
use crate::text::{Invalid, one_line};

/// The longest search, in characters.
const MAX_SEARCH: usize = 200;

/// At most so many corrections of a word are tried.
const MAX_CORRECTIONS: usize = 5;

/// Stands between the readings of a word.
const OR: &str = "\u{1f}";

/// What somebody searches for: one line of 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

/// How the words of a search are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// As they stand.
    AsTyped,
    /// As they stand, or as the same keys write them in the other keyboard layout.
    OtherLayout,
    /// As the nearest words that products are described by.
    Corrected,
}

impl Reading {
    /// In the order in which they are tried.
    pub(super) const ALL: [Self; 3] = [Self::AsTyped, Self::OtherLayout, Self::Corrected];
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sought<'a> {
    /// What these words find, as PostgreSQL searches for them.
    Words(&'a str),
    /// The product that has this number.
    Gtin(&'a Gtin),
}

/// A word that may be misspelled, and the same keys in the other layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) typed: String,
    pub(super) other: String,
}

impl SearchText {
    /// Trims and checks it; two that differ in spaces or the case of letters are the same.
    ///
    /// # Errors
    /// As [`one_line`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = one_line(text, MAX_SEARCH)?;
        Ok(Self(text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The GTIN that it is, if it is one.
    pub(super) fn as_gtin(&self) -> Option<Gtin> {
        Gtin::parse(&self.0).ok()
    }

    /// The words as they stand.
    pub(super) fn as_typed(&self) -> Vec<String> {
        self.0.split(' ').map(str::to_owned).collect()
    }

    /// The words, each as it stands or in the other layout.
    pub(super) fn in_both_layouts(&self) -> Vec<String> {
        self.0.split(' ').map(|word| format!("{word}{OR}{}", other_layout(word))).collect()
    }

    /// The words that may be misspelled, cut as products' texts are.
    pub(super) fn words(&self) -> Vec<Word> {
        let cut = |word: &str| plain(word).split(' ').map(str::to_owned).collect::<Vec<_>>();
        self.0
            .split(' ')
            .flat_map(cut)
            .filter(|word| !word.is_empty())
            .map(|typed| Word { other: plain(&other_layout(&typed)), typed })
            .collect()
    }
}

/// As the SQL function `search_words`.
pub(super) fn plain(text: &str) -> String {
    let letters: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'ё' => 'е',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The nearest of the words that are like this one, as typed or in the other layout; none when it is one of them, or
/// when none is near enough.
pub(super) fn corrections(word: &Word, like_typed: &[String], like_other: &[String]) -> Vec<String> {
    let slips = |from: &str, to: &String| (strsim::damerau_levenshtein(from, to), to.clone());
    let typed = like_typed.iter().map(|to| slips(&word.typed, to));
    let other = like_other.iter().map(|to| slips(&word.other, to));
    let mut near: Vec<_> =
        typed.chain(other).filter(|(slips, to)| *slips <= allowed_slips(to.chars().count())).collect();
    near.sort();
    near.dedup();
    let least = near.first().map_or(0, |(slips, _)| *slips);
    let nearest = near.into_iter().take_while(|(slips, _)| *slips == least).map(|(_, to)| to);
    nearest.filter(|to| *to != word.typed).take(MAX_CORRECTIONS).collect()
}

/// A word with its corrections as one element of a search.
pub(super) fn with_corrections(word: &Word, corrections: &[String]) -> String {
    let mut readings = vec![word.typed.clone()];
    readings.extend_from_slice(corrections);
    readings.join(OR)
}

/// How many letters may be wrong, missing, too many, or have changed places in a word of this length.
fn allowed_slips(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// The same keys in the other keyboard layout.
fn other_layout(text: &str) -> String {
    const LATIN: &str = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~{}:\"<>";
    const CYRILLIC: &str = "ёйцукенгшщзхъфывапролджэячсмитьбюёхъжэбю";
    let other = |c: char| {
        let find =
            |from: &str, to: &str| from.chars().position(|key| key == c).and_then(|at| to.chars().nth(at));
        find(LATIN, CYRILLIC).or_else(|| find(CYRILLIC, LATIN)).unwrap_or(c)
    };
    text.to_lowercase().chars().map(other).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(text: &str) -> SearchText {
        SearchText::parse(text).expect("a search")
    }

    fn corrected(typed: &str, vocabulary: &[&str]) -> Vec<String> {
        let word = search(typed).words().remove(0);
        let all: Vec<String> = vocabulary.iter().map(|&word| word.to_owned()).collect();
        corrections(&word, &all, &all)
    }

    #[test]
    fn the_same_keys_write_the_same_word() {
        for (typed, meant) in [
            ("шзрщту", "iphone"),
            ("vsim", "мышь"),
            ("ЬЩТШЕЩК", "monitor"),
            ("[jkjlbkmybr", "холодильник"),
            ("`krf", "ёлка"),
            ("{klt,", "хлдеб"),
            ("512", "512"),
        ] {
            assert_eq!(other_layout(typed), meant, "{typed}");
        }
    }

    #[test]
    fn the_nearest_word_is_meant() {
        let vocabulary = ["iphone", "smartphone", "мышь", "золотистый", "золотой", "чехол", "sony"];
        for (typed, meant) in [
            ("iphnoe", "iphone"),
            ("ihpone", "iphone"),
            ("iphon", "iphone"),
            ("smartfone", "smartphone"),
            ("шзртщу", "iphone"),
            ("золотситый", "золотистый"),
            ("мыщь", "мышь"),
            ("sonu", "sony"),
        ] {
            assert_eq!(corrected(typed, &vocabulary), [meant], "{typed}");
        }
        for typed in ["бетономешалка", "so", "x", "мяч", "iphone", "чехол"] {
            assert_eq!(corrected(typed, &vocabulary), [] as [&str; 0], "{typed}");
        }
    }

    #[test]
    fn words_that_are_equally_near_are_all_meant() {
        assert_eq!(corrected("кит", &["кот", "кит1", "кто", "слон"]), ["кит1", "кот"]);
    }

    #[test]
    fn searches_that_differ_in_spaces_and_case_are_the_same() {
        assert_eq!(search("  Apple   iPhone "), search("apple iphone"));
        assert_eq!(search("Ёлка, apple/iphone-15").words().len(), 4);
    }

    proptest! {
        #[test]
        fn any_search_has_readings(text in "\\PC{1,200}") {
            if let Ok(search) = SearchText::parse(&text) {
                prop_assert_eq!(search.as_typed().len(), search.in_both_layouts().len());
                for word in search.words() {
                    prop_assert!(!word.typed.is_empty());
                    corrections(&word, &[], &[]);
                }
            }
        }

        #[test]
        fn letters_come_back_from_the_other_layout(text in "[а-дж-яa-z0-9]{0,40}") {
            prop_assert_eq!(other_layout(&other_layout(&text)), text);
        }
    }
}
