//! What a run says: a Markdown table and an SVG chart.

mod chart;
mod table;

pub use chart::chart;
pub use table::{markdown, number, unit};

use crate::bench::Row;
use crate::stats::Spread;

/// One cell of the table.
#[derive(Debug, Clone)]
pub enum Cell {
    /// What was measured, and what was done otherwise than the row says.
    Measured(Spread, Option<String>),
    /// The peer has no such thing, and why.
    Missing(String),
}

impl Cell {
    /// The median, where there is one.
    pub fn median(&self) -> Option<f64> {
        match self {
            Self::Measured(spread, _) => Some(spread.median),
            Self::Missing(_) => None,
        }
    }
}

/// One row of results: a cell for each column.
#[derive(Debug)]
pub struct Line {
    /// What was measured.
    pub row: &'static Row,
    /// The columns' cells, in their order.
    pub cells: Vec<Cell>,
}
