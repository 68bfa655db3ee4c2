//! Every message, in each locale, with all of its data and with as little as it takes.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn templates() -> Templates {
    Templates::load().unwrap()
}

/// Every text that the data contain, with the path to it.
fn texts(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, path, found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, item)| texts(item, &format!("{path}/{key}"), found));
        }
        _ => {}
    }
}

/// The data without one field, wherever it stands.
fn without(data: &Value, field: &str) -> Value {
    match data {
        Value::Array(items) => items.iter().map(|item| without(item, field)).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| *key != field)
            .map(|(key, item)| (key.clone(), without(item, field)))
            .collect(),
        other => other.clone(),
    }
}

/// Whether a field may be missing in the data of a kind.
fn is_optional(kind: MessageKind, field: &str) -> bool {
    match field {
        "comment" | "deliver_on" | "purchase_number" | "middle_name" | "building" | "structure"
        | "apartment" | "postal_code" | "line" | "more_lines" | "more_parts" | "invoices" => true,
        "pay_until" => kind == MessageKind::OrderPlaced,
        // The administrator is told too.
        "first_name" => kind == MessageKind::PaymentLapsed,
        "sku" | "error" => kind == MessageKind::PriceListImported,
        // Messages that 0.1.0 has queued lack it.
        "reset_url" => kind == MessageKind::AddressKnown,
        // A payment by card is of a whole order.
        "invoice" | "supplier" => kind == MessageKind::PaymentReceived,
        _ => false,
    }
}

/// The names of all fields of the data.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => {
            found.extend(fields.keys().cloned());
            fields.values().for_each(|item| names(item, found));
        }
        _ => {}
    }
}

#[test]
fn every_message_renders_its_sample_in_each_locale() {
    let templates = templates();
    for message in MessageKind::ALL {
        let sample = Templates::sample(message).unwrap();
        for locale in Locale::ALL {
            let rendered = templates.render(message, locale, &sample).unwrap();
            assert!(!rendered.subject.is_empty(), "{message}");
            assert!(rendered.html.contains(&format!("<html lang=\"{}\">", locale.as_str())), "{message}");
            assert_tags_are_balanced(&rendered.html, message.as_str());
        }
    }
}

/// A field that nobody prints is a slip of the pen in a condition.
#[test]
fn every_text_of_a_sample_is_printed() {
    const TOLD_IN_OTHER_WORDS: [&str; 18] = [
        "amount",
        "by",
        "canceled_at",
        "code",
        "currency",
        "deliver_on",
        "due_on",
        "how",
        "kind",
        "next_at",
        "pay_until",
        "placed_at",
        "price",
        "status",
        "subtotal",
        "sum",
        "time_zone",
        "total",
    ];
    let templates = templates();
    for message in MessageKind::ALL {
        let sample = Templates::sample(message).unwrap();
        let mut found = Vec::new();
        texts(&sample, "", &mut found);
        found.retain(|(path, _)| !TOLD_IN_OTHER_WORDS.iter().any(|word| path.ends_with(&format!("/{word}"))));
        for locale in Locale::ALL {
            let rendered = templates.render(message, locale, &sample).unwrap();
            for (path, text) in &found {
                assert!(rendered.text.contains(text), "{locale}/{message}: {path} is not in the text");
                let escaped = handlebars::html_escape(text);
                assert!(rendered.html.contains(&escaped), "{locale}/{message}: {path} is not in the HTML");
            }
        }
    }
}

#[test]
fn optional_fields_may_be_missing_or_null_and_no_others() {
    let templates = templates();
    for message in MessageKind::ALL {
        let sample = Templates::sample(message).unwrap();
        let mut all = BTreeSet::new();
        names(&sample, &mut all);
        let (optional, _): (Vec<_>, Vec<_>) = all.iter().partition(|field| is_optional(message, field));
        let bare = optional.iter().fold(sample.clone(), |data, field| without(&data, field));
        for locale in Locale::ALL {
            let rendered = templates.render(message, locale, &bare).unwrap();
            assert!(!rendered.text.contains("null") && !rendered.text.contains(", ,"), "{}", rendered.text);
        }
        let fields = sample.as_object().unwrap();
        for field in fields.keys() {
            let mut changed = fields.clone();
            changed.insert(field.clone(), Value::Null);
            let null = templates.render(message, Locale::En, &Value::Object(changed.clone()));
            changed.remove(field);
            let missing = templates.render(message, Locale::Ru, &Value::Object(changed));
            let optional = is_optional(message, field);
            assert_eq!(missing.is_ok(), optional, "{message} without {field}");
            assert!(!optional || null.is_ok(), "{message}, {field} being null");
        }
    }
}

#[test]
fn an_order_says_how_it_is_paid() {
    let templates = templates();
    let mut data = Templates::sample(MessageKind::OrderPlaced).unwrap();
    for locale in Locale::ALL {
        let text = templates.render(MessageKind::OrderPlaced, locale, &data).unwrap().text;
        assert!(text.contains("2026-000123-2") && text.contains("2026"), "{text}");
    }
    data["invoices"] = json!([]);
    data["pay_until"] = json!("2026-11-05T12:00:00Z");
    for locale in Locale::ALL {
        let text = templates.render(MessageKind::OrderPlaced, locale, &data).unwrap().text;
        assert!(text.contains("15:00") && !text.contains("2026-000123-2"), "{text}");
    }
}

#[test]
fn every_status_has_words() {
    let templates = templates();
    let mut data = Templates::sample(MessageKind::OrderStatusChanged).unwrap();
    let mut subjects = BTreeSet::new();
    for status in ["new", "confirmed", "assembled", "sent", "delivered", "refused", "canceled"] {
        data["status"] = json!(status);
        for locale in Locale::ALL {
            subjects.insert(
                templates.render(MessageKind::OrderStatusChanged, locale, &data).expect(status).subject,
            );
        }
    }
    assert_eq!(subjects.len(), 14);
    data["status"] = json!("lost");
    assert!(templates.render(MessageKind::OrderStatusChanged, Locale::Ru, &data).is_err());
}

#[test]
fn a_name_is_data_wherever_it_stands() {
    let name = "Eve\r\nBcc: all@example.com\u{2028}\u{0} <b>&\"'";
    let templates = templates();
    let mut data = Templates::sample(MessageKind::OrderToAdminister).unwrap();
    data["buyer"]["name"] = json!(name);
    data["number"] = json!(name);
    let rendered = templates.render(MessageKind::OrderToAdminister, Locale::En, &data).unwrap();
    assert!(!rendered.subject.chars().any(|c| c.is_control() || ends_line(c)), "{}", rendered.subject);
    assert!(rendered.subject.contains("Eve Bcc: all@example.com <b>&\"'"), "{}", rendered.subject);
    assert!(rendered.text.contains("<b>&\"'") && !rendered.text.contains('\u{0}'));
    assert!(rendered.html.contains("&lt;b&gt;&amp;&quot;&#x27;") && !rendered.html.contains("<b>&"));
}

/// No template prints a value unescaped, and no letter relies on a script or a picture. Only the page has a style sheet,
/// for dark mode and narrow screens, and it names every class that stands anywhere.
#[test]
fn templates_keep_to_what_mail_clients_can_show() {
    for path in Files::iter().filter(|path| path.ends_with(".hbs")) {
        let file = Files::get(&path).unwrap();
        let source = std::str::from_utf8(&file.data).unwrap();
        for banned in ["{{{", "{{&", "<script", "<img", "@import", "url("] {
            assert!(!source.contains(banned), "{path} has {banned}");
        }
        assert!(
            path.ends_with("_layout/page.html.hbs") || !source.contains("<style"),
            "{path} has a style sheet"
        );
        for class in source.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            for class in class.split(' ') {
                assert!(["desk", "sheet", "muted", "rule", "link"].contains(&class), "{path}: class {class}");
            }
        }
    }
}

/// Clients that drop the style sheet show the inline colours: whoever sets a background sets the text's colour.
#[test]
fn every_letter_is_whole_without_its_style_sheet() {
    let templates = templates();
    for message in MessageKind::ALL {
        for locale in Locale::ALL {
            let html = templates.render(message, locale, &Templates::sample(message).unwrap()).unwrap().html;
            let (head, body) = html.split_once("<body").unwrap();
            for part in ["color-scheme", "prefers-color-scheme: dark", "name=\"viewport\"", "<title>"] {
                assert!(head.contains(part), "{locale}/{message} lacks {part}");
            }
            assert!(body.contains("background-color:#ffffff") && body.contains("color:#1f2328"));
            let preheader =
                body.split_once("aria-hidden=\"true\">").unwrap().1.split_once("</div>").unwrap().0;
            assert!(!preheader.trim().is_empty(), "{locale}/{message} says nothing beside its subject");
            for table in body.split("<table").skip(1) {
                let tag = table.split_once('>').unwrap().0;
                let data = table.contains("<th") || table.contains("colspan");
                assert!(data || tag.contains("role=\"presentation\""), "{locale}/{message}: <table{tag}>");
            }
        }
    }
}

/// An order of a thousand suppliers, each with all the words that there is room for, still makes a letter that mail
/// programs show whole.
#[test]
fn a_letter_has_a_bounded_size() {
    let templates = templates();
    let line = json!({
        "name": "Щит ".repeat(20), "sku": "S".repeat(20), "price": "9999999999999.99", "quantity": 1_000_000,
        "sum": "9999999999999.99",
    });
    let mut data = Templates::sample(MessageKind::OrderPlaced).unwrap();
    data["parts"] = json!([{
        "supplier": "Связной", "subtotal": "9999999999999.99", "lines": vec![line; 100], "more_lines": 900,
        "lines_count": 1_000,
    }]);
    for locale in Locale::ALL {
        let rendered = templates.render(MessageKind::OrderPlaced, locale, &data).unwrap();
        assert!(rendered.html.len() < 102_000, "{} bytes: Gmail cuts it off", rendered.html.len());
        assert!(rendered.text.contains("900"), "{}", rendered.text);
    }
}

fn assert_tags_are_balanced(html: &str, message: &str) {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{message}"),
            None if ["!DOCTYPE", "meta", "br", "hr"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{message}: {open:?} stay open");
}
