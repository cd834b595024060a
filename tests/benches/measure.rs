//! Rounds, medians, and the table.

use std::path::PathBuf;
use std::time::Instant;

/// What a figure is.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    PerSecond,
    Micros,
    Millis,
}

const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

struct Row {
    /// What the figures of one run are; they belong to the same run.
    names: Vec<String>,
    unit: Unit,
    target: &'static str,
    run: Box<dyn Fn() -> Vec<f64>>,
    /// The figures of every round.
    rounds: Vec<Vec<f64>>,
}

/// The rows of the table, in the order in which they take turns.
pub(crate) struct Bench {
    rows: Vec<Row>,
    rounds: usize,
    /// Only rows whose name contains one of these; all if there is none.
    filters: Vec<String>,
}

impl Bench {
    pub(crate) fn from_args() -> Self {
        let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
        // cargo itself passes `--bench`.
        let filters = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        Self { rows: Vec::new(), rounds, filters }
    }

    pub(crate) fn row(
        &mut self,
        name: &'static str,
        unit: Unit,
        target: &'static str,
        run: impl Fn() -> f64 + 'static,
    ) {
        self.add(vec![name.to_owned()], unit, target, move || vec![run()]);
    }

    /// Three rows out of one run: of many times in microseconds the half, the hundredth and the thousandth.
    pub(crate) fn percentiles(&mut self, name: &str, run: impl Fn() -> Vec<f64> + 'static) {
        let names = PERCENTILES.map(|(label, _)| format!("{name}, {label}"));
        self.add(names.to_vec(), Unit::Micros, "", move || {
            let times = run();
            PERCENTILES.iter().map(|(_, share)| percentile(times.clone(), *share)).collect()
        });
    }

    fn add(
        &mut self,
        names: Vec<String>,
        unit: Unit,
        target: &'static str,
        run: impl Fn() -> Vec<f64> + 'static,
    ) {
        let is_named = |filter: &String| names.iter().any(|name| name.contains(filter.as_str()));
        if self.filters.is_empty() || self.filters.iter().any(is_named) {
            self.rows.push(Row { names, unit, target, run: Box::new(run), rounds: Vec::new() });
        }
    }

    /// Runs every round and prints the table.
    pub(crate) fn print(mut self) {
        let began = Instant::now();
        for _ in 0..self.rounds {
            for row in &mut self.rows {
                row.rounds.push((row.run)());
            }
        }
        println!("{:46} {:>12} {:>24} {:>14}", "", "median", "least .. most", "target");
        self.rows.iter().for_each(Row::print);
        println!("\n{} rounds in {:.0} s", self.rounds, began.elapsed().as_secs_f64());
    }
}

impl Row {
    fn print(&self) {
        for (item, name) in self.names.iter().enumerate() {
            let mut figures: Vec<f64> = self.rounds.iter().map(|round| round[item]).collect();
            figures.sort_by(f64::total_cmp);
            let (least, most) = (figures[0], figures[figures.len() - 1]);
            let median = figures[figures.len() / 2];
            let spread = format!("{} .. {}", self.unit.show(least), self.unit.show(most));
            println!("{name:46} {:>12} {spread:>24} {:>14}", self.unit.show(median), self.target);
        }
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond if figure >= 1e6 => format!("{:.2} M/s", figure / 1e6),
            Self::PerSecond if figure >= 1e3 => format!("{:.1} k/s", figure / 1e3),
            Self::PerSecond => format!("{figure:.0} /s"),
            Self::Micros => format!("{figure:.1} us"),
            Self::Millis => format!("{figure:.1} ms"),
        }
    }
}

/// A directory on the disk that the target directory is on; gone when it is dropped.
pub(crate) fn scratch() -> tempfile::TempDir {
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    tempfile::tempdir_in(base).unwrap()
}

/// The numbers of `count` events.
pub(crate) fn events(count: u64) -> std::ops::Range<u64> {
    0..count
}

/// The figure below which the `share` of all lies.
pub(crate) fn percentile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * share) as usize]
}
