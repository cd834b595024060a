//! The `git` program as a process, called so that no configuration and no environment changes its answers.

use super::GitError;
use std::ffi::OsStr;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// Variables that would turn `git` to another repository than the one that was named, or to other answers.
const FOREIGN: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_TRACE",
];

/// How changes are told, for every call alike: renames by the same rule, numbers by the same algorithm, no matter
/// what the user's or the repository's configuration says.
pub(crate) const DIFF: [&str; 12] = [
    "--root",
    "--diff-merges=first-parent",
    "--find-renames=50%",
    "-l1000",
    "--diff-algorithm=myers",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--no-show-signature",
    "--ignore-submodules=none",
    "-O/dev/null",
];

/// `git`, asked about one repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    path: PathBuf,
    /// The empty tree's id. Attributes are read from it, as those of the work tree change from day to day and with
    /// them what counts as a binary file.
    attributes: Option<String>,
}

impl Git {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), attributes: None }
    }

    pub(crate) fn with_attributes(self, tree: String) -> Self {
        Self { attributes: Some(tree), ..self }
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("--no-pager")
            .arg("-C")
            .arg(&self.path)
            .args(["-c", "core.quotePath=true"])
            .args(arguments);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs([("LC_ALL", "C"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_ATTR_NOSYSTEM", "1")]);
        command.envs(self.attributes.iter().map(|tree| ("GIT_ATTR_SOURCE", tree)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs `git` and gives what it printed, whatever its exit status.
    pub(crate) fn output<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Output, GitError> {
        self.command(arguments).output().map_err(GitError::from_start)
    }

    /// Runs `git` and gives what it printed, without the last line's end.
    pub(crate) fn text<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, GitError> {
        let mut output = self.output(arguments)?;
        if !output.status.success() {
            return Err(GitError::failed(&self.path, &output.stderr));
        }
        output.stdout.truncate(output.stdout.trim_ascii_end().len());
        Ok(output.stdout)
    }

    /// Starts `git`, hands it `input`, and gives its output to be read as it comes. What it has to say besides goes
    /// to the terminal directly, so that no pipe can fill up.
    pub(crate) fn stream<A: AsRef<OsStr>>(&self, arguments: &[A], input: &[u8]) -> Result<Stream, GitError> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::from_start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A git that ended early says why by its exit status, which is looked at when its output ends.
            let _ = stdin.write_all(input);
        }
        let stdout = child.stdout.take().map(|stdout| BufReader::with_capacity(1 << 16, stdout));
        Ok(Stream { child, stdout })
    }
}

/// A running `git` whose output is read as it comes.
#[derive(Debug)]
pub(crate) struct Stream {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Stream {
    pub(crate) fn reader(&mut self) -> Option<&mut BufReader<ChildStdout>> {
        self.stdout.as_mut()
    }

    /// To be called at the end of the output: whether `git` was content.
    pub(crate) fn finish(&mut self) -> Result<(), GitError> {
        drop(self.stdout.take());
        let status = self.child.wait().map_err(GitError::Pipe)?;
        if status.success() { Ok(()) } else { Err(GitError::Ended { status: status.to_string() }) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Left early: git must neither write on into a closed pipe nor stay behind unreaped.
        drop(self.stdout.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
