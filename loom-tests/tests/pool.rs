//! The pool of threads that pooled actors share, in every order: loom gives it one thread.
#![cfg(loom)]

use loom::thread;
use loom_tests::explore::{bites, explore};
use std::convert::Infallible;
use supervisors::nursery::{Nursery, Nursling};
use supervisors::planted::Bug;
use supervisors::{Actor, Address, ChildSpec, Context, Driver, ExitReason, Flow, Reply, Runtime};

/// Counts what it was given.
struct Counter(usize);

enum Count {
    One,
    Total(Reply<usize>),
}

impl Actor for Counter {
    type Message = Count;
    type Error = Infallible;

    fn handle(&mut self, message: Count, _: &mut Context<'_, Count>) -> Result<Flow, Infallible> {
        self.0 += 1;
        if let Count::Total(reply) = message {
            reply.send(self.0);
        }
        Ok(Flow::Continue)
    }
}

/// Answers, and sends two, for every message.
struct Doubler(Address<Count>);

impl Actor for Doubler {
    type Message = Reply<()>;
    type Error = Infallible;

    fn handle(&mut self, reply: Reply<()>, context: &mut Context<'_, Reply<()>>) -> Result<Flow, Infallible> {
        reply.send(());
        (0..2).for_each(|_| context.send(&self.0, Count::One));
        Ok(Flow::Continue)
    }
}

/// A child whose turns so far ran on this thread.
fn started(nursery: &Nursery, spec: ChildSpec) -> Nursling {
    let child = nursery.here(|| nursery.start(spec.driver(Driver::Pooled)));
    assert!(nursery.hear().1.is_none());
    child
}

fn counter(nursery: &Nursery, mailbox: usize) -> (Nursling, Address<Count>) {
    let (spec, address) = ChildSpec::actor("counter", || Counter(0));
    (started(nursery, spec.mailbox(mailbox)), address)
}

fn end(nursery: &Nursery, child: &Nursling) {
    nursery.here(|| child.stop(1));
    assert!(matches!(nursery.hear(), (1, Some(ExitReason::Shutdown))));
    child.end();
}

#[test]
fn ring_and_quit() {
    explore("ring | quit", 4, 80_675, || {
        let nursery = Nursery::new(&Runtime::threads());
        let (child, address) = counter(&nursery, 2);
        let other = thread::spawn(move || address.submit(Count::Total).map(supervisors::Answer::wait));
        end(&nursery, &child);
        assert!(nursery.join().is_empty());
        match other.join().expect("no panic") {
            Ok(answer) => {
                assert!(matches!(answer, Ok(1) | Err(supervisors::CallError::Stopped)), "{answer:?}")
            }
            Err(unsent) => assert!(matches!(unsent.0, Count::Total(_))),
        }
    });
}

#[test]
fn ring_and_quit_bites() {
    bites("ring_and_quit", Bug::PoolEndsAsleep);
}

#[test]
fn two_slots_and_one_pool_thread() {
    explore("two slots | one pool thread", 3, 11_833, || {
        let nursery = Nursery::new(&Runtime::threads());
        let ((first, to_first), (second, to_second)) = (counter(&nursery, 2), counter(&nursery, 2));
        let other = thread::spawn(move || to_second.submit(Count::Total).expect("it runs").wait());
        assert_eq!(to_first.submit(Count::Total).expect("it runs").wait(), Ok(1));
        assert_eq!(other.join().expect("no panic"), Ok(1));
        end(&nursery, &first);
        end(&nursery, &second);
        assert!(nursery.join().is_empty());
    });
}

#[test]
fn two_slots_and_one_pool_thread_bites() {
    bites("two_slots_and_one_pool_thread", Bug::PoolStaysParked);
}

#[test]
fn room_and_who_waits_for_it() {
    explore("room | who waits for it", 4, 74_629, || {
        let nursery = Nursery::new(&Runtime::threads());
        let (target, to_target) = counter(&nursery, 1);
        let to = to_target.clone();
        let (spec, to_doubler) = ChildSpec::actor("doubler", move || Doubler(to.clone()));
        let doubler = started(&nursery, spec);
        let told = to_doubler.submit(|reply| reply).expect("it runs");
        assert!(matches!(to_target.call(Count::Total), Ok(1..=3)));
        assert_eq!(told.wait(), Ok(()));
        end(&nursery, &doubler);
        assert_eq!(to_target.call(Count::Total), Ok(4), "both were delivered before it ended");
        end(&nursery, &target);
        assert!(nursery.join().is_empty());
    });
}

#[test]
fn room_and_who_waits_for_it_bites() {
    bites("room_and_who_waits_for_it", Bug::RoomIsNotTold);
}
