//! A repository: where it is, what it is called, and which commits are asked for.

use super::command::{Git, Stream};
use super::{GitError, Log, Oid};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Which history is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refs {
    /// All ancestors of `HEAD`.
    Head,
    /// All ancestors of all refs.
    All,
}

/// A repository and the newest commits of the history that was asked for. They are looked up once, so that commits
/// made while a command runs do not change what it is about.
#[derive(Debug)]
pub(crate) struct Repository {
    git: Git,
    directory: PathBuf,
    tips: Vec<Oid>,
    elsewhere: bool,
}

impl Repository {
    /// Looks at `path`, which may be a work tree, a folder in it, or a bare repository.
    pub(crate) fn open(path: &Path, refs: Refs) -> Result<Self, GitError> {
        let git = Git::new(path);
        let directory = path_of(git.text(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?);
        let empty_tree = git.text(&["hash-object", "-t", "tree", "/dev/null"])?;
        let git = git.with_attributes(String::from_utf8_lossy(&empty_tree).into_owned());
        let tips = match refs {
            Refs::All => oids(&git.text(&["rev-list", "--no-walk", "--all"])?)?,
            Refs::Head if has_head(&git)? => oids(&git.text(&["rev-list", "--no-walk", "HEAD"])?)?,
            Refs::Head => Vec::new(),
        };
        let elsewhere = tips.is_empty() && !git.text(&["for-each-ref", "--count=1"])?.is_empty();
        Ok(Self { git, directory, tips, elsewhere })
    }

    /// The repository's own directory, absolute: `.git`, or the bare repository.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What people call it: the name of its folder.
    pub(crate) fn name(&self) -> String {
        let is_dot_git = self.directory.file_name().is_some_and(|name| name == ".git");
        let folder = if is_dot_git { self.directory.parent() } else { Some(self.directory.as_path()) };
        let name = folder.and_then(Path::file_name).unwrap_or_default().as_encoded_bytes();
        let name = crate::text::escape(name.strip_suffix(b".git").unwrap_or(name));
        if name.is_empty() { "repository".to_owned() } else { crate::text::name_within(&name, 200) }
    }

    /// Whether the history that was asked for is empty although the repository has other refs.
    pub(crate) fn has_commits_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// All commits of the history, parents before children.
    pub(crate) fn commits(&self) -> Result<Vec<Oid>, GitError> {
        let mut commits = Vec::new();
        self.lines(&["rev-list", "--topo-order", "--reverse", "--stdin"], |line| {
            commits.push(oid(line)?);
            Ok(())
        })?;
        Ok(commits)
    }

    /// Reads these commits, in this order, one at a time.
    pub(crate) fn log(&self, commits: &[Oid]) -> Result<Log, GitError> {
        Log::start(&self.git, commits)
    }

    /// Runs `git` with the newest commits on its standard input, and hands each line of its answer on.
    pub(super) fn lines(
        &self,
        arguments: &[&str],
        mut each: impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        if self.tips.is_empty() {
            return Ok(()); // git would take no commits for HEAD, or for an error
        }
        let mut stream = self.git.stream(arguments, &as_input(&self.tips))?;
        each_line(&mut stream, &mut each)?;
        stream.finish()
    }
}

/// One id per line, as `--stdin` reads them.
pub(super) fn as_input(commits: &[Oid]) -> Vec<u8> {
    commits.iter().flat_map(|id| format!("{id}\n").into_bytes()).collect()
}

fn each_line(
    stream: &mut Stream,
    each: &mut impl FnMut(&[u8]) -> Result<(), GitError>,
) -> Result<(), GitError> {
    let Some(reader) = stream.reader() else { return Ok(()) };
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(GitError::Pipe)? > 0 {
        line.pop_if(|byte| *byte == b'\n');
        each(&line)?;
        line.clear();
    }
    Ok(())
}

/// A repository without commits has a `HEAD` that names a branch which is not there yet.
fn has_head(git: &Git) -> Result<bool, GitError> {
    Ok(git.output(&["rev-parse", "--verify", "--quiet", "HEAD"])?.status.success())
}

fn oids(lines: &[u8]) -> Result<Vec<Oid>, GitError> {
    lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(oid).collect()
}

pub(super) fn oid(hex: &[u8]) -> Result<Oid, GitError> {
    Oid::from_hex(hex).ok_or_else(|| GitError::answer("where an object id should be", hex))
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
