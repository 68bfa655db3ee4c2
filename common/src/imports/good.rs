//! A good that the catalogue can take, and the way there from the text of its entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    FieldCode, FieldError, Rejected, TextError,
    formats::RawGood,
    normalized,
    numbers::{self, NumberError},
    said,
    text::{Lines, clean, quoted},
};
use crate::{
    catalog::{Gtin, GtinError, OfferTerms},
    money::Money,
    vat::{VatRate, VatRates},
};

const MAX_CATEGORY: usize = 200;
const MAX_MODEL: usize = 1_000;
const MAX_NAME: usize = 1_000;
/// A name is found by its key in B-trees, whose entries hold some 2,700 bytes.
const MAX_NAME_BYTES: usize = 2_000;
const MAX_DESCRIPTION: usize = 20_000;
const MAX_UNIT: usize = 20;
const MAX_PARAMETERS: usize = 200;
const MAX_PARAMETER_NAME: usize = 100;
const MAX_PARAMETER_VALUE: usize = 1_000;
/// Of all names and values together: a card shows them of every offer.
const MAX_PARAMETER_CHARS: usize = 20_000;

/// A supplier's own id of a good: 1 to 100 characters, compared as they are written (`007` is not `7`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// The most characters that a sku has.
    pub const MAX: usize = 100;

    /// Reads a sku; white space around it and invisible characters in it go.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or has control characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        match clean(text.into(), Lines::One, Self::MAX)? {
            text if text.is_empty() => Err(TextError::Empty),
            text => Ok(Self(text)),
        }
    }

    /// The text of the sku.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sku {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

/// A category as a list writes it: 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryName(String);

impl CategoryName {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key by which the category is found among those of all suppliers.
    #[must_use]
    pub fn normalized(&self) -> String {
        normalized(&self.0)
    }
}

/// An entry of a price list, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// The supplier's own id of it.
    pub sku: Sku,
    /// The category it belongs to.
    pub category: CategoryName,
    /// The supplier's model code, such as `apple/iphone/xr`; at most 1,000 characters.
    pub model: Option<String>,
    /// The product's name, 1 to 1,000 characters, and at most 2,000 bytes as it is compared.
    pub name: String,
    /// The product's description, at most 20,000 characters; may have several lines.
    pub description: Option<String>,
    /// The price of one piece, more than zero.
    pub price: Money,
    /// The price at which the supplier would have it sold on; a zero in the list means none.
    pub recommended_price: Option<Money>,
    /// How many pieces the supplier has, 0 to 1,000,000,000.
    pub quantity: i64,
    /// The number by which the thing is known whoever sells it.
    pub gtin: Option<Gtin>,
    /// The rate of the VAT that is in the price, one of those that the installation knows.
    pub vat_rate: Option<VatRate>,
    /// What a piece is, such as `шт` or `кг`: at most 20 characters.
    pub unit: Option<String>,
    /// In which quantities it is ordered.
    pub terms: OfferTerms,
    /// Named properties; at most 200, none of them empty. Names have up to 100 characters, values up to 1,000, and all
    /// together 20,000.
    pub parameters: BTreeMap<String, String>,
}

impl Good {
    /// Checks an entry of a list, whose VAT rate must be one of `rates`.
    ///
    /// # Errors
    /// [`Rejected`] with everything that is wrong with the entry, not only the first of it.
    pub fn check(raw: RawGood, rates: &VatRates) -> Result<Self, Rejected> {
        let RawGood { row, line, errors, .. } = raw;
        let mut check = Check { errors };
        let sku = check.sku(raw.sku);
        let category = check.required("category", raw.category, MAX_CATEGORY);
        let model = check.text("model", raw.model, Lines::One, MAX_MODEL);
        let name = check.name(raw.name);
        let description = check.text("description", raw.description, Lines::Many, MAX_DESCRIPTION);
        let price = check.price(raw.price);
        let recommended_price = check.number("price_rrc", raw.price_rrc, numbers::price);
        let quantity = check.quantity(raw.quantity);
        let gtin = check.gtin(raw.gtin);
        let vat_rate = check.vat_rate(raw.vat, rates);
        let unit = check.text("unit", raw.unit, Lines::One, MAX_UNIT);
        let terms = check.terms(raw.min_quantity, raw.multiple);
        let parameters = check.parameters(raw.parameters);
        match (sku, category, name, price, quantity) {
            (Some(sku), Some(category), Some(name), Some(price), Some(quantity))
                if check.errors.is_empty() =>
            {
                Ok(Self {
                    sku,
                    category: CategoryName(category),
                    model,
                    name,
                    description,
                    price,
                    recommended_price: recommended_price.filter(|price| *price > Money::ZERO),
                    quantity,
                    gtin,
                    vat_rate,
                    unit,
                    terms: terms.unwrap_or_default(),
                    parameters,
                })
            }
            (sku, ..) => Err(Rejected { row, line, sku, errors: check.errors, good: None }),
        }
    }

    /// How many bytes its texts are, about as much memory as it takes.
    pub(super) fn weight(&self) -> usize {
        let Self { sku, category, model, name, description, unit, parameters, .. } = self;
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let named: usize = parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
        sku.0.len()
            + category.0.len()
            + name.len()
            + optional(model)
            + optional(description)
            + optional(unit)
            + named
    }
}

/// Gathers the errors of one entry. Whatever returns `None` for a required field has said why.
struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    fn sku(&mut self, value: Option<String>) -> Option<Sku> {
        match Sku::parse(value.unwrap_or_default()) {
            Ok(sku) => Some(sku),
            Err(TextError::Empty) => self.missing("id"),
            Err(error) => self.refuse(error.of("id")),
        }
    }

    /// A text that may be absent; an empty one is.
    fn text(&mut self, field: &str, value: Option<String>, lines: Lines, max: usize) -> Option<String> {
        match clean(value?, lines, max) {
            Ok(text) => Some(text).filter(|text| !text.is_empty()),
            Err(error) => self.refuse(error.of(field)),
        }
    }

    fn required(&mut self, field: &str, value: Option<String>, max: usize) -> Option<String> {
        self.text(field, value, Lines::One, max).or_else(|| self.missing(field))
    }

    fn name(&mut self, value: Option<String>) -> Option<String> {
        let name = self.required("name", value, MAX_NAME)?;
        match normalized(&name).len() {
            0..=MAX_NAME_BYTES => Some(name),
            bytes => {
                let detail = said!(
                    "found {bytes} bytes in UTF-8, expected at most {MAX_NAME_BYTES}",
                    "найдено {bytes} байт в UTF-8, ожидается не больше {MAX_NAME_BYTES}"
                );
                self.refuse(FieldError::new("name", FieldCode::TooLong, detail))
            }
        }
    }

    fn price(&mut self, value: Option<String>) -> Option<Money> {
        let price = self.number("price", value, numbers::price).or_else(|| self.missing("price"))?;
        if price == Money::ZERO {
            let detail = said!(
                "found a price of zero, expected more than zero",
                "найдена нулевая цена, ожидается больше нуля"
            );
            return self.refuse(FieldError::new("price", FieldCode::NotPositive, detail));
        }
        Some(price)
    }

    fn quantity(&mut self, value: Option<String>) -> Option<i64> {
        self.number("quantity", value, numbers::quantity).or_else(|| self.missing("quantity"))
    }

    fn gtin(&mut self, value: Option<String>) -> Option<Gtin> {
        let text = value.filter(|text| !text.trim().is_empty())?;
        let error = match Gtin::parse(&text) {
            Ok(gtin) => return Some(gtin),
            Err(error) => error,
        };
        let found = quoted(&text);
        let detail = match error {
            GtinError::Form => said!(
                "found {found}, expected a GTIN of 8, 12, 13 or 14 digits",
                "найдено {found}, ожидается GTIN из 8, 12, 13 или 14 цифр"
            ),
            GtinError::CheckDigit { expected } => said!(
                "found {found}, expected a GTIN: its last digit would be {expected}",
                "найдено {found}, ожидается GTIN: последняя цифра была бы {expected}"
            ),
            GtinError::Internal => said!(
                "found {found}, a number for use inside one shop, expected a GTIN or nothing",
                "найдено {found}, это внутренний номер магазина, ожидается GTIN или ничего"
            ),
        };
        self.refuse(FieldError::new("gtin", FieldCode::NotAGtin, detail))
    }

    fn vat_rate(&mut self, value: Option<String>, rates: &VatRates) -> Option<VatRate> {
        let text = value.filter(|text| !text.trim().is_empty())?;
        let rate = VatRate::parse(&text).filter(|rate| rates.know(rate));
        rate.or_else(|| {
            let found = quoted(&text);
            let detail = said!(
                "found {found}, expected one of the rates {rates}",
                "найдено {found}, ожидается одна из ставок {rates}"
            );
            self.refuse(FieldError::new("vat", FieldCode::UnknownVatRate, detail))
        })
    }

    fn terms(&mut self, min_quantity: Option<String>, multiple: Option<String>) -> Option<OfferTerms> {
        let min_quantity = self.number("min_quantity", min_quantity, numbers::pieces);
        let multiple = self.number("multiple", multiple, numbers::pieces);
        OfferTerms::of(min_quantity, multiple).or_else(|| {
            let (found, pack) = (min_quantity.unwrap_or(1), multiple.unwrap_or(1));
            let detail = said!(
                "found {found}, expected a whole number of packs of {pack}",
                "найдено {found}, ожидается целое число упаковок по {pack}"
            );
            self.refuse(FieldError::new("min_quantity", FieldCode::NotAMultiple, detail))
        })
    }

    fn number<N>(
        &mut self,
        field: &str,
        value: Option<String>,
        read: fn(&str) -> Result<N, NumberError>,
    ) -> Option<N> {
        let text = value.filter(|text| !text.trim().is_empty())?;
        read(&text).map_or_else(|error| self.refuse(error.of(field, &text)), Some)
    }

    fn parameters(&mut self, raw: Vec<(String, String)>) -> BTreeMap<String, String> {
        let (mut parameters, mut chars) = (BTreeMap::new(), 0);
        for (name, value) in raw {
            let Some((name, value)) = self.parameter(name, value) else { continue };
            if parameters.len() == MAX_PARAMETERS {
                let detail = said!(
                    "found more than {MAX_PARAMETERS} parameters, expected at most that many",
                    "найдено больше {MAX_PARAMETERS} параметров, ожидается не больше"
                );
                self.errors.push(FieldError::new("parameters", FieldCode::TooMany, detail));
                break;
            }
            chars += name.chars().count() + value.chars().count();
            if chars > MAX_PARAMETER_CHARS {
                let detail = said!(
                    "found more than {MAX_PARAMETER_CHARS} characters in all parameters, expected at most that many",
                    "найдено больше {MAX_PARAMETER_CHARS} символов во всех параметрах, ожидается не больше"
                );
                self.errors.push(FieldError::new("parameters", FieldCode::TooLong, detail));
                break;
            }
            if parameters.contains_key(&name) {
                let field = format!("parameters.{name}");
                let detail = said!(
                    "found the parameter twice, expected it once",
                    "параметр найден дважды, ожидается один раз"
                );
                self.errors.push(FieldError::new(field, FieldCode::DuplicateKey, detail));
                continue;
            }
            parameters.insert(name, value);
        }
        parameters
    }

    /// One parameter; without a value it is absent.
    fn parameter(&mut self, name: String, value: String) -> Option<(String, String)> {
        let name = match clean(name, Lines::One, MAX_PARAMETER_NAME) {
            Ok(name) => name,
            Err(error) => {
                let of_name = error.of("parameters");
                let said = error.said();
                let detail = said!("in a parameter's name: {}", "в названии параметра: {}"; said.en, said.ru);
                return self.refuse(FieldError { detail, ..of_name });
            }
        };
        let value = match clean(value, Lines::Many, MAX_PARAMETER_VALUE) {
            Ok(value) => value,
            Err(error) => return self.refuse(error.of(format!("parameters.{name}"))),
        };
        match (name.is_empty(), value.is_empty()) {
            (_, true) => None,
            (true, false) => {
                let detail = said!(
                    "found a parameter without a name, expected one",
                    "найден параметр без названия, ожидается название"
                );
                self.refuse(FieldError::new("parameters", FieldCode::Required, detail))
            }
            (false, false) => Some((name, value)),
        }
    }

    /// Notes that a field is missing, unless something was said about it already.
    fn missing<T>(&mut self, field: &str) -> Option<T> {
        if self.errors.iter().any(|error| error.field == field || error.field == FieldError::ROW) {
            return None;
        }
        let detail = said!("found nothing, expected a value", "ничего не найдено, ожидается значение");
        self.refuse(FieldError::new(field, FieldCode::Required, detail))
    }

    fn refuse<T>(&mut self, error: FieldError) -> Option<T> {
        self.errors.push(error);
        None
    }
}

#[cfg(test)]
mod tests;
