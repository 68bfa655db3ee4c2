//! The JSON of addresses.

use common::{
    accounts::{EmailAddress, PersonName},
    addresses::{Address, AddressLabel, AddressPart, Phone, SavedAddress},
    ids::AddressId,
};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};

use crate::{body::Fields, error::ApiResult, params::page_response};

/// Where goods go, and who receives them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRequest {
    /// What people call it: the shop's name. Kept with saved addresses only.
    pub label: Option<String>,
    /// The recipient's family name.
    pub last_name: String,
    /// The recipient's given name.
    pub first_name: String,
    /// The recipient's patronymic or middle name.
    pub middle_name: Option<String>,
    /// The recipient's e-mail.
    #[salvo(schema(example = "anna@example.com"))]
    pub email: String,
    /// The recipient's phone.
    #[salvo(schema(example = "+7 495 123-45-67"))]
    pub phone: String,
    /// City.
    pub city: String,
    /// Street.
    pub street: String,
    /// House.
    pub house: String,
    /// Building (корпус).
    pub building: Option<String>,
    /// Structure (строение).
    pub structure: Option<String>,
    /// Apartment or office.
    pub apartment: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
}

impl AddressRequest {
    /// Checks an address to be saved.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(mut self, id: AddressId) -> ApiResult<SavedAddress> {
        let mut fields = Fields::default();
        let label = fields.optional("/label", self.label.take(), |text| AddressLabel::parse(&text));
        let address = self.check(&mut fields, "");
        let saved = label.zip(address).map(|(label, address)| SavedAddress { id, label, address });
        fields.finish(saved)
    }

    /// Checks the address, as part of a body where it stands at `at`.
    pub fn check(self, fields: &mut Fields, at: &str) -> Option<Address> {
        let to = |name: &str| format!("{at}/{name}");
        let part = |text: String| AddressPart::parse(&text);
        let last_name = fields.take(&to("last_name"), PersonName::parse(&self.last_name));
        let first_name = fields.take(&to("first_name"), PersonName::parse(&self.first_name));
        let middle_name =
            fields.optional(&to("middle_name"), self.middle_name, |text| PersonName::parse(&text));
        let email = fields.take(&to("email"), EmailAddress::parse(&self.email));
        let phone = fields.take(&to("phone"), Phone::parse(&self.phone));
        let city = fields.take(&to("city"), part(self.city));
        let street = fields.take(&to("street"), part(self.street));
        let house = fields.take(&to("house"), part(self.house));
        let building = fields.optional(&to("building"), self.building, part);
        let structure = fields.optional(&to("structure"), self.structure, part);
        let apartment = fields.optional(&to("apartment"), self.apartment, part);
        let postal_code = fields.optional(&to("postal_code"), self.postal_code, part);
        Some(Address {
            last_name: last_name?,
            first_name: first_name?,
            middle_name: middle_name?,
            email: email?,
            phone: phone?,
            city: city?,
            street: street?,
            house: house?,
            building: building?,
            structure: structure?,
            apartment: apartment?,
            postal_code: postal_code?,
        })
    }
}

/// An address as it was given.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressResponse {
    /// The recipient's family name.
    pub last_name: String,
    /// The recipient's given name.
    pub first_name: String,
    /// The recipient's patronymic or middle name.
    pub middle_name: Option<String>,
    /// The recipient's e-mail.
    pub email: String,
    /// The recipient's phone.
    pub phone: String,
    /// City.
    pub city: String,
    /// Street.
    pub street: String,
    /// House.
    pub house: String,
    /// Building (корпус).
    pub building: Option<String>,
    /// Structure (строение).
    pub structure: Option<String>,
    /// Apartment or office.
    pub apartment: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
}

impl From<Address> for AddressResponse {
    fn from(address: Address) -> Self {
        let text = |part: Option<AddressPart>| part.map(AddressPart::into_string);
        Self {
            last_name: address.last_name.into_string(),
            first_name: address.first_name.into_string(),
            middle_name: address.middle_name.map(PersonName::into_string),
            email: address.email.as_str().to_owned(),
            phone: address.phone.as_str().to_owned(),
            city: address.city.into_string(),
            street: address.street.into_string(),
            house: address.house.into_string(),
            building: text(address.building),
            structure: text(address.structure),
            apartment: text(address.apartment),
            postal_code: text(address.postal_code),
        }
    }
}

/// An address that the organization keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedAddressResponse {
    /// Its id, for `address_id` of an order.
    pub id: String,
    /// What people call it.
    pub label: Option<String>,
    /// The address.
    #[serde(flatten)]
    pub address: AddressResponse,
}

impl From<SavedAddress> for SavedAddressResponse {
    fn from(saved: SavedAddress) -> Self {
        Self {
            id: saved.id.to_string(),
            label: saved.label.map(AddressLabel::into_string),
            address: saved.address.into(),
        }
    }
}

page_response! {
    /// A page of the organization's addresses.
    AddressesResponse of SavedAddressResponse
}
