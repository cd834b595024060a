//! One case: which point strikes at which hit, under which policy and for which callers, in which run.

use crate::simulation::{Outcome, Plan, Source, run};
use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;
use timberline::RestartPolicy;
use timberline::supervisors::failpoints::{Script, Strike};

/// The restart policies of a sweep.
pub(super) const POLICIES: [(&str, RestartPolicy); 3] = [
    ("once", RestartPolicy::Once),
    ("bounded", RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(60) }),
    ("never", RestartPolicy::Never),
];
/// The callers of a sweep.
pub(super) const CALLERS: [(&str, bool); 2] = [("waiting", false), ("gone", true)];

/// Seeds from here on are of longer runs, for what comes only after many events.
pub(super) const SHORT_SEEDS: u64 = 6;

/// What surrounds a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Place in [`POLICIES`].
    pub(super) policy: usize,
    /// Place in [`CALLERS`].
    pub(super) caller: usize,
    pub(super) seed: u64,
}

/// What came of a run: its outcome, the hits of each point, the strikes.
pub(super) struct Struck {
    pub(super) outcome: Outcome,
    pub(super) hits: BTreeMap<&'static str, u64>,
    pub(super) struck: u64,
}

impl Setting {
    /// Runs it, with a strike or without.
    pub(super) fn run(self, strike: Option<Strike>) -> Struck {
        let script = Script::new(strike);
        let _installed = script.install();
        let plan = Plan::panicky(POLICIES[self.policy].1, CALLERS[self.caller].1);
        let plan = if self.seed < SHORT_SEEDS { plan } else { plan.longer() };
        let outcome = run(Source::Seed(self.seed), &plan);
        Struck { outcome, hits: script.hits(), struck: script.struck() }
    }

    /// What is wrong when the point strikes.
    pub(super) fn judge(self, strike: Strike) -> Option<String> {
        let Struck { outcome, struck, .. } = self.run(Some(strike));
        let wrong = match outcome.violations.first() {
            Some(first) => first.clone(),
            None if struck == 0 => "the run did not come there again".to_owned(),
            None => return None,
        };
        let Strike { point, hit, times } = strike;
        Some(format!("panic {point} {hit} {times} {self}: {wrong}"))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", POLICIES[self.policy].0, CALLERS[self.caller].0, self.seed)
    }
}

/// `panic POINT HIT TIMES POLICY CALLER SEED`, as a case.
fn parse(words: &[&str]) -> Option<(Strike, Setting)> {
    let ["panic", point, hit, times, policy, caller, seed] = *words else { return None };
    let number = |text: &str| text.parse().expect("a number");
    let place = |names: Vec<&str>, name| names.iter().position(|known| *known == name).expect("a known word");
    let setting = Setting {
        policy: place(POLICIES.iter().map(|policy| policy.0).collect(), policy),
        caller: place(CALLERS.iter().map(|caller| caller.0).collect(), caller),
        seed: number(seed),
    };
    let point = super::points().into_iter().find(|known| *known == point).expect("a point");
    Some((Strike { point, hit: number(hit), times: number(times) }, setting))
}

/// Runs the case of these words and shows it.
pub(super) fn command() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (strike, setting) = parse(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
    let Struck { outcome, struck, .. } = setting.run(Some(strike));
    let code = crate::simulation::show(&outcome);
    println!("{struck} strikes");
    Some(code)
}

/// What is wrong in the case of these words.
pub(super) fn judged(words: &str) -> Option<String> {
    let (strike, setting) = parse(&words.split(' ').collect::<Vec<_>>()).expect("a case");
    setting.judge(strike)
}
