//! The target `records`, searched.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proof::fuzzing::run("records", bytes));
