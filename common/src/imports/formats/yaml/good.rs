//! One entry under `goods`.

use std::io::Read;

use super::{
    super::{KEPT_CHARS, ListSummary, RawGood, ReadError, categories::Categories, kept},
    events::{Event, Events, Scalar},
};
use crate::imports::{FieldCode, FieldError, Wording, said, text::quoted};

/// The most parameters of an entry that are kept: enough for its check to see that there are too many.
const KEPT_PARAMETERS: usize = 250;
/// The most errors of an entry that are said.
const MAX_ERRORS: usize = 100;

// The texts of one entry stay within memory, however long each of them is.
const _: () = assert!(2 * KEPT_PARAMETERS * KEPT_CHARS * char::MAX_LEN_UTF8 <= 40 << 20);

/// What stands where a text is wanted.
pub(super) enum Value {
    Text(String),
    /// Nothing, `~`, `null`, or an empty text.
    Nothing,
    Wrong(FieldCode, Wording),
}

/// Reads the node whose first event is `event` as a text.
pub(super) fn value<R: Read>(events: &mut Events<R>, event: Event) -> Result<Value, ReadError> {
    events.skip(&event)?;
    Ok(match event {
        Event::Scalar(scalar) => text(scalar),
        Event::ListStart => Value::Wrong(
            FieldCode::WrongShape,
            said!("found a list, expected a text", "найден список, ожидается текст"),
        ),
        _ => Value::Wrong(
            FieldCode::WrongShape,
            said!("found a mapping, expected a text", "найдены вложенные поля, ожидается текст"),
        ),
    })
}

fn text(scalar: Scalar) -> Value {
    match scalar {
        Scalar { foreign_tag: Some(tag), .. } => {
            let tag = quoted(&tag);
            let detail = said!(
                "found the tag {tag}, expected a plain text",
                "найден тег {tag}, ожидается простой текст"
            );
            Value::Wrong(FieldCode::UnknownTag, detail)
        }
        Scalar { text, plain: true, .. } if matches!(text.as_str(), "~" | "null" | "Null" | "NULL") => {
            Value::Nothing
        }
        Scalar { text, .. } if text.trim().is_empty() => Value::Nothing,
        Scalar { text, .. } => Value::Text(kept(text)),
    }
}

/// Reads the entry whose first event is `event`; `good` has its row and line already.
pub(super) fn read<R: Read>(
    events: &mut Events<R>,
    event: Event,
    categories: &Categories,
    summary: &mut ListSummary,
    good: RawGood,
) -> Result<RawGood, ReadError> {
    let mut entry = Entry { good, seen: 0, category: None };
    if event != Event::MappingStart {
        events.skip(&event)?;
        let detail = if event == Event::ListStart {
            said!("found a list, expected a mapping of fields", "найден список, ожидаются поля товара")
        } else {
            said!("found a text, expected a mapping of fields", "найден текст, ожидаются поля товара")
        };
        entry.wrong(FieldError::ROW, FieldCode::WrongShape, detail);
        return Ok(entry.good);
    }
    loop {
        let key = match events.next()? {
            Event::MappingEnd | Event::End => break,
            key => value(events, key)?,
        };
        let event = events.next()?;
        match key {
            Value::Text(key) => entry.field(events, key.trim(), event, summary)?,
            Value::Nothing | Value::Wrong(..) => {
                events.skip(&event)?;
                let detail =
                    said!("found a field whose name is no text", "найдено поле, название которого не текст");
                entry.wrong(FieldError::ROW, FieldCode::WrongShape, detail);
            }
        }
    }
    entry.resolve_category(categories);
    Ok(entry.good)
}

/// An entry that is being read.
struct Entry {
    good: RawGood,
    /// Which fields were there, a bit for each.
    seen: u16,
    category: Option<String>,
}

impl Entry {
    fn wrong(&mut self, field: impl Into<String>, code: FieldCode, detail: Wording) {
        if self.good.errors.len() < MAX_ERRORS {
            self.good.errors.push(FieldError::new(field, code, detail));
        }
    }

    fn field<R: Read>(
        &mut self,
        events: &mut Events<R>,
        key: &str,
        event: Event,
        summary: &mut ListSummary,
    ) -> Result<(), ReadError> {
        let (bit, slot) = match key {
            "id" => (0, &mut self.good.sku),
            "category" => (1, &mut self.category),
            "model" => (2, &mut self.good.model),
            "name" => (3, &mut self.good.name),
            "description" => (4, &mut self.good.description),
            "price" => (5, &mut self.good.price),
            "price_rrc" => (6, &mut self.good.price_rrc),
            "quantity" => (7, &mut self.good.quantity),
            "gtin" => (8, &mut self.good.gtin),
            "vat" => (9, &mut self.good.vat),
            "unit" => (10, &mut self.good.unit),
            "min_quantity" => (11, &mut self.good.min_quantity),
            "multiple" => (12, &mut self.good.multiple),
            "parameters" if self.first_time(13) => return self.parameters(events, event),
            "parameters" => return self.twice(events, &event, key),
            "<<" => {
                let detail = said!(
                    "found a merge key (<<), expected the fields themselves",
                    "найдено слияние (<<), ожидаются сами поля"
                );
                self.wrong(FieldError::ROW, FieldCode::MergeKey, detail);
                return events.skip(&event);
            }
            _ => {
                summary.ignore("goods[].", key);
                return events.skip(&event);
            }
        };
        if self.seen & (1 << bit) != 0 {
            // Which of two ids is meant, nobody knows.
            *slot = None;
            return self.twice(events, &event, key);
        }
        self.seen |= 1 << bit;
        match value(events, event)? {
            Value::Text(text) => *slot = Some(text),
            Value::Nothing => {}
            Value::Wrong(code, detail) => self.wrong(key, code, detail),
        }
        Ok(())
    }

    fn first_time(&mut self, bit: u16) -> bool {
        let first = self.seen & (1 << bit) == 0;
        self.seen |= 1 << bit;
        first
    }

    fn twice<R: Read>(&mut self, events: &mut Events<R>, event: &Event, key: &str) -> Result<(), ReadError> {
        // Once is enough to say, however often it is there.
        if !self.good.errors.iter().any(|error| error.field == key && error.code == FieldCode::DuplicateKey) {
            let detail = said!(
                "found the field {key} twice, expected it once",
                "поле {key} найдено дважды, ожидается один раз"
            );
            self.wrong(key, FieldCode::DuplicateKey, detail);
        }
        events.skip(event)
    }

    fn parameters<R: Read>(&mut self, events: &mut Events<R>, event: Event) -> Result<(), ReadError> {
        if event != Event::MappingStart {
            match value(events, event)? {
                Value::Nothing => {}
                Value::Wrong(FieldCode::UnknownTag, detail) => {
                    self.wrong("parameters", FieldCode::UnknownTag, detail)
                }
                Value::Text(_) | Value::Wrong(..) => {
                    let detail = said!(
                        "found a text or a list, expected a mapping of names and values",
                        "найден текст или список, ожидаются названия и значения"
                    );
                    self.wrong("parameters", FieldCode::WrongShape, detail);
                }
            }
            return Ok(());
        }
        loop {
            let key = match events.next()? {
                Event::MappingEnd | Event::End => return Ok(()),
                key => value(events, key)?,
            };
            let event = events.next()?;
            let value = value(events, event)?;
            self.parameter(key, value);
        }
    }

    fn parameter(&mut self, key: Value, value: Value) {
        if self.good.parameters.len() >= KEPT_PARAMETERS {
            return;
        }
        match (key, value) {
            (Value::Text(name), Value::Text(text)) => self.good.parameters.push((name, text)),
            (Value::Nothing, Value::Text(text)) => self.good.parameters.push((String::new(), text)),
            (Value::Text(_) | Value::Nothing, Value::Nothing) => {}
            (Value::Text(name), Value::Wrong(code, detail)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
                self.wrong(format!("parameters.{name}"), code, detail);
            }
            (Value::Wrong(code, detail), _) | (Value::Nothing, Value::Wrong(code, detail)) => {
                self.wrong("parameters", code, detail);
            }
        }
    }

    /// Puts the category's name in the place of its id.
    fn resolve_category(&mut self, categories: &Categories) {
        let Some(id) = self.category.take() else { return };
        match categories.name_of(id.trim()) {
            Ok(name) => self.good.category = Some(name.to_owned()),
            Err(problem) => self.wrong("category", FieldCode::UnknownCategory, problem),
        }
    }
}
