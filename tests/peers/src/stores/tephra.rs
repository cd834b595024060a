//! tephra: an event store with one durable mode.

use crate::payload::{self, ENTITIES};
use crate::store::{Caller, Mode, Peer, Res, Stop, Store};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use tephra::read::Reads;
use tephra::{
    Event, EventType, Position, Query, QueryItem, SegmentConfig, SegmentSet, Tag, Tags, WriteCoordinator,
    WriteHandle, WriterConfig,
};

pub const PEER: Peer = Peer {
    name: "tephra",
    package: Some("tephra"),
    modes: "one mode, durable: every append waits for the sync that its commit shares with what arrived meanwhile. The \
            entity is a tag. Segments of 64 MiB. Get by id is a read of one event after a position.",
    fill: Mode::Durable,
    scan_events_max: u64::MAX,
    open,
};

/// Bytes of a segment file, the same as our default: it takes the space of a whole segment at once.
const SEGMENT_BYTES: usize = 64 << 20;

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    let set = SegmentSet::open(dir, SegmentConfig::new(SEGMENT_BYTES))?;
    let (coordinator, handle) = WriteCoordinator::start(set, WriterConfig::default())?;
    let mut store = Store::new(Box::new(move || {
        coordinator.shutdown();
        Ok(())
    }));
    if mode == Mode::Buffered {
        store.caller = Err("it has no buffered mode: every append waits for its sync");
        store.pipeline = Err("it has no buffered mode: every append waits for its sync");
        store.handler = Err("it has no buffered mode: every append waits for its sync");
        return Ok(store);
    }
    let shared = handle.clone();
    store.caller = Ok(Box::new(move || caller(shared.clone())));
    let shared = handle.clone();
    store.scan = Ok(Box::new(move || Ok(read(&shared, &Query::all(), Position::ZERO, None)?.0)));
    let shared = handle.clone();
    store.entity = Ok(Box::new(move || {
        Ok(Box::new(move |entity| {
            Ok(read(&shared, &query(payload::entity(entity))?, Position::ZERO, None)?.1)
        }))
    }));
    let shared = handle.clone();
    store.tail = Ok(Box::new(move || {
        let all = Query::all();
        Ok(Box::new(move |count| Ok(sum(shared.read_back(&all, Position::MAX, Some(count)))?.1)))
    }));
    let shared = handle.clone();
    store.get = Ok(Box::new(move || {
        let all = Query::all();
        Ok(Box::new(move |sequence| Ok(read(&shared, &all, Position::new(sequence), Some(1))?.1)))
    }));
    store.handler = Ok(Box::new(move |seen| Ok(handler(&handle, seen))));
    Ok(store)
}

fn tags(entity: &str) -> Res<Tags> {
    Ok(Tags::new([Tag::new(entity)?])?)
}

fn query(entity: &str) -> Res<Query> {
    Ok(Query::item(QueryItem::with_tags(tags(entity)?)))
}

fn caller(handle: WriteHandle) -> Res<Caller> {
    let kind = EventType::new(payload::KIND)?;
    let all_tags = (0..ENTITIES).map(|entity| tags(payload::entity(entity))).collect::<Res<Vec<_>>>()?;
    Ok(Box::new(move |first, count| {
        let event = |sequence| {
            let tags = &all_tags[(sequence % ENTITIES) as usize];
            Event::new(&kind, tags, &payload::payload(sequence))
        };
        let events = (first..first + count).map(event).collect::<Result<Vec<_>, _>>()?;
        handle.append(events, None)?;
        Ok(())
    }))
}

fn read(handle: &WriteHandle, query: &Query, after: Position, limit: Option<u64>) -> Res<(u64, u64)> {
    sum(handle.read(query, after, limit))
}

/// Answers the events and the bytes of their payloads.
fn sum(mut reads: Reads) -> Res<(u64, u64)> {
    let (mut count, mut bytes) = (0, 0);
    while let Some(item) = reads.next() {
        bytes += payload::touch(item?.event.data());
        count += 1;
    }
    Ok((count, bytes))
}

fn handler(handle: &WriteHandle, seen: Sender<Instant>) -> Stop {
    let mut subscription = handle.subscribe(Query::all(), handle.head());
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    let thread = std::thread::spawn(move || -> Res<()> {
        while !stopped.load(Ordering::Relaxed) {
            subscription.wait_timeout(Duration::from_millis(50));
            let batch = subscription.poll_batch()?;
            let now = Instant::now();
            batch.iter().try_for_each(|_| seen.send(now))?;
        }
        Ok(())
    });
    Box::new(move || {
        stop.store(true, Ordering::Relaxed);
        thread.join().map_err(|_| "the subscriber panicked")?
    })
}
