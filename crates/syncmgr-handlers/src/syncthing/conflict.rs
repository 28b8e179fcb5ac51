//! The copies that Syncthing leaves when two devices changed one file: found by their names, and
//! decided by moving files of the folder. What loses is copied into the state of the item first.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use syncmgr_model::conflict::{ConflictKind, Facts, Kind};
use syncmgr_model::escape::escape;
use syncmgr_model::request::Choice;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::config::{Config, Folder};
use crate::tool::kept::{beside, keep_copy, kept_dir, replace};
use crate::tool::{Context, Job, Seen, ToolConflict, Version, conflict_id};

/// Most entries of a folder that are looked at: more takes longer than a question may.
const ENTRIES_MAX: usize = 2_000_000;
/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 128;

const MARK: &[u8] = b".sync-conflict-";

/// What the name of a copy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    /// What it is a copy of.
    pub(super) original: Vec<u8>,
    /// The beginning of the id of the device that changed it last.
    pub(super) device: String,
}

/// Reads `report.sync-conflict-20261201-101500-ABCDEFG.txt`.
pub(super) fn read_name(name: &[u8]) -> Option<Copy> {
    let at = name.windows(MARK.len()).rposition(|it| it == MARK)?;
    let (stem, rest) = (&name[..at], &name[at + MARK.len()..]);
    let (date, rest) = rest.split_at_checked(8)?;
    let (time, rest) = rest.strip_prefix(b"-")?.split_at_checked(6)?;
    let (device, ending) = rest.strip_prefix(b"-")?.split_at_checked(7)?;
    let is_number = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let is_device = device
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let ends = ending.is_empty() || (ending[0] == b'.' && !ending[1..].contains(&b'.'));
    (is_number(date) && is_number(time) && is_device && ends).then(|| Copy {
        original: [stem, ending].concat(),
        device: String::from_utf8_lossy(device).into_owned(),
    })
}

/// Lists the copies in a folder.
pub(super) fn list(
    ctx: &Context,
    config: &Config,
    folder: &Folder,
) -> Result<Vec<ToolConflict>, Trouble> {
    let mut found = Vec::new();
    let mut n = 0;
    let mut dirs = vec![(folder.path.clone(), 0_usize)];
    while let Some((dir, depth)) = dirs.pop() {
        let unreadable = |e: std::io::Error| {
            Trouble::new(Code::FolderUnusable)
                .with("folder", ctx.shown(&dir))
                .with("detail", e)
        };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            // It vanished meanwhile; or it is the folder itself, and then nothing is known.
            Err(e) if depth > 0 && e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(unreadable(e)),
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            n += 1;
            if n > ENTRIES_MAX {
                return Err(Trouble::new(Code::NotPossible).with(
                    "detail",
                    format!(
                        "{} has too many files to look for conflicts",
                        ctx.shown(&folder.path)
                    ),
                ));
            }
            let name = entry.file_name();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let is_its_own = depth == 0 && (name == ".stversions" || name == ".stfolder");
            if is_dir && !is_its_own && depth < DEPTH_MAX {
                dirs.push((entry.path(), depth + 1));
            } else if let Some(copy) = read_name(name.as_bytes()) {
                found.push(conflict(ctx, config, folder, &entry.path(), &copy));
            }
        }
    }
    found.sort_by(|a, b| (&a.path, &a.id).cmp(&(&b.path, &b.id)));
    Ok(found)
}

fn conflict(
    ctx: &Context,
    config: &Config,
    folder: &Folder,
    copy: &Path,
    said: &Copy,
) -> ToolConflict {
    let original = copy.with_file_name(OsStr::from_bytes(&said.original));
    let below = |path: &Path| {
        let path = path.strip_prefix(&folder.path).unwrap_or(path);
        path.as_os_str().as_bytes().to_vec()
    };
    let device = escape(config.device(&said.device).as_bytes());
    let full = |path: &Path| ctx.shown(path);
    let sides = PerSide {
        left: Version::of_file(&ctx.shown(&folder.path), full(&original), original.clone()),
        right: Version::of_file(
            &format!("the copy of {device}"),
            full(copy),
            copy.to_owned(),
        ),
    };
    let kind = match sides.left.facts {
        Facts::Missing => ConflictKind::ChangedAndDeleted,
        Facts::Unknown | Facts::Present { .. } => ConflictKind::BothChanged,
    };
    ToolConflict {
        id: conflict_id(&below(copy)),
        path: below(&original),
        kind,
        description: None,
        since: since(copy),
        sides,
    }
}

/// The copy was made when its folder entry last changed.
fn since(copy: &Path) -> Option<Timestamp> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(copy).ok()?;
    Some(Timestamp(meta.ctime().saturating_mul(1000)))
}

/// Decides one.
pub(super) fn resolve(
    job: &Job<'_>,
    folder: &Folder,
    seen: &Seen<'_>,
    choice: &Choice,
) -> Result<Vec<Vec<u8>>, Trouble> {
    let conflict = seen.conflict;
    let (Some(original), Some(copy)) = (&conflict.sides.left.file, &conflict.sides.right.file)
    else {
        return Err(not_possible("its files are not on this machine"));
    };
    let scene = Scene {
        kept: kept_dir(job.dir, job.session.id()),
        root: &folder.path,
        original,
        copy,
        conflict,
        seen,
    };
    scene.are_files()?;
    match choice {
        Choice::Keep(Side::Left) => scene.keep_original()?,
        Choice::Keep(Side::Right) => scene.keep_the_copy()?,
        Choice::KeepNewest => match scene.newest()? {
            Side::Left => scene.keep_original()?,
            Side::Right => scene.keep_the_copy()?,
        },
        Choice::KeepBoth => scene.keep_both()?,
        Choice::Merged(bytes) => scene.keep_merged(bytes)?,
        Choice::MergeText => {
            return Err(not_possible(
                "Syncthing does not keep what the devices last agreed on, so nothing can be merged by itself; \
                 merge the text by hand and keep that",
            ));
        }
    }
    Ok([original, copy].map(|path| scene.below(path)).to_vec())
}

struct Scene<'a> {
    kept: PathBuf,
    root: &'a Path,
    original: &'a Path,
    copy: &'a Path,
    conflict: &'a ToolConflict,
    seen: &'a Seen<'a>,
}

impl Scene<'_> {
    fn below(&self, path: &Path) -> Vec<u8> {
        let path = path.strip_prefix(self.root).unwrap_or(path);
        path.to_owned().into_os_string().into_vec()
    }

    fn are_files(&self) -> Result<(), Trouble> {
        let is_folder = Side::BOTH.iter().any(|side| {
            let facts = self.conflict.sides[*side].facts;
            matches!(facts, Facts::Unknown)
                || matches!(
                    facts,
                    Facts::Present {
                        kind: Kind::Folder | Kind::Special,
                        ..
                    }
                )
        });
        if is_folder {
            return Err(not_possible("only files can be decided here"));
        }
        Ok(())
    }

    /// Keeps what is at a path, and makes sure that both are still what was shown.
    fn set_aside(&self, path: &Path) -> Result<(), Trouble> {
        keep_copy(&self.kept, &self.below(path), path)?;
        self.seen.is_still_so()
    }

    fn keep_original(&self) -> Result<(), Trouble> {
        self.set_aside(self.copy)?;
        fs::remove_file(self.copy).map_err(failed)
    }

    fn keep_the_copy(&self) -> Result<(), Trouble> {
        self.set_aside(self.original)?;
        fs::rename(self.copy, self.original).map_err(failed)
    }

    /// The copy gets a plain name; or its own again, when nothing has that any more.
    fn keep_both(&self) -> Result<(), Trouble> {
        let name = match self.conflict.sides.left.facts {
            Facts::Missing => self.original.to_owned(),
            Facts::Unknown | Facts::Present { .. } => {
                let place = &self.conflict.sides.right.place;
                let whose = place.strip_prefix("the copy of ").unwrap_or(place);
                let whose: String = whose
                    .chars()
                    .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'))
                    .take(40)
                    .collect();
                beside(self.original, &format!("from {whose}"))
            }
        };
        self.seen.is_still_so()?;
        move_to(self.copy, &name).map_err(failed)
    }

    fn keep_merged(&self, bytes: &[u8]) -> Result<(), Trouble> {
        self.set_aside(self.original)?;
        self.set_aside(self.copy)?;
        replace(self.original, bytes)
            .and_then(|()| fs::remove_file(self.copy))
            .map_err(failed)
    }

    fn newest(&self) -> Result<Side, Trouble> {
        let time = |side| match self.conflict.sides[side].facts {
            Facts::Present { modified, .. } => Some(modified),
            // A change beats a deletion.
            Facts::Missing | Facts::Unknown => None,
        };
        match time(Side::Left).cmp(&time(Side::Right)) {
            std::cmp::Ordering::Greater => Ok(Side::Left),
            std::cmp::Ordering::Less => Ok(Side::Right),
            std::cmp::Ordering::Equal => Err(not_possible("both were changed at the same time")),
        }
    }
}

/// Moves a file to a name at which nothing is; never over another file.
fn move_to(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A file system that cannot promise it; the name was free a moment ago.
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(from, to),
        Err(errno) => Err(errno.into()),
    }
}

fn failed(error: std::io::Error) -> Trouble {
    not_possible(&format!("a file cannot be moved ({error})"))
}

fn not_possible(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_copies() {
        let check = |name: &str, expected: Option<(&str, &str)>| {
            let found = read_name(name.as_bytes());
            let found = found.map(|it| (String::from_utf8(it.original).unwrap(), it.device));
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(found, expected, "{name}");
        };
        check(
            "a.sync-conflict-20261201-101500-ABCDEF2.txt",
            Some(("a.txt", "ABCDEF2")),
        );
        check(
            "a.tar.sync-conflict-20261201-101500-ABCDEF2.gz",
            Some(("a.tar.gz", "ABCDEF2")),
        );
        check(
            "Makefile.sync-conflict-20261201-101500-ABCDEF2",
            Some(("Makefile", "ABCDEF2")),
        );
        check(
            "a.sync-conflict-20261201-101500-ABCDEF2.sync-conflict-20261202-101500-BBCDEF2.txt",
            Some(("a.sync-conflict-20261201-101500-ABCDEF2.txt", "BBCDEF2")),
        );
        check("a.sync-conflict-2026-101500-ABCDEF2.txt", None);
        check("a.sync-conflict-20261201-101500-abcdef2.txt", None);
        check("a.sync-conflict-", None);
        check("a.txt", None);
    }
}
