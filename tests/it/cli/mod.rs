//! The `timberline` command, run as users run it: the built program, real directories, the real git.

mod demo;
mod events;
mod git_import;
mod jsonl;
mod repository;

use repository::Repository;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is gone with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path in it, as text.
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A file in it with this text.
    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command, about to run.
fn timberline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timberline"));
    command.args(arguments).env_remove("TIMBERLINE_DIR").stdin(Stdio::null());
    command
}

/// What a run gave: exit code, standard output, standard error.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "{text:?} is not in standard output: {self:#?}");
        self
    }

    #[track_caller]
    fn complains(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "{text:?} is not in standard error: {self:#?}");
        self
    }
}

#[track_caller]
fn run(arguments: &[&str]) -> Run {
    timberline(arguments).output().unwrap().into()
}

/// Runs the command, which must succeed and be quiet on standard error.
#[track_caller]
fn ok(arguments: &[&str]) -> Run {
    let run = run(arguments);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.err, "", "{run:#?}");
    run
}

/// Runs the command, which must fail with exit code 1.
#[track_caller]
fn fails(arguments: &[&str]) -> Run {
    let run = run(arguments);
    assert_eq!(run.code, Some(1), "{run:#?}");
    run
}

/// Runs the command with this on its standard input.
#[track_caller]
fn run_with(arguments: &[&str], input: &[u8]) -> Run {
    let mut command = timberline(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

/// The lines of `tail --json` over a whole store.
#[track_caller]
fn events(dir: &str) -> Vec<serde_json::Value> {
    let run = ok(&["tail", "--dir", dir, "--json", "--after", "0"]);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
