//! From the bytes of `git log -z --raw --numstat` to commits. Pure: any reader will do.

use super::{Change, Commit, FileKind, GitError, Oid, Person, Status};
use std::io::BufRead;

/// What `git log` is asked to print before the changes. Every field ends with a zero byte, which no field can hold,
/// so that no name and no message can pretend to be another field.
pub(super) const FORMAT: &str =
    "--format=commit %H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00";

/// Reads commits one after the other.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// The field in hand; its memory is used again.
    token: Vec<u8>,
    /// Whether `token` was read ahead and belongs to the next commit.
    ahead: bool,
}

impl Parser {
    /// The next commit; `None` at the end of the output.
    pub(super) fn next(&mut self, from: &mut impl BufRead) -> Result<Option<Commit>, GitError> {
        if !self.step_over_empty(from)? {
            return Ok(None);
        }
        let id = self.token.strip_prefix(b"commit ").and_then(Oid::from_hex);
        let id = id.ok_or_else(|| GitError::answer("where a commit should begin", &self.token))?;
        let mut commit = Commit { id: Some(id), ..Commit::default() };
        self.header(from, &mut commit).and_then(|()| self.changes(from, &mut commit))?;
        Ok(Some(commit))
    }

    fn header(&mut self, from: &mut impl BufRead, commit: &mut Commit) -> Result<(), GitError> {
        let parents = self.field(from)?;
        let parents = parents.split(|b| *b == b' ').filter(|hex| !hex.is_empty()).map(Oid::from_hex);
        commit.parents = parents
            .collect::<Option<_>>()
            .ok_or_else(|| GitError::answer("as the parents of a commit", &self.token))?;
        commit.author = self.person(from)?;
        commit.committer = self.person(from)?;
        commit.message = self.field(from)?.trim_ascii_end().to_vec();
        Ok(())
    }

    fn person(&mut self, from: &mut impl BufRead) -> Result<Person, GitError> {
        let name = self.field(from)?.to_vec();
        let email = self.field(from)?.to_vec();
        // A commit may carry a time that is no number, or none that fits; it is no reason to refuse the history.
        let time = std::str::from_utf8(self.field(from)?).ok().and_then(|t| t.parse().ok()).unwrap_or(0);
        Ok(Person { name, email, time })
    }

    /// All `--raw` lines of a commit come first, then all its `--numstat` lines, in the same order.
    fn changes(&mut self, from: &mut impl BufRead, commit: &mut Commit) -> Result<(), GitError> {
        let mut counted = 0;
        while self.step_over_empty(from)? {
            match self.token.first() {
                Some(b':') => commit.changes.push(self.raw(from)?),
                Some(b'0'..=b'9' | b'-') => self.numstat(from, &mut commit.changes, &mut counted)?,
                _ => {
                    self.ahead = true;
                    break;
                }
            }
        }
        Ok(())
    }

    fn raw(&mut self, from: &mut impl BufRead) -> Result<Change, GitError> {
        let (status, file) =
            raw_fields(&self.token).ok_or_else(|| GitError::answer("as a changed path", &self.token))?;
        let first = self.field(from)?.to_vec();
        let (path, before) = match status.has_source() {
            true => (self.field(from)?.to_vec(), Some(first)),
            false => (first, None),
        };
        Ok(Change { status, file, path, from: before, added: None, removed: None })
    }

    fn numstat(
        &mut self,
        from: &mut impl BufRead,
        changes: &mut [Change],
        counted: &mut usize,
    ) -> Result<(), GitError> {
        let line = std::mem::take(&mut self.token);
        let mut parts = line.splitn(3, |b| *b == b'\t');
        let (added, removed, path) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        // An empty path stands for two that follow: where a renamed file was, and where it is.
        let path = if path.is_empty() { self.second_field(from)? } else { path };
        let later = changes.get_mut(*counted..).unwrap_or_default();
        let found = later.iter_mut().position(|change| change.path == path);
        let found = found.ok_or_else(|| GitError::answer("as a path with its lines", path))?;
        *counted += found + 1;
        later[found].added = added.and_then(number);
        later[found].removed = removed.and_then(number);
        Ok(())
    }

    fn field(&mut self, from: &mut impl BufRead) -> Result<&[u8], GitError> {
        if self.read(from)? {
            Ok(&self.token)
        } else {
            Err(GitError::answer("in the middle of a commit", b""))
        }
    }

    fn second_field(&mut self, from: &mut impl BufRead) -> Result<&[u8], GitError> {
        self.field(from)?;
        self.field(from)
    }

    /// Goes on to a field that is not empty; false at the end. A line end stands before the first change of a commit,
    /// and no field that is looked for here begins with one.
    fn step_over_empty(&mut self, from: &mut impl BufRead) -> Result<bool, GitError> {
        if std::mem::take(&mut self.ahead) {
            return Ok(true);
        }
        while self.read(from)? {
            if self.token.first() == Some(&b'\n') {
                self.token.remove(0);
            }
            if !self.token.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read(&mut self, from: &mut impl BufRead) -> Result<bool, GitError> {
        self.token.clear();
        from.read_until(0, &mut self.token).map_err(GitError::Pipe)?;
        Ok(self.token.pop_if(|byte| *byte == 0).is_some() || !self.token.is_empty())
    }
}

/// `:old-mode new-mode old-id new-id STATUS[score]`.
fn raw_fields(token: &[u8]) -> Option<(Status, FileKind)> {
    let mut parts = token.strip_prefix(b":")?.split(|b| *b == b' ');
    let (old, new) = (parts.next()?, parts.next()?);
    let status = Status::from_letter(*parts.nth(2)?.first()?)?;
    let mode = if status == Status::Deleted { old } else { new };
    Some((status, FileKind::from_mode(mode)))
}

/// A count of lines; `-` stands for a binary file.
fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
