//! The workloads: every row of the table, in its order.

mod append;
mod latency;
mod open;
mod read;
mod run;
mod size;

pub use open::crash;
pub use size::memory_child;

use crate::bench::{Row, Sample, Unit, interleave};
use crate::options::Options;
use crate::report::{Line, number};
use crate::store::{Mode, Op, Peer, Res};
use run::Run;

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
    let pairs = peers.iter().flat_map(|peer| runs.iter().map(|run| (run, *peer)));
    let name = |run: &Run, peer: &Peer| format!("{} {}", peer.name, number(run.options.events as f64));
    let columns: Vec<_> = pairs.map(|(run, peer)| (name(run, &peer), run, peer)).collect();
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
