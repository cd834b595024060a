//! The journal as the index sees it: to be caught up with, to check files against, and to rebuild them from.

use crate::error::SharedError;
use crate::index::{Checkpoint, Fact, Index, Mark, Source, Stretch};
use crate::journal::{Block, FrameMark, JournalError, JournalReader, ReadPoint, Record};
use crate::position::{Location, Position};
use std::sync::Arc;

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// A journal's reader, as a source of facts.
#[derive(Debug)]
pub(crate) struct Truth(pub(crate) JournalReader);

impl Source for Truth {
    fn store(&self) -> [u8; 16] {
        self.0.store().bytes()
    }

    fn segments(&self) -> u32 {
        self.0.segments()
    }

    fn first_of(&self, segment: u32) -> Result<Position, SharedError> {
        Ok(self.0.begin_of(segment).map_err(shared)?.position)
    }

    fn stretch_of(&self, segment: u32) -> Result<Stretch, SharedError> {
        let bounds = self.0.bounds_of(segment).map_err(shared)?;
        Ok(Stretch {
            store: self.store(),
            first_segment: segment,
            last_segment: segment,
            first: bounds.first.get(),
            last: bounds.last.get(),
            chain: bounds.chain,
            end: bounds.bytes,
            last_frame: 0,
        })
    }

    fn holds(&self, stretch: &Stretch) -> Result<bool, SharedError> {
        let small = |offset| u32::try_from(offset).unwrap_or_default();
        let (begin, end) = (small(stretch.last_frame), small(stretch.end));
        let mark = FrameMark { segment: stretch.last_segment, begin, end, chain: stretch.chain };
        self.0
            .has_frame(mark, Position::new(stretch.last).next())
            .map(|has| has || crate::planted("stale_index_file_accepted"))
            .map_err(shared)
    }

    fn replay(
        &self,
        segment: u32,
        (offset, position): (u32, Position),
        sink: &mut dyn FnMut(Fact<'_>),
    ) -> Result<(), SharedError> {
        let mut replay = || {
            let mut block = self.0.block();
            let mut point = match offset {
                0 => self.0.begin_of(segment)?,
                _ => ReadPoint { segment, offset, position },
            };
            while point.segment == segment && self.0.read_block(&mut block, point, BLOCK_BYTES)? {
                if block.start().segment != segment {
                    break;
                }
                point = give(&block, sink)?.0;
            }
            Ok(())
        };
        replay().map_err(shared)
    }
}

fn shared(error: JournalError) -> SharedError {
    Arc::new(error)
}

/// Applies every record of the journal that the index does not have.
pub(crate) fn catch_up(
    index: &mut Index,
    reader: &JournalReader,
    mut between: impl FnMut(&mut Index),
) -> Result<(), JournalError> {
    let mut point = match index.resumes_at() {
        Some(offset) => ReadPoint { segment: index.segment(), offset, position: index.applied().next() },
        None => reader.begin_of(index.segment())?,
    };
    // A reading that breaks off in the middle is begun again.
    index.resume_at(None);
    let mut block = reader.block();
    while reader.read_block(&mut block, point, BLOCK_BYTES)? {
        let (next, mark) = give(&block, &mut |fact| index.take(fact))?;
        mark.into_iter().for_each(|mark| index.note_frame(index_mark(mark)));
        point = next;
        between(index);
    }
    index.resume_at(Some((point.segment, point.offset)));
    Ok(())
}

/// A frame's mark as the index keeps it.
pub(super) fn index_mark(mark: FrameMark) -> Mark {
    let FrameMark { segment, begin, end, chain } = mark;
    Mark { segment, begin: u64::from(begin), end: u64::from(end), chain }
}

/// Gives every record of a block; says where reading goes on, and which frame was the last to begin.
fn give(
    block: &Block,
    sink: &mut dyn FnMut(Fact<'_>),
) -> Result<(ReadPoint, Option<FrameMark>), JournalError> {
    let mut records = block.records();
    for record in records.by_ref() {
        crate::point("indexer.catch_up.before_record");
        let (location, record) = record?;
        sink(fact(location, &record, block.bytes()));
    }
    Ok((records.point(), records.mark()))
}

/// A record as the index takes it.
pub(super) fn fact<'a>(location: Location, record: &Record<'a>, block: &'a [u8]) -> Fact<'a> {
    match record {
        Record::Event(span) => Fact::Event { event: span.view(block), key: span.key(block), location },
        Record::Checkpoint { id, region, position } => Fact::Checkpoint {
            id,
            checkpoint: Checkpoint { region: (*region).into(), position: *position },
            segment: location.segment,
        },
        Record::Gap(gap) => Fact::Gap { gap: gap.clone(), location },
    }
}
