//! One run: from a source of choices to what came of it.

use super::census::Census;
use super::choices::Source;
use super::faults::Faults;
use super::history::{Happened, History};
use super::notes::Notes;
use super::plan::Plan;
use super::world::World;
use crate::checkers;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use timberline::supervisors::simulation::Simulation;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was wrong; empty is good.
    pub violations: Vec<String>,
    /// Every choice that was made.
    pub trace: Vec<usize>,
    /// Equal for equal runs.
    pub fingerprint: u64,
    /// Steps of the actors.
    pub steps: u64,
    /// Virtual time.
    pub time: Duration,
    /// What was reached.
    pub census: Census,
    /// What happened.
    pub history: History,
}

impl Outcome {
    /// Batches and events that were handed to handlers.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        let handed = self.history.iter().map(|happened| match happened {
            Happened::Handed(handed) => handed.positions.len() as u64,
            _ => 0,
        });
        handed.sum()
    }

    /// Appends and reads that clients made.
    #[must_use]
    pub fn operations(&self) -> u64 {
        let is_one = |happened: &&Happened| {
            matches!(
                happened,
                Happened::Asked(_) | Happened::Read { .. } | Happened::Got { .. } | Happened::Flushed(_)
            )
        };
        self.history.iter().filter(is_one).count() as u64
    }

    /// Whether the first thing that was wrong is of the same kind.
    #[must_use]
    pub fn fails_like(&self, other: &str) -> bool {
        self.violations.first().is_some_and(|first| kind(first) == kind(other))
    }
}

/// A violation without its numbers.
fn kind(violation: &str) -> String {
    violation.chars().filter(|c| !c.is_ascii_digit()).take(40).collect()
}

/// Makes one run.
#[must_use]
pub fn run(source: Source, plan: &Plan) -> Outcome {
    let simulation = Arc::new(Simulation::new(source.into_choices()));
    let notes = Notes::default();
    let mut world = None;
    let played = catch_unwind(AssertUnwindSafe(|| {
        let world = world.insert(World::new(Arc::clone(&simulation), plan.clone(), notes.clone()));
        world.suffer();
        world.recover();
    }));
    notes.set_dead(true);
    simulation.halt();
    let (history, census) = notes.take();
    let mut violations: Vec<String> = played.err().map(|panic| text_of(&*panic)).into_iter().collect();
    violations.extend(checkers::check(&history));
    let torn_down = catch_unwind(AssertUnwindSafe(|| drop(world)));
    Faults::detach(&simulation);
    violations.extend(torn_down.err().map(|panic| format!("while it was dropped: {}", text_of(&*panic))));
    Outcome {
        violations,
        trace: simulation.choices(),
        fingerprint: simulation.fingerprint(),
        steps: simulation.steps(),
        time: Duration::from_nanos(simulation.now().as_nanos()),
        census,
        history,
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
