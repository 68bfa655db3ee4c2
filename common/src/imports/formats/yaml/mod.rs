//! Price lists as YAML: a mapping with `shop`, `categories` (ids and names) and `goods`.
//!
//! The list is read by its events, entry by entry. Every value is the text that stands there, quoted or not:
//! `007` stays `007`, `1.10` stays `1.10`, and `true` stays `true`; only nothing, `~` and `null` mean absent. What is
//! wrong with one entry under `goods` (a list where a text belongs, a field that is there twice, a tag of a
//! programming language) is that entry's error; what is not YAML ends the list with its line and column.
//!
//! Where `goods` come before `categories`, the first reading only looks for the categories, and a second one
//! hands out the goods: twice the time for a rare order, and nothing kept in memory for it.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::ControlFlow,
};

use super::{
    FileCode, Limits, ListSummary, RawGood, ReadError,
    categories::Categories,
    format::{Form, Sink, Source},
    writing::{ListHead, ListWriter, Out, WriteError},
};
use crate::imports::{
    said,
    text::{Lines, clean, quoted},
};

mod categories;
mod chars;
mod events;
mod good;
mod write;

use events::{Event, Events};
use good::{Value, value};
use write::YamlWriter;

/// The form.
pub(super) struct Yaml;

impl Form for Yaml {
    fn extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml"]
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"]
    }

    fn is_certain(&self, _: &[u8]) -> bool {
        false
    }

    fn is_likely(&self, head: &str) -> bool {
        let keys = ["shop:", "categories:", "goods:"];
        head.trim_start_matches('\u{feff}').lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
    }

    fn writer(&self, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError> {
        Ok(Box::new(YamlWriter::begin(out, head)?))
    }

    fn read(&self, source: &mut dyn Source, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
        read(source, limits, sink)
    }
}

fn read(mut source: impl Read + Seek, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
    let start = source.stream_position()?;
    let mut first = Reading::over(&mut source, limits)?;
    if first.document(sink)?.is_break() || !first.skipped_goods {
        return Ok(first.summary);
    }
    let Reading { categories, summary, .. } = first;
    source.seek(SeekFrom::Start(start))?;
    let mut second = Reading::over(&mut source, limits)?;
    (second.second, second.categories, second.summary) =
        (true, Some(categories.unwrap_or_default()), summary);
    // Either way the summary tells what was handed out.
    let _flow = second.document(sink)?;
    Ok(second.summary)
}

/// One reading of a list from its beginning.
struct Reading<R: Read> {
    events: Events<R>,
    limits: Limits,
    summary: ListSummary,
    categories: Option<Categories>,
    /// Whether all but the goods is known from an earlier reading.
    second: bool,
    seen: Vec<&'static str>,
    skipped_goods: bool,
}

impl<R: Read> Reading<R> {
    fn over(source: R, limits: Limits) -> Result<Self, ReadError> {
        Ok(Self {
            events: Events::open(source, limits)?,
            limits,
            summary: ListSummary::default(),
            categories: None,
            second: false,
            seen: Vec::new(),
            skipped_goods: false,
        })
    }

    /// Reads the list to its end, or until the sink breaks off.
    fn document(&mut self, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        let event = self.events.next()?;
        if event != Event::MappingStart {
            let (code, found) = match event {
                Event::End => (FileCode::Empty, said!("an empty file", "пустой файл")),
                Event::ListStart => (FileCode::WrongShape, said!("a list", "список")),
                _ => (FileCode::WrongShape, said!("a text", "текст")),
            };
            let detail = said!(
                "found {}, expected a mapping with `categories` and `goods`",
                "найдено: {}; ожидаются разделы `categories` и `goods`";
                found.en, found.ru
            );
            return Err(self.events.error(code, detail));
        }
        loop {
            let key = match self.events.next()? {
                Event::MappingEnd | Event::End => break,
                key => value(&mut self.events, key)?,
            };
            if self.entry(key, sink)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if !self.seen.contains(&"goods") {
            let detail = said!(
                "found no `goods`, expected a list of them",
                "нет раздела `goods`, ожидается список товаров"
            );
            return Err(self.events.error(FileCode::GoodsMissing, detail));
        }
        // Whatever follows the document is looked at too: a second one must not be lost in silence.
        while self.events.next()? != Event::End {}
        Ok(ControlFlow::Continue(()))
    }

    /// Reads what stands under one key of the document.
    fn entry(&mut self, key: Value, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        let key = match key {
            Value::Text(key) => key,
            Value::Nothing | Value::Wrong(..) => "?".to_owned(),
        };
        let known = ["shop", "categories", "goods"].into_iter().find(|known| *known == key.trim());
        if let Some(known) = known {
            if self.seen.contains(&known) {
                let detail = said!(
                    "found `{known}` a second time, expected it once",
                    "раздел `{known}` найден второй раз, ожидается один"
                );
                return Err(self.events.error(FileCode::DuplicateKey, detail));
            }
            self.seen.push(known);
        }
        let event = self.events.next()?;
        match known {
            Some("goods") => return self.goods(event, sink),
            _ if self.second => self.events.skip(&event)?,
            Some("shop") => self.shop(event)?,
            Some(_) => self.categories = Some(categories::read(&mut self.events, event, &mut self.summary)?),
            None => {
                self.summary.ignore("", key.trim());
                self.events.skip(&event)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn shop(&mut self, event: Event) -> Result<(), ReadError> {
        if let Value::Text(shop) = value(&mut self.events, event)? {
            // It is shown, and means nothing: a name that cannot be shown is as good as none.
            self.summary.shop = clean(shop, Lines::One, 200).ok();
        }
        Ok(())
    }

    fn goods(&mut self, event: Event, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        if event == Event::MappingStart {
            let detail = said!(
                "found a mapping under `goods`, expected a list",
                "под `goods` найдены поля, ожидается список"
            );
            return Err(self.events.error(FileCode::WrongShape, detail));
        }
        if event != Event::ListStart {
            return match value(&mut self.events, event)? {
                Value::Nothing => Ok(ControlFlow::Continue(())),
                Value::Text(found) => {
                    let found = quoted(&found);
                    let detail = said!(
                        "found {found} under `goods`, expected a list",
                        "под `goods` найдено {found}, ожидается список"
                    );
                    Err(self.events.error(FileCode::WrongShape, detail))
                }
                Value::Wrong(_, detail) => Err(self.events.error(FileCode::WrongShape, detail)),
            };
        }
        let Some(categories) = self.categories.take() else {
            self.skipped_goods = true;
            self.events.skip(&event)?;
            return Ok(ControlFlow::Continue(()));
        };
        loop {
            let event = self.events.next()?;
            if matches!(event, Event::ListEnd | Event::End) {
                return Ok(ControlFlow::Continue(()));
            }
            if self.summary.rows == self.limits.goods {
                let place = self.events.place();
                return Err(self.limits.too_many_goods().at(place.line, place.column).into());
            }
            self.summary.rows += 1;
            let line = Some(self.events.place().line);
            let good = RawGood { row: self.summary.rows, line, ..RawGood::default() };
            let good = good::read(&mut self.events, event, &categories, &mut self.summary, good)?;
            if sink(good).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
