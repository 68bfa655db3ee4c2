//! The few pages for people: where links in e-mails lead, and what the codes of problems mean. They share one
//! layout, come in the reader's language, and work without scripts of others, under a strict policy.

mod docs;
mod page;
mod places;
mod problems;

use salvo::{
    Router, handler,
    prelude::{Depot, Request, Response},
};
use serde::Serialize;

use common::locale::Locale;
use page::Page;

pub(crate) use docs::restrict as restrict_docs;

/// Every page.
pub(crate) fn pages() -> Router {
    Router::new()
        .push(Router::with_path("confirm-email").get(confirm_email_page))
        .push(Router::with_path("reset-password").get(reset_password_page))
        .push(Router::with_path("password-reset").get(password_reset_page))
        .push(Router::with_path("token-form.js").get(token_form))
        .push(Router::new().get(places::home_page))
        .push(Router::with_path("orders/{id}").get(places::order_page))
        .push(Router::with_path("supplier/imports/{id}").get(places::import_page))
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

/// What the page that takes a new password says.
#[derive(Serialize)]
struct ResetPasswordWords {
    title: &'static str,
    explanation: &'static str,
    password: &'static str,
    button: &'static str,
    done: &'static str,
    invalid: &'static str,
    refused: &'static str,
    failed: &'static str,
    no_script: &'static str,
}

impl ResetPasswordWords {
    const fn of(locale: Locale) -> Self {
        match locale {
            Locale::Ru => Self {
                title: "Новый пароль",
                explanation: "Придумайте новый пароль. После этого на всех устройствах нужно будет войти заново.",
                password: "Новый пароль, не меньше 8 символов",
                button: "Сохранить",
                done: "Пароль изменён. Теперь войдите с новым паролем.",
                invalid: "Ссылка недействительна: она уже использована или устарела. Запросите новое письмо.",
                refused: "Этот пароль не подходит: он слишком короткий, слишком длинный или его подбирают одним из первых.",
                failed: "Не получилось. Попробуйте ещё раз через минуту.",
                no_script: "Для смены пароля нужен JavaScript.",
            },
            Locale::En => Self {
                title: "Choose a new password",
                explanation: "Choose a new password. After that you will have to sign in again on all your devices.",
                password: "New password, at least 8 characters",
                button: "Save",
                done: "Your password is changed. Sign in with the new one.",
                invalid: "The link is not valid: it was used already or has expired. Ask for a new letter.",
                refused: "This password will not do: it is too short, too long, or one of those that are tried first.",
                failed: "That did not work. Try again in a minute.",
                no_script: "Choosing a password needs JavaScript.",
            },
        }
    }
}

/// The page of a link that resets a password. Like the other it uses up nothing: the button does.
#[handler]
async fn reset_password_page(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let locale = page::locale(req, depot);
    Page::new("reset_password", locale).with("words", ResetPasswordWords::of(locale)).secret().render(res);
}

/// What the page for a lost password says.
#[derive(Serialize)]
struct PasswordResetWords {
    title: &'static str,
    explanation: &'static str,
    email: &'static str,
    button: &'static str,
    done: &'static str,
    invalid: &'static str,
    failed: &'static str,
    no_script: &'static str,
}

impl PasswordResetWords {
    const fn of(locale: Locale) -> Self {
        match locale {
            Locale::Ru => Self {
                title: "Забыли пароль?",
                explanation: "Укажите адрес, с которым Вы регистрировались: мы пришлём на него ссылку, по которой можно задать новый пароль.",
                email: "Адрес электронной почты",
                button: "Прислать ссылку",
                done: "Если такой адрес зарегистрирован, письмо уже в пути. Ссылка действует один час.",
                invalid: "Проверьте адрес: он написан не как адрес электронной почты.",
                failed: "Не получилось. Попробуйте ещё раз позже.",
                no_script: "Чтобы запросить ссылку, нужен JavaScript.",
            },
            Locale::En => Self {
                title: "Lost your password?",
                explanation: "Enter the address that you registered with: we send it a link by which you can choose a new password.",
                email: "E-mail address",
                button: "Send the link",
                done: "If the address is registered, a letter is on its way. Its link works for one hour.",
                invalid: "Check the address: it is not written like an e-mail address.",
                failed: "That did not work. Try again later.",
                no_script: "Asking for a link needs JavaScript.",
            },
        }
    }
}

/// The page for whoever has lost their password.
#[handler]
async fn password_reset_page(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let locale = page::locale(req, depot);
    Page::new("password_reset", locale).with("words", PasswordResetWords::of(locale)).render(res);
}

/// What the button of a page with a form does.
#[handler]
async fn token_form(res: &mut Response) {
    page::script(res, include_str!("token_form.js"));
}
