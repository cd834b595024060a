//! Makes a failing trace small: cuts it, leaves chunks out, makes choices harmless, and lowers them.

use super::choices::Source;
use super::plan::Plan;
use super::run::run;

/// The smallest trace found in so many runs that fails like `trace` does: the same on every machine.
#[must_use]
pub fn shrink(trace: &[usize], plan: &Plan, runs_max: usize) -> Vec<usize> {
    let violation = run(Source::Trace(trace.to_vec()), plan).violations.first().cloned();
    let Some(violation) = violation else { return trace.to_vec() };
    let mut shrinker =
        Shrinker { best: trimmed(trace.to_vec()), plan: plan.clone(), violation, runs: 0, runs_max };
    shrinker.cut();
    while shrinker.round() {}
    shrinker.best
}

/// How many of the choices are not harmless.
#[must_use]
pub fn weight(trace: &[usize]) -> usize {
    trace.iter().filter(|choice| **choice != 0).count()
}

struct Shrinker {
    best: Vec<usize>,
    plan: Plan,
    violation: String,
    runs: usize,
    runs_max: usize,
}

impl Shrinker {
    /// Finds about the shortest begin that still fails: what comes behind what was wrong does not matter.
    fn cut(&mut self) {
        let (mut passes, mut fails) = (0, self.best.len());
        while fails - passes > 1 && !self.is_late() {
            let middle = passes + (fails - passes) / 2;
            match self.attempt(self.best[..middle.min(self.best.len())].to_vec()) {
                true => fails = middle.min(self.best.len()),
                false => passes = middle,
            }
        }
    }

    /// One pass of everything; whether it helped and another may be made.
    fn round(&mut self) -> bool {
        let before = (weight(&self.best), self.best.len());
        let mut size = self.best.len().div_ceil(2).max(1);
        loop {
            self.each_chunk(size, |chunk| chunk.fill(0));
            self.each_chunk(size, |chunk| chunk.clear());
            if size == 1 || self.is_late() {
                break;
            }
            size /= 2;
        }
        self.each_choice();
        (weight(&self.best), self.best.len()) < before && !self.is_late()
    }

    fn is_late(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Tries a change on every chunk, from the end, where a change disturbs least.
    fn each_chunk(&mut self, size: usize, change: impl Fn(&mut Vec<usize>)) {
        let mut end = self.best.len();
        while end > 0 && !self.is_late() {
            end = end.min(self.best.len());
            let begin = end.saturating_sub(size);
            let mut chunk = self.best[begin..end].to_vec();
            if weight(&chunk) > 0 {
                change(&mut chunk);
                let tried = [&self.best[..begin], &chunk, &self.best[end..]].concat();
                self.attempt(tried);
            }
            end = begin;
        }
    }

    fn each_choice(&mut self) {
        for at in (0..self.best.len()).rev() {
            while self.best.get(at).is_some_and(|choice| *choice > 1) && !self.is_late() {
                let mut tried = self.best.clone();
                tried[at] /= 2;
                if !self.attempt(tried) {
                    break;
                }
            }
        }
    }

    fn attempt(&mut self, tried: Vec<usize>) -> bool {
        self.runs += 1;
        let outcome = run(Source::Trace(tried), &self.plan);
        let made = trimmed(outcome.trace.clone());
        let smaller = (weight(&made), made.len()) < (weight(&self.best), self.best.len());
        let better = outcome.fails_like(&self.violation) && smaller;
        if better {
            self.best = made;
        }
        better
    }
}

fn trimmed(mut trace: Vec<usize>) -> Vec<usize> {
    let length = trace.iter().rposition(|choice| *choice != 0).map_or(0, |last| last + 1);
    trace.truncate(length);
    trace
}
