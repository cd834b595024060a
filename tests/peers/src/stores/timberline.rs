//! Timberline: ours.

use crate::payload::{self, BYTES, ENTITIES};
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Pipeline, Res, Scan, Stop, Store, fresh_id};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;
use timberline::{
    CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, Durability, EventId, NewEvent,
    Payload, Position, Region, Store as Timberline,
};

pub const PEER: Peer = Peer {
    name: super::OURS,
    package: Some("timberline"),
    modes: "buffered: `Durability::Buffered`, synced by its flush timer every 100 ms. Durable: `Durability::Durable`, its \
            default. All other settings are the defaults; index by entity, scope, kind, id and idempotency key.",
    fill: Mode::Buffered,
    scan_events_max: u64::MAX,
    open,
};

/// Appends of a pipeline that are under way at once: as many as for the other peers.
const PIPELINE: usize = 1_024;

/// What the handler of a scan is given at once where no checkpoint limits it.
const SCAN_BATCH: usize = 1_024;

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Measured(ByteArray<BYTES>);

impl Payload for Measured {
    const KIND: &'static str = payload::KIND;
}

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    let durability = if mode == Mode::Durable { Durability::Durable } else { Durability::Buffered };
    let timberline = Arc::new(Timberline::open(Config::new(dir).durability(durability))?);
    let shared = timberline.clone();
    let mut store = Store::new(Box::new(move || {
        shared.close()?;
        Ok(())
    }));
    let shared = timberline.clone();
    store.caller = Ok(Box::new(move || caller(shared.clone())));
    let shared = timberline.clone();
    store.pipeline = Ok(Box::new(move || pipeline(shared.clone())));
    store.scan = Ok(worker(timberline.clone(), None));
    store.checkpointed = Ok(worker(timberline.clone(), Some(fresh_id())));
    let shared = timberline.clone();
    store.entity = Ok(Box::new(move || {
        Ok(Box::new(move |entity| {
            shared
                .entity(payload::entity(entity))
                .map(|event| Ok(payload::touch(payload::in_value(event?.payload()))))
                .sum()
        }))
    }));
    let shared = timberline.clone();
    store.tail = Ok(Box::new(move || {
        Ok(Box::new(move |count| {
            let before = Position::new(shared.written().get() - count);
            let newest = shared.read(&Region::all()).after(before);
            newest.map(|event| Ok(payload::touch(payload::in_value(event?.payload())))).sum()
        }))
    }));
    let shared = timberline.clone();
    store.get = Ok(Box::new(move || {
        let ids = shared.read(&Region::all()).map(|event| Ok(event?.id())).collect::<Res<Vec<EventId>>>()?;
        Ok(Box::new(move |sequence| {
            let event = shared
                .get(*ids.get(sequence as usize).ok_or("an event is missing")?)?
                .ok_or("an event is missing")?;
            Ok(payload::touch(payload::in_value(event.payload())))
        }))
    }));
    store.handler = Ok(Box::new(move |seen| handler(&timberline, mode, seen)));
    Ok(store)
}

/// The coordinates of all entities: a program that appends to an entity again keeps its coordinate.
fn coordinates() -> Res<Vec<Coordinate>> {
    (0..ENTITIES).map(|entity| Ok(Coordinate::new(payload::entity(entity), "bench")?)).collect()
}

fn body(sequence: u64) -> Measured {
    Measured(ByteArray::new(payload::payload(sequence)))
}

fn caller(timberline: Arc<Timberline>) -> Res<Caller> {
    let coordinates = coordinates()?;
    Ok(Box::new(move |first, count| {
        let coordinate = |sequence| &coordinates[(sequence % ENTITIES) as usize];
        if count == 1 {
            timberline.append(coordinate(first), &body(first))?;
            return Ok(());
        }
        let event = |sequence| NewEvent::new(coordinate(sequence), &body(sequence));
        timberline.append_batch((first..first + count).map(event).collect::<Result<Vec<_>, _>>()?)?;
        Ok(())
    }))
}

fn pipeline(timberline: Arc<Timberline>) -> Res<Pipeline> {
    let coordinates = coordinates()?;
    Ok(Box::new(move |first, count| {
        let mut under_way = VecDeque::with_capacity(PIPELINE);
        for sequence in first..first + count {
            if under_way.len() == PIPELINE {
                let oldest: timberline::Ticket = under_way.pop_front().ok_or("nothing is under way")?;
                oldest.wait()?;
            }
            let coordinate = &coordinates[(sequence % ENTITIES) as usize];
            under_way.push_back(timberline.submit(coordinate, &body(sequence))?);
        }
        under_way.into_iter().try_for_each(|ticket| ticket.wait().map(drop).map_err(Into::into))
    }))
}

/// A cursor worker that reads everything there is, then stops.
fn worker(timberline: Arc<Timberline>, checkpoint: Option<String>) -> Scan {
    Box::new(move || {
        let all = timberline.stats().events;
        let config = match checkpoint {
            Some(id) => {
                CursorWorkerConfig::default().batch_size(CHECKPOINT_EVERY).checkpoint(CheckpointId::new(id)?)
            }
            None => CursorWorkerConfig::default().batch_size(SCAN_BATCH),
        };
        let (done, count) = channel();
        let mut handled = 0;
        let worker = timberline.cursor_worker(&Region::all(), config, move |batch, _| {
            let bytes: u64 = batch.iter().map(|event| payload::touch(payload::in_value(event.payload))).sum();
            handled += bytes / BYTES as u64;
            if handled < all {
                return CursorWorkerAction::Continue;
            }
            match done.send(handled) {
                Ok(()) => CursorWorkerAction::Stop,
                Err(_) => CursorWorkerAction::StopWithRollback,
            }
        })?;
        worker.join()?;
        Ok(count.recv()?)
    })
}

fn handler(timberline: &Timberline, mode: Mode, seen: Sender<Instant>) -> Res<Stop> {
    // Only a worker with a checkpoint waits for the disk before it sees an event.
    let config = match mode {
        Mode::Buffered => CursorWorkerConfig::default(),
        Mode::Durable => CursorWorkerConfig::default().checkpoint(CheckpointId::new(fresh_id())?),
    };
    let worker = timberline.cursor_worker(&Region::all(), config, move |batch, _| {
        let now = Instant::now();
        match batch.iter().try_for_each(|_| seen.send(now)) {
            Ok(()) => CursorWorkerAction::Continue,
            Err(_) => CursorWorkerAction::Stop,
        }
    })?;
    Ok(Box::new(move || Ok(worker.stop_and_join()?)))
}
