//! The syncer: brings buffered commits to the disk on a thread of its own, while the writer goes on.
//!
//! Receives: `Sync` from the writer.
//! Sends: `Synced` to the writer.
//! Owns: nothing. What was not synced is still the writer's to sync.
//! Fails: never by itself; a sync that failed is told to the writer, whose journal it poisons.

use super::Message as WriterMessage;
use crate::journal::BackgroundSync;
use std::convert::Infallible;
use supervisors::{Actor, Address, Context, Flow};

/// What the syncer is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// Run this sync, and tell the writer how it ended.
    Sync { sync: BackgroundSync, writer: Address<WriterMessage> },
}

/// One incarnation of the syncer.
#[derive(Debug)]
pub(crate) struct Syncer;

impl Actor for Syncer {
    type Message = Message;
    type Error = Infallible;

    fn handle(&mut self, message: Message, context: &mut Context<'_, Message>) -> Result<Flow, Infallible> {
        match message {
            Message::Sync { sync, writer } => {
                context.doing("syncing");
                context.send(&writer, WriterMessage::Synced(sync.run()));
            }
        }
        Ok(Flow::Continue)
    }
}
