//! SQLite in WAL mode: the `events` table that people use today.

use crate::payload;
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Res, Store};
use rusqlite::{Connection, ToSql, params};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub const PEER: Peer = Peer {
    name: "sqlite",
    package: Some("rusqlite"),
    modes: "WAL, prepared statements, `UNIQUE (entity, version)`. Buffered: `synchronous = NORMAL` (syncs at its own checkpoints \
            only). Durable: `synchronous = FULL`. Several callers share one connection under a lock, which is faster \
            than a connection each.",
    fill: Mode::Buffered,
    scan_events_max: u64::MAX,
    open,
};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY, entity TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
        payload BLOB NOT NULL, UNIQUE (entity, version));
    CREATE TABLE IF NOT EXISTS checkpoints (id TEXT PRIMARY KEY, position INTEGER NOT NULL);";

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join("events.sqlite");
    let connection = connect(&path, mode)?;
    connection.execute_batch(SCHEMA)?;
    let connection = Arc::new(Mutex::new(connection));
    let shared = connection.clone();
    let mut store = Store::new(Box::new(move || {
        drop(shared);
        Ok(())
    }));
    store.caller = Ok(Box::new(move || Ok(caller(connection.clone()))));
    let from = path.clone();
    store.scan = Ok(Box::new(move || scan(&connect(&from, Mode::Buffered)?, None)));
    let from = path.clone();
    store.checkpointed =
        Ok(Box::new(move || scan(&connect(&from, Mode::Buffered)?, Some(&connect(&from, Mode::Durable)?))));
    let from = path.clone();
    store.entity = Ok(Box::new(move || {
        let connection = connect(&from, Mode::Buffered)?;
        Ok(Box::new(move |entity| {
            let sql = "SELECT payload FROM events WHERE entity = ? ORDER BY version";
            payloads(&connection, sql, payload::entity(entity))
        }))
    }));
    let from = path.clone();
    store.tail = Ok(Box::new(move || {
        let connection = connect(&from, Mode::Buffered)?;
        let sql = "SELECT payload FROM events ORDER BY position DESC LIMIT ?";
        Ok(Box::new(move |count| payloads(&connection, sql, count as i64)))
    }));
    store.get = Ok(Box::new(move || {
        let connection = connect(&path, Mode::Buffered)?;
        Ok(Box::new(move |sequence| {
            let mut statement = connection.prepare_cached("SELECT payload FROM events WHERE position = ?")?;
            Ok(statement
                .query_row([sequence as i64], |row| Ok(payload::touch(row.get_ref(0)?.as_blob()?)))?)
        }))
    }));
    Ok(store)
}

fn connect(path: &Path, mode: Mode) -> Res<Connection> {
    let connection = Connection::open(path)?;
    let synchronous = if mode == Mode::Durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

fn caller(connection: Arc<Mutex<Connection>>) -> Caller {
    Box::new(move |first, count| {
        let mut connection = connection.lock().map_err(|_| "poisoned")?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?)")?;
            for sequence in first..first + count {
                let (entity, version) = (payload::entity(sequence), payload::version(sequence) as i64);
                let payload = payload::payload(sequence);
                insert.execute(params![
                    sequence as i64,
                    entity,
                    version,
                    payload::KIND,
                    payload.as_slice()
                ])?;
            }
        }
        Ok(transaction.commit()?)
    })
}

fn payloads(connection: &Connection, sql: &str, parameter: impl ToSql) -> Res<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([parameter])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += payload::touch(row.get_ref(0)?.as_blob()?);
    }
    Ok(bytes)
}

fn scan(connection: &Connection, checkpoints: Option<&Connection>) -> Res<u64> {
    let mut statement = connection.prepare("SELECT position, payload FROM events ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        payload::touch(row.get_ref(1)?.as_blob()?);
        count += 1;
        if let Some(checkpoints) = checkpoints
            && count % CHECKPOINT_EVERY as u64 == 0
        {
            let position: i64 = row.get(0)?;
            checkpoints
                .prepare_cached("INSERT OR REPLACE INTO checkpoints VALUES ('worker', ?)")?
                .execute([position])?;
        }
    }
    Ok(count)
}
