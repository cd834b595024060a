//! The decisions against tables, and against a naive model of OTP's rules.

mod house;
mod model;
mod restarts;
mod soup;
mod stops;
mod window;

use proptest::test_runner::{Config, RngSeed};

/// The same cases at every run, so that a test that fails tells of the change at hand. The long form looks for new ones:
/// `PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=5000000 cargo test --release -p supervisors --lib core::tests`.
fn cases(count: u32) -> Config {
    let any = Config::default();
    let rng_seed = if any.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { any.rng_seed };
    Config { cases: count, failure_persistence: None, rng_seed, ..any }
}
