//! How much memory the decoders of R13 take: a program of its own, because what counts every allocation slows all of them.
//!
//! Prints a line for each decoder: its name, the most memory that an input of at least 4 KiB took in hundredths of its
//! bytes, and the most bytes that any smaller input took. The doors of the decoders copy what they are given, which is
//! counted too.

#![allow(clippy::unwrap_used)]

use peak_alloc::PeakAlloc;
use proof::fuzzing::{self, Target};
use std::process::ExitCode;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Inputs of fewer bytes are judged by what they take altogether.
const SMALL_BYTES: usize = 4 << 10;

/// What a decoder took.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    /// Of inputs that are not small: the most, in hundredths of the input.
    percent: usize,
    /// Of small inputs: the most, in bytes.
    small_bytes: usize,
}

fn weigh(target: &Target, mutations: usize) -> Weight {
    let mut weight = Weight::default();
    fuzzing::each_input(target.name, mutations, |bytes| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        (target.run)(bytes);
        let taken = MEMORY.peak_usage() - before;
        match bytes.len() {
            0..SMALL_BYTES => weight.small_bytes = weight.small_bytes.max(taken),
            length => weight.percent = weight.percent.max(taken * 100 / length),
        }
    });
    weight
}

fn main() -> ExitCode {
    let mutations = std::env::args().nth(1).map_or(1_000, |count| count.parse().unwrap());
    for target in fuzzing::TARGETS.iter().filter(|target| target.is_decoder) {
        let Weight { percent, small_bytes } = weigh(target, mutations);
        println!("{} {percent} {small_bytes}", target.name);
    }
    ExitCode::SUCCESS
}
