//! Erlang: processes on the machine that actors come from; run by `escript` where that is installed.

use super::Library;
use crate::store::{Op, Res};
use std::io::ErrorKind;
use std::process::{Command, Output};
use std::time::Duration;

pub const LIBRARY: Library = Library {
    name: "Erlang",
    version,
    modes: "a script that the run starts, by its own clock, without the start of its machine; nobody supervises.",
    call: Err(ONE_ROW),
    call_outside: Err(ONE_ROW),
    send_bounded: Err(ONE_ROW),
    send_unbounded: Err(ONE_ROW),
    spawn: Err(ONE_ROW),
    restart: Err(ONE_ROW),
    many,
};

const ONE_ROW: &str = "of Erlang only the row of 100,000 actors is run";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/actors/erlang.escript");

/// None where the program is not installed.
fn run(program: &str, arguments: &[&str]) -> Res<Option<Output>> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(Some(output)),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn version() -> String {
    let release = "io:put_chars(erlang:system_info(otp_release)), halt().";
    match run("erl", &["-noshell", "-eval", release]) {
        Ok(Some(output)) => format!("OTP {}", String::from_utf8_lossy(&output.stdout).trim()),
        _ => "not installed".to_owned(),
    }
}

fn many(count: u64) -> Res<Op<Duration>> {
    let Some(output) = run("escript", &[SCRIPT, &count.to_string()])? else {
        return Ok(Err("not run: it is not installed"));
    };
    Ok(Ok(Duration::from_micros(String::from_utf8(output.stdout)?.trim().parse()?)))
}
