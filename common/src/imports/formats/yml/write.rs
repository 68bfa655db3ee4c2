//! Writing YML.

use std::{collections::HashMap, fmt::Write as _, io::Write as _};

use quick_xml::escape::escape;

use crate::{
    imports::formats::{
        RawGood,
        table::REPORT,
        writing::{ListHead, ListWriter, Out, WriteError},
    },
    vat::VatRate,
};

pub(super) struct YmlWriter {
    out: Out,
    /// The ids that the categories have in this list.
    categories: HashMap<String, usize>,
}

impl YmlWriter {
    pub(super) fn begin(mut out: Out, head: &ListHead) -> Result<Self, WriteError> {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog>\n<shop>")?;
        writeln!(out, "<name>{}</name>\n<categories>", text(&head.shop))?;
        for (name, id) in head.categories.iter().zip(1..) {
            writeln!(out, "<category id=\"{id}\">{}</category>", text(name))?;
        }
        writeln!(out, "</categories>\n<offers>")?;
        let categories = head.categories.iter().cloned().zip(1..).collect();
        Ok(Self { out, categories })
    }
}

impl ListWriter for YmlWriter {
    fn write(&mut self, good: &RawGood, error: Option<&str>) -> Result<(), WriteError> {
        let mut offer = String::from("<offer");
        if let Some(sku) = &good.sku {
            offer.push_str(&format!(" id=\"{}\"", text(sku)));
        }
        offer.push_str(">\n");
        let category =
            good.category.as_ref().and_then(|name| self.categories.get(name)).map(ToString::to_string);
        let vat = good.vat.as_deref().map(vat_word);
        for (name, value) in [
            (REPORT, error),
            ("categoryId", category.as_deref()),
            ("vendorCode", good.model.as_deref()),
            ("name", good.name.as_deref()),
            ("description", good.description.as_deref()),
            ("price", good.price.as_deref()),
            ("oldprice", good.price_rrc.as_deref()),
            ("count", good.quantity.as_deref()),
            ("barcode", good.gtin.as_deref()),
            ("vat", vat.as_deref()),
            ("unit", good.unit.as_deref()),
            ("min-quantity", good.min_quantity.as_deref()),
            ("step-quantity", good.multiple.as_deref()),
        ] {
            if let Some(value) = value {
                writeln!(offer, "<{name}>{}</{name}>", text(value)).ok();
            }
        }
        for (name, value) in &good.parameters {
            writeln!(offer, "<param name=\"{}\">{}</param>", text(name), text(value)).ok();
        }
        offer.push_str("</offer>\n");
        Ok(self.out.write_all(offer.as_bytes())?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        writeln!(self.out, "</offers>\n</shop>\n</yml_catalog>")?;
        Ok(self.out.flush()?)
    }
}

/// A text as it can stand anywhere; characters that XML does not have become what stands for the unreadable.
fn text(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    escape(&text).into_owned()
}

/// A rate in the word that Yandex Market has for it; what is no rate stands as it is.
fn vat_word(text: &str) -> String {
    match VatRate::parse(text) {
        Some(rate) if rate.is_none() => "NO_VAT".to_owned(),
        Some(rate) => format!("VAT_{rate}"),
        None => text.to_owned(),
    }
}
