//! R3: every bit of every file of a closed store is flipped, one at a time.

use super::cases;
use super::judge::{Contents, Told, contents};
use super::workload::{ENTITIES, End, Life, open};
use crate::{Effort, Row};
use std::sync::atomic::{AtomicU64, Ordering};
use timberline::storage::simulated::{Image, SimulatedDisk};

struct Store {
    image: Image,
    /// Names and lengths in bytes.
    files: Vec<(String, u64)>,
    contents: Contents,
}

impl Store {
    fn new() -> Self {
        let disk = SimulatedDisk::new();
        Life::run(&disk, 8, 2, End::Closed);
        let image = disk.image();
        let length = |name: &str| image.bytes(name).map_or(0, |bytes| bytes.len() as u64);
        let files = image.names().map(|name| (name.to_owned(), length(name))).collect();
        let contents = contents(&open(&disk).unwrap(), 0..ENTITIES).unwrap();
        Self { image, files, contents }
    }

    fn bits(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes * 8).sum()
    }

    fn flipped(&self, mut bit: u64) -> Option<(&str, Image)> {
        for (name, length) in &self.files {
            if bit < length * 8 {
                let mut image = self.image.clone();
                let mut bytes = image.bytes(name)?;
                bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
                image.put(name, &bytes);
                return Some((name, image));
            }
            bit -= length * 8;
        }
        None
    }
}

#[derive(Default)]
struct Met {
    by_open: AtomicU64,
    by_read: AtomicU64,
    by_verify: AtomicU64,
    by_recovery: AtomicU64,
    harmless: AtomicU64,
}

/// Who tells of the flip; `None` if nobody does.
fn told(image: Image, expected: &Contents) -> Result<Option<Told>, String> {
    let disk = SimulatedDisk::from_image(image);
    let store = match open(&disk) {
        Ok(store) => store,
        Err(error) => return Ok(Some(Told::Open(error))),
    };
    let found = match contents(&store, 0..ENTITIES) {
        Ok(found) => found,
        Err(told) => return Ok(Some(told)),
    };
    let verified = store.verify().map_err(|error| error.to_string())?;
    if !verified.is_intact() {
        return Ok(Some(Told::Verify));
    }
    let is_cut = store.recovery().is_some_and(|recovery| recovery.cut.is_some());
    match found == *expected {
        true => Ok(is_cut.then_some(Told::Cut)),
        false => Err(format!("silent: {} notes instead of {}", found.notes.len(), expected.notes.len())),
    }
}

/// Bit flips.
#[must_use]
pub fn r3(effort: Effort) -> Row {
    let store = Store::new();
    let step = effort.pick(4_099, 1);
    let met = Met::default();
    let note = || {
        let count = |met: &AtomicU64| met.load(Ordering::Relaxed);
        format!(
            "{} KiB; told by open {}, by a read {}, by verify {}, by recovery {}; {} changed no answer (derived files)",
            store.bits() / 8 / 1024,
            count(&met.by_open),
            count(&met.by_read),
            count(&met.by_verify),
            count(&met.by_recovery),
            count(&met.harmless)
        )
    };
    cases::row("R3", "bit flips", store.bits().div_ceil(step), note, |case| {
        let (name, image) = store.flipped(case * step).ok_or("no such bit")?;
        let told = told(image, &store.contents).map_err(|why| format!("{name}: {why}"))?;
        let counter = match told {
            Some(Told::Open(_)) => &met.by_open,
            Some(Told::Read(_)) => &met.by_read,
            Some(Told::Verify) => &met.by_verify,
            // The frame that says that the journal was closed is the last one: nothing later proves it.
            Some(Told::Cut) => &met.by_recovery,
            None if name.ends_with(".segment") => {
                return Err(format!("{name}: a flip in the journal is told by nobody"));
            }
            None => &met.harmless,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
}
