//! The few pages for people: where links in e-mails lead, and what the codes of problems mean. They share one
//! layout, come in the reader's language, and work without scripts of others, under a strict policy.

mod page;
mod problems;

use salvo::{
    Router, handler,
    prelude::{Depot, Request, Response},
};
use serde::Serialize;

use common::locale::Locale;
use page::Page;

/// Every page.
pub(crate) fn pages() -> Router {
    Router::new()
        .push(Router::with_path("confirm-email").get(confirm_email_page))
        .push(Router::with_path("token-form.js").get(token_form))
        .push(Router::with_path("problems").get(problems::list_problems))
        .push(Router::with_path("problems/{code}").get(problems::show_problem))
}

/// What a page with a button says.
#[derive(Serialize)]
struct ConfirmEmailWords {
    title: &'static str,
    explanation: &'static str,
    button: &'static str,
    done: &'static str,
    invalid: &'static str,
    failed: &'static str,
    no_script: &'static str,
}

impl ConfirmEmailWords {
    const fn of(locale: Locale) -> Self {
        match locale {
            Locale::Ru => Self {
                title: "Подтверждение адреса",
                explanation: "Нажмите кнопку, чтобы подтвердить адрес электронной почты.",
                button: "Подтвердить",
                done: "Адрес подтверждён. Теперь можно войти.",
                invalid: "Ссылка недействительна: она уже использована или устарела. Запросите новое письмо.",
                failed: "Не удалось связаться с сервером. Попробуйте ещё раз через минуту.",
                no_script: "Для подтверждения нужен JavaScript.",
            },
            Locale::En => Self {
                title: "Confirm your address",
                explanation: "Press the button to confirm your e-mail address.",
                button: "Confirm",
                done: "Your address is confirmed. You can sign in now.",
                invalid: "The link is not valid: it was used already or has expired. Ask for a new letter.",
                failed: "The server could not be reached. Try again in a minute.",
                no_script: "Confirming needs JavaScript.",
            },
        }
    }
}

/// The page of a confirmation link. Opening it uses up nothing, since mail scanners open links too: the button
/// does.
#[handler]
async fn confirm_email_page(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let locale = page::locale(req, depot);
    Page::new("confirm_email", locale).with("words", ConfirmEmailWords::of(locale)).secret().render(res);
}

/// What the button of a page with a token does.
#[handler]
async fn token_form(res: &mut Response) {
    page::script(res, include_str!("token_form.js"));
}
