//! Actors that do what a test tells them, and trees of them.

use crate::rt::{Mutex, channel};
use crate::simulation::{Seeded, Simulation};
use crate::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(super) const LONG: Duration = Duration::from_secs(20);

/// What a puppet can be told.
pub(super) enum Do {
    Panic,
    Fail(Remedy),
    Stop,
    /// Answers with the incarnation.
    Which(Reply<u64>),
    /// Notes a number.
    Note(u32),
    /// Panics with the call in hand.
    PanicInHand(#[expect(dead_code, reason = "dropped unanswered by the panic")] Reply<u64>),
    /// Says that it is there, then waits to be let go.
    Gate(channel::Sender<()>, channel::Receiver<()>),
}

/// What goes wrong at one point of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    Panic,
    Fail,
}

#[derive(Debug, thiserror::Error)]
#[error("as told")]
pub(super) struct AsTold(pub(super) Remedy);

impl Failure for AsTold {
    fn remedy(&self) -> Remedy {
        self.0
    }
}

/// What outlives the incarnations of a puppet.
#[derive(Clone, Default)]
pub(super) struct Strings {
    log: Arc<Mutex<Vec<String>>>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    /// Taken one per call of the factory, of `started`, of `stopping` and of the drop.
    factory: VecDeque<Option<Mishap>>,
    started: VecDeque<Option<Mishap>>,
    stopping: VecDeque<Option<Mishap>>,
    dropping: VecDeque<Option<Mishap>>,
    /// No incarnation starts.
    never_starts: bool,
    hang: Option<(channel::Sender<()>, channel::Receiver<()>)>,
}

impl Strings {
    pub(super) fn log(&self) -> String {
        std::mem::take(&mut *self.log.lock()).join(" ")
    }

    pub(super) fn in_factory(&self, mishaps: impl IntoIterator<Item = Option<Mishap>>) {
        self.plan.lock().factory.extend(mishaps);
    }

    pub(super) fn in_started(&self, mishaps: impl IntoIterator<Item = Option<Mishap>>) {
        self.plan.lock().started.extend(mishaps);
    }

    pub(super) fn never_starts(&self) {
        self.plan.lock().never_starts = true;
    }

    pub(super) fn in_stopping(&self, mishap: Mishap) {
        self.plan.lock().stopping.push_back(Some(mishap));
    }

    pub(super) fn in_drop(&self, mishap: Mishap) {
        self.plan.lock().dropping.push_back(Some(mishap));
    }

    /// The next `stopping` says that it is there and waits to be let go.
    pub(super) fn hang_in_stopping(&self) -> (channel::Receiver<()>, channel::Sender<()>) {
        let ((there, was_there), (go, gone)) = (channel::bounded(1), channel::bounded(1));
        self.plan.lock().hang = Some((there, gone));
        (was_there, go)
    }

    fn take(&self, of: impl FnOnce(&mut Plan) -> &mut VecDeque<Option<Mishap>>) -> Result<(), AsTold> {
        let mishap = of(&mut self.plan.lock()).pop_front().flatten();
        match mishap {
            Some(Mishap::Panic) => panic!("as told"),
            Some(Mishap::Fail) => Err(AsTold(Remedy::Restart)),
            None => Ok(()),
        }
    }
}

pub(super) struct Puppet {
    name: &'static str,
    strings: Strings,
}

impl Puppet {
    fn say(&self, context: &Context<'_, Do>, what: &str) {
        self.strings.log.lock().push(format!("{what}{}{}", self.name, context.incarnation()));
    }
}

impl Actor for Puppet {
    type Message = Do;
    type Error = AsTold;

    fn started(&mut self, context: &mut Context<'_, Do>) -> Result<(), AsTold> {
        if self.strings.plan.lock().never_starts {
            return Err(AsTold(Remedy::Restart));
        }
        self.say(context, "+");
        self.strings.take(|plan| &mut plan.started)
    }

    fn handle(&mut self, message: Do, context: &mut Context<'_, Do>) -> Result<Flow, AsTold> {
        match message {
            Do::Panic | Do::PanicInHand(_) => panic!("as told"),
            Do::Fail(remedy) => return Err(AsTold(remedy)),
            Do::Stop => return Ok(Flow::Stop),
            Do::Which(reply) => reply.send(context.incarnation()),
            Do::Note(number) => self.say(context, &format!("{number}:")),
            Do::Gate(there, go) => {
                context.doing("waiting at a gate");
                let _ = there.send(());
                let _ = go.recv();
            }
        }
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, context: &mut Context<'_, Do>, _: &ExitReason) {
        self.say(context, "-");
        let hang = self.strings.plan.lock().hang.take();
        if let Some((there, go)) = hang {
            context.doing("hanging in stopping");
            let _ = there.send(());
            let _ = go.recv();
        }
        let _ = self.strings.take(|plan| &mut plan.stopping);
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = self.strings.take(|plan| &mut plan.dropping);
    }
}

pub(super) fn puppet(name: &'static str, strings: &Strings) -> (ChildSpec, Address<Do>) {
    let strings = strings.clone();
    let (spec, address) = ChildSpec::actor(name, move || {
        strings.take(|plan| &mut plan.factory)?;
        Ok::<_, AsTold>(Puppet { name, strings: strings.clone() })
    });
    (spec.driver(DRIVER.get()), address)
}

std::thread_local! {
    /// What runs the puppets that this thread makes.
    static DRIVER: std::cell::Cell<Driver> = const { std::cell::Cell::new(Driver::Inline) };
}

/// A supervisor over the puppets a, b, c.
pub(super) struct Trio {
    pub(super) running: Running,
    pub(super) reports: Reports,
    pub(super) addresses: Vec<Address<Do>>,
    /// One log for all, one plan each.
    pub(super) strings: Vec<Strings>,
}

pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];

pub(super) fn strings() -> Vec<Strings> {
    let log = Strings::default();
    NAMES.iter().map(|_| Strings { log: log.log.clone(), plan: Arc::default() }).collect()
}

pub(super) fn build(
    strategy: Strategy,
    strings: &[Strings],
    shape: impl Fn(&str, ChildSpec) -> ChildSpec,
) -> (Supervisor, Vec<Address<Do>>) {
    let mut supervisor = match strategy {
        Strategy::OneForOne => Supervisor::one_for_one("top"),
        Strategy::OneForAll => Supervisor::one_for_all("top"),
        Strategy::RestForOne => Supervisor::rest_for_one("top"),
    };
    let mut addresses = Vec::new();
    for (name, strings) in NAMES.iter().zip(strings) {
        let (spec, address) = puppet(name, strings);
        supervisor = supervisor.child(shape(name, spec));
        addresses.push(address);
    }
    (supervisor, addresses)
}

impl Trio {
    pub(super) fn new(
        runtime: &Runtime,
        strategy: Strategy,
        shape: impl Fn(&str, ChildSpec) -> ChildSpec,
    ) -> Trio {
        let strings = strings();
        let (supervisor, addresses) = build(strategy, &strings, shape);
        let running = supervisor.start_on(runtime).expect("all start");
        let reports = running.reports(1000);
        strings[0].log();
        Trio { running, reports, addresses, strings }
    }

    pub(super) fn plain(runtime: &Runtime, strategy: Strategy) -> Trio {
        Trio::new(runtime, strategy, |_, spec| spec)
    }

    pub(super) fn log(&self) -> String {
        self.strings[0].log()
    }

    pub(super) fn tell(&self, child: usize, what: Do) {
        assert!(self.addresses[child].send(what).is_ok(), "{} is there", NAMES[child]);
    }

    /// Waits for a report about that child.
    pub(super) fn hear(&self, child: &str, what: &str) -> Lifecycle {
        hear(&self.reports, child, what)
    }

    /// Which incarnations answer.
    pub(super) fn up(&self) -> Vec<u64> {
        self.addresses
            .iter()
            .map(|address| address.call_timeout(LONG, Do::Which).expect("it answers"))
            .collect()
    }

    /// The states of the children.
    pub(super) fn states(&self) -> Vec<ChildState> {
        self.running.tree().root.children.iter().map(|child| child.state).collect()
    }
}

/// Waits for a report that begins with `what` about that child.
pub(super) fn hear(reports: &Reports, child: &str, what: &str) -> Lifecycle {
    loop {
        match reports.recv_timeout(LONG) {
            Some(Received::Report(report))
                if report.child.as_str() == child && report.what.to_string().starts_with(what) =>
            {
                return report.what;
            }
            Some(_) => {}
            None => panic!("{child} {what}: not heard of"),
        }
    }
}

/// On real threads under each driver, and in simulations of many seeds.
pub(super) fn everywhere(check: impl Fn(&Runtime)) {
    for driver in [Driver::OwnThread, Driver::Pooled, Driver::Inline] {
        DRIVER.set(driver);
        check(&Runtime::threads());
    }
    simulated(&check);
}

pub(super) fn simulated(check: impl Fn(&Runtime)) {
    for seed in 0..20 {
        check(&Simulation::new(Seeded::new(seed)).runtime());
    }
}

pub(super) fn bounded(max_restarts: u32, within: u64) -> RestartPolicy {
    RestartPolicy::Bounded { max_restarts, within: Duration::from_secs(within) }
}
