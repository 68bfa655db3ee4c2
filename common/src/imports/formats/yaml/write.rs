//! Writing YAML: every text in quotes, so that it is read as the text that it is.

use std::{collections::HashMap, io::Write as _};

use crate::imports::formats::{
    RawGood,
    table::REPORT,
    writing::{ListHead, ListWriter, Out, WriteError, is_plain_number},
};

pub(super) struct YamlWriter {
    out: Out,
    /// The ids that the categories have in this list.
    categories: HashMap<String, usize>,
}

impl YamlWriter {
    pub(super) fn begin(mut out: Out, head: &ListHead) -> Result<Self, WriteError> {
        writeln!(out, "shop: {}", quoted(&head.shop))?;
        writeln!(out, "categories:{}", if head.categories.is_empty() { " []" } else { "" })?;
        for (name, id) in head.categories.iter().zip(1..) {
            writeln!(out, "  - {{id: {id}, name: {}}}", quoted(name))?;
        }
        writeln!(out, "goods:")?;
        let categories = head.categories.iter().cloned().zip(1..).collect();
        Ok(Self { out, categories })
    }
}

impl ListWriter for YamlWriter {
    fn write(&mut self, good: &RawGood, error: Option<&str>) -> Result<(), WriteError> {
        let mut entry = String::new();
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let lead = if entry.is_empty() { "  - " } else { "    " };
                entry.push_str(&format!("{lead}{name}: {value}\n"));
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let number = |text: &Option<String>| text.as_deref().map(plain_or_quoted);
        field(REPORT, error.map(quoted));
        field("id", text(&good.sku));
        let category = good.category.as_ref().and_then(|name| self.categories.get(name));
        field("category", category.map(ToString::to_string));
        field("model", text(&good.model));
        field("name", text(&good.name));
        field("description", text(&good.description));
        field("price", number(&good.price));
        field("price_rrc", number(&good.price_rrc));
        field("quantity", number(&good.quantity));
        field("gtin", text(&good.gtin));
        field("vat", number(&good.vat));
        field("unit", text(&good.unit));
        field("min_quantity", number(&good.min_quantity));
        field("multiple", number(&good.multiple));
        if !good.parameters.is_empty() {
            field("parameters", Some(String::new()));
        }
        for (name, value) in &good.parameters {
            let (name, value) = (quoted(name), quoted(value));
            // A key of more than 1,024 characters needs the long notation.
            let pair = if name.len() < 1_000 {
                format!("      {name}: {value}\n")
            } else {
                format!("      ? {name}\n      : {value}\n")
            };
            entry.push_str(&pair);
        }
        if entry.is_empty() {
            entry.push_str("  - {}\n");
        }
        Ok(self.out.write_all(entry.as_bytes())?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.out.flush()?)
    }
}

fn plain_or_quoted(text: &str) -> String {
    if is_plain_number(text) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes. What YAML takes for a line break, or does not print, is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
