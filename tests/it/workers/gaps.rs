//! Positions that were numbered and never made visible.

use super::support::*;
use std::ops::RangeInclusive;
use std::time::Duration;
use timberline::storage::simulated::{Seeded, SimulatedDisk};
use timberline::{Config, Durability, Position, Region};

/// A disk on which a batch of steps after step 1 was cut by a power cut although its frame had told its numbers,
/// and the range of those numbers.
fn disk_with_a_gap() -> (SimulatedDisk, RangeInclusive<Position>) {
    let disk = SimulatedDisk::new();
    let never = Duration::from_secs(3_600);
    let store = open_on_with(&disk, Config::new("simulated").flush_interval(never));
    append(&store, [1]);
    // Long enough for many sectors, and not synced.
    let batch = (2..=60).map(|number| step(number).durability(Durability::Buffered)).collect();
    store.append_batch(batch).unwrap();
    let image = disk.image();
    for seed in 0..200 {
        let mut seeded = Seeded::new(seed);
        let crashed = SimulatedDisk::from_image(image.crash(&mut |count| seeded.choose(count)));
        let recovered = open_on(&crashed);
        let gap = recovered.recovery().and_then(|recovery| recovery.gap);
        if let Some(gap) = gap {
            recovered.close().unwrap();
            return (crashed, gap);
        }
    }
    panic!("no crash left a frame that told its numbers and nothing else");
}

type Handed = (Vec<u64>, Vec<RangeInclusive<Position>>);

/// What a worker is handed, up to step 100.
fn handed(store: &timberline::Store, config: timberline::CursorWorkerConfig, region: &Region) -> Vec<Handed> {
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(region, config, move |batch, _| {
            tell.send((numbers(batch), batch.gaps().to_vec())).unwrap();
            if numbers(batch).contains(&100) { Stop } else { Continue }
        })
        .unwrap();
    joined(worker).unwrap();
    seen.rest()
}

/// Gap observation: where numbered positions were never made visible (a rolled back commit), a worker that asked for it is told the range.
#[test]
fn where_numbered_positions_were_never_made_visible_a_worker_that_asked_for_it_is_told_the_range() {
    let (disk, gap) = disk_with_a_gap();
    assert_eq!(*gap.start(), Position::new(2));
    let store = open_on(&disk);
    append(&store, [100]);
    assert_eq!(store.written(), gap.end().next(), "positions of a gap are never used again");

    let told = handed(&store, one_by_one().observe_gaps(true), &steps());
    let gaps: Vec<_> = told.iter().flat_map(|(_, gaps)| gaps.clone()).collect();
    assert_eq!(gaps, std::slice::from_ref(&gap), "told once");
    let before_gap = told.iter().take_while(|(_, gaps)| gaps.is_empty());
    assert_eq!(before_gap.flat_map(|(steps, _)| steps.clone()).collect::<Vec<_>>(), [1], "in its place");
    assert_eq!(told.iter().flat_map(|(steps, _)| steps.clone()).collect::<Vec<_>>(), [1, 100]);

    let not_asked = handed(&store, one_by_one(), &steps());
    assert_eq!(not_asked, [(vec![1], vec![]), (vec![100], vec![])]);

    // In one batch with what is around it, too.
    let at_once = handed(&store, one_by_one().batch_size(10).observe_gaps(true), &steps());
    assert_eq!(at_once, [(vec![1, 100], vec![gap])]);
}

#[test]
fn a_gap_that_was_told_and_committed_is_not_told_again() {
    let (disk, gap) = disk_with_a_gap();
    let store = open_on(&disk);
    let config = || one_by_one().observe_gaps(true).checkpoint(id("observer"));
    let (tell, seen) = seen();
    // Without anything behind it: the gap itself is news.
    let worker = store
        .cursor_worker(&steps(), config(), move |batch, _| {
            tell.send(batch.gaps().to_vec()).unwrap();
            Continue
        })
        .unwrap();
    assert_eq!(seen.take(2), [vec![], vec![gap]]);
    joined_after_stop(worker).unwrap();
    append(&store, [100]);
    assert_eq!(handed(&store, config(), &steps()), [(vec![100], vec![])]);
}

#[test]
fn without_a_crash_there_is_no_gap_whatever_was_refused_or_rolled_back() {
    let (_dir, store) = store_with(3);
    store.append_event(step(9).expect(timberline::Expected::Empty)).unwrap_err();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), |_, context| {
            context.react(echo(1));
            StopWithRollback
        })
        .unwrap();
    joined(worker).unwrap_err();
    append(&store, [100]);
    assert_eq!(store.written(), Position::new(4));
    let told = handed(&store, one_by_one().observe_gaps(true), &steps());
    assert!(told.iter().all(|(_, gaps)| gaps.is_empty()), "{told:?}");
}

/// There is no event to answer: what is appended has no cause, and is there with the checkpoint.
#[test]
fn a_worker_may_react_to_a_gap_and_the_reaction_begins_a_correlation_of_its_own() {
    let (disk, gap) = disk_with_a_gap();
    let store = open_on(&disk);
    let config = one_by_one().observe_gaps(true).checkpoint(super::support::id("gaps"));
    let worker = store.cursor_worker(&Region::kind("Nothing"), config, move |batch, context| {
        assert!(batch.is_empty());
        assert_eq!(batch.gaps(), std::slice::from_ref(&gap));
        context.react(echo(7));
        Stop
    });
    joined(worker.unwrap()).unwrap();
    let reactions: Vec<_> = store.read(&Region::kind("Echo")).collect::<Result<_, _>>().unwrap();
    assert_eq!(reactions.len(), 1);
    assert_eq!((reactions[0].causes(), reactions[0].correlation()), (vec![], reactions[0].id()));
}
