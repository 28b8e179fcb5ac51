//! Why two folders cannot be used as a pair, and why a run ended before its end.

use std::path::PathBuf;

use crate::entry::Side;
use crate::path::RelPath;
use crate::replica::Fault;

/// Why two folders cannot be used as a pair. Nothing has been written when one of these is
/// returned.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A root is not there, is no directory, or cannot be read.
    #[error("the {} folder `{}` cannot be used: {fault}", side.as_str(), path.display())]
    Root {
        /// Which side.
        side: Side,
        /// As given.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// Both are the same folder, maybe through a link or a second mount.
    #[error("both are the same folder")]
    Same,
    /// One lies inside the other.
    #[error("one folder is inside the other")]
    Nested {
        /// The one that is inside.
        inner: Side,
    },
    /// Another run works on one of the folders, or on one above or below it.
    #[error("another run is working on `{}`", path.display())]
    Busy {
        /// Which side.
        side: Side,
        /// The folder that is taken.
        path: PathBuf,
        /// The process that holds it, if it can be told.
        pid: Option<u32>,
    },
    /// The memory of the agreed state cannot be opened or written.
    #[error("cannot open the state in `{}`: {detail}", path.display())]
    State {
        /// Where.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A person stopped it. Files are whole; the next run carries on.
    #[error("the run was stopped")]
    Stopped,
    /// A root vanished or could not be listed.
    #[error("cannot list the {} folder: {fault}", side.as_str())]
    Root {
        /// Which side.
        side: Side,
        /// What is wrong.
        fault: Fault,
    },
    /// A root turned out to contain the other (seen while walking).
    #[error("one folder is inside the other")]
    Nested {
        /// The one that is inside.
        inner: Side,
    },
    /// The memory of the agreed state failed.
    #[error("the state of this sync cannot be used: {0}")]
    State(String),
    /// The memory turned out to be damaged and has been begun anew. [`Pair::plan`](super::Pair::plan) goes on by
    /// itself then; a run ends here, and the next look compares both sides as at first contact.
    #[error("the state of this sync is damaged: {0}")]
    Damaged(String),
    /// Something named by the caller is not there (a run, a conflict, a version).
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// What it is: "run", "conflict", "version".
        what: &'static str,
        /// As given.
        name: String,
    },
    /// A side changed since what was shown; look again before deciding.
    #[error("`{path}` has changed since it was shown")]
    ChangedMeanwhile {
        /// The path.
        path: RelPath,
    },
    /// What was asked for is not possible here, with the reason in plain words.
    #[error("{0}")]
    NotPossible(String),
}
