//! syncmgr and its peers: where they are, and how each is called for a workload.

use std::path::{Path, PathBuf};

use super::workload::Work;
use crate::measure::Words;
use crate::shell;

/// A program that brings two folders together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Syncmgr,
    Cp,
    Rsync,
    Unison,
    /// One way.
    Rclone,
    /// Two ways.
    Bisync,
}

/// Every tool.
pub(crate) const ALL: [Tool; 6] = [
    Tool::Syncmgr,
    Tool::Cp,
    Tool::Rsync,
    Tool::Unison,
    Tool::Rclone,
    Tool::Bisync,
];

/// The two folders of a run and where the tool may keep its memory of them.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) left: PathBuf,
    pub(crate) right: PathBuf,
    pub(crate) state: PathBuf,
}

impl Tool {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Syncmgr => "syncmgr",
            Self::Cp => "cp",
            Self::Rsync => "rsync",
            Self::Unison => "unison",
            Self::Rclone => "rclone",
            Self::Bisync => "bisync",
        }
    }

    pub(crate) fn find(id: &str) -> Option<Self> {
        ALL.into_iter().find(|tool| tool.id() == id)
    }

    /// Where the program is, if it is installed.
    pub(crate) fn program(self) -> Option<PathBuf> {
        match self {
            Self::Syncmgr => Some(shell::product()).filter(|path| path.is_file()),
            Self::Cp => shell::find("cp"),
            Self::Rsync => shell::find("rsync"),
            Self::Unison => shell::find("unison"),
            Self::Rclone | Self::Bisync => Some(shell::tools().join("bin/rclone"))
                .filter(|path| path.is_file())
                .or_else(|| shell::find("rclone")),
        }
    }

    /// What it says when asked for its version, first line only.
    pub(crate) fn version(self) -> Option<String> {
        let argument = match self {
            Self::Unison => "-version",
            Self::Rclone | Self::Bisync => "version",
            Self::Syncmgr | Self::Cp | Self::Rsync => "--version",
        };
        let mut command = std::process::Command::new(self.program()?);
        let text = shell::capture(command.arg(argument)).ok()?;
        text.lines().next().map(str::to_owned)
    }

    /// It remembers what both sides agreed on.
    pub(crate) fn has_memory(self) -> bool {
        match self {
            Self::Syncmgr | Self::Unison | Self::Bisync => true,
            Self::Cp | Self::Rsync | Self::Rclone => false,
        }
    }

    /// The finest step of a modification time it carries over, in nanoseconds.
    pub(crate) fn time_step_ns(self) -> i64 {
        match self {
            // It keeps times as floating point numbers, and the rest is rounded away.
            Self::Unison => 1_000_000_000,
            Self::Syncmgr | Self::Cp | Self::Rsync | Self::Rclone | Self::Bisync => 1,
        }
    }

    /// The variables that keep its state inside the benchmark's own directory.
    pub(crate) fn env(self, setting: &Setting) -> Vec<(String, PathBuf)> {
        let at = |name: &str, dir: &str| (name.to_owned(), setting.state.join(dir));
        match self {
            Self::Syncmgr => vec![
                at("SYNCMGR_STATE_DIR", "state"),
                at("SYNCMGR_CONFIG_DIR", "config"),
            ],
            Self::Unison => vec![at("UNISON", "unison")],
            Self::Rclone | Self::Bisync => vec![
                at("RCLONE_CONFIG", "rclone.conf"),
                at("RCLONE_CACHE_DIR", "cache"),
            ],
            Self::Cp | Self::Rsync => Vec::new(),
        }
    }

    /// The commands of one run; `is_first` when the tool has no memory of the pair yet.
    pub(crate) fn commands(self, work: Work, setting: &Setting, is_first: bool) -> Vec<Words> {
        let program = self.program().unwrap_or_else(|| self.id().into());
        let (left, right) = (text(&setting.left), text(&setting.right));
        let inside = |dir: &str| format!("{dir}/");
        let call = |args: &[&str]| -> Words {
            std::iter::once(text(&program))
                .chain(args.iter().map(|&arg| arg.to_owned()))
                .collect()
        };
        match self {
            Self::Syncmgr => vec![call(&["sync", &left, &right, "--quiet"])],
            Self::Cp => vec![call(&["-a", &format!("{left}/."), &inside(&right)])],
            Self::Rsync if goes_one_way(work) => {
                let delete: &[&str] = if work == Work::W6 { &["--delete"] } else { &[] };
                let sides = [inside(&left), inside(&right)];
                let args = [&["-a"], delete, &[&sides[0], &sides[1]]].concat();
                vec![call(&args)]
            }
            // Two calls are how people use it in both directions; the newer file wins.
            Self::Rsync => vec![
                call(&["-au", &inside(&left), &inside(&right)]),
                call(&["-au", &inside(&right), &inside(&left)]),
            ],
            Self::Unison => vec![call(&[
                &left,
                &right,
                "-batch",
                "-times",
                "-silent",
                "-ui",
                "text",
                "-log=false",
            ])],
            Self::Rclone => {
                let renames: &[&str] = if work == Work::W6 {
                    &["--track-renames"]
                } else {
                    &[]
                };
                vec![call(&[&["sync", &left, &right], renames].concat())]
            }
            Self::Bisync => {
                let workdir = text(&setting.state.join("bisync"));
                let first: &[&str] = if is_first { &["--resync"] } else { &[] };
                let args = [&["bisync", &left, &right, "--workdir", &workdir], first].concat();
                vec![call(&args)]
            }
        }
    }

    /// Exit codes that mean "done".
    pub(crate) fn expected_codes(self, work: Work) -> &'static [i32] {
        match self {
            Self::Syncmgr => work.expected_codes(),
            // 1 says that something was skipped: the conflicts.
            Self::Unison if work == Work::W7 => &[0, 1],
            Self::Unison | Self::Cp | Self::Rsync | Self::Rclone | Self::Bisync => &[0],
        }
    }
}

/// Only the left side has news, so one direction is enough.
fn goes_one_way(work: Work) -> bool {
    matches!(work, Work::W1 | Work::W4 | Work::W5 | Work::W6)
}

/// The paths are made by this program, from a directory whose name was checked.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
