//! The tree itself: files known by number, directories that map names to numbers, and the few
//! operations that change it.
//!
//! Every change is one [`Op`], so that the tree a power cut leaves can be made by repeating some
//! of them on the last durable tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncmgr_engine::entry::{Entry, FileId, FileTime, Kind};
use syncmgr_engine::path::RelPath;
use syncmgr_engine::replica::{Capabilities, FaultKind};

use super::fold::Fold;

/// Number of a file; never used again.
pub(super) type Ino = u64;
/// Number of the root directory.
pub(super) const ROOT: Ino = 1;

/// A name in a directory.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) dir: Ino,
    pub(super) name: Box<[u8]>,
}

/// Folded name to the name as given and the number.
pub(super) type Names = BTreeMap<Box<[u8]>, (Box<[u8]>, Ino)>;

/// What a file is made of.
#[derive(Debug, Clone)]
pub(super) enum Body {
    File(Arc<[u8]>),
    Dir(Names),
    Link(Box<[u8]>),
    Special,
}

impl Body {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Dir(_) => Kind::Dir,
            Self::Link(_) => Kind::Symlink,
            Self::Special => Kind::Special,
        }
    }
}

/// The two times a change leaves: as the clock has it, and as modification times are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) ctime: FileTime,
    pub(super) mtime: FileTime,
}

#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) body: Body,
    pub(super) mode: u16,
    pub(super) mtime: FileTime,
    pub(super) ctime: FileTime,
    pub(super) is_readable: bool,
    pub(super) is_mount: bool,
}

impl Inode {
    pub(super) fn new(body: Body, mode: u16, at: Moment) -> Self {
        Self {
            body,
            mode,
            mtime: at.mtime,
            ctime: at.ctime,
            is_readable: true,
            is_mount: false,
        }
    }
}

/// One change of the tree.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Make {
        at: Place,
        ino: Ino,
        inode: Inode,
        when: Moment,
    },
    Unlink {
        at: Place,
        when: Moment,
    },
    /// Takes the name `to` from whatever has it.
    Move {
        from: Place,
        to: Place,
        when: Moment,
    },
    Exchange {
        a: Place,
        b: Place,
        when: Moment,
    },
    Data {
        ino: Ino,
        bytes: Arc<[u8]>,
        when: Moment,
    },
    Meta {
        ino: Ino,
        mode: Option<u16>,
        mtime: Option<FileTime>,
        when: Moment,
    },
    Readable {
        ino: Ino,
        is_readable: bool,
    },
    Mount {
        ino: Ino,
        is_mount: bool,
    },
}

/// Whose eyes look: unreadable directories stop the engine, not the person who made them so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Engine,
    User,
}

#[derive(Debug, Clone)]
pub(super) struct Inodes {
    fold: Fold,
    has_modes: bool,
    table: BTreeMap<Ino, Inode>,
}

impl Inodes {
    pub(super) fn new(capabilities: &Capabilities, when: Moment) -> Self {
        let root = Inode::new(Body::Dir(Names::new()), 0o755, when);
        Self {
            fold: Fold::of(capabilities),
            has_modes: capabilities.modes,
            table: BTreeMap::from([(ROOT, root)]),
        }
    }

    pub(super) fn get(&self, ino: Ino) -> &Inode {
        &self.table[&ino]
    }

    fn get_mut(&mut self, ino: Ino) -> &mut Inode {
        self.table
            .get_mut(&ino)
            .expect("numbers come from directories of this table")
    }

    /// Returns the names of a directory; nothing for everything else.
    pub(super) fn names(&self, dir: Ino) -> impl Iterator<Item = (&[u8], Ino)> {
        let names = match &self.get(dir).body {
            Body::Dir(names) => Some(names),
            Body::File(_) | Body::Link(_) | Body::Special => None,
        };
        names
            .into_iter()
            .flat_map(|names| names.values().map(|(name, ino)| (&**name, *ino)))
    }

    /// Finds the directory `path`, going through directories only.
    pub(super) fn dir(&self, path: &RelPath, who: Who) -> Result<Ino, FaultKind> {
        let mut at = ROOT;
        for name in path.components() {
            at = self.child(at, name, who)?.ok_or(FaultKind::NotFound)?;
            if self.get(at).body.kind() != Kind::Dir {
                return Err(FaultKind::WrongKind);
            }
        }
        Ok(at)
    }

    /// Finds a name in a directory.
    pub(super) fn child(&self, dir: Ino, name: &[u8], who: Who) -> Result<Option<Ino>, FaultKind> {
        let inode = self.get(dir);
        let Body::Dir(names) = &inode.body else {
            return Err(FaultKind::WrongKind);
        };
        if who == Who::Engine && !inode.is_readable {
            return Err(FaultKind::Denied);
        }
        Ok(names.get(&self.fold.key(name)).map(|(_, ino)| *ino))
    }

    /// Splits a path into its directory, which must exist, and the name in it.
    pub(super) fn place(&self, path: &RelPath, who: Who) -> Result<Place, FaultKind> {
        let parent = path.parent().ok_or(FaultKind::WrongKind)?;
        Ok(Place {
            dir: self.dir(&parent, who)?,
            name: path.name().into(),
        })
    }

    pub(super) fn at(&self, place: &Place, who: Who) -> Result<Option<Ino>, FaultKind> {
        self.child(place.dir, &place.name, who)
    }

    /// Finds whatever `path` stands for.
    pub(super) fn find(&self, path: &RelPath, who: Who) -> Result<Ino, FaultKind> {
        if path.is_root() {
            return Ok(ROOT);
        }
        self.at(&self.place(path, who)?, who)?
            .ok_or(FaultKind::NotFound)
    }

    /// Says whether `ino` is `top` or lies beneath it.
    pub(super) fn is_within(&self, ino: Ino, top: Ino) -> bool {
        ino == top || self.names(top).any(|(_, child)| self.is_within(ino, child))
    }

    /// Says whether a directory can be reached from the root; one that was removed cannot be
    /// listed any more by those who still have it open.
    pub(super) fn is_linked(&self, ino: Ino) -> bool {
        self.is_within(ino, ROOT)
    }

    pub(super) fn entry(&self, ino: Ino, id: FileId) -> Entry {
        let inode = self.get(ino);
        let kind = inode.body.kind();
        let mode = match kind {
            Kind::Symlink => 0o777,
            Kind::Dir if !self.has_modes => 0o755,
            Kind::File | Kind::Special if !self.has_modes => 0o644,
            Kind::File | Kind::Dir | Kind::Special => inode.mode,
        };
        let size = match &inode.body {
            Body::File(bytes) => bytes.len() as u64,
            Body::Dir(_) | Body::Link(_) | Body::Special => 0,
        };
        Entry {
            kind,
            size,
            mode,
            mtime: inode.mtime,
            ctime: inode.ctime,
            id,
            is_mount: inode.is_mount,
        }
    }

    /// Visits everything beneath a directory, depth first.
    pub(super) fn walk(&self, dir: Ino, path: &RelPath, visit: &mut dyn FnMut(&RelPath, Ino)) {
        for (name, ino) in self.names(dir) {
            let path = path.join(name);
            visit(&path, ino);
            self.walk(ino, &path, visit);
        }
    }

    /// Adds up the bytes of all files that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        let mut used = 0;
        self.walk(ROOT, &RelPath::root(), &mut |_, ino| {
            if let Body::File(bytes) = &self.get(ino).body {
                used += bytes.len() as u64;
            }
        });
        used
    }

    /// Carries out a change that was found possible.
    pub(super) fn apply(&mut self, op: &Op) {
        match op {
            Op::Make {
                at,
                ino,
                inode,
                when,
            } => {
                self.table.insert(*ino, inode.clone());
                self.put(at, *ino, *when);
            }
            Op::Unlink { at, when } => {
                self.take(at, *when);
            }
            Op::Move { from, to, when } => {
                if let Some(ino) = self.take(from, *when) {
                    self.take(to, *when);
                    self.put(to, ino, *when);
                }
            }
            Op::Exchange { a, b, when } => {
                if let (Some(was_a), Some(was_b)) = (self.take(a, *when), self.take(b, *when)) {
                    self.put(a, was_b, *when);
                    self.put(b, was_a, *when);
                }
            }
            Op::Data { ino, bytes, when } => {
                let inode = self.get_mut(*ino);
                inode.body = Body::File(Arc::clone(bytes));
                inode.mtime = when.mtime;
                inode.ctime = when.ctime;
            }
            Op::Meta {
                ino,
                mode,
                mtime,
                when,
            } => {
                let inode = self.get_mut(*ino);
                inode.mode = mode.unwrap_or(inode.mode);
                inode.mtime = mtime.unwrap_or(inode.mtime);
                inode.ctime = when.ctime;
            }
            Op::Readable { ino, is_readable } => self.get_mut(*ino).is_readable = *is_readable,
            Op::Mount { ino, is_mount } => self.get_mut(*ino).is_mount = *is_mount,
        }
    }

    fn put(&mut self, at: &Place, ino: Ino, when: Moment) {
        let key = self.fold.key(&at.name);
        let dir = self.get_mut(at.dir);
        dir.mtime = when.mtime;
        dir.ctime = when.ctime;
        if let Body::Dir(names) = &mut dir.body {
            names.insert(key, (at.name.clone(), ino));
        }
        self.get_mut(ino).ctime = when.ctime;
    }

    fn take(&mut self, at: &Place, when: Moment) -> Option<Ino> {
        let key = self.fold.key(&at.name);
        let dir = self.get_mut(at.dir);
        let taken = match &mut dir.body {
            Body::Dir(names) => names.remove(&key)?.1,
            Body::File(_) | Body::Link(_) | Body::Special => return None,
        };
        dir.mtime = when.mtime;
        dir.ctime = when.ctime;
        // The file is kept although it may have no name now: those who have it open read on.
        self.get_mut(taken).ctime = when.ctime;
        Some(taken)
    }
}
