//! Puts one file or link under its final name: stage it whole, check the target against the plan,
//! commit by rename, keep what it replaces.
//!
//! Never writes in place, never follows a link, never replaces something the plan did not see: the
//! exchange and the check of what came out of it are one step of the file system where it can do
//! that, and what came out wrong is put back (I8, I14, I15, I16).

use crate::cancel::Cancel;
use crate::compare::{HASHED_MAX, is_text};
use crate::entry::{Entry, FileTime, Hash, Kind, Side};
use crate::own::OwnPlaces;
use crate::pace::Pace;
use crate::path::RelPath;
use crate::plan::{ProblemKind, Source};
use crate::replica::{Content, Directory, Fault, FaultKind, Observe, Replica, Staged};

/// Bytes copied at a time where the kernel does not copy by itself.
const CHUNK: usize = 256 << 10;

/// Why a step was not done: trouble, or the world has moved on.
pub(crate) enum Refusal {
    Fault(Fault),
    Moved,
    NamesCollide,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    /// Says what the refusal means for the path.
    pub(crate) fn into_problem(self, path: &RelPath) -> ProblemKind {
        match self {
            Self::Fault(fault) if fault.is_cancelled() => ProblemKind::NotReached,
            Self::Fault(fault) => ProblemKind::Failed(fault),
            Self::Moved => ProblemKind::ChangedMeanwhile,
            Self::NamesCollide => ProblemKind::NamesCollide { with: path.clone() },
        }
    }
}

/// A file that is staged and waits to be committed.
pub(crate) struct Ready {
    pub(crate) stage: RelPath,
    /// The source as it was when it was read.
    pub(crate) source: Option<Entry>,
    pub(crate) hash: Option<Hash>,
    /// The staged file's attributes.
    pub(crate) made: Option<Entry>,
    /// The change that makes the directory it waits in, when that is a new one.
    pub(crate) nursery: Option<usize>,
    /// The text, if it is worth keeping for merges.
    pub(crate) text: Option<Box<[u8]>>,
}

impl Ready {
    fn at(stage: RelPath) -> Self {
        Self {
            stage,
            source: None,
            hash: None,
            made: None,
            nursery: None,
            text: None,
        }
    }
}

/// What a copy learns of the content on the way: its hash, and the text itself if that is worth
/// keeping for merges.
type Gleaned = (Option<Hash>, Option<Box<[u8]>>);

/// One thread's tools for copying.
pub(crate) struct Copier<'a> {
    pub(crate) worker: usize,
    pub(crate) cancel: &'a Cancel,
    pub(crate) pace: &'a Pace<'a>,
    buffer: Vec<u8>,
    n_staged: u64,
    /// The source directory used last: neighbours come one after the other.
    open_dir: Option<(Side, RelPath, Box<dyn Directory>)>,
}

/// What is to be staged.
pub(crate) struct Order<'a> {
    pub(crate) path: &'a RelPath,
    pub(crate) source: &'a Source,
    /// For [`Source::Peer`]: the side it comes from, and what the plan saw there.
    pub(crate) peer: Option<(Side, &'a Entry)>,
    pub(crate) mode: u16,
    pub(crate) mtime: FileTime,
}

impl<'a> Copier<'a> {
    pub(crate) fn new(worker: usize, cancel: &'a Cancel, pace: &'a Pace<'a>) -> Self {
        Self {
            worker,
            cancel,
            pace,
            buffer: vec![0; CHUNK],
            n_staged: 0,
            open_dir: None,
        }
    }

    fn next_stage(&mut self, own: &OwnPlaces<'_>, path: &RelPath) -> Result<RelPath, Fault> {
        self.n_staged += 1;
        own.stage(path, self.worker, self.n_staged)
    }

    /// Stages a symbolic link, at `place` or where the copier finds room.
    pub(crate) fn stage_link(
        &mut self,
        to: &dyn Replica,
        own: &OwnPlaces<'_>,
        path: &RelPath,
        place: Option<RelPath>,
        target: &[u8],
        mtime: FileTime,
    ) -> Result<Ready, Refusal> {
        let stage = place.map_or_else(|| self.next_stage(own, path), Ok)?;
        to.make_link(&stage, target, mtime)?;
        Ok(Ready::at(stage))
    }

    /// Stages the content of a file, whole and checked, at `place` or where the copier finds room.
    pub(crate) fn stage_file(
        &mut self,
        from: &dyn Fn(Side) -> &'a dyn Observe,
        to: &dyn Replica,
        own: &OwnPlaces<'_>,
        order: &Order<'_>,
        place: Option<RelPath>,
        moved: &mut dyn FnMut(u64),
    ) -> Result<Ready, Refusal> {
        let stage = place.map_or_else(|| self.next_stage(own, order.path), Ok)?;
        let mut ready = Ready::at(stage);
        if let Err(refusal) = self.fill_stage(from, to, order, &mut ready, moved) {
            // Half a file in the staging place is of no use; what cannot be removed now is tidied
            // away by the next run.
            drop(to.remove_file(&ready.stage));
            return Err(refusal);
        }
        Ok(ready)
    }

    fn fill_stage(
        &mut self,
        from: &dyn Fn(Side) -> &'a dyn Observe,
        to: &dyn Replica,
        order: &Order<'_>,
        ready: &mut Ready,
        moved: &mut dyn FnMut(u64),
    ) -> Result<(), Refusal> {
        let (mut content, seen) = match order.source {
            Source::Bytes(bytes) => {
                let mut staged = to.create(&ready.stage)?;
                staged.write(bytes)?;
                moved(bytes.len() as u64);
                ready.made = Some(staged.finish(order.mode, order.mtime)?);
                ready.hash = Some(Hash(*blake3::hash(bytes).as_bytes()));
                ready.text = is_text(bytes).then(|| bytes.to_vec().into_boxed_slice());
                return Ok(());
            }
            Source::Version { side, path, seen } => (self.open(from(*side), *side, path)?, **seen),
            Source::Peer => {
                let Some((side, seen)) = order.peer else {
                    return Err(Refusal::Moved);
                };
                (self.open(from(side), side, order.path)?, *seen)
            }
        };
        let before = content.stat()?;
        let is_as_planned = match order.source {
            Source::Version { .. } => before.is_same_file(&seen),
            Source::Peer | Source::Bytes(_) => before.is_same_version(&seen),
        };
        if !is_as_planned {
            return Err(Refusal::Moved);
        }
        let mut staged = to.create(&ready.stage)?;
        (ready.hash, ready.text) = self.copy(&mut *content, &mut *staged, before.size, moved)?;
        // A source that changed while it was read is a mixture of two versions (I15).
        if !content.stat()?.is_same_version(&before) {
            return Err(Refusal::Moved);
        }
        let made = staged.finish(order.mode, order.mtime)?;
        if made.size != before.size {
            return Err(Refusal::Moved);
        }
        ready.source = Some(before);
        ready.made = Some(made);
        Ok(())
    }

    fn open(
        &mut self,
        from: &dyn Observe,
        side: Side,
        path: &RelPath,
    ) -> Result<Box<dyn Content>, Refusal> {
        let parent = path.parent().unwrap_or_default();
        let is_open = self
            .open_dir
            .as_ref()
            .is_some_and(|(s, p, _)| *s == side && *p == parent);
        if !is_open {
            self.open_dir = None;
            self.open_dir = Some((side, parent.clone(), from.open_dir(&parent).map_err(gone)?));
        }
        let Some((_, _, dir)) = &self.open_dir else {
            return Err(Refusal::Moved);
        };
        dir.open(path.name()).map_err(|fault| {
            gone(Fault {
                path: path.clone(),
                ..fault
            })
        })
    }

    fn copy(
        &mut self,
        content: &mut dyn Content,
        staged: &mut dyn Staged,
        size: u64,
        moved: &mut dyn FnMut(u64),
    ) -> Result<Gleaned, Fault> {
        if size > HASHED_MAX && !self.pace.is_limited() {
            let cancel = self.cancel;
            let mut tell = |bytes: u64| {
                moved(bytes);
                !cancel.is_cancelled()
            };
            if staged.copy_from(content, &mut tell)? {
                return Ok((None, None));
            }
        }
        let mut hasher = (size <= HASHED_MAX).then(blake3::Hasher::new);
        let mut text = None;
        let mut done = 0_u64;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Fault::cancelled(&RelPath::root()));
            }
            let n = content.read(&mut self.buffer)?;
            if n == 0 {
                break;
            }
            let bytes = &self.buffer[..n];
            self.pace.pass(n as u64, self.cancel);
            if size > HASHED_MAX && bytes.iter().all(|&b| b == 0) {
                staged.skip(n as u64)?;
            } else {
                staged.write(bytes)?;
            }
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
            if done == 0 && n as u64 == size && is_text(bytes) {
                text = Some(bytes.into());
            }
            done += n as u64;
            moved(n as u64);
        }
        Ok((
            hasher.map(|hasher| Hash(*hasher.finalize().as_bytes())),
            text,
        ))
    }
}

/// A source that is not there, or no file any more, has moved on since the plan was made.
fn gone(fault: Fault) -> Refusal {
    if fault.is_one_of(&[FaultKind::NotFound, FaultKind::WrongKind]) {
        Refusal::Moved
    } else {
        Refusal::Fault(fault)
    }
}

/// Moves a staged file or link under its final name. `seen` is the file or link the plan saw
/// there, or `None` for a free name. Returns what is there now.
pub(crate) fn commit(
    to: &dyn Replica,
    own: &OwnPlaces<'_>,
    stage: &RelPath,
    path: &RelPath,
    seen: Option<&Entry>,
) -> Result<Entry, Refusal> {
    let staged = to.stat(stage)?.ok_or(Refusal::Moved)?;
    match seen {
        None => commit_new(to, stage, path)?,
        Some(seen) if to.capabilities().exchange => commit_over(to, own, stage, path, seen)?,
        Some(seen) => {
            let version = remove(to, own, path, seen)?;
            if let Err(refusal) = commit_new(to, stage, path) {
                // The name must not stay empty, as if someone had deleted it.
                drop(to.move_new(&version, path));
                return Err(refusal);
            }
        }
    }
    // What someone has put there since must not be taken for what both sides agree on.
    let now = to.stat(path)?.filter(|now| now.is_same_file(&staged));
    now.ok_or(Refusal::Moved)
}

fn commit_new(to: &dyn Replica, stage: &RelPath, path: &RelPath) -> Result<(), Refusal> {
    to.move_new(stage, path).map_err(|fault| {
        drop(to.remove_file(stage));
        let capabilities = to.capabilities();
        if fault.kind != FaultKind::Exists {
            Refusal::Fault(fault)
        } else if capabilities.folds_case || capabilities.folds_unicode {
            Refusal::NamesCollide
        } else {
            Refusal::Moved
        }
    })
}

fn commit_over(
    to: &dyn Replica,
    own: &OwnPlaces<'_>,
    stage: &RelPath,
    path: &RelPath,
    seen: &Entry,
) -> Result<(), Refusal> {
    if !to.stat(path)?.is_some_and(|now| now.is_same_version(seen)) {
        drop(to.remove_file(stage));
        return Err(Refusal::Moved);
    }
    // The new content waits at the place of the version, so that one exchange both installs it and
    // keeps the old one, and a crash on either side of the exchange loses nothing.
    let version = own.version(path)?;
    to.move_new(stage, &version)?;
    if let Err(fault) = to.exchange(&version, path) {
        drop(to.remove_file(&version));
        return Err(gone(fault));
    }
    match to.stat(&version)? {
        Some(old) if old.is_same_file(seen) => Ok(()),
        // Someone wrote between the check and the exchange: theirs goes back to its place. Ours
        // stays among the versions, because even it may have been written to in that moment.
        Some(_) => {
            to.exchange(&version, path)?;
            Err(Refusal::Moved)
        }
        None => Err(Refusal::Moved),
    }
}

/// Makes a version of a file or link: it leaves its name and is kept. Returns where.
pub(crate) fn remove(
    to: &dyn Replica,
    own: &OwnPlaces<'_>,
    path: &RelPath,
    seen: &Entry,
) -> Result<RelPath, Refusal> {
    if !to.stat(path)?.is_some_and(|now| now.is_same_version(seen)) {
        return Err(Refusal::Moved);
    }
    let version = own.version(path)?;
    to.move_new(path, &version).map_err(gone)?;
    match to.stat(&version)? {
        Some(out) if out.is_same_file(seen) => Ok(version),
        _ => {
            // Not what the plan saw. Where its name was taken again in the meantime it stays a
            // version, which is no loss either.
            drop(to.move_new(&version, path));
            Err(Refusal::Moved)
        }
    }
}

/// Removes a directory that must be empty by now.
pub(crate) fn remove_dir(to: &dyn Replica, path: &RelPath, seen: &Entry) -> Result<(), Refusal> {
    let now = to.stat(path)?;
    if !now.is_some_and(|now| now.kind == Kind::Dir && now.id == seen.id) {
        return Err(Refusal::Moved);
    }
    to.remove_dir(path).map_err(|fault| {
        if fault.kind == FaultKind::NotEmpty {
            Refusal::Moved
        } else {
            gone(fault)
        }
    })
}
