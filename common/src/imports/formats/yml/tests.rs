use std::io::Cursor;

use super::*;
use crate::{
    imports::{FieldCode, Good, formats::Format},
    vat::VatRates,
};

fn try_list(text: &str) -> Result<(ListSummary, Vec<RawGood>), FileError> {
    let mut goods = Vec::new();
    let mut sink = |good| {
        goods.push(good);
        ControlFlow::Continue(())
    };
    let limits = Limits { currency: "RUB".parse().ok(), ..Limits::default() };
    match read(Cursor::new(text), limits, &mut sink) {
        Ok(summary) => Ok((summary, goods)),
        Err(ReadError::File(error)) => Err(error),
        Err(ReadError::Source(error)) => panic!("{error}"),
    }
}

fn offers(offers: &str) -> Vec<RawGood> {
    let head = "<yml_catalog><shop><categories><category id=\"1\">Смартфоны</category></categories><offers>";
    try_list(&format!("{head}{offers}</offers></shop></yml_catalog>")).unwrap().1
}

/// The codes of an offer's errors, with their fields.
fn errors(good: &RawGood) -> Vec<(&str, FieldCode)> {
    good.errors.iter().map(|error| (error.field.as_str(), error.code)).collect()
}

const CATALOG: &str = r#"<?xml version="1.0" encoding="windows-1251"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-05-01 12:30">
  <shop>
    <name>Связной</name>
    <currencies><currency id="RUR" rate="1"/></currencies>
    <categories>
      <category id="1">Смартфоны</category>
      <category id="2" parentId="1">Чехлы &amp; плёнки</category>
    </categories>
    <offers>
      <offer id="4216292" available="true">
        <name>Смартфон Apple iPhone XS Max</name>
        <vendor>Apple</vendor><vendorCode>MT5A2</vendorCode>
        <price>110000.50</price><oldprice>116990</oldprice><currencyId>RUR</currencyId>
        <categoryId>1</categoryId>
        <description><![CDATA[Первая <b>строка</b>]]></description>
        <count>14</count>
        <param name="Диагональ" unit="дюйм">6.5</param><param name="Цвет">золотистый</param>
        <picture>https://example.org/1.jpg</picture>
      </offer>
      <offer id="007" available="false" type="vendor.model">
        <typePrefix>Чехол</typePrefix><vendor>Ёж</vendor><model>XS</model>
        <price>600</price><categoryId>2</categoryId>
      </offer>
    </offers>
  </shop>
</yml_catalog>
"#;

#[test]
fn a_catalogue_as_suppliers_have_it_is_read() {
    let (summary, goods) = try_list(CATALOG).unwrap();
    assert_eq!((summary.shop.as_deref(), summary.rows), (Some("Связной"), 2));
    let good = Good::check(goods[0].clone(), &VatRates::default()).unwrap();
    assert_eq!((good.sku.as_str(), good.category.as_str()), ("4216292", "Смартфоны"));
    assert_eq!((good.model.as_deref(), good.price.minor(), good.quantity), (Some("MT5A2"), 11_000_050, 14));
    assert_eq!(good.recommended_price.map(|price| price.minor()), Some(11_699_000));
    assert_eq!(good.description.as_deref(), Some("Первая <b>строка</b>"));
    assert_eq!(good.parameters["Диагональ (дюйм)"], "6.5");
    assert_eq!(good.parameters["Производитель"], "Apple");
    let good = Good::check(goods[1].clone(), &VatRates::default()).unwrap();
    assert_eq!((good.sku.as_str(), good.name.as_str(), good.quantity), ("007", "Чехол Ёж XS", 0));
    assert_eq!((good.category.as_str(), goods[1].line), ("Чехлы & плёнки", Some(22)));
    let ignored: Vec<&str> = summary.ignored_fields.keys().map(String::as_str).collect();
    assert_eq!(ignored, ["offer/picture", "shop/currencies"]);
}

#[test]
fn categories_may_come_after_the_offers() {
    let begin = CATALOG.find("<categories>").unwrap();
    let end = CATALOG.find("</categories>").unwrap() + "</categories>".len();
    let turned = format!("{}{}", &CATALOG[..begin], &CATALOG[end..])
        .replace("</offers>", &format!("</offers>{}", &CATALOG[begin..end]));
    let (summary, goods) = try_list(&turned).unwrap();
    assert_eq!((summary.rows, goods[1].category.as_deref()), (2, Some("Чехлы & плёнки")));
}

#[test]
fn errors_are_those_of_their_offer_and_in_the_words_of_the_form() {
    let all = offers(
        "<offer id='1'><price>5</price><price>6</price><name>a&nbsp;b</name><currencyId>USD</currencyId>\
         <categoryId>7</categoryId></offer><offer/>",
    );
    let expected = [
        ("price", FieldCode::DuplicateKey),
        ("name", FieldCode::UnknownEntity),
        ("currencyId", FieldCode::WrongCurrency),
        ("category", FieldCode::UnknownCategory),
    ];
    assert_eq!(errors(&all[0]), expected);
    let rejected = Good::check(all[1].clone(), &VatRates::default()).unwrap_err();
    let fields: Vec<String> = rejected.errors.iter().map(|error| Format::Yml.field(&error.field)).collect();
    assert_eq!(fields, ["id", "categoryId", "name", "price", "count"]);
    assert_eq!(Format::Yml.field("parameters.Цвет"), "param.Цвет");
}

#[test]
fn what_is_no_catalogue_says_what_was_expected() {
    for (text, code) in [
        ("", FileCode::Empty),
        ("<html><body/></html>", FileCode::WrongShape),
        ("<yml_catalog><shop/></yml_catalog>", FileCode::GoodsMissing),
        ("<yml_catalog><shop>", FileCode::Syntax),
        ("<yml_catalog><shop></yml_catalog>", FileCode::Syntax),
        ("<!DOCTYPE yml_catalog [<!ENTITY a \"b\">]><yml_catalog/>", FileCode::OwnDefinitions),
        (
            "<!DOCTYPE yml_catalog [<!ENTITY % a SYSTEM \"file:///etc/passwd\"> %a;]><x/>",
            FileCode::OwnDefinitions,
        ),
    ] {
        let error = try_list(text).unwrap_err();
        assert_eq!(error.code, code, "{text}: {error}");
    }
    let deep = "<a>".repeat(100_000);
    assert_eq!(try_list(&deep).unwrap_err().code, FileCode::Syntax);
}

#[test]
fn a_lone_ampersand_is_one() {
    let good = offers("<offer id='1'><name>AT&T & Co</name></offer>").remove(0);
    assert_eq!((good.name.as_deref(), good.errors.len()), (Some("AT&T & Co"), 0));
}
