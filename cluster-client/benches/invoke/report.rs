//! The table.

use crate::contenders::{Contender, Flavour};
use crate::load::Load;

/// What is measured, and the figures of all contenders for each round.
pub(crate) struct Row {
    title: &'static str,
    pub(crate) flavour: Flavour,
    pub(crate) load: Load,
    pub(crate) figures: Vec<[f64; Contender::ALL.len()]>,
}

impl Row {
    pub(crate) fn new(title: &'static str, flavour: Flavour, load: Load) -> Self {
        Self { title, flavour, load, figures: Vec::new() }
    }

    fn median(&self, contender: Contender) -> f64 {
        Spread::of(self.figures.iter().map(|round| round[contender as usize])).median
    }

    /// The library's figure by another's, round by round.
    fn ratio_to(&self, other: Contender) -> Spread {
        let ratio = |round: &[f64; 3]| round[Contender::Library as usize] / round[other as usize];
        Spread::of(self.figures.iter().map(ratio))
    }
}

struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            median: at(figures.len() / 2),
            most: at(figures.len().saturating_sub(1)),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} [{:.2}..{:.2}]", self.median, self.least, self.most)
    }
}

pub(crate) fn print(rows: &[Row], rounds: usize) {
    println!();
    println!("medians of {rounds} rounds, and ratios within a round: median [least..most]");
    println!(
        "{:<16} {:>13} {:>10} {:>10} {:>15}  {:<19}  {:<19}",
        "", "", "floor", "tarpc", "cluster-client", "to the floor", "to tarpc"
    );
    for row in rows {
        let (unit, digits) = match row.load {
            Load::Latency { .. } => ("µs, less is", 1),
            Load::Throughput { .. } => ("/s, more is", 0),
        };
        println!(
            "{:<16} {:>13} {:>10.digits$} {:>10.digits$} {:>15.digits$}  {:<19}  {:<19}",
            row.title,
            unit,
            row.median(Contender::Floor),
            row.median(Contender::Tarpc),
            row.median(Contender::Library),
            row.ratio_to(Contender::Floor).to_string(),
            row.ratio_to(Contender::Tarpc).to_string(),
        );
    }
    let figures: Vec<String> = rows.iter().map(machine_readable).collect();
    println!("\ninvoke rounds={rounds} {}", figures.join(" "));
}

fn machine_readable(row: &Row) -> String {
    let name: String = row.title.to_lowercase().replace([' ', '/'], "_").replace(',', "");
    format!(
        "{name}={:.1} {name}_to_floor={:.3} {name}_to_tarpc={:.3}",
        row.median(Contender::Library),
        row.ratio_to(Contender::Floor).median,
        row.ratio_to(Contender::Tarpc).median,
    )
}
