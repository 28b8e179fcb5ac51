//! An independent look at two trees. It shares no code with the product on purpose: a mistake made
//! there must not be repeated here.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// What is compared of one path. Times of directories and links are left out: not every tool
/// carries them, and the workloads are about files.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    path: Vec<u8>,
    kind: &'static str,
    mode: u32,
    mtime: (i64, i64),
    content: [u8; 32],
}

/// Says whether both trees hold the same, with times cut to steps of `time_step_ns` (which divides
/// a second); what syncmgr keeps for itself does not count. Returns the number of entries.
///
/// # Errors
/// They differ (with the first path), or one cannot be read.
pub(crate) fn equal(left: &Path, right: &Path, time_step_ns: i64) -> Result<usize> {
    let (left, right) = std::thread::scope(|scope| {
        let other = scope.spawn(|| facts(right, time_step_ns));
        let one = facts(left, time_step_ns);
        (one, other.join().expect("a reader does not panic"))
    });
    let (left, right) = (left?, right?);
    if let Some((a, b)) = left.iter().zip(&right).find(|(a, b)| a != b) {
        let path = &a.path.as_slice().min(b.path.as_slice());
        bail!(
            "the trees differ at {}: {} and {}",
            String::from_utf8_lossy(path),
            words(a),
            words(b)
        );
    }
    if left.len() != right.len() {
        bail!(
            "the trees differ: {} and {} entries",
            left.len(),
            right.len()
        );
    }
    Ok(left.len())
}

fn words(fact: &Fact) -> String {
    format!(
        "{} `{}` mode {:o} time {}.{:09} content {:02x}{:02x}{:02x}",
        fact.kind,
        String::from_utf8_lossy(&fact.path),
        fact.mode,
        fact.mtime.0,
        fact.mtime.1,
        fact.content[0],
        fact.content[1],
        fact.content[2],
    )
}

fn facts(root: &Path, time_step_ns: i64) -> Result<Vec<Fact>> {
    let mut found = Vec::new();
    visit(root, root, &mut |path, metadata| {
        let mut fact = fact(root, path, metadata)?;
        fact.mtime.1 -= fact.mtime.1 % time_step_ns;
        found.push(fact);
        Ok(())
    })?;
    found.sort_unstable();
    Ok(found)
}

fn fact(root: &Path, path: &Path, metadata: &fs::Metadata) -> Result<Fact> {
    let kind = metadata.file_type();
    let (kind, mtime, content) = if kind.is_file() {
        let time = (metadata.mtime(), metadata.mtime_nsec());
        ("file", time, hash(path)?)
    } else if kind.is_symlink() {
        let text = fs::read_link(path)?;
        (
            "link",
            (0, 0),
            *blake3::hash(text.as_os_str().as_bytes()).as_bytes(),
        )
    } else if kind.is_dir() {
        ("directory", (0, 0), [0; 32])
    } else {
        ("other", (0, 0), [0; 32])
    };
    let inside = path.strip_prefix(root).unwrap_or(path);
    Ok(Fact {
        path: inside.as_os_str().as_bytes().to_vec(),
        kind,
        mode: metadata.mode() & 0o7777,
        mtime,
        content,
    })
}

/// Hashes the content of a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn hash(path: &Path) -> Result<[u8; 32]> {
    let attempt = || -> std::io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs::File::open(path)?)?;
        Ok(*hasher.finalize().as_bytes())
    };
    attempt().with_context(|| format!("cannot read {}", path.display()))
}

/// Walks a tree, leaving out what syncmgr keeps for itself at the root.
fn visit(
    root: &Path,
    dir: &Path,
    see: &mut dyn FnMut(&Path, &fs::Metadata) -> Result<()>,
) -> Result<()> {
    let list = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in list {
        let entry = entry?;
        if dir == root && is_own(entry.file_name().as_bytes()) {
            continue;
        }
        let path = entry.path();
        let metadata = entry.metadata()?;
        see(&path, &metadata)?;
        if metadata.is_dir() {
            visit(root, &path, see)?;
        }
    }
    Ok(())
}

/// Says whether a name at the root belongs to syncmgr.
pub(crate) fn is_own(name: &[u8]) -> bool {
    name.starts_with(b".syncmgr")
}

/// Collects the hashes of every file anywhere below `dirs`, kept versions included.
///
/// # Errors
/// Something cannot be read.
pub(crate) fn contents(dirs: &[&Path]) -> Result<HashSet<[u8; 32]>> {
    let mut found = HashSet::new();
    for dir in dirs.iter().filter(|dir| dir.exists()) {
        // A root that is never met leaves nothing out.
        visit(Path::new(""), dir, &mut |path, metadata| {
            if metadata.is_file() {
                found.insert(hash(path)?);
            }
            Ok(())
        })?;
    }
    Ok(found)
}
