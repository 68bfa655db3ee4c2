//! The `categories` of a list.

use std::io::Read;

use super::{
    super::{FileCode, ListSummary, ReadError, categories::Categories},
    events::{Event, Events},
    good::{Value, value},
};
use crate::imports::said;

/// Reads the node under `categories` whose first event is `event`.
pub(super) fn read<R: Read>(
    events: &mut Events<R>,
    event: Event,
    summary: &mut ListSummary,
) -> Result<Categories, ReadError> {
    let mut categories = Categories::default();
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
            Event::MappingStart => read_entry(&mut categories, events, summary)?,
            // An entry without an id: no good can refer to it.
            other => {
                events.skip(&other)?;
                summary.ignore("categories[]", "");
            }
        }
    }
}

fn read_entry<R: Read>(
    categories: &mut Categories,
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
    let name = match &name {
        Value::Text(name) => Some(name.as_str()),
        Value::Nothing | Value::Wrong(..) => None,
    };
    let place = events.place();
    Ok(categories.add(&id, name).map_err(|error| error.at(place.line, place.column))?)
}
