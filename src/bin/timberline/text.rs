//! Texts that a store can hold, made of any bytes, and back.

use std::fmt::Write;

/// Bytes as text without control characters: what is not UTF-8, every control character and the backslash itself
/// become `\xNN` or `\\`, so that [`unescape`] gives the bytes back.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut text, c));
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

fn push_escaped(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\\\"),
        c if c.is_control() => push_bytes(text, c.encode_utf8(&mut [0; 4]).as_bytes()),
        c => text.push(c),
    }
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// The bytes that [`escape`] made this text of; `None` when it made no such text.
#[cfg(test)]
pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => push(&mut bytes, b'\\', tail),
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digit = |d: &u8| (*d as char).to_digit(16).map(|d| d as u8);
                push(&mut bytes, digit(high)? << 4 | digit(low)?, tail)
            }
            (b'\\', _) => return None,
            (byte, tail) => push(&mut bytes, *byte, tail),
        };
    }
    Some(bytes)
}

#[cfg(test)]
fn push<'a>(bytes: &mut Vec<u8>, byte: u8, tail: &'a [u8]) -> &'a [u8] {
    bytes.push(byte);
    tail
}

/// A text that may span lines, for a payload: only what is not UTF-8 is replaced, and what is over `bytes_max` is
/// cut off, between characters.
pub(crate) fn lossy(bytes: &[u8], bytes_max: usize) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

/// A name of at most `bytes_max` bytes: a longer text keeps its begin and gets `~` and a hash of the whole.
pub(crate) fn name_within(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let kept = text.floor_char_boundary(bytes_max.saturating_sub(hash.len() + 1));
    format!("{}~{hash}", &text[..kept])
}

/// At most `chars_max` characters, for a column of a table.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// `n thing` or `n things`.
pub(crate) fn count(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_escape(bytes: &[u8], text: &str) {
        assert_eq!(escape(bytes), text);
        assert_eq!(unescape(text).as_deref(), Some(bytes));
        assert!(!text.chars().any(char::is_control));
    }

    #[test]
    fn any_bytes_become_a_text_without_control_characters_and_come_back() {
        check_escape("src/größe.rs".as_bytes(), "src/größe.rs");
        check_escape(b"a\nb\t\x7f", r"a\x0ab\x09\x7f");
        check_escape(b"\xff\xfe/latin\xe4", r"\xff\xfe/latin\xe4");
        check_escape(br"C:\x41", r"C:\\x41");
        check_escape("\u{85}".as_bytes(), r"\xc2\x85");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)), Some(all));
    }

    #[test]
    fn two_long_names_with_one_beginning_stay_apart() {
        let (one, other) = ("ä".repeat(600) + "1", "ä".repeat(600) + "2");
        let (one, other) = (name_within(&one, 200), name_within(&other, 200));
        assert!(one.len() <= 200 && other.len() <= 200);
        assert_ne!(one, other);
        assert_eq!(name_within("short", 200), "short");
    }

    #[test]
    fn a_cut_text_shows_that_it_was_cut() {
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(cut("grünes", 4), "grü…");
        assert_eq!(lossy("grün".as_bytes(), 3), "gr");
    }
}
