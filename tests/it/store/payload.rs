//! Payloads: what an event says, in the version in which it was said.

use super::*;
use timberline::{AppendError, PayloadError, Retry, decode_payload};

mod first {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct Renamed(pub(super) String);
    impl timberline::Payload for Renamed {
        const KIND: &'static str = "Renamed";
    }
}

/// The same kind, two versions later. Version 2 had the name of who did it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Renamed {
    to: String,
    by: Option<String>,
    at: Option<u64>,
}

impl Payload for Renamed {
    const KIND: &'static str = "Renamed";
    const VERSION: u16 = 3;

    fn upcast(version: u16, bytes: &[u8]) -> Result<Self, PayloadError> {
        match version {
            1 => Ok(Self { to: decode_payload(bytes)?, by: None, at: None }),
            2 => decode_payload(bytes).map(|(to, by): (String, String)| Self { to, by: Some(by), at: None }),
            _ => Err(PayloadError::no_upcast::<Self>(version)),
        }
    }
}

fn renamed(to: &str, by: Option<&str>) -> Renamed {
    Renamed { to: to.into(), by: by.map(Into::into), at: None }
}

/// A newer payload version than the program knows is an error that says so; an older one is upcast.
#[test]
fn a_newer_payload_version_than_the_program_knows_is_an_error_that_says_so_an_older_one_is_upcast() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let raw = |version, payload: Vec<u8>| NewEvent::raw(at("tree"), Renamed::KIND, version, payload);
    let second = ("oak", "Ida");
    let second =
        [&[second.0.len() as u8], second.0.as_bytes(), &[second.1.len() as u8], second.1.as_bytes()].concat();
    store.append(&at("tree"), &first::Renamed("elm".into())).unwrap();
    store.append_event(raw(2, second)).unwrap();
    store.append(&at("tree"), &renamed("fir", Some("Ada"))).unwrap();
    store.append_event(raw(4, vec![1, 2, 3])).unwrap();
    store.append_event(raw(0, Vec::new())).unwrap();
    store.append_event(raw(1, vec![200])).unwrap();
    let read: Vec<_> = everything(&store).iter().map(StoredEvent::payload_as::<Renamed>).collect();
    assert_eq!(read[0].as_ref().unwrap(), &renamed("elm", None));
    assert_eq!(read[1].as_ref().unwrap(), &renamed("oak", Some("Ida")));
    assert_eq!(read[2].as_ref().unwrap(), &renamed("fir", Some("Ada")));
    let newer = read[3].as_ref().unwrap_err();
    assert!(matches!(newer, PayloadError::Newer { kind: "Renamed", stored: 4, known: 3 }), "{newer}");
    assert!(newer.to_string().contains("newer"), "{newer}");
    assert!(matches!(read[4], Err(PayloadError::NoUpcast { kind: "Renamed", stored: 0 })), "{:?}", read[4]);
    assert!(matches!(read[5], Err(PayloadError::Decode { .. })), "{:?}", read[5]);
    // The bytes can be had all the same, and a program that knows less is told so by its own type.
    let events = everything(&store);
    assert_eq!((events[3].payload_version(), events[3].payload()), (4, &[1, 2, 3][..]));
    assert!(matches!(
        events[2].payload_as::<first::Renamed>(),
        Err(PayloadError::Newer { stored: 3, known: 1, .. })
    ));
    assert!(matches!(events[0].payload_as::<Note>(), Err(PayloadError::Kind { wanted: "Note", .. })));
}

#[test]
fn a_payload_that_refuses_to_be_encoded_is_an_error_and_stores_nothing() {
    #[derive(Deserialize)]
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    impl Payload for Stubborn {
        const KIND: &'static str = "Stubborn";
    }
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let refused = store.append(&at("tree"), &Stubborn).unwrap_err();
    assert!(
        matches!(refused, AppendError::Payload(PayloadError::Encode { kind: "Stubborn", .. })),
        "{refused}"
    );
    assert_eq!((refused.retry(), store.written()), (Retry::Never, Position::START));
}

#[test]
fn every_text_and_every_byte_comes_back_as_it_was() {
    let dir = tempdir();
    let texts = [
        "*",
        "../../etc/passwd",
        "a b",
        "ß",
        "木\u{202e}rtl",
        "🌲",
        "%s%n",
        "'; DROP TABLE",
        "\u{feff}",
        "a/b\\c",
    ];
    let bytes: Vec<u8> = (0..=255).collect();
    let store = Store::open(small(dir.path())).unwrap();
    let long = "é".repeat(Coordinate::ENTITY_BYTES_MAX / 2);
    for text in texts.into_iter().chain([long.as_str()]) {
        let scope = text.chars().take(9).collect::<String>();
        let place = Coordinate::new(text, &scope).unwrap();
        let kind = scope.clone();
        store.append_event(NewEvent::raw(place, kind, u16::MAX, bytes.clone())).unwrap();
    }
    store.close().unwrap();
    let store = Store::open(small(dir.path())).unwrap();
    for (event, text) in check_whole(&store).iter().zip(texts.into_iter().chain([long.as_str()])) {
        let scope = text.chars().take(9).collect::<String>();
        assert_eq!((event.entity(), event.scope(), event.kind()), (text, scope.as_str(), scope.as_str()));
        assert_eq!((event.payload(), event.payload_version()), (&bytes[..], u16::MAX));
        assert_eq!(store.entity(text).count(), 1, "no character of an entity has a special meaning");
    }
}
