//! Opening a filled store, after a clean close and after the process that wrote it was killed.

use super::run::{Run, fill};
use crate::bench::Sample;
use crate::store::{Mode, Op, Peer, Res};
use crate::stores::FLOOR;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const NO_FLOOR: &str = "the floor has nothing to open";

/// Milliseconds to open what was closed.
pub fn clean(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    if peer.name == FLOOR {
        return Ok(Err(NO_FLOOR));
    }
    timed_open(peer, &run.filled(peer, run.options.events)?)
}

/// Milliseconds to open what a killed process left.
pub fn killed(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    if peer.name == FLOOR {
        return Ok(Err(NO_FLOOR));
    }
    // A copy: opening mends what the kill left, and the next round wants it broken.
    let copy = run.fresh(peer)?;
    copy_dir(&run.killed(peer)?, &copy)?;
    timed_open(peer, &copy)
}

fn timed_open(peer: &Peer, dir: &Path) -> Res<Op<Sample>> {
    let start = Instant::now();
    let store = (peer.open)(dir, Mode::Durable)?;
    let took = start.elapsed();
    store.close()?;
    Ok(Ok((took.as_secs_f64() * 1e3).into()))
}

/// Has a child fill the store and kills it while it goes on.
pub fn fill_and_kill(peer: &Peer, dir: &Path, events: u64) -> Res<()> {
    let program = std::env::current_exe()?;
    let arguments = ["--child", "crash", peer.name];
    let mut child = Command::new(program)
        .args(arguments)
        .arg(dir)
        .arg(events.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    child.kill()?;
    child.wait()?;
    if line.trim() == "filled" { Ok(()) } else { Err("the child ended before it was killed".into()) }
}

/// The child's part: fills the store, says so, and appends until it is killed.
pub fn crash(peer: &Peer, dir: &Path, events: u64) -> Res<()> {
    let store = (peer.open)(dir, peer.fill)?;
    fill(&store, 0, events)?;
    println!("filled");
    std::io::stdout().flush()?;
    (events..).step_by(100).try_for_each(|first| fill(&store, first, 100))
}

fn copy_dir(from: &Path, to: &Path) -> Res<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
