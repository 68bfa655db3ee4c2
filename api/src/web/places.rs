//! Where the buttons of letters lead: what it is about, and how a program gets it. Postavka is an API; the shop that
//! people see is somebody else's, and perhaps not there yet.

use common::{
    ids::{OrderId, PriceImportId},
    locale::Locale,
};
use salvo::{
    handler,
    prelude::{Depot, Request, Response},
};
use serde::Serialize;

use super::page::{self, Page};
use crate::error::{ApiError, ApiResult};

/// What a page about something of the API says.
#[derive(Serialize)]
struct PlaceWords {
    title: &'static str,
    explanation: &'static str,
    programs: &'static str,
    reference: &'static str,
    lost_password: &'static str,
    other_locale: Locale,
    other_language: &'static str,
}

/// A call of the API, and what it does.
#[derive(Clone, Serialize)]
struct Call {
    call: String,
    does: &'static str,
}

/// A page about something of the API.
#[derive(Clone, Copy)]
enum Place {
    Home,
    Order(OrderId),
    Import(PriceImportId),
}

impl Place {
    fn words(self, locale: Locale) -> PlaceWords {
        let (title, explanation) = match (self, locale) {
            (Self::Home, Locale::Ru) => (
                "Postavka",
                "Здесь работает API оптовых заказов: покупатели заказывают товары многих поставщиков из одного каталога.",
            ),
            (Self::Home, Locale::En) => (
                "Postavka",
                "This is the API of wholesale orders: buyers order goods of many suppliers from one catalogue.",
            ),
            (Self::Order(_), Locale::Ru) => (
                "Заказ",
                "Письмо привело Вас к заказу. Его состав, состояние и платежи видит тот, кто вошёл от имени покупателя.",
            ),
            (Self::Order(_), Locale::En) => (
                "An order",
                "A letter led you to an order. What is in it, how far it has come and how it is paid, its buyer sees who is signed in.",
            ),
            (Self::Import(_), Locale::Ru) => (
                "Загрузка прайс-листа",
                "Письмо привело Вас к отчёту о загрузке прайс-листа. Его видит тот, кто вошёл от имени поставщика.",
            ),
            (Self::Import(_), Locale::En) => (
                "The import of a price list",
                "A letter led you to the report of a price list. Its supplier sees it who is signed in.",
            ),
        };
        match locale {
            Locale::Ru => PlaceWords {
                title,
                explanation,
                programs: "Кнопок для этого здесь нет: откройте программу или сайт, через которые Вы работаете с Postavka. Программам это отвечают адреса:",
                reference: "Справочник API",
                lost_password: "Забыли пароль?",
                other_locale: Locale::En,
                other_language: "In English",
            },
            Locale::En => PlaceWords {
                title,
                explanation,
                programs: "There are no buttons for it here: open the program or site by which you work with Postavka. Programs are answered at these addresses:",
                reference: "Reference of the API",
                lost_password: "Lost your password?",
                other_locale: Locale::Ru,
                other_language: "По-русски",
            },
        }
    }

    fn calls(self, locale: Locale) -> Vec<Call> {
        let call = |line: String, ru, en| Call {
            call: format!("`{line}`"),
            does: match locale {
                Locale::Ru => ru,
                Locale::En => en,
            },
        };
        let login = call(
            "POST /api/v1/auth/login".to_owned(),
            "Войти: адрес почты и пароль на токен доступа",
            "Sign in: an e-mail address and a password for an access token",
        );
        let rest = match self {
            Self::Home => vec![
                call(
                    "GET /api/v1/products".to_owned(),
                    "Каталог, без входа",
                    "The catalogue, without signing in",
                ),
                call("GET /api/v1/orders".to_owned(), "Заказы покупателя", "A buyer's orders"),
                call(
                    "GET /api/v1/supplier/orders".to_owned(),
                    "Заказы товаров поставщика",
                    "Orders of a supplier's goods",
                ),
                call(
                    "POST /api/v1/supplier/imports".to_owned(),
                    "Загрузить прайс-лист",
                    "Upload a price list",
                ),
            ],
            Self::Order(id) => vec![
                call(
                    format!("GET /api/v1/orders/{id}"),
                    "Заказ: строки, части по поставщикам, состояние, платежи",
                    "The order: its lines, parts by supplier, status and payments",
                ),
                call(
                    format!("POST /api/v1/orders/{id}/payments"),
                    "Оплатить картой, пока заказ ждёт оплаты",
                    "Pay by card, while the order waits for it",
                ),
            ],
            Self::Import(id) => vec![
                call(
                    format!("GET /api/v1/supplier/imports/{id}"),
                    "Загрузка: состояние и итоги",
                    "The import: how far it has come, and its counts",
                ),
                call(
                    format!("GET /api/v1/supplier/imports/{id}/rows?status=failed"),
                    "Строки, которые не приняты, с причинами",
                    "The rows that were refused, with the reasons",
                ),
            ],
        };
        [vec![login], rest].concat()
    }

    fn show(self, req: &Request, depot: &Depot, res: &mut Response) {
        let locale = page::locale(req, depot);
        Page::new("place", locale)
            .with("words", self.words(locale))
            .with("calls", self.calls(locale))
            .render(res);
    }
}

/// Where people come first.
#[handler]
pub(super) async fn home_page(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    Place::Home.show(req, depot, res);
}

/// Where letters about an order lead, and a payment provider when the buyer has paid.
#[handler]
pub(super) async fn order_page(req: &mut Request, depot: &mut Depot, res: &mut Response) -> ApiResult<()> {
    let id = req.params().get("id").and_then(|id| id.parse().ok()).ok_or_else(ApiError::not_found)?;
    Place::Order(id).show(req, depot, res);
    Ok(())
}

/// Where letters about a price list lead.
#[handler]
pub(super) async fn import_page(req: &mut Request, depot: &mut Depot, res: &mut Response) -> ApiResult<()> {
    let id = req.params().get("id").and_then(|id| id.parse().ok()).ok_or_else(ApiError::not_found)?;
    Place::Import(id).show(req, depot, res);
    Ok(())
}
