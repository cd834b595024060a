//! Reads of a filled store: everything, one entity, one event.

use super::run::{Run, paced};
use crate::bench::Sample;
use crate::payload::{self, BYTES, ENTITIES};
use crate::store::{Mode, Op, Peer, Res, Scan, Store};
use std::time::Instant;

/// Events that a look at the newest wants.
const TAIL: u64 = 100;

/// Everything, in order, with payloads.
pub fn scan(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    all(run, peer, |store| std::mem::replace(&mut store.scan, Err("taken")))
}

/// The same, with durable checkpoints.
pub fn checkpointed(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    all(run, peer, |store| std::mem::replace(&mut store.checkpointed, Err("taken")))
}

fn all(run: &Run, peer: &Peer, take: impl FnOnce(&mut Store) -> Op<Scan>) -> Res<Op<Sample>> {
    let events = run.options.events.min(if run.capped { peer.scan_events_max } else { u64::MAX });
    let mut store = (peer.open)(&run.filled(peer, events)?, Mode::Durable)?;
    let scan = match take(&mut store) {
        Ok(scan) => scan,
        Err(why) => return Ok(Err(why)),
    };
    let start = Instant::now();
    let read = scan()?;
    let rate = read as f64 / start.elapsed().as_secs_f64();
    store.close()?;
    if read < events {
        return Err(format!("{read} of {events} events were read").into());
    }
    let note = (events < run.options.events)
        .then(|| format!("over {events} events only: its rate falls with the size of the store"));
    Ok(Ok(Sample { values: vec![rate], note }))
}

/// One entity after another, in random order.
pub fn entity(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    let mut store = (peer.open)(&run.filled(peer, run.options.events)?, Mode::Durable)?;
    let mut read = match std::mem::replace(&mut store.entity, Err("taken")) {
        Ok(read) => read()?,
        Err(why) => return Ok(Err(why)),
    };
    let mut state = 1;
    let rate =
        paced(&run.options, u64::MAX, |_| Ok(read(payload::random(&mut state) % ENTITIES)? / BYTES as u64))?;
    drop(read);
    store.close()?;
    Ok(Ok(rate.into()))
}

/// The newest [`TAIL`] events, again and again.
pub fn tail(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    let mut store = (peer.open)(&run.filled(peer, run.options.events)?, Mode::Durable)?;
    let mut read = match std::mem::replace(&mut store.tail, Err("taken")) {
        Ok(read) => read()?,
        Err(why) => return Ok(Err(why)),
    };
    let rate = paced(&run.options, u64::MAX, |_| Ok(read(TAIL)? / BYTES as u64))?;
    drop(read);
    store.close()?;
    Ok(Ok(rate.into()))
}

/// One event after another, in random order.
pub fn get(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    let mut store = (peer.open)(&run.filled(peer, run.options.events)?, Mode::Durable)?;
    let mut read = match std::mem::replace(&mut store.get, Err("taken")) {
        Ok(read) => read()?,
        Err(why) => return Ok(Err(why)),
    };
    let mut state = 1;
    let events = run.options.events;
    let rate = paced(&run.options, u64::MAX, |_| {
        read(payload::random(&mut state) % events)?;
        Ok(1)
    })?;
    drop(read);
    store.close()?;
    Ok(Ok(rate.into()))
}
