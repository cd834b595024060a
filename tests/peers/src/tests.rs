//! Each adapter does what the workloads believe, and the report says what was measured.

use crate::bench::{Row, Unit};
use crate::machine::{date, version};
use crate::payload::BYTES;
use crate::report::{Cell, Line, chart, markdown, number};
use crate::stats::Spread;
use crate::store::{Mode, Peer, Res};
use crate::stores::{FLOOR, OURS, PEERS};

const EVENTS: u64 = 3_000;

fn reads_back(peer: &Peer) -> Res<()> {
    let dir = std::env::temp_dir().join(format!("peers-test-{}-{}", std::process::id(), peer.name));
    let store = (peer.open)(&dir, peer.fill)?;
    let mut caller = store.caller.as_ref().map_err(|why| *why)?()?;
    (0..EVENTS - 100).step_by(100).try_for_each(|first| caller(first, 100))?;
    (EVENTS - 100..EVENTS).try_for_each(|sequence| caller(sequence, 1))?;
    drop(caller);
    store.close()?;
    let store = (peer.open)(&dir, Mode::Durable)?;
    assert_eq!((store.scan?)()?, EVENTS, "{}: scan", peer.name);
    if let Ok(scan) = store.checkpointed {
        assert_eq!(scan()?, EVENTS, "{}: scan with checkpoints", peer.name);
    }
    assert_eq!((store.entity?)()?(7)?, 3 * BYTES as u64, "{}: entity", peer.name);
    assert_eq!((store.tail?)()?(100)?, 100 * BYTES as u64, "{}: tail", peer.name);
    let mut get = (store.get?)()?;
    assert_eq!(get(0)? + get(EVENTS - 1)?, 2 * BYTES as u64, "{}: get", peer.name);
    assert!(get(EVENTS).is_err() || peer.name == "tephra", "{}: an event that is not there", peer.name);
    drop((get, store.caller, store.pipeline, store.handler));
    (store.shut)()?;
    Ok(std::fs::remove_dir_all(dir)?)
}

#[test]
fn every_store_reads_back_what_it_was_given() -> Res<()> {
    PEERS.iter().try_for_each(reads_back)
}

#[test]
fn numbers_show_three_digits_that_count() {
    let cases =
        [(0.416, "0.42"), (12.34, "12.3"), (8163.2, "8163"), (20_140.0, "20.1 k"), (2_160_000.0, "2.16 M")];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
}

#[test]
fn dates_follow_the_calendar() {
    for (days, text) in
        [(0, "1970-01-01"), (11_016, "2000-02-29"), (11_017, "2000-03-01"), (20_453, "2025-12-31")]
    {
        assert_eq!(date(days), text);
    }
}

#[test]
fn versions_of_one_package_are_told_apart() {
    assert_eq!(version("batpak 0.8"), "0.8.0");
    assert!(version("batpak 0.10").starts_with("0.10."));
    assert_eq!(version("tephra"), "0.4.1");
}

#[test]
fn ratios_are_above_one_where_ours_is_ahead_whatever_the_unit() {
    static FASTER: Row = Row { title: "faster", unit: Unit::EventsPerSecond };
    static SOONER: Row = Row { title: "sooner", unit: Unit::Millis };
    let cells = |values: [f64; 3]| {
        values
            .into_iter()
            .map(|value| Cell::Measured(Spread::of(&[value]).expect("a sample"), None))
            .collect()
    };
    let lines = [
        Line { row: &FASTER, cells: cells([100.0, 10.0, 50.0]) },
        Line { row: &SOONER, cells: cells([1.0, 10.0, 2.0]) },
    ];
    let names = [FLOOR, "peer", OURS];
    let table = markdown(&names, &lines);
    assert!(
        table.lines().any(|line| line.contains("faster") && line.ends_with("| 5.00 x | 0.50 x |")),
        "{table}"
    );
    assert!(
        table.lines().any(|line| line.contains("sooner") && line.ends_with("| 5.00 x | 0.50 x |")),
        "{table}"
    );
    let chart = chart(&names, &lines, "here < there");
    assert!(chart.contains("here &lt; there") && chart.contains("faster") && !chart.contains("sooner"));
}
