//! Arguments of what brings events in: `demo` and `import`.

use super::Dir;
use std::path::PathBuf;

const DEMO: &str = "\
Each commit becomes one atomic batch: a Committed event on the entity author:<address>, whose causes are its parents'
events, and a FileChanged event on the entity file:<path> for every path that the commit changed against its first
parent, caused by the commit. An author is the address as the commit has it, in lower case; a mailmap is not
consulted. Bytes of a path that are no text are written as \\xNN, a backslash as two.

Four cursor workers follow while the import runs:
  lines      counts lines per folder, author and month; each step is an event of its own, in the frame of its checkpoint
  roster     reacts with an AuthorJoined event, exactly once per author
  stumbling  panics now and then, and is restarted within its budget
  doomed     panics always; its budget is soon exhausted, and its join says so

At the end git is asked a second time, and events, versions, causes and reactions are compared with what it says; any
difference is printed and the exit code is 1. Run again on the same directory, only new commits are imported. Commits
that have left the history since (by a rebase, say) stay in the store and are counted apart.";

/// `timberline demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = DEMO)]
pub(crate) struct DemoArguments {
    /// The git repository, or a folder in it
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The directory of the store; without it, one in the user's cache that is named after the repository
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Import the history of all refs, not only that of HEAD
    #[arg(long)]
    pub(crate) all: bool,
}

/// `timberline import`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Import {
    /// Import the complete history of a git repository, as `demo` does, without workers
    Git(GitArguments),
    /// Import a file with one JSON object per line
    Jsonl(JsonlArguments),
}

const GIT: &str = "\
Each commit is one atomic batch, stored with the idempotency key git:<commit>. Events are handed to the operating
system as they come and synced to the disk at the end: a crash of this program loses nothing, and after a power cut the
next run imports what is missing.

A commit over the limits of a batch is spread over several; the first of them has the commit's event. Every event of
such a commit has a key of its own, so that an import that was interrupted in its middle is completed by the next.";

/// `timberline import git`.
#[derive(Debug, clap::Args)]
#[command(after_help = GIT)]
pub(crate) struct GitArguments {
    /// The git repository, or a folder in it
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) store: Dir,
    /// The scope of the events; without it, the name of the repository
    #[arg(long, value_name = "NAME")]
    pub(crate) scope: Option<String>,
    /// Import the history of all refs, not only that of HEAD
    #[arg(long)]
    pub(crate) all: bool,
    /// The most events of one batch; a commit with more is spread over several
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) batch_events_max: u32,
}

const JSONL: &str = "\
Every line is a JSON object, which becomes the payload of one event, as JSON text. Where the event belongs is said by
the fields that --entity-field, --scope-field and --kind-field name, or by --entity, --scope and --kind for all lines.

Running an import twice imports nothing twice: each event has an idempotency key. With --key-field it is the value of
that field, whatever file it comes from. Without it, it is the line itself and its number among equal lines of the
input; so two equal lines of one file are two events, and a file that grew imports only its new lines.

Example:
  timberline import jsonl orders.jsonl --dir shop --entity-field order --kind-field type --key-field id";

/// `timberline import jsonl`.
#[derive(Debug, clap::Args)]
#[command(after_help = JSONL)]
pub(crate) struct JsonlArguments {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) store: Dir,
    /// The field whose value is the entity
    #[arg(long, value_name = "FIELD", required_unless_present = "entity")]
    pub(crate) entity_field: Option<String>,
    /// The entity of lines without that field
    #[arg(long, value_name = "NAME")]
    pub(crate) entity: Option<String>,
    /// The field whose value is the scope
    #[arg(long, value_name = "FIELD")]
    pub(crate) scope_field: Option<String>,
    /// The scope of lines without that field
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) scope: String,
    /// The field whose value is the kind
    #[arg(long, value_name = "FIELD")]
    pub(crate) kind_field: Option<String>,
    /// The kind of lines without that field
    #[arg(long, value_name = "NAME", default_value = "Imported")]
    pub(crate) kind: String,
    /// The field whose value tells one event from another
    #[arg(long, value_name = "FIELD")]
    pub(crate) key_field: Option<String>,
    /// End at the first bad line; without it, bad lines are reported and the rest is imported
    #[arg(long)]
    pub(crate) stop_on_error: bool,
}
