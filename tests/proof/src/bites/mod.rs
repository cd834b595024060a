//! Do the tests bite? Bugs of one line each, planted in a process of their own, and how soon each is found.

mod hunt;

pub use hunt::Hunt;

use std::process::ExitCode;

/// `hunt ...` looks for the bug that is planted in this process.
#[must_use]
pub fn command() -> Option<ExitCode> {
    hunt::command()
}
