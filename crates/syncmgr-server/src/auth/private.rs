//! Files that only their owner can read (S4, S12): read with suspicion, replaced in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::secret::Secret;

/// Longest file read, in bytes; what is kept here takes a quarter of it at most.
const FILE_LEN_MAX: u64 = 64 * 1024;

/// A file cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It cannot be read or written.
    Io(io::Error),
    /// Others can read or replace it, so what it says cannot be trusted.
    Exposed,
    /// The system has no chance to give.
    NoChance(getrandom::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file; `None` when there is none. No link is followed.
///
/// # Errors
/// [`Unusable`].
pub(super) fn read(path: &Path) -> Result<Option<String>, Unusable> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let facts = file.metadata()?;
    let is_own = facts.is_file() && facts.uid() == rustix::process::geteuid().as_raw();
    if !is_own || facts.mode() & 0o077 != 0 {
        return Err(Unusable::Exposed);
    }
    let mut text = String::new();
    file.take(FILE_LEN_MAX).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Replaces a file in one step: a new file that nobody else can have opened, then a rename.
///
/// # Errors
/// [`Unusable`]; then the old one is as it was.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), Unusable> {
    let unique = Secret::new().map_err(Unusable::NoChance)?;
    let staged = path.with_extension(format!("{}.tmp", &unique.expose()[..16]));
    let put = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags(OFlags::NOFOLLOW))
            .open(&staged)?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&staged, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    put().map_err(|error| {
        drop(std::fs::remove_file(&staged));
        Unusable::Io(error)
    })
}

fn flags(flags: OFlags) -> i32 {
    // The bits are those of the system, which takes them as a signed number.
    i32::from_ne_bytes(flags.bits().to_ne_bytes())
}
