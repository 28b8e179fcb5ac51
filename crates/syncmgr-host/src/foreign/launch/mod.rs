//! What stands between us and the program of a handler: our own program, started a second time.
//!
//! ```text
//!  host ──► `handler-launch watch` ──► `handler-launch run` = the handler ──► what it starts
//!             keeps the tree             limits, sandbox, then exec
//! ```
//!
//! The watcher has a session of its own and is the parent of everything that loses its own
//! parent, so nothing a handler starts gets away: not by a group or session of its own, and not
//! when the host is killed, which ends the watcher, which ends the rest. It says how the handler
//! ended by its own exit code.
//!
//! Must not: know messages, manifests or the center.

mod confine;
mod run;
mod syscalls;
mod tree;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) use confine::is_system;
pub use confine::{Support, support};
pub(super) use tree::{Table, Used, kill_tree};

/// The word after the program that makes it a launcher.
pub const COMMAND: &str = "handler-launch";

/// Most folders a handler is kept to. All of them are arguments of one program start.
pub const FOLDERS_MAX: usize = 512;

/// Our program was asked to launch and does not know how.
const EXIT_USAGE: u8 = 124;
/// A limit or the sandbox could not be set up.
const EXIT_CONFINE: u8 = 125;
/// The program cannot be started.
const EXIT_NOT_STARTED: u8 = 126;
/// There is no such program.
const EXIT_NOT_FOUND: u8 = 127;

/// What one process of a handler may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory that one process may hold, and all of them together.
    pub memory_bytes: u64,
    /// Processes and threads of all of it together.
    pub n_processes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            n_processes: 64,
        }
    }
}

/// Files one process may have open: enough for servers and watches, and far from all.
const FILES_MAX: u64 = 1024;

/// What a handler can reach in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Files and folders it reads and changes.
    pub write: Vec<PathBuf>,
    /// Files and folders it reads and runs.
    pub read: Vec<PathBuf>,
    /// It may talk to services of the same person through their sockets, ours among them.
    pub has_sockets: bool,
}

/// How a handler is started.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Its private folder: where it works and may always write.
    pub(super) data_dir: PathBuf,
    /// What it may use.
    pub(super) limits: Limits,
    /// What it can reach; `None`: everything we can.
    pub(super) reach: Option<Reach>,
    /// The program, absolute, and its arguments.
    pub(super) argv: Vec<OsString>,
    /// Whose end ends it too.
    pub(super) parent: u32,
}

impl Plan {
    /// Builds the start of the watcher; pipes and environment are the caller's.
    pub(super) fn command(&self, launcher: &Path) -> Command {
        self.stage(launcher, "watch")
    }

    fn stage(&self, launcher: &Path, stage: &str) -> Command {
        let mut command = Command::new(launcher);
        command
            .arg(COMMAND)
            .arg(stage)
            .arg(option("parent", self.parent.to_string()))
            .arg(option("memory", self.limits.memory_bytes.to_string()))
            .arg(option("processes", self.limits.n_processes.to_string()))
            .arg(option("data-dir", &self.data_dir));
        if let Some(reach) = &self.reach {
            command.arg("--sandbox");
            command.args(reach.write.iter().map(|path| option("write", path)));
            command.args(reach.read.iter().map(|path| option("read", path)));
            command.args(reach.has_sockets.then_some("--sockets"));
        }
        command.arg("--").args(&self.argv);
        command
    }

    fn parse(args: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut plan = Self {
            data_dir: PathBuf::new(),
            limits: Limits::default(),
            reach: None,
            argv: Vec::new(),
            parent: 0,
        };
        let mut args = args.peekable();
        while let Some(arg) = args.next_if(|arg| arg != "--") {
            plan.take(&arg)?;
        }
        args.next();
        plan.argv = args.collect();
        (!plan.argv.is_empty()).then_some(plan)
    }

    fn take(&mut self, arg: &OsStr) -> Option<()> {
        if arg == "--sandbox" {
            self.reach = Some(Reach::default());
            return Some(());
        }
        if arg == "--sockets" {
            self.reach.as_mut()?.has_sockets = true;
            return Some(());
        }
        let bytes = arg.as_bytes();
        let at = bytes.iter().position(|byte| *byte == b'=')?;
        let value = OsStr::from_bytes(&bytes[at + 1..]);
        match &bytes[..at] {
            b"--parent" => self.parent = value.to_str()?.parse().ok()?,
            b"--memory" => self.limits.memory_bytes = value.to_str()?.parse().ok()?,
            b"--processes" => self.limits.n_processes = value.to_str()?.parse().ok()?,
            b"--data-dir" => self.data_dir = value.into(),
            b"--write" => self.reach.as_mut()?.write.push(value.into()),
            b"--read" => self.reach.as_mut()?.read.push(value.into()),
            _ => return None,
        }
        Some(())
    }
}

fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut whole = OsString::from(format!("--{name}="));
    whole.push(value);
    whole
}

/// Returns the path under which this program can be started again, also when its file was replaced
/// by another version meanwhile.
#[must_use]
pub fn own_program() -> Option<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && own.exists() {
        return Some(own.to_owned());
    }
    std::env::current_exe().ok()
}

/// Acts as the launcher when these are its arguments, the program itself first: returns the code to
/// exit with, and `None` when they are not.
#[must_use]
pub fn entry(mut args: impl Iterator<Item = OsString>) -> Option<u8> {
    let program = args.next()?;
    if args.next()? != COMMAND {
        return None;
    }
    let stage = args.next();
    let Some(plan) = Plan::parse(args) else {
        return Some(EXIT_USAGE);
    };
    let launcher = own_program().unwrap_or_else(|| program.into());
    Some(match stage.as_ref().and_then(|stage| stage.to_str()) {
        Some("watch") => watch::watch(&plan, &launcher),
        Some("run") => run::run(&plan),
        Some(_) | None => EXIT_USAGE,
    })
}

/// How the program of a handler ended, as its watcher said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It never began; why.
    NotStarted(&'static str),
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Somebody ended the watcher.
    Unknown,
}

impl Ended {
    /// Reads the exit code of the watcher.
    pub(super) fn read(status: std::process::ExitStatus) -> Self {
        match status.code() {
            None => Self::Unknown,
            Some(code) if code == i32::from(EXIT_NOT_FOUND) => {
                Self::NotStarted("there is no such program")
            }
            Some(code) if code == i32::from(EXIT_NOT_STARTED) => {
                Self::NotStarted("the program cannot be run")
            }
            Some(code) if code == i32::from(EXIT_CONFINE) => {
                Self::NotStarted("its limits or its sandbox could not be set up")
            }
            Some(code) if code == i32::from(EXIT_USAGE) => {
                Self::NotStarted("the launcher does not fit this version")
            }
            Some(code) if code > 128 => Self::Signal(code - 128),
            Some(code) => Self::Code(code),
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStarted(why) => f.write_str(why),
            Self::Code(code) => write!(f, "it ended by itself with code {code}"),
            Self::Signal(signal) => write!(f, "it was ended by signal {signal}"),
            Self::Unknown => f.write_str("what watches over it was ended"),
        }
    }
}

/// Says why a start did not work, where the log of the handler is read.
fn complain(what: &str, error: &io::Error) {
    use std::io::Write as _;
    // Who cannot hear it learns of it by the code.
    drop(writeln!(io::stderr(), "syncmgr: cannot {what}: {error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_arguments() {
        let plan = Plan {
            data_dir: "/state/handlers/a".into(),
            limits: Limits {
                memory_bytes: 5,
                n_processes: 6,
            },
            reach: Some(Reach {
                write: vec!["/a=b".into(), OsStr::from_bytes(b"/\xff").into()],
                read: vec!["/c".into()],
                has_sockets: true,
            }),
            argv: ["/bin/x", "--read=1", "--", "-"]
                .map(OsString::from)
                .to_vec(),
            parent: 7,
        };
        let command = plan.command(Path::new("/me"));
        let args = command.get_args().map(OsStr::to_owned).skip(2);
        let back = Plan::parse(args).unwrap();
        assert_eq!(format!("{back:?}"), format!("{plan:?}"));
    }

    #[test]
    fn other_arguments_are_no_launch() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(entry(args(&["syncmgr"]).into_iter()), None);
        assert_eq!(entry(args(&["syncmgr", "sync"]).into_iter()), None);
        let broken = args(&["syncmgr", COMMAND, "watch", "--odd=1", "--", "/bin/true"]);
        assert_eq!(entry(broken.into_iter()), Some(EXIT_USAGE));
    }
}
