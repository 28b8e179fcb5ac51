//! One daemon for each state directory: a lock that the system lets go of when its process ends,
//! in whatever way, so nothing has to be repaired after a crash.
//!
//! It is a record lock (POSIX `fcntl`), because the system says who holds one without anybody having
//! to take it. What stands in the file is for people and for `daemon status`, and counts only while
//! the lock is held.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};

/// The file, below the state directory.
const NAME: &str = "daemon.lock";

/// Most bytes of the file that are read.
const LEN_MAX: u64 = 16 * 1024;

/// The lock is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another daemon holds it.
    #[error("another daemon holds the lock")]
    Held(Owner),
    /// The file cannot be used.
    #[error("cannot lock `{NAME}`: {0}")]
    Io(#[from] io::Error),
}

/// What a running daemon says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Its process, as the system says; `None` when it runs where it cannot be seen (a container).
    pub(crate) pid: Option<Pid>,
    /// Its version.
    pub(crate) version: String,
    /// When it began, RFC 3339.
    pub(crate) since: String,
    /// Its socket.
    pub(crate) socket: String,
    /// Its address for a browser, or empty.
    pub(crate) address: String,
}

impl Owner {
    fn text(&self) -> String {
        let mut text = format!("{}\n", std::process::id());
        for (key, value) in [
            ("version", &self.version),
            ("since", &self.since),
            ("socket", &self.socket),
            ("address", &self.address),
        ] {
            writeln!(text, "{key} {value}").unwrap_or_default();
        }
        text
    }

    fn parse(text: &str, pid: Option<Pid>) -> Self {
        let of = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            let found = lines.find(|(name, _)| *name == key);
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        Self {
            pid,
            version: of("version"),
            since: of("since"),
            socket: of("socket"),
            address: of("address"),
        }
    }
}

/// The lock, held until this is dropped or the process ends. Nothing else in this process may open
/// the file: closing it again would let the lock go.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a state directory, which must exist.
    ///
    /// # Errors
    /// [`LockError`].
    pub(crate) fn take(state: &Path) -> Result<Self, LockError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(state.join(NAME))?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file }),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
                Err(LockError::Held(owner_of(file)?.unwrap_or_default()))
            }
            Err(errno) => Err(LockError::Io(errno.into())),
        }
    }

    /// Writes down who holds it, for people.
    ///
    /// # Errors
    /// The disk is full, or broken.
    pub(crate) fn say(&mut self, owner: &Owner) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(owner.text().as_bytes())
    }
}

/// Returns who holds the lock of a state directory; `None` when nobody does.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn owner(state: &Path) -> io::Result<Option<Owner>> {
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .open(state.join(NAME));
    match options {
        Ok(file) => owner_of(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn owner_of(file: File) -> io::Result<Option<Owner>> {
    let question = Flock::from(FlockType::WriteLock);
    let Some(held) = fcntl_getlk(&file, &question)? else {
        return Ok(None);
    };
    let mut text = String::new();
    file.take(LEN_MAX).read_to_string(&mut text)?;
    Ok(Some(Owner::parse(&text, held.pid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nobody_holds_a_free_lock() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner(dir.path()).unwrap(), None);
        let told = Owner {
            version: "0.1.0".into(),
            since: "2026-11-20T19:00:00Z".into(),
            socket: "/run/a b.sock".into(),
            address: "http://127.0.0.1:1".into(),
            pid: None,
        };
        let mut lock = Lock::take(dir.path()).unwrap();
        lock.say(&told).unwrap();
        let text = std::fs::read_to_string(dir.path().join(NAME)).unwrap();
        assert!(text.starts_with(&format!("{}\n", std::process::id())));
        assert_eq!(Owner::parse(&text, None), told);
        drop(lock);
        assert_eq!(owner(dir.path()).unwrap(), None);
    }
}
