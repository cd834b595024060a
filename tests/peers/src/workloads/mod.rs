//! The workloads: every row of the table, in its order.

mod append;
mod latency;
mod open;
mod read;
mod size;

pub use open::crash;
pub use size::memory_child;

use crate::bench::{Row, Sample, Unit, interleave};
use crate::options::Options;
use crate::report::{Line, number};
use crate::store::{Mode, Op, Peer, Res, Store};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// One measurement, which gives one or more rows.
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// A row for each value that `run` gives.
    pub rows: &'static [Row],
    /// Measures a peer once.
    pub run: fn(&Run, &Peer) -> Res<Op<Sample>>,
}

const fn rate(title: &'static str) -> Row {
    Row { title, unit: Unit::EventsPerSecond }
}

/// Every workload, in the order of the table.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "append-buffered",
        rows: &[rate("append, one caller, acknowledged, buffered")],
        run: |run, peer| append::alone(run, peer, Mode::Buffered, 1),
    },
    Workload {
        name: "pipelined-buffered",
        rows: &[rate("append, pipelined, buffered")],
        run: append::pipelined,
    },
    Workload {
        name: "batch-buffered",
        rows: &[rate("append in batches of 100, buffered")],
        run: |run, peer| append::alone(run, peer, Mode::Buffered, 100),
    },
    Workload {
        name: "append-durable",
        rows: &[rate("append, durable, one caller")],
        run: |run, peer| append::alone(run, peer, Mode::Durable, 1),
    },
    Workload {
        name: "16-callers-durable",
        rows: &[rate("append, durable, 16 callers")],
        run: |run, peer| append::together(run, peer, 16),
    },
    Workload {
        name: "64-callers-durable",
        rows: &[rate("append, durable, 64 callers")],
        run: |run, peer| append::together(run, peer, 64),
    },
    Workload {
        name: "batch-durable",
        rows: &[rate("append in batches of 100, each durable")],
        run: |run, peer| append::alone(run, peer, Mode::Durable, 100),
    },
    Workload { name: "cursor", rows: &[rate("cursor worker, or scan, with payloads")], run: read::scan },
    Workload {
        name: "cursor-checkpoints",
        rows: &[rate("the same with a durable checkpoint every 256 events")],
        run: read::checkpointed,
    },
    Workload {
        name: "entity",
        rows: &[rate("read one entity (a thousandth of the store)")],
        run: read::entity,
    },
    Workload { name: "tail", rows: &[rate("read the newest 100 events")], run: read::tail },
    Workload { name: "get", rows: &[rate("get by id, random")], run: read::get },
    Workload {
        name: "latency-buffered",
        rows: &[
            Row { title: "append to handler, buffered, idle store, p50", unit: Unit::Micros },
            Row { title: "append to handler, buffered, idle store, p99", unit: Unit::Micros },
        ],
        run: |run, peer| latency::to_handler(run, peer, Mode::Buffered),
    },
    Workload {
        name: "latency-durable",
        rows: &[
            Row { title: "append to handler, durable, idle store, p50", unit: Unit::Micros },
            Row { title: "append to handler, durable, idle store, p99", unit: Unit::Micros },
        ],
        run: |run, peer| latency::to_handler(run, peer, Mode::Durable),
    },
    Workload {
        name: "open-clean",
        rows: &[Row { title: "open after a clean close", unit: Unit::Millis }],
        run: open::clean,
    },
    Workload {
        name: "open-killed",
        rows: &[Row { title: "open after kill -9", unit: Unit::Millis }],
        run: open::killed,
    },
    Workload {
        name: "memory",
        rows: &[Row { title: "memory per event while open", unit: Unit::BytesPerEvent }],
        run: size::memory,
    },
    Workload {
        name: "disk",
        rows: &[Row { title: "disk per event", unit: Unit::BytesPerEvent }],
        run: size::disk,
    },
];

/// Runs what the options want and answers the table's lines, a cell for each of `peers`.
pub fn measure(options: &Options, peers: &[Peer]) -> Res<Vec<Line>> {
    let run = Run::new(options.clone(), true)?;
    let wanted = WORKLOADS.iter().filter(|workload| options.wants_workload(workload.name));
    let lines = |workload: &Workload| {
        interleave(
            workload.name,
            workload.rows,
            options.rounds,
            peers,
            |peer| peer.name,
            |peer| (workload.run)(&run, peer),
        )
    };
    Ok(wanted.flat_map(lines).collect())
}

/// The workloads whose cost may grow with the store.
const GROWING: &[&str] = &["cursor", "entity", "tail", "get", "open-clean", "open-killed", "memory", "disk"];

/// Runs what may grow with the store at each size of `options.growth`, with each peer: a cell for each of both.
pub fn measure_growth(options: &Options, peers: &[Peer]) -> Res<(Vec<String>, Vec<Line>)> {
    let at = |&events| Run::new(Options { events, ..options.clone() }, false);
    let runs = options.growth.iter().map(at).collect::<Res<Vec<Run>>>()?;
    let column = |peer: Peer, run| (format!("{} {}", peer.name, number(run_events(run))), run, peer);
    let columns: Vec<_> = peers.iter().flat_map(|peer| runs.iter().map(|run| column(*peer, run))).collect();
    let wanted = WORKLOADS
        .iter()
        .filter(|workload| GROWING.contains(&workload.name) && options.wants_workload(workload.name));
    let lines = |workload: &Workload| {
        let run = |(_, run, peer): &(String, &Run, Peer)| (workload.run)(run, peer);
        interleave(workload.name, workload.rows, options.rounds, &columns, |column| &column.0, run)
    };
    let lines = wanted.flat_map(lines).collect();
    Ok((columns.into_iter().map(|(name, ..)| name).collect(), lines))
}

fn run_events(run: &Run) -> f64 {
    run.options.events as f64
}

/// One run of the whole: its options and the stores that were filled for it.
pub struct Run {
    /// What the command line said.
    pub options: Options,
    /// The folder of this run, removed at its end.
    root: PathBuf,
    /// Whether a scan whose time grows with the square is given fewer events.
    capped: bool,
    /// The stores that stand already.
    filled: RefCell<HashSet<PathBuf>>,
}

impl Run {
    /// A run in a folder of its own below the options' directory.
    fn new(options: Options, capped: bool) -> Res<Self> {
        let root = options.dir.join(format!("peers-{}-{}", std::process::id(), options.events));
        fs::create_dir_all(&root)?;
        Ok(Self { options, root, capped, filled: RefCell::default() })
    }

    /// The path of an empty store of a peer: what stood there is removed.
    fn fresh(&self, peer: &Peer) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-fresh", peer.name));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        Ok(dir)
    }

    /// The path of a closed store of a peer with `events` events, made when it is first asked for.
    fn filled(&self, peer: &Peer, events: u64) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-{events}", peer.name));
        if self.filled.borrow_mut().insert(dir.clone()) {
            let store = (peer.open)(&dir, peer.fill)?;
            fill(&store, 0, events)?;
            store.close()?;
        }
        Ok(dir)
    }

    /// The path of a store of a peer, with this run's events, whose process was killed.
    fn killed(&self, peer: &Peer) -> Res<PathBuf> {
        let dir = self.root.join(format!("{}-killed", peer.name));
        if self.filled.borrow_mut().insert(dir.clone()) {
            open::fill_and_kill(peer, &dir, self.options.events)?;
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
fn fill(store: &Store, first: u64, count: u64) -> Res<()> {
    let mut caller = store.caller.as_ref().map_err(|why| *why)?()?;
    (first..first + count).step_by(100).try_for_each(|batch| caller(batch, 100.min(first + count - batch)))
}

/// Events per second of `step`, which is given the number of events done and answers how many it did: until `events`
/// are done, or the box is full.
fn paced(options: &Options, events: u64, mut step: impl FnMut(u64) -> Res<u64>) -> Res<f64> {
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
