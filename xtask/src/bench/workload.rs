//! The workloads: how large, which tools, and what syncmgr has to reach.

use super::tools::Tool;

/// One workload. The numbers of the files are those at scale 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Ten files on each side, nothing changed.
    W0,
    /// First sync of 50,000 files of 4 KiB into an empty side.
    W1,
    /// First contact of two equal trees of 200,000 files.
    W1e,
    /// Nothing changed in 200,000 files.
    W2,
    /// Nothing changed in 1,000,000 files.
    W2M,
    /// 200,000 files; on each side 1 % changed, 0.5 % deleted, 0.5 % added.
    W3,
    /// One file of 4 GiB.
    W4,
    /// 1 MiB changed in the middle of it.
    W5,
    /// A directory of 20,000 files renamed, 25,000 files beside it.
    W6,
    /// 1,000 of 5,000 files changed on both sides.
    W7,
}

/// What a result is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Wall time, in seconds at scale 1.
    Wall(f64),
    /// CPU time, in seconds at scale 1.
    Cpu(f64),
    /// Peak memory in MiB.
    Peak(f64),
    /// At most this many times the wall time of another tool.
    Against(Tool, f64),
    /// At most this many times the limit measured in the same run.
    AgainstLimit(f64),
    /// No version that a person wrote is gone.
    NothingLost,
}

/// Every workload, in the order in which they run.
pub(crate) const ALL: [Work; 10] = [
    Work::W0,
    Work::W1,
    Work::W1e,
    Work::W2,
    Work::W2M,
    Work::W3,
    Work::W4,
    Work::W5,
    Work::W6,
    Work::W7,
];

impl Work {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::W0 => "W0",
            Self::W1 => "W1",
            Self::W1e => "W1e",
            Self::W2 => "W2",
            Self::W2M => "W2M",
            Self::W3 => "W3",
            Self::W4 => "W4",
            Self::W5 => "W5",
            Self::W6 => "W6",
            Self::W7 => "W7",
        }
    }

    pub(crate) fn find(id: &str) -> Option<Self> {
        ALL.into_iter()
            .find(|work| work.id().eq_ignore_ascii_case(id))
    }

    /// Says what happens, with the real numbers.
    pub(crate) fn title(self, scale: f64) -> String {
        let n = self.n_files(scale);
        match self {
            Self::W0 => format!("nothing changed, {n} files: start to exit"),
            Self::W1 => format!("first sync, {n} files of 4 KiB into an empty side"),
            Self::W1e => format!("first contact of two equal trees, {n} files"),
            Self::W2 | Self::W2M => format!("nothing changed, {n} files"),
            Self::W3 => format!("{n} files; each side 1 % changed, 0.5 % deleted, 0.5 % added"),
            Self::W4 => format!("one file of {} MiB", large_bytes(scale) >> 20),
            Self::W5 => format!(
                "1 MiB changed in a file of {} MiB",
                large_bytes(scale) >> 20
            ),
            Self::W6 => format!(
                "a directory of {} files renamed, {n} beside it",
                moved(scale)
            ),
            Self::W7 => format!("{} of {n} files changed on both sides", disputed(scale)),
        }
    }

    /// How many small files the tree has (for W6, those beside the renamed directory).
    pub(crate) fn n_files(self, scale: f64) -> u64 {
        match self {
            Self::W0 => 10,
            Self::W1 => scaled(50_000, scale),
            Self::W1e | Self::W2 | Self::W3 => scaled(200_000, scale),
            Self::W2M => scaled(1_000_000, scale),
            Self::W4 => 0,
            // bisync refuses a run in which every file changed, so there are bystanders.
            Self::W5 => 20,
            Self::W6 => scaled(25_000, scale),
            Self::W7 => scaled(5_000, scale),
        }
    }

    pub(crate) fn tools(self) -> &'static [Tool] {
        use Tool::{Bisync, Cp, Rclone, Rsync, Syncmgr, Unison};
        match self {
            Self::W0 => &[Syncmgr, Rsync, Unison, Bisync],
            Self::W1 | Self::W4 | Self::W5 => &[Syncmgr, Cp, Rsync, Rclone, Bisync, Unison],
            Self::W1e | Self::W2 | Self::W2M | Self::W3 => &[Syncmgr, Rsync, Unison, Bisync],
            Self::W6 => &[Syncmgr, Rclone, Rsync, Bisync, Unison],
            Self::W7 => &[Syncmgr, Rsync, Unison, Bisync],
        }
    }

    pub(crate) fn targets(self) -> &'static [Target] {
        use Target::{Against, AgainstLimit, Cpu, NothingLost, Peak, Wall};
        use Tool::{Bisync, Cp, Rclone, Rsync, Unison};
        match self {
            Self::W0 => &[Wall(0.015), Cpu(0.010)],
            Self::W1 => &[
                Against(Rsync, 0.6),
                Against(Cp, 1.0),
                Against(Unison, 1.0 / 6.0),
                Against(Bisync, 0.25),
                Peak(40.0),
            ],
            Self::W1e => &[Wall(2.0), Against(Bisync, 0.1), Peak(60.0)],
            Self::W2 => &[
                AgainstLimit(1.5),
                Against(Unison, 0.25),
                Against(Bisync, 0.1),
                Peak(40.0),
            ],
            Self::W2M => &[AgainstLimit(1.5), Peak(100.0)],
            Self::W3 => &[Against(Rsync, 0.6), Against(Unison, 0.25)],
            // Where the file system shares blocks between copies, W5 should be far below this.
            Self::W4 | Self::W5 => &[Against(Cp, 1.1)],
            Self::W6 => &[Against(Rclone, 0.25)],
            Self::W7 => &[NothingLost, Wall(1.0)],
        }
    }

    /// Exit codes that mean "done" for syncmgr here.
    pub(crate) fn expected_codes(self) -> &'static [i32] {
        match self {
            // Conflicts remain, which is the point of it.
            Self::W7 => &[11],
            Self::W0
            | Self::W1
            | Self::W1e
            | Self::W2
            | Self::W2M
            | Self::W3
            | Self::W4
            | Self::W5
            | Self::W6 => &[0],
        }
    }

    /// All tools can work on one pair of trees, because a run leaves them as it found them.
    pub(crate) fn shares_trees(self) -> bool {
        !matches!(self, Self::W3 | Self::W7)
    }

    /// The directory of the trees; two workloads on the same data share it.
    pub(crate) fn tree(self) -> &'static str {
        match self {
            Self::W1e | Self::W2 => "equal",
            other @ (Self::W0
            | Self::W1
            | Self::W2M
            | Self::W3
            | Self::W4
            | Self::W5
            | Self::W6
            | Self::W7) => other.id(),
        }
    }
}

/// Size of the large file of W4 and W5.
pub(crate) fn large_bytes(scale: f64) -> u64 {
    ((4u64 << 30) as f64 * scale) as u64
}

/// Files in the directory that W6 renames.
pub(crate) fn moved(scale: f64) -> u64 {
    scaled(20_000, scale)
}

/// Files that W7 changes on both sides.
pub(crate) fn disputed(scale: f64) -> u64 {
    scaled(1_000, scale)
}

/// Below ten files nothing can be told, whatever the scale.
fn scaled(n: u64, scale: f64) -> u64 {
    ((n as f64 * scale) as u64).max(10)
}
