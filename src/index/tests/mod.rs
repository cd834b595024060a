//! The index against a plain list of events, filtered: with its segments in memory, in files, merged, and lost.

mod damage;
mod growing;
mod large;
mod postings;

use super::*;
use crate::error::SharedError;
use crate::event::{Causes, EventId, StoreTag};
use crate::position::Version;
use crate::storage::simulated::{Seeded, SimulatedDisk};

const SEGMENT_EVENTS: u64 = 7;
const STORE: [u8; 16] = [7; 16];
/// The chain's value in the growing segment.
const CHAIN: [u8; 16] = [9; 16];

/// One position of the model: an event, or nothing.
#[derive(Debug, Clone)]
struct Event {
    number: u64,
    version: u64,
    entity: String,
    scope: String,
    kind: String,
}

/// A journal in memory: so many positions to a segment, a gap now and then, and one cursor that moves.
#[derive(Debug)]
struct Model {
    events: Vec<Option<Event>>,
    segment_events: u64,
}

impl Model {
    fn new(count: u64) -> Arc<Self> {
        Self::of_segments(count, SEGMENT_EVENTS)
    }

    /// Events over 7 entities, 3 scopes and 2 kinds, and one entity of its own for each eleventh.
    fn of_segments(count: u64, segment_events: u64) -> Arc<Self> {
        let (mut events, mut versions) = (Vec::new(), std::collections::BTreeMap::new());
        for number in 1..=count {
            if number % 31 < 2 && number > 2 {
                events.push(None);
                continue;
            }
            let entity = match (number % 11, number * number % 7) {
                (0, _) => format!("single-{number}"),
                (1, _) => format!("{}{}", "long".repeat(200), number % 3),
                (_, entity) => format!("{}-{entity}", if entity % 2 == 0 { "even" } else { "odd" }),
            };
            let version = versions.entry(entity.clone()).or_insert(0);
            *version += 1;
            events.push(Some(Event {
                number,
                version: *version,
                entity,
                scope: format!("scope-{}", number % 3),
                kind: format!("Kind{}", number % 2),
            }));
        }
        Arc::new(Self { events, segment_events })
    }

    /// Its first positions.
    fn begin(&self, count: u64) -> Self {
        Self { events: self.events[..count as usize].to_vec(), segment_events: self.segment_events }
    }

    fn segment_of(&self, number: u64) -> u32 {
        ((number - 1) / self.segment_events) as u32 + 1
    }

    fn first_in(&self, segment: u32) -> u64 {
        u64::from(segment - 1) * self.segment_events + 1
    }

    fn last(&self) -> u64 {
        self.events.len() as u64
    }

    /// Gives the records of the positions in `numbers`, a checkpoint behind each.
    fn give(&self, numbers: RangeInclusive<u64>, sink: &mut dyn FnMut(Fact<'_>)) {
        let id = |number| EventId::new(0, Position::new(number), StoreTag(0));
        for number in numbers {
            let location = Location { segment: self.segment_of(number), offset: number as u32, length: 1 };
            // Every other one names its cause twice.
            let causes = [id(number / 2).to_u128().to_le_bytes(); 2].concat();
            match &self.events[number as usize - 1] {
                Some(event) => sink(Fact::Event {
                    event: EventRef {
                        id: id(number),
                        version: Version::new(event.version),
                        time_micros: 0,
                        correlation: id(number),
                        entity: &event.entity,
                        scope: &event.scope,
                        kind: &event.kind,
                        payload_version: 1,
                        payload: &[],
                        causes: Causes::from_bytes(&causes[..16 * (1 + number as usize % 2)]),
                    },
                    key: format!("key-{number}").as_bytes(),
                    location,
                }),
                None => sink(Fact::Gap { gap: Position::new(number)..=Position::new(number), location }),
            }
            let checkpoint = Checkpoint { region: (*b"all").into(), position: Position::new(number) };
            sink(Fact::Checkpoint { id: "mailer", checkpoint, segment: location.segment });
        }
    }

    fn positions(&self, is_in: impl Fn(&Event) -> bool, window: Window) -> Vec<Position> {
        let in_window = |event: &&Event| {
            (window.after.get() + 1..=window.through.get()).contains(&event.number) && is_in(event)
        };
        let found = self.events.iter().flatten().filter(in_window).take(window.limit);
        found.map(|event| Position::new(event.number)).collect()
    }
}

impl Source for Model {
    fn store(&self) -> [u8; 16] {
        STORE
    }

    fn segments(&self) -> u32 {
        self.segment_of(self.last().max(1))
    }

    fn first_of(&self, segment: u32) -> Result<Position, SharedError> {
        Ok(Position::new(self.first_in(segment)))
    }

    fn stretch_of(&self, segment: u32) -> Result<Stretch, SharedError> {
        let last = u64::from(segment) * self.segment_events;
        Ok(Stretch {
            store: STORE,
            first_segment: segment,
            last_segment: segment,
            first: self.first_in(segment),
            last,
            chain: [segment as u8; 16],
            end: last + 1,
            last_frame: 0,
        })
    }

    fn holds(&self, stretch: &Stretch) -> Result<bool, SharedError> {
        Ok(stretch.last <= self.last() && stretch.last == stretch.last_frame && stretch.chain == CHAIN)
    }

    fn replay(
        &self,
        segment: u32,
        (begin, position): (u32, Position),
        sink: &mut dyn FnMut(Fact<'_>),
    ) -> Result<(), SharedError> {
        let first = self.first_in(segment);
        let from = if begin == 0 { first } else { position.get() };
        self.give(from..=(first + self.segment_events - 1).min(self.last()), sink);
        Ok(())
    }
}

fn options() -> IndexOptions {
    IndexOptions { cache_bytes: 1 << 16, open_files_max: 4, unwritten_max: 3, growth_bytes: 3, writes: true }
}

/// The index over `model` with the files that `disk` has, caught up.
fn opened(disk: &SimulatedDisk, model: &Arc<Model>) -> Index {
    opened_with(disk, model, options())
}

fn opened_with(disk: &SimulatedDisk, model: &Arc<Model>, options: IndexOptions) -> Index {
    let source: Arc<dyn Source> = Arc::clone(model) as _;
    let mut index = Index::open(Arc::new(disk.clone()), source, options).unwrap();
    let begin = match index.resumes_at() {
        Some(_) => index.applied().get() + 1,
        None => model.first_in(index.segment()),
    };
    model.give(begin..=model.last(), &mut |fact| index.take(fact));
    let (last, segment) = (model.last(), index.segment());
    index.note_frame(Mark { segment, begin: last, end: last + 1, chain: CHAIN });
    index
}

fn run_chore(index: &mut Index) -> bool {
    let chore = index.chore();
    index.run(chore)
}

fn do_chores(index: &mut Index) {
    while index.has_chores() && run_chore(index) {}
}

/// The names of the files that tell of a segment's pieces.
fn pieces_of(disk: &SimulatedDisk, segment: u32) -> Vec<String> {
    let names = header::PIECE_LEVELS.map(|level| files::file_name(level, segment));
    let image = disk.image();
    names.filter(|name| image.bytes(name).is_some()).collect()
}

/// A disk with every file written, and the model.
fn filled(count: u64) -> (SimulatedDisk, Arc<Model>) {
    let (disk, model) = (SimulatedDisk::new(), Model::new(count));
    do_chores(&mut opened(&disk, &model));
    (disk, model)
}

fn regions() -> Vec<Region> {
    let (even, scope, kind) =
        (Region::entity_prefix("even"), Region::scope("scope-1"), Region::kind("Kind0"));
    let long = Region::entity("long".repeat(200) + "1");
    vec![
        Region::all(),
        Region::nothing(),
        Region::entity("even-2"),
        Region::entity("single-22"),
        Region::entity("unknown"),
        long.clone(),
        Region::entity_prefix("long".repeat(10)),
        Region::entity_prefix("long".repeat(200)),
        Region::entity_prefix("long".repeat(200) + "2"),
        Region::entity_prefix("single"),
        Region::entity_prefix("single").and(kind.clone()),
        even.clone(),
        scope.clone(),
        kind.clone(),
        Region::entity("even-2").and(scope.clone()).and(kind.clone()),
        even.clone().and(scope.clone()),
        even.clone().and(scope.clone()).and(kind.clone()),
        even.clone().or(scope.clone()),
        even.and(kind).or(scope.clone()).or(Region::entity("odd-1")).or(long),
        scope.or(Region::kind("unknown")),
    ]
}

/// Holds every answer of the index against the model.
#[track_caller]
fn check(index: &Index, model: &Model) {
    let last = model.last();
    assert_eq!(index.applied(), Position::new(last));
    for region in regions() {
        for (after, through, limit) in
            [(0, last, 1000), (0, last, 7), (48, 51, 10), (last / 3, last - 9, 1000), (last, last + 9, 5)]
        {
            let window = Window { after: Position::new(after), through: Position::new(through), limit };
            check_region(index, model, &region, window);
        }
    }
    check_lookups(index, model);
}

#[track_caller]
fn check_region(index: &Index, model: &Model, region: &Region, window: Window) {
    let mut found = Vec::new();
    index.select(region, window, &mut found).unwrap();
    let expected = model.positions(|event| region.matches(&event.entity, &event.scope, &event.kind), window);
    let positions: Vec<_> = found.iter().map(|found| found.position).collect();
    assert!(positions == expected, "{region} {window:?}: {} and not {}", positions.len(), expected.len());
    for Found { position, location } in found {
        let segment = model.segment_of(position.get());
        assert_eq!((location.segment, u64::from(location.offset)), (segment, position.get()));
    }
}

#[track_caller]
fn check_lookups(index: &Index, model: &Model) {
    let mut versions = std::collections::BTreeMap::new();
    let mut gaps = Vec::new();
    for (number, event) in (1..).zip(&model.events) {
        let position = Position::new(number);
        let place = index.locate(position).unwrap().map(|location| (location.segment, location.offset));
        assert_eq!(place, event.as_ref().map(|_| (model.segment_of(number), number as u32)));
        let keyed = index.keyed(format!("key-{number}").as_bytes()).unwrap();
        assert_eq!(keyed, event.as_ref().map(|_| position));
        let window = Window { after: position, through: Position::END, limit: 10 };
        let expected = model.positions(|event| event.number / 2 == number, window);
        assert_eq!(index.effects(position, 10).unwrap(), expected);
        match event {
            Some(event) => drop(versions.insert(&event.entity, event.version)),
            None => gaps.push(position..=position),
        }
    }
    for (entity, version) in &versions {
        assert_eq!(index.last_version(entity).unwrap(), Version::new(*version), "{entity}");
    }
    assert_eq!(index.last_version("unknown").unwrap(), Version::NONE);
    assert_eq!(index.keyed(b"key-0").unwrap(), None);
    assert_eq!(index.locate(Position::new(model.last() + 1)).unwrap(), None);
    assert_eq!(index.gaps(Position::START, Position::END).unwrap(), gaps);
    assert_eq!(index.entity_count(), versions.len() as u64);
    assert_eq!(index.gap_count(), gaps.len() as u64);
    let checkpoint = index.checkpoint("mailer").map(|checkpoint| checkpoint.position.get());
    assert_eq!(checkpoint, Some(model.last()));
}

#[test]
fn an_index_in_memory_answers_what_a_filter_over_all_events_answers() {
    let model = Model::new(120);
    let mut index = Index::default();
    model.give(1..=model.last(), &mut |fact| index.take(fact));
    check(&index, &model);
}

#[test]
fn segments_in_memory_in_files_and_merged_answer_the_same() {
    let (disk, model) = (SimulatedDisk::new(), Model::new(SEGMENT_EVENTS * 75 + 3));
    let mut index = opened(&disk, &model);
    check(&index, &model);
    let mut chores = 0;
    while index.has_chores() && run_chore(&mut index) {
        chores += 1;
        if chores == 40 || chores == 78 {
            check(&index, &model);
        }
    }
    // 75 segments, 9 merges of eight, 1 of sixty-four, the begin of the last segment.
    assert_eq!(chores, 75 + 9 + 1 + 1);
    check(&index, &model);
    let index = opened(&disk, &model);
    assert_eq!(index.segment(), 76, "nothing sealed is read from the journal again");
    check(&index, &model);
}

#[test]
fn a_scattered_entity_is_read_out_of_a_merge_without_a_look_into_its_segments() {
    let (disk, model) = filled(SEGMENT_EVENTS * 64 + 3);
    let index = opened(&disk, &model);
    let before = disk.operations().len();
    // None of its events stand side by side.
    let region = Region::entity("long".repeat(200) + "1");
    let window = Window { after: Position::new(40), through: Position::new(SEGMENT_EVENTS * 64), limit: 9 };
    check_region(&index, &model, &region, window);
    let operations = disk.operations();
    let is_of_a_segment = |name: &str| (1..=64).any(|segment| name == files::file_name(0, segment));
    let looked = operations[before..].iter().filter(|operation| is_of_a_segment(&operation.name));
    assert_eq!(looked.count(), 0, "operations on segments' files");
}

#[test]
fn an_index_that_grows_while_it_is_written_answers_at_every_step() {
    let (disk, whole) = (SimulatedDisk::new(), Model::new(SEGMENT_EVENTS * 20));
    let source: Arc<dyn Source> = Arc::clone(&whole) as _;
    let mut index = Index::open(Arc::new(disk), source, options()).unwrap();
    for number in 1..=whole.last() {
        whole.give(number..=number, &mut |fact| index.take(fact));
        if number % 5 == 0 {
            run_chore(&mut index);
        }
        if number % 13 == 0 {
            let model = whole.begin(number);
            check(&index, &model);
        }
    }
}

#[test]
fn deleting_any_files_of_the_index_changes_no_answer() {
    let (disk, model) = filled(SEGMENT_EVENTS * 20 + 2);
    let image = disk.image();
    let names: Vec<String> = image.names().map(str::to_owned).collect();
    assert_eq!(names.len(), 20 + 2 + 1);
    for seed in 0..12 {
        let (mut choices, mut image) = (Seeded::new(seed), image.clone());
        let one_in = 1 + choices.choose(6);
        names.iter().filter(|_| choices.choose(one_in) == 0).for_each(|name| image.delete(name));
        let disk = SimulatedDisk::from_image(image);
        let mut index = opened(&disk, &model);
        check(&index, &model);
        do_chores(&mut index);
        check(&index, &model);
        assert!(disk.image().names().eq(names.iter().map(String::as_str)), "everything is there again");
    }
}

#[test]
fn an_index_that_may_not_write_answers_and_leaves_the_disk_alone() {
    let (disk, model) = filled(SEGMENT_EVENTS * 12);
    let mut image = disk.image();
    image.delete(&files::file_name(0, 3));
    image.delete(&files::file_name(1, 1));
    let disk = SimulatedDisk::from_image(image.clone());
    let mut index = opened_with(&disk, &model, IndexOptions { writes: false, ..options() });
    assert!(!index.has_chores() && !index.run_chore());
    check(&index, &model);
    index.shed_written();
    check(&index, &model);
    assert!(disk.image().names().eq(image.names()));
}

#[test]
fn what_cannot_be_written_is_answered_from_the_journal() {
    let (disk, model) = (SimulatedDisk::new(), Model::new(SEGMENT_EVENTS * 9));
    let mut index = opened(&disk, &model);
    disk.set_space_bytes(Some(5_000));
    while index.is_behind() {
        if !index.run_chore() {
            index.shed();
        }
    }
    check(&index, &model);
    disk.set_space_bytes(None);
    let mut index = opened(&disk, &model);
    do_chores(&mut index);
    check(&index, &model);
}

#[test]
fn an_event_that_was_applied_is_not_taken_twice() {
    let model = Model::new(100);
    let mut index = Index::default();
    model.give(1..=100, &mut |fact| index.take(fact));
    model.give(50..=100, &mut |fact| index.take(fact));
    check_lookups(&index, &model);
}
