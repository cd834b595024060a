//! redb: a table of events by position and an index by entity and version.

use crate::payload;
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Res, Store};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use std::path::Path;
use std::sync::Arc;

pub const PEER: Peer = Peer {
    name: "redb",
    package: Some("redb"),
    modes: "buffered: `Durability::None`, kept in the process, so less than buffered: a kill loses it. Durable: \
            `Durability::Immediate`. Several callers wait for one another's transactions. A table by position and \
            an index by entity and version, written in one transaction.",
    fill: Mode::Buffered,
    scan_events_max: u64::MAX,
    open,
};

const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
const BY_ENTITY: TableDefinition<(&str, u64), u64> = TableDefinition::new("events_by_entity");
const CHECKPOINTS: TableDefinition<&str, u64> = TableDefinition::new("checkpoints");

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    std::fs::create_dir_all(dir)?;
    let database = Arc::new(Database::create(dir.join("events.redb"))?);
    let durability = if mode == Mode::Durable { Durability::Immediate } else { Durability::None };
    let shared = database.clone();
    let mut store = Store::new(Box::new(move || {
        // An empty durable transaction: what was committed without durability is kept by the next that has it.
        let transaction = shared.begin_write()?;
        transaction.open_table(EVENTS)?;
        transaction.commit()?;
        Ok(())
    }));
    let shared = database.clone();
    store.caller = Ok(Box::new(move || Ok(caller(shared.clone(), durability))));
    let shared = database.clone();
    store.scan = Ok(Box::new(move || scan(&shared, false)));
    let shared = database.clone();
    store.checkpointed = Ok(Box::new(move || scan(&shared, true)));
    let shared = database.clone();
    store.entity = Ok(Box::new(move || {
        let transaction = shared.begin_read()?;
        let (events, by_entity) = (transaction.open_table(EVENTS)?, transaction.open_table(BY_ENTITY)?);
        Ok(Box::new(move |entity| {
            let name = payload::entity(entity);
            let mut bytes = 0;
            for item in by_entity.range((name, 0)..=(name, u64::MAX))? {
                let value = events.get(item?.1.value())?.ok_or("an event is missing")?;
                bytes += payload::touch(payload::in_value(value.value()));
            }
            Ok(bytes)
        }))
    }));
    let shared = database.clone();
    store.tail = Ok(Box::new(move || {
        let events = shared.begin_read()?.open_table(EVENTS)?;
        Ok(Box::new(move |count| {
            let newest = events.range::<u64>(..)?.rev().take(count as usize);
            newest.map(|item| Ok(payload::touch(payload::in_value(item?.1.value())))).sum()
        }))
    }));
    store.get = Ok(Box::new(move || {
        let events = database.begin_read()?.open_table(EVENTS)?;
        Ok(Box::new(move |sequence| {
            let value = events.get(sequence)?.ok_or("an event is missing")?;
            Ok(payload::touch(payload::in_value(value.value())))
        }))
    }));
    Ok(store)
}

fn caller(database: Arc<Database>, durability: Durability) -> Caller {
    Box::new(move |first, count| {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut events = transaction.open_table(EVENTS)?;
            let mut by_entity = transaction.open_table(BY_ENTITY)?;
            for sequence in first..first + count {
                events.insert(sequence, payload::value(sequence).as_slice())?;
                by_entity.insert((payload::entity(sequence), payload::version(sequence)), sequence)?;
            }
        }
        Ok(transaction.commit()?)
    })
}

fn scan(database: &Database, checkpointed: bool) -> Res<u64> {
    let events = database.begin_read()?.open_table(EVENTS)?;
    let mut count = 0;
    for item in events.range::<u64>(..)? {
        let (position, value) = item?;
        payload::touch(payload::in_value(value.value()));
        count += 1;
        if checkpointed && count % CHECKPOINT_EVERY as u64 == 0 {
            let transaction = database.begin_write()?;
            transaction.open_table(CHECKPOINTS)?.insert("worker", position.value())?;
            transaction.commit()?;
        }
    }
    Ok(count)
}
