//! Secrets: read from a file of their owner's when they are needed, and kept nowhere (S12).

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::channel::UrlFrom;
use crate::error::DeliveryError;

/// Largest file that is read. Bundles of authorities are the largest of them.
const BYTES_MAX: u64 = 1 << 20;

/// Bits of a file's mode that let others than its owner in.
const OTHERS: u32 = 0o077;

/// A secret. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Returns the text, to hand it to the one who asks for it, and nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Reads a secret: one line in a file that nobody but its owner can read.
///
/// # Errors
/// The file cannot be read, others can read it, or it is not one line.
pub(crate) fn read(path: &Path) -> Result<Secret, DeliveryError> {
    let bad = |detail: String| DeliveryError::File {
        path: path.to_owned(),
        detail,
    };
    let (text, metadata) = slurp(path).map_err(|err| bad(err.to_string()))?;
    if metadata.mode() & OTHERS != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(bad(format!("others can read or change it (mode {mode:o})")));
    }
    let uid = rustix::process::geteuid().as_raw();
    if metadata.uid() != uid && metadata.uid() != 0 {
        return Err(bad("it belongs to somebody else".to_owned()));
    }
    let line = text.trim_end_matches(['\n', '\r']);
    if line.is_empty() || line.chars().any(char::is_control) {
        return Err(bad("it has to hold exactly one line".to_owned()));
    }
    Ok(Secret(line.to_owned()))
}

/// Returns the address to use.
///
/// # Errors
/// It stands in a file that cannot be used.
pub(crate) fn url(from: &UrlFrom) -> Result<Secret, DeliveryError> {
    match from {
        UrlFrom::Here(url) => Ok(Secret(url.0.clone())),
        UrlFrom::File(path) => read(path),
    }
}

/// Reads a file that is no secret: certificates.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn certificates(path: &Path) -> Result<String, DeliveryError> {
    let bad = |detail: String| DeliveryError::File {
        path: path.to_owned(),
        detail,
    };
    let (text, _) = slurp(path).map_err(|err| bad(err.to_string()))?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text)
    } else {
        Err(bad("there is no certificate in it (PEM)".to_owned()))
    }
}

/// The metadata is that of the open file, so that it cannot be another one by then.
fn slurp(path: &Path) -> io::Result<(String, Metadata)> {
    // A pipe without a writer would be waited for.
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(io::Error::other("it is not a small file"));
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok((text, metadata))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[track_caller]
    fn check(content: &str, mode: u32, expected: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match (read(&path), expected) {
            (Ok(secret), Ok(text)) => {
                assert_eq!(secret.reveal(), text);
                assert_eq!(format!("{secret:?}"), "Secret(..)");
            }
            (Err(err), Err(words)) => assert!(err.to_string().contains(words), "{err}"),
            (got, _) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_secret_is_one_line_that_nobody_else_can_read() {
        check("hunter2\n", 0o600, Ok("hunter2"));
        check("with space \r\n", 0o400, Ok("with space "));
        check("hunter2\n", 0o640, Err("others can read"));
        check("hunter2\n", 0o604, Err("others can read"));
        check("", 0o600, Err("one line"));
        check("a\nb\n", 0o600, Err("one line"));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let err = read(Path::new("/dev/zero")).unwrap_err();
        assert!(err.to_string().contains("not a small file"), "{err}");
        assert!(certificates(Path::new("/dev/null")).is_err());
    }
}
