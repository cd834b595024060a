//! `timberline demo`: a git history as events, followed by four workers, and checked against git.

mod census;
mod check;
mod handlers;
mod present;
mod projection;
mod workers;

use crate::args::DemoArguments;
use crate::commands::problem_text;
use crate::failure::CommandError;
use crate::git::{Audit, Oid, Refs, Repository};
use crate::import::{GitImport, Limits};
use crate::payload::ImportFinished;
use crate::progress::{self, Bars};
use crate::{files, stores, text};
use census::Census;
use check::Check;
use std::io::Write;
use timberline::{Coordinate, CursorWorkerError, Region, Store, Tree};
use workers::{DOOMED_RESTARTS, Ends, Workers};

/// `timberline demo`.
pub(crate) fn run(arguments: &DemoArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let refs = if arguments.all { Refs::All } else { Refs::Head };
    let repository = Repository::open(&arguments.repo, refs)?;
    let commits = repository.commits()?;
    let dir = arguments.dir.clone();
    let dir = dir.unwrap_or_else(|| files::demo_directory(&repository.name(), repository.directory()));
    let store = stores::open(&dir)?;
    let outcome = follow(&store, &repository, &commits, out);
    // The threads are joined and the tail is synced whatever happened before.
    let closed = stores::close(store);
    outcome.and(closed)
}

fn follow(
    store: &Store,
    repository: &Repository,
    commits: &[Oid],
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let mut import = GitImport::resume(store, repository.name(), Limits::default())?;
    let left = import.left_of(commits);
    present::begin(out, store, repository, commits.len(), left.len())?;
    let run = store.last_version("import")?.get() + 1;
    let reports = store.reports();
    let bars = Bars::default();
    let workers = Workers::start(store, &repository.name(), run, &bars)?;
    let bar = bars.add(progress::bar("import", left.len() as u64));
    for commit in repository.log(&left)? {
        import.import(&commit?)?;
        bar.inc(1);
    }
    finish(store, repository, run, (commits.len(), left.len()))?;
    workers.wait();
    stores::record_run(store, store.dir(), "demo")?;
    let tree = store.tree();
    let ends = workers.join();
    bars.clear();
    present::supervision(out, &tree, &reports, &ends)?;
    inspect(store, repository, workers_check(&tree, &ends), out)
}

/// Says that all is imported, and waits until it is on the disk: workers with a checkpoint see nothing before.
fn finish(
    store: &Store,
    repository: &Repository,
    run: u64,
    (commits, imported): (usize, usize),
) -> Result<(), CommandError> {
    let place = Coordinate::new("import", repository.name())?;
    let repository = text::lossy(repository.directory().as_os_str().as_encoded_bytes(), 4096);
    let (commits, imported) = (commits as u64, imported as u64);
    store.append(&place, &ImportFinished { run, repository, commits, imported })?;
    Ok(())
}

/// Reads everything back, shows it, and compares it with what git says.
fn inspect(
    store: &Store,
    repository: &Repository,
    workers: Check,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let census = census(store)?;
    present::projection(out, &census.lines)?;
    if let Some(newest) = census.newest {
        present::ancestry(out, store, newest)?;
    }
    let verified = store.verify()?;
    present::verified(out, &verified)?;
    let audit = audit(repository, census.commits.len())?;
    let mut checks = check::compare(&audit, &census, verified.gap_positions);
    checks.push(workers);
    checks.push(Check::new("the store's own verify finds nothing", problems(&verified)));
    present::checks(out, &checks, check::strayed(&audit, &census).count())?;
    match checks.iter().filter(|check| !check.differences.is_empty()).count() as u64 {
        0 => Ok(()),
        wrong => {
            Err(CommandError::wrong(format!("{} not hold", text::count(wrong, "check") + plural(wrong))))
        }
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { " does" } else { " do" }
}

fn census(store: &Store) -> Result<Census, CommandError> {
    let bar = progress::bar("read back", store.written().get());
    let mut census = Census::default();
    for event in store.read(&Region::all()) {
        census.add(&event?)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(census)
}

fn audit(repository: &Repository, commits: usize) -> Result<Audit, CommandError> {
    let bar = progress::bar("ask git", commits as u64);
    let audit = Audit::ask(repository, || bar.inc(1))?;
    bar.finish_and_clear();
    Ok(audit)
}

/// What was planned for the workers against how they ended.
fn workers_check(tree: &Tree, ends: &Ends) -> Check {
    let mut differences = Vec::new();
    let (stumbles, stumbling) = &ends.stumbling;
    let worker = tree.root.child("cursors").and_then(|cursors| cursors.child("stumbling"));
    let restarts = worker.map_or(0, |worker| worker.restarts_total);
    for (name, end) in [("lines", &ends.lines), ("roster", &ends.roster), ("stumbling", stumbling)] {
        differences.extend(end.as_ref().err().map(|error| format!("{name}: {error}")));
    }
    if restarts != *stumbles || restarts == 0 {
        let (panics, restarts) = (text::count(*stumbles, "time"), text::count(restarts, "time"));
        differences.push(format!("stumbling panicked {panics} and was restarted {restarts}"));
    }
    match &ends.doomed {
        Err(CursorWorkerError::RestartBudgetExhausted { restarts: DOOMED_RESTARTS, .. }) => {}
        Err(error) => differences.push(format!("doomed: {error}")),
        Ok(()) => differences.push("doomed ended as if nothing had happened".to_owned()),
    }
    Check::new("three workers at their end, the fourth out of budget", differences)
}

fn problems(report: &timberline::VerifyReport) -> Vec<String> {
    report.problems.iter().map(problem_text).collect()
}
