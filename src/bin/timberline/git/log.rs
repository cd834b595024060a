//! Commits as they stream out of one running `git log`.

use super::command::{DIFF, Git, Stream};
use super::parse::{FORMAT, Parser};
use super::repository::as_input;
use super::{Commit, GitError, Oid};

/// An iterator over commits; memory does not grow with their number, only with the changes of one of them.
#[derive(Debug)]
pub(crate) struct Log {
    /// `None` when there is nothing to read, or no more.
    stream: Option<Stream>,
    parser: Parser,
    left: usize,
}

impl Log {
    pub(super) fn start(git: &Git, commits: &[Oid]) -> Result<Self, GitError> {
        let mut arguments = vec!["log", "--stdin", "--no-walk=unsorted", "-z", "--raw", "--numstat"];
        arguments.extend(["--no-abbrev", "--no-notes", "--encoding=UTF-8", FORMAT]);
        arguments.extend(DIFF);
        let stream = match commits {
            [] => None, // git would take no commits for HEAD
            commits => Some(git.stream(&arguments, &as_input(commits))?),
        };
        Ok(Self { stream, parser: Parser::default(), left: commits.len() })
    }

    fn advance(&mut self) -> Result<Option<Commit>, GitError> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let next = stream.reader().map(|reader| self.parser.next(reader)).transpose()?.flatten();
        if next.is_some() {
            self.left = self.left.saturating_sub(1);
            return Ok(next);
        }
        stream.finish()?;
        let missing = std::mem::take(&mut self.left);
        match missing {
            0 => Ok(None),
            _ => Err(GitError::Ended { status: format!("{missing} of the commits are missing") }),
        }
    }
}

impl Iterator for Log {
    type Item = Result<Commit, GitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.stream = None;
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use crate::git::{Refs, Repository};
    use std::path::Path;

    #[test]
    fn a_path_that_is_no_repository_is_named_with_what_git_says() {
        let error = Repository::open(Path::new("/"), Refs::Head).unwrap_err().to_string();
        assert!(error.contains("git cannot read / as a repository: not a git repository"), "{error}");
        let error = Repository::open(Path::new("/no such folder"), Refs::All).unwrap_err().to_string();
        assert!(error.contains("No such file or directory"), "{error}");
    }
}
