//! libFuzzer's door to the target `config`; what it does stands in `tests/proof/src/fuzzing/targets.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proof::fuzzing::run("config", bytes));
