//! Price lists as YML, the catalogue format of Yandex Market: `yml_catalog/shop/offers/offer`.
//!
//! An offer's `id` is the sku, `categoryId` its category, `vendorCode` (or `model`) its model, `oldprice` the recommended
//! price, `count` the quantity (an offer with `available="false"` and no `count` has none), `vendor` and each `param`
//! its parameters. A name that is missing is put together of `typePrefix`, `vendor` and `model`. Of several `barcode`s the
//! first that is a GTIN counts. `vat` is a word (`VAT_22`, `NO_VAT`) or one of the codes that Yandex Market has for rates, and
//! not a number of percent where that could be either. `min-quantity` and `step-quantity` are the minimum and the multiple;
//! `unit` is an element of ours.
//!
//! Where `offers` come before `categories`, the first reading only looks for the categories, and a second one hands
//! out the goods.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::ControlFlow,
};

use super::{
    FileCode, FileError, Limits, ListSummary, RawGood, ReadError,
    categories::Categories,
    format::{Form, Sink, Source},
    writing::{ListHead, ListWriter, Out, WriteError},
    xml::{Node, Nodes},
};
use crate::imports::{
    Wording, said,
    text::{Lines, clean, quoted},
};

mod offer;
#[cfg(test)]
mod tests;
mod write;

use offer::{Attributes, text_of};
use write::YmlWriter;

/// The form.
pub(super) struct Yml;

impl Form for Yml {
    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/xml", "text/xml"]
    }

    fn is_certain(&self, head: &[u8]) -> bool {
        let marks = [0xEF, 0xBB, 0xBF, 0xFE, 0xFF, 0, b' ', b'\t', b'\r', b'\n'];
        head.iter().find(|byte| !marks.contains(byte)) == Some(&b'<')
    }

    fn is_likely(&self, _: &str) -> bool {
        false
    }

    fn field(&self, name: &str) -> String {
        match name {
            "category" => "categoryId".to_owned(),
            "model" => "vendorCode".to_owned(),
            "price_rrc" => "oldprice".to_owned(),
            "quantity" => "count".to_owned(),
            "gtin" => "barcode".to_owned(),
            "min_quantity" => "min-quantity".to_owned(),
            "multiple" => "step-quantity".to_owned(),
            other => match other.strip_prefix("parameters") {
                Some(name) => format!("param{name}"),
                None => other.to_owned(),
            },
        }
    }

    fn writer(&self, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError> {
        Ok(Box::new(YmlWriter::begin(out, head)?))
    }

    fn read(&self, source: &mut dyn Source, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
        read(source, limits, sink)
    }
}

fn read(mut source: impl Read + Seek, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError> {
    let start = source.stream_position()?;
    let mut first = Reading::over(&mut source, limits)?;
    if first.document(sink)?.is_break() || !first.skipped_offers {
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
struct Reading<R> {
    nodes: Nodes<R>,
    limits: Limits,
    summary: ListSummary,
    categories: Option<Categories>,
    /// Whether all but the goods is known from an earlier reading.
    second: bool,
    has_offers: bool,
    skipped_offers: bool,
}

impl<R: Read> Reading<R> {
    fn over(source: R, limits: Limits) -> Result<Self, ReadError> {
        Ok(Self {
            nodes: Nodes::open(source, limits)?,
            limits,
            summary: ListSummary::default(),
            categories: None,
            second: false,
            has_offers: false,
            skipped_offers: false,
        })
    }

    /// Reads the list to its end, or until the sink breaks off.
    fn document(&mut self, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        let mut root = None;
        loop {
            let name = match self.nodes.next()? {
                Node::Start(element) => element.name(),
                Node::EndOfDocument => break,
                _ => continue,
            };
            match (self.nodes.depth(), name.as_str()) {
                (1, _) if root.is_none() => root = Some(name),
                (2, "shop") => {
                    if self.shop(sink)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                _ => self.pass("", &name)?,
            }
        }
        match root.as_deref() {
            Some("yml_catalog") if self.has_offers => Ok(ControlFlow::Continue(())),
            Some("yml_catalog") => {
                let detail =
                    said!("found no `offers`, expected them in `shop`", "нет раздела `offers` в `shop`");
                Err(self.error(FileCode::GoodsMissing, detail))
            }
            Some(found) => {
                let found = quoted(found);
                let detail = said!(
                    "found the element {found}, expected `yml_catalog`",
                    "найден элемент {found}, ожидается `yml_catalog`"
                );
                Err(self.error(FileCode::WrongShape, detail))
            }
            None => {
                let detail = said!(
                    "found an empty file, expected `yml_catalog`",
                    "файл пуст, ожидается `yml_catalog`"
                );
                Err(self.error(FileCode::Empty, detail))
            }
        }
    }

    fn error(&self, code: FileCode, detail: Wording) -> ReadError {
        FileError::new(code, detail).at(self.nodes.line(), None).into()
    }

    /// Passes over an element that means nothing to us.
    fn pass(&mut self, parent: &str, name: &str) -> Result<(), ReadError> {
        if !self.second {
            self.summary.ignore(parent, name);
        }
        self.nodes.skip()
    }

    fn shop(&mut self, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        let outside = self.nodes.depth().saturating_sub(1);
        while self.nodes.depth() > outside {
            let Node::Start(element) = self.nodes.next()? else { continue };
            match element.name().as_str() {
                "offers" => {
                    if self.offers(sink)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                "name" | "categories" if self.second => self.nodes.skip()?,
                "name" => self.summary.shop = clean(text_of(&mut self.nodes)?.text, Lines::One, 200).ok(),
                "categories" => self.categories()?,
                other => self.pass("shop/", other)?,
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn categories(&mut self) -> Result<(), ReadError> {
        let outside = self.nodes.depth().saturating_sub(1);
        let mut categories = self.categories.take().unwrap_or_default();
        while self.nodes.depth() > outside {
            let Node::Start(element) = self.nodes.next()? else { continue };
            let id = element.attribute("id");
            let name = text_of(&mut self.nodes)?.text;
            match id {
                Some(id) => {
                    let name = Some(name.as_str()).filter(|name| !name.trim().is_empty());
                    categories.add(&id, name).map_err(|error| error.at(self.nodes.line(), None))?;
                }
                None => self.summary.ignore("categories/", "category"),
            }
        }
        self.categories = Some(categories);
        Ok(())
    }

    fn offers(&mut self, sink: Sink) -> Result<ControlFlow<()>, ReadError> {
        self.has_offers = true;
        let Some(categories) = self.categories.take() else {
            self.skipped_offers = true;
            self.nodes.skip()?;
            return Ok(ControlFlow::Continue(()));
        };
        let outside = self.nodes.depth().saturating_sub(1);
        while self.nodes.depth() > outside {
            let Node::Start(element) = self.nodes.next()? else { continue };
            let (name, attributes) = (element.name(), Attributes::of(&element));
            if name != "offer" {
                self.pass("offers/", &name)?;
                continue;
            }
            if self.summary.rows == self.limits.goods {
                return Err(self.limits.too_many_goods().at(self.nodes.line(), None).into());
            }
            self.summary.rows += 1;
            let good =
                RawGood { row: self.summary.rows, line: Some(self.nodes.line()), ..RawGood::default() };
            let offer = offer::read(&mut self.nodes, attributes, good, &mut self.summary)?;
            if sink(offer.complete(&categories, self.limits.currency)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.categories = Some(categories);
        Ok(ControlFlow::Continue(()))
    }
}
