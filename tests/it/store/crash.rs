//! Crashes between everything else that can happen, drawn from seeds.

use super::*;
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Fault, Seeded};
use timberline::{
    AppendError, CheckpointId, CursorWorkerAction, CursorWorkerConfig, CursorWorkerError, Denial, Expected,
    gate,
};

/// What one seed's run knows: which events were acknowledged, and how safe they were said to be.
struct Run {
    disk: SimulatedDisk,
    store: Store,
    draw: Seeded,
    /// Notes in the order of their receipts, with whether they must survive a power cut.
    acknowledged: Vec<(Receipt, u64)>,
    next: u64,
    gaps: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::new();
        let store = Self::open(&disk);
        Self { disk, store, draw: Seeded::new(seed), acknowledged: Vec::new(), next: 1, gaps: 0 }
    }

    fn open(disk: &SimulatedDisk) -> Store {
        let deny = gate("no-zero", |proposal| match proposal.payload_as::<Note>() {
            Ok(note) if note.n == 0 => Err(Denial::new("zero", "zero")),
            _ => Ok(()),
        });
        on_disk(disk).gate(deny).open().unwrap()
    }

    fn entity(&mut self) -> String {
        format!("tree-{}", self.draw.choose(4))
    }

    fn step(&mut self) {
        match self.draw.choose(12) {
            0..=2 => self.append(AppendOptions::new()),
            3 | 4 => self.append(buffered()),
            5 => self.append_batch(),
            6 => self.refused(),
            7 => self.rolled_back(),
            8 => self.no_space(),
            9 => self.close(),
            10 => self.power_cut(),
            _ => self.power_cut_in_the_middle(),
        }
    }

    fn append(&mut self, options: AppendOptions) {
        let (entity, n) = (self.entity(), self.next);
        self.next += 1;
        let receipt = self.store.append_with(&at(&entity), &note(n), options).unwrap();
        self.acknowledged.push((receipt, n));
    }

    fn append_batch(&mut self) {
        let count = 1 + self.draw.choose(5) as u64;
        let events = (self.next..self.next + count).map(|n| new_note(&self.entity(), n)).collect();
        let receipts = self.store.append_batch(events).unwrap();
        self.acknowledged.extend(receipts.into_iter().zip(self.next..));
        self.next += count;
    }

    fn refused(&mut self) {
        let entity = self.entity();
        let wrong = new_note(&entity, 7).expect(Expected::Version(1_000_000));
        let denied = new_note(&entity, 0);
        let large = NewEvent::raw(at(&entity), "Note", 1, vec![0; 5_000]);
        let bad = [wrong, denied, large][self.draw.choose(3)].clone();
        let written = self.store.written();
        self.store.append_batch(vec![new_note("tree-0", 7), bad]).unwrap_err();
        assert_eq!(self.store.written(), written);
    }

    /// A worker reacts and rolls back: its reactions cost nothing.
    fn rolled_back(&mut self) {
        if self.store.durable() == Position::START {
            return;
        }
        let written = self.store.written();
        let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("undecided").unwrap());
        let worker = self.store.cursor_worker(&Region::all(), config, |_, context| {
            context.react(new_note("reaction", 1));
            CursorWorkerAction::StopWithRollback
        });
        assert!(matches!(worker.unwrap().join(), Err(CursorWorkerError::RolledBack { .. })));
        assert_eq!(self.store.written(), written);
    }

    fn no_space(&mut self) {
        self.disk.set_space_bytes(Some(0));
        let entity = self.entity();
        let n = self.next;
        let text = "x".repeat(3_000);
        let large = NewEvent::new(&at(&entity), &Note { n, text }).unwrap();
        // What was written ahead may still hold it.
        match self.store.append_batch(vec![large.clone(), large.clone(), large]) {
            Ok(receipts) => {
                self.next += 1;
                self.acknowledged.extend(receipts.into_iter().map(|receipt| (receipt, n)));
            }
            Err(full) => assert!(matches!(full, AppendError::NoSpace { .. }), "{full:?}"),
        }
        self.disk.set_space_bytes(None);
    }

    fn close(&mut self) {
        self.store.close().unwrap();
        self.store = Self::open(&self.disk);
        assert!(self.store.recovery().unwrap().closed);
        self.check();
    }

    fn power_cut(&mut self) {
        let draw = &mut self.draw;
        let left = self.disk.crash(&mut |count| draw.choose(count));
        self.reopen_on(left);
    }

    /// The power goes at one of the next disk operations of an append.
    fn power_cut_in_the_middle(&mut self) {
        let (entity, n) = (self.entity(), self.next);
        self.next += 1;
        let mut after = self.draw.choose(4);
        self.disk.set_hook(move |operation| {
            let counts =
                matches!(operation.kind, OperationKind::Write | OperationKind::Sync | OperationKind::Rename);
            after = if counts { after.wrapping_sub(1) } else { after };
            (after == usize::MAX).then_some(Fault::PowerOff)
        });
        match self.store.append_batch(vec![new_note(&entity, n), new_note(&entity, n)]) {
            Ok(receipts) => self.acknowledged.extend(receipts.into_iter().map(|receipt| (receipt, n))),
            Err(unknown) => assert!(
                matches!(
                    unknown,
                    AppendError::Indeterminate { .. }
                        | AppendError::Poisoned { .. }
                        | AppendError::Storage { .. }
                ),
                "{unknown:?}"
            ),
        }
        self.power_cut();
    }

    fn reopen_on(&mut self, left: SimulatedDisk) {
        self.store.close().ok();
        self.disk = left;
        self.store = Self::open(&self.disk);
        let recovery = self.store.recovery().unwrap();
        self.gaps += recovery.gap.map_or(0, |gap| gap.end().since(*gap.start()) + 1);
        // What was said to be durable is there; of the rest a prefix is.
        let mut is_prefix = true;
        self.acknowledged.retain(|(receipt, _)| {
            let is_there = self.store.get(receipt.id).unwrap().is_some();
            assert!(is_there || receipt.durability == Durability::Buffered, "{receipt:?} is lost");
            assert!(is_prefix || !is_there, "{receipt:?} is there and an earlier one is not");
            is_prefix &= is_there;
            is_there
        });
        self.check();
    }

    fn check(&mut self) {
        let events = check_whole(&self.store);
        let missing = self.store.written().get() - events.len() as u64;
        assert_eq!(missing, self.gaps, "positions are missing and no recovery reported a gap");
        for (receipt, n) in &self.acknowledged {
            assert_eq!(number(&check_receipt(&self.store, receipt)), *n);
        }
        // What is on the disk now is durable, whatever its receipt said.
        self.acknowledged.iter_mut().for_each(|(receipt, _)| receipt.durability = Durability::Durable);
    }
}

/// Positions are dense from 1 with no gap, versions dense from 1 per entity, after any mix of crashes, refusals and rolled back batches, unless a gap is reported as such.
#[test]
fn positions_are_dense_from_1_versions_dense_from_1_per_entity_after_any_mix_of_crashes_refusals_and_rolled_back_batches()
 {
    let seeds = std::env::var("TIMBERLINE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    let (mut events, mut gaps) = (0, 0);
    for seed in 0..seeds {
        let mut run = Run::new(seed);
        let seed = Named(seed);
        (0..40).for_each(|_| run.step());
        run.power_cut();
        events += run.acknowledged.len();
        gaps += run.gaps;
        run.store.close().unwrap();
        drop(seed);
    }
    eprintln!("{seeds} seeds, {events} acknowledged events, {gaps} positions in gaps");
    assert!(events as u64 > seeds * 10);
}

/// Names the seed if its run panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

#[test]
fn gap_positions_are_never_used_again_and_are_told_to_a_worker_that_asks_for_them() {
    // Seeds until recovery has met a torn frame whose header survived.
    let found = (0..500).find_map(|seed| {
        let mut draw = Seeded::new(seed);
        let disk = SimulatedDisk::new();
        let store = on_disk(&disk).open().unwrap();
        store.append(&at("tree"), &note(1)).unwrap();
        let options = buffered();
        let text = "x".repeat(3_000);
        store.append_with(&at("tree"), &Note { n: 2, text }, options).unwrap();
        let left = disk.crash(&mut |count| draw.choose(count));
        let reopened = on_disk(&left).open().unwrap();
        let gap = reopened.recovery().unwrap().gap?;
        Some((reopened, gap))
    });
    let (store, gap) = found.expect("a torn frame with its header whole");
    let next = store.append(&at("tree"), &note(3)).unwrap();
    assert_eq!((next.position, next.version), (gap.end().next(), Version::new(2)));
    assert_eq!(check_whole(&store).len(), 2);
    let (sender, gaps) = std::sync::mpsc::channel();
    let config = CursorWorkerConfig::default().observe_gaps(true);
    let worker = store
        .cursor_worker(&Region::all(), config, move |batch, _| {
            batch.gaps().iter().for_each(|gap| sender.send(gap.clone()).unwrap());
            if batch.last_position() == Some(next.position) {
                CursorWorkerAction::Stop
            } else {
                CursorWorkerAction::Continue
            }
        })
        .unwrap();
    worker.join().unwrap();
    assert_eq!(gaps.iter().collect::<Vec<_>>(), [gap]);
}
