//! An iterator over the events of a region.

use crate::error::ReadError;
use crate::event::{Batch, StoredEvent};
use crate::index::Window;
use crate::position::Position;
use crate::region::Region;
use crate::view::View;
use std::fmt;
use std::sync::Arc;

/// Events read at once: the first few may be all that is wanted, a long read wants large pieces.
const CHUNK_FIRST: usize = 64;
const CHUNK_MAX: usize = 4_096;

/// The events of a region, in position order, up to the newest that was visible when the first was asked for.
///
/// ```no_run
/// # let store = timberline::Store::open(timberline::Config::new("events"))?;
/// use timberline::{Position, Region};
/// for event in store.read(&Region::kind("Opened")).after(Position::new(100)).limit(10) {
///     println!("{}", event?.entity());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a reader reads only when it is iterated"]
pub struct Reader {
    view: Result<Arc<View>, Option<ReadError>>,
    region: Region,
    after: Position,
    through: Option<Position>,
    left: u64,
    durable_only: bool,
    chunk: Batch,
    chunk_events: usize,
    /// The next event of the chunk.
    next: usize,
}

impl Reader {
    pub(super) fn new(view: Result<&Arc<View>, ReadError>, region: Region) -> Self {
        let terms = region.term_count();
        let view = view.cloned().map_err(Some).and_then(|view| match terms {
            0..=Region::TERMS_MAX => Ok(view),
            _ => Err(Some(ReadError::Region { terms, limit: Region::TERMS_MAX })),
        });
        Self {
            view,
            region,
            after: Position::START,
            through: None,
            left: u64::MAX,
            durable_only: false,
            chunk: Batch::default(),
            chunk_events: CHUNK_FIRST,
            next: 0,
        }
    }

    /// Begins after this position.
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// Ends with this position, if it is visible.
    pub fn through(mut self, position: Position) -> Self {
        self.through = Some(position);
        self
    }

    /// Gives at most so many events.
    pub fn limit(mut self, events: u64) -> Self {
        self.left = events;
        self
    }

    /// Gives only events that are known to be on the disk.
    pub fn durable_only(mut self) -> Self {
        self.durable_only = true;
        self
    }

    fn next_event(&mut self) -> Result<Option<StoredEvent>, ReadError> {
        if self.left == 0 {
            return Ok(None);
        }
        if self.next == self.chunk.len() {
            self.fill()?;
        }
        let event = self.chunk.copied(self.next);
        self.next += 1;
        self.left -= 1;
        Ok(event)
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        let view = match &mut self.view {
            Ok(view) => Arc::clone(view),
            Err(refusal) => return refusal.take().map_or(Ok(()), Err),
        };
        let watermark = if self.durable_only { view.durable() } else { view.written() };
        let through = *self.through.get_or_insert(watermark);
        let limit = self.chunk_events.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let window = Window { after: self.after, through: through.min(watermark), limit };
        self.next = 0;
        view.fill(&self.region, window, false, &mut self.chunk)?;
        self.after = self.chunk.last_position().unwrap_or(through).max(self.after);
        self.chunk_events = (self.chunk_events * 2).min(CHUNK_MAX);
        Ok(())
    }
}

impl Iterator for Reader {
    type Item = Result<StoredEvent, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_event() {
            Ok(event) => event.map(Ok),
            Err(error) => {
                // What lies behind damage cannot be reached in order.
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("region", &self.region)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
