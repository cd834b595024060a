//! The scoreboard: runs the rows in their long form and prints the table. `cargo scoreboard R2 R3` runs only those,
//! `--short` runs the form of the tests, `replay FILE` runs a counterexample again.

use proof::{Effort, Row};
use std::process::{Command, ExitCode};

/// A row, by its id.
type Run = fn(Effort) -> Row;

/// All rows, in their order.
const ROWS: &[(&str, Run)] = &[
    ("R1", proof::sweeps::r1),
    ("R2", proof::sweeps::r2),
    ("R3", proof::sweeps::r3),
    ("R4", proof::sweeps::r4),
    ("R5", proof::panics::r5),
    ("R6", proof::simulation::r6),
    ("R7", proof::simulation::r7),
    ("R8", proof::simulation::r8),
    ("R9", proof::bites::r9),
    ("R10", proof::kills::r10),
    ("R11", proof::simulation::r11),
    ("R12", proof::simulation::r12),
    ("R13", proof::fuzzing::r13),
    ("R14", proof::simulation::r14),
];

fn main() -> ExitCode {
    proof::kills::act_if_victim();
    if let Some(code) =
        proof::bites::command().or_else(proof::panics::command).or_else(proof::simulation::command)
    {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let known = |word: &String| word == "--short" || ROWS.iter().any(|(id, _)| id == word);
    if let Some(unknown) = arguments.iter().find(|word| !known(word)) {
        eprintln!("there is no row {unknown}; give ids of rows (R1 ..), --short, or replay FILE");
        return ExitCode::from(2);
    }
    let effort = if arguments.iter().any(|word| word == "--short") { Effort::Short } else { Effort::Long };
    let wanted =
        |id: &str| arguments.iter().all(|word| word == "--short") || arguments.iter().any(|word| word == id);
    println!("commit {}, {effort:?} form\n", commit());
    println!("| # | figure | cases | failed | seconds | note |\n|---|---|---|---|---|---|");
    let rows: Vec<Row> = ROWS
        .iter()
        .filter(|(id, _)| wanted(id))
        .map(|(_, run)| run(effort))
        .inspect(|row| println!("{row}"))
        .collect();
    rows.iter().flat_map(Row::failures).for_each(|why| eprintln!("{why}"));
    if rows.iter().all(Row::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which commit the figures are of.
fn commit() -> String {
    let git = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let told = git.ok().filter(|output| output.status.success());
    told.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
