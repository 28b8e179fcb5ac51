//! What lies in a tree, read without any code of the product.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::bench::verify;

/// A hash of a content.
pub(super) type Hash = [u8; 32];

/// A larger file is read again only when its attributes say that it changed.
const ALWAYS_READ_MAX: u64 = 1 << 20;

/// What is known of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// Content, permission bits, time of the content to the nanosecond.
    File {
        hash: Hash,
        mode: u32,
        mtime: (i64, i64),
    },
    /// Its text.
    Link(Vec<u8>),
    /// Permission bits.
    Dir(u32),
}

/// All paths of a tree, without what syncmgr keeps for itself.
pub(super) type Tree = BTreeMap<PathBuf, Fact>;

/// What identifies an unchanged file: device, inode, size, times of content and attributes.
type Stamp = (u64, u64, u64, i64, i64, i64, i64);

/// Reads trees; remembers the hashes of what cannot have changed.
#[derive(Debug, Default)]
pub(super) struct Reader {
    known: HashMap<Stamp, Hash>,
}

impl Reader {
    /// Reads a tree.
    ///
    /// # Errors
    /// Something in it cannot be read, or is of a kind that nobody put there.
    pub(super) fn tree(&mut self, root: &Path) -> Result<Tree> {
        let mut tree = Tree::new();
        let mut dirs = vec![PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            for entry in list(&root.join(&dir))? {
                let name = entry?.file_name();
                if dir.as_os_str().is_empty() && verify::is_own(name.as_bytes()) {
                    continue;
                }
                let path = dir.join(name);
                let fact = self.fact(&root.join(&path))?;
                if matches!(fact, Fact::Dir(_)) {
                    dirs.push(path.clone());
                }
                tree.insert(path, fact);
            }
        }
        Ok(tree)
    }

    /// Reads one path.
    ///
    /// # Errors
    /// It cannot be read, or is neither file nor link nor directory.
    pub(super) fn fact(&mut self, path: &Path) -> Result<Fact> {
        let metadata = fs::symlink_metadata(path)
            .with_context(|| format!("cannot look at {}", path.display()))?;
        let mode = metadata.mode() & 0o7777;
        let kind = metadata.file_type();
        if kind.is_dir() {
            Ok(Fact::Dir(mode))
        } else if kind.is_symlink() {
            Ok(Fact::Link(
                fs::read_link(path)?.as_os_str().as_bytes().to_vec(),
            ))
        } else if kind.is_file() {
            let hash = if metadata.size() > ALWAYS_READ_MAX {
                self.hash_once(path, &metadata)?
            } else {
                verify::hash(path)?
            };
            let mtime = (metadata.mtime(), metadata.mtime_nsec());
            Ok(Fact::File { hash, mode, mtime })
        } else {
            bail!("{} is of a kind that nobody made", path.display())
        }
    }

    /// Collects the contents of all files below a directory; none when it is not there.
    ///
    /// # Errors
    /// Something cannot be read.
    pub(super) fn contents(&mut self, dir: &Path, found: &mut HashSet<Hash>) -> Result<()> {
        let mut dirs = vec![dir.to_owned()];
        while let Some(dir) = dirs.pop().filter(|dir| dir.exists()) {
            for entry in list(&dir)? {
                let path = entry?.path();
                let metadata = fs::symlink_metadata(&path)?;
                if metadata.is_dir() {
                    dirs.push(path);
                } else if metadata.is_file() {
                    found.insert(self.hash_once(&path, &metadata)?);
                }
            }
        }
        Ok(())
    }

    fn hash_once(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<Hash> {
        let stamp = (
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        );
        if let Some(hash) = self.known.get(&stamp) {
            return Ok(*hash);
        }
        let hash = verify::hash(path)?;
        self.known.insert(stamp, hash);
        Ok(hash)
    }
}

fn list(dir: &Path) -> Result<fs::ReadDir> {
    fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))
}

/// Finds one path at which two trees differ, in words.
pub(super) fn difference(one: &Tree, other: &Tree) -> Option<String> {
    let paths: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let path = paths
        .into_iter()
        .find(|path| one.get(*path) != other.get(*path))?;
    let (one, other) = (words(one.get(path)), words(other.get(path)));
    Some(format!("{}: {one} and {other}", path.display()))
}

/// A fact as a person reads it.
pub(super) fn words(fact: Option<&Fact>) -> String {
    match fact {
        None => "nothing".to_owned(),
        Some(Fact::Dir(mode)) => format!("a directory, mode {mode:o}"),
        Some(Fact::Link(text)) => format!("a link to `{}`", String::from_utf8_lossy(text)),
        Some(Fact::File { hash, mode, mtime }) => format!(
            "a file of content {:02x}{:02x}{:02x}, mode {mode:o}, time {}.{:09}",
            hash[0], hash[1], hash[2], mtime.0, mtime.1
        ),
    }
}
