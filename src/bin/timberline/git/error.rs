//! What can go wrong between this program, `git` and a repository.

use std::io;
use std::path::{Path, PathBuf};

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("git was not found: install it, or put it on the PATH")]
    Missing,
    #[error("git cannot be started")]
    Start(#[source] io::Error),
    #[error("git cannot read {} as a repository: {said}", path.display())]
    Refused { path: PathBuf, said: String },
    #[error("git ended before its answer was complete ({status})")]
    Ended { status: String },
    #[error("the pipe from git broke")]
    Pipe(#[source] io::Error),
    #[error("git answered something unexpected {place}: {found:?}")]
    Answer { place: String, found: String },
}

impl GitError {
    pub(super) fn from_start(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Start(source) }
    }

    pub(super) fn failed(path: &Path, stderr: &[u8]) -> Self {
        let said = String::from_utf8_lossy(stderr);
        let said = said.lines().next().unwrap_or("git gave no reason").trim_start_matches("fatal: ");
        Self::Refused { path: path.to_owned(), said: said.to_owned() }
    }

    pub(super) fn answer(place: impl Into<String>, found: &[u8]) -> Self {
        let found = &found[..found.len().min(200)];
        Self::Answer { place: place.into(), found: crate::text::escape(found) }
    }
}
