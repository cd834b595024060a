//! `timberline stats`, `verify` and `tree`: how a store is.

use crate::args::{StoreArguments, TreeArguments};
use crate::failure::CommandError;
use crate::files::LastRun;
use crate::table::grouped;
use crate::{stores, text};
use std::io::Write;
use timberline::{Problem, VerifyReport};

/// `timberline stats`.
pub(crate) fn stats(arguments: &StoreArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let stats = stores::open_to_read(&arguments.store)?.stats();
    let figures = [
        ("events", stats.events),
        ("entities", stats.entities),
        ("segments", stats.segments),
        ("bytes", stats.bytes),
        ("written", stats.written.get()),
        ("durable", stats.durable.get()),
    ];
    figures.into_iter().try_for_each(|(name, figure)| Ok(writeln!(out, "{name:<9} {:>15}", grouped(figure))?))
}

/// `timberline verify`.
pub(crate) fn verify(arguments: &StoreArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let report = stores::open_to_read(&arguments.store)?.verify()?;
    for line in verify_lines(&report) {
        writeln!(out, "{line}")?;
    }
    match report.problems.len() as u64 + report.problems_dropped {
        0 => Ok(()),
        problems => Err(CommandError::wrong(text::count(problems, "problem") + " found")),
    }
}

/// A report for people.
pub(crate) fn verify_lines(report: &VerifyReport) -> Vec<String> {
    let (events, segments) =
        (text::count(report.events, "event"), text::count(u64::from(report.segments), "segment"));
    let mut lines = vec![format!("{events} in {segments}, {} bytes", grouped(report.bytes))];
    lines.push(format!("chain {}", report.chain_head));
    lines.extend(report.problems.iter().map(|problem| format!("problem: {}", problem_text(problem))));
    let more = report.problems_dropped;
    lines.extend((more > 0).then(|| format!("and {} more", text::count(more, "problem"))));
    lines.extend(report.problems.is_empty().then(|| "no problem found".to_owned()));
    lines
}

/// A problem for people.
pub(crate) fn problem_text(problem: &Problem) -> String {
    let Problem { segment, offset, position, what } = problem;
    format!("segment {segment}, byte {offset}, position {position}: {what}")
}

/// `timberline tree`.
pub(crate) fn tree(arguments: &TreeArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    // A directory that is no store has no run either; that is worth other words.
    stores::open_to_read(&arguments.store)?;
    let Some(run) = LastRun::read(&arguments.store.dir)? else {
        let dir = arguments.store.dir.display();
        return Err(CommandError::wrong(format!(
            "no run is recorded in {dir}: demo and import record theirs"
        )));
    };
    if arguments.json {
        return Ok(writeln!(out, "{:#}", run.tree)?);
    }
    writeln!(out, "timberline {}, with {} in the store", run.command, text::count(run.events, "event"))?;
    Ok(write!(out, "{}", run.text)?)
}
