//! Where goods go, and who receives them.

use serde::{Deserialize, Serialize};

use crate::{
    accounts::{EmailAddress, PersonName},
    ids::AddressId,
    text::{Invalid, one_line, one_line_texts},
};

one_line_texts! {
    /// A city, street, house, building, structure, apartment or postal code.
    AddressPart: 200;
    /// What people call a saved address: the shop's name.
    AddressLabel: 100;
}

/// A phone number: as people write it, with 5 to 20 digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// Checks it.
    ///
    /// # Errors
    /// `required`, `too_long` or `invalid_phone`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = one_line(text, 40)?;
        let digits = text.chars().filter(char::is_ascii_digit).count();
        if (5..=20).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c)) {
            Ok(Self(text))
        } else {
            Err(Invalid::new("invalid_phone", "expected a phone number such as +7 495 123-45-67"))
        }
    }

    /// The number, as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address and its recipient. In this form it also stands in an order, as it was at confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The recipient's family name.
    pub last_name: PersonName,
    /// The recipient's given name.
    pub first_name: PersonName,
    /// The recipient's patronymic or middle name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<PersonName>,
    /// The recipient's e-mail.
    pub email: EmailAddress,
    /// The recipient's phone.
    pub phone: Phone,
    /// City.
    pub city: AddressPart,
    /// Street.
    pub street: AddressPart,
    /// House.
    pub house: AddressPart,
    /// Building (корпус).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<AddressPart>,
    /// Structure (строение).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<AddressPart>,
    /// Apartment or office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apartment: Option<AddressPart>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<AddressPart>,
}

/// An address that an organization keeps.
#[derive(Clone, Debug)]
pub struct SavedAddress {
    /// Which one.
    pub id: AddressId,
    /// What people call it.
    pub label: Option<AddressLabel>,
    /// The address.
    pub address: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_taken_as_people_write_them() {
        for text in ["+7 (495) 123-45-67", "84951234567", "112 00"] {
            assert!(Phone::parse(text).is_ok(), "{text}");
        }
        for text in ["1234", "call me", "+7 495 123 45 67 ext 5"] {
            assert_eq!(Phone::parse(text).unwrap_err().code, "invalid_phone", "{text}");
        }
    }
}
