//! Opens a journal for writing: surveys, judges, repairs, and takes the next epoch.

use super::appender::Journal;
use super::error::JournalError;
use super::frame::chain_origin;
use super::growing::{Failure, finish_roll, name_segment, prepare_segment, remove_temporaries};
use super::options::JournalOptions;
use super::reader::Published;
use super::recovery::{Cut, Recovery, Survey, Torn, Verdict, check_successor, judge, survey, walk_last};
use super::repair::{Repaired, repair};
use super::scan::Tail;
use super::segment::SegmentHeader;
use super::staging::Staging;
use super::store_id::{Identity, StoreId};
use crate::position::Position;
use crate::storage::{Access, File, Storage, Syncs, WriteLock};
use std::sync::Arc;

impl Journal {
    /// Opens the journal in `storage` for writing and recovers it, or makes a new one of id `new_store` if
    /// there is none. `lock` is the directory's, held for as long as the journal lives.
    ///
    /// Afterwards everything up to [`Recovery::last`] is durable. Reads the headers of all segments and the
    /// last segment's frames; after a clean close only its last 64 bytes.
    ///
    /// # Errors
    /// [`JournalError`]. After all but `NoSpace` and `Storage` nothing on the disk was changed, and after
    /// those two opening again recovers the same.
    pub fn open(
        storage: Arc<dyn Storage>,
        lock: Arc<WriteLock>,
        options: JournalOptions,
        now_micros: u64,
        new_store: StoreId,
    ) -> Result<(Self, Recovery), JournalError> {
        let options = options.workable();
        let (survey, created) = match survey(&*storage)? {
            Some(survey) => (survey, false),
            None => (create(&*storage, &options, now_micros, new_store)?, true),
        };
        crate::point("journal.open.surveyed");
        let mut walk = walk_last(&*storage, &survey, Access::Write)?;
        let verdict = judge(&mut walk, &survey.identity)?;
        crate::point("journal.open.judged");
        let segment = walk.segment;
        if verdict.sealed && !crate::planted("successor_unchecked") {
            check_successor(&*storage, segment)?;
        }
        let repaired = repair(&mut walk.window, &verdict, segment, walk.seeds, now_micros)?;
        crate::point("journal.open.repaired");
        let mut recovery = report(&verdict, &repaired, segment, created);
        let mut end = End { file: walk.window.file, tail: repaired.tail };
        if verdict.sealed {
            let header =
                SegmentHeader::after(segment, survey.identity.store, &end.tail, options.segment_bytes);
            crate::point("journal.open.before_end_of_roll");
            end = End { file: finish_roll(&*storage, &header)?, tail: Tail::begin(&header) };
            recovery.segments = header.number;
        }
        remove_temporaries(&*storage)?;
        crate::point("journal.open.before_directory_sync");
        // The last writer may have died, or failed, between the last segment's rename and its directory's sync.
        storage.sync_directory()?;

        let journal = Self::at(storage, lock, options, survey.identity, end, &recovery)?;
        Ok((journal, recovery))
    }

    fn at(
        storage: Arc<dyn Storage>,
        lock: Arc<WriteLock>,
        options: JournalOptions,
        identity: Identity,
        End { file, tail }: End,
        recovery: &Recovery,
    ) -> Result<Self, JournalError> {
        let published = Published::new(storage.clone(), identity.clone(), &options);
        let journal = Self {
            storage,
            _lock: lock,
            options,
            identity,
            allocated: file.length()?.max(tail.offset),
            published: Arc::new(published),
            syncs: Syncs::new(Arc::clone(&file)),
            file,
            segment: recovery.segments,
            durable_next: tail.next,
            tail,
            epoch: recovery.epoch,
            staging: Staging::default(),
            spares: Vec::new(),
            refused: false,
            poison: None,
            closed: recovery.closed,
        };
        journal.publish();
        Ok(journal)
    }
}

/// Where the journal goes on: the end of its last segment.
struct End {
    file: Arc<dyn File>,
    tail: Tail,
}

fn report(verdict: &Verdict, repaired: &Repaired, segments: u32, created: bool) -> Recovery {
    let (before, tail) = (&verdict.tail, &repaired.tail);
    // A gap frame was the first of the new epoch. Otherwise that is newer than whatever was seen on the disk.
    let newest = verdict.torn.map_or(tail.epoch, |torn| torn.epoch.max(tail.epoch));
    let epoch = if repaired.gap.is_some() { tail.epoch } else { newest.saturating_add(1) };
    let cut = |torn: Torn| Cut { segment: segments, offset: before.offset, bytes: torn.end - before.offset };
    Recovery {
        created,
        closed: verdict.closed,
        segments,
        last: Position::new(tail.next - 1),
        proven: Position::new(verdict.proven_next - 1),
        cut: verdict.torn.map(cut),
        rewritten_bytes: repaired.rewritten_bytes,
        gap: repaired.gap.map(|(first, last)| Position::new(first)..=Position::new(last)),
        epoch,
    }
}

fn create(
    storage: &dyn Storage,
    options: &JournalOptions,
    now_micros: u64,
    store: StoreId,
) -> Result<Survey, JournalError> {
    let header = SegmentHeader {
        number: 1,
        store,
        first: 1,
        chain: chain_origin(store),
        epoch: 0,
        time: now_micros,
        segment_bytes: options.segment_bytes,
        previous_bytes: 0,
    };
    crate::point("journal.create.before_segment");
    match prepare_segment(storage, &header) {
        Ok(_) => name_segment(storage, header.number)?,
        Err(Failure::Harmless(error) | Failure::Unknown(error)) => return Err(error.into()),
    }
    crate::point("journal.create.named");
    Ok(Survey { identity: Identity::new(store, storage), last: header })
}
