//! The command line: what can be asked, and the help that teaches it.

mod events;
mod imports;

pub(crate) use events::{
    AppendArguments, GraphArguments, StoreArguments, TailArguments, TreeArguments, Which,
};
pub(crate) use imports::{DemoArguments, GitArguments, Import, JsonlArguments};

use clap::{Parser, Subcommand};
use std::path::PathBuf;

const TEACH: &str = "\
Begin here:
  timberline demo                        the history of this git repository as events, checked against git
  timberline append --dir shop order-7 --kind Opened '{\"total\": 12}'
  timberline tail --dir shop --follow    events as they come, also beside a running program
  timberline causes --dir shop 7         what led to the event at position 7

A store is a directory; --dir names it, or the variable TIMBERLINE_DIR. Only one process writes to a store, any
number may read it meanwhile. Results go to standard output; progress and errors go to standard error.

Exit codes: 0 done; 1 something is not as it should be, and standard error says what; 2 the command line is wrong.";

/// An embedded event store whose every part is a supervised actor.
#[derive(Debug, Parser)]
#[command(name = "timberline", version, after_help = TEACH, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import a git history while four cursor workers follow it, two of them faulty, and check the result
    Demo(DemoArguments),
    /// Import events from elsewhere; running an import twice imports nothing twice
    #[command(subcommand)]
    Import(Import),
    /// Append one event and print its receipt
    Append(AppendArguments),
    /// Print the newest events, and with --follow those that come
    Tail(TailArguments),
    /// Print the events that led to an event
    Causes(GraphArguments),
    /// Print the events that an event led to
    Effects(GraphArguments),
    /// Print how much a store holds
    Stats(StoreArguments),
    /// Check every byte of a store: checksums, the chain of hashes, the numbering
    Verify(StoreArguments),
    /// Print the supervision tree of the last run that was recorded in a store's directory
    Tree(TreeArguments),
}

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(crate) struct Dir {
    /// The directory of the store
    #[arg(long, value_name = "DIR", env = "TIMBERLINE_DIR")]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
