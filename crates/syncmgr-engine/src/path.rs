//! Names and paths below a root, as bytes.
//!
//! A path is relative to the root of a replica, its components are joined by `/`, and the root
//! itself is the empty path. File names on Unix are bytes, so nothing here assumes UTF-8; only
//! [`RelPath::display`] turns a path into text, and it makes every byte that could move a cursor
//! or hide a character visible (rule S6).

use std::cmp::Ordering;
use std::fmt;

/// Everything syncmgr owns inside a synced folder begins with this and is never synced.
pub const OWN_PREFIX: &[u8] = b".syncmgr";

/// Says whether a name inside a synced folder belongs to syncmgr itself.
#[must_use]
pub fn is_own_name(name: &[u8]) -> bool {
    name.starts_with(OWN_PREFIX)
}

/// Why a sequence of bytes cannot be a path inside a root (rule S7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a path inside a folder: it has an empty, `.` or `..` part, or a NUL byte", display_bytes(.0))]
pub struct BadPath(pub Vec<u8>);

/// A path below the root of a replica; the empty path is the root.
///
/// The order is that of a depth-first walk with sorted names: `/` counts as smaller than every
/// other byte, so `a/b` comes before `a.b`, and a directory is followed by all that is in it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct RelPath(Box<[u8]>);

impl RelPath {
    /// Returns the root itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks `bytes` and returns them as a path.
    ///
    /// # Errors
    /// [`BadPath`] when a component is empty, `.` or `..`, or when there is a NUL byte.
    pub fn new(bytes: &[u8]) -> Result<Self, BadPath> {
        let good = bytes.is_empty()
            || bytes
                .split(|&b| b == b'/')
                .all(|part| !matches!(part, b"" | b"." | b"..") && !part.contains(&0));
        if good {
            Ok(Self(bytes.into()))
        } else {
            Err(BadPath(bytes.to_vec()))
        }
    }

    /// Appends one component, which must come from a listing (or be checked by the caller).
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        debug_assert!(
            !name.is_empty() && !name.contains(&b'/'),
            "a name is one component"
        );
        if self.is_root() {
            return Self(name.into());
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        Self(bytes.into_boxed_slice())
    }

    /// Appends a whole path.
    #[must_use]
    pub fn join_path(&self, rest: &Self) -> Self {
        if rest.is_root() {
            self.clone()
        } else {
            self.join_unchecked(&rest.0)
        }
    }

    fn join_unchecked(&self, rest: &[u8]) -> Self {
        if self.is_root() {
            return Self(rest.into());
        }
        Self([&self.0, b"/".as_slice(), rest].concat().into_boxed_slice())
    }

    /// Says whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes, components joined by `/`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the directory this path is in, or `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.split_last().0.into()))
    }

    /// Returns the bytes of the parent and the last component (both empty for the root).
    #[must_use]
    pub fn split_last(&self) -> (&[u8], &[u8]) {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (&[], &self.0),
        }
    }

    /// Returns the last component (empty for the root).
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.split_last().1
    }

    /// Iterates over the components.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// Iterates over the directories above this path, the nearest first, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Says whether `self` is `other` or lies beneath it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.is_root()
            || self
                .0
                .strip_prefix(&*other.0)
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }

    /// Returns what follows `ancestor`, if this path is within it.
    #[must_use]
    pub fn strip(&self, ancestor: &Self) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&*ancestor.0)?;
        match rest.first() {
            None => Some(Self::root()),
            Some(b'/') => Some(Self(rest[1..].into())),
            Some(_) => None,
        }
    }

    /// Replaces the leading `from` by `to`, if this path is within `from`.
    #[must_use]
    pub fn rebase(&self, from: &Self, to: &Self) -> Option<Self> {
        Some(to.join_path(&self.strip(from)?))
    }

    /// Returns the path as harmless text: the root is `.`, and control, bidirectional and
    /// undecodable bytes are escaped (rule S6).
    #[must_use]
    pub fn display(&self) -> String {
        if self.is_root() {
            ".".to_owned()
        } else {
            display_bytes(&self.0)
        }
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        // A NUL cannot occur in a name, so mapping '/' to it orders a directory's content
        // directly behind the directory.
        let key = |b: u8| if b == b'/' { 0 } else { b };
        for (&a, &b) in self.0.iter().zip(&*other.0) {
            if a != b {
                return key(a).cmp(&key(b));
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

/// Turns bytes of a name into text that is safe to show: valid UTF-8 stays, control characters,
/// bidirectional overrides, invisible separators and undecodable bytes become `\xNN` or `\u{NNNN}`.
#[must_use]
pub fn display_bytes(bytes: &[u8]) -> String {
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

/// Characters that change how the text around them is shown without being seen themselves.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Reads back what [`display_bytes`] wrote, so that a path shown can be typed again.
#[must_use]
pub fn undisplay(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at + 1..];
        let (bytes, used) = unescape(tail).unwrap_or((vec![b'\\'], 0));
        out.extend(bytes);
        rest = &tail[used..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn unescape(tail: &str) -> Option<(Vec<u8>, usize)> {
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

    fn path(text: &str) -> RelPath {
        RelPath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn parts_that_could_leave_the_root_are_refused() {
        for bad in ["/", "a/", "/a", "a//b", "..", "a/../b", ".", "a/.", "a\0b"] {
            assert!(RelPath::new(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(RelPath::new(b"").is_ok_and(|p| p.is_root()));
    }

    #[test]
    fn a_directory_is_followed_by_its_content() {
        let mut paths = ["a.b", "a", "a/b", "b", "a/b/c", "a-"].map(path).to_vec();
        paths.sort();
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a-", "a.b", "b"].map(path));
    }

    #[test]
    fn rebase_moves_only_what_is_within() {
        assert_eq!(
            path("a/b").rebase(&path("a"), &path("x/y")),
            Some(path("x/y/b"))
        );
        assert_eq!(path("ab").rebase(&path("a"), &path("x")), None);
        assert_eq!(path("a").rebase(&path("a"), &path("x")), Some(path("x")));
    }

    #[test]
    fn hostile_names_become_text_and_come_back() {
        for name in [
            &b"a\nb"[..],
            b"\x1b[31mred",
            b"\xff\xfe",
            "x\u{202e}gpj".as_bytes(),
            b"a\\n",
        ] {
            let shown = display_bytes(name);
            assert!(shown.chars().all(|c| !is_misleading(c)), "{shown:?}");
            assert_eq!(undisplay(&shown), name, "{shown:?}");
        }
    }
}
