//! Numbers as people write them into price lists: `110000`, `110000.50`, `110000,50`, `1 234,50`.
//!
//! A point or a comma begins the fraction; spaces (also the non-breaking and thin ones) may part thousands.
//! `1,234` is refused as a price, for one supplier means 1234 and another 1.234, and the wrong guess sells a
//! thousand times too cheap; `1.234` is one and a quarter in every program that writes it. A quantity needs no
//! such care: `14,000` is how an accounting program writes fourteen, and a guess too low oversells nothing.

use super::{FieldCode, FieldError, Wording, said, text::quoted};
use crate::{
    catalog::OfferTerms,
    money::{Money, MoneyError},
};

/// The most pieces that an offer can have in stock.
pub(super) const MAX_QUANTITY: i64 = 1_000_000_000;

/// Why a text is not the number that a field needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    NotANumber,
    Ambiguous,
    Negative,
    /// Nothing, where there must be something.
    Zero,
    Fractional,
    TooLarge,
}

impl NumberError {
    /// This error as that of `field`, in which `found` stands.
    pub(super) fn of(self, field: &str, found: &str) -> FieldError {
        let (code, expected) = match self {
            Self::NotANumber => (
                FieldCode::NotANumber,
                said!("a number such as 1234 or 1234.50", "число, например 1234 или 1234.50"),
            ),
            Self::Ambiguous => (
                FieldCode::Ambiguous,
                said!(
                    "one meaning: write 1234 for thousands, 1.23 for a fraction",
                    "одно значение: пишите 1234, если это тысячи, и 1.23, если это дробь"
                ),
            ),
            Self::Negative => (FieldCode::Negative, said!("zero or more", "нуль или больше")),
            Self::Zero => (FieldCode::NotPositive, said!("at least 1", "не меньше 1")),
            Self::Fractional => (FieldCode::Fractional, said!("a whole number", "целое число")),
            Self::TooLarge => {
                let most = match field {
                    "quantity" => MAX_QUANTITY.to_string(),
                    "min_quantity" | "multiple" => OfferTerms::MAX.to_string(),
                    _ => Money::MAX.to_string(),
                };
                (FieldCode::TooLarge, said!("at most {most}", "не больше {most}"))
            }
        };
        FieldError::new(field, code, Wording::found(&quoted(found), &expected))
    }
}

/// Reads a price of zero or more; a third and further decimal rounds half up.
pub(super) fn price(text: &str) -> Result<Money, NumberError> {
    let number = Decimal::read(text).ok_or(NumberError::NotANumber)?;
    if number.negative && !number.is_zero() {
        return Err(NumberError::Negative);
    }
    if number.may_be_thousands() {
        return Err(NumberError::Ambiguous);
    }
    let fraction = if number.fraction.is_empty() { "0" } else { number.fraction };
    Money::parse(&format!("{}.{fraction}", number.whole)).map_err(|error| match error {
        MoneyError::NotAnAmount => NumberError::NotANumber,
        MoneyError::Negative => NumberError::Negative,
        MoneyError::TooLarge => NumberError::TooLarge,
    })
}

/// Reads a whole number of pieces from zero to [`MAX_QUANTITY`]; a fraction of zeros is none.
pub(super) fn quantity(text: &str) -> Result<i64, NumberError> {
    let number = Decimal::read(text).ok_or(NumberError::NotANumber)?;
    if number.negative && !number.is_zero() {
        return Err(NumberError::Negative);
    }
    if number.fraction.bytes().any(|b| b != b'0') {
        return Err(NumberError::Fractional);
    }
    match number.whole.parse::<i64>() {
        Ok(pieces) if pieces <= MAX_QUANTITY => Ok(pieces),
        _ => Err(NumberError::TooLarge),
    }
}

/// Reads a whole number of pieces from one to [`OfferTerms::MAX`].
pub(super) fn pieces(text: &str) -> Result<i32, NumberError> {
    match i32::try_from(quantity(text)?) {
        Ok(0) => Err(NumberError::Zero),
        Ok(pieces) if pieces <= OfferTerms::MAX => Ok(pieces),
        _ => Err(NumberError::TooLarge),
    }
}

/// The parts of a decimal number.
struct Decimal<'t> {
    negative: bool,
    /// Digits, at least one.
    whole: String,
    /// Digits, perhaps none.
    fraction: &'t str,
    comma: bool,
    grouped: bool,
}

impl<'t> Decimal<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '\u{2212}']);
        let digits = unsigned.unwrap_or(text);
        let (whole, fraction) = match digits.split_once(['.', ',']) {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let grouped = whole.contains(parts_thousands);
        let whole = if grouped { joined(whole)? } else { whole.to_owned() };
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        (!whole.is_empty() && all_digits(&whole) && all_digits(fraction)).then(|| Self {
            negative: unsigned.is_some(),
            whole,
            fraction,
            comma: digits.contains(','),
            grouped,
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|b| b == b'0')
    }

    /// Whether the comma might part thousands: `1,234`, but neither `0,125` nor `1 234,567`.
    fn may_be_thousands(&self) -> bool {
        let leading_group = self.whole.len() <= 3 && !self.whole.starts_with('0');
        self.comma && !self.grouped && self.fraction.len() == 3 && leading_group
    }
}

fn parts_thousands(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

/// `1 234 567` without its spaces; nothing unless every group after the first has three digits.
fn joined(whole: &str) -> Option<String> {
    let mut groups = whole.split(parts_thousands);
    let mut digits = groups.next().filter(|first| (1..=3).contains(&first.len()))?.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minor(text: &str) -> Result<i64, NumberError> {
        price(text).map(Money::minor)
    }

    #[test]
    fn prices_are_read_as_people_write_them() {
        for (text, expected) in [
            ("110000", 11_000_000),
            ("110000.50", 11_000_050),
            ("110000,50", 11_000_050),
            ("1 234,50", 123_450),
            ("1\u{a0}234\u{a0}567,5", 123_456_750),
            ("12\u{202f}345", 1_234_500),
            (" 007.10 ", 710),
            ("0,125", 13),
            ("1.234", 123),
            ("1234,567", 123_457),
            ("100.0000", 10_000),
            ("-0", 0),
        ] {
            assert_eq!(minor(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            "NaN",
            "inf",
            "1e9",
            "1e999",
            "0x10",
            "+1",
            "--1",
            "1.",
            ".5",
            "1.2.3",
            "1,234.50",
            "12 34",
            "1  234",
            "1234 567",
            "дорого",
            "100 руб",
            "١٢",
            "½",
            "1_000",
            "1'000",
        ] {
            assert_eq!(minor(text), Err(NumberError::NotANumber), "{text}");
            assert_eq!(quantity(text), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn a_price_with_a_comma_before_three_digits_is_ambiguous() {
        for text in ["1,234", "12,500", "100,000"] {
            assert_eq!(minor(text), Err(NumberError::Ambiguous), "{text}");
        }
    }

    #[test]
    fn prices_below_zero_or_beyond_the_limit_are_refused() {
        assert_eq!(minor("-5"), Err(NumberError::Negative));
        assert_eq!(minor("\u{2212}0,01"), Err(NumberError::Negative));
        assert_eq!(minor(&"9".repeat(40)), Err(NumberError::TooLarge));
    }

    #[test]
    fn a_quantity_is_whole() {
        for (text, expected) in
            [("14", 14), ("14.0", 14), ("14,000", 14), ("1 000", 1000), ("1000000000", 1_000_000_000)]
        {
            assert_eq!(quantity(text), Ok(expected), "{text}");
        }
        assert_eq!(quantity("1.5"), Err(NumberError::Fractional));
        assert_eq!(quantity("-1"), Err(NumberError::Negative));
        assert_eq!(quantity("1000000001"), Err(NumberError::TooLarge));
        assert_eq!(quantity(&"9".repeat(40)), Err(NumberError::TooLarge));
    }

    #[test]
    fn a_pack_has_a_piece_at_least_and_a_million_at_most() {
        assert_eq!(pieces("6,0"), Ok(6));
        assert_eq!(pieces("1 000 000"), Ok(1_000_000));
        assert_eq!(pieces("0"), Err(NumberError::Zero));
        assert_eq!(pieces("1000001"), Err(NumberError::TooLarge));
        assert_eq!(pieces("-1"), Err(NumberError::Negative));
        assert_eq!(pieces("0.5"), Err(NumberError::Fractional));
    }

    proptest! {
        #[test]
        fn what_money_writes_is_read_back(kopecks in 0..=Money::MAX.minor()) {
            let money = Money::from_minor(kopecks).unwrap();
            prop_assert_eq!(price(&money.to_string()), Ok(money));
            prop_assert_eq!(price(&money.to_string().replace('.', ",")), Ok(money));
        }

        #[test]
        fn no_text_panics(text in "[-0-9., \u{a0}e]{0,20}|\\PC{0,20}") {
            let _unused = (price(&text), quantity(&text), pieces(&text));
        }
    }
}
