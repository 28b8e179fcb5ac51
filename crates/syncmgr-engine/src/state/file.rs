//! The file itself: made whole, opened checked, moved aside when damaged.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{StateError, Trying};
use super::schema;

const NAME: &str = "state.sqlite";
/// The name of a file that is being made.
const NEW: &str = "state.new.sqlite";
/// The names of damaged files: this, a number, [`ASIDE_END`].
const ASIDE: &str = "state.damaged-";
const ASIDE_END: &str = ".sqlite";

/// Damaged files kept. The latest is the one somebody may want to look at; more of them only
/// follow from a disk that goes on failing.
const ASIDE_MAX: u64 = 3;

const OPEN: &str = "open the state";

/// Returns where the state of a directory lies.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// A file beside `file` that SQLite keeps: its log, or the index of the log.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes an empty state unless something has its name already; says whether it did. The file gets
/// its name when it is complete, so that a process killed here leaves no half-made state.
pub(super) fn ensure(dir: &Path) -> Result<bool, StateError> {
    let file = path(dir);
    if fs::symlink_metadata(&file).is_ok() {
        return Ok(false);
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| StateError::file("make the folder", dir, source))?;
    let new = dir.join(NEW);
    // A log without its file must not be taken for the log of the new one.
    for old in [&new, &beside(&file, "-wal"), &beside(&file, "-shm")] {
        remove(old)?;
    }
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .map(drop)
        .map_err(|source| StateError::file("make the file", &new, source))?;
    let conn = connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::create(&conn)?;
    conn.close().map_err(|(_, error)| error).trying(OPEN)?;
    fs::rename(&new, &file).map_err(|source| StateError::file("make the file", &file, source))?;
    Ok(true)
}

fn remove(file: &Path) -> Result<(), StateError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StateError::file("remove the old file", file, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn connect(file: &Path, access: OpenFlags) -> Result<Connection, StateError> {
    // Every connection is used by one thread at a time, so SQLite needs no locks of its own.
    Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).trying(OPEN)
}

/// Opens an existing state for writing.
pub(super) fn connect_to_write(dir: &Path) -> Result<Connection, StateError> {
    let file = path(dir);
    check_kind(&file)?;
    let conn = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::settle_writer(&conn)?;
    keep_log(&conn)?;
    schema::check(&conn, true)?;
    Ok(conn)
}

/// Opens an existing state for reading only, while nobody or somebody else writes.
pub(super) fn connect_to_read(dir: &Path) -> Result<Option<Connection>, StateError> {
    let file = path(dir);
    match check_kind(&file) {
        Err(StateError::File { source, .. })
            if matches!(
                source.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        checked => checked?,
    }
    // Reading a file with a log needs the right to write the index of the log, so the connection
    // is opened for both and told to refuse every change.
    let conn = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::settle_reader(&conn)?;
    conn.execute_batch("PRAGMA query_only=ON;").trying(OPEN)?;
    keep_log(&conn)?;
    schema::check(&conn, false)?;
    Ok(Some(conn))
}

/// Opens one more connection to a state that this process has open.
pub(super) fn reader(file: &Path) -> Result<Connection, StateError> {
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    schema::settle_reader(&conn)?;
    Ok(conn)
}

/// Leaves the log in place when the last connection closes: emptying it waits for the disk twice,
/// at the end of every run, also of one that did nothing but note that it ran.
fn keep_log(conn: &Connection) -> Result<(), StateError> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map(|_| ())
        .trying(OPEN)
}

/// Refuses everything but a regular file with something in it: a link could lead anywhere (S8),
/// and SQLite would take a file cut to nothing for a new database.
fn check_kind(file: &Path) -> Result<(), StateError> {
    let meta = fs::symlink_metadata(file).map_err(|source| StateError::file(OPEN, file, source))?;
    if !meta.is_file() {
        return Err(StateError::damaged(OPEN, "it is no regular file"));
    }
    if meta.len() == 0 {
        return Err(StateError::damaged(OPEN, "the file is empty"));
    }
    Ok(())
}

/// Moves the state aside under a new number, with its log; drops the oldest beyond the limit.
pub(super) fn set_aside(dir: &Path) -> Result<PathBuf, StateError> {
    let file = path(dir);
    let mut known =
        asides(dir).map_err(|source| StateError::file("list the folder", dir, source))?;
    known.sort_unstable();
    let n = known.last().map_or(1, |last| last.saturating_add(1));
    let kept_as = aside(dir, n);
    move_log(&file, &kept_as)?;
    fs::rename(&file, &kept_as)
        .map_err(|source| StateError::file("move the damaged file", &file, source))?;
    for old in known.into_iter().filter(|old| old + ASIDE_MAX <= n) {
        // Whatever cannot be removed is tried again at the next damage.
        fs::remove_file(beside(&aside(dir, old), "-wal")).ok();
        fs::remove_file(aside(dir, old)).ok();
    }
    Ok(kept_as)
}

fn move_log(file: &Path, kept_as: &Path) -> Result<(), StateError> {
    let log = beside(file, "-wal");
    match fs::rename(&log, beside(kept_as, "-wal")) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            return Err(StateError::file("move the damaged file", &log, source));
        }
        Ok(()) | Err(_) => {}
    }
    remove(&beside(file, "-shm"))
}

fn aside(dir: &Path, n: u64) -> PathBuf {
    dir.join(format!("{ASIDE}{n}{ASIDE_END}"))
}

/// Returns the numbers of the files set aside earlier.
fn asides(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(ASIDE)?
                .strip_suffix(ASIDE_END)?
                .parse()
                .ok()
        });
        numbers.extend(number.filter(|n: &u64| *n < u64::MAX - ASIDE_MAX));
    }
    Ok(numbers)
}
