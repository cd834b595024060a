//! The target `index_file`, searched.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proof::fuzzing::run("index_file", bytes));
