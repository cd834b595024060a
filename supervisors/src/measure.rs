//! Measurements of what users cannot reach from outside: run them with `--ignored --nocapture` in release.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use crate::nursery::Nursery;
use crate::*;
use std::time::{Duration, Instant};

struct Echo;
enum Say {
    Back(u64, Reply<u64>),
    Nothing,
    Panic,
}
impl Actor for Echo {
    type Message = Say;
    type Error = std::convert::Infallible;
    fn handle(&mut self, message: Say, _: &mut Context<'_, Say>) -> Result<Flow, Self::Error> {
        match message {
            Say::Back(n, reply) => reply.send(n),
            Say::Nothing => {}
            Say::Panic => std::panic::resume_unwind(Box::new("measured")),
        }
        Ok(Flow::Continue)
    }
}

fn per<T>(n: u32, mut work: impl FnMut() -> T) -> f64 {
    let mut runs: Vec<f64> = (0..7)
        .map(|_| {
            let began = Instant::now();
            (0..n).for_each(|_| drop(work()));
            began.elapsed().as_secs_f64() * 1e9 / f64::from(n)
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs[3]
}

/// How often a loop goes round: what one round takes is the difference of two runs by the difference of their rounds.
fn rounds() -> u64 {
    std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

#[test]
#[ignore = "a loop to count the instructions of"]
fn call_on_an_idle_actor() {
    let (spec, address) = ChildSpec::actor("echo", || Echo);
    let _running = Supervisor::one_for_one("top").child(spec).start().expect("it starts");
    for n in 0..rounds() {
        assert_eq!(address.call(|r| Say::Back(n, r)), Ok(n));
    }
}

/// Gives the reply on, or answers it where there is no next.
struct Relay(Option<Address<Reply<u64>>>);

impl Actor for Relay {
    type Message = Reply<u64>;
    type Error = std::convert::Infallible;
    fn handle(
        &mut self,
        reply: Reply<u64>,
        context: &mut Context<'_, Reply<u64>>,
    ) -> Result<Flow, Self::Error> {
        match &self.0 {
            Some(next) => context.send(next, reply),
            None => reply.send(1),
        }
        Ok(Flow::Continue)
    }
}

#[test]
#[ignore = "a loop to count the instructions of"]
fn call_through_a_chain_of_three() {
    let (c, to_c) = ChildSpec::actor("c", || Relay(None));
    let (b, to_b) = ChildSpec::actor("b", move || Relay(Some(to_c.clone())));
    let (a, to_a) = ChildSpec::actor("a", move || Relay(Some(to_b.clone())));
    let _running = Supervisor::one_for_one("top").child(c).child(b).child(a).start().expect("they start");
    for _ in 0..rounds() {
        assert_eq!(to_a.call(|reply| reply), Ok(1));
    }
}

#[test]
#[ignore = "a measurement"]
fn figures() {
    let nursery = Nursery::new(&Runtime::threads());
    let (spec, address) = ChildSpec::actor("echo", || Echo);
    let kept = nursery.keep(spec.mailbox(1024));
    assert!(nursery.hear().1.is_none());
    assert!(address.call(|r| Say::Back(1, r)).is_ok());
    println!("call on an idle actor   {:7.0} ns", per(300_000, || address.call(|r| Say::Back(1, r))));
    println!("bounded send            {:7.0} ns", per(300_000, || address.send(Say::Nothing).is_ok()));
    assert!(address.call(|r| Say::Back(1, r)).is_ok());
    println!(
        "submit and wait         {:7.0} ns",
        per(20_000, || address.submit(|r| Say::Back(1, r)).map(Answer::wait))
    );
    let mut recoveries: Vec<f64> = (0..2_000)
        .map(|_| {
            let began = Instant::now();
            let _scope = driver::enter();
            address.slot.push(Say::Panic, None, driver::Hand::Here).expect("it runs");
            assert!(address.call(|r| Say::Back(1, r)).is_ok());
            began.elapsed().as_secs_f64() * 1e9
        })
        .collect();
    recoveries.sort_by(f64::total_cmp);
    println!("panic to serving again  {:7.0} ns p50, {:.0} ns p99", recoveries[1000], recoveries[1980]);
    nursery.stop(kept);
    idle();
}

fn idle() {
    let nursery = Nursery::new(&Runtime::threads());
    let children: Vec<_> = (0..200)
        .map(|_| {
            let (spec, _) = ChildSpec::actor("idle", || Echo);
            let child = nursery.start(spec.driver(Driver::OwnThread));
            assert!(nursery.hear().1.is_none());
            child
        })
        .collect();
    let before = cpu();
    let (_keep, never) = rt::channel::bounded::<()>(0);
    let _ = never.recv_timeout(Duration::from_secs(5));
    println!("200 idle actors with own threads, 5 s: {} ms of CPU", cpu() - before);
    children.iter().for_each(|child| nursery.finish(child));
    assert!(nursery.join().is_empty());
}

/// Milliseconds of CPU of this process so far, where the system tells.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10
}
