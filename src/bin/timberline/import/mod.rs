//! What brings events in from elsewhere.

mod git;
mod jsonl;
mod line;

pub(crate) use git::{GitImport, Limits};

use crate::args::{GitArguments, Import};
use crate::failure::CommandError;
use crate::git::{Refs, Repository};
use crate::{progress, stores, text};
use std::io::Write;

/// `timberline import`.
pub(crate) fn run(import: Import, out: &mut dyn Write) -> Result<(), CommandError> {
    match import {
        Import::Git(arguments) => import_git(&arguments, out),
        Import::Jsonl(arguments) => jsonl::run(&arguments, out),
    }
}

fn import_git(arguments: &GitArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let refs = if arguments.all { Refs::All } else { Refs::Head };
    let repository = Repository::open(&arguments.path, refs)?;
    let commits = repository.commits()?;
    let store = stores::open(&arguments.store.dir)?;
    let scope = arguments.scope.clone().unwrap_or_else(|| repository.name());
    let limits = Limits { events: arguments.batch_events_max as usize, ..Limits::default() };
    let mut import = GitImport::resume(&store, scope, limits)?;
    let left = import.left_of(&commits);
    let bar = progress::bar("import", left.len() as u64);
    for commit in repository.log(&left)? {
        import.import(&commit?)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let events = import.events_imported();
    store.flush()?;
    stores::record_run(&store, &arguments.store.dir, "import git")?;
    stores::close(store)?;
    let known = text::count((commits.len() - left.len()) as u64, "commit");
    let (left, events) = (text::count(left.len() as u64, "commit"), text::count(events, "event"));
    writeln!(out, "imported {left} as {events}; {known} of the history had been imported before")?;
    if repository.has_commits_elsewhere() {
        writeln!(out, "HEAD has no commits yet, but other refs have: --all imports them")?;
    }
    Ok(())
}
