use std::io;

use proptest::prelude::*;

use super::*;

const SAMPLE: &str = "id;Цвет\n1;чёрный — «ночь» №5\n";

/// Hands out a few bytes at a time, as a slow source does.
struct Trickle<'b>(&'b [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(self.0.len()).min(buf.len());
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn try_text(bytes: &[u8], limits: Limits) -> Result<String, ReadError> {
    let mut text = Text::open(Trickle(bytes, 7), limits)?;
    let mut all = String::new();
    while let Some(chunk) = text.next_chunk()? {
        all.push_str(chunk);
    }
    Ok(all)
}

fn text(bytes: &[u8]) -> String {
    try_text(bytes, Limits::default()).unwrap()
}

fn utf16(sample: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    sample.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn every_encoding_gives_the_same_text() {
    assert_eq!(text(SAMPLE.as_bytes()), SAMPLE);
    assert_eq!(text(&WINDOWS_1251.encode(SAMPLE).0), SAMPLE);
    assert_eq!(text(format!("\u{feff}{SAMPLE}").as_bytes()), SAMPLE);
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(text(&utf16(&format!("\u{feff}{SAMPLE}"), bytes)), SAMPLE);
        assert_eq!(text(&utf16(SAMPLE, bytes)), SAMPLE, "without a mark");
    }
}

#[test]
fn the_encoding_is_told_by_the_first_letter_that_is_not_ascii_however_late() {
    let late = format!("{}{SAMPLE}", "a\n".repeat(WINDOW));
    assert_eq!(text(late.as_bytes()), late);
    assert_eq!(text(&WINDOWS_1251.encode(&late).0), late);
}

#[test]
fn a_broken_character_in_utf8_costs_that_character_only() {
    let mut bytes = SAMPLE.repeat(10).into_bytes();
    let cut = bytes.iter().rposition(|byte| *byte == 0xD1).unwrap();
    bytes.remove(cut + 1);
    let decoded = text(&bytes);
    assert_eq!(decoded.matches('\u{fffd}').count(), 1);
    assert!(decoded.starts_with(SAMPLE));
}

#[test]
fn a_broken_character_at_the_very_end_is_seen() {
    assert!(text("цена\u{44f}".as_bytes().split_last().unwrap().1).ends_with('\u{fffd}'));
}

#[test]
fn all_line_breaks_become_one() {
    assert_eq!(text(b"a\r\nb\rc\n\r\r\nd\r"), "a\nb\nc\n\n\nd\n");
}

#[test]
fn a_list_over_its_limit_is_refused() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    assert_eq!(try_text(b"0123456789", limits).unwrap(), "0123456789");
    let Err(ReadError::File(error)) = try_text(b"0123456789a", limits) else { panic!("too large") };
    assert_eq!(error.code, FileCode::TooLarge);
}

#[test]
fn archives_are_named() {
    for bytes in [&b"PK\x03\x04abc"[..], b"\x1f\x8b\x08", b"\xD0\xCF\x11\xE0\xA1", b"%PDF-1.7"] {
        let Err(ReadError::File(error)) = try_text(bytes, Limits::default()) else { panic!("{bytes:?}") };
        assert_eq!(error.code, FileCode::NotText);
    }
}

#[test]
fn a_failing_source_is_not_the_lists_fault() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    assert!(matches!(Text::open(Failing, Limits::default()), Err(ReadError::Source(_))));
}

proptest! {
    #[test]
    fn utf8_survives_any_chunking(sample in "[a-zа-яё№😀\n]{0,200}", step in 1usize..50) {
        let mut text = Text::open(Trickle(sample.as_bytes(), step), Limits::default()).unwrap();
        let mut all = String::new();
        while let Some(chunk) = text.next_chunk().unwrap() {
            all.push_str(chunk);
        }
        prop_assert_eq!(all, sample);
    }

    #[test]
    fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
        let _unused = try_text(&bytes, Limits::default());
    }
}
