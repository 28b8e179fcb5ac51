//! The engine's port, on the tree in memory.

use std::sync::Arc;

use syncmgr_engine::entry::{Entry, FileTime, Kind};
use syncmgr_engine::path::{RelPath, is_own_name};
use syncmgr_engine::replica::{
    Capabilities, Content, Directory, Fault, FaultKind, Listing, Observe, Replica, Staged,
};

use super::inodes::{Body, Ino, Inode, Names, Op, Place, Who};
use super::{MemoryReplica, State};

/// An open directory: it stays the same one when its name changes.
struct OpenDir {
    replica: MemoryReplica,
    path: RelPath,
    ino: Ino,
}

/// An open file: what is written to it in the meantime is read.
struct OpenFile {
    replica: MemoryReplica,
    path: RelPath,
    ino: Ino,
    at: usize,
}

/// A file being written.
struct NewFile {
    replica: MemoryReplica,
    path: RelPath,
    ino: Ino,
}

impl Observe for MemoryReplica {
    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn open_dir(&self, path: &RelPath) -> Result<Box<dyn Directory>, Fault> {
        let ino = self.step("open", path, |state| {
            let ino = state.live.dir(path, Who::Engine)?;
            readable(state, ino)?;
            Ok(ino)
        })?;
        Ok(Box::new(OpenDir {
            replica: self.clone(),
            path: path.clone(),
            ino,
        }))
    }

    fn stat(&self, path: &RelPath) -> Result<Option<Entry>, Fault> {
        self.step("look at", path, |state| {
            match state.live.find(path, Who::Engine) {
                Ok(ino) => Ok(Some(state.entry(ino))),
                // With a file or link in the place of a directory, the name is not there either.
                Err(FaultKind::NotFound | FaultKind::WrongKind) => Ok(None),
                Err(kind) => Err(kind),
            }
        })
    }
}

impl Directory for OpenDir {
    fn list(&self, into: &mut Listing, own: &mut Vec<Box<[u8]>>) -> Result<(), Fault> {
        into.clear();
        own.clear();
        self.replica.step("list", &self.path, |state| {
            linked(state, self.ino)?;
            readable(state, self.ino)?;
            for (name, ino) in state.live.names(self.ino) {
                if is_own_name(name) {
                    own.push(name.into());
                } else {
                    into.push(name, state.entry(ino));
                }
            }
            into.sort();
            own.sort();
            Ok(())
        })
    }

    fn stat_self(&self) -> Result<Entry, Fault> {
        let ino = self.ino;
        self.replica
            .step("look at", &self.path, |state| Ok(state.entry(ino)))
    }

    fn open(&self, name: &[u8]) -> Result<Box<dyn Content>, Fault> {
        let path = self.path.join(name);
        let ino = self.replica.step("open", &path, |state| {
            let ino = child(state, self.ino, name)?;
            if state.live.get(ino).body.kind() != Kind::File {
                return Err(FaultKind::WrongKind);
            }
            readable(state, ino)?;
            Ok(ino)
        })?;
        Ok(Box::new(OpenFile {
            replica: self.replica.clone(),
            path,
            ino,
            at: 0,
        }))
    }

    fn read_link(&self, name: &[u8]) -> Result<Box<[u8]>, Fault> {
        let path = self.path.join(name);
        self.replica.step("read", &path, |state| {
            let ino = child(state, self.ino, name)?;
            match &state.live.get(ino).body {
                Body::Link(target) => Ok(target.clone()),
                Body::File(_) | Body::Dir(_) | Body::Special => Err(FaultKind::WrongKind),
            }
        })
    }
}

impl Content for OpenFile {
    fn stat(&self) -> Result<Entry, Fault> {
        let ino = self.ino;
        self.replica
            .step("look at", &self.path, |state| Ok(state.entry(ino)))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let (ino, at) = (self.ino, self.at);
        let n = self.replica.step("read", &self.path, |state| {
            let Body::File(bytes) = &state.live.get(ino).body else {
                return Err(FaultKind::WrongKind);
            };
            let rest = bytes.get(at..).unwrap_or_default();
            let n = rest.len().min(into.len()).min(state.read_chunk);
            into[..n].copy_from_slice(&rest[..n]);
            Ok(n)
        })?;
        self.at += n;
        Ok(n)
    }
}

impl NewFile {
    fn append(&self, verb: &'static str, len: usize, more: &[u8]) -> Result<(), Fault> {
        let note = format!(" +{len}");
        self.replica.change(verb, &self.path, &note, |state| {
            let mut bytes = state.bytes(self.ino).to_vec();
            bytes.extend_from_slice(more);
            bytes.resize(bytes.len() + len - more.len(), 0);
            state.room_for(len)?;
            let when = state.tick();
            state.commit(Op::Data {
                ino: self.ino,
                bytes: bytes.into(),
                when,
            });
            Ok(())
        })
    }
}

impl Staged for NewFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.append("write", bytes.len(), bytes)
    }

    fn skip(&mut self, len: u64) -> Result<(), Fault> {
        let len = usize::try_from(len)
            .map_err(|_| super::fault(FaultKind::NoSpace, "write", &self.path))?;
        self.append("write", len, &[])
    }

    fn copy_from(
        &mut self,
        _content: &dyn Content,
        _moved: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, Fault> {
        Ok(false)
    }

    fn finish(self: Box<Self>, mode: u16, mtime: FileTime) -> Result<Entry, Fault> {
        let ino = self.ino;
        self.replica.change("finish", &self.path, "", |state| {
            let when = state.tick();
            let mtime = state.kept_mtime(mtime);
            state.commit(Op::Meta {
                ino,
                mode: Some(mode & 0o777),
                mtime: Some(mtime),
                when,
            });
            Ok(state.entry(ino))
        })
    }
}

impl Replica for MemoryReplica {
    fn as_observe(&self) -> &dyn Observe {
        self
    }

    fn create(&self, path: &RelPath) -> Result<Box<dyn Staged>, Fault> {
        let ino = self.change("create", path, "", |state| {
            state.must_own("create", path);
            let place = self.free_place(state, path)?;
            Ok(state.make(place, Body::File(Arc::default()), 0o600))
        })?;
        Ok(Box::new(NewFile {
            replica: self.clone(),
            path: path.clone(),
            ino,
        }))
    }

    fn make_link(&self, path: &RelPath, target: &[u8], mtime: FileTime) -> Result<(), Fault> {
        self.change("link", path, "", |state| {
            if !self.0.capabilities.symlinks {
                return Err(FaultKind::Unsupported);
            }
            let place = self.free_place(state, path)?;
            let ino = state.make(place, Body::Link(target.into()), 0o777);
            state.set_mtime(ino, mtime);
            Ok(())
        })
    }

    fn make_dir(&self, path: &RelPath, mode: u16) -> Result<(), Fault> {
        self.change("mkdir", path, "", |state| {
            let place = self.free_place(state, path)?;
            state.make(place, Body::Dir(Names::new()), mode & 0o777);
            Ok(())
        })
    }

    fn move_new(&self, from: &RelPath, to: &RelPath) -> Result<(), Fault> {
        let note = format!(" -> {to}");
        if !self.0.capabilities.atomic_no_replace {
            // The store can only look first and then take the name; in between it can get taken.
            self.step("look at", to, |state| self.free_place(state, to).map(drop))?;
        }
        self.change("move", from, &note, |state| {
            let (from, ino) = existing(state, from)?;
            let to = if self.0.capabilities.atomic_no_replace {
                self.free_place(state, to)?
            } else {
                self.good_place(state, to)?
            };
            if state.live.is_within(to.dir, ino) {
                return Err(FaultKind::BadName);
            }
            let when = state.tick();
            state.commit(Op::Move { from, to, when });
            Ok(())
        })
    }

    fn exchange(&self, a: &RelPath, b: &RelPath) -> Result<(), Fault> {
        let note = format!(" <-> {b}");
        self.change("exchange", a, &note, |state| {
            if !self.0.capabilities.exchange {
                return Err(FaultKind::Unsupported);
            }
            let (a, ino_a) = existing(state, a)?;
            let (b, ino_b) = existing(state, b)?;
            if state.live.is_within(ino_a, ino_b) || state.live.is_within(ino_b, ino_a) {
                return Err(FaultKind::BadName);
            }
            let when = state.tick();
            state.commit(Op::Exchange { a, b, when });
            Ok(())
        })
    }

    fn remove_file(&self, path: &RelPath) -> Result<(), Fault> {
        self.change("unlink", path, "", |state| {
            state.must_own("unlink", path);
            let (at, ino) = existing(state, path)?;
            if state.live.get(ino).body.kind() == Kind::Dir {
                return Err(FaultKind::WrongKind);
            }
            let when = state.tick();
            state.commit(Op::Unlink { at, when });
            Ok(())
        })
    }

    fn remove_dir(&self, path: &RelPath) -> Result<(), Fault> {
        self.change("rmdir", path, "", |state| {
            let (at, ino) = existing(state, path)?;
            if state.live.get(ino).body.kind() != Kind::Dir {
                return Err(FaultKind::WrongKind);
            }
            if state.live.names(ino).next().is_some() {
                return Err(FaultKind::NotEmpty);
            }
            let when = state.tick();
            state.commit(Op::Unlink { at, when });
            Ok(())
        })
    }

    fn set_meta(
        &self,
        path: &RelPath,
        mode: Option<u16>,
        mtime: Option<FileTime>,
    ) -> Result<(), Fault> {
        self.change("set", path, "", |state| {
            let ino = state.live.find(path, Who::Engine)?;
            let is_link = state.live.get(ino).body.kind() == Kind::Symlink;
            let mode = mode.filter(|_| !is_link).map(|mode| mode & 0o777);
            let mtime = mtime.map(|mtime| state.kept_mtime(mtime));
            let when = state.tick();
            state.commit(Op::Meta {
                ino,
                mode,
                mtime,
                when,
            });
            Ok(())
        })
    }

    fn make_durable(&self) -> Result<(), Fault> {
        self.change("make durable", &RelPath::root(), "", |state| {
            state.settle();
            Ok(())
        })
    }

    fn free_bytes(&self) -> Option<u64> {
        let state = self.state();
        let capacity = state.faults.plan.capacity?;
        Some(capacity.saturating_sub(state.live.used_bytes()))
    }
}

impl MemoryReplica {
    /// Finds the place of a name the store can hold.
    fn good_place(&self, state: &State, path: &RelPath) -> Result<Place, FaultKind> {
        if path.name().len() > self.0.capabilities.name_max {
            return Err(FaultKind::BadName);
        }
        state.live.place(path, Who::Engine)
    }

    /// Finds the place of a name the store can hold and that nothing has.
    fn free_place(&self, state: &State, path: &RelPath) -> Result<Place, FaultKind> {
        let place = self.good_place(state, path)?;
        match state.live.at(&place, Who::Engine)? {
            None => Ok(place),
            Some(_) => Err(FaultKind::Exists),
        }
    }
}

impl State {
    pub(super) fn make(&mut self, at: Place, body: Body, mode: u16) -> Ino {
        let ino = self.new_ino();
        let when = self.tick();
        self.commit(Op::Make {
            at,
            ino,
            inode: Inode::new(body, mode, when),
            when,
        });
        ino
    }

    pub(super) fn set_mtime(&mut self, ino: Ino, mtime: FileTime) {
        let when = self.tick();
        let mtime = Some(self.kept_mtime(mtime));
        self.commit(Op::Meta {
            ino,
            mode: None,
            mtime,
            when,
        });
    }

    fn bytes(&self, ino: Ino) -> &[u8] {
        match &self.live.get(ino).body {
            Body::File(bytes) => bytes,
            Body::Dir(_) | Body::Link(_) | Body::Special => &[],
        }
    }

    fn room_for(&self, len: usize) -> Result<(), FaultKind> {
        match self.faults.plan.capacity {
            Some(capacity) if self.live.used_bytes() + len as u64 > capacity => {
                Err(FaultKind::NoSpace)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Notes a step that is allowed on syncmgr's own files only.
    fn must_own(&mut self, verb: &str, path: &RelPath) {
        if !path.components().next().is_some_and(is_own_name) {
            self.violations.push(format!("{verb} {path}"));
        }
    }
}

fn existing(state: &State, path: &RelPath) -> Result<(Place, Ino), FaultKind> {
    let place = state.live.place(path, Who::Engine)?;
    let ino = state.live.at(&place, Who::Engine)?;
    Ok((place, ino.ok_or(FaultKind::NotFound)?))
}

fn child(state: &State, dir: Ino, name: &[u8]) -> Result<Ino, FaultKind> {
    linked(state, dir)?;
    state
        .live
        .child(dir, name, Who::Engine)?
        .ok_or(FaultKind::NotFound)
}

/// A directory that was removed while it was open must not look empty.
fn linked(state: &State, dir: Ino) -> Result<(), FaultKind> {
    if state.live.is_linked(dir) {
        Ok(())
    } else {
        Err(FaultKind::NotFound)
    }
}

fn readable(state: &State, ino: Ino) -> Result<(), FaultKind> {
    if state.live.get(ino).is_readable {
        Ok(())
    } else {
        Err(FaultKind::Denied)
    }
}
