//! A file of JSON lines into a store: a bad line is named by its number and does not stop the others.

use super::line::{LINE_BYTES_MAX, Seen, event};
use crate::args::JsonlArguments;
use crate::failure::CommandError;
use crate::{files, progress, stores, text};
use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use timberline::{AppendError, Retry, Store, Ticket};

/// Events on their way to the store: reading goes on while they are written.
const WINDOW: usize = 1024;

/// `timberline import jsonl`.
pub(super) fn run(flags: &JsonlArguments, out: &mut dyn Write) -> Result<(), CommandError> {
    let (mut input, length) = files::open(&flags.file)?;
    let store = stores::open(&flags.store.dir)?;
    let mut import = JsonlImport::new(&store, flags, length);
    let outcome = import.read(&mut input);
    let (stored, known, bad) = (import.stored, import.known, import.bad);
    store.flush()?;
    stores::record_run(&store, &flags.store.dir, "import jsonl")?;
    stores::close(store)?;
    let events = text::count(stored, "event");
    writeln!(out, "imported {events}; {known} had been imported before")?;
    match bad {
        0 => outcome,
        _ if outcome.is_err() => outcome,
        bad => Err(CommandError::wrong(format!("{} not imported", text::count(bad, "bad line")))),
    }
}

/// An import that is under way.
struct JsonlImport<'a> {
    store: &'a Store,
    flags: &'a JsonlArguments,
    bar: indicatif::ProgressBar,
    seen: Seen,
    /// Line numbers of the events that have no receipt yet.
    under_way: VecDeque<(u64, Ticket)>,
    stored: u64,
    known: u64,
    bad: u64,
}

impl<'a> JsonlImport<'a> {
    fn new(store: &'a Store, flags: &'a JsonlArguments, length: Option<u64>) -> Self {
        let (bar, seen) = (progress::bytes("import", length), Seen::default());
        Self { store, flags, bar, seen, under_way: VecDeque::new(), stored: 0, known: 0, bad: 0 }
    }

    fn read(&mut self, input: &mut dyn BufRead) -> Result<(), CommandError> {
        let read = self.lines(input);
        // What is under way is stored also when the reading ended early, and counts.
        let settled = self.settle_down_to(0);
        self.bar.finish_and_clear();
        read.and(settled)
    }

    fn lines(&mut self, input: &mut dyn BufRead) -> Result<(), CommandError> {
        let (mut line, mut number) = (Vec::new(), 0);
        while let Some(is_whole) = self.next_line(input, &mut line)? {
            number += 1;
            self.line(number, &line, is_whole)?;
        }
        Ok(())
    }

    /// Reads a line; `Some(false)` is one over the limit, whose rest was passed over.
    fn next_line(
        &self,
        mut input: &mut dyn BufRead,
        line: &mut Vec<u8>,
    ) -> Result<Option<bool>, CommandError> {
        line.clear();
        let failed = |source: io::Error| CommandError::Input { path: self.flags.file.clone(), source };
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = (&mut input).take(limit).read_until(b'\n', line).map_err(failed)?;
        let is_whole = line.last() == Some(&b'\n') || read <= LINE_BYTES_MAX;
        let passed = if is_whole { 0 } else { input.skip_until(b'\n').map_err(failed)? };
        self.bar.inc((read + passed) as u64);
        Ok((read > 0).then_some(is_whole))
    }

    fn line(&mut self, number: u64, line: &[u8], is_whole: bool) -> Result<(), CommandError> {
        // Editors of some systems begin a file with a byte order mark, which is no part of its JSON.
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(line).trim_ascii();
        if !is_whole {
            return self.refuse(number, &format!("the line is over the limit of {LINE_BYTES_MAX} bytes"));
        }
        if line.is_empty() {
            return Ok(());
        }
        match event(line, self.flags, &mut self.seen) {
            Err(reason) => self.refuse(number, &reason),
            Ok(event) => {
                self.under_way.push_back((number, self.store.submit_event(event)?));
                self.settle_down_to(WINDOW)
            }
        }
    }

    /// Waits for receipts, the oldest first, until only so many are under way.
    fn settle_down_to(&mut self, length: usize) -> Result<(), CommandError> {
        while self.under_way.len() > length {
            let Some((number, ticket)) = self.under_way.pop_front() else { break };
            self.settle(number, ticket)?;
        }
        Ok(())
    }

    fn settle(&mut self, number: u64, ticket: Ticket) -> Result<(), CommandError> {
        match ticket.wait() {
            Ok(receipt) if receipt.duplicate => self.known += 1,
            Ok(_) => self.stored += 1,
            // This event can never be stored; the next ones can.
            Err(error) if is_the_lines_fault(&error) => return self.refuse(number, &error.to_string()),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, reason: &str) -> Result<(), CommandError> {
        self.bad += 1;
        let message = format!("{}:{number}: {reason}", name_of(&self.flags.file));
        if self.flags.stop_on_error {
            return Err(CommandError::wrong(message));
        }
        // Nobody is left to be told when standard error is closed.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{message}")));
        Ok(())
    }
}

fn is_the_lines_fault(error: &AppendError) -> bool {
    error.retry() == Retry::Never && !matches!(error, AppendError::WouldDeadlock)
}

fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}
