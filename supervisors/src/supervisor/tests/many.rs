//! A hundred thousand pooled actors under one supervisor, on as many threads as there are cores.

use super::puppet::LONG;
use crate::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MANY: usize = 100_000;

/// Counts, and is the last of those that are left when it is stopped.
struct Counter {
    number: usize,
    count: u64,
    left: Arc<AtomicUsize>,
}

enum Count {
    Add(u64),
    Total(Reply<u64>),
    Panic(Reply<u64>),
}

impl Actor for Counter {
    type Message = Count;
    type Error = std::convert::Infallible;

    fn handle(&mut self, message: Count, _: &mut Context<'_, Count>) -> Result<Flow, Self::Error> {
        match message {
            Count::Add(number) => self.count += number,
            Count::Total(reply) => reply.send(self.count),
            Count::Panic(_reply) => panic!("as told"),
        }
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, _: &mut Context<'_, Count>, _: &ExitReason) {
        let last = self.left.swap(self.number, Ordering::Relaxed);
        assert_eq!(last, self.number + 1, "the children are stopped in reverse");
    }
}

fn counters(left: &Arc<AtomicUsize>) -> (Running, Vec<Address<Count>>) {
    let mut addresses = Vec::with_capacity(MANY);
    let supervisor = (0..MANY).fold(Supervisor::one_for_one("top"), |supervisor, number| {
        let left = left.clone();
        let make = move || Counter { number, count: 0, left: left.clone() };
        let (spec, address) = ChildSpec::actor(number.to_string(), make);
        addresses.push(address);
        supervisor.child(spec.driver(Driver::Pooled).mailbox(4))
    });
    (supervisor.start_on(&Runtime::threads().pool_of(2)).expect("all start"), addresses)
}

#[test]
fn a_hundred_thousand_pooled_actors_are_told_asked_restarted_and_stopped_in_order_on_a_few_threads() {
    let left = Arc::new(AtomicUsize::new(MANY));
    let (running, addresses) = counters(&left);
    addresses.iter().for_each(|to| to.send(Count::Add(1)).expect("it runs"));
    addresses.iter().for_each(|to| assert_eq!(to.call(Count::Total), Ok(1)));
    for to in addresses.iter().step_by(1000) {
        assert!(matches!(to.call(Count::Panic), Err(CallError::ActorFailed { incarnation: 1, .. })));
        assert_eq!(to.call_timeout(LONG, Count::Total), Ok(0), "the next incarnation answers");
    }

    let tree = running.tree();
    assert_eq!(tree.root.children.len(), MANY);
    assert_eq!(tree.root.children.iter().map(|child| child.restarts_total).sum::<u64>(), 100);

    let threads = format!("{:?}", addresses[0].slot.place().threads);
    let named: BTreeSet<_> = threads.split('"').skip(1).step_by(2).collect();
    let known = BTreeSet::from(["top", "top/(pool 1)", "top/(pool 2)"]);
    assert!(named.is_subset(&known), "{threads}");

    let report = running.shutdown();
    assert!(report.is_clean() && report.children.len() == MANY);
    assert_eq!(left.load(Ordering::Relaxed), 0, "every one was stopped");
    assert!(addresses.iter().all(Address::has_ended));
}
