//! What is measured of batpak, whatever its version.

// The versions differ in the type of an index entry's id.
#![allow(clippy::useless_conversion)]

use super::library::coordinate::{Coordinate, Region};
use super::library::event::EventKind;
use super::library::id::EventId;
use super::library::store::delivery::cursor::{CursorWorkerAction, CursorWorkerConfig};
use super::library::store::delivery::observation::CheckpointId;
use super::library::store::index::IndexEntry;
use super::library::store::{
    AppendOptions, AppendTicket, BatchAppendItem, CausationRef, Store as Batpak, StoreConfig, SyncMode,
    WatermarkKind,
};
use super::{NAME, PACKAGE, gate};
use crate::payload::{self, BYTES, ENTITIES};
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Pipeline, Res, Scan, Stop, Store, fresh_id};
use serde_bytes::ByteArray;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

pub const PEER: Peer = Peer {
    name: NAME,
    package: Some(PACKAGE),
    modes: "buffered: it never syncs between open and close (`sync_every_n_events` at its most). Durable: \
            `sync_every_n_events` 1, `SyncData`, group commit without a limit, and a durable gate on each append, \
            because its receipt alone is sent before the sync. Its cursor worker polls, with the `idle_sleep` of 10 ms \
            that is its default, and hands out index entries; the handler fetches each payload. In both modes a handler may see an event before it is synced.",
    fill: Mode::Buffered,
    scan_events_max: 20_000,
    open,
};

const KIND: EventKind = EventKind::custom(0xF, 1);
/// Appends of a pipeline that are under way at once: well inside its channel of 4,096.
const PIPELINE: usize = 1_024;

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    let every = if mode == Mode::Durable { 1 } else { u32::MAX };
    let config = StoreConfig::new(dir)
        .with_sync_every_n_events(every)
        .with_sync_mode(SyncMode::SyncData)
        .with_group_commit_max_batch(0);
    let batpak = Arc::new(Batpak::open(config)?);
    let shared = batpak.clone();
    let mut store = Store::new(Box::new(move || {
        let batpak = Arc::into_inner(shared).ok_or("the store is still shared")?;
        batpak.close()?;
        Ok(())
    }));
    let shared = batpak.clone();
    store.caller = Ok(Box::new(move || caller(shared.clone(), mode)));
    let shared = batpak.clone();
    store.pipeline = Ok(Box::new(move || pipeline(shared.clone())));
    store.scan = Ok(worker(batpak.clone(), None));
    store.checkpointed = Ok(worker(batpak.clone(), Some(fresh_id())));
    let shared = batpak.clone();
    store.entity = Ok(Box::new(move || {
        Ok(Box::new(move |entity| {
            let entries = shared.by_entity(payload::entity(entity));
            entries.iter().map(|entry| fetch(&shared, entry.event_id().into())).sum()
        }))
    }));
    let shared = batpak.clone();
    store.tail = Ok(Box::new(move || {
        let sequences: Vec<u64> = measured(&shared).iter().map(|entry| entry.global_sequence()).collect();
        Ok(Box::new(move |count| {
            let before = sequences[sequences.len() - count as usize - 1];
            let newest = shared.query_entries_after(&Region::all(), Some(before), count as usize);
            newest.iter().map(|entry| fetch(&shared, entry.event_id().into())).sum()
        }))
    }));
    let shared = batpak.clone();
    store.get = Ok(Box::new(move || {
        let ids: Vec<EventId> = measured(&shared).iter().map(|entry| entry.event_id().into()).collect();
        Ok(Box::new(move |sequence| {
            fetch(&shared, *ids.get(sequence as usize).ok_or("an event is missing")?)
        }))
    }));
    store.handler = Ok(Box::new(move |seen| handler(&batpak, seen)));
    Ok(store)
}

/// The coordinates of all entities: a program that appends to an entity again keeps its coordinate.
fn coordinates() -> Res<Vec<Coordinate>> {
    (0..ENTITIES).map(|entity| Ok(Coordinate::new(payload::entity(entity), "bench")?)).collect()
}

fn body(sequence: u64) -> ByteArray<BYTES> {
    ByteArray::new(payload::payload(sequence))
}

fn options(mode: Mode) -> AppendOptions {
    match mode {
        Mode::Buffered => AppendOptions::default(),
        Mode::Durable => {
            AppendOptions::default().with_gate(gate(WatermarkKind::Durable, Duration::from_secs(30)))
        }
    }
}

fn caller(batpak: Arc<Batpak>, mode: Mode) -> Res<Caller> {
    let coordinates = coordinates()?;
    Ok(Box::new(move |first, count| {
        let coordinate = |sequence| &coordinates[(sequence % ENTITIES) as usize];
        if count == 1 {
            drop(batpak.append_with_options(coordinate(first), KIND, &body(first), options(mode))?);
            return Ok(());
        }
        let item = |sequence| {
            let (coordinate, options) = (coordinate(sequence).clone(), AppendOptions::default());
            BatchAppendItem::new(coordinate, KIND, &body(sequence), options, CausationRef::None)
        };
        let items = (first..first + count).map(item).collect::<Result<Vec<_>, _>>()?;
        batpak.append_batch_with_options(items, options(mode))?;
        Ok(())
    }))
}

fn pipeline(batpak: Arc<Batpak>) -> Res<Pipeline> {
    let coordinates = coordinates()?;
    Ok(Box::new(move |first, count| {
        let mut under_way = VecDeque::with_capacity(PIPELINE);
        for sequence in first..first + count {
            if under_way.len() == PIPELINE {
                let oldest: AppendTicket = under_way.pop_front().ok_or("nothing is under way")?;
                drop(oldest.wait()?);
            }
            let coordinate = &coordinates[(sequence % ENTITIES) as usize];
            under_way.push_back(batpak.submit(coordinate, KIND, &body(sequence))?);
        }
        under_way.into_iter().try_for_each(|ticket| ticket.wait().map(drop).map_err(Into::into))
    }))
}

fn fetch(batpak: &Batpak, id: EventId) -> Res<u64> {
    Ok(payload::touch(payload::in_value(&batpak.read_raw(id)?.event.payload)))
}

/// The index entries of our events: the store appends events of its own when it is opened and closed.
fn measured(batpak: &Batpak) -> Vec<IndexEntry> {
    let mut entries = batpak.query(&Region::all());
    entries.retain(|entry| entry.event_kind() == KIND);
    entries
}

/// A cursor worker that reads everything there is, then stops.
fn worker(batpak: Arc<Batpak>, checkpoint: Option<String>) -> Scan {
    Box::new(move || {
        let all = batpak.stats().event_count;
        let mut delivered = 0;
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let mut config = CursorWorkerConfig::default();
        config.batch_size = CHECKPOINT_EVERY;
        config.checkpoint_id = checkpoint.map(CheckpointId::new).transpose()?;
        let worker = batpak.cursor_worker(&Region::all(), config, move |batch, batpak, _| {
            let read: Res<u64> = batch.iter().map(|entry| fetch(batpak, entry.event_id().into())).sum();
            let ours = batch.iter().filter(|entry| entry.event_kind() == KIND).count();
            counted.fetch_add(ours as u64, Ordering::Relaxed);
            delivered += batch.len();
            match read {
                Ok(_) if delivered < all => CursorWorkerAction::Continue,
                Ok(_) => CursorWorkerAction::Stop,
                Err(_) => CursorWorkerAction::StopWithRollback,
            }
        })?;
        worker.join()?;
        Ok(count.load(Ordering::Relaxed))
    })
}

fn handler(batpak: &Arc<Batpak>, seen: Sender<Instant>) -> Res<Stop> {
    let worker =
        batpak.cursor_worker(&Region::all(), CursorWorkerConfig::default(), move |batch, _, _| {
            let now = Instant::now();
            let mut ours = batch.iter().filter(|entry| entry.event_kind() == KIND);
            match ours.try_for_each(|_| seen.send(now)) {
                Ok(()) => CursorWorkerAction::Continue,
                Err(_) => CursorWorkerAction::Stop,
            }
        })?;
    Ok(Box::new(move || Ok(worker.stop_and_join()?)))
}
