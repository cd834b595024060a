//! The floor: what the kernel and the CPU cost with no store at all, one plain file of payloads.

use crate::payload::{self, BYTES, ENTITIES};
use crate::store::{CHECKPOINT_EVERY, Caller, Mode, Peer, Res, Store};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub const PEER: Peer = Peer {
    name: super::FLOOR,
    package: None,
    modes: "buffered: `write` calls on one file. Durable: `pwrite` into space already written, then `fdatasync`; \
            several callers: one such write holds an event of each.",
    fill: Mode::Buffered,
    scan_events_max: u64::MAX,
    open,
};

/// Bytes of the file that are written ahead of a durable run.
const AHEAD_BYTES: usize = 64 << 20;

/// Who is told of an append.
type Bell = Arc<Mutex<Option<Sender<()>>>>;

fn open(dir: &Path, mode: Mode) -> Res<Store> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join("events");
    let file = Arc::new(
        OpenOptions::new().create(true).append(mode == Mode::Buffered).read(true).write(true).open(&path)?,
    );
    if mode == Mode::Durable {
        write_ahead(&file)?;
    }
    let events = file.metadata()?.len() / BYTES as u64;
    let bell = Bell::default();
    let mut store = Store::new(Box::new(|| Ok(())));
    let (shared, ring) = (file.clone(), bell.clone());
    store.caller = Ok(Box::new(move || Ok(caller(shared.clone(), mode, ring.clone()))));
    let shared = file.clone();
    store.pipeline = Ok(Box::new(move || {
        let mut append = caller(shared.clone(), Mode::Buffered, Bell::default());
        Ok(Box::new(move |first, count| {
            (first..first + count).step_by(100).try_for_each(|first| append(first, 100))
        }))
    }));
    let shared = file.clone();
    store.scan = Ok(Box::new(move || scan(&shared, None)));
    let (shared, aside) = (file.clone(), dir.join("checkpoint"));
    store.checkpointed = Ok(Box::new(move || scan(&shared, Some(File::create(aside)?))));
    let shared = file.clone();
    store.entity = Ok(Box::new(move || {
        Ok(Box::new(move |entity| {
            (entity..events).step_by(ENTITIES as usize).map(|event| read_one(&shared, event)).sum()
        }))
    }));
    let shared = file.clone();
    store.tail = Ok(Box::new(move || {
        Ok(Box::new(move |count| {
            let mut bytes = vec![0; count as usize * BYTES];
            shared.read_exact_at(&mut bytes, (events - count) * BYTES as u64)?;
            Ok(bytes.chunks(BYTES).map(payload::touch).sum())
        }))
    }));
    store.get = Ok(Box::new(move || Ok(Box::new(move |event| read_one(&file, event)))));
    store.handler = Ok(Box::new(move |seen| {
        let (ring, rung) = channel();
        *bell.lock().map_err(|_| "poisoned")? = Some(ring);
        let thread = std::thread::spawn(move || rung.iter().all(|()| seen.send(Instant::now()).is_ok()));
        Ok(Box::new(move || {
            *bell.lock().map_err(|_| "poisoned")? = None;
            thread.join().map(drop).map_err(|_| "the handler panicked".into())
        }))
    }));
    Ok(store)
}

fn write_ahead(file: &File) -> Res<()> {
    if file.metadata()?.len() == 0 {
        file.write_all_at(&vec![0; AHEAD_BYTES], 0)?;
        file.sync_all()?;
    }
    Ok(())
}

fn caller(file: Arc<File>, mode: Mode, bell: Bell) -> Caller {
    let mut buffer = Vec::new();
    let mut offset = 0;
    Box::new(move |first, count| {
        buffer.clear();
        (first..first + count).for_each(|sequence| buffer.extend_from_slice(&payload::payload(sequence)));
        match mode {
            Mode::Buffered => (&*file).write_all(&buffer)?,
            Mode::Durable => {
                file.write_all_at(&buffer, (offset % (AHEAD_BYTES - buffer.len())) as u64)?;
                file.sync_data()?;
                offset += buffer.len();
            }
        }
        if let Some(ring) = &*bell.lock().map_err(|_| "poisoned")? {
            ring.send(())?;
        }
        Ok(())
    })
}

fn read_one(file: &File, event: u64) -> Res<u64> {
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, event * BYTES as u64)?;
    Ok(payload::touch(&bytes))
}

fn scan(mut file: &File, checkpoint: Option<File>) -> Res<u64> {
    let mut block = vec![0; CHECKPOINT_EVERY * BYTES * if checkpoint.is_some() { 1 } else { 32 }];
    let mut bytes = 0;
    std::io::Seek::rewind(&mut file)?;
    loop {
        let length = file.read(&mut block)?;
        if length == 0 {
            return Ok(bytes / BYTES as u64);
        }
        bytes += block[..length].chunks(BYTES).map(payload::touch).sum::<u64>();
        if let Some(checkpoint) = &checkpoint {
            checkpoint.write_all_at(&bytes.to_le_bytes(), 0)?;
            checkpoint.sync_data()?;
        }
    }
}
