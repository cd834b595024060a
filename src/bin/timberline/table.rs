//! Tables with bars, for people.

use std::fmt;

/// Cells a full bar takes.
const BAR_CELLS: u64 = 24;
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Rows of cells; all columns but the first and the last stand to the right.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cells_of(cell)).max()
        };
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::from(" ");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let space = " ".repeat(width.saturating_sub(cells_of(cell)));
                let is_text = column == 0 || column + 1 == widths.len();
                line += &if is_text { format!(" {cell}{space}") } else { format!("  {space}{cell}") };
                line += if column == 0 || column + 2 == widths.len() { " " } else { "" };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Cells a text takes on a terminal.
fn cells_of(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// A bar for `value` where `most` is a full one. A value over 0 is never without ink.
pub(crate) fn bar(value: u64, most: u64) -> String {
    let eighths = scaled(value, most, BAR_CELLS * 8);
    let full = "█".repeat((eighths / 8) as usize);
    match eighths % 8 {
        0 => full,
        rest => full + &EIGHTHS[rest as usize - 1].to_string(),
    }
}

/// One character for each value, higher for more; a space for 0.
pub(crate) fn spark(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0);
    let level = |value| match scaled(value, most, 8) {
        0 => ' ',
        level => LEVELS[level as usize - 1],
    };
    values.iter().map(|value| level(*value)).collect()
}

/// `value` of `most` on a scale of `steps`; at least 1 for a value over 0.
fn scaled(value: u64, most: u64, steps: u64) -> u64 {
    let exact = u128::from(value) * u128::from(steps) / u128::from(most.max(1));
    u64::try_from(exact).unwrap_or(steps).clamp(u64::from(value > 0), steps)
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_whatever_they_hold() {
        let mut table = Table::new(&["folder", "added", ""]);
        table.row(["src".to_owned(), grouped(1_234_567), bar(1, 1)]);
        table.row(["größe".to_owned(), grouped(12), bar(0, 1)]);
        let text = table.to_string();
        let full = "█".repeat(24);
        assert_eq!(
            text,
            format!("  folder       added\n  src      1,234,567  {full}\n  größe           12\n")
        );
    }

    #[test]
    fn a_small_value_still_shows_and_a_large_one_does_not_overflow() {
        assert_eq!(bar(1, u64::MAX), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX), "█".repeat(24));
        assert_eq!(bar(0, 0), "");
        assert_eq!(spark(&[0, 1, 50, 100]), " ▁▄█");
    }
}
