//! What people do to their files, by chance.

use syncmgr_engine::entry::{FileTime, Kind, Side, Sides};
use syncmgr_engine::path::RelPath;

use super::ledger::{Ledger, Picture};
use crate::memory::MemoryReplica;
use crate::rng::Rng;

/// Few names, so that both sides often mean the same one; some of them odd.
const NAMES: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"d",
    b"A",
    b"caf\xc3\xa9",
    b"cafe\xcc\x81",
    b"two words",
    b"new\nline",
    b"\xff\xfe",
    b"-rf",
    b".hidden",
    b"~",
];
/// Deepest name that is made.
const DEPTH_MAX: usize = 4;
const MODES: &[u16] = &[0o600, 0o640, 0o644, 0o700, 0o755];
const TIMES: &[i64] = &[-5, 0, 1, 1_000_000_000, 4_000_000_000];

/// The people at both keyboards.
#[derive(Debug)]
pub(super) struct People {
    pub(super) rng: Rng,
    pub(super) ledger: Ledger,
    replicas: Sides<MemoryReplica>,
}

impl People {
    pub(super) fn new(rng: Rng, replicas: Sides<MemoryReplica>) -> Self {
        Self {
            rng,
            ledger: Ledger::new(),
            replicas,
        }
    }

    /// Does one thing on a side and notes it.
    pub(super) fn edit(&mut self, side: Side) {
        let replica = self.replicas[side].clone();
        let before = replica.snapshot();
        self.act(&replica, &before);
        self.ledger.note(side, &before, &replica.snapshot());
    }

    /// Takes the right to read away from a file or directory.
    pub(super) fn lock_away(&mut self, side: Side) {
        let replica = &self.replicas[side];
        let picture = replica.snapshot();
        if let Some(path) = any(&mut self.rng, &picture, |_| true) {
            replica.set_readable(path.as_bytes(), false);
        }
    }

    /// Gives all rights back.
    pub(super) fn open_up(&self) {
        for side in Side::BOTH {
            let replica = &self.replicas[side];
            for (path, node) in replica.snapshot() {
                if !node.is_readable {
                    replica.set_readable(path.as_bytes(), true);
                }
            }
        }
    }

    fn act(&mut self, replica: &MemoryReplica, picture: &Picture) {
        match self.rng.below(20) {
            0..=4 => self.write_new(replica, picture),
            5..=8 => self.overwrite(replica, picture),
            9..=10 => {
                let path = self.new_path(picture);
                replica.add_dir(path.as_bytes());
            }
            11..=12 => self.remove(replica, picture),
            13..=15 => self.rename(replica, picture),
            16 => self.change_attributes(replica, picture),
            17 => {
                let path = self.new_path(picture);
                let target = self.rng.pick(NAMES).copied().unwrap_or(b"a");
                replica.link_text(path.as_bytes(), target);
            }
            18 => self.change_kind(replica, picture),
            _ => self.swap(replica, picture),
        }
    }

    fn write_new(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let path = self.new_path(picture);
        let bytes = self.content();
        replica.write(path.as_bytes(), bytes);
    }

    fn overwrite(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let Some(path) = any(&mut self.rng, picture, |kind| kind == Kind::File) else {
            return self.write_new(replica, picture);
        };
        let bytes = self.content();
        if self.rng.chance(1, 2) {
            replica.write(path.as_bytes(), bytes);
        } else {
            replica.replace(path.as_bytes(), bytes);
        }
    }

    fn remove(&mut self, replica: &MemoryReplica, picture: &Picture) {
        if let Some(path) = any(&mut self.rng, picture, |_| true) {
            replica.remove(path.as_bytes());
        }
    }

    fn rename(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let Some(from) = any(&mut self.rng, picture, |_| true) else {
            return;
        };
        let to = self.new_path(picture);
        replica.rename(from.as_bytes(), to.as_bytes());
    }

    fn swap(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let is_file = |kind| kind == Kind::File;
        let a = any(&mut self.rng, picture, is_file);
        let b = any(&mut self.rng, picture, is_file);
        let (Some(a), Some(b)) = (a, b) else { return };
        if a != b && replica.rename(a.as_bytes(), "swap") {
            replica.rename(b.as_bytes(), a.as_bytes());
            replica.rename("swap", b.as_bytes());
        }
    }

    fn change_attributes(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let Some(path) = any(&mut self.rng, picture, |_| true) else {
            return;
        };
        if self.rng.chance(1, 2) {
            let mode = self.rng.pick(MODES).copied().unwrap_or(0o644);
            replica.chmod(path.as_bytes(), mode);
        } else {
            let secs = self.rng.pick(TIMES).copied().unwrap_or(0);
            replica.touch(path.as_bytes(), FileTime::new(secs, 0));
        }
    }

    fn change_kind(&mut self, replica: &MemoryReplica, picture: &Picture) {
        let Some(path) = any(&mut self.rng, picture, |_| true) else {
            return;
        };
        let path = path.as_bytes();
        replica.remove(path);
        match self.rng.below(4) {
            0 => replica.add_dir(path),
            1 => replica.link_text(path, "a"),
            2 => replica.special(path),
            _ => {
                let bytes = self.content();
                replica.write(path, bytes)
            }
        };
    }

    fn content(&mut self) -> std::sync::Arc<[u8]> {
        if self.rng.chance(1, 30) {
            return std::sync::Arc::from([]);
        }
        let padding = self.rng.index(20);
        self.ledger.new_content(padding)
    }

    /// Returns a name in a directory that is there, or one level deeper, free or not.
    fn new_path(&mut self, picture: &Picture) -> RelPath {
        let dir = if self.rng.chance(1, 3) {
            None
        } else {
            any(&mut self.rng, picture, |kind| kind == Kind::Dir)
        };
        let dir = dir
            .filter(|dir| dir.components().count() < DEPTH_MAX)
            .unwrap_or_default();
        let name = self.rng.pick(NAMES).copied().unwrap_or(b"a");
        if self.rng.chance(1, 40) {
            return dir.join(&[b'n'; 255]);
        }
        dir.join(name)
    }
}

/// Picks a path of some kind.
fn any(rng: &mut Rng, picture: &Picture, is_wanted: impl Fn(Kind) -> bool) -> Option<RelPath> {
    let wanted = picture
        .iter()
        .filter(|(_, node)| is_wanted(node.entry.kind));
    let paths: Vec<_> = wanted.map(|(path, _)| path).collect();
    rng.pick(&paths).map(|path| (*path).clone())
}
