//! kameo: actors on tokio, bounded or unbounded mailboxes, supervision.

use super::{Library, MAILBOX, on_tokio, outside_tokio, reached};
use crate::machine;
use crate::options::Options;
use crate::store::Res;
use kameo::actor::{Actor, ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};
use kameo::supervision::RestartPolicy;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const LIBRARY: Library = Library {
    name: "kameo",
    version: || machine::version("kameo").to_owned(),
    modes: "on a tokio runtime of two threads.",
    call: Ok(|options| on_tokio(call(options.box_time))),
    call_outside: Ok(|options| outside_tokio(call(options.box_time))),
    send_bounded: Ok(send_bounded),
    send_unbounded: Ok(send_unbounded),
    spawn: Ok(spawn),
    restart: Ok(restart),
    many: |count| super::timed(|| many(count)),
};

/// Counts; the started are counted in what it is started with.
struct Counter(u64);

impl Actor for Counter {
    type Args = Arc<AtomicU64>;
    type Error = Infallible;

    async fn on_start(started: Self::Args, _: ActorRef<Self>) -> Result<Self, Infallible> {
        started.fetch_add(1, Ordering::Relaxed);
        Ok(Self(0))
    }
}

struct Add(u64);
struct Get;
struct Panic;

impl Message<Add> for Counter {
    type Reply = ();
    async fn handle(&mut self, Add(number): Add, _: &mut Context<Self, ()>) {
        self.0 += number;
    }
}

impl Message<Get> for Counter {
    type Reply = u64;
    async fn handle(&mut self, _: Get, _: &mut Context<Self, u64>) -> u64 {
        self.0
    }
}

impl Message<Panic> for Counter {
    type Reply = ();
    async fn handle(&mut self, _: Panic, _: &mut Context<Self, ()>) {
        panic!("on purpose");
    }
}

/// Restarts its counter.
struct Supervisor;

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

async fn call(box_time: Duration) -> Res<f64> {
    let actor = Counter::spawn(Arc::default());
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < box_time {
        actor.ask(Get).await?;
        done += 1;
    }
    Ok(f64::from(done) / start.elapsed().as_secs_f64())
}

fn send_bounded(options: &Options) -> Res<f64> {
    send(options.events, || Counter::spawn_with_mailbox(Arc::default(), mailbox::bounded(MAILBOX)))
}

fn send_unbounded(options: &Options) -> Res<f64> {
    send(options.events, || Counter::spawn_with_mailbox(Arc::default(), mailbox::unbounded()))
}

fn send(count: u64, spawn: impl FnOnce() -> ActorRef<Counter> + Send + 'static) -> Res<f64> {
    on_tokio(async move {
        let actor = spawn();
        let start = Instant::now();
        for _ in 0..count {
            actor.tell(Add(1)).await?;
        }
        let sum = actor.ask(Get).await?;
        Ok(sum as f64 / start.elapsed().as_secs_f64())
    })
}

fn spawn(count: u64, all_stand: &mut dyn FnMut()) -> Res<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let actors = runtime.block_on(async move {
        tokio::spawn(async move {
            let started = Arc::new(AtomicU64::new(0));
            let actors: Vec<_> = (0..count).map(|_| Counter::spawn(started.clone())).collect();
            reached(&started, count).await;
            actors
        })
        .await
    })?;
    all_stand();
    drop(actors);
    Ok(())
}

fn many(count: u64) -> Res<()> {
    on_tokio(async move {
        let counters: Vec<_> = (0..count).map(|_| Counter::spawn(Arc::default())).collect();
        for counter in &counters {
            counter.ask(Get).await?;
        }
        for counter in &counters {
            counter.stop_gracefully().await?;
        }
        for counter in &counters {
            counter.wait_for_shutdown().await;
        }
        Ok(())
    })
}

fn restart(count: u64) -> Res<Vec<f64>> {
    on_tokio(async move {
        let supervisor = Supervisor::spawn(());
        let actor = Counter::supervise(&supervisor, Arc::default())
            .restart_policy(RestartPolicy::Permanent)
            .restart_limit(u32::MAX, Duration::from_secs(3_600))
            .spawn()
            .await;
        let mut samples = Vec::new();
        for _ in 0..count {
            let start = Instant::now();
            actor.tell(Panic).await?;
            while actor.ask(Get).await.is_err() {
                tokio::task::yield_now().await;
            }
            samples.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(samples)
    })
}
