//! What `git` says of a history when it is asked a second time, in other words, and read by other code than the
//! import's: by lines instead of by fields, with paths quoted.

use super::command::DIFF;
use super::repository::oid;
use super::{GitError, Oid, Repository};
use std::collections::HashMap;

/// A whole history in numbers.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// What `git rev-list --count` says.
    pub(crate) count: u64,
    /// What git says of each commit.
    pub(crate) commits: HashMap<Oid, CommitAudit>,
}

/// One commit in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CommitAudit {
    pub(crate) parents: Vec<Oid>,
    pub(crate) email: Vec<u8>,
    /// Changed paths against the first parent.
    pub(crate) files: u64,
    /// Lines added; binary files count 0.
    pub(crate) added: u64,
    /// Lines removed; binary files count 0.
    pub(crate) removed: u64,
}

impl Audit {
    /// Asks `git`; `seen` is called once for every commit.
    pub(crate) fn ask(repository: &Repository, seen: impl FnMut()) -> Result<Self, GitError> {
        let mut audit = Self::default();
        audit.count(repository)?;
        audit.parents(repository)?;
        audit.changes(repository, seen)?;
        Ok(audit)
    }

    fn count(&mut self, repository: &Repository) -> Result<(), GitError> {
        repository.lines(&["rev-list", "--count", "--stdin"], |line| {
            self.count = number(line).ok_or_else(|| GitError::answer("as a count", line))?;
            Ok(())
        })
    }

    fn parents(&mut self, repository: &Repository) -> Result<(), GitError> {
        repository.lines(&["rev-list", "--parents", "--stdin"], |line| {
            let mut ids = line.split(|b| *b == b' ').map(oid);
            let id = ids.next().ok_or_else(|| GitError::answer("as a commit", line))??;
            let parents = ids.collect::<Result<_, _>>()?;
            self.commits.insert(id, CommitAudit { parents, ..CommitAudit::default() });
            Ok(())
        })
    }

    fn changes(&mut self, repository: &Repository, mut seen: impl FnMut()) -> Result<(), GitError> {
        let mut arguments = vec!["log", "--stdin", "--numstat", "--no-notes", "--encoding=UTF-8"];
        arguments.push("--format=commit %H%nemail %ae");
        arguments.extend(DIFF);
        let mut at = None;
        repository.lines(&arguments, |line| {
            if let Some(hex) = line.strip_prefix(b"commit ") {
                at = Some(oid(hex)?);
                seen();
            }
            let commit = at.and_then(|id| self.commits.get_mut(&id));
            commit.ok_or_else(|| GitError::answer("before any commit", line))?.add_line(line);
            Ok(())
        })
    }
}

impl CommitAudit {
    fn add_line(&mut self, line: &[u8]) {
        if let Some(email) = line.strip_prefix(b"email ") {
            self.email = email.to_vec();
            return;
        }
        let mut parts = line.splitn(3, |b| *b == b'\t');
        if let (Some(added), Some(removed), Some(_)) = (parts.next(), parts.next(), parts.next()) {
            self.files += 1;
            self.added += number(added).unwrap_or(0);
            self.removed += number(removed).unwrap_or(0);
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
