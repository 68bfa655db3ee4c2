//! Cases, their rounds, and what becomes of them: a table and a file.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::Context;
use serde::Serialize;

/// What one round of a case measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// The path that users take.
    pub ours: f64,
    /// PostgreSQL doing our own SQL, where that applies.
    pub limit: Option<f64>,
    /// PostgreSQL doing the least that the work needs, where there is such a script.
    pub reference: Option<f64>,
}

/// The measurements of a benchmark, by case.
#[derive(Debug, Default)]
pub struct Report {
    cases: BTreeMap<&'static str, (&'static str, Vec<Round>)>,
}

/// A case as it stands in the file: medians of the rounds.
#[derive(Debug, Serialize)]
struct Case {
    case: &'static str,
    unit: &'static str,
    ours: f64,
    limit: Option<f64>,
    ratio: Option<f64>,
    reference: Option<f64>,
    reference_ratio: Option<f64>,
}

impl Report {
    /// Adds a round to a case.
    pub fn add(&mut self, case: &'static str, unit: &'static str, round: Round) {
        self.cases.entry(case).or_insert((unit, Vec::new())).1.push(round);
    }

    /// Writes `<target dir>/bench/<name>.json` and prints the table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(&self, target_dir: &Path, name: &str) -> anyhow::Result<()> {
        let dir = target_dir.join("bench");
        let file = dir.join(format!("{name}.json"));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let json = serde_json::to_string_pretty(&self.medians())?;
        fs::write(&file, json + "\n").with_context(|| format!("cannot write {}", file.display()))?;
        println!("{self}\n{}", file.display());
        Ok(())
    }

    fn medians(&self) -> Vec<Case> {
        self.cases.iter().map(|(case, (unit, rounds))| Case::of(case, unit, rounds)).collect()
    }
}

impl Case {
    fn of(case: &'static str, unit: &'static str, rounds: &[Round]) -> Self {
        let median_of =
            |value: &dyn Fn(&Round) -> Option<f64>| median(rounds.iter().filter_map(value).collect());
        Self {
            case,
            unit,
            ours: median_of(&|round| Some(round.ours)).unwrap_or_default(),
            limit: median_of(&|round| round.limit),
            ratio: median_of(&|round| Some(round.ours / round.limit?)),
            reference: median_of(&|round| round.reference),
            reference_ratio: median_of(&|round| Some(round.ours / round.reference?)),
        }
    }
}

/// The middle of some figures, to three digits behind the point.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = *figures.get((figures.len() - 1) / 2)?;
    Some((f64::midpoint(lower, upper) * 1000.0).round() / 1000.0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:>8} {:>12} {:>12} {:>8} {:>12} {:>8}",
            "case", "unit", "ours", "limit", "ratio", "reference", "ratio"
        )?;
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        for case in self.medians() {
            writeln!(
                f,
                "{:<24} {:>8} {:>12.3} {:>12} {:>8} {:>12} {:>8}",
                case.case,
                case.unit,
                case.ours,
                figure(case.limit),
                figure(case.ratio),
                figure(case.reference),
                figure(case.reference_ratio)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_ratios_is_not_the_ratio_of_medians() {
        let round = |ours, limit| Round { ours, limit: Some(limit), reference: None };
        let rounds = [round(1.0, 2.0), round(10.0, 40.0), round(100.0, 100.0)];
        let case = Case::of("case", "1/s", &rounds);
        assert_eq!((case.ours, case.limit, case.ratio), (10.0, Some(40.0), Some(0.5)));
        assert_eq!((case.reference, case.reference_ratio), (None, None));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
