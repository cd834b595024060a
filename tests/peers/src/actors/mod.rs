//! The actor libraries: one adapter a file, all with the same counting actor.

mod actix;
mod erlang;
mod kameo;
mod ractor;
mod timberline;

use crate::bench::{Row, Sample, Unit, interleave};
use crate::machine;
use crate::options::Options;
use crate::report::Line;
use crate::stats::quantile;
use crate::store::{Op, Res};
use std::future::Future;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Messages that a bounded mailbox holds.
const MAILBOX: usize = 1_024;
/// Actors that are weighed together.
const WEIGHED: u64 = 10_000;
/// Actors that live at the same time.
const MANY: u64 = 100_000;

/// Starts this many actors, calls back when all stand, and stops them.
type Spawn = fn(u64, &mut dyn FnMut()) -> Res<()>;
/// How long it took to start this many actors, call each once, and stop them all; or why it was not run.
type Many = fn(u64) -> Res<Op<Duration>>;
/// Microseconds from the message that panics to the next answer, one for each of this many panics.
type Restart = fn(u64) -> Res<Vec<f64>>;
/// Messages per second.
type Rate = fn(&Options) -> Res<f64>;

/// An actor library, and what is measured of it.
pub struct Library {
    /// The column's heading.
    pub name: &'static str,
    /// The version that is printed.
    pub version: fn() -> String,
    /// What runs where.
    pub modes: &'static str,
    /// Calls per second: a message, then its answer, on an actor that has nothing else to do; the caller is where the
    /// library is at its best.
    call: Op<Rate>,
    /// The same from a thread of the program's own.
    call_outside: Op<Rate>,
    /// Messages per second into a mailbox of [`MAILBOX`], handled.
    send_bounded: Op<Rate>,
    /// Messages per second into a mailbox without a limit, handled.
    send_unbounded: Op<Rate>,
    /// Starting actors, for their number and their weight.
    spawn: Op<Spawn>,
    /// From a panic to serving again.
    restart: Op<Restart>,
    /// Many actors at the same time.
    many: Many,
}

/// Every library, ours last.
pub const LIBRARIES: &[Library] =
    &[erlang::LIBRARY, ractor::LIBRARY, kameo::LIBRARY, actix::LIBRARY, timberline::LIBRARY];

struct Task {
    name: &'static str,
    rows: &'static [Row],
    run: fn(&Library, &Options) -> Res<Op<Sample>>,
}

const fn rate(title: &'static str) -> Row {
    Row { title, unit: Unit::PerSecond }
}

const TASKS: &[Task] = &[
    Task {
        name: "actor-call",
        rows: &[rate("call an idle actor, from a task of the runtime")],
        run: |library, options| measured(library.call, options),
    },
    Task {
        name: "actor-call-outside",
        rows: &[rate("call an idle actor, from a plain thread")],
        run: |library, options| measured(library.call_outside, options),
    },
    Task {
        name: "actor-send-bounded",
        rows: &[rate("send, mailbox of 1,024, one sender")],
        run: |library, options| measured(library.send_bounded, options),
    },
    Task {
        name: "actor-send-unbounded",
        rows: &[rate("send, unbounded mailbox, one sender")],
        run: |library, options| measured(library.send_unbounded, options),
    },
    Task { name: "actor-spawn", rows: &[rate("spawn, until started")], run: spawned },
    Task {
        name: "actor-memory",
        rows: &[Row { title: "memory per idle actor", unit: Unit::BytesPerActor }],
        run: weighed,
    },
    Task {
        name: "actor-many",
        rows: &[rate("100,000 actors: spawned, one call each, stopped")],
        run: |library, _| Ok((library.many)(MANY)?.map(|took| (MANY as f64 / took.as_secs_f64()).into())),
    },
    Task {
        name: "actor-restart",
        rows: &[
            Row { title: "panic to serving again, p50", unit: Unit::Micros },
            Row { title: "panic to serving again, p99", unit: Unit::Micros },
        ],
        run: restarted,
    },
];

/// Runs what the options want and answers the table's lines, a cell for each of `libraries`.
pub fn measure(options: &Options, libraries: &[&Library]) -> Vec<Line> {
    let wanted = TASKS.iter().filter(|task| options.wants_workload(task.name));
    let lines = |task: &Task| {
        interleave(
            task.name,
            task.rows,
            options.rounds,
            libraries,
            |library| library.name,
            |library| (task.run)(library, options),
        )
    };
    wanted.flat_map(lines).collect()
}

fn measured(task: Op<Rate>, options: &Options) -> Res<Op<Sample>> {
    task.map(|run| run(options)).map_or_else(|why| Ok(Err(why)), |rate| Ok(Ok(rate?.into())))
}

fn spawned(library: &Library, options: &Options) -> Res<Op<Sample>> {
    let spawn = match library.spawn {
        Ok(spawn) => spawn,
        Err(why) => return Ok(Err(why)),
    };
    let count = options.events / 50;
    let (start, mut took) = (Instant::now(), Duration::ZERO);
    spawn(count, &mut || took = start.elapsed())?;
    Ok(Ok((count as f64 / took.as_secs_f64()).into()))
}

fn weighed(library: &Library, _: &Options) -> Res<Op<Sample>> {
    if let Err(why) = library.spawn {
        return Ok(Err(why));
    }
    // A fresh process: memory that this one has freed would hide what the actors take.
    let output = Command::new(std::env::current_exe()?).args(["--child", "actors", library.name]).output()?;
    let bytes: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Ok((bytes / WEIGHED as f64).into()))
}

/// The child's part: spawns, and prints the bytes by which its memory grew.
pub fn memory_child(library: &Library) -> Res<()> {
    let before = machine::anonymous_bytes()?;
    let mut after = Ok(0);
    library.spawn?(WEIGHED, &mut || after = machine::anonymous_bytes())?;
    println!("{}", after?.saturating_sub(before));
    Ok(())
}

fn restarted(library: &Library, options: &Options) -> Res<Op<Sample>> {
    let restart = match library.restart {
        Ok(restart) => restart,
        Err(why) => return Ok(Err(why)),
    };
    // The panics are meant: nobody wants to read of each.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let samples = restart(options.latencies);
    std::panic::set_hook(hook);
    let mut samples = samples?;
    samples.sort_by(f64::total_cmp);
    Ok(Ok(vec![quantile(&samples, 0.5), quantile(&samples, 0.99)].into()))
}

/// How long that took.
fn timed(work: impl FnOnce() -> Res<()>) -> Res<Op<Duration>> {
    let start = Instant::now();
    work()?;
    Ok(Ok(start.elapsed()))
}

/// Runs a future as a task of a runtime of two threads, where the libraries on tokio are at their best.
fn on_tokio<T: Send + 'static>(future: impl Future<Output = Res<T>> + Send + 'static) -> Res<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(future).await })?
}

/// Runs a future on this thread, and what it spawns on a runtime of two others.
fn outside_tokio<T>(future: impl Future<Output = Res<T>>) -> Res<T> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future)
}

/// Waits until `counter` has reached `count`.
async fn reached(counter: &AtomicU64, count: u64) {
    while counter.load(Ordering::Relaxed) < count {
        tokio::task::yield_now().await;
    }
}
