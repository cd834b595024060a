//! What the command's own events say.

use crate::git::{FileKind, Oid, Status};
use crate::text;
use serde::{Deserialize, Serialize};
use timberline::Payload;

/// Bytes of a commit's message that are kept.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a name in an entity: what is longer is cut and gets a hash.
const NAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a path in a payload.
const PATH_BYTES_MAX: usize = 64 * 1024;

/// A commit of a git repository, on the entity of its author. Its causes are its parents' events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) commit: Oid,
    pub(crate) parents: Vec<Oid>,
    pub(crate) author: String,
    /// The address as the commit has it.
    pub(crate) email: String,
    /// When it was written, in seconds since 1970 began.
    pub(crate) time: i64,
    pub(crate) committer: String,
    /// When it was committed, in seconds since 1970 began.
    pub(crate) committed: i64,
    pub(crate) message: String,
    /// How many `FileChanged` events follow.
    pub(crate) files: u64,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    /// Over how many batches its events are spread: 1 unless it is over the limits of a batch.
    pub(crate) batches: u64,
}

/// A path changed by a commit, on the entity of that path. Its cause is the commit's event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileChanged {
    pub(crate) change: Status,
    pub(crate) file: FileKind,
    /// The path, where it is too long for the entity's name.
    pub(crate) path: Option<String>,
    /// Where it was before it was renamed or copied.
    pub(crate) from: Option<String>,
    /// Lines added; none for a binary file.
    pub(crate) added: Option<u64>,
    /// Lines removed; none for a binary file.
    pub(crate) removed: Option<u64>,
    /// Whose commit it was: see [`author_name`].
    pub(crate) author: String,
    /// When the commit was written, in seconds since 1970 began.
    pub(crate) time: i64,
}

/// Someone's first commit, on the entity `roster`. Its cause is that commit's event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthorJoined {
    pub(crate) author: String,
    pub(crate) name: String,
    pub(crate) commit: Oid,
}

/// A step of the projection: what one batch of changes adds to it, on the entity `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinesCounted {
    /// How many `FileChanged` events it covers.
    pub(crate) changes: u64,
    pub(crate) rows: Vec<LinesRow>,
}

/// Lines of one author in one folder in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinesRow {
    pub(crate) folder: String,
    pub(crate) author: String,
    /// Months since 1970 began.
    pub(crate) month: i32,
    pub(crate) added: u64,
    pub(crate) removed: u64,
}

/// The end of one run of the demo, on the entity `import`: the workers stop when they have handled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportFinished {
    /// 1 for the first run on this directory.
    pub(crate) run: u64,
    pub(crate) repository: String,
    /// Commits of the history.
    pub(crate) commits: u64,
    /// Those of them that this run imported.
    pub(crate) imported: u64,
}

impl Payload for Committed {
    const KIND: &'static str = "Committed";
}

impl Payload for FileChanged {
    const KIND: &'static str = "FileChanged";
}

impl Payload for AuthorJoined {
    const KIND: &'static str = "AuthorJoined";
}

impl Payload for LinesCounted {
    const KIND: &'static str = "LinesCounted";
}

impl Payload for ImportFinished {
    const KIND: &'static str = "ImportFinished";
}

/// Who an author is: the address of the commit as it stands there (no mailmap, which may change and would make two
/// runs disagree), with ASCII letters in lower case; `-` where a commit has none.
pub(crate) fn author_name(email: &[u8]) -> String {
    let name = text::escape(&email.to_ascii_lowercase());
    if name.is_empty() { "-".to_owned() } else { text::name_within(&name, NAME_BYTES_MAX) }
}

/// The entity of an author's commits.
pub(crate) fn author_entity(author: &str) -> String {
    format!("author:{author}")
}

/// The entity of a path, and the whole path where that name is too long to hold it.
pub(crate) fn file_entity(path: &[u8]) -> (String, Option<String>) {
    let path = path_text(path);
    let name = text::name_within(&path, NAME_BYTES_MAX);
    let whole = (name != path).then_some(path);
    (format!("file:{name}"), whole)
}

/// A path as a payload has it.
pub(crate) fn path_text(path: &[u8]) -> String {
    text::name_within(&text::escape(path), PATH_BYTES_MAX)
}

/// The first folder of a file's entity; `.` for a file at the top.
pub(crate) fn folder_of(entity: &str) -> &str {
    let path = entity.strip_prefix("file:").unwrap_or(entity);
    path.split_once('/').map_or(".", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_told_apart_by_address_whatever_its_case() {
        assert_eq!(author_name(b"Ada@Example.ORG"), author_name(b"ada@example.org"));
        assert_eq!(author_name(b""), "-");
        assert_eq!(author_name(b"a\xff@x"), r"a\xff@x");
    }

    #[test]
    fn a_path_over_the_limit_keeps_an_entity_of_its_own_and_the_whole_path_in_the_payload() {
        let long = b"d/".repeat(5_000);
        let (entity, whole) = file_entity(&long);
        assert!(timberline::Coordinate::new(&entity, "repo").is_ok());
        assert_eq!(whole.unwrap().as_bytes(), long);
        assert_ne!(file_entity(&b"d/".repeat(5_001)).0, entity);
        assert_eq!(file_entity(b"src/a.rs"), ("file:src/a.rs".to_owned(), None));
        assert_eq!((folder_of("file:src/b/a.rs"), folder_of("file:a.rs")), ("src", "."));
    }
}
