//! The `categories` of a list: ids that link its goods to names, within this list only.

use std::{collections::HashMap, io::Read};

use super::{
    super::{FileCode, ListSummary, ReadError},
    events::{Event, Events},
    good::{Value, value},
};
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

    /// Reads the node under `categories` whose first event is `event`.
    pub(super) fn read<R: Read>(
        events: &mut Events<R>,
        event: Event,
        summary: &mut ListSummary,
    ) -> Result<Self, ReadError> {
        let mut categories = Self::default();
        if event != Event::ListStart {
            if matches!(event, Event::Scalar(_)) && matches!(value(events, event)?, Value::Nothing) {
                return Ok(categories);
            }
            let detail = said!(
                "found `categories` that is no list, expected a list of {{id: …, name: …}}",
                "`categories` — не список, ожидается список из {{id: …, name: …}}"
            );
            return Err(events.error(FileCode::WrongShape, detail));
        }
        loop {
            match events.next()? {
                Event::ListEnd | Event::End => return Ok(categories),
                Event::MappingStart => categories.read_entry(events, summary)?,
                // An entry without an id: no good can refer to it.
                other => {
                    events.skip(&other)?;
                    summary.ignore("categories[]", "");
                }
            }
        }
    }

    fn read_entry<R: Read>(
        &mut self,
        events: &mut Events<R>,
        summary: &mut ListSummary,
    ) -> Result<(), ReadError> {
        let (mut id, mut name) = (Value::Nothing, Value::Nothing);
        loop {
            let key = match events.next()? {
                Event::MappingEnd | Event::End => break,
                key => value(events, key)?,
            };
            let event = events.next()?;
            let found = value(events, event)?;
            match key {
                Value::Text(key) if key.trim() == "id" => id = found,
                Value::Text(key) if key.trim() == "name" => name = found,
                Value::Text(key) => summary.ignore("categories[].", &key),
                Value::Nothing | Value::Wrong(..) => summary.ignore("categories[].", "?"),
            }
        }
        let Value::Text(id) = id else {
            summary.ignore("categories[]", "");
            return Ok(());
        };
        let listed = match name {
            Value::Text(name) => Listed::Name(short(name.trim())),
            Value::Nothing | Value::Wrong(..) => Listed::Nameless,
        };
        self.add(short(id.trim()), listed);
        if self.0.len() > MAX_CATEGORIES {
            let detail = said!(
                "found more than {MAX_CATEGORIES} categories, expected at most that many",
                "найдено больше {MAX_CATEGORIES} категорий, ожидается не больше"
            );
            return Err(events.error(FileCode::TooManyCategories, detail));
        }
        Ok(())
    }

    fn add(&mut self, id: String, listed: Listed) {
        let known = self.0.entry(id).or_insert(Listed::Nameless);
        *known = match (&known, listed) {
            (Listed::Nameless, listed) => listed,
            (Listed::Name(before), Listed::Name(name)) if *before != name => Listed::Ambiguous,
            (Listed::Ambiguous, _) => Listed::Ambiguous,
            (Listed::Name(before), _) => Listed::Name(before.clone()),
        };
    }
}

fn short(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}
