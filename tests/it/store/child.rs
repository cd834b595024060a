//! This binary as a process of its own: what another process does to a store, it does really.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// Which role the child plays, and in which directory.
const ROLE: &str = "TIMBERLINE_STORE_CHILD";
const DIR: &str = "TIMBERLINE_STORE_DIR";

/// A process that plays a role. It is killed when it is dropped.
pub(super) struct Child {
    process: Killer,
    output: BufReader<ChildStdout>,
}

/// The half of a child that can end it, and does so when it is dropped.
pub(super) struct Killer {
    process: std::process::Child,
    input: ChildStdin,
}

impl Child {
    pub(super) fn new(role: &str, dir: &Path) -> Self {
        Self::of(Self::command(std::env::current_exe().unwrap(), role, dir))
    }

    /// A child that a shell prepares: the script execs `"$0" "$@"`.
    pub(super) fn of_shell(script: &str, role: &str, dir: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(std::env::current_exe().unwrap());
        Self::of(Self::playing(shell, role, dir))
    }

    pub(super) fn command(program: PathBuf, role: &str, dir: &Path) -> Command {
        Self::playing(Command::new(program), role, dir)
    }

    fn playing(mut command: Command, role: &str, dir: &Path) -> Command {
        command.args(["--exact", "store::child::child", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(DIR, dir).env("RUST_BACKTRACE", "0");
        command
    }

    pub(super) fn of(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process: Killer { process, input }, output }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.process.id()
    }

    /// What the child says, line by line, until it ends.
    pub(super) fn lines(&mut self) -> impl Iterator<Item = String> + '_ {
        (&mut self.output).lines().map_while(Result::ok)
    }

    /// Waits for a line that begins so; gives the rest of it.
    #[track_caller]
    pub(super) fn line_after(&mut self, begin: &str) -> String {
        let found = self.lines().find_map(|line| Some(line.strip_prefix(begin)?.trim().to_owned()));
        found.unwrap_or_else(|| panic!("the child ended before it said {begin:?}"))
    }

    pub(super) fn tell(&mut self, line: &str) {
        writeln!(self.process.input, "{line}").unwrap();
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }

    pub(super) fn wait(&mut self) -> ExitStatus {
        self.process.process.wait().unwrap()
    }

    /// The child's output, to be read by another thread than the one that kills it.
    pub(super) fn into_parts(self) -> (Killer, BufReader<ChildStdout>) {
        (self.process, self.output)
    }
}

impl Killer {
    /// kill -9; gives whether the process had ended by itself before.
    pub(super) fn kill(&mut self) -> bool {
        let had_ended = self.process.try_wait().unwrap().is_some();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        had_ended
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Says a line to the parent, past the harness, which may keep what is printed.
pub(super) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A parent that has gone does not want to know.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What the parent says next; `None` when it has gone.
pub(super) fn heard() -> Option<String> {
    std::io::stdin().lines().next().and_then(Result::ok)
}

#[test]
#[ignore = "acts only as the child process of other tests"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = PathBuf::from(std::env::var_os(DIR).unwrap());
    say(""); // ends the line that the harness began
    match role.as_str() {
        "fill" => fill(&dir),
        "open" => open(&dir),
        "write" => write(&dir),
        "count-threads" => super::close::count_threads(&dir),
        "import" => super::torture::import(&dir),
        other => panic!("no role {other}"),
    }
}

/// Appends until there is no room; then, when told to, some more.
fn fill(dir: &Path) {
    let store = Store::open(small(dir)).unwrap();
    let text = "x".repeat(500);
    let append = |n| store.append(&at("tree"), &Note { n, text: text.clone() });
    let mut n = 0;
    loop {
        match append(n) {
            Ok(_) => say(format_args!("stored {n}")),
            Err(timberline::AppendError::NoSpace { .. }) => break,
            Err(other) => panic!("{other}"),
        }
        n += 1;
        assert!(n < 10_000, "there is no limit");
    }
    assert_eq!(numbers(&store).len() as u64, n, "nothing half written is read");
    say(format_args!("full after {n}"));
    if heard().is_some() {
        (n..n + 50).for_each(|n| {
            append(n).unwrap();
        });
        assert!(store.close().unwrap().is_clean());
        say(format_args!("stored {}", n + 50));
    }
}

/// Tries to open for writing and says what came of it.
fn open(dir: &Path) {
    match Store::open(small(dir)) {
        Ok(store) => {
            say("open: yes");
            heard();
            store.close().unwrap();
        }
        Err(refused) => say(format_args!("open: {refused:?}")),
    }
}

/// Appends as many events as it is told, says how many there are, and waits to be told again.
fn write(dir: &Path) {
    let store = Store::open(small(dir)).unwrap();
    say("opened");
    while let Some(more) = heard() {
        let written = store.written().get();
        for n in written..written + more.parse::<u64>().unwrap() {
            store.append_with(&at(&format!("tree-{}", n % 7)), &note(n), buffered()).unwrap();
        }
        say(format_args!("written {}", store.written()));
    }
    store.close().unwrap();
}
