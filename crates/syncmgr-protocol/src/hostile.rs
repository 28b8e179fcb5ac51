//! What a hostile or broken other side sends: nothing panics, nothing grows without end.

use std::io::Read;

use proptest::prelude::*;

use crate::error::PARSE;
use crate::frame::{self, FrameError, Lines, MESSAGE_LEN_MAX, NESTING_MAX};
use crate::message::{self, Id, Message, read};
use crate::method::Method;
use crate::method::{ALL, each_method};

/// Hands out bytes in pieces of these sizes, one after another.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    at: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.get(self.at % self.sizes.len().max(1)).copied();
        self.at += 1;
        let n = size.unwrap_or(1).max(1).min(to.len()).min(self.bytes.len());
        let (now, rest) = self.bytes.split_at(n);
        to[..n].copy_from_slice(now);
        self.bytes = rest;
        Ok(n)
    }
}

/// Reads everything as a host or a handler does.
fn read_all(bytes: &[u8], sizes: Vec<usize>) -> usize {
    let mut lines = Lines::new(Pieces {
        bytes,
        sizes,
        at: 0,
    });
    let mut n = 0;
    while let Ok(Some(line)) = lines.next() {
        n += 1;
        if let Ok(message) = Message::read(line) {
            read_params(&message);
        }
    }
    n
}

/// Reads the params, or the result, as every method there is.
fn read_params(message: &Message<'_>) {
    let raw = match message {
        Message::Request { params, .. } | Message::Notification { params, .. } => *params,
        Message::Answer { result, .. } => result.as_ref().ok().copied(),
    };
    macro_rules! try_both {
        ($name:ident, $text:literal) => {
            drop(read::<<crate::method::$name as Method>::Params>(raw));
            drop(read::<<crate::method::$name as Method>::Result>(raw));
        };
    }
    each_method!(try_both);
}

#[test]
fn lines_come_whole_however_they_are_cut() {
    let bytes = b"one\n\ntwo\nthree";
    for size in 1..bytes.len() {
        let pieces = Pieces {
            bytes,
            sizes: vec![size],
            at: 0,
        };
        let mut lines = Lines::new(pieces);
        for expected in [&b"one"[..], b"", b"two"] {
            assert_eq!(lines.next().unwrap(), Some(expected));
        }
        assert!(matches!(lines.next(), Err(FrameError::CutOff)));
    }
}

#[test]
fn the_longest_message_is_read_and_one_byte_more_is_not() {
    let mut bytes = vec![b'x'; MESSAGE_LEN_MAX - 1];
    bytes.push(b'\n');
    let mut lines = Lines::new(&bytes[..]);
    assert_eq!(lines.next().unwrap().unwrap().len(), MESSAGE_LEN_MAX - 1);
    assert!(lines.next().unwrap().is_none());
    bytes.insert(0, b'x');
    assert!(matches!(
        Lines::new(&bytes[..]).next(),
        Err(FrameError::TooLong)
    ));
    // Also without an end, and without reading on for ever.
    let mut endless = Lines::new(std::io::repeat(b'x'));
    assert!(matches!(endless.next(), Err(FrameError::TooLong)));
}

#[test]
fn what_is_too_long_is_not_written() {
    let mut line = b"before\n".to_vec();
    let text = "x".repeat(MESSAGE_LEN_MAX);
    assert!(matches!(
        frame::push(&mut line, &text),
        Err(FrameError::TooLong)
    ));
    assert_eq!(line, b"before\n");
}

#[test]
fn nesting_has_an_end() {
    let nested = |n: usize| {
        let params = format!("{}{}", "[".repeat(n), "]".repeat(n));
        format!(r#"{{"jsonrpc":"2.0","method":"x","params":{params}}}"#)
    };
    assert!(Message::read(nested(NESTING_MAX - 1).as_bytes()).is_ok());
    let too_deep = Message::read(nested(NESTING_MAX).as_bytes()).unwrap_err();
    assert_eq!(too_deep.code, PARSE);
    assert!(Message::read(&[b'['].repeat(1_000_000)).is_err());
    // Brackets in a text are no nesting.
    let text = format!(r#"{{"jsonrpc":"2.0","method":"{}\"[["}}"#, "[".repeat(100));
    assert!(Message::read(text.as_bytes()).is_ok());
}

#[test]
fn huge_numbers_are_errors_that_name_the_member() {
    for number in ["1e999", "-1", "1.5", "18446744073709551616", "1e3"] {
        let line = format!(
            r#"{{"jsonrpc":"2.0","method":"session/progress","params":{{"session_id":"s","item":"a","status":"updating","n_done":{number}}}}}"#
        );
        let Ok(Message::Notification { params, .. }) = Message::read(line.as_bytes()) else {
            panic!("{line}");
        };
        let wrong = read::<crate::report::Progress>(params).unwrap_err();
        assert_eq!(wrong.field, "n_done", "{wrong}");
    }
}

#[test]
fn ids_are_whole_numbers_or_short_texts() {
    let read_id = |id: &str| {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        match Message::read(line.as_bytes()) {
            Ok(Message::Request { id, .. }) => Some(id),
            _ => None,
        }
    };
    assert_eq!(read_id("0"), Some(Id::Number(0)));
    assert_eq!(read_id("9007199254740991"), Some(Id::Number((1 << 53) - 1)));
    assert_eq!(read_id("\"a\""), Some(Id::Text("a".to_owned())));
    let long = format!("\"{}\"", "é".repeat(64));
    assert!(read_id(&long).is_some());
    let longer = format!("\"{}\"", "é".repeat(65));
    for bad in [
        "-1",
        "1.0",
        "9007199254740992",
        "null",
        "[1]",
        "{}",
        "true",
        &longer,
    ] {
        assert_eq!(read_id(bad), None, "{bad}");
    }
}

#[test]
fn names_are_unique_and_every_message_has_one() {
    let mut names: Vec<_> = ALL.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

/// JSON of any shape, often with the members that messages have.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        prop_oneof![Just("2.0"), Just("updating"), Just("sync"), Just("keep")].prop_map(Into::into),
    ];
    let key = prop_oneof![
        Just("jsonrpc"),
        Just("id"),
        Just("method"),
        Just("params"),
        Just("result"),
        Just("error"),
        Just("session_id"),
        Just("items"),
        Just("item"),
        Just("settings"),
        Just("trouble"),
        Just("kind"),
        Just("preview"),
        Just("changes"),
        Just("decision"),
        Just("properties"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| { serde_json::Value::Object(members.into_iter().collect()) }),
        ]
    })
}

proptest! {
    #[test]
    fn random_bytes_never_break_anything(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        sizes in proptest::collection::vec(1_usize..100, 1..8),
    ) {
        let n = read_all(&bytes, sizes);
        prop_assert_eq!(n, bytes.iter().filter(|byte| **byte == b'\n').count());
    }

    #[test]
    fn random_json_never_breaks_anything(value in any_json()) {
        let mut line = serde_json::to_vec(&value).unwrap();
        line.push(b'\n');
        read_all(&line, vec![7]);
        let wrapped = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "x", "params": value});
        let mut line = serde_json::to_vec(&wrapped).unwrap();
        line.push(b'\n');
        prop_assert_eq!(read_all(&line, vec![64]), 1);
    }

    #[test]
    fn a_truncated_message_is_no_message(cut in 1_usize..100) {
        let id = Id::Number(7);
        let params = crate::session::SessionItem { session_id: "s\u{e9}".to_owned(), item: "a".to_owned() };
        let line = message::call(Some(&id), "item/commit", &params).unwrap();
        let end = line.len().saturating_sub(1 + cut);
        prop_assert!(Message::read(&line[..end]).is_err());
    }

    #[test]
    fn a_message_with_unknown_members_passes(name in "x[a-z]{1,9}", value in any_json()) {
        let text = serde_json::json!({
            "jsonrpc": "2.0", "method": "session/progress", name.clone(): value.clone(),
            "params": {"session_id": "s", "item": "a", "status": "updating", name: value},
        })
        .to_string();
        let read_it = Message::read(text.as_bytes());
        let Ok(Message::Notification { params, .. }) = read_it else {
            // Only what is nested too deep is refused.
            return Ok(());
        };
        prop_assert!(read::<crate::report::Progress>(params).is_ok());
    }
}
