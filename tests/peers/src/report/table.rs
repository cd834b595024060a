//! The table in Markdown: medians, spreads, ratios, footnotes.

use super::{Cell, Line};
use crate::bench::Unit;
use crate::stores::{FLOOR, OURS};
use std::fmt::Write;

/// The table over the columns `names`, with its footnotes.
pub fn markdown(names: &[&str], lines: &[Line]) -> String {
    let ours = names.iter().position(|name| *name == OURS);
    let mut text = String::from("| workload | unit |");
    names.iter().for_each(|name| text.push_str(&format!(" {name} |")));
    if ours.is_some() {
        text.push_str(" ours / best peer | ours / floor |");
    }
    let columns = text.matches('|').count() - 1;
    writeln!(text, "\n|{}", "---|".repeat(columns)).ok();
    let mut notes: Vec<Note> = Vec::new();
    for line in lines {
        write!(text, "| {} | {} |", line.row.title, unit(line.row.unit)).ok();
        for (name, cell) in names.iter().zip(&line.cells) {
            write!(text, " {} |", shown(name, cell, &mut notes)).ok();
        }
        if let Some(ours) = ours {
            write!(
                text,
                " {} | {} |",
                times(ours_to_best(names, line, ours)),
                times(ours_to_floor(names, line, ours))
            )
            .ok();
        }
        text.push('\n');
    }
    text.push('\n');
    for (number, (why, names)) in notes.iter().enumerate() {
        writeln!(text, "{}. {}: {why}.", number + 1, names.join(", ")).ok();
    }
    text
}

/// A number with three digits that count, in thousands or millions where it is large.
pub fn number(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        large if large >= 1e6 => (value / 1e6, " M"),
        large if large >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{suffix}")
}

/// A unit's name in the table.
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::EventsPerSecond => "events/s",
        Unit::Micros => "µs",
        Unit::Millis => "ms",
        Unit::BytesPerEvent => "B/event",
        Unit::BytesPerActor => "B/actor",
        Unit::PerSecond => "1/s",
    }
}

/// A reason and the columns that it stands for.
type Note = (String, Vec<String>);

/// A cell's text; what it has to explain goes to the footnotes, each reason once.
fn shown(name: &str, cell: &Cell, notes: &mut Vec<Note>) -> String {
    let mut mark = |why: &str| {
        let place = notes.iter().position(|(other, _)| other == why).unwrap_or_else(|| {
            notes.push((why.to_owned(), Vec::new()));
            notes.len() - 1
        });
        let names = &mut notes[place].1;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        format!(" [{}]", place + 1)
    };
    match cell {
        Cell::Missing(why) => format!("-{}", mark(why)),
        Cell::Measured(spread, note) => {
            let note = note.as_deref().map(&mut mark).unwrap_or_default();
            format!("**{}** {}..{}{note}", number(spread.median), number(spread.least), number(spread.most))
        }
    }
}

/// How many times better ours is than the best of the peers: above 1 is ahead, whatever the unit.
fn ours_to_best(names: &[&str], line: &Line, ours: usize) -> Option<f64> {
    let others = names.iter().zip(&line.cells).filter(|(name, _)| **name != OURS && **name != FLOOR);
    let best = others.filter_map(|(_, cell)| better(line, cell.median()?)).max_by(f64::total_cmp)?;
    Some(better(line, line.cells[ours].median()?)? / best)
}

fn ours_to_floor(names: &[&str], line: &Line, ours: usize) -> Option<f64> {
    let floor = names.iter().position(|name| *name == FLOOR)?;
    Some(better(line, line.cells[ours].median()?)? / better(line, line.cells[floor].median()?)?)
}

/// The value turned so that more is better; none of a zero that cannot be turned.
fn better(line: &Line, value: f64) -> Option<f64> {
    if line.row.unit.more_is_better() { Some(value) } else { (value > 0.0).then(|| 1.0 / value) }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{} x", number(ratio)))
}
