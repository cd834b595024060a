//! A small store's life, the same for the same seed: batches over several segments, a worker that reacts, syncs.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Seeded, SimulatedDisk};
use timberline::supervisors::simulation::{self, Simulation};
use timberline::{
    AppendOptions, CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Durability,
    NewEvent, OpenError, Payload, Region, Store,
};

/// The entities that notes are spread over.
pub(super) const ENTITIES: u64 = 5;

/// Numbered from 1 in the order in which they were handed in; each knows its batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) n: u64,
    /// The number of its batch's first note, and how many there are.
    pub(super) batch: (u64, u64),
    filler: String,
}

impl Payload for Note {
    const KIND: &'static str = "Note";
}

/// What the worker makes of a note.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Echo(pub(super) u64);

impl Payload for Echo {
    const KIND: &'static str = "Echo";
}

/// The frame of a batch: the file it stands in, where it ends, its last note.
#[derive(Debug, Clone)]
pub(super) struct FrameEnd {
    pub(super) file: Arc<str>,
    pub(super) end: u64,
    pub(super) last: u64,
}

/// What a life knows of itself.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Notes handed in.
    pub(super) issued: u64,
    /// Notes with a receipt of any kind.
    pub(super) acknowledged: Vec<u64>,
    /// Notes with a durable receipt, or synced since.
    pub(super) durable: Vec<u64>,
    /// After how many disk operations how many notes were known to be durable.
    pub(super) promises: Vec<(usize, usize)>,
    pub(super) frames: Vec<FrameEnd>,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In good order.
    Closed,
    /// In the middle.
    Killed,
}

/// Opens the store on that disk, in a world of its own.
pub(super) fn open(disk: &SimulatedDisk) -> Result<Store, OpenError> {
    open_in(&Simulation::new(simulation::Seeded::new(1)), disk)
}

fn open_in(simulation: &Simulation, disk: &SimulatedDisk) -> Result<Store, OpenError> {
    let config = Config::new("simulated")
        .commit_bytes_max(16 << 10)
        .segment_bytes(64 << 10)
        .preallocate_bytes(4 << 10)
        .record_bytes_max(4 << 10)
        .batch_events_max(64)
        .index_cache_bytes(64 << 10);
    Store::builder(config).simulated(simulation.runtime(), Arc::new(disk.clone())).open()
}

impl Life {
    /// Lives until there are `segments` segments; whatever fails, it goes on as a caller would.
    pub(super) fn run(disk: &SimulatedDisk, seed: u64, segments: u64, end: End) -> Life {
        Life::default().go_on(disk, seed, segments, end)
    }

    /// What is known of it after a power cut: only what is durable is still promised.
    pub(super) fn survivor(&self) -> Life {
        let durable = self.durable.clone();
        Life { issued: self.issued, acknowledged: durable.clone(), durable, ..Life::default() }
    }

    /// Lives another life, on what the one before has left.
    pub(super) fn go_on(self, disk: &SimulatedDisk, seed: u64, segments: u64, end: End) -> Life {
        let mut life = self;
        let simulation = Simulation::new(simulation::Seeded::new(seed));
        let Ok(store) = open_in(&simulation, disk) else { return life };
        let mut draw = Seeded::new(seed);
        let mut failures = 0;
        while store.stats().segments < segments && failures < 8 {
            assert!(
                life.issued < 5_000,
                "it goes on for ever: {} segments, {failures} failures",
                store.stats().segments
            );
            let appended = life.append(disk, &store, &mut draw);
            failures = if appended { 0 } else { failures + 1 };
            if draw.choose(12) == 0 && store.flush().is_ok() {
                life.synced(disk);
            }
            if draw.choose(16) == 0 {
                life.echo(&simulation, &store, &mut draw);
                life.synced_by(disk, &store);
            }
        }
        if end == End::Closed && store.close().is_ok() {
            life.synced(disk);
        }
        life
    }

    fn append(&mut self, disk: &SimulatedDisk, store: &Store, draw: &mut Seeded) -> bool {
        let (first, count) = (self.issued + 1, 1 + draw.choose(6) as u64);
        self.issued += count;
        let durability = if draw.choose(3) == 0 { Durability::Durable } else { Durability::Buffered };
        let large = draw.choose(10) == 0;
        let events = (first..first + count).map(|n| note(n, (first, count), large, durability)).collect();
        let Ok(receipts) = store.append_batch(events) else { return false };
        self.acknowledged.extend(first..first + count);
        self.note_frame(disk, first + count - 1);
        if receipts.iter().all(|receipt| receipt.durability == Durability::Durable) {
            self.synced(disk);
        }
        true
    }

    /// The last write to a segment was the frame.
    fn note_frame(&mut self, disk: &SimulatedDisk, last: u64) {
        // A file keeps the name that it was made under.
        let is_frame = |kind, name: &str| kind == OperationKind::Write && name.contains(".segment");
        let operations = disk.operations();
        let frame = operations.iter().rev().find(|operation| is_frame(operation.kind, &operation.name));
        self.frames.extend(frame.map(|write| FrameEnd {
            file: write.name.trim_end_matches(".new").into(),
            end: write.offset + write.length,
            last,
        }));
    }

    /// Everything acknowledged is durable now.
    fn synced(&mut self, disk: &SimulatedDisk) {
        self.durable = self.acknowledged.clone();
        self.promises.push((disk.operations().len(), self.durable.len()));
    }

    fn synced_by(&mut self, disk: &SimulatedDisk, store: &Store) {
        if store.durable() == store.written() {
            self.synced(disk);
        }
    }

    /// A worker reacts to all notes that there are, some batches at a time.
    fn echo(&self, simulation: &Simulation, store: &Store, draw: &mut Seeded) {
        let config = CursorWorkerConfig::default()
            .batch_size(1 + draw.choose(20))
            .checkpoint(CheckpointId::new("echo").unwrap());
        let mut batches = 1 + draw.choose(6);
        let worker = store.cursor_worker(&Region::kind(Note::KIND), config, move |batch, context| {
            for event in batch {
                let echo = Echo(event.payload_as::<Note>().unwrap().n);
                context.react_to(&event, NewEvent::new(&at("echo"), &echo).unwrap());
            }
            batches -= 1;
            if batches == 0 { CursorWorkerAction::Stop } else { CursorWorkerAction::Continue }
        });
        simulation.settle();
        // One that has nothing left to do waits for more: it is stopped.
        let _ = worker.map(|worker| worker.stop_and_join());
    }
}

fn at(entity: &str) -> Coordinate {
    Coordinate::new(entity, "wood").unwrap()
}

fn note(n: u64, batch: (u64, u64), large: bool, durability: Durability) -> NewEvent {
    // No byte is zero, so that no cut goes unnoticed.
    let length = if large { 2_000 } else { 300 + n * 37 % 900 };
    let filler = char::from(b'a' + (n % 26) as u8).to_string().repeat(length as usize);
    let options = AppendOptions::new().durability(durability);
    let note = Note { n, batch, filler };
    NewEvent::new(&at(&format!("tree-{}", n % ENTITIES)), &note).unwrap().with(options)
}
