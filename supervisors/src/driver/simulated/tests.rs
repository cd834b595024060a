//! What the simulated driver promises: every interleaving it may take, time that costs nothing, the same run again.

use super::*;
use crate::nursery::Nursery;
use crate::*;

/// Passes numbers on, answers, sets timers.
struct Relay {
    next: Option<Address<Pass>>,
    log: Arc<Mutex<Vec<u32>>>,
}

enum Pass {
    On(u32),
    Later(Duration, u32),
    Answer(Reply<usize>),
    CallNext(Reply<Result<usize, CallError>>),
    Keep(#[expect(dead_code, reason = "held, never answered")] Reply<()>),
}

impl Actor for Relay {
    type Message = Pass;
    type Error = std::convert::Infallible;

    fn handle(&mut self, message: Pass, context: &mut Context<'_, Pass>) -> Result<Flow, Self::Error> {
        match message {
            Pass::On(number) => {
                self.log.lock().push(number);
                if let Some(next) = &self.next {
                    context.send(next, Pass::On(number));
                }
            }
            Pass::Later(delay, number) => {
                context.send_after(delay, Pass::On(number));
            }
            Pass::Answer(reply) => reply.send(self.log.lock().len()),
            Pass::CallNext(reply) => {
                let next = self.next.as_ref().expect("it has one");
                reply.send(next.call(Pass::Answer));
            }
            Pass::Keep(reply) => std::mem::forget(reply),
        }
        Ok(Flow::Continue)
    }
}

type Log = Arc<Mutex<Vec<u32>>>;

fn relay(nursery: &Nursery, id: &str, next: Option<Address<Pass>>) -> (Address<Pass>, Log) {
    let log = Log::default();
    let logs = log.clone();
    let make = move || Relay { next: next.clone(), log: logs.clone() };
    let (spec, address) = ChildSpec::actor(id, make);
    let _child = nursery.start(spec.mailbox(2));
    assert!(nursery.hear().1.is_none());
    (address, log)
}

struct Run {
    order: Vec<u32>,
    choices: Vec<usize>,
    fingerprint: u64,
}

/// Two senders pass ten numbers each on to one receiver with room for two.
fn race(choices: impl Choices + 'static) -> Run {
    let simulation = Simulation::new(choices);
    let nursery = Nursery::new(&simulation.runtime());
    let (last, log) = relay(&nursery, "last", None);
    let (left, _) = relay(&nursery, "left", Some(last.clone()));
    let (right, _) = relay(&nursery, "right", Some(last));
    for number in 0..10 {
        left.send(Pass::On(number)).expect("it runs");
        right.send(Pass::On(100 + number)).expect("it runs");
    }
    simulation.settle();
    let order = log.lock().clone();
    Run { order, choices: simulation.choices(), fingerprint: simulation.fingerprint() }
}

#[test]
fn the_same_seed_runs_the_same_and_a_recording_replays_it() {
    for seed in 0..50 {
        let (first, again) = (race(Seeded::new(seed)), race(Seeded::new(seed)));
        assert_eq!((&first.order, first.fingerprint), (&again.order, again.fingerprint));
        let replayed = race(Recorded::new(first.choices.clone()));
        assert_eq!((first.order, first.fingerprint), (replayed.order, replayed.fingerprint));
    }
}

#[test]
fn seeds_differ_but_the_order_of_one_sender_is_kept_and_nothing_is_lost() {
    let orders: std::collections::BTreeSet<_> = (0..100).map(|seed| race(Seeded::new(seed)).order).collect();
    assert!(orders.len() > 50, "only {} orders of 100 seeds", orders.len());
    for order in orders {
        let (left, right): (Vec<u32>, Vec<u32>) = order.iter().partition(|&&number| number < 100);
        assert_eq!(left, (0..10).collect::<Vec<_>>());
        assert_eq!(right, (100..110).collect::<Vec<_>>());
    }
}

#[test]
fn an_hour_takes_no_time_and_timers_fire_in_their_order() {
    let simulation = Simulation::new(Seeded::new(1));
    let nursery = Nursery::new(&simulation.runtime());
    let (address, log) = relay(&nursery, "sleeper", None);
    address.send(Pass::Later(Duration::from_secs(3600), 2)).expect("it runs");
    address.send(Pass::Later(Duration::from_secs(60), 1)).expect("it runs");
    simulation.run_for(Duration::from_secs(59));
    assert_eq!(*log.lock(), Vec::<u32>::new());
    simulation.run_for(Duration::from_secs(1));
    assert_eq!(*log.lock(), [1]);
    while simulation.step() {}
    assert_eq!(*log.lock(), [1, 2]);
    assert_eq!(simulation.now(), Time::ZERO + Duration::from_secs(3600));
}

#[test]
fn calls_step_the_world_also_from_inside_a_handler() {
    let simulation = Simulation::new(Seeded::new(1));
    let nursery = Nursery::new(&simulation.runtime());
    let (last, _) = relay(&nursery, "last", None);
    let (first, _) = relay(&nursery, "first", Some(last.clone()));
    assert_eq!(last.call(Pass::Answer), Ok(0));
    assert_eq!(first.call(Pass::CallNext), Ok(Ok(0)));
    let (itself, _) = relay(&nursery, "loop", Some(first.clone()));
    assert_eq!(itself.call(Pass::CallNext), Ok(Ok(0)));
}

#[test]
fn a_wait_that_nothing_can_end_is_a_deadlock_and_one_with_a_deadline_ends_at_it() {
    let simulation = Simulation::new(Seeded::new(1));
    let nursery = Nursery::new(&simulation.runtime());
    let (address, _) = relay(&nursery, "silent", None);
    assert_eq!(address.call(Pass::Keep), Err(CallError::Deadlock));
    let second = Duration::from_secs(1);
    assert_eq!(address.call_timeout(second, Pass::Keep), Err(CallError::DeadlineExceeded));
    assert_eq!(simulation.now(), Time::ZERO + second);
}

#[test]
#[ignore = "a measurement: cargo test --release -p supervisors simulated_steps -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn simulated_steps_per_second() {
    let began = std::time::Instant::now();
    let simulation = Simulation::new(Seeded::new(1));
    let nursery = Nursery::new(&simulation.runtime());
    let (last, _) = relay(&nursery, "last", None);
    let (left, _) = relay(&nursery, "left", Some(last.clone()));
    (0..300_000).for_each(|number| left.send(Pass::On(number)).expect("it runs"));
    simulation.settle();
    let seconds = began.elapsed().as_secs_f64();
    println!("{:.0} steps per second", simulation.steps() as f64 / seconds);
}
