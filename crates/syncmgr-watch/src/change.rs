//! What a watch reports.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// A report about one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Since the last report something changed directly in these directories: a name came, went,
    /// or has other content or attributes. Nothing changed anywhere else beneath the root, as far
    /// as the system tells (see [`Coverage`]).
    Dirty {
        /// Index of the root, in the order given to `start`.
        root: usize,
        /// Paths relative to the root; the root itself is the empty path. Some may be gone again.
        dirs: BTreeSet<PathBuf>,
    },
    /// Anything beneath the root may have changed. The watch goes on where it can, so after one
    /// look at everything the following reports can be relied on again.
    Lost {
        /// Index of the root, in the order given to `start`.
        root: usize,
        /// Why.
        cause: Cause,
    },
}

/// Why nothing is known about a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The system dropped events because too many came at once.
    Overflow,
    /// More directories changed than a report lists.
    TooMany,
    /// Not every directory could be watched. Comes with every report about this root, because what
    /// was not watched may have changed any time.
    TooFewWatches {
        /// Directories beneath the root.
        needed: u64,
        /// What the system allows one user for all programs together, if it says.
        allowed: Option<u64>,
    },
    /// The root is not there; another report comes when it is back.
    RootGone,
    /// The root is there again, or another folder is in its place.
    RootReturned,
    /// A file system was mounted or unmounted at, above or beneath the root.
    MountChanged,
    /// The watch itself failed and is over.
    Failed(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("more happened at once than the system keeps track of"),
            Self::TooMany => f.write_str("very many folders changed at once"),
            Self::TooFewWatches { needed, allowed } => {
                write!(
                    f,
                    "the folder has {needed} folders in it, more than can be watched"
                )?;
                match allowed {
                    Some(allowed) => write!(
                        f,
                        " (the system allows {allowed} for all programs together; \
                         `sudo sysctl fs.inotify.max_user_watches={}` raises it)",
                        needed.saturating_mul(2).max(allowed.saturating_mul(2))
                    ),
                    None => Ok(()),
                }
            }
            Self::RootGone => f.write_str("the folder is not there"),
            Self::RootReturned => f.write_str("the folder is back, or another one is in its place"),
            Self::MountChanged => f.write_str("a drive was attached or removed here"),
            Self::Failed(detail) => write!(f, "watching failed: {detail}"),
        }
    }
}

/// How much of a root is watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Directories that are watched.
    pub n_watched: u64,
    /// Directories that had to be left out for want of watches, as of when they were met.
    pub n_left_out: u64,
    /// What the system allows one user for all programs together, if it says.
    pub allowed: Option<u64>,
    /// The root lies on a network or user-space file system: what other machines change there is
    /// not reported.
    pub is_remote: bool,
    /// The root is there.
    pub is_there: bool,
}

impl Coverage {
    /// Says whether every change by this machine is seen. Where it is not, a look at everything
    /// from time to time has to make up for it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_there && self.n_left_out == 0 && !self.is_remote
    }
}

/// Why a watch could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Every program together has as many watchers as the system allows one user.
    #[error(
        "the system allows no further watcher{}: raise fs.inotify.max_user_instances, or sync on a schedule instead",
        allowed.map(|n| format!(" (the limit is {n})")).unwrap_or_default()
    )]
    TooManyWatchers {
        /// The limit, if the system says.
        allowed: Option<u64>,
    },
    /// A root is no absolute path.
    #[error("`{}` is not an absolute path", .0.display())]
    NotAbsolute(PathBuf),
    /// Anything else.
    #[error("watching could not begin: {0}")]
    Io(#[from] io::Error),
}
