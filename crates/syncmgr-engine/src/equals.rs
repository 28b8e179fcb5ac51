//! Files found equal on both sides that need no step, only a place in the memory.
//!
//! A first contact of two large trees finds nothing but these, so they are packed: a hundred bytes
//! and the path each, in blocks, instead of a [`crate::plan::Change`] of several hundred.

use crate::entry::{Entry, FileId, FileTime, Hash, Kind};
use crate::path::RelPath;

/// Bytes of a block; a growing vector of all of them would at times need three times the memory.
const BLOCK: usize = 1 << 20;

/// Equal files, packed, in the order in which they were found.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Equals {
    blocks: Vec<Vec<u8>>,
    n: u64,
}

impl std::fmt::Debug for Equals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Equals({})", self.n)
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EqualFile {
    /// The path.
    pub path: RelPath,
    /// What the left side's listing said.
    pub left: Entry,
    /// What the right side's listing said; size and mode are the left side's.
    pub right: Entry,
    /// Hash of the content both have, where it was computed.
    pub hash: Option<Hash>,
}

impl Equals {
    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.n
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Adds a regular file both sides have with the same content, size and permission bits.
    pub fn push(&mut self, path: &RelPath, left: &Entry, right: &Entry, hash: Option<Hash>) {
        let len = u32::try_from(path.as_bytes().len()).expect("a path is shorter than 4 GiB");
        let is_full = self
            .blocks
            .last()
            .is_none_or(|block| block.capacity() - block.len() < 256 + len as usize);
        if is_full {
            self.blocks
                .push(Vec::with_capacity(BLOCK.max(256 + len as usize)));
        }
        let Some(block) = self.blocks.last_mut() else {
            return;
        };
        block.extend(len.to_le_bytes());
        block.extend(path.as_bytes());
        block.extend(left.size.to_le_bytes());
        block.extend(left.mode.to_le_bytes());
        for entry in [left, right] {
            for time in [entry.mtime, entry.ctime] {
                block.extend(time.secs.to_le_bytes());
                block.extend(time.nanos.to_le_bytes());
            }
            block.extend(entry.id.0.to_le_bytes());
        }
        match hash {
            Some(hash) => {
                block.push(1);
                block.extend(hash.0);
            }
            None => block.push(0),
        }
        self.n += 1;
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
        self.n += other.n;
    }

    /// Iterates over them.
    pub fn iter(&self) -> impl Iterator<Item = EqualFile> + '_ {
        self.blocks.iter().flat_map(|block| {
            let mut rest = block.as_slice();
            std::iter::from_fn(move || (!rest.is_empty()).then(|| unpack(&mut rest)))
        })
    }
}

/// Takes the next one off a block that [`Equals::push`] wrote.
fn unpack(rest: &mut &[u8]) -> EqualFile {
    let len = u32::from_le_bytes(fixed(rest)) as usize;
    let (path, after) = rest.split_at(len);
    *rest = after;
    let path = RelPath::new(path).expect("only paths are packed");
    let size = u64::from_le_bytes(fixed(rest));
    let mode = u16::from_le_bytes(fixed(rest));
    let mut entry = || {
        let mut time = || {
            FileTime::new(
                i64::from_le_bytes(fixed(rest)),
                u32::from_le_bytes(fixed(rest)),
            )
        };
        let (mtime, ctime) = (time(), time());
        let id = FileId(u64::from_le_bytes(fixed(rest)));
        Entry {
            kind: Kind::File,
            size,
            mode,
            mtime,
            ctime,
            id,
            is_mount: false,
        }
    };
    let (left, right) = (entry(), entry());
    let [has_hash] = fixed(rest);
    let hash = (has_hash == 1).then(|| Hash(fixed(rest)));
    EqualFile {
        path,
        left,
        right,
        hash,
    }
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, after) = rest.split_at(N);
    *rest = after;
    head.try_into().expect("split at this length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let entry = |n: u64| Entry {
            kind: Kind::File,
            size: 7,
            mode: 0o640,
            mtime: FileTime::new(-5, 999_999_999),
            ctime: FileTime::new(i64::MAX, 1),
            id: FileId(n),
            is_mount: false,
        };
        let mut equals = Equals::default();
        let long = "x/".repeat(3_000) + "y";
        let mut expected = Vec::new();
        for n in 0..20_000 {
            let name = if n % 1000 == 0 {
                format!("{n}/{long}")
            } else {
                format!("d/{n}")
            };
            let path = RelPath::new(name.as_bytes()).unwrap();
            let hash = (n % 3 == 0).then_some(Hash([7; 32]));
            equals.push(&path, &entry(n), &entry(n + 1), hash);
            expected.push(EqualFile {
                path,
                left: entry(n),
                right: entry(n + 1),
                hash,
            });
        }
        assert_eq!(equals.len(), 20_000);
        assert!(equals.iter().eq(expected));
    }
}
