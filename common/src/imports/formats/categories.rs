//! The categories of a list that has them by ids, which mean something within this list only.

use std::collections::HashMap;

use super::{FileCode, FileError};
use crate::imports::{Wording, said, text::quoted};

/// The most categories of a list.
const MAX_CATEGORIES: usize = 50_000;
/// The most bytes of a category's id or name that are kept; both have lower limits of their own.
const MAX_TEXT: usize = 1_000;

/// Names by id.
#[derive(Debug, Default)]
pub(super) struct Categories(HashMap<String, Listed>);

#[derive(Debug, PartialEq, Eq)]
enum Listed {
    Name(String),
    Nameless,
    /// Twice, with different names.
    Ambiguous,
}

impl Categories {
    /// Notes a category.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(&mut self, id: &str, name: Option<&str>) -> Result<(), FileError> {
        let listed = name.map_or(Listed::Nameless, |name| Listed::Name(short(name.trim())));
        let known = self.0.entry(short(id.trim())).or_insert(Listed::Nameless);
        *known = match (&known, listed) {
            (Listed::Nameless, listed) => listed,
            (Listed::Name(before), Listed::Name(name)) if *before != name => Listed::Ambiguous,
            (Listed::Ambiguous, _) => Listed::Ambiguous,
            (Listed::Name(before), _) => Listed::Name(before.clone()),
        };
        if self.0.len() <= MAX_CATEGORIES {
            return Ok(());
        }
        let detail = said!(
            "found more than {MAX_CATEGORIES} categories, expected at most that many",
            "найдено больше {MAX_CATEGORIES} категорий, ожидается не больше"
        );
        Err(FileError::new(FileCode::TooManyCategories, detail))
    }

    /// The name of a category, or what is the matter with its id.
    pub(super) fn name_of(&self, id: &str) -> Result<&str, Wording> {
        let shown = quoted(id);
        match self.0.get(id) {
            Some(Listed::Name(name)) => Ok(name),
            Some(Listed::Nameless) => Err(said!(
                "found {shown}, to which `categories` gives no name",
                "найдено {shown}, но в `categories` у этого id нет названия"
            )),
            Some(Listed::Ambiguous) => Err(said!(
                "found {shown}, to which `categories` gives two different names",
                "найдено {shown}, но в `categories` у этого id два разных названия"
            )),
            None => Err(said!(
                "found {shown}, expected the id of a category that stands under `categories`",
                "найдено {shown}, ожидается id категории из `categories`"
            )),
        }
    }
}

fn short(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}
