//! The words of the document: what a value looks like wherever its name stands, and an example of it.
//!
//! One word means the same thing everywhere, so its limits and its example stand here once and not at each of its
//! fields. What a request takes is described exactly: a client, or a program that tries every request the document
//! allows, may rely on it.

use common::{
    audit::Action,
    mail::MessageKind,
    orders::{OrderStatus, SupplierOrderStatus},
    queue::{QueueName, office::JobState},
};
use serde_json::{Map, Value, json};

/// White space that a text may hold, and that alone makes none.
const SPACE: &str = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000";
/// What no text of one line holds: controls, zero-width characters, changes of direction.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff";
/// The same for a text of many lines.
const CONTROL_BUT_LINES: &str =
    r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff";

/// An amount as people write it, and as it is answered.
const ASKED_AMOUNT: &str = r"^[0-9]{1,13}(\.[0-9]{1,2})?$";
const AMOUNT: &str = r"^[0-9]{1,13}\.[0-9]{2}$";
const ID: &str = "0199a9a0-7c1e-7d3a-9f00-5b1c2d3e4f50";
const AT: &str = "2026-11-24T09:30:00Z";

/// What a value looks like.
pub(super) struct Word {
    /// Keywords of JSON Schema.
    pub(super) limits: Map<String, Value>,
    /// One of its values.
    pub(super) example: Value,
}

fn word(limits: Value, example: impl Into<Value>) -> Option<Word> {
    let limits = match limits {
        Value::Object(limits) => limits,
        _ => Map::new(),
    };
    Some(Word { limits, example: example.into() })
}

/// A text of one line, as `common::text::one_line` takes it.
fn line(max: usize, example: &str) -> Option<Word> {
    word(json!({ "minLength": 1, "maxLength": max, "pattern": text_without(CONTROL) }), example)
}

fn lines(max: usize, example: &str) -> Option<Word> {
    word(json!({ "minLength": 1, "maxLength": max, "pattern": text_without(CONTROL_BUT_LINES) }), example)
}

/// Something visible, and nothing that must not be there.
fn text_without(control: &str) -> String {
    format!(r"^[^{control}]*[^{control}\t\n\r{SPACE}][^{control}]*$")
}

/// A value without limits of its own.
fn like(example: impl Into<Value>) -> Option<Word> {
    word(json!({}), example)
}

fn one_of(words: &[&str]) -> Option<Word> {
    word(json!({ "enum": words }), words.first().copied().unwrap_or_default())
}

fn job_states() -> [&'static str; 5] {
    JobState::ALL.map(JobState::as_str)
}

fn part_statuses() -> [&'static str; 7] {
    SupplierOrderStatus::ALL.map(SupplierOrderStatus::as_str)
}

/// What a field of a request takes.
pub(super) fn of_request(schema: &str, name: &str) -> Option<Word> {
    match (schema, name) {
        ("StatusRequest", "status") => {
            one_of(&part_statuses()).map(|word| Word { example: "confirmed".into(), ..word })
        }
        ("JobSelectionRequest", "kind") => line(100, "send_email"),
        ("JobSelectionRequest", "status") => one_of(&job_states()),
        (_, "queue") => one_of(&QueueName::ALL.map(QueueName::as_str)),
        (_, "created_from" | "created_to") => word(json!({ "format": "date-time" }), AT),
        (_, "after") => word(json!({ "format": "uuid" }), ID),
        ("LoginRequest", "email") => like("anna@example.com"),
        ("LoginRequest", "password") | (_, "current_password") => like("a long password"),
        (_, "email") => word(json!({ "format": "email", "maxLength": 254 }), "anna@example.com"),
        (_, "password" | "new_password") => {
            word(json!({ "minLength": 8, "maxLength": 128, "format": "password" }), "a long password")
        }
        (_, "first_name") => line(100, "Анна"),
        (_, "last_name") => line(100, "Смирнова"),
        (_, "middle_name") => line(100, "Сергеевна"),
        (_, "company") => line(200, "Сеть «Пример»"),
        (_, "position") => line(200, "Закупщик"),
        (_, "supplier_name") => line(200, "Связной"),
        (_, "account_type") => one_of(&["buyer", "supplier"]),
        (_, "locale") => one_of(&["ru", "en"]),
        (_, "label") => line(100, "Магазин № 12"),
        (_, "phone") => word(
            json!({ "minLength": 5, "maxLength": 40, "pattern": "^(?:[-+() .]*[0-9]){5,20}[-+() .]*$" }),
            "+7 495 123-45-67",
        ),
        (_, "city") => line(200, "Москва"),
        (_, "street") => line(200, "Тверская"),
        (_, "house") => line(200, "7"),
        (_, "building") => line(200, "2"),
        (_, "structure") => line(200, "1"),
        (_, "apartment") => line(200, "15"),
        (_, "postal_code") => line(200, "125009"),
        (_, "price_list_every_minutes") => word(json!({ "minimum": 15, "maximum": 10_080 }), 60),
        (_, "price_list_mode") => one_of(&["replace", "upsert"]),
        (_, "url" | "price_list_url") => word(
            json!({ "format": "iri", "maxLength": 2_000, "pattern": "^https?://" }),
            "https://shop.example.com/price.yaml",
        ),
        (_, "sku") => {
            // Nor U+FFFD, what a broken encoding leaves.
            let pattern = text_without(&format!(r"{CONTROL}\ufffd"));
            word(json!({ "minLength": 1, "maxLength": 100, "pattern": pattern }), "4216292")
        }
        (_, "comment" | "reason") => lines(1_000, "Позвоните за час"),
        (_, "purchase_number") => line(100, "PO-2026-17"),
        (_, "payment_method") => one_of(&["invoice", "card"]),
        (_, "deliver_on" | "paid_on") => {
            word(json!({ "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }), "2026-12-01")
        }
        (_, "expected_total" | "amount") => word(json!({ "pattern": ASKED_AMOUNT }), "110000.00"),
        (_, "reference") => line(200, "П/п 17"),
        (_, "guard_price_factor") => word(json!({ "minimum": 1.01, "maximum": 1000 }), 3),
        (_, "guard_withdrawn_percent") => word(json!({ "minimum": 0, "maximum": 100 }), 50),
        (_, "provider") => one_of(&["yookassa"]),
        ("NoticeRequest", "type") => one_of(&["notification"]),
        ("NoticeRequest", "event") => one_of(&[
            "payment.waiting_for_capture",
            "payment.succeeded",
            "payment.canceled",
            "refund.succeeded",
        ]),
        // The provider's names are the provider's.
        ("NoticeObject", _) => {
            word(json!({ "pattern": "^[!-~]{1,64}$" }), "22d6d597-000f-5000-9000-145f6df21d6f")
        }
        (_, name) if name.ends_with("_id") => word(json!({ "format": "uuid" }), ID),
        (_, name) => of_answer(schema, name),
    }
}

/// What a field of an answer looks like.
pub(super) fn of_answer(schema: &str, name: &str) -> Option<Word> {
    match (schema, name) {
        ("OrderResponse" | "OrderSummaryResponse", "status") => {
            one_of(&["new", "in_progress", "delivered", "canceled"])
        }
        (_, "status") if schema.starts_with("ImportRow") => like("updated"),
        (_, "status") if schema.starts_with("Import") => like("completed"),
        (_, "status") if schema.starts_with("Payment") => like("invoiced"),
        (_, "status") if schema.starts_with("Job") => like("dead"),
        (_, "status") => like("confirmed"),
        (_, "payment_status") => like("invoiced"),
        (
            "SupplierResponse"
            | "OfferSupplier"
            | "LineSupplier"
            | "SubtotalResponse"
            | "SupplierSettingsResponse",
            "name",
        ) => like("Связной"),
        ("CategoryResponse" | "ProductCategory", "name") => like("Смартфоны"),
        ("BuyerResponse", "name") => like("Сеть «Пример»"),
        ("ProductResponse" | "ProductCardResponse", "name") | (_, "product_name") => {
            like("Смартфон Apple iPhone XS Max 512GB (золотистый)")
        }
        (_, "description") => like("Экран 6,5 дюйма, две камеры"),
        (_, "email") => word(json!({ "format": "email" }), "anna@example.com"),
        (_, "role" | "by") => like("buyer"),
        (_, "sku") => like("4216292"),
        (_, "gtin") => word(json!({ "pattern": "^[0-9]{8}([0-9]{4,6})?$" }), "4601234567893"),
        (_, "vat_rate") => word(json!({ "pattern": "^(none|[0-9]{1,2})$" }), "22"),
        (_, "unit") => like("шт"),
        (_, "min_quantity" | "multiple") => like(6),
        (_, "model") => like("apple/iphone/xs-max"),
        (_, "currency") => word(json!({ "pattern": "^[A-Z]{3}$" }), "RUB"),
        (
            _,
            "price" | "price_from" | "recommended_price" | "sum" | "subtotal" | "total" | "amount"
            | "captured" | "refunded" | "refund_due",
        ) => word(json!({ "pattern": AMOUNT }), "110000.00"),
        (_, "kind") if schema.starts_with("Job") => like("send_email"),
        (_, "kind") => like("invoice"),
        (_, "queue") => like("mail"),
        (_, "key") => like("refund 0199a9a0-7c1e-7d3a-9f00-5b1c2d3e4f50"),
        (_, "worker") => like("host-1/4242/0199a9a07c1e7d3a9f005b1c2d3e4f50"),
        (_, "last_error" | "error") if !schema.starts_with("Import") => {
            like("the mail server did not take the message: 451 4.7.1 try again later")
        }
        (_, "schedule") => like("clean_up"),
        (_, "last_tick" | "next_tick") => like(AT),
        (_, "last_job") => like(ID),
        (_, "last_job_status") => like("done"),
        (_, "payload") => like(json!({ "message_id": ID })),
        (_, "paused_since") => like(AT),
        (_, "next_after") => like(ID),
        (_, "changed") => like(json!([ID])),
        (_, "provider") => like("yookassa"),
        (_, "redirect_url") => like("https://yoomoney.ru/checkout/payments/v2/contract?orderId=22d6d597"),
        (_, "failure") => like("insufficient_funds"),
        (_, "pay_until") => like(AT),
        (_, "disagreement") => like("expected 140.00 RUB, the provider says 0.01 RUB"),
        (_, "reason") => like("called_off"),
        (_, "reference") => like("П/п 17"),
        (_, "number" | "order_number") => like("2026-000123"),
        (_, "access_token") => like("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk5In0.c2lnbmF0dXJl"),
        (_, "token" | "refresh_token") => like("hq0v8J2nX5cQe1rTzYb3UwMk9dLfSgAoPiNxVtEhRjI"),
        (_, "token_type") => one_of(&["Bearer"]),
        (_, "expires_in") => like(900),
        (_, "next_cursor" | "cursor") => like("IjAxOTlhOWEwIg"),
        (_, "request_id") => like(ID),
        (_, "mode") => like("replace"),
        (_, "source") => like("price.yaml"),
        (_, "shop") => like("Связной"),
        (_, "problem") => like("price_changed"),
        ("SuspicionResponse", "code") => like("price_times_10"),
        ("SuspicionResponse", "detail") => {
            like("3 of 15059 offers would cost about 10 times as much, or as little")
        }
        ("OfferChangeResponse", "change") => like("updated"),
        (_, "reverts") => word(json!({ "format": "uuid" }), ID),
        (_, "field") => like("price"),
        (_, "code") => like("invalid_amount"),
        (_, "detail") => like("expected an amount, found \"NaN\""),
        (_, "guard_price_factor") => like(3),
        (_, "guard_withdrawn_percent") => like(50),
        (_, "price_list_url") => like("https://shop.example.com/price.yaml"),
        (_, "price_list_every_minutes") => like(60),
        (_, "price_list_mode") => like("replace"),
        (_, "outcome") => like("unchanged"),
        (_, "failing_since") => like(AT),
        (_, "parameters") => like(json!({ "Цвет": "золотистый" })),
        (_, "changes") => like(json!({ "price": ["100.00", "90.00"] })),
        (_, "ignored_fields") => like(json!({ "weight": 12 })),
        ("ImportRowResponse", "errors") => word(
            json!({}),
            json!([{ "field": "price", "code": "invalid_amount", "detail": "expected an amount, found \"NaN\"" }]),
        ),
        (_, "quantity" | "available" | "row" | "line" | "rows" | "first_row") => like(14),
        (_, name) if name.ends_with("_count") => like(3),
        (_, "id") => word(json!({ "format": "uuid" }), ID),
        (_, name) if name.ends_with("_id") => word(json!({ "format": "uuid" }), ID),
        (_, name) if name.ends_with("_at") || name == "at" => like(AT),
        (
            _,
            "first_name" | "last_name" | "middle_name" | "company" | "position" | "locale" | "label"
            | "phone" | "city" | "street" | "house" | "building" | "structure" | "apartment" | "postal_code"
            | "comment" | "deliver_on" | "purchase_number" | "payment_method" | "paid_on" | "due_on",
        ) => {
            let name = if name == "due_on" { "paid_on" } else { name };
            of_request("", name).map(|word| Word { limits: Map::new(), ..word })
        }
        ("FacetResponse", "name") => like("Смартфоны"),
        ("ParameterFacetResponse", "name") => like("Цвет"),
        ("ParameterValueResponse", "value") => like("золотистый"),
        (_, "name") => like("Сеть «Пример»"),
        (_, "action") => like(Action::WORDS.first().copied().unwrap_or_default()),
        (_, "preview") => like("/api/v1/admin/emails/order_placed"),
        (_, "response" | "last_response") => like("250 2.0.0 Ok: queued as 4F1A2B"),
        (_, "cause") => like(ID),
        (_, "recipient") => word(json!({ "format": "email" }), "anna@example.com"),
        (_, "would") => like("send order_placed (failed) to its recipient"),
        (_, "ru") => like("Заказ № 2026-000123 принят"),
        (_, "en") => like("Order No. 2026-000123 is placed"),
        (_, "word") => like("айфон"),
        _ => None,
    }
}

/// What a parameter of a path, a query or a header takes.
pub(super) fn of_parameter(operation: &str, name: &str) -> Option<Word> {
    match (operation, name) {
        (_, "limit") => word(json!({ "minimum": 1, "maximum": 100 }), 20),
        (_, "cursor") => like("IjAxOTlhOWEwIg"),
        ("list_orders" | "list_supplier_orders", "q") => {
            word(json!({ "pattern": format!("^[{SPACE}]*$|{}", text_without(CONTROL)) }), "2026-0001")
        }
        (_, "created_from" | "created_to") => word(json!({ "format": "date-time" }), AT),
        (_, "queue") => one_of(&QueueName::ALL.map(QueueName::as_str)),
        ("list_jobs", "status") => one_of(&job_states()),
        ("list_jobs", "kind") => line(100, "send_email"),
        (_, "q") => word(
            json!({ "maxLength": 200, "pattern": format!("^[{SPACE}]*$|{}", text_without(CONTROL)) }),
            "айфон золотистый",
        ),
        (_, "Idempotency-Key") => word(
            json!({ "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$" }),
            "5b1c2d3e-order-17",
        ),
        (_, "mode") => one_of(&["replace", "upsert"]),
        (_, "provider") => one_of(&["yookassa"]),
        ("list_audit_log", "action") => one_of(Action::WORDS),
        (_, "by") => word(json!({ "format": "uuid" }), ID),
        ("list_import_rows" | "list_import_rows_of_supplier", "status") => {
            one_of(&["failed", "inserted", "updated", "withdrawn"])
        }
        ("list_supplier_orders", "status") => one_of(&part_statuses()),
        (_, "role") => one_of(&["buyer", "supplier", "staff"]),
        ("list_messages" | "resend_failed_messages", "kind") => {
            one_of(&MessageKind::ALL.map(MessageKind::as_str))
        }
        ("list_messages", "status") => one_of(&["queued", "sending", "sent", "failed"]),
        (_, "kind") => one_of(&["buyer", "supplier", "operator"]),
        (_, "recipient") => word(json!({ "format": "email", "maxLength": 254 }), "anna@example.com"),
        (_, "message") => like(MessageKind::OrderPlaced.as_str()),
        (_, "locale") => one_of(&["ru", "en"]),
        ("get_price_list" | "get_price_list_template" | "list_import_rows", "format") => {
            one_of(&["yaml", "csv", "xlsx", "yml"])
        }
        (_, "format") => one_of(&["html", "text", "subject"]),
        (_, "sort") => one_of(&["relevance", "name", "price", "-price"]),
        (_, "price_min") => word(json!({ "pattern": ASKED_AMOUNT }), "1000"),
        (_, "price_max") => word(json!({ "pattern": ASKED_AMOUNT }), "120000.00"),
        (_, "param[…]") => like("золотистый"),
        (_, "word") => like("айфон"),
        (_, "part_status") => one_of(&part_statuses()),
        ("list_all_orders", "number") => line(40, "2026-000123"),
        ("list_orders" | "list_all_orders", "status") => one_of(&OrderStatus::ALL.map(OrderStatus::as_str)),
        (_, name) if name == "id" || name.ends_with("_id") => word(json!({ "format": "uuid" }), ID),
        _ => None,
    }
}
