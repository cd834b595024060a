//! The fuzz targets: each takes bytes and may do anything with them but panic, hang, or believe what is not true.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use timberline::storage::simulated::{Image, SimulatedDisk};
use timberline::supervisors::simulation::{Recorded, Simulation};
use timberline::{
    CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Durability, NewEvent, Payload,
    Region, Store, journal,
};

/// Decodes what it was made from. What is made before, copies and all, is not the decoder's.
pub type Decoding = Box<dyn FnOnce()>;

/// What is done with bytes.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// They are decoded, in every way that there is: tried much more often than what runs a store, and weighed.
    Decode(fn(&[u8]) -> Vec<Decoding>),
    /// A store is run.
    Run(fn(&[u8])),
}

/// A target by its name.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of its corpus.
    pub name: &'static str,
    /// What is done with the bytes.
    pub act: Act,
}

impl Target {
    /// Does it.
    pub fn run(&self, bytes: &[u8]) {
        match self.act {
            Act::Decode(decodings) => decodings(bytes).into_iter().for_each(|decode| decode()),
            Act::Run(run) => run(bytes),
        }
    }
}

/// All targets.
pub const TARGETS: [Target; 8] = [
    Target { name: "records", act: Act::Decode(records) },
    Target { name: "frame", act: Act::Decode(frame) },
    Target { name: "segment", act: Act::Decode(segment) },
    Target { name: "index_file", act: Act::Decode(index_file) },
    Target { name: "region", act: Act::Decode(region) },
    Target { name: "config", act: Act::Run(config) },
    Target { name: "directory", act: Act::Run(directory) },
    Target { name: "choices", act: Act::Run(choices) },
];

#[derive(Debug, Serialize, Deserialize)]
struct Note(u64);

impl Payload for Note {
    const KIND: &'static str = "Note";
}

fn note(n: u64) -> NewEvent {
    let place = Coordinate::new(format!("tree-{}", n % 3), "wood").unwrap();
    NewEvent::new(&place, &Note(n)).unwrap()
}

fn small() -> Config {
    Config::new("simulated")
        .commit_bytes_max(16 << 10)
        .segment_bytes(64 << 10)
        .preallocate_bytes(4 << 10)
        .record_bytes_max(4 << 10)
}

/// Each decoding, and that it does not tell of more pieces than there are bytes for.
fn at_most(most: usize, decodings: Vec<Box<dyn FnOnce() -> usize>>) -> Vec<Decoding> {
    let checked = |decode: Box<dyn FnOnce() -> usize>| -> Decoding {
        Box::new(move || assert!(decode() <= most, "more pieces than bytes for them"))
    };
    decodings.into_iter().map(checked).collect()
}

fn records(bytes: &[u8]) -> Vec<Decoding> {
    // A record has a length, a checksum and a tag.
    at_most(bytes.len() / 6 + 1, journal::fuzzing::records(bytes))
}

fn frame(bytes: &[u8]) -> Vec<Decoding> {
    at_most(bytes.len() / 6 + 1, journal::fuzzing::frame(bytes))
}

fn segment(bytes: &[u8]) -> Vec<Decoding> {
    at_most(bytes.len() / 64, journal::fuzzing::segment(bytes))
}

fn index_file(bytes: &[u8]) -> Vec<Decoding> {
    at_most(usize::MAX, timberline::index_fuzzing::file(bytes))
}

fn region(bytes: &[u8]) -> Vec<Decoding> {
    let bytes = bytes.to_vec();
    vec![Box::new(move || {
        let Ok(region) = Region::from_bytes(&bytes) else { return };
        assert!(region.term_count() <= bytes.len(), "more terms than bytes for them");
        assert_eq!(region.to_bytes(), bytes, "a canonical form that is none");
        let _ = region.matches("tree-1", "wood", Note::KIND);
    })]
}

/// Reads numbers and choices off the input; zeros after its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn below(&mut self, n: usize) -> usize {
        let n = n.max(1);
        let wide = if n > 256 { usize::from(self.byte()) << 16 | usize::from(self.byte()) << 8 } else { 0 };
        (wide | usize::from(self.byte())) % n
    }

    /// A number of any size: so many bits, and then what the bits are.
    fn number(&mut self) -> u64 {
        let bits = u32::from(self.byte() % 65);
        let number = (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()));
        number.checked_shr(64 - bits).unwrap_or(0)
    }
}

fn config(bytes: &[u8]) {
    let mut input = Input(bytes);
    let commit = input.number();
    let config = Config::new("simulated")
        .commit_bytes_max(commit)
        .segment_bytes(input.number())
        .preallocate_bytes(input.number())
        .record_bytes_max(input.number())
        .batch_events_max(input.number())
        .mailbox_messages(input.number())
        .open_files_max(input.number())
        .index_cache_bytes(input.number())
        .flush_interval(Duration::from_micros(input.number()))
        .call_deadline(Duration::from_micros(input.number()))
        .shutdown_deadline(Duration::from_micros(input.number()));
    let simulation = Simulation::new(Recorded::new(Vec::new()));
    let disk = SimulatedDisk::new();
    disk.set_space_bytes(Some(1 << 20));
    let builder = Store::builder(config.clone()).simulated(simulation.runtime(), Arc::new(disk.clone()));
    match (config.validate(), builder.open()) {
        (Err(_), opened) => assert!(opened.is_err(), "a config that is refused opens a store"),
        (Ok(()), Ok(store)) => {
            let stored = store.append(&Coordinate::new("tree", "wood").unwrap(), &Note(1)).is_ok();
            assert_eq!(store.read(&Region::all()).count(), usize::from(stored));
            let _ = store.close();
        }
        (Ok(()), Err(error)) => assert!(!error.to_string().contains("panic"), "{error}"),
    }
}

/// A store of a few segments, with a checkpoint and files of the index, made once.
fn grown() -> &'static Image {
    static GROWN: std::sync::OnceLock<Image> = std::sync::OnceLock::new();
    GROWN.get_or_init(|| {
        let simulation = Simulation::new(Recorded::new(Vec::new()));
        let disk = SimulatedDisk::new();
        let store = opened(&simulation, &disk).unwrap();
        for n in (1..=1_500).step_by(15) {
            store.append_batch((n..n + 15).map(note).collect()).unwrap();
        }
        let id = CheckpointId::new("tally").unwrap();
        let worker = store
            .cursor_worker(&Region::all(), CursorWorkerConfig::default().checkpoint(id), |_, _| {
                CursorWorkerAction::Stop
            })
            .unwrap();
        worker.join().unwrap();
        simulation.settle();
        store.close().unwrap();
        disk.image()
    })
}

fn opened(simulation: &Simulation, disk: &SimulatedDisk) -> Result<Store, timberline::OpenError> {
    Store::builder(small()).simulated(simulation.runtime(), Arc::new(disk.clone())).open()
}

/// The grown store's files, with these bytes put over and between them: opened, read, verified, written to.
fn directory(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut image = grown().clone();
    while !input.0.is_empty() {
        change(&mut image, &mut input);
    }
    let simulation = Simulation::new(Recorded::new(Vec::new()));
    let disk = SimulatedDisk::from_image(image);
    match opened(&simulation, &disk) {
        Ok(store) => {
            // A read may meet damage and ends there; a number that no note had would be a lie.
            for event in store.read(&Region::kind(Note::KIND)).map_while(Result::ok) {
                let Note(n) = event.payload_as().expect("a note that checked out reads as one");
                assert!(n <= 1_501, "an event that nobody wrote");
            }
            let _ = store.verify();
            if let Err(error) = store.append_batch(vec![note(1_501)]) {
                assert!(!error.to_string().contains("panic"), "{error}");
            }
            let _ = store.close();
        }
        Err(error) => assert!(!error.to_string().contains("panic"), "{error}"),
    }
}

fn change(image: &mut Image, input: &mut Input<'_>) {
    let names: Vec<String> = image.names().map(str::to_owned).collect();
    let Some(name) = names.get(input.below(names.len())) else { return input.0 = &[] };
    let mut bytes = image.bytes(name).unwrap_or_default();
    let at = input.below(bytes.len());
    match input.below(5) {
        0 => {
            let count = input.below(64).min(bytes.len() - at);
            bytes[at..at + count].iter_mut().for_each(|byte| *byte = input.byte());
        }
        1 => bytes.truncate(at),
        2 => return image.delete(name),
        3 => {
            // The bytes under the name of another file, or of one that is not there.
            let other = match input.below(4) {
                0 => journal::segment_name(1 + input.below(9) as u32),
                1 => format!("{:010}.index", 1 + input.below(9)),
                _ => names[input.below(names.len())].clone(),
            };
            return image.put(&other, &bytes);
        }
        _ => {
            let (from, count) = (input.below(bytes.len()), input.below(1_024));
            let count = count.min(bytes.len() - from.max(at));
            bytes.copy_within(from..from + count, at);
        }
    }
    image.put(name, &bytes);
}

/// A store's life, a power cut and a second life in which every choice of actors, caller and disk is a byte.
fn choices(bytes: &[u8]) {
    let (disk_bytes, actor_bytes) = bytes.split_at(bytes.len() / 2);
    let mut input = Input(disk_bytes);
    let choices = actor_bytes.iter().map(|byte| usize::from(*byte)).collect();
    let simulation = Simulation::new(Recorded::new(choices));
    let disk = SimulatedDisk::new();
    let store = opened(&simulation, &disk).unwrap();
    let (mut acknowledged, mut next) = (Vec::new(), 1);
    for _ in 0..1 + input.below(24) {
        let count = 1 + input.below(5) as u64;
        let batch: Vec<_> = (next..next + count).map(note).collect();
        next += count;
        match input.below(4) {
            0 => acknowledged.extend(store.append_batch(batch).unwrap()),
            1 => acknowledged.extend(store.submit_batch(batch).unwrap().wait().unwrap()),
            2 => {
                let buffered = batch.into_iter().map(|event| event.durability(Durability::Buffered));
                drop(store.append_batch(buffered.collect()).unwrap());
            }
            _ => drop(store.submit_batch(batch).unwrap()),
        }
    }
    if input.below(2) == 1 {
        simulation.settle();
    }
    let crashed = disk.crash(&mut |count| input.below(count));
    drop(store);
    let store = opened(&simulation, &crashed).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    for receipt in acknowledged {
        let event = store.get(receipt.id).unwrap().expect("an event with a durable receipt");
        assert_eq!((event.position(), event.version()), (receipt.position, receipt.version));
    }
    let numbers: Vec<u64> =
        store.read(&Region::all()).map(|event| event.unwrap().payload_as::<Note>().unwrap().0).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "the notes are no prefix: {numbers:?}");
    store.close().unwrap();
}

/// Bytes that each target takes well, to begin from.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let image = grown();
    let of = |sort: &str| {
        let names = image.names().filter(move |name| name.contains(sort));
        names.filter_map(|name| image.bytes(name)).collect::<Vec<_>>()
    };
    let segment = || of(".segment").remove(0);
    match target {
        "records" => vec![segment()[512 + 64..2_000].to_vec()],
        "frame" => vec![segment()[512..2_000].to_vec()],
        "segment" => vec![segment()[..8_000].to_vec()],
        "index_file" => [of(".index"), timberline::index_fuzzing::greedy().unwrap()].concat(),
        "region" => vec![
            Region::all().to_bytes(),
            Region::entity_prefix("tree").and(Region::kind("Note")).or(Region::scope("wood")).to_bytes(),
            // As many short terms as there may be; and a count of terms of three bytes each, and of no bytes.
            (0..Region::TERMS_MAX)
                .map(|n| Region::kind(format!("{n:x}")))
                .fold(Region::nothing(), Region::or)
                .to_bytes(),
            [&[0x88, 0x27][..], &[0; 15_000]].concat(),
            [0xff, 0xff, 0xff, 0x7f].repeat(1_500),
        ],
        "config" => vec![
            // commit 16 KiB, segment 64 KiB, and so on: what a small store has.
            [15_u64, 17, 13, 12, 7, 4, 6, 17, 10, 20, 20]
                .iter()
                .flat_map(|bits| [*bits as u8, 0x80, 0, 0, 0, 0, 0, 0, 0])
                .collect(),
        ],
        "directory" => vec![vec![0, 0, 9, 200, 0, 3, 1, 2, 3], vec![1, 0, 40, 0, 1], vec![2, 0, 0, 0, 2]],
        _ => vec![vec![7; 64], (0..=255).collect(), vec![0; 32]],
    }
}

/// Runs the target of this name.
///
/// # Panics
/// If there is no such target; and where the target does.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    target.run(bytes);
}
