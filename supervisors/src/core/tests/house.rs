//! A supervisor without actors: children answer as scripted, time is a number, what was asked for is a trace.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::core::policy::{Exhausted, Remedy, Restart, RestartPolicy, Strategy, Time};
use crate::core::{Cause, Child, Core, Effect, Event, How, Key, Moment, Notice, Plan, State, Timer};

pub(super) const FAILED: How = How::Abnormal(Remedy::Restart);

/// What a start comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Runs,
    Fails(How),
    /// It runs and ends at once, while others may still be starting.
    RunsAndEnds(How),
    Hangs,
}

pub(super) struct House {
    pub(super) core: Core,
    pub(super) now: Time,
    pub(super) luck: u32,
    pub(super) starts: BTreeMap<Key, VecDeque<Start>>,
    /// Children that do not answer a stop.
    pub(super) deaf: BTreeSet<Key>,
    /// Children whose answer to a stop is this instead of an orderly end.
    pub(super) last_words: BTreeMap<Key, How>,
    pub(super) trace: Vec<String>,
    pub(super) notices: Vec<Notice>,
    pub(super) armed: BTreeMap<Timer, Time>,
    /// Yielded turns, to come back after everything else.
    pub(super) yielded: VecDeque<Timer>,
    inbox: VecDeque<Event>,
}

pub(super) fn plan() -> Plan {
    Plan {
        kind: Restart::Permanent,
        policy: RestartPolicy::Bounded { max_restarts: 2, within: Duration::from_secs(10) },
        backoff: None,
        shutdown: Some(Duration::from_secs(1)),
        start: None,
        exhausted: Exhausted::Escalate,
    }
}

pub(super) fn name(key: Key) -> char {
    char::from(b'a' + u8::try_from(key.0).unwrap_or(25))
}

pub(super) fn key(name: char) -> Key {
    Key(u64::from(name) - u64::from('a'))
}

pub(super) fn seconds(at: f64) -> Time {
    Time::default() + Duration::from_secs_f64(at)
}

impl House {
    /// Children a, b, c, .. with these plans; not started yet.
    pub(super) fn new(strategy: Strategy, plans: &[Plan]) -> House {
        let children = plans.iter().enumerate().map(|(n, plan)| Child::new(Key(n as u64), *plan, 0));
        House {
            core: Core::new(strategy, children),
            now: Time::default(),
            luck: 0,
            starts: BTreeMap::new(),
            deaf: BTreeSet::new(),
            last_words: BTreeMap::new(),
            trace: Vec::new(),
            notices: Vec::new(),
            armed: BTreeMap::new(),
            yielded: VecDeque::new(),
            inbox: VecDeque::new(),
        }
    }

    /// The same, running, with an empty trace.
    pub(super) fn running(strategy: Strategy, plans: &[Plan]) -> House {
        let mut house = House::new(strategy, plans);
        house.send(Event::Start);
        house.take_trace();
        house
    }

    pub(super) fn will(&mut self, child: char, starts: &[Start]) {
        self.starts.entry(key(child)).or_default().extend(starts);
    }

    pub(super) fn send(&mut self, event: Event) {
        self.post(event);
        self.deliver();
    }

    /// Puts an event into the mailbox, to be delivered later.
    pub(super) fn post(&mut self, event: Event) {
        self.inbox.push_back(event);
    }

    pub(super) fn deliver(&mut self) {
        while let Some(event) = self.inbox.pop_front() {
            self.step(event);
        }
    }

    /// Sends the event without letting anybody answer.
    pub(super) fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.core.step(Moment { now: self.now, luck: self.luck }, event, &mut effects);
        for effect in effects {
            self.do_it(effect);
        }
    }

    pub(super) fn exit(&mut self, child: char, how: How) {
        let event = self.exit_of(child, how);
        self.send(event);
    }

    pub(super) fn exit_of(&self, child: char, how: How) -> Event {
        Event::Exited { child: key(child), incarnation: self.incarnation(child), how }
    }

    pub(super) fn incarnation(&self, child: char) -> u64 {
        self.core.children().iter().find(|known| known.key == key(child)).map_or(0, |known| known.incarnation)
    }

    /// Yielded turns come back; says whether there were any.
    pub(super) fn come_back(&mut self) -> bool {
        let Some(timer) = self.yielded.pop_front() else { return false };
        self.send(Event::Due(timer));
        true
    }

    /// Time goes to `at`, firing what is due on the way, in order.
    pub(super) fn wait_until(&mut self, at: f64) {
        while let Some((&timer, &due)) = self
            .armed
            .iter()
            .filter(|(_, due)| **due <= seconds(at))
            .min_by_key(|(timer, due)| (**due, **timer))
        {
            self.armed.remove(&timer);
            self.now = due;
            self.send(Event::Due(timer));
        }
        self.now = seconds(at);
    }

    pub(super) fn take_trace(&mut self) -> String {
        std::mem::take(&mut self.trace).join(" ")
    }

    /// Running children, in order, with their incarnations.
    pub(super) fn up(&self) -> String {
        let up = |child: &&crate::core::Child| child.state == State::Running;
        let show = |child: &crate::core::Child| format!("{}{}", name(child.key), child.incarnation);
        self.core.children().iter().filter(up).map(show).collect::<Vec<_>>().join(" ")
    }

    fn do_it(&mut self, effect: Effect) {
        match effect {
            Effect::Start { child, incarnation } => self.start(child, incarnation),
            Effect::Stop { child } => self.stop(child),
            Effect::Abandon { child } => self.note("abandon", child),
            Effect::End { child, exhausted: None } => self.note("end", child),
            Effect::End { child, .. } => self.note("exhausted", child),
            Effect::Forget { child } => self.note("forget", child),
            Effect::Arm { timer, after } => drop(self.armed.insert(timer, self.now + after)),
            Effect::Disarm { timer } => {
                self.armed.remove(&timer);
                self.yielded.retain(|yielded| *yielded != timer);
            }
            Effect::Yield { timer } => self.yielded.push_back(timer),
            Effect::Tell(notice) => self.notices.push(notice),
            Effect::Added { child } => self.note("added", child),
            Effect::AddFailed { child, why } => self.trace.push(format!("refused {}: {why:?}", name(child))),
            Effect::Removed { child } => self.note("removed", child),
            Effect::Ready => self.trace.push("ready".to_owned()),
            Effect::Exit(cause) => self.trace.push(show_cause(cause)),
        }
    }

    fn note(&mut self, what: &str, child: Key) {
        self.trace.push(format!("{what} {}", name(child)));
    }

    fn start(&mut self, child: Key, incarnation: u64) {
        self.trace.push(format!("start {}{incarnation}", name(child)));
        let outcome = self.starts.entry(child).or_default().pop_front().unwrap_or(Start::Runs);
        let started = Event::Started { child, incarnation };
        match outcome {
            Start::Runs => self.inbox.push_back(started),
            Start::Fails(how) => self.inbox.push_back(Event::StartFailed { child, incarnation, how }),
            Start::RunsAndEnds(how) => {
                self.inbox.extend([started, Event::Exited { child, incarnation, how }]);
            }
            Start::Hangs => {}
        }
    }

    fn stop(&mut self, child: Key) {
        let incarnation = self.incarnation(name(child));
        // The stop of a child whose exit is on its way reaches nobody.
        let exited = |event: &Event| matches!(event, Event::Exited { child: dead, incarnation: last, .. } if (*dead, *last) == (child, incarnation));
        if self.inbox.iter().any(exited) {
            return;
        }
        self.note("stop", child);
        let how = self.last_words.get(&child).copied().unwrap_or(How::Shutdown);
        if !self.deaf.contains(&child) {
            self.inbox.push_back(Event::Exited { child, incarnation, how });
        }
    }
}

fn show_cause(cause: Cause) -> String {
    match cause {
        Cause::Shutdown => "exit: shutdown".to_owned(),
        Cause::StartFailed { child } => format!("exit: {} did not start", name(child)),
        Cause::Exhausted { child, spent } => format!("exit: {} exhausted {}", name(child), spent.restarts),
        Cause::Escalated { child } => format!("exit: {} escalated", name(child)),
    }
}
