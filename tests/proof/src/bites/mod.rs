//! Do the tests bite? Bugs of one line each, planted in a process of their own, and how soon each is found.
//!
//! 1. A bug is one line in the shipped code, `if planted("name")`, which is `false` without the feature `planted`.
//! 2. The [table](TABLE) says by which rows or tests it must be found.
//! 3. `cargo scoreboard R9` plants each in a child process, and prints how many were found and the median of the time.
//! 4. `TIMBERLINE_PLANTED=name cargo scoreboard hunt seeds broad` shows what one of them does.
//! 5. A bug that is not found is a check that is missing.

mod hunt;
mod table;

#[cfg(feature = "planted")]
mod children;
#[cfg(feature = "planted")]
mod sweep;

pub use hunt::{Hunt, Suite};
pub use table::{Bug, TABLE, TRACES};

use crate::{Effort, Row};
use std::process::ExitCode;

/// R9: every planted bug is found.
#[must_use]
pub fn r9(effort: Effort) -> Row {
    #[cfg(feature = "planted")]
    return sweep::r9(effort);
    #[cfg(not(feature = "planted"))]
    return not_run(effort);
}

/// Without the feature nothing can be planted.
#[cfg(not(feature = "planted"))]
fn not_run(_: Effort) -> Row {
    let outcome = crate::Outcome::NotRun("built without the feature planted".to_owned());
    Row { id: "R9", figure: "planted bugs", outcome, took: std::time::Duration::ZERO, note: String::new() }
}

/// `hunt WORDS` looks for the bug that is planted in this process.
#[must_use]
pub fn command() -> Option<ExitCode> {
    hunt::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_can_be_planted_and_nothing_struck_in_what_is_shipped() {
        for manifest in ["Cargo.toml", "supervisors/Cargo.toml", "tests/proof/Cargo.toml"] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(manifest);
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains("\ndefault = []\n"), "{manifest} has default features");
            let line = text
                .lines()
                .find(|line| line.starts_with("supervisors = {") || line.contains("path = \"../..\""));
            let quiet = |line: &str| !line.contains("failpoints") && !line.contains("planted");
            assert!(line.is_none_or(quiet), "{manifest} asks for them");
        }
        // A build without the features is proof by itself: there the call is a constant.
        #[cfg(not(feature = "planted"))]
        const _: () = assert!(!timberline::supervisors::planted::planted("anything"));
        #[cfg(not(feature = "failpoints"))]
        const _: () = timberline::supervisors::failpoints::point("anything");
    }
}
