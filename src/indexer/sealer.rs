//! The sealer: writes the files of the index, one step at a time, on a thread of its own.
//!
//! Receives: wake-ups from the indexer, nothing else.
//! Sends: nothing.
//! Owns: the chore in hand. Files are derived from the journal, so that nothing is lost with it.
//! Fails: never by itself; a file that cannot be written is reported, and comes up again with the next sealed segment.

use crate::index::Chore;
use crate::view::View;
use std::convert::Infallible;
use std::sync::Arc;
use supervisors::{Actor, Context, Flow};

/// Nothing is told to the sealer but that there may be something to write.
#[derive(Debug)]
pub(crate) enum Message {}

/// One incarnation of the sealer.
#[derive(Debug)]
pub(crate) struct Sealer {
    /// Where the index is.
    view: Arc<View>,
    /// What was begun.
    chore: Option<Chore>,
}

impl Actor for Sealer {
    type Message = Message;
    type Error = Infallible;

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        match message {}
    }

    fn woken(&mut self, context: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        crate::point("sealer.woken");
        let chore = self.chore.take().or_else(|| self.view.look(|index| index.chore()));
        if let Some(chore) = chore {
            context.doing("writing the index");
            self.run(chore);
            // One step a turn, so that a stop is heard between two.
            context.wake_me();
        }
        Ok(Flow::Continue)
    }
}

impl Sealer {
    pub(crate) fn new(view: Arc<View>) -> Self {
        Self { view, chore: None }
    }

    fn run(&mut self, mut chore: Chore) {
        match chore.step() {
            Some(done) => {
                crate::point("sealer.run.before_finish");
                self.view.change(|index| index.finish(done));
                crate::point("sealer.run.finished");
                chore.clean_up();
            }
            None => self.chore = Some(chore),
        }
    }
}
