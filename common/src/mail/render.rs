//! Renders a message: its subject, its plain text and its HTML, in the recipient's language.
//!
//! The templates are compiled into the program from `email_templates/`, where
//! `<locale>/<message>/{subject.txt,body.txt,body.html}.hbs` are one message, `<locale>/_layout/` holds the partials
//! they share (`<name>.txt.hbs`, `<name>.html.hbs`, and `<name>.hbs` for a phrase of both), and
//! `_samples/<message>.json` shows the data that the message takes, with every optional field filled.
//!
//! Rendering is strict: a value that the data lacks is an error, not a gap in a letter. What is optional stands
//! inside `{{#if field}}…{{/if}}`, which takes a missing field, a null and an empty text alike for "no"; the samples
//! and their tests see to it that the field's name is spelled right. HTML escapes every value, plain text none, and
//! a subject is one line whatever its data contain.

use std::fmt;

use anyhow::{Context as _, bail};
use handlebars::{Context, Handlebars};
use rust_embed::RustEmbed;
use serde_json::Value;

use super::{MessageKind, expressions};
use crate::locale::Locale;

/// The parts of a message, each a template.
const SUBJECT: &str = "subject.txt";
const BODY_TEXT: &str = "body.txt";
const BODY_HTML: &str = "body.html";
const PARTS: [&str; 3] = [SUBJECT, BODY_TEXT, BODY_HTML];

const LAYOUT: &str = "_layout";
const SAMPLES: &str = "_samples";

#[derive(RustEmbed)]
#[folder = "../email_templates/"]
struct Files;

/// All templates, parsed.
pub struct Templates {
    ru: Edition,
    en: Edition,
}

/// The templates of one language: plain text and HTML apart, since they escape differently.
struct Edition {
    text: Handlebars<'static>,
    html: Handlebars<'static>,
}

/// A message as its recipient will read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line, without control characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as an HTML document.
    pub html: String,
}

/// Why a message could not be rendered: its data lack something, or have it in the wrong form. Trying again does not
/// help. The text names the place and the field, not the value.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RenderError(Box<handlebars::RenderError>);

/// The sample of a kind is missing, or is no JSON.
#[derive(Debug, thiserror::Error)]
#[error("email_templates/_samples/{kind}.json cannot be read")]
pub struct SampleError {
    kind: MessageKind,
    source: Option<serde_json::Error>,
}

impl Templates {
    /// Parses the templates that the program carries, and sees that none is missing.
    ///
    /// # Errors
    /// Names the file that is malformed or misplaced, or every one that is not there.
    pub fn load() -> anyhow::Result<Self> {
        let missing: Vec<_> = Self::expected().filter(|path| Files::get(path).is_none()).collect();
        if !missing.is_empty() {
            bail!("email_templates lacks {}", missing.join(", "));
        }
        let mut templates = Self { ru: Edition::new(Locale::Ru), en: Edition::new(Locale::En) };
        for path in Files::iter().filter(|path| path.ends_with(".hbs")) {
            templates.add(&path).with_context(|| format!("email_templates/{path}"))?;
        }
        Ok(templates)
    }

    /// An example of a message's data, with every optional field filled: for tests and previews.
    ///
    /// # Errors
    /// When the file holds no JSON.
    pub fn sample(kind: MessageKind) -> Result<Value, SampleError> {
        let file = Files::get(&sample_path(kind)).ok_or(SampleError { kind, source: None })?;
        serde_json::from_slice(&file.data).map_err(|error| SampleError { kind, source: Some(error) })
    }

    /// Renders one message.
    ///
    /// # Errors
    /// [`RenderError`] for data that do not fit its templates.
    pub fn render(&self, kind: MessageKind, locale: Locale, data: &Value) -> Result<Rendered, RenderError> {
        let edition = match locale {
            Locale::Ru => &self.ru,
            Locale::En => &self.en,
        };
        let data = Context::wraps(data)?;
        let part = |registry: &Handlebars, part: &str| {
            registry.render_with_context(&name(kind.as_str(), part), &data)
        };
        Ok(Rendered {
            subject: one_line(&part(&edition.text, SUBJECT)?),
            text: tidy_text(&part(&edition.text, BODY_TEXT)?),
            html: without_controls(&part(&edition.html, BODY_HTML)?),
        })
    }

    /// Registers one file under the name by which it is rendered or included.
    fn add(&mut self, path: &str) -> anyhow::Result<()> {
        let file = Files::get(path).context("cannot be read")?;
        let source = std::str::from_utf8(&file.data)?;
        let [locale, folder, file] = path.split('/').collect::<Vec<_>>()[..] else {
            bail!("stands in no <locale>/<message> folder");
        };
        let edition = match locale.parse().context("is of no known locale")? {
            Locale::Ru => &mut self.ru,
            Locale::En => &mut self.en,
        };
        let part = file.trim_end_matches(".hbs");
        if folder == LAYOUT {
            return edition.add_partial(part, source);
        }
        if !PARTS.contains(&part) {
            bail!("is no part of a message: {}", PARTS.join(", "));
        }
        if !MessageKind::ALL.iter().any(|kind| kind.as_str() == folder) {
            bail!("is of no kind of message");
        }
        let registry = if part == BODY_HTML { &mut edition.html } else { &mut edition.text };
        Ok(registry.register_template_string(&name(folder, part), source)?)
    }

    /// The paths that must be there: every part of every message in every language, and a sample of its data.
    fn expected() -> impl Iterator<Item = String> {
        MessageKind::ALL.into_iter().flat_map(|kind| {
            let parts = Locale::ALL.into_iter().flat_map(move |locale| {
                PARTS.into_iter().map(move |part| format!("{locale}/{kind}/{part}.hbs"))
            });
            parts.chain([sample_path(kind)])
        })
    }
}

impl Edition {
    fn new(locale: Locale) -> Self {
        let mut text = Handlebars::new();
        text.register_escape_fn(handlebars::no_escape);
        let mut html = Handlebars::new();
        for registry in [&mut text, &mut html] {
            registry.set_strict_mode(true);
            // A partial's lines stand as they are written, however the tag that includes it is indented.
            registry.set_prevent_indent(true);
            expressions::register(registry, locale);
        }
        Self { text, html }
    }

    /// `page.html` is for HTML, `lines.txt` for text; `status`, a phrase, is for both and ends without a line break.
    fn add_partial(&mut self, file: &str, source: &str) -> anyhow::Result<()> {
        match file.split_once('.') {
            Some((name, "txt")) => self.text.register_partial(name, source)?,
            Some((name, "html")) => self.html.register_partial(name, source)?,
            Some(_) => bail!("a partial is .txt, .html or neither"),
            None => {
                self.text.register_partial(file, source.trim_end())?;
                self.html.register_partial(file, source.trim_end())?;
            }
        }
        Ok(())
    }
}

impl From<handlebars::RenderError> for RenderError {
    fn from(error: handlebars::RenderError) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

/// A message may carry a sign-in link: only its size is shown.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, text, html } = self;
        write!(f, "Rendered({} + {} + {} bytes)", subject.len(), text.len(), html.len())
    }
}

fn name(message: &str, part: &str) -> String {
    format!("{message}/{part}")
}

fn sample_path(kind: MessageKind) -> String {
    format!("{SAMPLES}/{kind}.json")
}

/// One line, its blanks single: a line break in somebody's name must not become a header of the letter.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if ends_line(c) || c.is_control() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Plain text without the blanks that conditions leave behind: none at the ends of lines, one empty line at most.
fn tidy_text(text: &str) -> String {
    let text = without_controls(text);
    let mut tidy = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect()
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
