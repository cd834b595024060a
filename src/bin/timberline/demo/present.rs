//! What the demo prints.

use super::check::Check;
use super::projection::Lines;
use super::workers::Ends;
use crate::commands::{ancestry_lines, verify_lines};
use crate::failure::CommandError;
use crate::git::Repository;
use crate::text::count;
use std::io::Write;
use supervisors::Received;
use timberline::{CursorWorkerError, EventId, Reports, Store, Tree, VerifyReport};

/// Commits of the ancestry that are shown.
const ANCESTRY_EVENTS: usize = 12;
/// Reports that are shown.
const REPORTS_SHOWN: usize = 40;

type Outcome = Result<(), CommandError>;

/// What is about to happen.
pub(super) fn begin(
    out: &mut dyn Write,
    store: &Store,
    repository: &Repository,
    commits: usize,
    left: usize,
) -> Outcome {
    writeln!(out, "{}: {} of history", repository.name(), count(commits as u64, "commit"))?;
    if repository.has_commits_elsewhere() {
        writeln!(out, "HEAD has no commits yet, but other refs have: --all imports them")?;
    }
    writeln!(out, "store: {}", store.dir().display())?;
    writeln!(out, "{} to import", count(left as u64, "commit"))?;
    Ok(out.flush()?)
}

/// The tree with its restarts, what the supervisors reported, and how the workers ended.
pub(super) fn supervision(out: &mut dyn Write, tree: &Tree, reports: &Reports, ends: &Ends) -> Outcome {
    heading(out, "The supervision tree")?;
    write!(out, "{tree}")?;
    heading(out, "What the supervisors reported")?;
    for received in std::iter::from_fn(|| reports.try_recv()).take(REPORTS_SHOWN) {
        match received {
            Received::Report(report) => writeln!(out, "  {report}")?,
            Received::Lagged(missed) => writeln!(out, "  ({} more, not kept)", count(missed, "report"))?,
        }
    }
    heading(out, "How the workers ended")?;
    let (_, stumbling) = &ends.stumbling;
    let all = [
        ("lines", &ends.lines),
        ("roster", &ends.roster),
        ("stumbling", stumbling),
        ("doomed", &ends.doomed),
    ];
    all.into_iter().try_for_each(|(name, end)| Ok(writeln!(out, "  {name:<10} {}", end_text(end))?))
}

fn end_text(end: &Result<(), CursorWorkerError>) -> String {
    match end {
        Ok(()) => "stopped when all was done".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The projection as tables with bars.
pub(super) fn projection(out: &mut dyn Write, lines: &Lines) -> Outcome {
    heading(out, "Lines per folder and per author over time")?;
    write!(out, "{}", lines.folders())?;
    writeln!(out)?;
    Ok(write!(out, "{}", lines.authors())?)
}

/// The newest commit and what led to it.
pub(super) fn ancestry(out: &mut dyn Write, store: &Store, newest: EventId) -> Outcome {
    heading(out, "The ancestry of the newest commit")?;
    let graph = store.causes(newest, ANCESTRY_EVENTS)?;
    for line in ancestry_lines(&graph, |id| store.get(id))? {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What `verify` says.
pub(super) fn verified(out: &mut dyn Write, report: &VerifyReport) -> Outcome {
    heading(out, "Verify")?;
    verify_lines(report).into_iter().try_for_each(|line| Ok(writeln!(out, "  {line}")?))
}

/// The checks, one line each, and their differences.
pub(super) fn checks(out: &mut dyn Write, checks: &[Check], strayed: usize) -> Outcome {
    heading(out, "Checked against git")?;
    for line in checks.iter().flat_map(Check::lines) {
        writeln!(out, "{line}")?;
    }
    if strayed > 0 {
        let strayed = count(strayed as u64, "commit");
        writeln!(
            out,
            "  note    {strayed} of earlier runs left the history since; the store keeps what it has seen"
        )?;
    }
    Ok(())
}

fn heading(out: &mut dyn Write, text: &str) -> Outcome {
    Ok(writeln!(out, "\n{text}")?)
}
