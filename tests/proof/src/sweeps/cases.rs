//! Runs cases on all processors and gathers what failed; a panic is a failure like any other.

use crate::{Outcome, Row};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Failures that are kept in words; more are only counted as empty lines.
const WORDS_MAX: usize = 20;

/// Cases are handed out in pieces of this size.
const PIECE: u64 = 64;

/// Runs the cases `0..cases` and makes the row of them.
pub(super) fn row(
    id: &'static str,
    figure: &'static str,
    cases: u64,
    note: impl FnOnce() -> String,
    run: impl Fn(u64) -> Result<(), String> + Sync,
) -> Row {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let begin = next.fetch_add(PIECE, Ordering::Relaxed);
            if begin >= cases {
                break;
            }
            for case in begin..(begin + PIECE).min(cases) {
                if let Err(why) = guarded(|| run(case)) {
                    let mut failures = failures.lock().unwrap();
                    let words = if failures.len() < WORDS_MAX {
                        format!("case {case}: {why}")
                    } else {
                        String::new()
                    };
                    failures.push(words);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let outcome = Outcome::Ran { cases, failures: failures.into_inner().unwrap() };
    Row { id, figure, outcome, took: began.elapsed(), note: note() }
}

fn guarded(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!(
            "panicked: {}",
            text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default()
        ))
    })
}
