//! How a page is made: its template in the shared layout, its language, its headers.

use std::sync::{Arc, LazyLock};

use common::locale::Locale;
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, html_escape,
};
use salvo::{
    http::{HeaderValue, header},
    prelude::{Depot, Request, Response, StatusCode, Text},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::context::Services;

/// Nothing from elsewhere, nothing into a frame; scripts and their requests from here only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TEMPLATES: [(&str, &str); 7] = [
    ("layout", include_str!("pages/layout.html.hbs")),
    ("confirm_email", include_str!("pages/confirm_email.html.hbs")),
    ("reset_password", include_str!("pages/reset_password.html.hbs")),
    ("password_reset", include_str!("pages/password_reset.html.hbs")),
    ("place", include_str!("pages/place.html.hbs")),
    ("problem", include_str!("pages/problem.html.hbs")),
    ("problems", include_str!("pages/problems.html.hbs")),
];

/// One that does not parse is missing, and its page a 500: a test opens each.
static PAGES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut pages = Handlebars::new();
    pages.set_strict_mode(true);
    pages.set_prevent_indent(true);
    pages.register_helper("prose", Box::new(prose));
    for (name, template) in TEMPLATES {
        if let Err(error) = pages.register_template_string(name, template) {
            tracing::error!(%error, "a page's template is malformed");
        }
    }
    pages
});

/// A page about to be shown.
pub(super) struct Page {
    template: &'static str,
    locale: Locale,
    data: Map<String, Value>,
    secret: bool,
}

impl Page {
    /// A page in a language.
    pub(super) fn new(template: &'static str, locale: Locale) -> Self {
        let data = Map::from_iter([("locale".to_owned(), json!(locale))]);
        Self { template, locale, data, secret: false }
    }

    /// This page, with something more to show.
    pub(super) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.data.insert(name.to_owned(), json!(value));
        self
    }

    /// This page, whose address carries a secret: it goes to nobody else, and into no cache.
    pub(super) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Writes it as the answer.
    pub(super) fn render(self, res: &mut Response) {
        match PAGES.render(self.template, &self.data) {
            Ok(html) => res.render(Text::Html(html)),
            Err(error) => {
                tracing::error!(%error, page = self.template, "a page could not be shown");
                res.status_code(StatusCode::INTERNAL_SERVER_ERROR);
                return;
            }
        }
        let headers = res.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.locale.as_str()));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
        let kept = if self.secret { "no-store" } else { "max-age=300" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        protect(res);
    }
}

/// A script of ours.
pub(super) fn script(res: &mut Response, text: &'static str) {
    res.render(Text::Js(text));
    res.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    protect(res);
}

fn protect(res: &mut Response) {
    res.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}

/// The reader's language: `?locale=`, else the browser's, else the installation's.
pub(super) fn locale(req: &Request, depot: &Depot) -> Locale {
    let asked = req.query::<String>("locale").and_then(|tag| Locale::of_tag(&tag));
    let preferred = || {
        let header = req.headers().get(header::ACCEPT_LANGUAGE)?;
        Locale::of_accept_language(header.to_str().ok()?)
    };
    let usual = || depot.get_typed::<Arc<Services>>().map(|services| services.trade.default_locale);
    asked.or_else(preferred).or_else(|| usual().ok()).unwrap_or_default()
}

/// `{{prose text}}`: a text of ours, with what stands between backticks set as code.
fn prose(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = helper.param(0).and_then(|text| text.value().as_str());
    let text = text.ok_or(RenderErrorReason::ParamNotFoundForIndex("prose", 0))?;
    for (place, piece) in text.split('`').enumerate() {
        let piece = html_escape(piece);
        if place % 2 == 0 { out.write(&piece)? } else { out.write(&format!("<code>{piece}</code>"))? }
    }
    Ok(())
}
