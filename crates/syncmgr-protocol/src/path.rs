//! Paths as texts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A path as it stands in a message: `\xNN` for every byte that is not UTF-8, `\\` for a backslash.
/// JSON takes care of everything else. A backslash that begins neither stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PathText(pub String);

impl PathText {
    /// Writes bytes as a text.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for part in chunk.valid().split_inclusive('\\') {
                text.push_str(part);
                if part.ends_with('\\') {
                    text.push('\\');
                }
            }
            for &byte in chunk.invalid() {
                text.push_str("\\x");
                text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('?'));
                text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('?'));
            }
        }
        Self(text)
    }

    /// Writes a path of this machine as a text.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        Self::of(path.as_os_str().as_encoded_bytes())
    }

    /// Writes the shown form of the model ([`syncmgr_model::escape`]) as a text.
    #[must_use]
    pub fn of_shown(shown: &str) -> Self {
        Self::of(&syncmgr_model::escape::unescape(shown))
    }

    /// Reads the bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find('\\') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            let tail = &rest[at + 1..];
            let (byte, used) = match tail.as_bytes().first() {
                Some(b'\\') => (b'\\', 1),
                Some(b'x') => hex(tail).map_or((b'\\', 0), |byte| (byte, 3)),
                Some(_) | None => (b'\\', 0),
            };
            out.push(byte);
            rest = &tail[used..];
        }
        out.extend_from_slice(rest.as_bytes());
        out
    }

    /// Reads a path of this machine.
    #[must_use]
    #[cfg(unix)]
    pub fn path(&self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(self.bytes()).into()
    }

    /// Reads a path of this machine; bytes that are not UTF-8 cannot be in one here.
    #[must_use]
    #[cfg(not(unix))]
    pub fn path(&self) -> PathBuf {
        String::from_utf8_lossy(&self.bytes()).into_owned().into()
    }

    /// Reads it as the shown form of the model.
    #[must_use]
    pub fn shown(&self) -> String {
        syncmgr_model::escape::escape(&self.bytes())
    }
}

/// Reads `xNN`.
fn hex(tail: &str) -> Option<u8> {
    let digits = tail.get(1..3)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_become_text_as_the_page_says() {
        assert_eq!(PathText::of(b"a/\xff\\b").0, "a/\\xff\\\\b");
        assert_eq!(PathText::of("ä\n".as_bytes()).0, "ä\n");
        assert_eq!(PathText("C:\\dir\\x4".to_owned()).bytes(), b"C:\\dir\\x4");
        assert_eq!(PathText("\\x+1".to_owned()).bytes(), b"\\x+1");
    }

    proptest! {
        #[test]
        fn every_path_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(PathText::of(&bytes).bytes(), bytes);
        }

        #[test]
        fn paths_with_backslashes_come_back(text in r"[\\x0-9a-f/é]{0,24}") {
            prop_assert_eq!(PathText::of(text.as_bytes()).bytes(), text.into_bytes());
        }

        #[test]
        fn the_shown_form_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let shown = syncmgr_model::escape::escape(&bytes);
            prop_assert_eq!(PathText::of_shown(&shown).shown(), shown);
        }
    }
}
