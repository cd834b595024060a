//! Reads against the linear order: each sees exactly what matches up to its watermark, and one's own writes.

use super::Life;
use crate::simulation::{Answer, Happened, Sort, Stored, Watch};
use std::collections::BTreeMap;

pub(super) fn check(lives: &[Life<'_>]) -> Vec<String> {
    lives.iter().flat_map(check_life).collect()
}

fn check_life(life: &Life<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut written = life.before.last().map_or(0, |event| event.position);
    let mut acknowledged: BTreeMap<u64, ()> = BTreeMap::new();
    let survives = life.after.last().map_or(0, |event| event.position);
    for happened in life.happened {
        match happened {
            Happened::Answered { answer: Answer::Stored(given), .. } => {
                acknowledged.extend(given.iter().map(|given| (given.position, ())));
            }
            Happened::Read { watch, after, written: seen, seen: read } => {
                if *seen < written {
                    wrong.push(format!("the watermark does not go back: {seen} after {written}"));
                }
                written = written.max(*seen);
                if let Some((highest, ())) = acknowledged.last_key_value()
                    && highest > seen
                {
                    wrong.push(format!("who has a receipt can read its event: {highest} over {seen}"));
                }
                wrong.extend(check_read(watch, *after, *seen, read, life.after, survives));
            }
            Happened::Got { position, found, number } if *found != Some(*number) => {
                wrong.push(format!("who has a receipt can get its event: {position} gave {found:?}"));
            }
            _ => {}
        }
    }
    wrong
}

/// What was read against what is there; what was lost since is not known.
fn check_read(
    watch: &Watch,
    after: u64,
    written: u64,
    read: &[(u64, u64)],
    log: &[Stored],
    survives: u64,
) -> Option<String> {
    if !read.is_sorted_by(|one, next| one.0 < next.0) {
        return Some(format!("a read is in order: {watch:?}"));
    }
    let end = written.min(survives);
    let expected =
        log.iter().filter(|event| event.position > after && event.position <= end && watch.matches(event));
    let expected = expected.map(|event| (event.position, number(event)));
    let seen = read.iter().copied().filter(|(position, _)| *position <= end);
    let seen: Vec<_> = seen.collect();
    let expected: Vec<_> = expected.collect();
    let same = seen.len() == expected.len()
        && seen
            .iter()
            .zip(&expected)
            .all(|(seen, expected)| seen.0 == expected.0 && (expected.1 == 0 || seen.1 == expected.1));
    (!same).then(|| format!("a read sees what is there: {watch:?} after {after} through {written}"))
}

fn number(event: &Stored) -> u64 {
    if event.sort == Sort::Denial { 0 } else { event.number }
}
