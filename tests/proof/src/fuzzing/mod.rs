//! R13: bytes of anyone's into everything that reads bytes: the committed corpora, and mutations of them.
//!
//! The targets are plain functions over bytes, so that a fuzzer that searches can run the same ones.

mod memory;
mod mutate;
mod targets;

pub use targets::{Act, Decoding, TARGETS, Target, run, seeds};

use crate::{Effort, Outcome, Row};
use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A run that takes longer is taken for one that hangs.
const RUN_TIME_MAX: Duration = Duration::from_secs(5);
/// Failures of one target that are told.
const TOLD_MAX: usize = 3;

/// What came of a target.
struct Tried {
    runs: u64,
    failures: Vec<String>,
    took: Duration,
}

/// Runs all targets.
#[must_use]
pub fn r13(effort: Effort) -> Row {
    let began = Instant::now();
    let (mut cases, mut failures, mut notes) = (0, Vec::new(), Vec::new());
    for target in &TARGETS {
        let tried = try_target(target, effort);
        let speed = tried.runs as f64 / tried.took.as_secs_f64();
        notes.push(format!("{} {speed:.0} runs/s", target.name));
        cases += tried.runs;
        failures.extend(tried.failures);
    }
    let figure = "fuzzing: every decoder, a directory, a config, the simulation's choices";
    let memory = match effort {
        Effort::Short => "measured in the long form".to_owned(),
        Effort::Long => memory::weighed().map_or_else(
            |why| format!("not run: {why}"),
            |(words, heavy)| {
                failures.extend(heavy);
                words
            },
        ),
    };
    let note = format!("{}; memory: {memory}", notes.join(", "));
    Row { id: "R13", figure, outcome: Outcome::Ran { cases, failures }, took: began.elapsed(), note }
}

/// The corpus of a target, and then so many mutations of it, the same each time.
///
/// # Panics
/// If there is no corpus for it.
pub fn each_input(target: &str, mutations: usize, mut act: impl FnMut(&[u8])) {
    let corpus = corpus(target);
    let mut mutator = Mutator::new(target);
    corpus.iter().for_each(|bytes| act(bytes));
    (0..mutations).for_each(|_| act(&mutator.mutation_of(&corpus)));
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut corpus = committed(target);
    assert!(!corpus.is_empty(), "the corpus of {target} is gone");
    corpus.extend(seeds(target));
    corpus
}

fn try_target(target: &Target, effort: Effort) -> Tried {
    let corpus = corpus(target.name);
    let mutations = match target.act {
        Act::Decode(_) => effort.pick(200, 300_000),
        Act::Run(_) => effort.pick(12, 5_000),
    };
    let mut mutator = Mutator::new(target.name);
    let mut tried = Tried { runs: 0, failures: Vec::new(), took: Duration::ZERO };
    let began = Instant::now();
    let given: Vec<_> = corpus.clone();
    given.iter().for_each(|bytes| try_bytes(target, bytes, &mut tried));
    for _ in 0..mutations {
        if tried.failures.len() >= TOLD_MAX {
            break;
        }
        try_bytes(target, &mutator.mutation_of(&corpus), &mut tried);
    }
    tried.took = began.elapsed();
    tried
}

fn try_bytes(target: &Target, bytes: &[u8], tried: &mut Tried) {
    let began = Instant::now();
    tried.runs += 1;
    let outcome = catch_unwind(AssertUnwindSafe(|| target.run(bytes)));
    let why = match outcome {
        Err(_) => "panicked, as said above",
        Ok(()) if began.elapsed() > RUN_TIME_MAX => "took too long",
        Ok(()) => return,
    };
    let hex: String = bytes.iter().take(200).map(|byte| format!("{byte:02x}")).collect();
    let path = std::env::temp_dir().join(format!("{}-{}", target.name, short_name(bytes)));
    let kept = std::fs::write(&path, bytes).map_or_else(|_| String::new(), |()| path.display().to_string());
    tried.failures.push(format!("{} {why}: {} bytes {hex}.. {kept}", target.name, bytes.len()));
}

/// A short name for bytes.
fn short_name(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// The committed corpus of a target.
fn committed(target: &str) -> Vec<Vec<u8>> {
    let dir: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline::journal;

    #[test]
    fn nothing_that_anyone_could_have_put_into_a_file_makes_a_reader_panic_or_hang() {
        let row = r13(Effort::Short);
        println!("{row}");
        assert!(row.holds(), "{:#?}", row.outcome);
    }

    #[test]
    fn what_the_targets_begin_from_gets_past_the_first_check() {
        let first = |target| seeds(target).remove(0);
        let most = |decodings: Vec<Box<dyn FnOnce() -> usize>>| decodings.into_iter().map(|run| run()).max();
        assert!(most(journal::fuzzing::records(&first("records"))) > Some(5));
        assert!(most(journal::fuzzing::frame(&first("frame"))) > Some(5));
        assert!(most(journal::fuzzing::segment(&first("segment"))) > Some(2));
        assert!(most(timberline::index_fuzzing::file(&first("index_file"))) > Some(10));
        for greedy in timberline::index_fuzzing::greedy().unwrap() {
            assert!(most(timberline::index_fuzzing::file(&greedy)) > Some(10));
        }
    }
}
