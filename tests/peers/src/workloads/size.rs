//! What a filled store costs in memory while it is open, and on disk when it is closed.

use super::run::Run;
use crate::bench::Sample;
use crate::machine;
use crate::store::{Mode, Op, Peer, Res};
use crate::stores::FLOOR;
use std::path::Path;
use std::process::Command;

/// Bytes of memory per event: what a fresh process grows by when it opens the store.
pub fn memory(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    if peer.name == FLOOR {
        return Ok(Err("the floor keeps nothing in memory"));
    }
    let dir = run.filled(peer, run.options.events)?;
    let output =
        Command::new(std::env::current_exe()?).args(["--child", "memory", peer.name]).arg(dir).output()?;
    let bytes: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Ok((bytes / run.options.events as f64).into()))
}

/// The child's part: opens the store and prints the bytes by which its memory grew.
pub fn memory_child(peer: &Peer, dir: &Path) -> Res<()> {
    let before = machine::anonymous_bytes()?;
    let store = (peer.open)(dir, Mode::Durable)?;
    println!("{}", machine::anonymous_bytes()?.saturating_sub(before));
    store.close()
}

/// Bytes on disk per event after a clean close.
pub fn disk(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    let dir = run.filled(peer, run.options.events)?;
    Ok(Ok((machine::disk_bytes(&dir)? as f64 / run.options.events as f64).into()))
}
