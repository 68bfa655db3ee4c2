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

use std::{collections::BTreeSet, fmt};

use anyhow::{Context as _, bail};
use handlebars::{Context, Handlebars};
use rust_embed::RustEmbed;
use serde_json::Value;

use super::{expressions, format::Locale};

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
    default_locale: Locale,
    editions: Vec<Edition>,
    messages: BTreeSet<String>,
}

/// The templates of one language: plain text and HTML apart, since they escape differently.
struct Edition {
    locale: Locale,
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

/// Why a message could not be rendered. Trying again does not help: either the data or the template is wrong.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There are no templates of this name.
    #[error("there is no message called {0:?}")]
    UnknownMessage(String),
    /// The data lacks something, or has it in the wrong form. The text names the place and the field, not the value.
    #[error(transparent)]
    Template(Box<handlebars::RenderError>),
}

impl Templates {
    /// Parses the templates that the program carries, and sees that none is missing.
    ///
    /// # Errors
    /// Names the file that is malformed or misplaced, or every one that is not there.
    pub fn load() -> anyhow::Result<Self> {
        let mut templates = Self {
            default_locale: Locale::Ru,
            editions: Locale::ALL.into_iter().map(Edition::new).collect(),
            messages: BTreeSet::new(),
        };
        let paths: BTreeSet<_> = Files::iter().filter(|path| path.ends_with(".hbs")).collect();
        for path in &paths {
            templates.add(path).with_context(|| format!("email_templates/{path}"))?;
        }
        let missing: Vec<_> = templates.expected().filter(|path| Files::get(path).is_none()).collect();
        if !missing.is_empty() {
            bail!("email_templates lacks {}", missing.join(", "));
        }
        Ok(templates)
    }

    /// The language for recipients whose own is unknown here; Russian unless set.
    ///
    /// # Errors
    /// When there are no templates in it.
    pub fn with_default_locale(mut self, locale: &str) -> anyhow::Result<Self> {
        self.default_locale = Locale::parse(locale)
            .with_context(|| format!("there are no e-mail templates for locale {locale:?}"))?;
        Ok(self)
    }

    /// The names of all messages, sorted.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(String::as_str)
    }

    /// An example of a message's data, with every optional field filled: for tests and previews.
    #[must_use]
    pub fn sample(&self, message: &str) -> Option<Value> {
        let file = Files::get(&sample_path(message))?;
        serde_json::from_slice(&file.data).ok()
    }

    /// Renders one message; an unknown locale falls back to the default one.
    ///
    /// # Errors
    /// [`RenderError`] for an unknown message, and for data that do not fit its templates.
    pub fn render(&self, message: &str, locale: &str, data: &Value) -> Result<Rendered, RenderError> {
        if !self.messages.contains(message) {
            return Err(RenderError::UnknownMessage(message.to_owned()));
        }
        let locale = Locale::parse(locale).unwrap_or(self.default_locale);
        let edition = self
            .editions
            .iter()
            .find(|edition| edition.locale == locale)
            .ok_or_else(|| RenderError::UnknownMessage(message.to_owned()))?;
        let data = Context::wraps(data)?;
        let part =
            |registry: &Handlebars, part: &str| registry.render_with_context(&name(message, part), &data);
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
        let edition = self
            .editions
            .iter_mut()
            .find(|edition| edition.locale.code() == locale)
            .context("is of no known locale")?;
        let part = file.trim_end_matches(".hbs");
        if folder == LAYOUT {
            return edition.add_partial(part, source);
        }
        if !PARTS.contains(&part) {
            bail!("is no part of a message: {}", PARTS.join(", "));
        }
        self.messages.insert(folder.to_owned());
        let registry = if part == BODY_HTML { &mut edition.html } else { &mut edition.text };
        Ok(registry.register_template_string(&name(folder, part), source)?)
    }

    /// The paths that must be there: every part of every message in every language, and a sample of its data.
    fn expected(&self) -> impl Iterator<Item = String> {
        self.messages.iter().flat_map(|message| {
            let parts = Locale::ALL.into_iter().flat_map(move |locale| {
                PARTS.into_iter().map(move |part| format!("{}/{message}/{part}.hbs", locale.code()))
            });
            parts.chain([sample_path(message)])
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
        Self { locale, text, html }
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
        Self::Template(Box::new(error))
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("messages", &self.messages).finish_non_exhaustive()
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

fn sample_path(message: &str) -> String {
    format!("{SAMPLES}/{message}.json")
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
