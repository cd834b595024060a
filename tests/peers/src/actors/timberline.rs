//! supervisors: our own actor runtime.

use super::{Library, MAILBOX};
use crate::machine;
use crate::options::Options;
use crate::store::Res;
use crate::stores::OURS;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use supervisors::{
    Actor, Address, ChildSpec, Context, Driver, Flow, Reply, RestartPolicy, Running, Supervisor,
};

pub const LIBRARY: Library = Library {
    name: OURS,
    version: || machine::version("supervisors").to_owned(),
    modes: "no runtime: under a supervisor, run on the caller's thread when idle, else on a thread of its own; where there are many, on the threads of a pool.",
    call: Err("there is no runtime to be a task of: next row"),
    call_outside: Ok(call),
    send_bounded: Ok(send),
    send_unbounded: Err("every mailbox has a limit"),
    spawn: Ok(spawn),
    restart: Ok(restart),
    many: |count| super::timed(|| many(count)),
};

enum Message {
    Add(u64),
    Get(Reply<u64>),
    Panic,
}

/// Counts.
struct Counter(u64);

impl Actor for Counter {
    type Message = Message;
    type Error = Infallible;

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        match message {
            Message::Add(number) => self.0 += number,
            Message::Get(reply) => reply.send(self.0),
            Message::Panic => panic!("on purpose"),
        }
        Ok(Flow::Continue)
    }
}

/// A counter under a supervisor that restarts it, as often as a run may ask.
fn counter() -> Res<(Running, Address<Message>)> {
    let (child, counter) = ChildSpec::actor("counter", || Counter(0));
    let policy = RestartPolicy::Bounded { max_restarts: 1_000, within: Duration::from_secs(3_600) };
    let child = child.mailbox(MAILBOX).restart(policy).shutdown(Duration::from_secs(1));
    Ok((Supervisor::one_for_one("counters").child(child).start()?, counter))
}

fn stop(running: &Running) -> Res<()> {
    if running.shutdown().is_clean() { Ok(()) } else { Err("a counter did not stop".into()) }
}

fn call(options: &Options) -> Res<f64> {
    let (running, counter) = counter()?;
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < options.box_time {
        counter.call(Message::Get)?;
        done += 1;
    }
    let rate = f64::from(done) / start.elapsed().as_secs_f64();
    stop(&running)?;
    Ok(rate)
}

fn send(options: &Options) -> Res<f64> {
    let (running, counter) = counter()?;
    let start = Instant::now();
    for _ in 0..options.events {
        counter.send(Message::Add(1)).map_err(|_| "the counter has ended")?;
    }
    let sum = counter.call(Message::Get)?;
    let rate = sum as f64 / start.elapsed().as_secs_f64();
    stop(&running)?;
    Ok(rate)
}

/// So many pooled counters under one supervisor.
fn counters(count: u64) -> Res<(Running, Vec<Address<Message>>)> {
    let mut addresses = Vec::new();
    let mut supervisor = Supervisor::one_for_one("counters");
    for number in 0..count {
        let (child, address) = ChildSpec::actor(format!("counter-{number}"), || Counter(0));
        addresses.push(address);
        supervisor = supervisor.child(child.driver(Driver::Pooled));
    }
    Ok((supervisor.start()?, addresses))
}

fn spawn(count: u64, all_stand: &mut dyn FnMut()) -> Res<()> {
    let (running, _addresses) = counters(count)?;
    all_stand();
    stop(&running)?;
    Ok(())
}

fn many(count: u64) -> Res<()> {
    let (running, counters) = counters(count)?;
    for counter in &counters {
        counter.call(Message::Get)?;
    }
    stop(&running)
}

fn restart(count: u64) -> Res<Vec<f64>> {
    let (running, counter) = counter()?;
    let mut samples = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        counter.send(Message::Panic).map_err(|_| "the counter has ended")?;
        while counter.call(Message::Get).is_err() {
            std::thread::yield_now();
        }
        samples.push(start.elapsed().as_secs_f64() * 1e6);
    }
    stop(&running)?;
    Ok(samples)
}
