//! Many lives of one journal, drawn from a seed: appends, syncs, faults, full disks, kills and power cuts in any order.

use super::*;
use crate::storage::OperationKind;
use crate::storage::simulated::{Fault, Seeded};

const LIVES: usize = 6;

/// A journal's whole history as its callers know it.
struct Model {
    choices: Seeded,
    issued: Vec<(u64, u64)>,
    /// What was promised durable.
    durable: Vec<(u64, Vec<u8>)>,
    cuts: u32,
    gaps: u32,
    faults: u32,
}

impl Model {
    /// Opens, and checks that everything promised is there and nothing is that was never issued.
    fn open(&mut self, disk: &SimulatedDisk) -> Journal {
        let (journal, recovery) = open(disk).unwrap();
        let contents = read_all(&journal.reader()).unwrap();
        assert!(contents.events.starts_with(&self.durable), "{recovery:?}");
        self.issued.retain(|(first, _)| *first <= recovery.last.get());
        check_contents(&contents, recovery.last, 0);
        check_batches(&contents, &self.issued);
        let report = journal.reader().verify(&mut |_| {}).unwrap();
        assert!(report.is_intact(), "{report:?} {recovery:?}");
        self.durable = contents.events;
        self.cuts += u32::from(recovery.cut.is_some());
        self.gaps += u32::from(recovery.gap.is_some());
        journal
    }

    /// One life; it ends when the journal is poisoned, or after some steps.
    fn live(&mut self, disk: &SimulatedDisk) {
        let mut journal = self.open(disk);
        self.set_faults(disk);
        for _ in 0..self.choices.choose(24) {
            let result = match self.choices.choose(8) {
                0 => append_checkpoint(&mut journal, Position::new(1)).map(|_| ()),
                1 | 2 => journal.sync().map(|_| self.promise(&journal)),
                3 => {
                    let spare = self.choices.choose(3000);
                    let used: usize =
                        disk.image().names().map(|name| disk.image().bytes(name).unwrap().len()).sum();
                    disk.set_space_bytes((spare > 300).then_some(used + spare));
                    Ok(())
                }
                count => {
                    self.issued.push((journal.next_position().get(), count as u64));
                    append(&mut journal, count as u64).map(|_| ())
                }
            };
            if result.is_err() {
                self.faults += 1;
                self.issued.retain(|(first, _)| *first <= journal.last().get());
            }
            if journal.poison().is_some() {
                break;
            }
        }
        if self.choices.choose(4) == 0 && journal.close().is_ok() {
            disk.heal();
        }
        disk.heal();
        disk.set_space_bytes(None);
    }

    /// What the journal says is durable, is.
    fn promise(&mut self, journal: &Journal) {
        let durable = journal.durable().get();
        let contents = read_all(&journal.reader()).unwrap();
        self.durable = contents.events.into_iter().filter(|(position, _)| *position <= durable).collect();
    }

    fn set_faults(&mut self, disk: &SimulatedDisk) {
        let mut drawn = self.choices.clone();
        let one_in = [0, 0, 40, 12][self.choices.choose(4)];
        disk.set_hook(move |operation| {
            let is_hit = one_in > 0 && drawn.choose(one_in) == 0;
            // Readers check what was promised; their own troubles are tested elsewhere.
            let is_ours = matches!(
                operation.kind,
                OperationKind::Write
                    | OperationKind::Sync
                    | OperationKind::Create
                    | OperationKind::Rename
                    | OperationKind::SetLength
                    | OperationKind::SyncDirectory
            );
            let fault =
                [Fault::Io, Fault::NoSpace, Fault::ShortWrite(9), Fault::Interrupted][drawn.choose(4)];
            (is_hit && is_ours).then_some(fault)
        });
    }

    /// The process dies, or the power fails.
    fn end(&mut self, disk: SimulatedDisk) -> SimulatedDisk {
        match self.choices.choose(4) {
            0 => disk,
            1 => disk.crash(&mut |count| count - 1),
            _ => disk.crash(&mut |count| self.choices.choose(count)),
        }
    }
}

#[test]
fn what_was_promised_in_any_life_is_there_in_every_later_one() {
    let (mut cuts, mut gaps, mut faults) = (0, 0, 0);
    let histories = 300 * effort();
    for seed in 0..histories {
        let choices = Seeded::new(seed);
        let mut model =
            Model { choices, issued: Vec::new(), durable: Vec::new(), cuts: 0, gaps: 0, faults: 0 };
        let mut disk = SimulatedDisk::new();
        for _ in 0..LIVES {
            model.live(&disk);
            disk = model.end(disk);
        }
        model.open(&disk);
        (cuts, gaps, faults) = (cuts + model.cuts, gaps + model.gaps, faults + model.faults);
    }
    println!("lives: {} cases, {cuts} cuts, {gaps} gaps, {faults} faults, 0 failed", histories * 6);
    assert!(cuts > 50 && gaps > 20 && faults > 50, "{cuts} {gaps} {faults}");
}
