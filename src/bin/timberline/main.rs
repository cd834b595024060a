//! The `timberline` command: a store from the command line, and a demo that checks itself.

mod args;
mod calendar;
mod commands;
mod demo;
mod failure;
mod files;
mod git;
mod import;
mod payload;
mod progress;
mod show;
mod stores;
mod table;
mod text;

use args::{Arguments, Command};
use clap::Parser;
use failure::CommandError;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = run(arguments.command, &mut out).and_then(|()| Ok(out.flush()?));
    // What was printed before a failure comes first, and a failure to print it is not the one to tell of.
    let _ = out.flush();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn run(command: Command, out: &mut dyn Write) -> Result<(), CommandError> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, out),
        Command::Import(import) => import::run(import, out),
        Command::Append(arguments) => commands::append(&arguments, out),
        Command::Tail(arguments) => commands::tail(&arguments, out),
        Command::Causes(arguments) => commands::causes(&arguments, out),
        Command::Effects(arguments) => commands::effects(&arguments, out),
        Command::Stats(arguments) => commands::stats(&arguments, out),
        Command::Verify(arguments) => commands::verify(&arguments, out),
        Command::Tree(arguments) => commands::tree(&arguments, out),
    }
}
