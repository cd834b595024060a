//! Ours, beside the floor of the machine it runs on: `cargo bench`.
//!
//! Every figure is the median of several rounds, with the least and the most beside it; floors and workloads take
//! turns, so that a machine that slows down slows both. `cargo bench -- NAME ...` runs what contains one of
//! the names, and `BENCH_ROUNDS=9` runs more rounds. The directory is made under the target directory: on a real disk.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)] // a benchmark reads clocks and files
#![allow(missing_docs)]

mod actors;
mod floors;
mod measure;
mod workers;

use measure::{Bench, Unit, events, scratch};
use std::time::Instant;
use timberline::{Config, Coordinate, Durability, NewEvent, Region, Store};

const ENTITIES: u64 = 1_000;
const PAYLOAD_BYTES: usize = 128;

fn main() {
    let mut bench = Bench::from_args();
    bench.row("actor: call on an idle actor", Unit::PerSecond, "2 M/s", actors::calls);
    bench.row("actor: bounded send", Unit::PerSecond, "", actors::sends);
    bench.row("actor: panic to serving again, p50", Unit::Micros, "50 us", || actors::panic_to_serving(0.50));
    bench.row("actor: panic to serving again, p99", Unit::Micros, "", || actors::panic_to_serving(0.99));
    bench.row("floor: write calls", Unit::PerSecond, "", floors::writes);
    bench.row("append, one caller, buffered", Unit::PerSecond, "300 k/s", buffered);
    bench.row("append, batches of 100, buffered", Unit::PerSecond, "", batches);
    bench.row("append, submitted, buffered", Unit::PerSecond, "", submitted);
    bench.row("floor: write and fdatasync", Unit::PerSecond, "", floors::synced_writes);
    bench.row("append, one caller, durable", Unit::PerSecond, "0.9 x floor", || durable(1, 500));
    bench.row("append, 16 callers, durable", Unit::PerSecond, "", || durable(16, 500));
    bench.row("append, 64 callers, durable", Unit::PerSecond, "", || durable(64, 200));
    bench.row("cursor worker, 1 M events, first half", Unit::PerSecond, "3 M/s", || workers::scan(0));
    bench.row("cursor worker, 1 M events, second half", Unit::PerSecond, "3 M/s", || workers::scan(1));
    bench.row("cursor worker, durable checkpoint per batch", Unit::PerSecond, "", workers::checkpointed);
    latencies(&mut bench);
    bench.row("append beside 1 idle worker", Unit::PerSecond, "", || workers::appends_beside(1));
    bench.row("append beside 1,000 idle workers", Unit::PerSecond, "", || workers::appends_beside(1_000));
    bench.row("200 idle workers, CPU in 5 s", Unit::Millis, "50 ms", workers::idle_cpu);
    bench.row("read one entity of 500 events", Unit::PerSecond, "", read_entity);
    bench.row("get by id, random", Unit::PerSecond, "", get);
    bench.row("open after a clean close, 500 k events", Unit::Millis, "", open);
    bench.print();
}

/// How soon a handler hears, alone and among workers that are for something else.
fn latencies(bench: &mut Bench) {
    for (manner, durability) in [("buffered", Durability::Buffered), ("durable", Durability::Durable)] {
        for (state, is_loaded) in [("idle", false), ("loaded", true)] {
            for workers in [1, 100, 1_000] {
                let name = format!("append to handler, {state}, {manner}, {workers}");
                let crowd = workers::Crowd { workers, is_loaded };
                bench.percentiles(&name, move || workers::latency(durability, crowd));
            }
        }
    }
}

fn event(number: u64, durability: Durability) -> NewEvent {
    let coordinate = Coordinate::new(format!("entity-{}", number % ENTITIES), "bench").unwrap();
    NewEvent::raw(coordinate, "Benched", 1, vec![7; PAYLOAD_BYTES]).durability(durability)
}

/// A store with `count` events, synced.
fn filled(config: Config, count: u64) -> Store {
    let store = Store::open(config).unwrap();
    for first in (0..count).step_by(1_000) {
        let batch = (first..(first + 1_000).min(count)).map(|number| event(number, Durability::Buffered));
        store.append_batch(batch.collect()).unwrap();
    }
    store.flush().unwrap();
    store
}

fn buffered() -> f64 {
    let (dir, count) = (scratch(), 100_000);
    let store = Store::open(Config::new(dir.path())).unwrap();
    let events: Vec<_> = (0..count).map(|number| event(number, Durability::Buffered)).collect();
    let began = Instant::now();
    for event in events {
        store.append_event(event).unwrap();
    }
    events_per_second(count, began)
}

fn batches() -> f64 {
    let (dir, count) = (scratch(), 300_000);
    let store = Store::open(Config::new(dir.path())).unwrap();
    let batch =
        |first| (first..first + 100).map(|number| event(number, Durability::Buffered)).collect::<Vec<_>>();
    let batches: Vec<_> = (0..count).step_by(100).map(batch).collect();
    let began = Instant::now();
    for batch in batches {
        store.append_batch(batch).unwrap();
    }
    events_per_second(count, began)
}

fn submitted() -> f64 {
    let (dir, count) = (scratch(), 200_000);
    let store = Store::open(Config::new(dir.path())).unwrap();
    let events: Vec<_> = (0..count).map(|number| event(number, Durability::Buffered)).collect();
    let began = Instant::now();
    let tickets: Vec<_> = events.into_iter().map(|event| store.submit_event(event).unwrap()).collect();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    events_per_second(count, began)
}

fn durable(callers: u64, each: u64) -> f64 {
    let dir = scratch();
    let store = Store::open(Config::new(dir.path())).unwrap();
    store.append_event(event(0, Durability::Durable)).unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let store = &store;
            scope.spawn(move || {
                for number in 0..each {
                    store.append_event(event(caller * 37 + number, Durability::Durable)).unwrap();
                }
            });
        }
    });
    events_per_second(callers * each, began)
}

fn read_entity() -> f64 {
    let dir = scratch();
    let store = filled(Config::new(dir.path()), 500 * ENTITIES);
    let began = Instant::now();
    let mut count = 0;
    for entity in 0..200 {
        count += store.entity(&format!("entity-{entity}")).filter(Result::is_ok).count() as u64;
    }
    assert_eq!(count, 200 * 500);
    events_per_second(count, began)
}

fn get() -> f64 {
    let dir = scratch();
    let store = filled(Config::new(dir.path()), 200_000);
    let ids: Vec<_> = store.read(&Region::all()).map(|event| event.unwrap().id()).collect();
    let (began, count) = (Instant::now(), 200_000);
    for number in events(count) {
        // An odd multiplier visits every id, in an order that no cache foresees.
        let id = ids[(number * 7_919 % ids.len() as u64) as usize];
        assert!(store.get(id).unwrap().is_some());
    }
    events_per_second(count, began)
}

fn open() -> f64 {
    let dir = scratch();
    filled(Config::new(dir.path()), 500_000).close().unwrap();
    let began = Instant::now();
    let store = Store::open(Config::new(dir.path())).unwrap();
    let millis = began.elapsed().as_secs_f64() * 1e3;
    assert_eq!(store.written().get(), 500_000);
    millis
}

fn events_per_second(count: u64, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}
