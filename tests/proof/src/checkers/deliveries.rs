//! Deliveries against the rules of delivery (R11): one walk over the history for each worker.
//!
//! 1. Within one life deliveries are gap-free over the region and in order.
//! 2. A life begins at the last durable checkpoint or one that was being committed.
//! 3. No checkpoint is issued before the handler said yes to everything under it.
//! 4. No checkpoint passes the durable watermark: a durable worker is handed durable events only.
//! 5. Rollback, panic and failure redeliver that batch before anything later.
//! 6. At rest every matching event was delivered.
//! 7. What was delivered to a durable worker never vanishes.
//! 8. Redelivery is bounded: one batch for each disturbance.
//! 9. A stuck handler stalls only its own cursor: who has nothing in hand beside it has all that was durable.

use super::{at, logs};
use crate::simulation::{Handed, Happened, History, Saying, Stored, Watch};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let logs = logs(history);
    let mut workers: BTreeMap<usize, Worker<'_>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (place, happened) in history.iter().enumerate() {
        match happened {
            Happened::Hired { worker, watch, is_durable, batch, .. } => {
                let hired =
                    workers.entry(*worker).or_insert_with(|| Worker::new(*worker, watch, *is_durable));
                hired.batch = hired.batch.max(*batch);
                hired.hired();
            }
            Happened::Handed(handed) => {
                let log = log_after(&logs, place);
                if let Some(worker) = workers.get_mut(&handed.worker) {
                    worker.handed(handed, log, &mut wrong);
                }
            }
            Happened::Said { worker, saying } => {
                if let Some(worker) = workers.get_mut(worker) {
                    worker.said(*saying);
                }
            }
            Happened::Hung { durable, others, .. } => {
                let others = others.iter().filter_map(|other| workers.get(other));
                let log = log_after(&logs, place);
                others.for_each(|other| {
                    other.has_all("9: a stuck handler stalls only its own", log, *durable, &mut wrong);
                });
            }
            Happened::Opened(log) => workers.values_mut().for_each(|worker| worker.reopened(log, &mut wrong)),
            Happened::Rested(log) => {
                let rule = "6: at rest everything is delivered";
                workers.values().for_each(|worker| worker.has_all(rule, log, u64::MAX, &mut wrong));
            }
            _ => {}
        }
    }
    wrong
}

/// What the store holds at the next look at it.
fn log_after<'a>(logs: &[(usize, &'a [Stored])], place: usize) -> &'a [Stored] {
    let next = logs.partition_point(|(at, _)| *at < place);
    logs.get(next).map_or(&[], |(_, log)| log)
}

/// What is known of one worker so far.
struct Worker<'a> {
    number: usize,
    watch: &'a Watch,
    is_durable: bool,
    /// The most events of a batch, ever.
    batch: usize,
    /// The batch handed out last, and what was said of it.
    last: Option<(&'a Handed, Option<Saying>)>,
    /// A place that was surely committed.
    confirmed: u64,
    /// Places that a yes may have committed since: a commit whose worker died may be on its way for a while.
    perhaps: Vec<u64>,
    /// The highest position handed out.
    highest: u64,
    redelivered: usize,
    disturbances: usize,
    /// No batch was handed out in this hiring yet.
    is_fresh: bool,
}

impl<'a> Worker<'a> {
    fn new(number: usize, watch: &'a Watch, is_durable: bool) -> Worker<'a> {
        Worker {
            number,
            watch,
            is_durable,
            batch: 0,
            last: None,
            confirmed: 0,
            perhaps: Vec::new(),
            highest: 0,
            redelivered: 0,
            disturbances: 0,
            is_fresh: true,
        }
    }

    fn hired(&mut self) {
        self.is_fresh = true;
        self.disturbances += 1;
        if !self.is_durable {
            (self.confirmed, self.highest, self.last) = (0, 0, None);
            self.perhaps.clear();
        }
    }

    fn handed(&mut self, handed: &'a Handed, log: &[Stored], wrong: &mut Vec<String>) {
        let fault = |rule: &str| format!("{rule}: worker {}, {handed:?}", self.number);
        let begins = self.is_fresh
            || self.last.is_none_or(|(last, _)| {
                (last.hiring, last.incarnation) != (handed.hiring, handed.incarnation)
            });
        let is_known = self.confirmed == handed.committed || self.perhaps.contains(&handed.committed);
        if begins && !is_known {
            let rule = if handed.committed > self.said_yes_to() {
                "3: no checkpoint before a yes"
            } else {
                "2: a life begins at its checkpoint"
            };
            wrong.push(fault(rule));
        }
        if !begins && self.last.is_some_and(|(last, _)| handed.committed != last.end.max(last.committed)) {
            wrong.push(fault("3: a checkpoint is what the handler said yes to"));
        }
        if !begins && self.last.is_some_and(|(_, said)| said != Some(Saying::Yes)) {
            wrong.push(fault("5: what was not done ends its life"));
        }
        let end = handed.end;
        if self.is_durable && end > handed.durable {
            wrong.push(fault("4: a durable worker sees durable events only"));
        }
        if let Some(missing) = self.missing(handed, log) {
            wrong.push(fault(&format!("1: deliveries have no gap ({missing} was skipped)")));
        }
        let again = handed.positions.iter().filter(|position| **position <= self.highest).count();
        self.redelivered += again;
        if begins && !self.is_fresh {
            self.disturbances += 1;
        }
        let bound = self.disturbances * self.batch;
        if self.is_durable && self.redelivered > bound {
            wrong.push(fault("8: redelivery is bounded"));
        }
        self.highest = self.highest.max(end);
        self.confirmed = handed.committed;
        self.perhaps.retain(|place| *place > handed.committed);
        self.is_fresh = false;
        self.last = Some((handed, None));
    }

    /// An event of the region between the committed place, where the batch begins, and its end that is not in it.
    fn missing(&self, handed: &Handed, log: &[Stored]) -> Option<u64> {
        let Handed { positions, committed, end, .. } = handed;
        let early = positions.first().filter(|first| *first <= committed);
        let late = positions.last().filter(|last| *last > end);
        let unordered = positions.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| &pair[1]);
        if let Some(wrong) = early.or(late).or(unordered) {
            return Some(*wrong);
        }
        let begin = log.partition_point(|event| event.position <= *committed);
        let due = log[begin..].iter().take_while(|event| event.position <= *end);
        let mut due = due.filter(|event| self.watch.matches(event)).map(|event| event.position);
        due.find(|position| positions.binary_search(position).is_err())
    }

    /// The furthest place that is, or may be, committed.
    fn said_yes_to(&self) -> u64 {
        self.perhaps.iter().copied().max().unwrap_or(0).max(self.confirmed)
    }

    fn said(&mut self, saying: Saying) {
        let Some((handed, said)) = &mut self.last else { return };
        *said = Some(saying);
        if saying == Saying::Yes {
            let end = handed.end;
            self.perhaps.push(end);
        }
    }

    /// What the next process finds.
    fn reopened(&mut self, log: &[Stored], wrong: &mut Vec<String>) {
        let last = log.last().map_or(0, |event| event.position);
        let vanished = |position: &&u64| at(log, **position).is_none();
        if self.is_durable
            && let Some((handed, _)) = &self.last
            && let Some(position) = handed.positions.iter().find(vanished)
        {
            wrong.push(format!(
                "7: what was delivered is there: worker {}, {position} of {last}",
                self.number
            ));
        }
    }

    /// Everything that matches, up to `through`, was delivered, and to a yes.
    fn has_all(&self, rule: &str, log: &[Stored], through: u64, wrong: &mut Vec<String>) {
        let known = &log[..log.partition_point(|event| event.position <= through)];
        let last = known.iter().rev().find(|event| self.watch.matches(event));
        let last = last.map_or(0, |event| event.position);
        let at = self.said_yes_to();
        if self.highest < last || at < last {
            wrong.push(format!("{rule}: worker {} stands at {at} of {last}", self.number));
        }
    }
}
