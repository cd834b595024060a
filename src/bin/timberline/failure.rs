//! How a command fails: what is said on standard error, and the exit code.

use crate::git::GitError;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use timberline::{AppendError, CoordinateError, CursorWorkerError, OpenError, PayloadError, ReadError};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// Whoever read the output has enough. That is no failure.
    #[error("the output was closed")]
    OutputClosed,
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    #[error("{} cannot be read", path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{} cannot be written", path.display())]
    Record { path: PathBuf, source: io::Error },
    #[error("{message}")]
    Wrong { message: String },
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the store cannot be opened")]
    Open(#[from] OpenError),
    #[error("the event was not stored")]
    Append(#[from] AppendError),
    #[error("commit {commit} was not stored")]
    Commit { commit: String, source: Box<AppendError> },
    #[error("the store cannot be read")]
    Read(#[from] ReadError),
    #[error("the cursor worker failed")]
    Worker(#[from] CursorWorkerError),
    #[error("the event has no place")]
    Coordinate(#[from] CoordinateError),
    #[error("the payload cannot be used")]
    Payload(#[from] PayloadError),
}

impl CommandError {
    /// A failure that needs no cause.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::Wrong { message: message.into() }
    }

    /// Says on standard error what went wrong, why, and what can be done.
    pub(crate) fn report(&self) -> ExitCode {
        if matches!(self, Self::OutputClosed) {
            return ExitCode::SUCCESS;
        }
        let mut text = format!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text += &format!("\nhint: {hint}");
        }
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::FAILURE
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open(OpenError::NoStore { .. }) => Some("name the directory of a store with --dir"),
            Self::Open(OpenError::Locked { .. }) => Some(
                "another process writes it; tail, causes, effects, stats and verify work beside a writer",
            ),
            Self::Git(GitError::Refused { .. }) => Some("name a git repository, or a folder in one"),
            _ => None,
        }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Output(error),
        }
    }
}
