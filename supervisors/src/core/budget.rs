//! How many restarts a child has left: a true sliding window, and the pause that grows with it.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Spent;
use super::policy::{Backoff, RestartPolicy, Time};

/// The restarts of one child that still count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    /// When each counted restart was charged, oldest first; never longer than the policy's limit.
    charged: VecDeque<Time>,
    total: u64,
}

/// A restart that was granted: the n-th of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) restart: u32,
    pub(crate) of: u32,
    pub(crate) within: Option<Duration>,
}

impl Budget {
    /// Charges one restart at `now`, or says that none is left.
    pub(crate) fn charge(&mut self, policy: RestartPolicy, now: Time) -> Result<Grant, Spent> {
        let (of, within) = limit(policy);
        self.slide(within, now);
        if self.charged.len() >= of as usize + usize::from(crate::planted::planted("one_restart_too_many")) {
            return Err(Spent { restarts: self.count(), within });
        }
        self.charged.push_back(now);
        self.total += 1;
        Ok(Grant { restart: self.count(), of, within })
    }

    /// Restarts that count at `now`.
    #[cfg(test)]
    pub(crate) fn within(&self, policy: RestartPolicy, now: Time) -> u32 {
        let counts = |at: &&Time| limit(policy).1.is_none_or(|within| now - **at <= within);
        u32::try_from(self.charged.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }

    /// Restarts in the child's whole life.
    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// A restart exactly `within` ago still counts: no placement of the window's edges lets through one more.
    fn slide(&mut self, within: Option<Duration>, now: Time) {
        let Some(within) = within.filter(|_| !crate::planted::planted("window_not_sliding")) else {
            return;
        };
        while self
            .charged
            .front()
            .is_some_and(|oldest| now - *oldest > within || crate::planted::planted("window_forgets_all"))
        {
            self.charged.pop_front();
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.charged.len()).unwrap_or(u32::MAX)
    }
}

fn limit(policy: RestartPolicy) -> (u32, Option<Duration>) {
    match policy {
        RestartPolicy::Never => (0, None),
        RestartPolicy::Once => (1, None),
        RestartPolicy::Bounded { max_restarts, within } => (max_restarts, Some(within)),
    }
}

/// The pause before the `restart`-th restart of a window. `luck` takes away at most the jitter's part of it, so
/// that siblings that failed together do not come back together.
pub(crate) fn pause(backoff: Option<Backoff>, restart: u32, luck: u32) -> Duration {
    let Some(Backoff { initial, max, factor, jitter }) = backoff else { return Duration::ZERO };
    let grown =
        initial.as_secs_f64() * factor.powi(i32::try_from(restart.saturating_sub(1)).unwrap_or(i32::MAX));
    let full = Duration::try_from_secs_f64(grown).unwrap_or(max).min(max);
    let kept = 1.0 - jitter * f64::from(luck) / (f64::from(u32::MAX) + 1.0);
    Duration::try_from_secs_f64(full.as_secs_f64() * kept).unwrap_or(full).min(full)
}
