//! One `offer`.

use std::io::Read;

use super::super::{
    KEPT_CHARS, ListSummary, RawGood, ReadError,
    categories::Categories,
    kept,
    xml::{Element, Node, Nodes},
};
use crate::{
    catalog::Gtin,
    imports::{FieldCode, FieldError, said, text::quoted},
    money::Currency,
};

/// The most parameters of an offer that are kept: enough for its check to see that there are too many.
const KEPT_PARAMETERS: usize = 250;
/// The most errors of an offer that are said.
const MAX_ERRORS: usize = 100;
/// The parameter that `vendor` is.
const VENDOR: &str = "Производитель";

/// The attributes of an offer that mean something.
pub(super) struct Attributes {
    id: Option<String>,
    /// Whether it says that there is none.
    unavailable: bool,
}

impl Attributes {
    pub(super) fn of(element: &Element<'_>) -> Self {
        let unavailable = element.attribute("available").is_some_and(|text| text.trim() == "false");
        Self { id: element.attribute("id").filter(|id| !id.trim().is_empty()).map(kept), unavailable }
    }
}

/// The text of an element, and what it refers to that XML does not know.
pub(super) struct Found {
    pub(super) text: String,
    unknown: Option<String>,
}

/// Reads the text within an element that has just begun; of elements inside it, what they say.
pub(super) fn text_of<R: Read>(nodes: &mut Nodes<R>) -> Result<Found, ReadError> {
    let outside = nodes.depth().saturating_sub(1);
    let mut found = Found { text: String::new(), unknown: None };
    while nodes.depth() > outside {
        match nodes.next()? {
            Node::Text(more) if found.text.len() < KEPT_CHARS * char::MAX_LEN_UTF8 => {
                found.text.push_str(&more)
            }
            Node::Unknown(name) => found.unknown = Some(name),
            _ => {}
        }
    }
    found.text = kept(found.text);
    Ok(found)
}

/// An offer as far as it was read.
#[derive(Default)]
pub(super) struct Offer {
    good: RawGood,
    category: Option<String>,
    currency: Option<String>,
    vendor_code: Option<String>,
    vendor: Option<String>,
    kind: Option<String>,
    unavailable: bool,
    seen: Vec<&'static str>,
}

/// Reads the rest of an `offer` that has just begun; `good` has its row and line already.
pub(super) fn read<R: Read>(
    nodes: &mut Nodes<R>,
    attributes: Attributes,
    good: RawGood,
    summary: &mut ListSummary,
) -> Result<Offer, ReadError> {
    let outside = nodes.depth().saturating_sub(1);
    let good = RawGood { sku: attributes.id, ..good };
    let mut offer = Offer { good, unavailable: attributes.unavailable, ..Offer::default() };
    while nodes.depth() > outside {
        let Node::Start(element) = nodes.next()? else { continue };
        let name = element.name();
        let parameter = (name == "param").then(|| named(&element));
        match parameter {
            Some(parameter) => {
                let found = text_of(nodes)?;
                offer.parameter(parameter, found);
            }
            None if offer.slot(&name).is_some() => {
                let found = text_of(nodes)?;
                offer.field(&name, found);
            }
            None => {
                summary.ignore("offer/", &name);
                nodes.skip()?;
            }
        }
    }
    Ok(offer)
}

/// The name of a parameter, with its unit: `Диагональ (дюйм)`.
fn named(element: &Element<'_>) -> String {
    let name = kept(element.attribute("name").unwrap_or_default());
    match element.attribute("unit").filter(|unit| !unit.trim().is_empty()) {
        Some(unit) => format!("{name} ({})", kept(unit).trim()),
        None => name,
    }
}

impl Offer {
    /// Where the text of an element goes, and what the element is called.
    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "name" => ("name", &mut self.good.name),
            "model" => ("model", &mut self.good.model),
            "description" => ("description", &mut self.good.description),
            "price" => ("price", &mut self.good.price),
            "oldprice" => ("oldprice", &mut self.good.price_rrc),
            "count" => ("count", &mut self.good.quantity),
            "categoryId" => ("categoryId", &mut self.category),
            "currencyId" => ("currencyId", &mut self.currency),
            "vendorCode" => ("vendorCode", &mut self.vendor_code),
            "vendor" => ("vendor", &mut self.vendor),
            "typePrefix" => ("typePrefix", &mut self.kind),
            "barcode" => ("barcode", &mut self.good.gtin),
            "vat" => ("vat", &mut self.good.vat),
            "unit" => ("unit", &mut self.good.unit),
            "min-quantity" => ("min-quantity", &mut self.good.min_quantity),
            "step-quantity" => ("step-quantity", &mut self.good.multiple),
            _ => return None,
        })
    }

    fn wrong(&mut self, error: FieldError) {
        if self.good.errors.len() < MAX_ERRORS {
            self.good.errors.push(error);
        }
    }

    fn field(&mut self, name: &str, found: Found) {
        if name == "barcode" && self.has_gtin() {
            return;
        }
        let Some((name, slot)) = self.slot(name) else { return };
        if !found.text.trim().is_empty() {
            *slot = Some(found.text);
        }
        if self.seen.contains(&name) && name != "barcode" {
            let detail = said!(
                "found the element {name} twice, expected it once",
                "элемент {name} найден дважды, ожидается один раз"
            );
            if !self.good.errors.iter().any(|error| error.field == name) {
                self.wrong(FieldError::new(name, FieldCode::DuplicateKey, detail));
            }
        }
        self.seen.push(name);
        self.unknown(name, found.unknown);
    }

    /// Whether one of the bar codes so far is a GTIN: an offer may have several, of any kind.
    fn has_gtin(&self) -> bool {
        self.good.gtin.as_deref().is_some_and(|text| Gtin::parse(text).is_ok())
    }

    fn parameter(&mut self, name: String, found: Found) {
        self.unknown("param", found.unknown);
        if self.good.parameters.len() < KEPT_PARAMETERS && !found.text.trim().is_empty() {
            self.good.parameters.push((name, found.text));
        }
    }

    fn unknown(&mut self, field: &str, unknown: Option<String>) {
        let Some(reference) = unknown else { return };
        let reference = quoted(&format!("&{reference};"));
        let detail = said!(
            "found {reference}, which XML does not know, expected the character itself",
            "найдено {reference}, чего нет в XML, ожидается сам символ"
        );
        self.wrong(FieldError::new(field, FieldCode::UnknownEntity, detail));
    }

    /// The good that all of it together is.
    pub(super) fn complete(mut self, categories: &Categories, currency: Option<Currency>) -> RawGood {
        self.check_currency(currency);
        self.check_vat();
        if let Some(id) = self.category.take() {
            match categories.name_of(id.trim()) {
                Ok(name) => self.good.category = Some(name.to_owned()),
                Err(problem) => {
                    self.wrong(FieldError::new("category", FieldCode::UnknownCategory, problem));
                }
            }
        }
        let mut good = self.good;
        if good.name.is_none() {
            let parts = [self.kind.as_deref(), self.vendor.as_deref(), good.model.as_deref()];
            let name = parts.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" ");
            good.name = Some(name).filter(|name| !name.is_empty());
        }
        good.model = self.vendor_code.or(good.model);
        if good.quantity.is_none() && self.unavailable {
            good.quantity = Some("0".to_owned());
        }
        if let Some(vendor) = self.vendor
            && good.parameters.iter().all(|(name, _)| name.trim() != VENDOR)
        {
            good.parameters.push((VENDOR.to_owned(), vendor));
        }
        good
    }

    /// A bare number is a code to some programs and percent to others. Those are taken that the codes' table has, and
    /// those beyond it.
    fn check_vat(&mut self) {
        let Some(found) = self.good.vat.as_deref().map(str::trim) else { return };
        let rate = match found {
            "2" => "10",
            "5" => "0",
            "6" => "none",
            "7" => "20",
            "1" | "3" | "4" | "8" | "9" | "10" | "11" | "12" | "13" | "14" => {
                let found = quoted(found);
                let detail = said!(
                    "found {found}, which may be a code or percent, expected a word such as VAT_22 or NO_VAT",
                    "найдено {found}, это может быть код или процент, ожидается слово, например VAT_22 или NO_VAT"
                );
                self.good.vat = None;
                return self.wrong(FieldError::new("vat", FieldCode::Ambiguous, detail));
            }
            _ => return,
        };
        self.good.vat = Some(rate.to_owned());
    }

    /// Prices in another currency are not ours, whatever they are.
    fn check_currency(&mut self, currency: Option<Currency>) {
        let (Some(expected), Some(found)) = (currency, self.currency.take()) else { return };
        // Before 1998 roubles were called so, and still are by many programs.
        let code = if found.trim() == "RUR" { "RUB" } else { found.trim() };
        if code != expected.code() {
            let found = quoted(&found);
            let detail =
                said!("found {found}, expected {}", "найдено {found}, ожидается {}", expected.code());
            self.wrong(FieldError::new("currencyId", FieldCode::WrongCurrency, detail));
        }
    }
}
