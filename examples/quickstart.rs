//! Opens a store, appends, reads, and lets a supervised worker follow.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::mpsc;
use timberline::{
    AppendError, AppendOptions, CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig,
    Expected, Payload, Region, Store,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Planted {
    species: String,
}

impl Payload for Planted {
    const KIND: &'static str = "Planted";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Felled {
    metres: u32,
}

impl Payload for Felled {
    const KIND: &'static str = "Felled";
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(Config::new(dir.path()))?;

    // An event belongs to an entity, which stands in a scope. The receipt comes when the event is on the disk.
    let oak = Coordinate::new("oak-17", "north-wood")?;
    let planted = store.append(&oak, &Planted { species: "Quercus robur".into() })?;
    println!("planted: position {}, version {}, id {}", planted.position, planted.version, planted.id);

    // Who expects the wrong version is refused, and told the right one.
    let first = AppendOptions::new().expect(Expected::Empty);
    match store.append_with(&oak, &Felled { metres: 21 }, first) {
        Err(AppendError::Conflict { entity, actual, .. }) => {
            println!("refused: {entity} is at version {actual}")
        }
        other => panic!("the oak was there already: {other:?}"),
    }
    let after_planting = AppendOptions::new().expect(Expected::Version(1)).caused_by([planted.id]);
    let felled = store.append_with(&oak, &Felled { metres: 21 }, after_planting)?;
    assert_eq!((felled.position.get(), felled.version.get()), (2, 2));

    // What has a receipt can be read, by anyone, at once.
    for event in store.entity("oak-17") {
        let event = event?;
        println!("read: {} {} at position {}", event.kind(), event.entity(), event.position());
    }
    let event = store.get(felled.id)?.expect("an event with a receipt");
    assert_eq!(event.payload_as::<Felled>()?, Felled { metres: 21 });

    // A worker gets what is there and what comes later in one stream. Its place is kept in the store.
    let (sender, timber) = mpsc::channel();
    let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("sawmill")?);
    let worker = store.cursor_worker(&Region::kind("Felled"), config, move |batch, _context| {
        for event in batch {
            match event.payload_as::<Felled>() {
                Ok(felled) => sender.send(felled.metres).expect("the receiver lives as long as the worker"),
                Err(error) => panic!("{error}"), // the supervisor restarts the worker, within its budget
            }
        }
        CursorWorkerAction::Continue
    })?;
    store.append(&Coordinate::new("elm-3", "north-wood")?, &Felled { metres: 12 })?;
    let metres: u32 = timber.iter().take(2).sum();
    println!("the sawmill got {metres} metres");
    assert_eq!(metres, 33);

    // Inside: who runs, who was restarted, what waits.
    println!("\n{}", store.tree());
    worker.stop_and_join()?;
    assert!(store.verify()?.is_intact());
    let report = store.close()?;
    assert!(report.is_clean());
    println!("closed: every thread was joined");
    Ok(())
}
