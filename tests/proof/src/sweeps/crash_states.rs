//! R2: at every disk operation of whole lives the power goes, and the disk keeps whatever it may.

use super::cases;
use super::judge::reopen;
use super::workload::{End, Life};
use crate::{Effort, Outcome, Row};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use timberline::storage::simulated::{Image, Seeded, SimulatedDisk};

/// A disk's state before each of its operations, and what was promised by then.
struct History {
    images: Vec<Image>,
    life: Life,
}

impl History {
    fn of(seed: u64, end: End) -> Self {
        let disk = SimulatedDisk::new();
        disk.keep_images();
        let life = Life::run(&disk, seed, 3, end);
        Self { images: disk.images(), life }
    }

    fn promised(&self, operation: usize) -> usize {
        let until = self.life.promises.partition_point(|(operations, _)| *operations <= operation);
        until.checked_sub(1).map_or(0, |at| self.life.promises[at].1)
    }
}

/// Everything is lost, everything is kept, or as the draw has it.
fn crash(image: &Image, seed: u64) -> Image {
    let mut draw = Seeded::new(seed);
    image.crash(&mut |count| match seed % 16 {
        0 => count - 1,
        1 => 0,
        _ => draw.choose(count),
    })
}

/// What was met on the way: a sweep that never met it would prove little.
#[derive(Default)]
struct Met {
    cuts: AtomicU64,
    gaps: AtomicU64,
    crashes_in_recovery: AtomicU64,
    rolls_ended: AtomicU64,
    /// Draws may come to the same: the different images that the power left, and the different pairs of those of a case's
    /// two power cuts, which are the states.
    images: Mutex<HashSet<u64>>,
    pairs: Mutex<HashSet<u64>>,
    /// Images with how much was promised by then: one more reopening of such a one would tell nothing new.
    tried: Mutex<HashSet<(u64, usize)>>,
}

/// Tells images apart: their names and bytes, mixed eight at a time.
fn digest(image: &Image) -> u64 {
    let mix = |digest: u64, word: u64| (digest.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    image.names().fold(0, |digest, name| {
        let bytes = image.bytes(name).unwrap_or_default();
        let ends = [name.len() as u64, bytes.len() as u64];
        let words = name.as_bytes().chunks(8).chain(bytes.chunks(8)).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        ends.into_iter().chain(words).fold(digest, mix)
    })
}

/// Power cuts that are tried on the same three histories.
const ROUND_CASES: u64 = 10_000;
/// Rounds that are tried at most: many more than it takes.
const ROUNDS_MAX: u64 = 1_000;

/// Crash states: what is counted is those that are different.
#[must_use]
pub fn r2(effort: Effort) -> Row {
    let began = Instant::now();
    let (wanted, round_cases) = effort.pick((600, 1_500), (1_000_000, ROUND_CASES));
    let (met, mut tried, mut failures) = (Met::default(), 0, Vec::new());
    for round in 0..ROUNDS_MAX {
        failures.extend(try_round(round, round_cases, &met));
        tried += round_cases;
        if met.states() >= wanted || !failures.is_empty() {
            break;
        }
    }
    let states = met.states();
    if states < wanted && failures.is_empty() {
        failures.push(format!("only {states} states were different"));
    }
    let note = format!("{tried} power cuts; {}", met.words());
    let outcome = Outcome::Ran { cases: states, failures };
    Row { id: "R2", figure: "crash states", outcome, took: began.elapsed(), note }
}

/// Tries so many power cuts of three lives that no other round has.
fn try_round(round: u64, cases: u64, met: &Met) -> Vec<String> {
    let ends = [End::Killed, End::Closed, End::Killed];
    let histories: Vec<History> =
        (1 + 3 * round..).zip(ends).map(|(seed, end)| History::of(seed, end)).collect();
    let row = cases::row("R2", "crash states", cases, String::new, |case| {
        let history = &histories[(case % 3) as usize];
        // A step that has no common divisor with the count visits every operation.
        let operation = (case.wrapping_mul(7919) % history.images.len() as u64) as usize;
        check(history, operation, round * cases + case, met)
    });
    let Outcome::Ran { failures, .. } = row.outcome else { return Vec::new() };
    failures
        .into_iter()
        .map(|why| if why.is_empty() { why } else { format!("round {round}, {why}") })
        .collect()
}

impl Met {
    fn states(&self) -> u64 {
        self.pairs.lock().unwrap().len() as u64
    }

    fn words(&self) -> String {
        let count = |met: &AtomicU64| met.load(Ordering::Relaxed);
        let Met { cuts, gaps, crashes_in_recovery, rolls_ended, images, .. } = self;
        format!(
            "{} different images, {} torn tails, {} gaps, {} rolls ended, {} crashes during recovery",
            images.lock().unwrap().len(),
            count(cuts),
            count(gaps),
            count(rolls_ended),
            count(crashes_in_recovery)
        )
    }
}

fn check(history: &History, operation: usize, seed: u64, met: &Met) -> Result<(), String> {
    let (promised, issued) = (history.promised(operation), history.life.issued);
    let image = crash(&history.images[operation], seed);
    let (first, during_recovery) = (digest(&image), seed % 4 == 3);
    if !met.tried.lock().unwrap().insert((first, promised)) && !during_recovery {
        return Ok(());
    }
    let disk = SimulatedDisk::from_image(image.clone());
    if during_recovery {
        disk.keep_images();
    }
    let segments = image.names().filter(|name| name.ends_with(".segment")).count();
    let (store, contents) =
        reopen(&disk, seed).map_err(|told| format!("at operation {operation}: {told}"))?;
    contents.check_prefix(promised, issued).map_err(|why| format!("at operation {operation}: {why}"))?;
    let recovery = store.recovery().ok_or("no recovery is told of")?;
    met.cuts.fetch_add(u64::from(recovery.cut.is_some()), Ordering::Relaxed);
    met.gaps.fetch_add(u64::from(recovery.gap.is_some()), Ordering::Relaxed);
    met.rolls_ended
        .fetch_add(u64::from(segments > 0 && recovery.segments as usize > segments), Ordering::Relaxed);
    let moments = if during_recovery { disk.images() } else { vec![disk.image()] };
    drop(store);
    met.crashes_in_recovery.fetch_add(u64::from(during_recovery), Ordering::Relaxed);
    // Wherever the power goes again: recovering twice is recovering once.
    let moment = &moments[(seed / 4) as usize % moments.len()];
    let image_again = crash(moment, seed / 2);
    met.images.lock().unwrap().insert(first);
    met.pairs.lock().unwrap().insert(first.rotate_left(32) ^ digest(&image_again));
    let again = SimulatedDisk::from_image(image_again);
    let (_, second) = reopen(&again, seed / 2)
        .map_err(|told| format!("the second time, at operation {operation}: {told}"))?;
    if (&second.notes, &second.echoes) != (&contents.notes, &contents.echoes) {
        return Err(format!(
            "at operation {operation}: {} notes, then {}",
            contents.notes.len(),
            second.notes.len()
        ));
    }
    Ok(())
}
