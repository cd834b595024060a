//! How the store's costs grow with its size: `cargo bench --bench growth`. A line that is not flat is a finding.
//!
//! Each size is filled, closed, opened, used and killed in processes of their own, so that memory and caches are
//! those of a fresh start. `GROWTH_EVENTS=100000,1000000` chooses the sizes. Every entity has 500 events, spread over
//! the whole store, so that the number of entities grows with it. `GROWTH_OPEN_FILES=1024` keeps so many segments open
//! instead of the default. The files are made under the target directory and
//! removed afterwards.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // a benchmark reads clocks and files
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use timberline::{
    Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Durability, EventId, NewEvent, Position,
    Region, Store,
};

const ENTITY_EVENTS: u64 = 500;
const PAYLOAD_BYTES: usize = 128;
const BATCH: u64 = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["fill", dir, count] => fill(Path::new(dir), count.parse().unwrap()),
        ["use", dir, count] => measure(Path::new(dir), count.parse().unwrap()),
        ["cold", dir, count] => cold(Path::new(dir), count.parse().unwrap()),
        ["kill", dir, count] => fill_a_segment_and_die(Path::new(dir), count.parse().unwrap()),
        ["reopen", dir, _] => reopen(Path::new(dir)),
        _ => table(),
    }
}

fn config(dir: &Path) -> Config {
    let config = Config::new(dir);
    match std::env::var("GROWTH_OPEN_FILES") {
        Ok(files) => config.open_files_max(files.parse().unwrap()),
        Err(_) => config,
    }
}

/// Runs every step of every size and prints one column for each size.
fn table() {
    let sizes = std::env::var("GROWTH_EVENTS").unwrap_or_else(|_| "100000,1000000,10000000".into());
    let sizes: Vec<u64> = sizes.split(',').map(|size| size.parse().unwrap()).collect();
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for size in &sizes {
        let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let dir = tempfile::tempdir_in(base).unwrap();
        run("fill", dir.path(), *size).lines().for_each(|line| note(line, &mut rows));
        // The first use brings what it asks for into the system's memory; the second is measured.
        run("use", dir.path(), *size);
        for step in ["use", "cold", "kill", "reopen"] {
            for line in run(step, dir.path(), *size).lines() {
                note(line, &mut rows);
            }
        }
    }
    println!("{:50} {}", "", sizes.iter().map(|size| format!("{size:>14}")).collect::<String>());
    for (name, figures) in rows {
        println!("{name:50} {}", figures.iter().map(|figure| format!("{figure:>14}")).collect::<String>());
    }
}

fn note(line: &str, rows: &mut BTreeMap<String, Vec<String>>) {
    let (name, figure) = line.split_once(": ").unwrap();
    rows.entry(name.to_owned()).or_default().push(figure.to_owned());
}

fn run(step: &str, dir: &Path, size: u64) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([step, dir.to_str().unwrap(), &size.to_string()]).output().unwrap();
    assert!(output.status.success() || step == "kill", "{step}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn say(name: &str, figure: f64, unit: &str) {
    println!("{name}: {figure:.2} {unit}");
}

fn entity(number: u64, count: u64) -> String {
    format!("entity-{}", number % (count / ENTITY_EVENTS))
}

fn append(store: &Store, numbers: std::ops::Range<u64>, count: u64) {
    for first in numbers.clone().step_by(BATCH as usize) {
        let batch = (first..(first + BATCH).min(numbers.end)).map(|number| {
            let coordinate = Coordinate::new(entity(number, count), "bench").unwrap();
            NewEvent::raw(coordinate, "Grown", 1, vec![7; PAYLOAD_BYTES]).durability(Durability::Buffered)
        });
        store.append_batch(batch.collect()).unwrap();
    }
}

fn fill(dir: &Path, count: u64) {
    let store = Store::open(config(dir)).unwrap();
    let began = Instant::now();
    append(&store, 0..count, count);
    say("1 append in batches of 1,000, buffered", count as f64 / began.elapsed().as_secs_f64() / 1e6, "M/s");
    store.flush().unwrap();
    let began = Instant::now();
    store.close().unwrap();
    say("2 close", millis(began), "ms");
    let bytes: u64 =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    let index: u64 = std::fs::read_dir(dir)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_name().to_string_lossy().contains(".index"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    say("3 bytes on disk per event", bytes as f64 / count as f64, "B");
    say("3 of them for the index", index as f64 / count as f64, "B");
    // The system is not to be busy with this when the next step is measured.
    sync_files(dir);
}

fn measure(dir: &Path, count: u64) {
    let before = resident_bytes();
    let (began, reads) = (Instant::now(), file_reads("self"));
    let store = Store::open(config(dir)).unwrap();
    say("4 open after a clean close", millis(began), "ms");
    say("4 open after a clean close, reads of files", file_reads("self") - reads, "");
    assert_eq!(store.written(), Position::new(count));
    let open = resident_bytes().saturating_sub(before);
    say("5 memory after open", open as f64 / 1e6, "MB");
    tail(&store, count);
    entities(&store, count);
    ids(&store, count);
    versions(&store, count);
    worker(&store, count);
    let used = resident_bytes().saturating_sub(before);
    say("5 memory after use", used as f64 / 1e6, "MB");
    say("5 memory after use, per event", used as f64 / count as f64, "B");
    store.close().unwrap();
}

fn tail(store: &Store, count: u64) {
    let (rounds, began) = (200, Began::now());
    for _ in 0..rounds {
        let newest = store.read(&Region::all()).after(Position::new(count - 100));
        assert_eq!(newest.filter(|event| event.is_ok()).count(), 100);
    }
    began.say("6 read the newest 100", rounds);
}

fn entities(store: &Store, count: u64) {
    let (entities, began) = ((count / ENTITY_EVENTS).min(200), Began::now());
    for number in 0..entities {
        let name = entity(number * 7_919, count);
        assert_eq!(store.entity(&name).filter(|event| event.is_ok()).count() as u64, ENTITY_EVENTS);
    }
    began.say("7 read an entity of 500 events", entities);
}

fn ids(store: &Store, count: u64) {
    let numbers: Vec<u64> = (0..2_000).map(|number| number * 982_451_653 % count).collect();
    let at = |number: &u64| {
        let mut one = store.read(&Region::all()).after(Position::new(*number)).limit(1);
        one.next().unwrap().unwrap().id()
    };
    let ids: Vec<EventId> = numbers.iter().map(at).collect();
    let rounds = 10;
    let began = Began::now();
    for _ in 0..rounds {
        assert!(ids.iter().all(|id| store.get(*id).unwrap().is_some()));
    }
    began.say("8 get by id, random", ids.len() as u64 * rounds);
}

fn versions(store: &Store, count: u64) {
    let (lookups, began) = (20_000_u64, Began::now());
    for number in 0..lookups {
        let version = store.last_version(&entity(number * 7_919, count)).unwrap();
        assert_eq!(version.get(), ENTITY_EVENTS);
    }
    began.say("9 version of an entity", lookups);
    let began = Began::now();
    for number in 0..lookups {
        assert_eq!(store.last_version(&format!("nobody-{number}")).unwrap().get(), 0);
    }
    began.say("9 version of an entity that is not there", lookups);
}

/// A worker over the first five million events, or over all if those are fewer.
fn worker(store: &Store, count: u64) {
    let (events, mut handled) = (count.min(5_000_000), 0);
    let began = Instant::now();
    let config = CursorWorkerConfig::default().batch_size(1_024);
    let worker = store.cursor_worker(&Region::all(), config, move |batch, _| {
        handled += batch.iter().filter(|event| event.payload.len() == PAYLOAD_BYTES).count() as u64;
        if handled < events { CursorWorkerAction::Continue } else { CursorWorkerAction::Stop }
    });
    worker.unwrap().join().unwrap();
    say("A cursor worker", events as f64 / began.elapsed().as_secs_f64() / 1e6, "M/s");
}

/// The same reads when nothing of the store is in memory: every one of them goes to the disk.
fn cold(dir: &Path, count: u64) {
    if !evict(dir) {
        return;
    }
    let began = Instant::now();
    let store = Store::open(config(dir)).unwrap();
    say("4 open after a clean close, cold", millis(began), "ms");
    say_cold(dir, "6 read the newest 100", |_| {
        let newest = store.read(&Region::all()).after(Position::new(count - 100));
        assert_eq!(newest.filter(|event| event.is_ok()).count(), 100);
    });
    say_cold(dir, "7 read an entity of 500 events", |round| {
        let name = entity(round * 7_919, count);
        assert_eq!(store.entity(&name).filter(|event| event.is_ok()).count() as u64, ENTITY_EVENTS);
    });
    store.close().unwrap();
}

/// Prints the mean time of some reads, before each of which the files are dropped from the system's memory.
fn say_cold(dir: &Path, name: &str, mut read: impl FnMut(u64)) {
    let rounds = 10;
    let mut micros = 0.0;
    for round in 0..rounds {
        evict(dir);
        let began = Instant::now();
        read(round);
        micros += millis(began) * 1e3;
    }
    say(&format!("{name}, cold"), micros / rounds as f64, "us");
}

/// Waits until every file of a store is on the disk.
fn sync_files(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        std::fs::File::open(entry.unwrap().path()).unwrap().sync_all().unwrap();
    }
}

/// Drops every file of a store from the system's memory; false where that cannot be asked for.
fn evict(dir: &Path) -> bool {
    // What is not on the disk yet stays in memory.
    sync_files(dir);
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
    cfg!(target_os = "linux")
}

/// Appends until the growing segment is nearly full: then its lookups were told of longest ago.
fn fill_a_segment_and_die(dir: &Path, count: u64) {
    let store = Store::open(config(dir)).unwrap();
    let segments = store.stats().segments;
    let mut next = 0;
    while store.stats().segments == segments {
        append(&store, next..next + BATCH, count);
        next += BATCH;
    }
    let (begin, bytes) = (store.stats().bytes, 64_u64 << 20);
    while store.stats().bytes - begin < bytes - (2 << 20) && store.stats().segments == segments + 1 {
        append(&store, next..next + 10 * BATCH, count);
        next += 10 * BATCH;
    }
    std::process::abort();
}

fn reopen(dir: &Path) {
    let began = Instant::now();
    let store = Store::open(config(dir)).unwrap();
    say("4 open after a kill, the segment nearly full", millis(began), "ms");
    store.close().unwrap();
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Wall clock, processor time and reads of files of this thread. On a busy machine only the second and the third tell how
/// costs grow, and only the third has nothing of the processor's caches in it.
struct Began {
    wall: Instant,
    processor: f64,
    reads: f64,
}

impl Began {
    fn now() -> Self {
        Self { wall: Instant::now(), processor: processor_micros(), reads: file_reads("thread-self") }
    }

    /// Prints all three, for one of `count`.
    fn say(&self, name: &str, count: u64) {
        let wall = self.wall.elapsed().as_secs_f64() * 1e6;
        let (processor, reads) =
            (processor_micros() - self.processor, file_reads("thread-self") - self.reads);
        say(name, wall / count as f64, "us");
        say(&format!("{name}, processor"), processor / count as f64, "us");
        say(&format!("{name}, reads of files"), reads / count as f64, "");
    }
}

/// Microseconds that this thread has run, by the kernel's count.
fn processor_micros() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e3
}

/// How often a process or a thread has asked the system to read from a file, by the kernel's count.
fn file_reads(of: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{of}/io")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("syscr: "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// What of this process is in memory, by the kernel's count.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}
