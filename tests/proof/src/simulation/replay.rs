//! Failing traces as files.
//!
//! 1. A sweep that fails names the file it has written, such as `target/traces/1f3a.trace`.
//! 2. `cargo scoreboard replay FILE` runs it again and prints what happened and what was wrong.
//! 3. The file is text: the plan's name, what was wrong, and the choices that are not harmless, as `place=choice`.
//! 4. Mend the code until the replay is clean, plant the bug by name, and move the file to `tests/proof/traces`.
//! 5. A test replays every file there, and R9 replays it with the bug planted, where it must fail: a trace that does not go
//!    the way any more on which it failed is told, and is found anew by `TIMBERLINE_PLANTED=name cargo scoreboard shrink`.

use super::choices::Source;
use super::plan::Plan;
use super::run::{Outcome, run};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a failing trace into the directory; gives its path.
///
/// # Errors
/// What the disk says.
pub fn save(dir: &Path, plan: &str, violation: &str, trace: &[usize]) -> io::Result<PathBuf> {
    let mut text = format!("plan {plan}\n");
    violation.lines().for_each(|line| writeln!(text, "# {line}").unwrap());
    for (at, choice) in trace.iter().enumerate().filter(|(_, choice)| **choice != 0) {
        writeln!(text, "{at}={choice}").unwrap();
    }
    std::fs::create_dir_all(dir)?;
    let name = blake(&text);
    let path = dir.join(format!("{name:08x}.trace"));
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A name for a text: FNV-1a.
fn blake(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Where the committed traces are.
#[must_use]
pub fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("traces")
}

/// Runs a trace file.
///
/// # Errors
/// When the file cannot be read or is no trace.
pub fn replay(path: &Path) -> io::Result<Outcome> {
    let text = std::fs::read_to_string(path)?;
    let (plan, trace) = parse(&text).ok_or_else(|| io::Error::other("this is no trace"))?;
    Ok(run(Source::Trace(trace), &plan))
}

fn parse(text: &str) -> Option<(Plan, Vec<usize>)> {
    let mut lines = text.lines();
    let plan = Plan::named(lines.next()?.strip_prefix("plan ")?)?;
    let mut trace = Vec::new();
    for line in lines.filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (at, choice) = line.split_once('=')?;
        let at: usize = at.parse().ok()?;
        trace.resize(trace.len().max(at + 1), 0);
        trace[at] = choice.parse().ok()?;
    }
    Some((plan, trace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_that_was_saved_is_read_as_it_was() {
        let dir = std::env::temp_dir().join(format!("timberline-traces-{}", std::process::id()));
        let path = save(&dir, "broad", "wrong\nin two lines", &[0, 3, 0, 0, 7]).unwrap();
        let (plan, trace) = parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!((plan.lives, trace), (Plan::broad().lives, vec![0, 3, 0, 0, 7]));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn every_trace_that_once_failed_is_clean_now() {
        for path in std::fs::read_dir(traces()).unwrap().map(|entry| entry.unwrap().path()) {
            let outcome = replay(&path).unwrap();
            assert!(outcome.violations.is_empty(), "{}: {:?}", path.display(), outcome.violations);
        }
    }
}
