//! The forms by name, and how a file's form is told.

use std::{
    io::{Read, Seek},
    ops::ControlFlow,
};

use super::{
    Limits, ListSummary, RawGood, ReadError,
    csv::Csv,
    packed,
    writing::{ListHead, ListWriter, Out, WriteError},
    xlsx::Xlsx,
    yaml::Yaml,
    yml::Yml,
};

/// A form in which a price list can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Format {
    /// `shop`, `categories` and `goods`.
    Yaml,
    /// A header and a row for each good.
    Csv,
    /// The same columns on the first sheet of an Excel workbook.
    Xlsx,
    /// The catalogue format of Yandex Market.
    Yml,
}

/// The bytes of a list.
pub trait Source: Read + Seek {}

impl<S: Read + Seek> Source for S {}

/// Takes the entries of a list, until it breaks off.
pub(super) type Sink<'s> = &'s mut dyn FnMut(RawGood) -> ControlFlow<()>;

/// What there is to say of a form. A new form is one file with this, and its name in [`Format`].
pub(super) trait Form: Sync {
    /// How the names of its files end, in lower case; the first is the usual one.
    fn extensions(&self) -> &'static [&'static str];

    /// Its content types, in lower case; the first is the usual one.
    fn media_types(&self) -> &'static [&'static str];

    /// Whether a file that begins so is of this form, whatever it is called.
    fn is_certain(&self, head: &[u8]) -> bool;

    /// Whether a text that begins so is likely to be of this form, when nothing else tells.
    fn is_likely(&self, head: &str) -> bool;

    /// What it calls a field of a good that [`Good::check`](crate::imports::Good::check) names.
    fn field(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Begins a list in this form; see [`super::writer`].
    fn writer(&self, out: Out, head: &ListHead) -> Result<Box<dyn ListWriter>, WriteError>;

    /// Reads a list; see [`super::read`].
    fn read(&self, source: &mut dyn Source, limits: Limits, sink: Sink) -> Result<ListSummary, ReadError>;
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Yaml, Self::Csv, Self::Xlsx, Self::Yml];

    /// How much of a file's beginning [`detect`](Self::detect) wants to see, in bytes.
    pub const HEAD_BYTES: usize = 4 << 10;

    pub(super) fn form(self) -> &'static dyn Form {
        match self {
            Self::Yaml => &Yaml,
            Self::Csv => &Csv,
            Self::Xlsx => &Xlsx,
            Self::Yml => &Yml,
        }
    }

    /// Whether a file of that name can be a list, so that its content is worth looking at.
    #[must_use]
    pub fn may_be_named(file_name: &str) -> bool {
        let name = file_name.to_lowercase();
        let Some((_, extension)) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.') else {
            return true;
        };
        extension == "txt" || Self::ALL.iter().any(|format| format.form().extensions().contains(&extension))
    }

    /// Its word in queries and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Yml => "yml",
        }
    }

    /// The form of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Its usual content type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        self.form().media_types()[0]
    }

    /// How the names of its files usually end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.form().extensions()[0]
    }

    /// What this form calls a field of a good.
    #[must_use]
    pub fn field(self, name: &str) -> String {
        self.form().field(name)
    }

    /// The form of a file, by its first [`HEAD_BYTES`](Self::HEAD_BYTES) where they leave no doubt, else by its name,
    /// else by its content type, else by what they look like. Whether it is packed by gzip makes no difference.
    ///
    /// The content comes first, since names lie: a catalogue of Yandex Market is called `.yml` like a YAML list, and
    /// workbooks are sent as `.csv`.
    #[must_use]
    pub fn detect(file_name: Option<&str>, content_type: Option<&str>, head: &[u8]) -> Option<Self> {
        let head = packed::unpacked_head(head);
        let find =
            |fits: &dyn Fn(&dyn Form) -> bool| Self::ALL.into_iter().find(|format| fits(format.form()));
        find(&|form| form.is_certain(&head))
            .or_else(|| {
                let name = file_name?.to_lowercase();
                let (_, extension) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
                find(&|form| form.extensions().contains(&extension))
            })
            .or_else(|| {
                let media_type = content_type?.split(';').next()?.trim().to_ascii_lowercase();
                find(&|form| form.media_types().contains(&media_type.as_str()))
            })
            .or_else(|| {
                let head = String::from_utf8_lossy(&head);
                find(&|form| form.is_likely(&head))
            })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn the_form_is_told_by_the_name_or_else_by_the_content_type() {
        for (name, content_type, format) in [
            (Some("price.yaml"), None, Some(Format::Yaml)),
            (Some("Прайс 2026.05.YML"), Some("text/csv"), Some(Format::Yaml)),
            (Some("price.csv"), None, Some(Format::Csv)),
            (Some("price.CSV.gz"), None, Some(Format::Csv)),
            (Some("price.xlsx"), None, Some(Format::Xlsx)),
            (Some("market.xml"), None, Some(Format::Yml)),
            (Some("price"), Some("text/csv; charset=windows-1251"), Some(Format::Csv)),
            (None, Some("Application/YAML"), Some(Format::Yaml)),
            (Some("price.xls"), Some("application/vnd.ms-excel"), None),
            (None, None, None),
        ] {
            assert_eq!(Format::detect(name, content_type, b""), format, "{name:?} {content_type:?}");
        }
    }

    #[test]
    fn what_the_content_says_counts_more() {
        for (name, head, format) in [
            ("market.yml", "\u{feff}<?xml version=\"1.0\"?><yml_catalog>", Format::Yml),
            ("market.yml", "\n <!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">", Format::Yml),
            ("price.csv", "PK\u{3}\u{4}\u{14}", Format::Xlsx),
            ("price.txt", "id;category;name;price;quantity\n", Format::Csv),
            ("price.txt", "shop: Связной\ncategories:\n", Format::Yaml),
        ] {
            assert_eq!(Format::detect(Some(name), None, head.as_bytes()), Some(format), "{name}");
            let head = gzip(head);
            assert_eq!(Format::detect(Some(&format!("{name}.gz")), None, &head), Some(format), "{name}.gz");
        }
        assert_eq!(Format::detect(Some("price.txt"), None, "просто текст".as_bytes()), None);
    }

    #[test]
    fn a_name_can_tell_that_it_is_no_list() {
        for (name, may_be) in
            [("price", true), ("price.TXT", true), ("price.csv.gz", true), ("price.pdf", false)]
        {
            assert_eq!(Format::may_be_named(name), may_be, "{name}");
        }
    }

    #[test]
    fn a_form_is_found_by_its_word() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        assert_eq!(Format::parse("xls"), None);
    }
}
