//! Who a root is: by a marker inside it, not by its path (I12).
//!
//! The marker is the file `.syncmgr/root`. It carries an id chosen when the folder was first
//! synced, and the identity of the directory it was written into, so that a copy of the folder,
//! which has the same marker, can be told from the folder.
//!
//! Everything here goes through the ports. A `.syncmgr` that is a link or a file was put there by
//! somebody else; it is refused, never followed and never replaced.

use crate::cancel::Cancel;
use crate::entry::{Entry, FileId, FileTime, Kind};
use crate::path::{OWN_PREFIX, RelPath};
use crate::replica::{Fault, FaultKind, Observe, Replica, read_limited};

/// Name of the marker in syncmgr's own folder.
const NAME: &[u8] = b"root";
/// What a marker is written as before it gets its name.
const NEW_NAME: &[u8] = b"root.new";
/// Tells git to leave the folder alone.
const GIT_IGNORE: &[u8] = b".gitignore";
/// A longer marker is not ours.
const MARKER_MAX: usize = 4096;
/// Version of the text.
const VERSION: &str = "1";
/// Hex characters of an id: 128 bits.
const ID_LEN: usize = 32;

/// What the marker of a root says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Chosen at random once: 32 lower-case hex characters.
    pub id: String,
    /// The directory it was written into; 0 where the store has no ids.
    pub root: FileId,
}

/// What was found in the place of a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkerState {
    /// There is none.
    Missing,
    /// There is something that is no marker of a version known here.
    Damaged,
    /// There is one.
    Good(Marker),
}

/// Who a root is, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The folder that was meant; without an expected id: a folder with a marker of its own.
    Known,
    /// It has no readable marker: new, emptied, or something else mounted in its place.
    Unmarked,
    /// It is another root than the expected one.
    Foreign,
    /// It is a copy of a marked folder: the marker is right, the directory is another.
    Copied,
}

impl Marker {
    /// Builds a marker for a root. `None` when `id` is not 32 lower-case hex characters.
    #[must_use]
    pub fn new(id: &str, root: FileId) -> Option<Self> {
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        (id.len() == ID_LEN && id.bytes().all(is_hex)).then(|| Self {
            id: id.to_owned(),
            root,
        })
    }

    /// Returns the text of the marker file: `key=value` lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "version={VERSION}\nid={}\nroot={:016x}\n",
            self.id, self.root.0
        )
    }

    /// Reads the text of a marker file; `None` when it is damaged or of another version.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        // Without its last line end it may have been cut off.
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let mut next = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix('=');
        if next("version")? != VERSION {
            return None;
        }
        let id = next("id")?;
        let root = next("root").filter(|hex| hex.len() == 16)?;
        let root = FileId(u64::from_str_radix(root, 16).ok()?);
        lines.next().is_none().then(|| Self::new(id, root))?
    }
}

/// Returns the path of syncmgr's own folder in a root.
#[must_use]
pub fn own_dir() -> RelPath {
    RelPath::root().join(OWN_PREFIX)
}

/// Reads the marker of a root; a damaged one counts as none ([`examine_marker`] tells).
///
/// # Errors
/// As [`examine_marker`].
pub fn read_marker(replica: &dyn Observe) -> Result<Option<Marker>, Fault> {
    Ok(match examine_marker(replica)? {
        MarkerState::Good(marker) => Some(marker),
        MarkerState::Missing | MarkerState::Damaged => None,
    })
}

/// Looks at the marker of a root.
///
/// # Errors
/// `WrongKind` when `.syncmgr` or the marker is a link or anything else it should not be; any
/// other [`Fault`] that leaves it open whether there is a marker.
pub fn examine_marker(replica: &dyn Observe) -> Result<MarkerState, Fault> {
    let own = own_dir();
    if !is_own_dir_there(replica)? {
        return Ok(MarkerState::Missing);
    }
    if replica.stat(&own.join(NAME))?.is_none() {
        return Ok(MarkerState::Missing);
    }
    let mut content = replica.open_dir(&own)?.open(NAME)?;
    let bytes = read_limited(content.as_mut(), MARKER_MAX, &Cancel::new())?;
    let marker = bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| Marker::from_text(&text));
    Ok(marker.map_or(MarkerState::Damaged, MarkerState::Good))
}

/// Writes the marker of a root, in place of the one that may be there, and makes it durable. At
/// any moment there is the old marker or the new one, or none if there was none; only a store that
/// cannot exchange two names is without one for a moment. A power cut before this returns can
/// leave an empty marker, which counts as none.
///
/// # Errors
/// `WrongKind` when `.syncmgr` is a link or a file; any other [`Fault`].
pub fn write_marker(replica: &dyn Replica, marker: &Marker) -> Result<(), Fault> {
    let own = ensure_own_dir(replica)?;
    let (path, staged) = (own.join(NAME), own.join(NEW_NAME));
    if replica.stat(&staged)?.is_some() {
        replica.remove_file(&staged)?;
    }
    let mut file = replica.create(&staged)?;
    file.write(marker.to_text().as_bytes())?;
    // The folder's time has just become "now" by the new name: no clock is needed.
    let now = replica
        .stat(&own)?
        .map(|entry| entry.mtime)
        .unwrap_or_default();
    file.finish(0o600, now)?;
    install(replica, &staged, &path)?;
    // A courtesy: what cannot be hidden from git is in nobody's way.
    drop(hide_from_git(replica, &own, now));
    replica.make_durable()
}

/// Keeps syncmgr's own folder out of the status, the commits and the clean-ups of a git repository
/// that is synced.
fn hide_from_git(replica: &dyn Replica, own: &RelPath, now: FileTime) -> Result<(), Fault> {
    let path = own.join(GIT_IGNORE);
    if replica.stat(&path)?.is_some() {
        return Ok(());
    }
    let mut file = replica.create(&path)?;
    file.write(b"*\n")?;
    file.finish(0o600, now).map(|_| ())
}

fn install(replica: &dyn Replica, staged: &RelPath, path: &RelPath) -> Result<(), Fault> {
    match replica.move_new(staged, path) {
        Err(fault) if fault.kind == FaultKind::Exists => {}
        other => return other,
    }
    match replica.exchange(staged, path) {
        Ok(()) => replica.remove_file(staged),
        Err(fault) if fault.kind == FaultKind::Unsupported => {
            replica.remove_file(path)?;
            replica.move_new(staged, path)
        }
        Err(fault) => Err(fault),
    }
}

/// Makes syncmgr's own folder, for its owner only, if it is not there, and returns its path.
///
/// # Errors
/// `WrongKind` when a link or a file has its name; any other [`Fault`].
pub fn ensure_own_dir(replica: &dyn Replica) -> Result<RelPath, Fault> {
    let own = own_dir();
    if !is_own_dir_there(replica)? {
        match replica.make_dir(&own, 0o700) {
            Err(fault) if fault.kind == FaultKind::Exists => {}
            other => return other.map(|()| own),
        }
        is_own_dir_there(replica)?;
    }
    // Versions of private files lie in it.
    let is_open = replica
        .stat(&own)?
        .is_some_and(|entry| entry.mode & 0o077 != 0);
    if is_open && replica.capabilities().modes {
        replica.set_meta(&own, Some(0o700), None)?;
    }
    Ok(own)
}

fn is_own_dir_there(replica: &dyn Observe) -> Result<bool, Fault> {
    let own = own_dir();
    match replica.stat(&own)? {
        None => Ok(false),
        Some(entry) if entry.kind == Kind::Dir => Ok(true),
        Some(_) => {
            let detail = "it is not a folder; remove it, it was not made by syncmgr";
            Err(Fault::new(FaultKind::WrongKind, "open", &own, detail))
        }
    }
}

/// Says who a root is, from its marker, the id remembered for it, its entry now, and whether the
/// store's ids can be relied on ([`stable_ids`](crate::replica::Capabilities::stable_ids)).
#[must_use]
pub fn identify(
    marker: Option<&Marker>,
    expected_id: Option<&str>,
    root_entry: &Entry,
    stable_ids: bool,
) -> Identity {
    let Some(marker) = marker else {
        return Identity::Unmarked;
    };
    if expected_id.is_some_and(|id| id != marker.id) {
        return Identity::Foreign;
    }
    let has_ids = stable_ids && marker.root != FileId(0) && root_entry.id != FileId(0);
    if has_ids && marker.root != root_entry.id {
        return Identity::Copied;
    }
    Identity::Known
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff";

    fn dir(id: u64) -> Entry {
        Entry {
            kind: Kind::Dir,
            size: 0,
            mode: 0o755,
            mtime: FileTime::default(),
            ctime: FileTime::default(),
            id: FileId(id),
            is_mount: false,
        }
    }

    #[test]
    fn a_marker_comes_back_whole_or_not_at_all() {
        let marker = Marker::new(ID, FileId(7)).unwrap();
        let text = marker.to_text();
        assert_eq!(Marker::from_text(&text), Some(marker));
        for cut in 0..text.len() {
            assert_eq!(Marker::from_text(&text[..cut]), None, "{cut}");
        }
        for bad in [
            text.replace("version=1", "version=2"),
            text.replace("aabb", "AABB"),
            text.replace("aabb", "aab"),
            format!("{text}x=1\n"),
        ] {
            assert_eq!(Marker::from_text(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_root_is_told_by_marker_and_directory() {
        let marker = Marker::new(ID, FileId(7)).unwrap();
        let check = |marker, expected, id, stable, identity| {
            assert_eq!(identify(marker, expected, &dir(id), stable), identity);
        };
        check(None, None, 7, true, Identity::Unmarked);
        check(None, Some(ID), 7, true, Identity::Unmarked);
        check(Some(&marker), Some(ID), 7, true, Identity::Known);
        check(Some(&marker), None, 7, true, Identity::Known);
        check(Some(&marker), Some("other"), 7, true, Identity::Foreign);
        check(Some(&marker), Some(ID), 8, true, Identity::Copied);
        check(Some(&marker), None, 8, true, Identity::Copied);
        check(Some(&marker), Some(ID), 8, false, Identity::Known);
        check(Some(&marker), Some(ID), 0, true, Identity::Known);
    }
}
