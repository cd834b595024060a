//! How much memory the decoders of R13 take: a program of its own, because what counts every allocation slows all of them.
//!
//! Prints a line for each decoder: its name, the most memory that an input of at least 4 KiB took in hundredths of its
//! bytes, and the most bytes that any input took beyond twice its own. What the doors of the decoders copy is made before.

#![allow(clippy::unwrap_used)]

use peak_alloc::PeakAlloc;
use proof::fuzzing::{self, Act, Decoding};
use std::process::ExitCode;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Inputs of fewer bytes are not told in hundredths: what is fixed would be all of them.
const SMALL_BYTES: usize = 4 << 10;

/// What a decoder took.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    /// Of inputs that are not small: the most, in hundredths of the input.
    percent: usize,
    /// Of all inputs: the most beyond twice the input, in bytes.
    beyond_bytes: usize,
}

fn weigh(target: &str, decodings: fn(&[u8]) -> Vec<Decoding>, mutations: usize) -> Weight {
    let mut weight = Weight::default();
    fuzzing::each_input(target, mutations, |bytes| {
        for decode in decodings(bytes) {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            decode();
            let taken = MEMORY.peak_usage() - before;
            weight.beyond_bytes = weight.beyond_bytes.max(taken.saturating_sub(2 * bytes.len()));
            if bytes.len() >= SMALL_BYTES {
                weight.percent = weight.percent.max(taken * 100 / bytes.len());
            }
        }
    });
    weight
}

fn main() -> ExitCode {
    let mutations = std::env::args().nth(1).map_or(1_000, |count| count.parse().unwrap());
    for target in &fuzzing::TARGETS {
        let Act::Decode(decodings) = target.act else { continue };
        let Weight { percent, beyond_bytes } = weigh(target.name, decodings, mutations);
        println!("{} {percent} {beyond_bytes}", target.name);
    }
    ExitCode::SUCCESS
}
