//! Opens a pair: finds both folders, keeps other runs out, finds the memory and which way round it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Pair;
use super::error::OpenError;
use crate::clock::Clock;
use crate::entry::{Side, Sides};
use crate::local::LocalReplica;
use crate::lock::{LockError, RootLock};
use crate::overlap::{self, Overlap};
use crate::path::RelPath;
use crate::replica::{Capabilities, Fault, FaultKind, Replica};
use crate::state::{Opened, State, StateError};

/// Opens the memory of a pair and finds out which way round it is.
fn open_state(
    dir: &Path,
    paths: &Sides<PathBuf>,
) -> Result<(State, Option<PathBuf>, bool), OpenError> {
    let failed = |error: StateError| OpenError::State {
        path: dir.to_owned(),
        detail: error.to_string(),
    };
    let (mut state, opened) = State::open(dir).map_err(failed)?;
    let rebuilt = match opened {
        Opened::Fresh | Opened::Existing => None,
        Opened::Rebuilt { kept_as } => Some(kept_as),
    };
    let known = state.meta("left.path").map_err(failed)?;
    let is_swapped = known.as_deref() == Some(&*path_text(&paths.right));
    state.set_swapped(is_swapped);
    if known.is_none() {
        remember_paths(&mut state, paths, is_swapped).map_err(failed)?;
    }
    Ok((state, rebuilt, is_swapped))
}

pub(super) fn remember_paths(
    state: &mut State,
    paths: &Sides<PathBuf>,
    is_swapped: bool,
) -> Result<(), StateError> {
    for side in Side::BOTH {
        state.set_meta(key(side, "path", is_swapped), &path_text(&paths[side]))?;
    }
    Ok(())
}

fn path_text(path: &Path) -> String {
    crate::path::display_bytes(path.as_os_str().as_encoded_bytes())
}

/// Names a remembered fact about a side. The state always has the sides in the order of the first
/// run, so facts about a swapped pair are looked up crosswise.
pub(super) fn key(side: Side, what: &str, is_swapped: bool) -> &'static str {
    let side = if is_swapped { side.other() } else { side };
    match (side, what) {
        (Side::Left, "path") => "left.path",
        (Side::Left, "mark") => "left.mark",
        (Side::Left, "root") => "left.root",
        (Side::Left, _) => "left.can",
        (Side::Right, "path") => "right.path",
        (Side::Right, "mark") => "right.mark",
        (Side::Right, "root") => "right.root",
        (Side::Right, _) => "right.can",
    }
}

impl Pair {
    /// Opens two local folders for a run: identifies both, refuses same, nested and aliased ones,
    /// and takes the locks that keep every other run, of whoever, out of both until the value is
    /// dropped. `state` is a directory of this pair alone; it is made when missing. Swapping
    /// `left` and `right` gives the same pair, mirrored. Writes nothing into the folders.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        left: &Path,
        right: &Path,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut pair = Self::open_unlocked(left, right, state, clock)?;
        let lock = |side: Side| {
            RootLock::acquire(&pair.paths[side]).map_err(|error| match error {
                LockError::Busy { path, pid } => OpenError::Busy { side, path, pid },
                LockError::Io { path, source } => OpenError::Root {
                    side,
                    path,
                    fault: Fault::new(FaultKind::Io, "lock", &RelPath::root(), source.to_string()),
                },
            })
        };
        let locks = Sides::new(lock(Side::Left)?, lock(Side::Right)?);
        pair.locks = Some(locks);
        Ok(pair)
    }

    /// Opens two local folders to look only, also while a run is working in them: like
    /// [`Self::open`] without the locks. [`Self::apply`] is refused.
    ///
    /// # Errors
    /// [`OpenError`], except `Busy`.
    pub fn open_unlocked(
        left: &Path,
        right: &Path,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let open = |side: Side, path: &Path| {
            LocalReplica::open(path).map_err(|fault| OpenError::Root {
                side,
                path: path.to_owned(),
                fault,
            })
        };
        let locals = Sides::new(open(Side::Left, left)?, open(Side::Right, right)?);
        let paths = locals.as_ref().map(|local| local.path().to_owned());
        overlap::check(&paths.left, &paths.right).map_err(|overlap| match overlap {
            Overlap::Same => OpenError::Same,
            Overlap::Nested { inner } => OpenError::Nested { inner },
        })?;
        let (memory, rebuilt, is_swapped) = open_state(state, &paths)?;
        let with = |side: Side, local: LocalReplica| {
            let known = memory.meta(key(side, "can", is_swapped)).ok().flatten();
            match known.as_deref().and_then(Capabilities::from_text) {
                Some(capabilities) => local.with_capabilities(capabilities),
                None => local,
            }
        };
        let locals = Sides::new(
            Arc::new(with(Side::Left, locals.left)),
            Arc::new(with(Side::Right, locals.right)),
        );
        Ok(Self {
            sides: locals.clone().map(|local| local as Arc<dyn Replica>),
            paths,
            locals: locals.map(Some),
            state_dir: state.to_owned(),
            state: Mutex::new(memory),
            rebuilt: Mutex::new(rebuilt),
            clock,
            is_swapped,
            locks: None,
        })
    }

    /// Opens a pair of any two replicas; keeping other runs out is the caller's business.
    ///
    /// # Errors
    /// [`OpenError::State`].
    pub fn with_replicas(
        left: Arc<dyn Replica>,
        right: Arc<dyn Replica>,
        state: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let paths = Sides::new(PathBuf::from("left"), PathBuf::from("right"));
        let (memory, rebuilt, is_swapped) = open_state(state, &paths)?;
        Ok(Self {
            sides: Sides::new(left, right),
            paths,
            locals: Sides::default(),
            state_dir: state.to_owned(),
            state: Mutex::new(memory),
            rebuilt: Mutex::new(rebuilt),
            clock,
            is_swapped,
            locks: None,
        })
    }
}
