//! Power cuts: every moment of a workload and of a recovery, with what a disk may have kept by then.

use super::*;
use crate::storage::simulated::{Exhaustive, Seeded};

/// Crash images tried at each operation, drawn from seeds; the long sweep passes more.
const SEEDS: u64 = 8;

/// A disk's states and what was promised at each.
struct History {
    images: Vec<Image>,
    workload: Workload,
}

impl History {
    fn of(close: bool) -> Self {
        let disk = SimulatedDisk::new();
        disk.keep_images();
        let mut workload = Workload::default();
        workload.run(&disk, close).unwrap();
        Self { images: disk.images(), workload }
    }

    /// What was promised durable before operation `number` of the workload (from 0).
    fn promised(&self, number: usize) -> u64 {
        let promises = self.workload.promises.iter();
        promises
            .filter(|(operations, _)| *operations <= number)
            .map(|(_, durable)| *durable)
            .max()
            .unwrap_or(0)
    }
}

/// Three kinds of crash: everything lost, everything kept, and what the seed says.
fn crash(image: &Image, seed: u64) -> Image {
    let mut seeded = Seeded::new(seed);
    image.crash(&mut |count| match seed {
        0 => count - 1,
        1 => 0,
        _ => seeded.choose(count),
    })
}

#[test]
fn durable_events_survive_every_crash_and_the_rest_is_a_prefix_of_whole_batches() {
    let (mut cuts, mut gaps, mut cases) = (0, 0, 0);
    for close in [false, true] {
        let history = History::of(close);
        for (number, image) in history.images.iter().enumerate() {
            for seed in 0..SEEDS {
                let crashed = crash(image, seed * 7919 + number as u64 * u64::from(seed > 1));
                let (_, recovery) =
                    check_reopens(&crashed, history.promised(number), &history.workload.issued);
                cases += 1;
                cuts += u32::from(recovery.cut.is_some());
                gaps += u32::from(recovery.gap.is_some());
            }
        }
    }
    // A sweep that never meets a torn tail would prove nothing.
    assert!(cuts > 50 && gaps > 20, "{cases} cases, {cuts} cuts, {gaps} gaps");
}

#[test]
fn every_state_that_a_crash_can_leave_of_two_unsynced_batches_is_recovered() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 3).unwrap();
    journal.sync().unwrap();
    append(&mut journal, 4).unwrap();
    append(&mut journal, 2).unwrap();
    let image = disk.image();
    let (mut choices, mut cases) = (Exhaustive::new(), 0);
    while choices.next_run() {
        check_reopens(&image.crash(&mut |count| choices.choose(count)), 3, &[(1, 3), (4, 4), (8, 2)]);
        cases += 1;
    }
    assert!(cases >= 12, "{cases}");
}

#[test]
fn a_crash_during_recovery_is_recovered_to_the_same() {
    let history = History::of(false);
    let mut recoveries_that_wrote = 0;
    for (number, image) in history.images.iter().enumerate().step_by(3) {
        for seed in 0..3 {
            let crashed = crash(image, seed * (1 + number as u64));
            let first = SimulatedDisk::from_image(crashed.clone());
            first.keep_images();
            let (journal, _) = open(&first).unwrap();
            let expected = read_all(&journal.reader()).unwrap();
            let images = first.images();
            recoveries_that_wrote += u32::from(images.iter().any(|image| !image.is_durable()));
            for (moment, during) in images.iter().enumerate() {
                for seed in 0..3 {
                    let again = SimulatedDisk::from_image(crash(during, seed * (7 + moment as u64)));
                    let (journal, _) = open(&again).unwrap();
                    assert_eq!(read_all(&journal.reader()).unwrap().events, expected.events);
                }
            }
        }
    }
    assert!(recoveries_that_wrote > 10, "{recoveries_that_wrote}");
}

#[test]
fn positions_that_were_torn_off_are_never_used_again_and_are_told() {
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 2).unwrap();
    journal.sync().unwrap();
    append(&mut journal, 5).unwrap();
    // The first sector of the frame, with its header, reaches the disk; the rest does not.
    let mut sectors = 0;
    let crashed = disk.crash(&mut |count| {
        sectors += 1;
        if sectors <= 2 { 0 } else { count - 1 }
    });
    let (contents, recovery) = check_reopens(&crashed.image(), 2, &[(1, 2), (3, 5)]);
    assert_eq!(recovery.gap, Some(Position::new(3)..=Position::new(7)));
    assert_eq!((contents.events.len(), contents.gaps), (2, vec![(3, 7)]));

    let (mut journal, _) = open(&crashed).unwrap();
    assert_eq!(append(&mut journal, 1).unwrap().frame.first(), Position::new(8));
}

#[test]
fn a_frame_of_an_older_epoch_behind_the_tail_is_never_accepted() {
    // Two lives write a frame of the same length at the same place; behind it stands one of the first life.
    let disk = SimulatedDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1).unwrap();
    journal.sync().unwrap();
    let base = disk.image();
    append(&mut journal, 2).unwrap();
    append(&mut journal, 1).unwrap();
    let stale = disk.image().bytes(&segment_name(1)).unwrap();
    let second = SimulatedDisk::from_image(base);
    let (mut journal, recovery) = open(&second).unwrap();
    assert_eq!(recovery.epoch, 2);
    let frame = append(&mut journal, 2).unwrap().frame;
    let end = frame.offset() as usize + frame.bytes().len();
    let mut image = second.image();
    let mut bytes = image.bytes(&segment_name(1)).unwrap();
    bytes.resize(stale.len().max(bytes.len()), 0);
    bytes[end..stale.len()].copy_from_slice(&stale[end..]);
    image.put(&segment_name(1), &bytes);
    let (contents, recovery) = check_reopens(&image, 3, &[]);
    assert_eq!((contents.events.len(), recovery.gap), (3, None));
    assert!(recovery.cut.is_some());
}
