//! What a workbook keeps beside its sheets: where the first one is, the table of texts, and how numbers are shown.

use std::io::{Read, Seek};

use super::{
    super::{
        FileCode, FileError, Limits, ReadError,
        xml::{Element, Node, Nodes},
    },
    cells::text_of,
    numbers::Shown,
    package::{Package, Part},
};
use crate::imports::said;

/// The most bytes of what names the parts.
const MAX_NAMING_BYTES: u64 = 4 << 20;
/// The most bytes of the styles.
const MAX_STYLE_BYTES: u64 = 16 << 20;
/// The most bytes of the table of texts, which is kept; beside each text stand four bytes.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// The most texts in it.
const MAX_TEXTS: usize = 4_000_000;
/// The most styles of cells, as Excel has it.
const MAX_STYLES: usize = 65_536;

/// What the cells of a workbook refer to.
#[derive(Default)]
pub(super) struct Book {
    /// The part that is the first sheet that is shown.
    pub(super) sheet: String,
    pub(super) texts: Texts,
    /// How the cells of each style show a number.
    pub(super) styles: Vec<Shown>,
    /// Whether days are counted from 1904 on.
    pub(super) from_1904: bool,
}

/// Where a part leads.
struct Relation {
    id: String,
    kind: String,
    target: String,
}

impl Book {
    pub(super) fn read<S: Read + Seek>(package: &mut Package<S>) -> Result<Self, ReadError> {
        let roots = relations(package, "")?;
        let workbook =
            roots.iter().find(|it| it.kind == "officeDocument").map_or("xl/workbook.xml", |it| &it.target);
        let relations = relations(package, workbook)?;
        let mut book = Self::default();
        let first = book.first_sheet(nodes(package, workbook, MAX_NAMING_BYTES)?)?;
        let sheet = relations.iter().find(|it| Some(&it.id) == first.as_ref()).ok_or_else(sheetless)?;
        book.sheet.clone_from(&sheet.target);
        let part = |kind: &str| relations.iter().find(|it| it.kind == kind).map(|it| it.target.as_str());
        if let Some(styles) = part("styles") {
            book.styles = read_styles(nodes(package, styles, MAX_STYLE_BYTES)?)?;
        }
        if let Some(texts) = part("sharedStrings") {
            book.texts = Texts::read(nodes(package, texts, MAX_TEXT_BYTES)?)?;
        }
        Ok(book)
    }

    /// The relation to the first sheet that is shown.
    fn first_sheet<R: Read>(&mut self, mut nodes: Nodes<R>) -> Result<Option<String>, ReadError> {
        let mut first = None;
        loop {
            match nodes.next()? {
                Node::Start(element) => match element.name().as_str() {
                    "workbookPr" => {
                        let from_1904 = element.attribute("date1904");
                        self.from_1904 = from_1904.is_some_and(|text| matches!(text.as_str(), "1" | "true"));
                    }
                    "sheet"
                        if first.is_none() && element.attribute("state").is_none_or(|it| it == "visible") =>
                    {
                        first = element.attribute("id");
                    }
                    _ => {}
                },
                Node::EndOfDocument => return Ok(first),
                _ => {}
            }
        }
    }
}

fn nodes<'p, S: Read + Seek>(
    package: &'p mut Package<S>,
    name: &str,
    most: u64,
) -> Result<Nodes<Part<&'p mut S>>, ReadError> {
    Nodes::open(package.part(name, most)?, Limits { bytes: most, ..Limits::default() })
}

/// Where a part leads; the package itself, if it has no name.
fn relations<S: Read + Seek>(package: &mut Package<S>, part: &str) -> Result<Vec<Relation>, ReadError> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut nodes = nodes(package, &format!("{folder}_rels/{file}.rels"), MAX_NAMING_BYTES)?;
    let mut all = Vec::new();
    loop {
        match nodes.next()? {
            Node::Start(element) if element.name() == "Relationship" => {
                all.extend(relation(&element, &folder));
            }
            Node::EndOfDocument => return Ok(all),
            _ => {}
        }
    }
}

fn relation(element: &Element<'_>, folder: &str) -> Option<Relation> {
    let target = element.attribute("Target")?;
    let target = match target.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("{folder}{}", target.trim_start_matches("./")),
    };
    let kind = element.attribute("Type")?;
    let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
    Some(Relation { id: element.attribute("Id")?, kind, target })
}

fn sheetless() -> FileError {
    let detail = said!(
        "found a workbook without a sheet that is shown, expected one",
        "в книге нет видимого листа, ожидается хотя бы один"
    );
    FileError::new(FileCode::NotAWorkbook, detail)
}

/// How the cells of each style show a number.
fn read_styles<R: Read>(mut nodes: Nodes<R>) -> Result<Vec<Shown>, ReadError> {
    let (mut own, mut styles, mut in_cells) = (Vec::new(), Vec::new(), None);
    loop {
        match nodes.next()? {
            Node::Start(element) => {
                let number = |name: &str| element.attribute(name).and_then(|text| text.parse::<u32>().ok());
                match element.name().as_str() {
                    "numFmt" if own.len() < MAX_STYLES => {
                        let shown = Shown::of_code(&element.attribute("formatCode").unwrap_or_default());
                        own.push((number("numFmtId").unwrap_or(0), shown));
                    }
                    "cellXfs" => in_cells = Some(()),
                    "xf" if in_cells.is_some() && styles.len() < MAX_STYLES => {
                        let id = number("numFmtId").unwrap_or(0);
                        let shown = own.iter().find(|(own, _)| *own == id).map(|(_, shown)| *shown);
                        styles.push(shown.unwrap_or_else(|| Shown::of_id(id)));
                    }
                    "cellStyles" | "dxfs" => in_cells = None,
                    _ => {}
                }
            }
            Node::EndOfDocument => return Ok(styles),
            _ => {}
        }
    }
}

/// The texts that cells share, one after the other.
#[derive(Default)]
pub(super) struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn read<R: Read>(mut nodes: Nodes<R>) -> Result<Self, ReadError> {
        let mut texts = Self::default();
        loop {
            match nodes.next()? {
                Node::Start(element) if element.name() == "si" => {
                    let text = text_of(&mut nodes)?;
                    texts.all.push_str(&text);
                    texts.ends.push(u32::try_from(texts.all.len()).unwrap_or(u32::MAX));
                    if texts.ends.len() > MAX_TEXTS {
                        let detail = said!(
                            "found more than {MAX_TEXTS} texts, expected at most that many; save the list as CSV",
                            "найдено больше {MAX_TEXTS} текстов, ожидается не больше; сохраните список как CSV"
                        );
                        return Err(FileError::new(FileCode::TooLarge, detail).into());
                    }
                }
                Node::EndOfDocument => return Ok(texts),
                _ => {}
            }
        }
    }

    /// The text of that number, from 0.
    pub(super) fn get(&self, n: usize) -> Option<&str> {
        let end = *self.ends.get(n)? as usize;
        let begin = n.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.all.get(begin..end)
    }
}
