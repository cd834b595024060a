//! From the call of an append to the moment at which a handler has the event, on an idle store.

use super::run::Run;
use crate::bench::Sample;
use crate::stats::quantile;
use crate::store::{Mode, Op, Peer, Res};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// The pause before each append: long enough that every thread of the store is asleep.
const PAUSE: Duration = Duration::from_millis(2);
/// Appends before the measured ones.
const WARM_UP: u64 = 10;

/// The median and the 99th percentile, in microseconds.
pub fn to_handler(run: &Run, peer: &Peer, mode: Mode) -> Res<Op<Sample>> {
    let mut store = (peer.open)(&run.fresh(peer)?, mode)?;
    let (seen, sight) = channel();
    let stop = match std::mem::replace(&mut store.handler, Err("taken")) {
        Ok(start) => start(seen)?,
        Err(why) => return Ok(Err(why)),
    };
    let mut caller = store.caller.as_ref().map_err(|why| *why)?()?;
    let mut samples = Vec::new();
    for event in 0..WARM_UP + run.options.latencies {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        caller(event, 1)?;
        let at = sight.recv_timeout(Duration::from_secs(10))?;
        // A handler that is told of more than was appended would make every later sample the one before it.
        let took = at.checked_duration_since(start).ok_or("the handler saw an event before its append")?;
        if event >= WARM_UP {
            samples.push(took.as_secs_f64() * 1e6);
        }
    }
    stop()?;
    drop(caller);
    store.close()?;
    samples.sort_by(f64::total_cmp);
    Ok(Ok(vec![quantile(&samples, 0.5), quantile(&samples, 0.99)].into()))
}
