//! Bytes of names as text that is harmless to show and can be turned back into the bytes (S6).
//!
//! A path goes over a wire, into a message and onto a terminal in this form. The engine, which
//! knows no other crate, writes the same form itself; a test of the built-in handlers holds both
//! together.

/// Turns bytes of a name into text that is safe to show: valid UTF-8 stays; `\`, control
/// characters, bidirectional overrides, invisible separators and undecodable bytes become `\\`,
/// `\n`, `\u{NNNN}` or `\xNN`.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\\' => out.push_str("\\\\"),
                c if is_misleading(c) => out.extend(c.escape_unicode()),
                c => out.push(c),
            }
        }
        for &byte in chunk.invalid() {
            out.push_str("\\x");
            out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('?'));
            out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('?'));
        }
    }
    out
}

/// Says whether a character changes how the text around it is shown without being seen itself.
#[must_use]
pub fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Reads back what [`escape`] wrote. A `\` that begins no escape stands for itself.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at + 1..];
        let (bytes, used) = sequence(tail).unwrap_or((vec![b'\\'], 0));
        out.extend(bytes);
        rest = &tail[used..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Reads what follows a `\`: the bytes it stands for, and how much of the text it takes.
fn sequence(tail: &str) -> Option<(Vec<u8>, usize)> {
    let simple = |b: u8| Some((vec![b], 1));
    match tail.as_bytes().first()? {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'\\' => simple(b'\\'),
        b'x' => Some((vec![u8::from_str_radix(tail.get(1..3)?, 16).ok()?], 3)),
        b'u' => {
            let end = tail.find('}')?;
            let code = u32::from_str_radix(tail.get(2..end)?, 16).ok()?;
            Some((char::from_u32(code)?.to_string().into_bytes(), end + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_text_and_come_back() {
        for name in [
            &b"a\nb"[..],
            b"\x1b[31mred",
            b"\xff\xfe",
            "x\u{202e}gpj".as_bytes(),
            b"a\\n",
            b"<img src=x onerror=alert(1)>",
        ] {
            let shown = escape(name);
            assert!(!shown.chars().any(is_misleading), "{shown:?}");
            assert_eq!(unescape(&shown), name, "{shown:?}");
        }
    }
}
