//! A commit as `git` tells it.

use super::Oid;
use serde::{Deserialize, Serialize};

/// A commit with what it changed against its first parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Commit {
    /// `None` only in a commit that is being read.
    pub(crate) id: Option<Oid>,
    pub(crate) parents: Vec<Oid>,
    pub(crate) author: Person,
    pub(crate) committer: Person,
    pub(crate) message: Vec<u8>,
    pub(crate) changes: Vec<Change>,
}

/// Who did it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Person {
    pub(crate) name: Vec<u8>,
    pub(crate) email: Vec<u8>,
    /// Seconds since 1970 began; may be negative.
    pub(crate) time: i64,
}

/// One changed path. Paths are the bytes that git has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) status: Status,
    pub(crate) file: FileKind,
    pub(crate) path: Vec<u8>,
    /// Where it was before it was renamed or copied.
    pub(crate) from: Option<Vec<u8>>,
    /// Lines added; `None` for a binary file.
    pub(crate) added: Option<u64>,
    /// Lines removed; `None` for a binary file.
    pub(crate) removed: Option<u64>,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Added,
    Modified,
    Deleted,
    Renamed,
    Copied,
    TypeChanged,
}

impl Status {
    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'A' => Self::Added,
            b'M' => Self::Modified,
            b'D' => Self::Deleted,
            b'R' => Self::Renamed,
            b'C' => Self::Copied,
            b'T' => Self::TypeChanged,
            _ => return None,
        })
    }

    /// Whether git names two paths.
    pub(super) fn has_source(self) -> bool {
        matches!(self, Self::Renamed | Self::Copied)
    }
}

/// What stands at a path, by its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileKind {
    File,
    Executable,
    Symlink,
    Submodule,
}

impl FileKind {
    pub(super) fn from_mode(mode: &[u8]) -> Self {
        match mode {
            b"100755" => Self::Executable,
            b"120000" => Self::Symlink,
            b"160000" => Self::Submodule,
            _ => Self::File,
        }
    }
}
