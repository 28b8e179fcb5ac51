//! What a person does in the tree, and what a test sees there.
//!
//! These methods are no steps of the engine: they are not counted, never fail by plan, may be
//! used inside a hook, and are on the trace as the person's. Paths are given as bytes (`"a/b"`);
//! each method returns whether it was possible. A path that [`RelPath::new`] refuses is a mistake
//! in the test and panics.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncmgr_engine::entry::{Entry, FileTime, Kind};
use syncmgr_engine::path::{RelPath, is_own_name};

use super::inodes::{Body, Ino, Names, Op, Place, ROOT, Who};
use super::{MemoryReplica, State};

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file with these bytes.
    File(Arc<[u8]>),
    /// A directory.
    Dir,
    /// A link with this text.
    Link(Box<[u8]>),
    /// A fifo, socket or device.
    Special,
}

/// One name in a picture of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its attributes, as the engine sees them.
    pub entry: Entry,
    /// What it stands for.
    pub content: Content,
    /// The engine may read it.
    pub is_readable: bool,
}

impl MemoryReplica {
    /// Writes a file in place (the same file gets new bytes), or makes it together with the
    /// directories it needs.
    pub fn write(&self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        self.user("write", path, |state, path| {
            let at = state.user_place(path)?;
            let found = state.live.at(&at, Who::User).ok()?;
            let ino = match found {
                Some(ino) => ino,
                None => state.make(at, Body::File(Arc::default()), 0o644),
            };
            state.is_kind(ino, Kind::File).then_some(())?;
            state.set_bytes(ino, bytes);
            Some(())
        })
    }

    /// Puts a new file under the name in one step, as editors do, whatever file or link had it.
    pub fn replace(&self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        self.user("replace", path, |state, path| {
            state.put_new(path, Body::File(Arc::default()), 0o644, |state, ino| {
                state.set_bytes(ino, bytes);
            })
        })
    }

    /// Makes a directory, and those it needs.
    pub fn add_dir(&self, path: impl AsRef<[u8]>) -> bool {
        self.user("mkdir", path, |state, path| state.user_dir(path).map(drop))
    }

    /// Makes a link with this text, in place of whatever file or link had the name.
    pub fn link_text(&self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> bool {
        let target = target.as_ref();
        self.user("link", path, |state, path| {
            state.put_new(path, Body::Link(target.into()), 0o777, |_, _| ())
        })
    }

    /// Makes a fifo, in place of whatever file or link had the name.
    pub fn special(&self, path: impl AsRef<[u8]>) -> bool {
        self.user("mkfifo", path, |state, path| {
            state.put_new(path, Body::Special, 0o644, |_, _| ())
        })
    }

    /// Removes a name with everything beneath it.
    pub fn remove(&self, path: impl AsRef<[u8]>) -> bool {
        self.user("remove", path, |state, path| {
            let (at, _) = state.user_existing(path)?;
            let when = state.tick();
            state.commit(Op::Unlink { at, when });
            Some(())
        })
    }

    /// Renames, in place of a file, link or empty directory that has the new name.
    pub fn rename(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> bool {
        let to = path_of(to);
        self.user("rename", from, |state, from| {
            let (from, ino) = state.user_existing(from)?;
            let to = state.user_place(&to)?;
            if state.live.is_within(to.dir, ino) {
                return None;
            }
            let taken = state.live.at(&to, Who::User).ok()?;
            // The same thing under a name the store takes for the same: only the spelling changes.
            if let Some(taken) = taken.filter(|taken| *taken != ino) {
                let is_dir = state.is_kind(taken, Kind::Dir);
                let is_free = state.live.names(taken).next().is_none();
                (is_free && is_dir == state.is_kind(ino, Kind::Dir)).then_some(())?;
            }
            let when = state.tick();
            state.commit(Op::Move { from, to, when });
            Some(())
        })
    }

    /// Sets permission bits.
    pub fn chmod(&self, path: impl AsRef<[u8]>, mode: u16) -> bool {
        self.user("chmod", path, |state, path| {
            let ino = state.live.find(path, Who::User).ok()?;
            (!state.is_kind(ino, Kind::Symlink)).then_some(())?;
            let when = state.tick();
            state.commit(Op::Meta {
                ino,
                mode: Some(mode & 0o777),
                mtime: None,
                when,
            });
            Some(())
        })
    }

    /// Sets the modification time.
    pub fn touch(&self, path: impl AsRef<[u8]>, mtime: FileTime) -> bool {
        self.user("touch", path, |state, path| {
            let ino = state.live.find(path, Who::User).ok()?;
            state.set_mtime(ino, mtime);
            Some(())
        })
    }

    /// Says whether the engine may read a file, or list and enter a directory. Sticks to the
    /// thing, not to its name.
    pub fn set_readable(&self, path: impl AsRef<[u8]>, is_readable: bool) -> bool {
        self.user("allow or deny", path, |state, path| {
            let ino = state.live.find(path, Who::User).ok()?;
            state.commit(Op::Readable { ino, is_readable });
            Some(())
        })
    }

    /// Makes a directory look like a mount point, or no longer.
    pub fn set_mount(&self, path: impl AsRef<[u8]>, is_mount: bool) -> bool {
        self.user("mount or unmount", path, |state, path| {
            let ino = state.live.find(path, Who::User).ok()?;
            state.commit(Op::Mount { ino, is_mount });
            Some(())
        })
    }

    /// Returns the bytes of a file.
    #[must_use]
    pub fn read(&self, path: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        match self.node(path)?.content {
            Content::File(bytes) => Some(bytes.to_vec()),
            Content::Dir | Content::Link(_) | Content::Special => None,
        }
    }

    /// Returns what a name stands for.
    #[must_use]
    pub fn node(&self, path: impl AsRef<[u8]>) -> Option<Node> {
        let state = self.state();
        let ino = state.live.find(&path_of(path), Who::User).ok()?;
        Some(state.node(ino))
    }

    /// Returns everything a person sees, by path: all but syncmgr's own.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<RelPath, Node> {
        let mut all = self.all();
        all.retain(|path, _| !path.components().any(is_own_name));
        all
    }

    /// Returns everything beneath the root, by path, with syncmgr's own.
    #[must_use]
    pub fn all(&self) -> BTreeMap<RelPath, Node> {
        let state = self.state();
        let mut all = BTreeMap::new();
        state.live.walk(ROOT, &RelPath::root(), &mut |path, ino| {
            all.insert(path.clone(), state.node(ino));
        });
        all
    }

    fn user(
        &self,
        verb: &str,
        path: impl AsRef<[u8]>,
        work: impl FnOnce(&mut State, &RelPath) -> Option<()>,
    ) -> bool {
        let path = path_of(path);
        let is_done = work(&mut self.state(), &path).is_some();
        if is_done {
            let line = format!("{}: the person does {verb} {path}", self.0.name);
            self.0.machine.log(&line);
        }
        is_done
    }
}

impl State {
    /// Finds or makes a directory and those above it; `None` when something else has a name.
    fn user_dir(&mut self, path: &RelPath) -> Option<Ino> {
        let mut dir = ROOT;
        for name in path.components() {
            dir = match self.live.child(dir, name, Who::User).ok()? {
                Some(child) => child,
                None => {
                    let name = name.into();
                    self.make(Place { dir, name }, Body::Dir(Names::new()), 0o755)
                }
            };
            self.is_kind(dir, Kind::Dir).then_some(())?;
        }
        Some(dir)
    }

    fn user_place(&mut self, path: &RelPath) -> Option<Place> {
        Some(Place {
            dir: self.user_dir(&path.parent()?)?,
            name: path.name().into(),
        })
    }

    fn user_existing(&self, path: &RelPath) -> Option<(Place, Ino)> {
        let place = self.live.place(path, Who::User).ok()?;
        let ino = self.live.at(&place, Who::User).ok()??;
        Some((place, ino))
    }

    fn put_new(
        &mut self,
        path: &RelPath,
        body: Body,
        mode: u16,
        fill: impl FnOnce(&mut Self, Ino),
    ) -> Option<()> {
        let at = self.user_place(path)?;
        if let Some(taken) = self.live.at(&at, Who::User).ok()? {
            (!self.is_kind(taken, Kind::Dir)).then_some(())?;
        }
        // Made under a name nobody uses and moved over, so that the name is never without a file.
        let name: Box<[u8]> = format!("~new{}", self.next_ino).into_bytes().into();
        let new = Place { dir: at.dir, name };
        let ino = self.make(new.clone(), body, mode);
        fill(self, ino);
        let when = self.tick();
        self.commit(Op::Move {
            from: new,
            to: at,
            when,
        });
        Some(())
    }

    fn set_bytes(&mut self, ino: Ino, bytes: &[u8]) {
        let when = self.tick();
        self.commit(Op::Data {
            ino,
            bytes: bytes.into(),
            when,
        });
    }

    fn is_kind(&self, ino: Ino, kind: Kind) -> bool {
        self.live.get(ino).body.kind() == kind
    }

    fn node(&self, ino: Ino) -> Node {
        let inode = self.live.get(ino);
        let content = match &inode.body {
            Body::File(bytes) => Content::File(Arc::clone(bytes)),
            Body::Dir(_) => Content::Dir,
            Body::Link(target) => Content::Link(target.clone()),
            Body::Special => Content::Special,
        };
        Node {
            entry: self.entry(ino),
            content,
            is_readable: inode.is_readable,
        }
    }
}

fn path_of(path: impl AsRef<[u8]>) -> RelPath {
    RelPath::new(path.as_ref()).expect("a test names paths inside the folder")
}
