//! GTINs: the numbers under bar codes, by which a thing is known whoever sells it.

use std::fmt;

use serde::Serialize;

/// A GTIN of 8, 12, 13 or 14 digits.
///
/// Zeros before a GTIN mean nothing: `4601234567893` and `04601234567893` are one number. It is kept in the shortest of
/// the four lengths, so that each number has one text, and that is the one that people see on the pack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Gtin(String);

/// Why a text is no GTIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// Not 8, 12, 13 or 14 digits.
    #[error("expected 8, 12, 13 or 14 digits")]
    Form,
    /// The last digit does not fit the others.
    #[error("expected {expected} as the last digit")]
    CheckDigit {
        /// What it would be.
        expected: u8,
    },
    /// A number that each shop gives as it likes, for scales and its own stickers: nobody else knows by it what is meant.
    #[error("it is for use inside one shop, and means nothing outside")]
    Internal,
}

impl Gtin {
    const LENGTHS: [usize; 4] = [8, 12, 13, 14];

    /// Reads a GTIN; white space around it goes.
    ///
    /// # Errors
    /// [`GtinError`].
    pub fn parse(text: &str) -> Result<Self, GtinError> {
        let text = text.trim();
        if !Self::LENGTHS.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(GtinError::Form);
        }
        let padded = format!("{text:0>14}");
        let (digits, last) = padded.split_at(13);
        let expected = check_digit(digits);
        if last != expected.to_string() {
            return Err(GtinError::CheckDigit { expected });
        }
        let zeros = padded.bytes().take_while(|byte| *byte == b'0').count();
        let length = Self::LENGTHS.into_iter().find(|length| zeros >= 14 - length).unwrap_or(14);
        let shortest = &padded[14 - length..];
        // The prefix of a GTIN-8 is its beginning; that of the longer ones stands after the digit of the packing.
        let prefix = if length == 8 { shortest } else { &padded[1..] };
        let internal: &[&str] = if length == 8 { &["0", "2"] } else { &["02", "04", "2"] };
        if internal.iter().any(|beginning| prefix.starts_with(beginning)) {
            return Err(GtinError::Internal);
        }
        Ok(Self(shortest.to_owned()))
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What follows thirteen digits: weighed by 3 and 1 in turn, all of them come to a multiple of ten.
fn check_digit(digits: &str) -> u8 {
    let weighed = digits.bytes().zip([3, 1].into_iter().cycle()).map(|(byte, weight)| (byte - b'0') * weight);
    let sum: u32 = weighed.map(u32::from).sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, GtinError> {
        Gtin::parse(text).map(|gtin| gtin.to_string())
    }

    #[test]
    fn a_gtin_is_kept_as_it_stands_on_the_pack() {
        for (text, kept) in [
            ("4601234567893", "4601234567893"),
            (" 04601234567893 ", "4601234567893"),
            ("036000291452", "036000291452"),
            ("0036000291452", "036000291452"),
            ("96385074", "96385074"),
            ("00000096385074", "96385074"),
            ("14601234567890", "14601234567890"),
            ("9785171134082", "9785171134082"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn what_is_no_gtin_is_refused() {
        for text in ["", "4601234567", "460123456789x", "4,6E+12", "460 1234567893", "٤٦٠١٢٣٤٥٦٧٨٩٣"]
        {
            assert_eq!(read(text), Err(GtinError::Form), "{text}");
        }
        assert_eq!(read("4601234567890"), Err(GtinError::CheckDigit { expected: 3 }));
    }

    #[test]
    fn numbers_for_use_inside_a_shop_are_none() {
        for text in
            ["2000000000015", "02000000000015", "0000000000000", "00000017", "20000004", "0412345678903"]
        {
            assert_eq!(read(text), Err(GtinError::Internal), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_with_its_check_digit_is_a_gtin_of_any_length(
            payload in "[13-9][0-9]{6}|[135-9][0-9]{10}|[13-9][0-9]{11}|[1-9][13-9][0-9]{11}",
            wrong in 1_u8..10,
        ) {
            let check = check_digit(&format!("{payload:0>13}"));
            let gtin = Gtin::parse(&format!("{payload}{check}")).unwrap();
            prop_assert_eq!(gtin.as_str(), format!("{payload}{check}"));
            prop_assert_eq!(Gtin::parse(gtin.as_str()), Ok(gtin.clone()));
            prop_assert_eq!(Gtin::parse(&format!("{:0>14}", gtin.as_str())), Ok(gtin));
            let other = format!("{payload}{}", (check + wrong) % 10);
            prop_assert_eq!(Gtin::parse(&other), Err(GtinError::CheckDigit { expected: check }));
        }

        #[test]
        fn no_single_slip_makes_another_gtin(payload in "[13-9][0-9]{11}", at in 0_usize..13, by in 1_u8..10) {
            let mut digits = format!("{payload}{}", check_digit(&format!("0{payload}"))).into_bytes();
            digits[at] = (digits[at] - b'0' + by) % 10 + b'0';
            prop_assert!(Gtin::parse(&String::from_utf8(digits).unwrap()).is_err());
        }

        #[test]
        fn no_text_panics(text in "[0-9]{0,16}|\\PC{0,16}") {
            let _unused = (Gtin::parse(&text), crate::vat::VatRate::parse(&text));
        }
    }
}
