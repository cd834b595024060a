//! Hunts in processes of their own, each with one bug or none.

use super::hunt::{Hunt, Suite};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use timberline::supervisors::planted::VARIABLE;

/// A hunt that takes longer is cut off: what it looks for made something hang.
const PATIENCE: Duration = Duration::from_secs(60);
/// Names the hunt of a child that is a test binary.
pub(super) const HUNT: &str = "PROOF_HUNT";

/// How a hunt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing was found.
    Empty,
    /// Something was found, or the child crashed.
    Found(String),
    /// It did not end.
    Hung,
}

/// The binaries of tests, built with bugs in them.
pub(super) type Binaries = BTreeMap<Suite, PathBuf>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds the tests in a target directory of their own.
pub(super) fn build(suites: &[Suite]) -> Result<Binaries, String> {
    suites.iter().map(|suite| Ok((*suite, build_one(*suite)?))).collect()
}

fn build_one(suite: Suite) -> Result<PathBuf, String> {
    let (package, target) = suite.target();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["test", "--no-run", "--quiet", "--locked", "--message-format=json", "--package", package])
        .args(target)
        .args(["--features", "simulation,planted", "--target-dir", "target/planted"])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = text.lines().filter_map(|line| line.split("\"executable\":\"").nth(1)?.split('"').next());
    let why = || format!("the tests of {package} do not build: {}", String::from_utf8_lossy(&output.stderr));
    found.next_back().map(PathBuf::from).ok_or_else(why)
}

/// Makes the hunt with that bug planted, or none; how it ended and how long it took.
pub(super) fn hunt(hunt: Hunt, bug: Option<&str>, binaries: &Binaries) -> (Ended, Duration) {
    let began = Instant::now();
    let Some(mut command) = command(hunt, binaries) else {
        return (Ended::Found("its tests were not built".into()), Duration::ZERO);
    };
    command.env_remove(VARIABLE).env("RUST_BACKTRACE", "0").stderr(Stdio::null()).stdout(Stdio::piped());
    if let Some(bug) = bug {
        command.env(VARIABLE, bug);
    }
    let mut child = command.spawn().expect("a child can be started");
    let (done, ended) = mpsc::channel();
    let mut stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.as_mut().map(|stdout| stdout.read_to_end(&mut text));
        let _ = done.send(String::from_utf8_lossy(&text).into_owned());
    });
    let text = ended.recv_timeout(PATIENCE);
    if text.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().expect("a child ends");
    let _ = reader.join();
    let ended = match text {
        Err(_) => Ended::Hung,
        Ok(_) if status.success() => Ended::Empty,
        Ok(text) => Ended::Found(text),
    };
    (ended, began.elapsed())
}

fn command(hunt: Hunt, binaries: &Binaries) -> Option<Command> {
    if let Hunt::Tests(suite, of) = hunt {
        let mut command = Command::new(binaries.get(&suite)?);
        let (package, _) = suite.target();
        command.current_dir(if package == "supervisors" { root().join("supervisors") } else { root() });
        command.args(of.split(' '));
        return Some(command);
    }
    let mut command = Command::new(std::env::current_exe().ok()?);
    match cfg!(test) {
        true => command.args(["--ignored", "--nocapture", "hunts_in_another_process"]),
        false => command.arg("hunt").args(hunt.to_string().split(' ')),
    };
    command.env(HUNT, hunt.to_string());
    Some(command)
}
