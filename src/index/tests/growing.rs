//! The file of the growing segment: written by a close, believed by the next open if the journal still holds what it tells.

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
    let open = files::file_name(header::OPEN_LEVEL, whole.segments());
    let mut image = disk.image();
    let mut bytes = image.bytes(&open).unwrap();
    bytes[5_000] ^= 1;
    image.put(&open, &bytes);
    check(&opened(&SimulatedDisk::from_image(image.clone()), &whole), &whole);
    // A journal that was cut does not hold what the file tells of.
    let cut = Arc::new(whole.begin(whole.last() - 2));
    let index = opened(&SimulatedDisk::from_image(image), &cut);
    assert_eq!(index.resumes_at(), None);
    check(&index, &cut);
}
