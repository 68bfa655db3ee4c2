//! Price lists as large as they are wanted, of goods with five parameters.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// How many categories there are.
const CATEGORIES: u32 = 20;

const COLORS: [&str; 6] = ["чёрный", "белый", "золотистый", "синий", "красный", "серебристый"];

/// A price list.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// How many goods.
    pub goods: u32,
    /// Whether one in a hundred costs a rouble more than usual.
    pub changed: bool,
}

/// A good.
struct Good {
    sku: u32,
    category: u32,
    model: String,
    name: String,
    price: u32,
    recommended_price: u32,
    quantity: u32,
    parameters: [(&'static str, String); 5],
}

impl List {
    fn goods(self) -> impl Iterator<Item = Good> {
        (1..=self.goods).map(move |n| {
            let color = COLORS[(n % 6) as usize];
            let raise = u32::from(self.changed && n.is_multiple_of(100));
            Good {
                sku: 4_000_000 + n,
                category: n % CATEGORIES + 1,
                model: format!("brand/m{n}"),
                name: format!("Смартфон Brand M{n} {}GB ({color})", 64 << (n % 4)),
                price: 1_000 + n % 90_000 + raise,
                recommended_price: 1_200 + n % 90_000,
                quantity: n % 500 + 1,
                parameters: [
                    ("Диагональ (дюйм)", format!("{}.{}", 5 + n % 2, n % 10)),
                    ("Цвет", color.to_owned()),
                    ("Встроенная память (Гб)", (64 << (n % 4)).to_string()),
                    ("Вес (г)", (150 + n % 100).to_string()),
                    ("Гарантия (мес)", (12 * (1 + n % 3)).to_string()),
                ],
            }
        })
    }

    /// Writes it as CSV.
    pub fn write_csv(self, file: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        let mut head = "id;category;model;name;price;price_rrc;quantity".to_owned();
        for (n, good) in self.goods().enumerate() {
            if n == 0 {
                good.parameters.iter().for_each(|(name, _)| head.extend([";", name]));
                writeln!(out, "{head}")?;
            }
            write!(out, "{};Категория {};{};{}", good.sku, good.category, good.model, good.name)?;
            write!(out, ";{};{};{}", good.price, good.recommended_price, good.quantity)?;
            for (_, value) in &good.parameters {
                write!(out, ";{value}")?;
            }
            writeln!(out)?;
        }
        out.flush()
    }

    /// Writes it as YAML.
    pub fn write_yaml(self, file: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        writeln!(out, "shop: Связной\ncategories:")?;
        for n in 1..=CATEGORIES {
            writeln!(out, "  - id: {n}\n    name: Категория {n}")?;
        }
        writeln!(out, "goods:")?;
        for good in self.goods() {
            writeln!(out, "  - id: {}\n    category: {}", good.sku, good.category)?;
            writeln!(out, "    model: {}\n    name: {}", good.model, good.name)?;
            writeln!(out, "    price: {}\n    price_rrc: {}", good.price, good.recommended_price)?;
            writeln!(out, "    quantity: {}\n    parameters:", good.quantity)?;
            for (name, value) in &good.parameters {
                writeln!(out, "      \"{name}\": {value}")?;
            }
        }
        out.flush()
    }

    /// Writes what the reference stages, as `COPY` reads it.
    pub fn write_reference(self, file: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        for good in self.goods() {
            let product = good.sku % 10_000 + 1;
            write!(out, "{}\t{product}\t{}\t{}\t{}", good.sku, good.category, good.model, good.name)?;
            writeln!(out, "\t{}\t{}\t{}", good.price, good.recommended_price, good.quantity)?;
        }
        out.flush()
    }
}
