//! Where the few events of an entity stand: a merge tells that for segments in which the entity has only a few, so that who
//! reads a scattered entity need not look into every segment's file for one event of each.

use super::Sort;
use super::bytes::{Bytes, put_varint};
use super::directory::Node;
use super::postings::{Postings, Spot, Stand, Stepper, Steps};
use super::sealed::Entry;
use super::segments::{SegmentSet, decode_segments};
use super::table::Table;

/// The most events in one segment that are told. For more, one look into the segment's file serves many.
const TOLD_MAX: u32 = 4;
/// The most bytes of a list, so that an entry fits into a block. The segments behind it are asked.
const LIST_BYTES_MAX: usize = 2_400;
/// The least bytes of one event in a list: a gap, an offset and a length.
const EVENT_BYTES_MIN: usize = 3;

/// An event of which it is told where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) segment: u32,
    pub(super) place: u32,
    pub(super) stand: Stand,
}

/// The events of an entity as a merge knows them.
#[derive(Debug)]
pub(super) struct Scattered {
    /// Where it has events at all.
    pub(super) segments: SegmentSet,
    /// All of its events in some of these segments, in order. The other segments have to be asked.
    told: Vec<Told>,
}

impl Scattered {
    /// All of these segments have to be asked.
    pub(super) fn asked(segments: SegmentSet) -> Self {
        Self { segments, told: Vec::new() }
    }

    /// What a leaf of a table's entities tells of one: of a merge's, or of a single segment's file.
    pub(super) fn decode(table: &Table, leaf: &Node, at: u32) -> Option<Self> {
        let stretch = &table.header.stretch;
        let mut value = leaf.value(at)?;
        let segments = decode_segments(table, &mut value)?;
        let told = match table.header.level {
            0 => told_by(&Entry::decode(Sort::Entity, leaf, at, stretch)?.postings, stretch.first_segment)?,
            _ => decode_told(value, &segments, Sort::Entity.steps(stretch))?,
        };
        Some(Self { segments, told })
    }

    /// All that is told, in order.
    pub(super) fn into_told(self) -> Vec<Told> {
        self.told
    }

    /// Its events in a segment; none if the segment has to be asked.
    pub(super) fn told_of(&self, segment: u32) -> &[Told] {
        of_segment(&self.told, segment)
    }
}

/// Those of a segment, in a list that is in order.
fn of_segment(told: &[Told], segment: u32) -> &[Told] {
    let begin = told.partition_point(|event| event.segment < segment);
    let count = told[begin..].partition_point(|event| event.segment == segment);
    &told[begin..begin + count]
}

/// What of a segment's postings a merge tells: all of them if they are few, or nothing. `None` if they are damaged.
fn told_by(postings: &Postings, segment: u32) -> Option<Vec<Told>> {
    if postings.count > TOLD_MAX {
        return Some(Vec::new());
    }
    let told = |spot: Spot| spot.stand.map(|stand| Told { segment, place: spot.place, stand });
    let told: Vec<Told> = postings.beside_the_name()?.into_iter().filter_map(told).collect();
    // Those that stand side by side share a block of the offsets, and have no stands.
    Some(if told.len() == postings.count as usize { told } else { Vec::new() })
}

/// A list: its bytes, and for each of the segments 0, or its events one after the other. What is told of an event is 1, and 1
/// more if another of the same segment follows, and 2 for each place that is passed over; then where it stands.
pub(super) fn encode_told(told: &[Told], segments: &[u32], steps: Steps, out: &mut Vec<u8>) {
    let (mut list, mut end, mut stepper) = (Vec::new(), 0, Stepper::new(steps));
    for segment in segments {
        let events = of_segment(told, *segment);
        stepper.restart();
        let mut next = 0;
        for (at, event) in events.iter().enumerate() {
            let has_more = at + 1 < events.len();
            put_varint(&mut list, u64::from(event.place - next) * 2 + u64::from(has_more) + 1);
            stepper.put(&mut list, Spot { place: event.place, stand: Some(event.stand) }, steps);
            next = event.place + 1;
        }
        if list.len() > LIST_BYTES_MAX {
            break;
        }
        match events.is_empty() {
            true => list.push(0),
            false => end = list.len(),
        }
    }
    put_varint(out, end as u64);
    out.extend_from_slice(&list[..end]);
}

/// The events that a list tells of these segments.
fn decode_told(mut value: Bytes<'_>, segments: &SegmentSet, steps: Steps) -> Option<Vec<Told>> {
    let bytes = usize::try_from(value.varint()?).ok().filter(|bytes| *bytes <= LIST_BYTES_MAX)?;
    let mut list = Bytes::new(value.take(bytes)?);
    let mut told = Vec::with_capacity(bytes / EVENT_BYTES_MIN);
    let (mut segments, mut stepper) = (segments.iter(), Stepper::new(steps));
    while !list.is_at_end() {
        decode_segment(&mut list, segments.next()?, &mut stepper, steps, &mut told)?;
    }
    Some(told)
}

/// Adds what a list tells of a segment to `told`.
fn decode_segment(
    list: &mut Bytes<'_>,
    segment: u32,
    stepper: &mut Stepper,
    steps: Steps,
    told: &mut Vec<Told>,
) -> Option<()> {
    stepper.restart();
    let mut next = 0;
    loop {
        let Some(head) = list.varint()?.checked_sub(1) else { return (next == 0).then_some(()) };
        let place = u32::try_from(head / 2).ok()?.checked_add(next)?;
        let spot = stepper.step(list, steps, stepper.gap_to(place))?;
        told.push(Told { segment, place, stand: spot.stand? });
        if head % 2 == 0 {
            return Some(());
        }
        next = place.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::MEAN_SHIFT;
    use super::super::segments::tests::set;
    use super::*;

    const STEPS: Steps = Steps::Stands { mean: 100 << MEAN_SHIFT };

    fn told(segment: u32, place: u32, offset: u32) -> Told {
        Told { segment, place, stand: Stand { offset, length: 90 + place % 7 } }
    }

    fn encoded(told: &[Told], segments: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_told(told, segments, STEPS, &mut bytes);
        bytes
    }

    #[test]
    fn what_is_told_comes_back_and_the_other_segments_are_asked() {
        let segments = [65, 70, 71, 300, 576];
        let list = [told(70, 3, 290), told(70, 9, 970), told(300, 0, 0), told(300, 1, 96)];
        let bytes = encoded(&list, &segments);
        let back = decode_told(Bytes::new(&bytes), &set(&segments), STEPS).unwrap();
        let scattered = Scattered { segments: set(&segments), told: back };
        assert_eq!(scattered.told_of(70), &list[..2]);
        assert_eq!(scattered.told_of(300), &list[2..]);
        assert!([65, 71, 576, 64, 577].iter().all(|segment| scattered.told_of(*segment).is_empty()));
        assert_eq!(encoded(&[], &segments), [0], "one byte where nothing is told");
        assert_eq!(encoded(&list[2..3], &[300]).len(), 1 + 3, "a place, an offset and a length");
    }

    #[test]
    fn a_list_that_would_be_too_long_tells_of_whole_segments_and_ends() {
        let segments: Vec<u32> = (65..=576).collect();
        let list: Vec<Told> = segments
            .iter()
            .flat_map(|segment| [told(*segment, 20_000, 1), told(*segment, 300_000, 2)])
            .collect();
        let bytes = encoded(&list, &segments);
        assert!(bytes.len() <= LIST_BYTES_MAX + 2);
        let back = decode_told(Bytes::new(&bytes), &set(&segments), STEPS).unwrap();
        assert!(
            back.len() > 200 && back.len().is_multiple_of(2) && list.starts_with(&back),
            "{}",
            back.len()
        );
    }

    #[test]
    fn what_is_no_list_of_these_segments_is_refused() {
        let bytes = encoded(&[told(70, 3, 290)], &[70, 71]);
        let decode = |bytes: &[u8], segments: &[u32]| decode_told(Bytes::new(bytes), &set(segments), STEPS);
        assert_eq!(decode(&bytes, &[70, 71]), Some(vec![told(70, 3, 290)]));
        assert_eq!(decode(&bytes[..bytes.len() - 1], &[70, 71]), None, "cut short");
        assert_eq!(decode(&[1, 0], &[]), None, "of a segment that is not there");
        assert_eq!(decode(&[4, 2, 0, 0, 0], &[70]), None, "another one is told of and is not there");
        let long = [&[0x81, 0x13][..], &[0; 2_401]].concat();
        assert_eq!(decode(&long, &(65..=576).collect::<Vec<_>>()), None, "longer than any list");
    }
}
