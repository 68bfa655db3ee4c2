//! Writes every message with its sample's data into a folder, to look at in a browser:
//! `cargo run -p common --example emails -- target/emails`.

use std::{env, fs, path::PathBuf};

use anyhow::Context;
use common::{
    locale::Locale,
    mail::{MessageKind, Templates},
};

fn main() -> anyhow::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).context("name a folder")?);
    fs::create_dir_all(&folder)?;
    let templates = Templates::load()?;
    for kind in MessageKind::ALL {
        for locale in Locale::ALL {
            let read = templates.render(kind, locale, &Templates::sample(kind)?)?;
            let text = format!("{}\n\n{}", read.subject, read.text);
            fs::write(folder.join(format!("{kind}.{locale}.txt")), text)?;
            fs::write(folder.join(format!("{kind}.{locale}.html")), read.html)?;
        }
    }
    println!("wrote {} messages to {}", MessageKind::ALL.len() * Locale::ALL.len(), folder.display());
    Ok(())
}
