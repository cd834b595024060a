//! fjall: a keyspace of events by position and an index by entity and version.

use crate::payload;
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Res, Store};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;

pub const PEER: Peer = Peer {
    name: "fjall",
    package: Some("fjall"),
    modes: "buffered: its journal is given to the system at each write (`PersistMode::Buffer`, its default). Durable: \
            `PersistMode::SyncData`. A keyspace by position and an index by entity and version, written as one batch.",
    fill: Mode::Buffered,
    scan_events_max: u64::MAX,
    open,
};

/// The two keyspaces and the database that writes them together.
#[derive(Clone)]
struct Log {
    database: Database,
    events: Keyspace,
    by_entity: Keyspace,
}

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    let database = Database::builder(dir).open()?;
    let events = database.keyspace("events", KeyspaceCreateOptions::default)?;
    let by_entity = database.keyspace("events_by_entity", KeyspaceCreateOptions::default)?;
    let log = Log { database, events, by_entity };
    let shared = log.clone();
    let mut store = Store::new(Box::new(move || Ok(shared.database.persist(PersistMode::SyncAll)?)));
    let shared = log.clone();
    store.caller = Ok(Box::new(move || Ok(caller(shared.clone(), mode))));
    let shared = log.clone();
    store.scan = Ok(Box::new(move || scan(&shared.events, |_| Ok(()))));
    let shared = log.clone();
    store.checkpointed = Ok(Box::new(move || {
        let checkpoints = shared.database.keyspace("checkpoints", KeyspaceCreateOptions::default)?;
        scan(&shared.events, |position| {
            checkpoints.insert("worker", position)?;
            Ok(shared.database.persist(PersistMode::SyncData)?)
        })
    }));
    let shared = log.clone();
    store.entity = Ok(Box::new(move || Ok(Box::new(move |entity| read_entity(&shared, entity)))));
    let shared = log.clone();
    store.tail = Ok(Box::new(move || Ok(Box::new(move |count| read_tail(&shared.events, count)))));
    store.get = Ok(Box::new(move || Ok(Box::new(move |sequence| get(&log.events, &sequence.to_be_bytes())))));
    Ok(store)
}

fn caller(log: Log, mode: Mode) -> Caller {
    let persist = if mode == Mode::Durable { PersistMode::SyncData } else { PersistMode::Buffer };
    Box::new(move |first, count| {
        let mut batch = log.database.batch().durability(Some(persist));
        for sequence in first..first + count {
            let key =
                [payload::entity(sequence).as_bytes(), &payload::version(sequence).to_be_bytes()].concat();
            batch.insert(&log.events, sequence.to_be_bytes(), payload::value(sequence));
            batch.insert(&log.by_entity, key, sequence.to_be_bytes());
        }
        Ok(batch.commit()?)
    })
}

fn get(events: &Keyspace, position: &[u8]) -> Res<u64> {
    let value = events.get(position)?.ok_or("an event is missing")?;
    Ok(payload::touch(payload::in_value(&value)))
}

fn read_entity(log: &Log, entity: u64) -> Res<u64> {
    let positions = log.by_entity.prefix(payload::entity(entity));
    positions.map(|item| get(&log.events, &item.value()?)).sum()
}

fn read_tail(events: &Keyspace, count: u64) -> Res<u64> {
    let newest = events.iter().rev().take(count as usize);
    newest.map(|item| Ok(payload::touch(payload::in_value(&item.value()?)))).sum()
}

fn scan(events: &Keyspace, checkpoint: impl Fn(&[u8]) -> Res<()>) -> Res<u64> {
    let mut count = 0;
    for item in events.iter() {
        let (position, value) = item.into_inner()?;
        payload::touch(payload::in_value(&value));
        count += 1;
        if count % CHECKPOINT_EVERY as u64 == 0 {
            checkpoint(&position)?;
        }
    }
    Ok(count)
}
