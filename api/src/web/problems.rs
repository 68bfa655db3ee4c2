//! What the codes of problems mean: a page for each, at the address that answers carry as `type`.

use common::locale::Locale;
use salvo::{
    handler,
    prelude::{Depot, Request, Response},
};
use serde::Serialize;

use super::page::{self, Page};
use crate::{
    error::{ApiError, ApiResult},
    problem::ProblemCode,
};

/// What stands around the texts of the table.
#[derive(Serialize)]
struct Words {
    all: &'static str,
    about: &'static str,
    happened: &'static str,
    remedy: &'static str,
    other_locale: Locale,
    other_language: &'static str,
}

impl Words {
    const fn of(locale: Locale) -> Self {
        match locale {
            Locale::Ru => Self {
                all: "Все ошибки API",
                about: "Каждый отказ приходит как `application/problem+json` с одним из этих кодов в поле `code`.",
                happened: "Что произошло",
                remedy: "Что делать",
                other_locale: Locale::En,
                other_language: "In English",
            },
            Locale::En => Self {
                all: "All problems of the API",
                about: "Each refusal comes as `application/problem+json` with one of these codes in its `code`.",
                happened: "What happened",
                remedy: "What to do",
                other_locale: Locale::Ru,
                other_language: "По-русски",
            },
        }
    }
}

/// One code in the list.
#[derive(Serialize)]
struct Entry {
    code: &'static str,
    status: u16,
    says: &'static str,
}

/// All codes.
#[handler]
pub(super) async fn list_problems(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let locale = page::locale(req, depot);
    let entry = |&code: &ProblemCode| Entry {
        code: code.as_str(),
        status: code.status().as_u16(),
        says: code.texts(locale).title,
    };
    let problems: Vec<Entry> = ProblemCode::ALL.iter().map(entry).collect();
    Page::new("problems", locale).with("words", Words::of(locale)).with("problems", problems).render(res);
}

/// What happened, and what to do.
#[handler]
pub(super) async fn show_problem(req: &mut Request, depot: &mut Depot, res: &mut Response) -> ApiResult<()> {
    let code = req.params().get("code").and_then(|word| ProblemCode::of_word(word));
    let code = code.ok_or_else(ApiError::not_found)?;
    let locale = page::locale(req, depot);
    Page::new("problem", locale)
        .with("words", Words::of(locale))
        .with("texts", code.texts(locale))
        .with("code", code.as_str())
        .with("status", code.status().as_u16())
        .render(res);
    Ok(())
}
