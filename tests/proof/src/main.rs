//! The scoreboard: runs every row in its long form and prints the table.

use proof::{Effort, Row};

/// A row, by its id.
type Run = fn(Effort) -> Row;

/// All rows, in their order.
const ROWS: &[(&str, Run)] = &[
    ("R6", proof::simulation::r6),
    ("R7", proof::simulation::r7),
    ("R8", proof::simulation::r8),
    ("R11", proof::simulation::r11),
    ("R12", proof::simulation::r12),
    ("R14", proof::simulation::r14),
];

fn main() -> std::process::ExitCode {
    if let Some(code) = proof::simulation::command() {
        return code;
    }
    println!("| # | figure | cases | failed | seconds | note |\n|---|---|---|---|---|---|");
    let rows: Vec<Row> =
        ROWS.iter().map(|(_, run)| run(Effort::Long)).inspect(|row| println!("{row}")).collect();
    match rows.iter().all(Row::holds) {
        true => std::process::ExitCode::SUCCESS,
        false => std::process::ExitCode::FAILURE,
    }
}
