//! The projection: lines per folder and per author over time, folded from the steps that a worker reacts with.

use crate::calendar;
use crate::payload::{self, FileChanged, LinesCounted, LinesRow};
use crate::table::{Table, bar, grouped, spark};
use crate::text;
use std::collections::BTreeMap;
use timberline::{Batch, Payload, PayloadError};

/// Bytes of a folder's or an author's name in the projection.
const NAME_BYTES_MAX: usize = 200;
/// Rows of a table; the rest is one row.
const ROWS_MAX: usize = 12;
/// Spans of time in a row's picture.
const SPANS_MAX: usize = 24;

/// Lines of something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    /// Lines added in each month.
    months: BTreeMap<i32, u64>,
}

impl Sums {
    fn add(&mut self, row: &LinesRow) {
        self.added += row.added;
        self.removed += row.removed;
        *self.months.entry(row.month).or_default() += row.added;
    }

    fn merge(&mut self, other: &Self) {
        self.added += other.added;
        self.removed += other.removed;
        other.months.iter().for_each(|(month, added)| *self.months.entry(*month).or_default() += added);
    }
}

/// What the steps add up to.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// `FileChanged` events that were counted.
    pub(crate) changes: u64,
    pub(crate) total: Sums,
    folders: BTreeMap<String, Sums>,
    authors: BTreeMap<String, Sums>,
}

/// One step: what the changes of a batch add. `None` when there is no change in it.
pub(super) fn step(batch: &Batch) -> Result<Option<LinesCounted>, PayloadError> {
    let mut rows: BTreeMap<(String, String, i32), (u64, u64)> = BTreeMap::new();
    let mut changes = 0;
    for event in batch.iter().filter(|event| event.kind == FileChanged::KIND) {
        let change: FileChanged = event.payload_as()?;
        let folder = text::name_within(payload::folder_of(event.entity), NAME_BYTES_MAX);
        let author = text::name_within(&change.author, NAME_BYTES_MAX);
        let sums = rows.entry((folder, author, calendar::month_of(change.time))).or_default();
        sums.0 += change.added.unwrap_or(0);
        sums.1 += change.removed.unwrap_or(0);
        changes += 1;
    }
    let row =
        |((folder, author, month), (added, removed))| LinesRow { folder, author, month, added, removed };
    Ok((changes > 0).then(|| LinesCounted { changes, rows: rows.into_iter().map(row).collect() }))
}

impl Lines {
    /// Adds a step.
    pub(crate) fn add(&mut self, step: &LinesCounted) {
        self.changes += step.changes;
        for row in &step.rows {
            self.total.add(row);
            self.folders.entry(row.folder.clone()).or_default().add(row);
            self.authors.entry(row.author.clone()).or_default().add(row);
        }
    }

    /// Lines per folder.
    pub(crate) fn folders(&self) -> Table {
        self.table("folder", &self.folders)
    }

    /// Lines per author.
    pub(crate) fn authors(&self) -> Table {
        self.table("author", &self.authors)
    }

    fn table(&self, head: &str, sums: &BTreeMap<String, Sums>) -> Table {
        let mut rows: Vec<_> = sums.iter().map(|(name, sums)| (name.clone(), sums.clone())).collect();
        rows.sort_by(|(one, a), (other, b)| b.added.cmp(&a.added).then_with(|| one.cmp(other)));
        // The longest bar is that of a row that means something, not that of the rest, which may be far longer.
        let most = rows.first().map_or(0, |(_, sums)| sums.added);
        fold_rest(&mut rows);
        let span = self.span();
        let over_time =
            span.map_or(String::new(), |(first, last)| format!("{} to {}", month(first), month(last)));
        let mut table = Table::new(&[head, "added", "removed", &over_time, "lines added"]);
        for (name, sums) in rows {
            let picture = span.map_or(String::new(), |span| spark(&spread(&sums.months, span)));
            let numbers = [grouped(sums.added), grouped(sums.removed)];
            let name = text::cut(&name, 40);
            table.row([name].into_iter().chain(numbers).chain([picture, bar(sums.added, most)]));
        }
        table
    }

    fn span(&self) -> Option<(i32, i32)> {
        Some((*self.total.months.first_key_value()?.0, *self.total.months.last_key_value()?.0))
    }
}

fn month(month: i32) -> String {
    calendar::month_name(month)
}

/// The smallest rows become one.
fn fold_rest(rows: &mut Vec<(String, Sums)>) {
    if rows.len() <= ROWS_MAX {
        return;
    }
    let rest = rows.split_off(ROWS_MAX - 1);
    let mut sums = Sums::default();
    rest.iter().for_each(|(_, row)| sums.merge(row));
    rows.push((format!("({} others)", rest.len()), sums));
}

/// The months of a span in at most [`SPANS_MAX`] equal parts.
fn spread(months: &BTreeMap<i32, u64>, (first, last): (i32, i32)) -> Vec<u64> {
    let length = (last - first) as usize + 1;
    let parts = length.min(SPANS_MAX);
    let mut values = vec![0; parts];
    for (month, added) in months {
        let part = (month - first) as usize * parts / length;
        values.iter_mut().skip(part).take(1).for_each(|value| *value += added);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(folder: &str, month: i32, added: u64) -> LinesRow {
        LinesRow { folder: folder.to_owned(), author: "a@x".to_owned(), month, added, removed: 1 }
    }

    #[test]
    fn steps_add_up_to_tables() {
        let mut lines = Lines::default();
        lines.add(&LinesCounted { changes: 2, rows: vec![row("src", 0, 30), row(".", 1, 10)] });
        lines.add(&LinesCounted { changes: 1, rows: vec![row("src", 3, 10)] });
        assert_eq!((lines.changes, lines.total.added, lines.total.removed), (3, 50, 3));
        let table = lines.folders().to_string();
        assert!(table.contains("1970-01 to 1970-04"), "{table}");
        let words: Vec<_> = table.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(words[..4], ["src", "40", "2", "█"], "{table}");
        assert!(table.lines().nth(1).is_some_and(|line| line.contains("█  ▂")), "{table}");
    }

    #[test]
    fn the_smallest_rows_become_one() {
        let mut lines = Lines::default();
        let rows = (0..20).map(|n| row(&format!("folder-{n}"), 0, n)).collect();
        lines.add(&LinesCounted { changes: 20, rows });
        let table = lines.folders().to_string();
        assert_eq!(table.lines().count(), 1 + ROWS_MAX);
        assert!(table.contains("(9 others)      36"), "{table}");
    }

    #[test]
    fn a_long_history_is_drawn_in_few_parts() {
        let months = (0..480).map(|month| (month, 1)).collect();
        assert_eq!(spread(&months, (0, 479)), vec![20; 24]);
        assert_eq!(spread(&BTreeMap::from([(5, 7)]), (5, 5)), vec![7]);
    }
}
