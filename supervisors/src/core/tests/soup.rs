//! Answers in any order, at any time: no hang, no lost exit, no double restart.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::house::plan;
use super::model::{any_group, any_plan, how};
use crate::core::policy::{Strategy as Group, Time};
use crate::core::{Cause, Child, Core, Effect, Event, How, Key, Moment, Plan, Timer};
use std::time::Duration;

/// Children that answer when they please.
struct Soup {
    core: Core,
    now: Time,
    /// Up or starting, as the children themselves know it, with the incarnation; `true` once it has started.
    alive: BTreeMap<Key, (u64, bool)>,
    waits: BTreeSet<Timer>,
    granted: BTreeMap<Key, Vec<Time>>,
    plans: BTreeMap<Key, Plan>,
    stopping: bool,
    ended: Option<Cause>,
    next: u64,
}

#[derive(Clone, Debug)]
enum Stir {
    /// The n-th living child starts, or if it has started, ends.
    Live(prop::sample::Index, How),
    Fail(prop::sample::Index, How),
    Fire(prop::sample::Index),
    Wait(u64),
    Add(Plan),
    Remove(u64),
    /// An exit of an incarnation that is long gone.
    Stale(u64, u64),
    Shutdown,
}

fn stir() -> impl proptest::strategy::Strategy<Value = Stir> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        20 => (any(), how()).prop_map(|(n, how)| Stir::Live(n, how)),
        3 => (any(), how()).prop_map(|(n, how)| Stir::Fail(n, how)),
        6 => any().prop_map(Stir::Fire),
        2 => (0..12_u64).prop_map(Stir::Wait),
        2 => any_plan().prop_map(Stir::Add),
        1 => (0..8_u64).prop_map(Stir::Remove),
        1 => (0..8_u64, 0..4_u64).prop_map(|(child, incarnation)| Stir::Stale(child, incarnation)),
        1 => Just(Stir::Shutdown),
    ]
}

impl Soup {
    fn new(group: Group, plans: &[Plan]) -> Soup {
        let keyed: BTreeMap<Key, Plan> =
            plans.iter().enumerate().map(|(n, plan)| (Key(n as u64), *plan)).collect();
        Soup {
            core: Core::new(group, keyed.iter().map(|(key, plan)| Child::new(*key, *plan, 0))),
            now: Time::default(),
            alive: BTreeMap::new(),
            waits: BTreeSet::new(),
            granted: BTreeMap::new(),
            next: keyed.len() as u64,
            plans: keyed,
            stopping: false,
            ended: None,
        }
    }

    fn step(&mut self, event: Event) -> Result<(), TestCaseError> {
        let mut effects = vec![];
        self.core.step(Moment { now: self.now, luck: 0 }, event, &mut effects);
        prop_assert!(self.ended.is_none() || effects.iter().all(harmless), "after its end: {:?}", effects);
        effects.into_iter().try_for_each(|effect| self.check(effect))
    }

    fn check(&mut self, effect: Effect) -> Result<(), TestCaseError> {
        match effect {
            Effect::Start { child, incarnation } => {
                prop_assert!(!self.stopping, "{:?} is started during a shutdown", child);
                let before = self.alive.insert(child, (incarnation, false));
                prop_assert!(before.is_none(), "{:?} is started twice", child);
            }
            Effect::Stop { child } => {
                prop_assert!(self.core.children().iter().any(|known| known.key == child))
            }
            Effect::Abandon { child } => drop(self.alive.remove(&child)),
            Effect::Forget { child } => {
                prop_assert!(!self.alive.contains_key(&child), "{:?} lives on", child)
            }
            Effect::End { child, .. } => {
                prop_assert!(!self.alive.contains_key(&child), "{:?} lives on", child)
            }
            Effect::Arm { timer, .. } | Effect::Yield { timer } => prop_assert!(self.waits.insert(timer)),
            Effect::Disarm { timer } => drop(self.waits.remove(&timer)),
            Effect::Tell(crate::core::Notice::Restarting { child, .. }) => self.grant(child)?,
            Effect::Exit(cause) => {
                prop_assert!(self.alive.is_empty(), "{:?} live on", self.alive);
                self.ended = Some(cause);
            }
            _ => {}
        }
        Ok(())
    }

    /// No span as long as the window holds more restarts than the budget has.
    fn grant(&mut self, child: Key) -> Result<(), TestCaseError> {
        use crate::core::policy::RestartPolicy;
        let granted = self.granted.entry(child).or_default();
        granted.push(self.now);
        let counted = match self.plans[&child].policy {
            RestartPolicy::Never => Some((granted.len(), 0)),
            RestartPolicy::Once => Some((granted.len(), 1)),
            RestartPolicy::Bounded { max_restarts, within } => {
                let recent = granted.iter().filter(|at| self.now - **at <= within).count();
                Some((recent, max_restarts as usize))
            }
        };
        prop_assert!(counted.is_none_or(|(counted, most)| counted <= most), "{:?} is over its budget", child);
        Ok(())
    }

    fn stir(&mut self, stir: &Stir) -> Result<(), TestCaseError> {
        match stir {
            Stir::Live(n, how) => self.live(n, *how),
            Stir::Fail(n, how) => match self.pick(n) {
                Some((child, incarnation, false)) => {
                    self.alive.remove(&child);
                    self.step(Event::StartFailed { child, incarnation, how: *how })
                }
                _ => Ok(()),
            },
            Stir::Fire(n) => self.fire(n),
            Stir::Wait(seconds) => {
                self.now = self.now + Duration::from_secs(*seconds);
                Ok(())
            }
            Stir::Add(plan) => {
                let child = Key(self.next);
                self.next += 1;
                self.plans.insert(child, *plan);
                self.step(Event::Add { child, plan: (*plan).into() })
            }
            Stir::Remove(child) => self.step(Event::Remove(Key(*child))),
            Stir::Stale(child, incarnation) => {
                let child = Key(*child);
                let live = self.alive.get(&child).is_some_and(|alive| alive.0 <= *incarnation);
                if live { Ok(()) } else { self.stale(child, *incarnation) }
            }
            Stir::Shutdown => {
                self.stopping = true;
                self.step(Event::Shutdown)
            }
        }
    }

    fn stale(&mut self, child: Key, incarnation: u64) -> Result<(), TestCaseError> {
        let before = books(&self.core);
        self.step(Event::Exited { child, incarnation, how: super::house::FAILED })?;
        let never = Timer(u64::MAX);
        self.step(Event::Due(never))?;
        prop_assert_eq!(before, books(&self.core), "a stale exit or timer changed something");
        Ok(())
    }

    fn pick(&self, n: &prop::sample::Index) -> Option<(Key, u64, bool)> {
        let all: Vec<_> =
            self.alive.iter().map(|(key, (incarnation, up))| (*key, *incarnation, *up)).collect();
        if all.is_empty() { None } else { Some(*n.get(&all)) }
    }

    fn live(&mut self, n: &prop::sample::Index, how: How) -> Result<(), TestCaseError> {
        match self.pick(n) {
            None => Ok(()),
            Some((child, incarnation, false)) => {
                self.alive.insert(child, (incarnation, true));
                self.step(Event::Started { child, incarnation })
            }
            Some((child, incarnation, true)) => {
                self.alive.remove(&child);
                self.step(Event::Exited { child, incarnation, how })
            }
        }
    }

    fn fire(&mut self, n: &prop::sample::Index) -> Result<(), TestCaseError> {
        let waits: Vec<Timer> = self.waits.iter().copied().collect();
        if waits.is_empty() {
            return Ok(());
        }
        let timer = *n.get(&waits);
        self.waits.remove(&timer);
        self.step(Event::Due(timer))
    }
}

/// What a core decides by: not what it notes to find its children sooner.
fn books(core: &Core) -> String {
    format!("{:?} {:?} {:?} {:?}", core.children(), core.phase, core.operations, core.fallen)
}

fn harmless(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::AddFailed { .. } | Effect::Removed { .. } | Effect::Forget { .. } | Effect::End { .. }
    )
}

fn run(group: Group, plans: &[Plan], stirs: &[Stir]) -> Result<(), TestCaseError> {
    let mut soup = Soup::new(group, plans);
    soup.step(Event::Start)?;
    stirs.iter().try_for_each(|stir| soup.stir(stir))?;
    soup.stir(&Stir::Shutdown)?;
    // Each child answers twice at most: it has started, and it has ended.
    for _ in 0..2 * soup.next {
        if let Some((&child, &(incarnation, up))) = soup.alive.iter().next_back() {
            soup.alive.remove(&child);
            if !up {
                soup.step(Event::Started { child, incarnation })?;
            }
            soup.step(Event::Exited { child, incarnation, how: How::Shutdown })?;
        }
    }
    prop_assert!(soup.ended.is_some(), "it hangs: {:?}", soup.core);
    prop_assert!(soup.waits.is_empty(), "it waits for {:?}", soup.waits);
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(2_000))]

    /// Whatever answers come when: nothing is started twice, budgets hold, and a shutdown always ends.
    #[test]
    fn whatever_answers_come_when_nothing_is_started_twice_and_a_shutdown_ends(
        group in any_group(),
        plans in prop::collection::vec(any_plan(), 1..5),
        stirs in prop::collection::vec(stir(), 0..80),
    ) {
        run(group, &plans, &stirs)?;
    }
}

#[test]
fn an_empty_supervisor_stops_at_once() {
    run(Group::OneForAll, &[], &[]).expect("nothing to wait for");
    run(Group::OneForAll, &[plan()], &[]).expect("its only child answers");
}
