//! Reads and replaces the file as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::ConfigError;

/// Largest file read; a person's file is a few kilobytes, that of 10,000 syncs is 2 MiB (S10).
const SIZE_MAX: u64 = 16 << 20;

/// Reads the file; a missing one is empty.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Io {
        path: path.to_owned(),
        step: "read",
        source,
    };
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > SIZE_MAX => {
            return Err(failed(io::Error::other("it is larger than 16 MiB")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(failed(error)),
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Waits until nobody else edits; released when the file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, ConfigError> {
    let failed = |step| {
        move |source| ConfigError::Io {
            path: path.to_owned(),
            step,
            source,
        }
    };
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(failed("create the folder of"))?;
    let lock = private(&dir.join(".config.lock"), false).map_err(failed("lock"))?;
    lock.lock().map_err(failed("lock"))?;
    Ok(lock)
}

/// Names a text: another text has another name.
pub(super) fn etag(text: &str) -> String {
    format!("{:016x}", super::sync::fnv(text.as_bytes()))
}

fn private(path: &Path, is_new: bool) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(is_new)
        .mode(0o600)
        .open(path)
}

/// Replaces the file as a whole: a reader, or a power cut, finds the old or the new one. A file
/// behind a link (dot files kept elsewhere) is replaced where it lies.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut staged = real.clone().into_os_string();
    staged.push(".new");
    let mut file = private(Path::new(&staged), true)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&staged, &real)
}
