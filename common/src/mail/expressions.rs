//! What a template may say beyond handlebars' own words.
//!
//! | expression | gives |
//! |---|---|
//! | `{{money sum @root.currency}}` | `110 000,00 ₽` of the amount `"110000.00"` |
//! | `{{date deliver_on}}` | `5 ноября 2026 г.` of `"2026-11-05"` |
//! | `{{datetime placed_at @root.time_zone}}` | `5 ноября 2026 г., 14:30 (UTC+3)` of an RFC 3339 instant |
//! | `{{quantity n}}` | `1 000` of a whole number |
//! | `{{plural n "товар" "товара" "товаров"}}` | the form that agrees with `n`; English has two |
//! | `{{choose status new="…" sent="…"}}` | the words for one of the values named; any other is an error |
//! | `{{#columns right}}left{{/columns}}` | a line of plain text with its right column flush |
//!
//! They are strict as the templates are: a value that is missing or of the wrong kind fails the rendering. The
//! errors name the expression and its argument, never the value, which may be personal.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use time_tz::timezones;

use crate::{locale::Locale, money::Money};

/// How wide the text version is laid out, in characters.
const TEXT_WIDTH: usize = 64;

/// Teaches a registry the expressions of this module, in one language.
pub(super) fn register(registry: &mut Handlebars<'static>, locale: Locale) {
    let expressions: [(&str, Evaluate); 6] = [
        ("money", money),
        ("date", date),
        ("datetime", datetime),
        ("quantity", quantity),
        ("plural", plural),
        ("choose", choose),
    ];
    for (name, evaluate) in expressions {
        registry.register_helper(name, Box::new(Expression { locale, evaluate }));
    }
    registry.register_helper("columns", Box::new(columns));
}

type Evaluate = fn(Locale, &Helper) -> Result<String, RenderErrorReason>;

/// A function of a locale and the arguments; its result is escaped as any value is.
struct Expression {
    locale: Locale,
    evaluate: Evaluate,
}

impl HelperDef for Expression {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(Value::String((self.evaluate)(self.locale, helper)?)))
    }
}

fn money(locale: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    let amount = Money::parse(text(helper, "money", 0)?)
        .map_err(|_| RenderErrorReason::InvalidParamType("an amount such as 110000.00"))?;
    Ok(locale.money(amount, text(helper, "money", 1)?))
}

fn date(locale: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    Date::parse(text(helper, "date", 0)?, format_description!("[year]-[month]-[day]"))
        .map(|date| locale.date(date))
        .map_err(|_| RenderErrorReason::InvalidParamType("a date such as 2026-11-05"))
}

fn datetime(locale: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    let instant = OffsetDateTime::parse(text(helper, "datetime", 0)?, &Rfc3339)
        .map_err(|_| RenderErrorReason::InvalidParamType("an RFC 3339 instant"))?;
    let zone = timezones::get_by_name(text(helper, "datetime", 1)?)
        .ok_or(RenderErrorReason::InvalidParamType("a time zone such as Europe/Moscow"))?;
    Ok(locale.datetime(instant, zone))
}

fn quantity(locale: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    number(helper, "quantity").map(|number| locale.quantity(number))
}

fn plural(locale: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    let number = number(helper, "plural")?;
    let forms =
        (1..helper.params().len()).map(|at| text(helper, "plural", at)).collect::<Result<Vec<_>, _>>()?;
    locale
        .plural(number, &forms)
        .map(str::to_owned)
        .ok_or(RenderErrorReason::InvalidParamType("as many forms as the language has"))
}

fn choose(_: Locale, helper: &Helper) -> Result<String, RenderErrorReason> {
    let words = helper
        .hash_get(text(helper, "choose", 0)?)
        .ok_or(RenderErrorReason::InvalidParamType("one of the values that have words"))?;
    words.value().as_str().map(str::to_owned).ok_or(RenderErrorReason::InvalidParamType("text"))
}

/// Writes the block's text, then the argument at the right edge, or after two spaces when there is no room for both.
fn columns<'reg, 'rc>(
    helper: &Helper<'rc>,
    registry: &'reg Handlebars<'reg>,
    context: &'rc Context,
    render_context: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    let right = text(helper, "columns", 0)?;
    let block = helper.template().ok_or(RenderErrorReason::BlockContentRequired)?;
    let left = block.renders(registry, context, render_context)?;
    let gap = TEXT_WIDTH.saturating_sub(left.chars().count() + right.chars().count()).max(2);
    out.write(&format!("{left}{:gap$}{right}", ""))?;
    Ok(())
}

fn argument<'a>(helper: &'a Helper, name: &'static str, at: usize) -> Result<&'a Value, RenderErrorReason> {
    helper
        .param(at)
        .filter(|argument| !argument.is_value_missing())
        .map(|argument| argument.value())
        .ok_or(RenderErrorReason::ParamNotFoundForIndex(name, at))
}

fn text<'a>(helper: &'a Helper, name: &'static str, at: usize) -> Result<&'a str, RenderErrorReason> {
    argument(helper, name, at)?.as_str().ok_or(RenderErrorReason::InvalidParamType("text"))
}

fn number(helper: &Helper, name: &'static str) -> Result<u64, RenderErrorReason> {
    argument(helper, name, 0)?.as_u64().ok_or(RenderErrorReason::InvalidParamType("a whole number"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(locale: Locale, template: &str) -> Result<String, RenderError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        register(&mut registry, locale);
        let data = json!({
            "sum": "1234.50", "currency": "RUB", "on": "2026-11-05", "at": "2026-11-05T11:30:00Z",
            "zone": "Europe/Moscow", "n": 22, "status": "sent", "nothing": null,
        });
        registry.render_template(template, &data)
    }

    #[test]
    fn each_expression_says_what_it_promises() {
        for (template, expected) in [
            ("{{money sum currency}}", "1\u{a0}234,50\u{a0}₽"),
            ("{{date on}}", "5\u{a0}ноября 2026\u{a0}г."),
            ("{{datetime at zone}}", "5\u{a0}ноября 2026\u{a0}г., 14:30\u{a0}(UTC+3)"),
            ("{{quantity n}} {{plural n \"товар\" \"товара\" \"товаров\"}}", "22 товара"),
            ("{{choose status new=\"новый\" sent=\"отправлен\"}}", "отправлен"),
        ] {
            assert_eq!(render(Locale::Ru, template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn the_right_column_is_flush() {
        let line = render(Locale::En, "{{#columns (money sum currency)}}  Total{{/columns}}").unwrap();
        assert_eq!(line.chars().count(), TEXT_WIDTH);
        assert!(line.starts_with("  Total   ") && line.ends_with("  RUB\u{a0}1,234.50"), "{line}");
        let long = "x".repeat(TEXT_WIDTH);
        assert_eq!(
            render(Locale::En, &format!("{{{{#columns \"y\"}}}}{long}{{{{/columns}}}}")).unwrap(),
            format!("{long}  y")
        );
    }

    #[test]
    fn missing_and_wrong_values_fail() {
        for template in [
            "{{money missing currency}}",
            "{{money nothing currency}}",
            "{{money sum}}",
            "{{money on currency}}",
            "{{date at}}",
            "{{datetime at currency}}",
            "{{quantity sum}}",
            "{{plural n \"item\" \"items\"}}",
            "{{choose status new=\"новый\"}}",
        ] {
            let error = render(Locale::Ru, template).expect_err(template).to_string();
            assert!(!error.contains("1234") && !error.contains("2026-11-05T"), "{error}");
        }
    }
}
