//! The demo checks itself: what the store says against what `git` says. Pure: two censuses in, differences out.

use super::census::{Census, CommitCensus};
use crate::git::{Audit, CommitAudit, Oid};
use crate::payload::{author_entity, author_name};
use crate::text::count;
use std::collections::BTreeMap;
use timberline::{AppendOptions, EventId};

/// Differences that are told of one check; the others are counted.
const DIFFERENCES_MAX: usize = 10;

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Check {
    /// What holds if there is no difference.
    pub(super) holds: String,
    pub(super) differences: Vec<String>,
}

impl Check {
    pub(super) fn new(holds: impl Into<String>, differences: Vec<String>) -> Self {
        Self { holds: holds.into(), differences }
    }

    /// As lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.differences.is_empty() {
            return vec![format!("  ok      {}", self.holds)];
        }
        let told = self.differences.iter().take(DIFFERENCES_MAX);
        let mut lines = vec![format!("  DIFFERS {}", self.holds)];
        lines.extend(told.map(|difference| format!("            {difference}")));
        let more = self.differences.len().saturating_sub(DIFFERENCES_MAX);
        lines.extend((more > 0).then(|| format!("            and {more} more")));
        lines
    }
}

/// Everything that git and the store can be compared in. `gaps` is how many positions the store says it gave up when it
/// recovered from a crash; no others may be missing.
pub(super) fn compare(git: &Audit, store: &Census, gaps: u64) -> Vec<Check> {
    vec![
        commits(git, store),
        authors(git, store),
        causes(git, store),
        changes(git, store),
        numbers(store, gaps),
        reactions(store),
        projection(git, store),
    ]
}

/// Commits that the store has and the history has not, or no more.
pub(super) fn strayed<'a>(
    git: &'a Audit,
    store: &'a Census,
) -> impl Iterator<Item = (&'a Oid, &'a CommitCensus)> {
    store.commits.iter().filter(|(id, _)| !git.commits.contains_key(id))
}

fn commits(git: &Audit, store: &Census) -> Check {
    let mut differences: Vec<_> = git
        .commits
        .keys()
        .filter(|id| !store.commits.contains_key(id))
        .map(|id| format!("commit {id} has no event"))
        .collect();
    let found = (store.commits.len() - strayed(git, store).count()) as u64;
    if found != git.count {
        differences.push(format!("git counts {}, the store {found}", count(git.count, "commit")));
    }
    Check::new(format!("{}, each with one event", count(git.count, "commit")), differences)
}

/// Each commit stands on the entity of its author, and has its own version there.
fn authors(git: &Audit, store: &Census) -> Check {
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut differences = Vec::new();
    for (id, audit) in &git.commits {
        let entity = author_entity(&author_name(&audit.email));
        let stored = store.commits.get(id).map_or("", |commit| &commit.entity);
        if stored != entity {
            differences.push(format!("commit {id}: git says {entity:?}, the store {stored:?}"));
        }
        *told.entry(entity).or_default() += 1;
    }
    strayed(git, store).for_each(|(_, commit)| *told.entry(commit.entity.clone()).or_default() += 1);
    for (entity, commits) in &told {
        let version = store.versions.get(entity).copied().unwrap_or(0);
        if version != *commits {
            differences.push(format!("{entity} is at version {version}, with {}", count(*commits, "commit")));
        }
    }
    Check::new(
        format!("{}, each at the version of its commits", count(told.len() as u64, "author")),
        differences,
    )
}

fn causes(git: &Audit, store: &Census) -> Check {
    let mut differences = Vec::new();
    let mut parents = 0;
    for (id, audit) in &git.commits {
        let Some(commit) = store.commits.get(id) else { continue };
        let stored: Vec<_> = commit.causes.iter().map(|cause| store.commit_of.get(cause)).collect();
        let told: Vec<_> = audit.parents.iter().take(AppendOptions::CAUSES_MAX).map(Some).collect();
        parents += audit.parents.len() as u64;
        if stored != told {
            let (told, stored) = (names(&told), names(&stored));
            differences.push(format!("commit {id}: its parents are {told}, its causes {stored}"));
        }
    }
    Check::new(format!("{}, each a cause", count(parents, "parent")), differences)
}

fn names(ids: &[Option<&Oid>]) -> String {
    let name = |id: &Option<&Oid>| id.map_or_else(|| "unknown".to_owned(), |id| id.short());
    format!("[{}]", ids.iter().map(name).collect::<Vec<_>>().join(", "))
}

fn changes(git: &Audit, store: &Census) -> Check {
    let mut differences = Vec::new();
    let mut total = CommitAudit::default();
    for (id, audit) in &git.commits {
        add(&mut total, audit.files, audit.added, audit.removed);
        let Some(commit) = store.commits.get(id) else { continue };
        let told = (audit.files, audit.added, audit.removed);
        if told != (commit.files, commit.added, commit.removed) || commit.files_told != audit.files {
            let stored = (commit.files, commit.added, commit.removed);
            differences.push(format!("commit {id}: git says {}, the store {}", lines(told), lines(stored)));
        }
    }
    Check::new(lines((total.files, total.added, total.removed)), differences)
}

fn add(total: &mut CommitAudit, files: u64, added: u64, removed: u64) {
    total.files += files;
    total.added += added;
    total.removed += removed;
}

fn lines((files, added, removed): (u64, u64, u64)) -> String {
    format!("{}, {} added and {removed} removed", count(files, "changed path"), count(added, "line"))
}

fn numbers(store: &Census, gaps: u64) -> Check {
    let mut differences = store.misplaced.clone();
    if store.gaps != gaps {
        let missing = count(store.gaps, "position");
        differences.push(format!("{missing} without an event, of which recovery gave up {gaps}"));
    }
    let (events, entities) = (count(store.events, "event"), store.versions.len());
    let holds = format!("{events}, positions dense from 1, versions dense on {entities} entities");
    Check::new(holds, differences)
}

/// One `AuthorJoined` per author, caused by that author's first commit.
fn reactions(store: &Census) -> Check {
    let first = |commit: &&CommitCensus| commit.version == 1;
    let authors: BTreeMap<_, _> =
        store.commits.values().filter(first).map(|c| (c.entity.as_str(), 0)).collect();
    let mut joined = authors;
    let mut differences = Vec::new();
    for (author, causes) in &store.joined {
        let entity = author_entity(author);
        match joined.get_mut(entity.as_str()) {
            Some(times) => *times += 1,
            None => differences.push(format!("{author} joined without a commit")),
        }
        if !is_first_commit_of(store, &entity, causes) {
            differences.push(format!("{author} joined for another reason than a first commit"));
        }
    }
    let wrong = joined.iter().filter(|(_, times)| **times != 1);
    differences.extend(wrong.map(|(entity, times)| format!("{entity} joined {}", count(*times, "time"))));
    Check::new(
        format!("{}, exactly one per author", count(store.joined.len() as u64, "reaction")),
        differences,
    )
}

fn is_first_commit_of(store: &Census, entity: &str, causes: &[EventId]) -> bool {
    match causes {
        [cause] => {
            let commit = store.commit_of.get(cause).and_then(|id| store.commits.get(id));
            commit.is_some_and(|commit| commit.entity == entity && commit.version == 1)
        }
        _ => false,
    }
}

/// The projection has every line that git has, and those of commits that have left the history.
fn projection(git: &Audit, store: &Census) -> Check {
    let mut total = CommitAudit::default();
    git.commits.values().for_each(|commit| add(&mut total, commit.files, commit.added, commit.removed));
    strayed(git, store).for_each(|(_, commit)| add(&mut total, commit.files, commit.added, commit.removed));
    let told = (total.files, total.added, total.removed);
    let found = (store.lines.changes, store.lines.total.added, store.lines.total.removed);
    let differences = match found == told {
        true => Vec::new(),
        false => vec![format!("it should have {}, and has {}", lines(told), lines(found))],
    };
    Check::new("the projection counts each of these lines exactly once", differences)
}

#[cfg(test)]
mod tests;
