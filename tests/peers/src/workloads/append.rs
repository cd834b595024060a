//! Appends: alone and together, one by one and in batches, buffered and durable.

use super::run::{Run, paced};
use crate::bench::Sample;
use crate::store::{Mode, Op, Peer, Res};
use crate::stores::FLOOR;
use std::sync::Barrier;
use std::time::Instant;

/// One caller, which appends `batch` events at a time.
pub fn alone(run: &Run, peer: &Peer, mode: Mode, batch: u64) -> Res<Op<Sample>> {
    let store = (peer.open)(&run.fresh(peer)?, mode)?;
    let mut caller = match &store.caller {
        Ok(caller) => caller()?,
        Err(why) => return Ok(Err(why)),
    };
    let rate = paced(&run.options, run.options.events, |done| {
        caller(done, batch)?;
        Ok(batch)
    })?;
    drop(caller);
    store.close()?;
    Ok(Ok(rate.into()))
}

/// One caller, which does not wait for an append before it hands in the next.
pub fn pipelined(run: &Run, peer: &Peer) -> Res<Op<Sample>> {
    let store = (peer.open)(&run.fresh(peer)?, Mode::Buffered)?;
    let mut pipeline = match &store.pipeline {
        Ok(pipeline) => pipeline()?,
        Err(why) => return Ok(Err(why)),
    };
    let chunk = (run.options.events / 50).next_multiple_of(100);
    let rate = paced(&run.options, run.options.events, |done| {
        pipeline(done, chunk)?;
        Ok(chunk)
    })?;
    drop(pipeline);
    store.close()?;
    Ok(Ok(rate.into()))
}

/// `callers` callers at once, each of which waits for the disk at every event.
pub fn together(run: &Run, peer: &Peer, callers: u64) -> Res<Op<Sample>> {
    if peer.name == FLOOR {
        return alone(run, peer, Mode::Durable, callers);
    }
    let store = (peer.open)(&run.fresh(peer)?, Mode::Durable)?;
    let make = match &store.caller {
        Ok(make) => make,
        Err(why) => return Ok(Err(why)),
    };
    let appends = (0..callers).map(|_| make()).collect::<Res<Vec<_>>>()?;
    let start_line = Barrier::new(callers as usize + 1);
    let box_time = run.options.box_time;
    let rate = std::thread::scope(|scope| -> Res<f64> {
        let (mut threads, start_line) = (Vec::new(), &start_line);
        for (lane, mut append) in appends.into_iter().enumerate() {
            threads.push(scope.spawn(move || -> Res<u64> {
                start_line.wait();
                let (start, mut done) = (Instant::now(), 0);
                while start.elapsed() < box_time {
                    append(lane as u64 + done * callers, 1)?;
                    done += 1;
                }
                Ok(done)
            }));
        }
        start_line.wait();
        let start = Instant::now();
        let done: Res<Vec<u64>> =
            threads.into_iter().map(|thread| thread.join().map_err(|_| "a caller panicked")?).collect();
        Ok(done?.iter().sum::<u64>() as f64 / start.elapsed().as_secs_f64())
    })?;
    store.close()?;
    Ok(Ok(rate.into()))
}
