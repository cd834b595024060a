//! What the runs of one size share: where stores stand, how they are filled, how long a run goes on.

use super::open;
use crate::options::Options;
use crate::store::{Peer, Res, Store};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// One run of the whole: its options and the stores that were filled for it.
pub struct Run {
    /// What the command line said.
    pub options: Options,
    /// The folder of this run, removed at its end.
    root: PathBuf,
    /// Whether a scan whose time grows with the square is given fewer events.
    pub capped: bool,
    /// The stores that stand already.
    filled: RefCell<HashSet<PathBuf>>,
}

impl Run {
    /// A run in a folder of its own below the options' directory.
    pub fn new(options: Options, capped: bool) -> Res<Self> {
        let root = options.dir.join(format!("peers-{}-{}", std::process::id(), options.events));
        fs::create_dir_all(&root)?;
        Ok(Self { options, root, capped, filled: RefCell::default() })
    }

    /// The path of an empty store of a peer: what stood there is removed.
    pub fn fresh(&self, peer: &Peer) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-fresh", peer.name));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        Ok(dir)
    }

    /// The path of a closed store of a peer with `events` events, made when it is first asked for.
    pub fn filled(&self, peer: &Peer, events: u64) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-{events}", peer.name));
        if !self.filled.borrow().contains(&dir) {
            let store = (peer.open)(&dir, peer.fill)?;
            fill(&store, 0, events)?;
            store.close()?;
            self.filled.borrow_mut().insert(dir.clone());
        }
        Ok(dir)
    }

    /// The path of a store of a peer, with this run's events, whose process was killed.
    pub fn killed(&self, peer: &Peer) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-killed", peer.name));
        if !self.filled.borrow().contains(&dir) {
            open::fill_and_kill(peer, &dir, self.options.events)?;
            self.filled.borrow_mut().insert(dir.clone());
        }
        Ok(dir)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            eprintln!("{} stays: {error}", self.root.display());
        }
    }
}

/// Appends `count` events, numbered from `first`, in batches of 100.
pub fn fill(store: &Store, first: u64, count: u64) -> Res<()> {
    let mut caller = store.caller.as_ref().map_err(|why| *why)?()?;
    (first..first + count).step_by(100).try_for_each(|batch| caller(batch, 100.min(first + count - batch)))
}

/// Events per second of `step`, which is given the number of events done and answers how many it did: until `events`
/// are done, or the box is full.
pub fn paced(options: &Options, events: u64, mut step: impl FnMut(u64) -> Res<u64>) -> Res<f64> {
    let start = Instant::now();
    let mut done = 0;
    while done < events && start.elapsed() < options.box_time {
        // The clock costs as much as a fast lookup: it is asked once for several steps.
        for _ in 0..8 {
            done += step(done)?;
        }
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
