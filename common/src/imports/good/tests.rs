use super::*;

fn check(raw: RawGood) -> Result<Good, Rejected> {
    Good::check(raw, &VatRates::default())
}

fn raw() -> RawGood {
    let text = |text: &str| Some(text.to_owned());
    RawGood {
        row: 7,
        line: Some(40),
        sku: text("4216292"),
        category: text("Смартфоны"),
        model: text("apple/iphone/xs-max"),
        name: text("Смартфон Apple iPhone XS Max 512GB (золотистый)"),
        description: text("Первая строка\nвторая"),
        price: text("110000,50"),
        price_rrc: text("116990"),
        quantity: text("14.0"),
        gtin: text("04601234567893"),
        vat: text("22%"),
        unit: text("шт"),
        min_quantity: text("12"),
        multiple: text("6.0"),
        parameters: vec![("Цвет".to_owned(), "золотистый".to_owned()), ("Вес".to_owned(), "1.10".to_owned())],
        errors: Vec::new(),
    }
}

/// The codes of a rejected entry, with their fields.
fn refusals(raw: RawGood) -> Vec<(String, FieldCode)> {
    check(raw).unwrap_err().errors.into_iter().map(|error| (error.field, error.code)).collect()
}

fn refusal(raw: RawGood) -> (String, FieldCode) {
    let mut all = refusals(raw);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_sound_entry_becomes_a_good() {
    let good = check(raw()).unwrap();
    assert_eq!(good.sku.as_str(), "4216292");
    assert_eq!(good.category.normalized(), "смартфоны");
    assert_eq!((good.price.minor(), good.quantity), (11_000_050, 14));
    assert_eq!(good.recommended_price.map(Money::minor), Some(11_699_000));
    assert_eq!(good.description.as_deref(), Some("Первая строка\nвторая"));
    assert_eq!(good.parameters["Вес"], "1.10");
    assert_eq!(good.gtin.as_ref().map(Gtin::as_str), Some("4601234567893"));
    assert_eq!(good.vat_rate.as_ref().map(VatRate::as_str), Some("22"));
    assert_eq!(good.unit.as_deref(), Some("шт"));
    assert_eq!(good.terms, OfferTerms { min_quantity: 12, multiple: 6 });
}

#[test]
fn what_an_offer_may_leave_unsaid_is_refused_where_it_is_wrong() {
    let text = |text: &str| Some(text.to_owned());
    for (bad, field, code) in [
        (RawGood { gtin: text("4601234567890"), ..raw() }, "gtin", FieldCode::NotAGtin),
        (RawGood { gtin: text("2000000000015"), ..raw() }, "gtin", FieldCode::NotAGtin),
        (RawGood { vat: text("20"), ..raw() }, "vat", FieldCode::UnknownVatRate),
        (RawGood { vat: text("много"), ..raw() }, "vat", FieldCode::UnknownVatRate),
        (RawGood { unit: text(&"ж".repeat(21)), ..raw() }, "unit", FieldCode::TooLong),
        (RawGood { min_quantity: text("0"), ..raw() }, "min_quantity", FieldCode::NotPositive),
        (RawGood { min_quantity: text("10"), ..raw() }, "min_quantity", FieldCode::NotAMultiple),
        (RawGood { multiple: text("1.5"), ..raw() }, "multiple", FieldCode::Fractional),
        (RawGood { multiple: text("1000001"), ..raw() }, "multiple", FieldCode::TooLarge),
    ] {
        assert_eq!(refusal(bad), (field.to_owned(), code));
    }
    let none =
        RawGood { gtin: text(" "), vat: None, unit: None, min_quantity: None, multiple: None, ..raw() };
    let good = check(none).unwrap();
    assert_eq!((good.gtin, good.vat_rate, good.unit, good.terms), (None, None, None, OfferTerms::default()));
}

#[test]
fn an_unknown_rate_is_told_those_that_are_known() {
    let rejected = check(RawGood { vat: Some("20".to_owned()), ..raw() }).unwrap_err();
    assert_eq!(rejected.errors[0].detail.en, "found «20», expected one of the rates none, 0, 5, 7, 10, 22");
    assert_eq!(rejected.errors[0].detail.ru, "найдено «20», ожидается одна из ставок none, 0, 5, 7, 10, 22");
}

#[test]
fn optional_fields_may_be_absent_or_empty() {
    let empty =
        RawGood { model: Some("  ".to_owned()), description: None, price_rrc: Some(String::new()), ..raw() };
    let good = check(empty).unwrap();
    assert_eq!((good.model, good.description, good.recommended_price), (None, None, None));
}

#[test]
fn a_recommended_price_of_zero_means_none() {
    assert_eq!(check(RawGood { price_rrc: Some("0".to_owned()), ..raw() }).unwrap().recommended_price, None);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let bad = RawGood {
        sku: Some(" ".to_owned()),
        category: None,
        name: Some("a\0b".to_owned()),
        price: Some("-1".to_owned()),
        quantity: Some("1.5".to_owned()),
        ..raw()
    };
    let rejected = check(bad.clone()).unwrap_err();
    assert_eq!((rejected.row, rejected.line, rejected.sku), (7, Some(40), None));
    let expected = [
        ("id", FieldCode::Required),
        ("category", FieldCode::Required),
        ("name", FieldCode::ControlCharacter),
        ("price", FieldCode::Negative),
        ("quantity", FieldCode::Fractional),
    ];
    assert_eq!(refusals(bad), expected.map(|(field, code)| (field.to_owned(), code)));
}

#[test]
fn a_rejected_entry_keeps_its_sku() {
    let rejected = check(RawGood { price: None, ..raw() }).unwrap_err();
    assert_eq!(rejected.sku, Some(Sku::parse("4216292").unwrap()));
}

#[test]
fn a_price_of_zero_is_refused_and_a_quantity_of_zero_is_not() {
    assert_eq!(
        refusal(RawGood { price: Some("0.001".to_owned()), ..raw() }),
        ("price".into(), FieldCode::NotPositive)
    );
    assert_eq!(check(RawGood { quantity: Some("0".to_owned()), ..raw() }).unwrap().quantity, 0);
}

#[test]
fn an_error_names_what_was_found_and_what_was_expected() {
    let rejected = check(RawGood { price: Some("дорого".to_owned()), ..raw() }).unwrap_err();
    assert_eq!(rejected.errors[0].detail.en, "found «дорого», expected a number such as 1234 or 1234.50");
}

#[test]
fn a_field_whose_shape_is_wrong_is_not_also_missing() {
    let shape =
        FieldError::new("price", FieldCode::WrongShape, said!("found a list, expected a text", "список"));
    let bad = RawGood { price: None, errors: vec![shape], ..raw() };
    assert_eq!(refusal(bad), ("price".into(), FieldCode::WrongShape));
}

#[test]
fn every_text_has_its_limit() {
    let long = |n: usize| Some("ж".repeat(n));
    for (bad, field) in [
        (RawGood { sku: long(101), ..raw() }, "id"),
        (RawGood { category: long(201), ..raw() }, "category"),
        (RawGood { model: long(1_001), ..raw() }, "model"),
        (RawGood { name: long(10_000), ..raw() }, "name"),
        (RawGood { description: long(20_001), ..raw() }, "description"),
        (RawGood { parameters: vec![("ж".repeat(101), "1".into())], ..raw() }, "parameters"),
        (RawGood { parameters: vec![("ж".into(), "1".repeat(1_001))], ..raw() }, "parameters.ж"),
    ] {
        assert_eq!(refusal(bad), (field.to_owned(), FieldCode::TooLong));
    }
    assert!(check(RawGood { sku: long(100), name: long(1_000), description: long(20_000), ..raw() }).is_ok());
}

#[test]
fn a_name_fits_into_an_index() {
    let named = |name: String| RawGood { name: Some(name), ..raw() };
    assert!(check(named("ж".repeat(1_000))).is_ok());
    assert_eq!(refusal(named("字".repeat(667))), ("name".into(), FieldCode::TooLong));
    // It is the key that stands there, which may be longer than the name.
    assert!(check(named("İ".repeat(666))).is_ok());
    assert_eq!(refusal(named("İ".repeat(667))), ("name".into(), FieldCode::TooLong));
}

#[test]
fn parameters_have_a_limit_in_all() {
    let of = |n: u32| (0..n).map(|i| (format!("{i:03}"), "ж".repeat(997))).collect();
    let good = check(RawGood { parameters: of(20), ..raw() }).unwrap();
    assert!(good.weight() > 20 * 997 * 2, "each letter is two bytes");
    assert_eq!(refusal(RawGood { parameters: of(21), ..raw() }), ("parameters".into(), FieldCode::TooLong));
}

#[test]
fn an_offer_has_at_most_200_parameters() {
    let many = |n: u32| (0..n).map(|i| (i.to_string(), "да".to_owned())).collect();
    assert_eq!(check(RawGood { parameters: many(200), ..raw() }).unwrap().parameters.len(), 200);
    assert_eq!(
        refusal(RawGood { parameters: many(201), ..raw() }),
        ("parameters".into(), FieldCode::TooMany)
    );
}

#[test]
fn a_parameter_without_a_value_is_absent_and_one_without_a_name_is_refused() {
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert!(check(RawGood { parameters: pair("", " "), ..raw() }).unwrap().parameters.is_empty());
    assert_eq!(
        refusal(RawGood { parameters: pair(" ", "1"), ..raw() }),
        ("parameters".into(), FieldCode::Required)
    );
}

#[test]
fn a_parameter_given_twice_is_refused() {
    let twice = vec![("Цвет".to_owned(), "a".to_owned()), ("Цвет ".to_owned(), "b".to_owned())];
    assert_eq!(
        refusal(RawGood { parameters: twice, ..raw() }),
        ("parameters.Цвет".into(), FieldCode::DuplicateKey)
    );
}

#[test]
fn a_sku_is_the_text_as_written() {
    assert_eq!(Sku::parse(" 007 ").unwrap().as_str(), "007");
    assert_ne!(Sku::parse("007").unwrap(), Sku::parse("7").unwrap());
    assert_eq!(serde_json::from_str::<Sku>("\"  \"").unwrap_err().to_string(), "expected a text");
}
