//! The files of the growing segment: written while it grows and by a close, believed by the next open if the journal still
//! holds what they tell.

use super::*;

#[test]
fn the_growing_segment_is_not_read_again_after_a_close() {
    let disk = SimulatedDisk::new();
    let whole = Model::new(SEGMENT_EVENTS * 12);
    // Closed and opened again after every third event: in the middle of segments, and at their ends.
    for count in (12..=whole.last()).step_by(3) {
        let model = Arc::new(whole.begin(count));
        let mut index = opened(&disk, &model);
        check_lookups(&index, &model);
        if count % 2 == 0 {
            do_chores(&mut index);
            check_lookups(&index, &model);
        }
        index.write_open();
        let again = opened(&disk, &model);
        assert_eq!(again.resumes_at(), Some(count as u32 + 1), "nothing is read again");
        check(&again, &model);
    }
    let open = pieces_of(&disk, whole.segments()).pop().unwrap();
    let mut image = disk.image();
    let mut bytes = image.bytes(&open).unwrap();
    bytes[5_000] ^= 1;
    image.put(&open, &bytes);
    check(&opened(&SimulatedDisk::from_image(image.clone()), &whole), &whole);
    // A journal that was cut does not hold what the file tells of.
    let cut = Arc::new(whole.begin(whole.last() - 2));
    let disk = SimulatedDisk::from_image(image);
    assert!(positions_read(&disk, &cut) > 0, "the last piece ends behind the cut");
    check(&opened(&disk, &cut), &cut);
}

/// An index over the first of many events that takes in one after the other, frame by frame.
fn grown(disk: &SimulatedDisk, model: &Arc<Model>, growth_bytes: u64) -> Index {
    let source: Arc<dyn Source> = Arc::clone(model) as _;
    let options = IndexOptions { growth_bytes, ..options() };
    let mut index = Index::open(Arc::new(disk.clone()), source, options).unwrap();
    for number in index.applied().get() + 1..=model.last() {
        model.give(number..=number, &mut |fact| index.take(fact));
        let segment = index.segment();
        let first = model.first_in(segment);
        index.note_frame(Mark { segment, begin: number, end: number - first + 1, chain: CHAIN });
        do_chores(&mut index);
    }
    index
}

/// What an open over the disk reads again of so many positions.
fn positions_read(disk: &SimulatedDisk, model: &Arc<Model>) -> u64 {
    let source: Arc<dyn Source> = Arc::clone(model) as _;
    let index = Index::open(Arc::new(disk.clone()), source, options()).unwrap();
    model.last() - index.applied().get()
}

#[test]
fn who_was_killed_reads_again_only_what_has_grown_since_the_last_file() {
    let whole = Model::of_segments(300, 100);
    for count in (1..=300).step_by(7) {
        let (disk, model) = (SimulatedDisk::new(), Arc::new(whole.begin(count)));
        // There is no close: the process is gone.
        drop(grown(&disk, &model, 10));
        assert!(positions_read(&disk, &model) < 10, "{count}");
        check_lookups(&opened(&disk, &model), &model);
    }
}

#[test]
fn lives_that_are_killed_go_on_behind_the_pieces_of_those_before() {
    let (disk, whole) = (SimulatedDisk::new(), Model::of_segments(240, 1_000));
    for count in [30, 35, 60, 90, 120, 240] {
        let model = Arc::new(whole.begin(count));
        let index = grown(&disk, &model, 8);
        check_lookups(&index, &model);
        assert!(positions_read(&disk, &model) < 8, "{count}");
    }
}

#[test]
fn a_segment_that_was_sealed_without_its_file_is_read_again_from_where_its_pieces_end() {
    let (disk, whole) = (SimulatedDisk::new(), Model::of_segments(230, 100));
    let model = Arc::new(whole.begin(195));
    drop(grown(&disk, &model, 30));
    // The rest was appended, the journal rolled, and no file was written any more.
    assert_eq!(positions_read(&disk, &whole), 230 - 190);
    let mut index = opened(&disk, &whole);
    check_lookups(&index, &whole);
    assert_eq!(pieces_of(&disk, 2).len(), 3);
    do_chores(&mut index);
    check_lookups(&index, &whole);
    assert!(pieces_of(&disk, 2).is_empty(), "the whole segment's file stands for it");
    assert_eq!(positions_read(&disk, &whole), 0);
}

#[test]
fn a_close_writes_no_file_for_a_rest_that_is_quickly_read_again() {
    let (disk, whole) = (SimulatedDisk::new(), Model::of_segments(400, 1_000));
    let close_at = |count| {
        let model = Arc::new(whole.begin(count));
        grown(&disk, &model, 512).write_open();
        positions_read(&disk, &model)
    };
    assert_eq!((close_at(45), close_at(47), close_at(48)), (0, 2, 0), "a 256th of 512 stays");
    // Of many pieces each has to be longer.
    assert!((17..=46).all(|piece| close_at(3 * piece) == 0));
    assert_eq!((close_at(170), close_at(171)), (32, 0), "a 16th stays");
}

#[test]
fn a_piece_that_cannot_be_written_is_not_tried_again_and_again() {
    let (disk, model) = (SimulatedDisk::new(), Model::of_segments(40, 1_000));
    disk.set_space_bytes(Some(100));
    let mut index = grown(&disk, &model, 8);
    let before = disk.operations().len();
    assert!(!index.has_chores() && index.chore().is_none());
    assert_eq!(disk.operations().len(), before);
    disk.set_space_bytes(None);
    check_lookups(&index, &model);
    // A close tries once more.
    index.write_open();
    assert_eq!(positions_read(&disk, &model), 0);
    do_chores(&mut index);
}

#[test]
fn pieces_behind_one_that_is_missing_are_not_believed_and_are_made_anew() {
    let (disk, model) = (SimulatedDisk::new(), Model::of_segments(45, 1_000));
    drop(grown(&disk, &model, 10));
    let pieces = pieces_of(&disk, 1);
    assert_eq!(pieces.len(), 4);
    for (missing, name) in pieces.iter().enumerate() {
        let mut image = disk.image();
        image.delete(name);
        let disk = SimulatedDisk::from_image(image.clone());
        assert_eq!(positions_read(&disk, &model), 45 - 10 * missing as u64, "piece {missing}");
        opened(&disk, &model).write_open();
        // The disk forgot that those behind it were removed. Now they begin in the midst of the one that was made anew.
        let mut forgetful = disk.image();
        for behind in &pieces[missing + 1..] {
            forgetful.put(behind, &image.bytes(behind).unwrap());
        }
        let disk = SimulatedDisk::from_image(forgetful);
        assert_eq!(positions_read(&disk, &model), 0, "piece {missing}");
        check_lookups(&opened(&disk, &model), &model);
    }
}

#[test]
fn the_pieces_of_one_segment_stay_when_the_lost_file_of_another_is_written_again() {
    let (disk, model) = (SimulatedDisk::new(), Model::of_segments(148, 100));
    drop(grown(&disk, &model, 10));
    assert_eq!(pieces_of(&disk, 2).len(), 4);
    let mut image = disk.image();
    image.delete(&files::file_name(0, 1));
    let disk = SimulatedDisk::from_image(image);
    let mut index = opened_with(&disk, &model, IndexOptions { growth_bytes: 1_000, ..options() });
    check_lookups(&index, &model);
    do_chores(&mut index);
    check_lookups(&index, &model);
    assert!(disk.image().bytes(&files::file_name(0, 1)).is_some());
}

#[test]
fn a_segments_file_is_the_same_whether_it_is_made_of_pieces_or_of_one() {
    let model = Model::of_segments(250, 100);
    let made = |growth_bytes| {
        let disk = SimulatedDisk::new();
        let index = grown(&disk, &model, growth_bytes);
        check(&index, &model);
        let image = disk.image();
        [1, 2].map(|segment| image.bytes(&files::file_name(0, segment)).expect("it was written"))
    };
    let of_one = made(1_000);
    for growth_bytes in [1, 7, 30, 60] {
        assert!(made(growth_bytes) == of_one, "pieces of {growth_bytes} bytes");
    }
}
