//! What the pool promises: few threads for many actors, room without waiting, a turn for everyone.

use super::*;

fn pool_of(threads: usize) -> Nursery {
    Nursery::new(&Runtime::threads().pool_of(threads))
}

fn started(nursery: &Nursery, spec: ChildSpec) -> Nursling {
    let child = nursery.start(spec);
    assert!(nursery.hear().1.is_none(), "it starts");
    child
}

fn pooled(nursery: &Nursery, id: &str) -> (Nursling, Address<Do>, channel::Receiver<(u64, u32)>) {
    let (spec, address, log) = puppet(id);
    (started(nursery, spec.driver(Driver::Pooled)), address, log)
}

/// The threads of a nursery.
fn threads(nursery: &Nursery, named: &str) -> usize {
    format!("{nursery:?}").matches(named).count()
}

fn finish(nursery: &Nursery, children: impl IntoIterator<Item = Nursling>) {
    children.into_iter().for_each(|child| nursery.finish(&child));
    assert!(nursery.join().is_empty(), "every thread is joined");
}

#[test]
fn no_number_of_pooled_actors_makes_more_threads_than_their_pool_may_have() {
    let nursery = pool_of(3);
    let (children, addresses): (Vec<_>, Vec<_>) =
        (0..200).map(|n| pooled(&nursery, &format!("p{n}"))).map(|(child, to, _)| (child, to)).unzip();
    let answers: Vec<_> = (0..5)
        .flat_map(|_| addresses.iter().map(|to| to.submit(|r| Do::Answer(1, r)).expect("it runs")))
        .collect();
    answers.into_iter().for_each(|answer| assert_eq!(answer.wait_timeout(LONG), Ok(1)));
    assert!((1..=3).contains(&threads(&nursery, "nursery/(pool ")), "{nursery:?}");
    assert_eq!(threads(&nursery, "nursery/p"), 0, "none has a thread of its own: {nursery:?}");
    finish(&nursery, children);
}

#[test]
fn one_thread_watches_the_timers_of_all_pooled_actors_and_a_later_one_holds_up_no_sooner_one() {
    let nursery = pool_of(2);
    let (log, fired) = channel::bounded(100);
    let children: Vec<_> = (0..20)
        .map(|n| {
            let log = log.clone();
            let make = move || Puppet { log: log.clone(), held: Vec::new(), on_drop: false };
            let (spec, address) = ChildSpec::actor(format!("p{n}"), make);
            let child = started(&nursery, spec.driver(Driver::Pooled));
            address.send(Do::SendAfter(LONG * 100, 1000)).expect("it runs");
            address.send(Do::SendAfter(Duration::from_millis(1), n)).expect("it runs");
            child
        })
        .collect();
    let mut all: Vec<_> = (0..20).map(|_| fired.recv_timeout(LONG).expect("it fires").1).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..20));
    assert_eq!(threads(&nursery, "nursery/(alarms)"), 1, "{nursery:?}");
    finish(&nursery, children);
}

/// A hundred senders and one thread: were a sender to wait on it, nobody could make the room.
#[test]
fn a_pooled_sender_that_waits_for_room_holds_no_thread() {
    let nursery = pool_of(1);
    let (spec, target, log) = puppet("target");
    let target_child = started(&nursery, spec.driver(Driver::Pooled).mailbox(1));
    let senders: Vec<_> = (0..100_u32).map(|n| pooled(&nursery, &format!("s{n}"))).collect();
    for (n, (_, sender, _)) in (0_u32..).zip(&senders) {
        sender.send(Do::Send((0..10).map(|i| n * 10 + i).collect(), target.clone())).expect("it runs");
    }
    let mut next = [0; 100];
    for _ in 0..1000 {
        let (_, number) = log.recv_timeout(LONG).expect("it comes");
        let sender = &mut next[number as usize / 10];
        assert_eq!(number % 10, *sender, "each sender's order is kept");
        *sender += 1;
    }
    assert!(threads(&nursery, "nursery/(pool ") == 1 && threads(&nursery, "nursery/s") == 0, "{nursery:?}");
    finish(&nursery, senders.into_iter().map(|(child, ..)| child).chain([target_child]));
}

/// From the pool to an own thread and back into the pool, all full.
#[test]
fn an_inline_actor_between_two_pooled_ones_cannot_keep_the_pool_from_what_it_waits_for() {
    let nursery = pool_of(1);
    let (last, to_last, log) = puppet("last");
    let (middle, to_middle, _log) = puppet("middle");
    let last = started(&nursery, last.driver(Driver::Pooled).mailbox(1));
    let middle = started(&nursery, middle.mailbox(1));
    let (first, to_first, _log) = pooled(&nursery, "first");
    for round in 0..50 {
        to_middle.send(Do::Send(vec![round; 10], to_last.clone())).expect("it runs");
        to_first.send(Do::Send(vec![round; 10], to_middle.clone())).expect("it runs");
        (0..10).for_each(|_| assert_eq!(log.recv_timeout(LONG), Ok((1, round))));
    }
    finish(&nursery, [first, middle, last]);
}

#[test]
fn who_waits_for_room_in_an_actor_that_ends_goes_on() {
    let nursery = pool_of(1);
    let (spec, target, _log) = puppet("target");
    let target_child = started(&nursery, spec.driver(Driver::OwnThread).mailbox(1));
    let ((here, arrived), (go, wait)) = (channel::bounded(1), channel::bounded(1));
    target.send(Do::Gate(here, wait)).expect("it runs");
    arrived.recv_timeout(LONG).expect("it comes to the gate");
    let (sender, to_sender, _) = pooled(&nursery, "sender");
    to_sender.send(Do::Send((0..10).collect(), target.clone())).expect("it runs");
    let (other, to_other, _) = pooled(&nursery, "other");
    let answer = to_other.submit(|r| Do::Answer(1, r)).expect("it runs");
    assert_eq!(answer.wait_timeout(LONG), Ok(1), "the only thread is free, and the sender waits by now");
    target_child.end();
    assert_eq!(to_sender.call_timeout(LONG, |r| Do::Answer(2, r)), Ok(2));
    [sender, other].into_iter().for_each(|child| nursery.finish(&child));
    assert_eq!(nursery.join(), ["nursery/target"], "it is left hanging");
    drop(go);
}

#[test]
fn a_pooled_actor_that_hangs_is_named_with_its_thread_and_the_pool_gets_another() {
    let nursery = pool_of(1);
    let (hung, to_hung, _log) = pooled(&nursery, "hung");
    let ((here, arrived), (go, wait)) = (channel::bounded(1), channel::bounded(1));
    to_hung.send(Do::Gate(here, wait)).expect("it runs");
    arrived.recv_timeout(LONG).expect("it comes to the gate");
    assert_eq!(hung.snapshot().thread.as_deref(), Some("nursery/(pool 1)"));
    let (spec, to_other, _log) = puppet("other");
    let other = nursery.here(|| nursery.start(spec.driver(Driver::Pooled)));
    let queued = to_other.submit(|r| Do::Answer(1, r)).expect("it runs");
    hung.end();
    assert_eq!(queued.wait_timeout(LONG), Ok(1), "it waited for the thread that hung");
    assert!(nursery.hear().1.is_none());
    nursery.finish(&other);
    assert_eq!(nursery.join(), ["nursery/(pool 1)"]);
    drop(go);
}

/// Is thrown back to who threw it.
struct Ball(Address<Ball>);
struct Player;
impl Actor for Player {
    type Message = Ball;
    type Error = std::convert::Infallible;
    fn handle(&mut self, Ball(to): Ball, context: &mut Context<'_, Ball>) -> Result<Flow, Self::Error> {
        let from = context.address().clone();
        context.send(&to, Ball(from));
        Ok(Flow::Continue)
    }
}

#[test]
fn two_pooled_actors_that_never_come_to_rest_leave_a_third_its_turn() {
    let nursery = pool_of(1);
    let players = ["a", "b"].map(|id| ChildSpec::actor(id, || Player));
    let [a, b] = [0, 1].map(|n| players[n].1.clone());
    let players: Vec<_> =
        players.into_iter().map(|(spec, _)| started(&nursery, spec.driver(Driver::Pooled))).collect();
    let (third, to_third, _log) = pooled(&nursery, "third");
    assert!(a.send(Ball(b)).is_ok());
    for n in 0..100 {
        assert_eq!(to_third.call_timeout(LONG, |r| Do::Answer(n, r)), Ok(n));
    }
    finish(&nursery, players.into_iter().chain([third]));
}
