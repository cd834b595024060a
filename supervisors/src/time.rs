//! Time as a value: nanoseconds since the runtime began.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on the runtime's monotonic or virtual clock, in nanoseconds since the runtime began (about 584 years).
///
/// ```
/// use std::time::Duration;
/// use supervisors::Time;
/// let later = Time::ZERO + Duration::from_millis(3);
/// assert_eq!(later - Time::ZERO, Duration::from_millis(3));
/// assert_eq!(Time::ZERO - later, Duration::ZERO); // saturates
/// assert_eq!(later.to_string(), "0.003000s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Time(u64);

impl Time {
    /// When the runtime began.
    pub const ZERO: Time = Time(0);

    /// That many nanoseconds after the runtime began.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the runtime began.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds to the microsecond, so that the times of a list stand in line.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}
