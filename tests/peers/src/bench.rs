//! The order of a run: round by round, all columns in turn, so that what disturbs the machine for a while disturbs them all.

use crate::report::{Cell, Line, number, unit};
use crate::stats::Spread;
use crate::store::{Op, Res};

/// What a row's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Events per second: more is better.
    EventsPerSecond,
    /// Messages or actors per second: more is better.
    PerSecond,
    /// Microseconds: less is better.
    Micros,
    /// Milliseconds: less is better.
    Millis,
    /// Bytes per event: less is better.
    BytesPerEvent,
    /// Bytes per actor: less is better.
    BytesPerActor,
}

impl Unit {
    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::EventsPerSecond | Self::PerSecond)
    }
}

/// One row of a table.
#[derive(Debug)]
pub struct Row {
    /// What is done.
    pub title: &'static str,
    /// What is measured.
    pub unit: Unit,
}

/// What one measurement gave.
#[derive(Debug)]
pub struct Sample {
    /// A value for each row of the workload.
    pub values: Vec<f64>,
    /// What was done otherwise than the row says.
    pub note: Option<String>,
}

impl From<f64> for Sample {
    fn from(value: f64) -> Self {
        vec![value].into()
    }
}

impl From<Vec<f64>> for Sample {
    fn from(values: Vec<f64>) -> Self {
        Self { values, note: None }
    }
}

/// A sample, or why the column has none.
type Tried = Result<Sample, String>;

/// Measures every column `rounds` times and answers a line for each row. `name` is said on standard error as it goes; a
/// column that fails or has no such thing is not tried again.
pub fn interleave<C>(
    name: &str,
    rows: &'static [Row],
    rounds: usize,
    columns: &[C],
    column_name: impl Fn(&C) -> &str,
    run: impl Fn(&C) -> Res<Op<Sample>>,
) -> Vec<Line> {
    let mut tries: Vec<Vec<Tried>> = columns.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (column, tries) in columns.iter().zip(&mut tries) {
            if tries.iter().any(Result::is_err) {
                continue;
            }
            let tried = flat(run(column));
            let said = match &tried {
                Ok(sample) => format!("{} {}", number(sample.values[0]), unit(rows[0].unit)),
                Err(why) => format!("- {why}"),
            };
            eprintln!("{name}, {}, round {round}: {said}", column_name(column));
            tries.push(tried);
        }
    }
    let rows = rows.iter().enumerate();
    rows.map(|(place, row)| Line { row, cells: tries.iter().map(|tries| cell(tries, place)).collect() })
        .collect()
}

fn flat(tried: Res<Op<Sample>>) -> Tried {
    match tried {
        Ok(sample) => sample.map_err(str::to_owned),
        Err(error) => Err(format!("failed: {error}")),
    }
}

fn cell(tries: &[Tried], place: usize) -> Cell {
    if let Some(why) = tries.iter().find_map(|tried| tried.as_ref().err()) {
        return Cell::Missing(why.clone());
    }
    let samples: Vec<f64> = tries.iter().flatten().map(|sample| sample.values[place]).collect();
    let note = tries.iter().flatten().find_map(|sample| sample.note.clone());
    Spread::of(&samples)
        .map_or_else(|| Cell::Missing("no run".to_owned()), |spread| Cell::Measured(spread, note))
}
