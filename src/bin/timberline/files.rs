//! The command's own files: what it imports, and the record of the last run in a store's directory.
#![allow(clippy::disallowed_methods)] // the store's files go through its storage; these two are not the store's

use crate::failure::CommandError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The record's name; a store lets a file of this name be.
const LAST_RUN: &str = "last-run.json";

/// The supervision tree as it stood at the end of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// What ran.
    pub(crate) command: String,
    /// How many events the store held.
    pub(crate) events: u64,
    /// The tree as it is printed.
    pub(crate) text: String,
    /// The tree as data.
    pub(crate) tree: serde_json::Value,
}

impl LastRun {
    /// Writes the record into the store's directory, over that of the run before.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), CommandError> {
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let path = dir.join(LAST_RUN);
        json.and_then(|json| std::fs::write(&path, json))
            .map_err(|source| CommandError::Record { path, source })
    }

    /// The record in the store's directory, if there is one.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, CommandError> {
        let path = dir.join(LAST_RUN);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CommandError::Input { path, source }),
        };
        let record = serde_json::from_slice(&bytes).map_err(io::Error::from);
        record.map(Some).map_err(|source| CommandError::Input { path, source })
    }
}

/// A file to read, with its length where it has one; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn BufRead>, Option<u64>), CommandError> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let failed = |source| CommandError::Input { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::with_capacity(1 << 16, file)), length))
}

/// All of standard input, up to `bytes_max`.
pub(crate) fn standard_input(bytes_max: u64) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(bytes_max).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|source| CommandError::Input { path: PathBuf::from("-"), source })
}

/// The directory for the demo of a repository: in the user's cache, or else among the temporary files. Its name tells
/// which repository it is, and two repositories of one name apart.
pub(crate) fn demo_directory(name: &str, repository: &Path) -> PathBuf {
    let hash = blake3::hash(repository.as_os_str().as_encoded_bytes()).to_hex();
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let folder: String = name.chars().take(40).map(plain).collect();
    cache().join("timberline").join(format!("demo-{folder}-{}", &hash[..8]))
}

fn cache() -> PathBuf {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("XDG_CACHE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
}
