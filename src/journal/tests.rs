//! Tests of the journal as a whole.

use super::*;
use crate::event::{Coordinate, NewEvent};
use crate::position::{Position, Version};
use crate::storage::Storage;
use crate::storage::simulated::SimulatedDisk;
use std::sync::Arc;

const STORE: StoreId = StoreId::new([7; 16]);

fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 4096, commit_bytes_max: 2048, preallocate_bytes: 1024, open_files_max: 2 }
}

fn open(disk: &SimulatedDisk) -> Result<(Journal, Recovery), JournalError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let lock = Arc::new(storage.lock()?);
    Journal::open(storage, lock, small(), 1_000_000, STORE)
}

fn append(journal: &mut Journal, payload: &[u8]) -> Result<Committed, JournalError> {
    let event = NewEvent::raw(Coordinate::new("entity", "scope").unwrap(), "Kind", 1, payload.to_vec());
    journal.begin(2_000_000);
    let numbers = Numbers { version: Version::new(journal.next_position().get()), ..Numbers::default() };
    journal.stage_event(&EncodedEvent::encode(&event, 1024)?, &numbers)?;
    Ok(journal.commit()?.unwrap())
}

fn payloads(reader: &JournalReader) -> Result<Vec<Vec<u8>>, JournalError> {
    let (mut block, mut point, mut found) = (reader.block(), reader.begin(), Vec::new());
    while reader.read_block(&mut block, point, 1)? {
        let mut records = block.records();
        while let Some(event) = records.next_event() {
            found.push(event?.1.view(block.bytes()).payload.to_vec());
        }
        point = records.point();
    }
    Ok(found)
}

#[test]
fn what_was_committed_is_read_back_after_a_close_and_after_a_crash() {
    for close in [true, false] {
        let disk = SimulatedDisk::new();
        let (mut journal, recovery) = open(&disk).unwrap();
        assert!(recovery.created);
        let written: Vec<Vec<u8>> = (0..100u8).map(|number| vec![number; 100]).collect();
        for payload in &written {
            append(&mut journal, payload).unwrap();
        }
        assert_eq!(payloads(&journal.reader()).unwrap(), written);
        journal.sync().unwrap();
        if close {
            journal.close().unwrap();
        } else {
            drop(journal);
        }
        let (journal, recovery) = open(&disk).unwrap();
        assert_eq!((recovery.closed, recovery.last, recovery.epoch), (close, Position::new(100), 2));
        assert!(recovery.segments > 3, "{recovery:?}");
        assert_eq!(payloads(&journal.reader()).unwrap(), written);
        let report = journal.reader().verify(&mut |_| {}).unwrap();
        assert!(report.is_intact(), "{report:?}");
        assert_eq!(report.events, 100);
    }
}
