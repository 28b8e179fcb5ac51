//! A pair that is opened to look only. One that has no state yet gets one for as long as the look
//! takes, in the folder for temporary files: a look leaves nothing behind, and what was once looked
//! at in other folders says nothing about these.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use syncmgr_engine::pair::Pair;

/// Most names that are tried: one that is taken is left from a process that was killed.
const NAMES_MAX: usize = 100;

/// Names the next temporary state of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A pair, with the state it has for now.
pub(super) struct Looked {
    pair: Pair,
    /// Goes after the pair, which has files open in it.
    _passing: Option<Passing>,
}

impl Looked {
    /// Opens a pair with the state in `kept` if there is one.
    pub(super) fn open<E>(
        kept: &Path,
        no_place: impl FnOnce(io::Error) -> E,
        open: impl FnOnce(&Path) -> Result<Pair, E>,
    ) -> Result<Self, E> {
        // What cannot be asked for is there, and says so when it is opened.
        let passing = match kept.try_exists() {
            Ok(false) => Some(Passing::make().map_err(no_place)?),
            Ok(true) | Err(_) => None,
        };
        let state = passing.as_ref().map_or(kept, |passing| &passing.0);
        Ok(Self {
            pair: open(state)?,
            _passing: passing,
        })
    }
}

impl From<Pair> for Looked {
    fn from(pair: Pair) -> Self {
        Self {
            pair,
            _passing: None,
        }
    }
}

impl Deref for Looked {
    type Target = Pair;

    fn deref(&self) -> &Pair {
        &self.pair
    }
}

impl DerefMut for Looked {
    fn deref_mut(&mut self) -> &mut Pair {
        &mut self.pair
    }
}

/// A folder that goes with its owner.
struct Passing(PathBuf);

impl Passing {
    fn make() -> io::Result<Self> {
        let base = std::env::temp_dir();
        let mut last = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..NAMES_MAX {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir = base.join(format!("syncmgr-look-{}-{n}", std::process::id()));
            // Not one that somebody else has made under this name.
            match DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok(Self(dir)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // It is in the folder for temporary files, which the system clears.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
