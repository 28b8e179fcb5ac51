//! The command itself: started as a shell would start it, signals passed on, its end told as a
//! shell would tell it.
//!
//! ```text
//!  no terminal ──► a process group of its own; signals go to the group
//!  a terminal  ──► the group of the terminal, as without syncmgr: Ctrl-C and Ctrl-Z come from there
//!                  to everybody in it, so only what is sent to syncmgr alone is passed on
//! ```

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::rest;

/// How long a command that was asked to stop has, before it is killed: what handlers have.
const GRACE: Duration = Duration::from_secs(10);

/// What the system says of a file that is no program but may be a script without a first line.
const NO_EXEC: i32 = 8;

/// The shell that runs such a script, as every shell does.
const SHELL: &str = "/bin/sh";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started; the code a shell would give.
    NotStarted(u8),
}

impl End {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Code(1),
        }
    }

    /// Returns the exit code a shell would give.
    #[must_use]
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code & 0xff).unwrap_or(1),
            Self::Signal(signal) => u8::try_from((128 + signal) & 0xff).unwrap_or(128),
            Self::NotStarted(code) => code,
        }
    }
}

/// Whom signals go to.
#[derive(Debug, Clone, Copy)]
struct Target {
    pid: Pid,
    is_group: bool,
}

impl Target {
    fn send(self, signal: Signal) {
        let sent = if self.is_group {
            rustix::process::kill_process_group(self.pid, signal)
        } else {
            rustix::process::kill_process(self.pid, signal)
        };
        // It may have ended just now.
        sent.unwrap_or(());
    }
}

/// The way to a command that runs, or is about to.
#[derive(Debug, Clone, Default)]
pub(super) struct Reins(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    target: Option<Target>,
    /// Came before the command was started.
    early: Vec<Signal>,
    is_over: bool,
    was_stopped: bool,
    was_interrupted: bool,
}

impl Reins {
    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a signal on.
    fn send(&self, signal: Signal) {
        let mut held = self.held();
        match held.target {
            Some(target) => target.send(signal),
            None if !held.is_over => held.early.push(signal),
            None => {}
        }
    }

    /// Asks the command to stop, and kills it when it does not.
    pub(super) fn stop(&self) {
        self.held().was_stopped = true;
        self.send(Signal::TERM);
        let reins = self.clone();
        let kill = move || {
            rest(GRACE);
            reins.send(Signal::KILL);
        };
        // Without a thread it has been asked all the same.
        drop(std::thread::Builder::new().spawn(kill));
    }

    /// Says whether somebody asked for the end through syncmgr.
    pub(super) fn was_stopped(&self) -> bool {
        self.held().was_stopped
    }

    /// Says whether a person pressed Ctrl-C.
    pub(super) fn was_interrupted(&self) -> bool {
        self.held().was_interrupted
    }

    fn started(&self, target: Target) {
        let mut held = self.held();
        held.target = Some(target);
        for signal in std::mem::take(&mut held.early) {
            target.send(signal);
        }
    }

    /// From here on its number may belong to another process.
    fn over(&self) {
        let mut held = self.held();
        held.target = None;
        held.is_over = true;
    }
}

/// Says whether one of our streams is a terminal.
fn has_terminal() -> bool {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]
        .into_iter()
        .any(rustix::termios::isatty)
}

/// A command that was started.
#[derive(Debug)]
pub(super) struct Started {
    /// The process; its piped streams can be taken.
    pub(super) child: Child,
    reins: Reins,
}

/// Starts the command; `is_piped`: its output comes through us.
///
/// # Errors
/// The exit code a shell would give, and what a shell would say.
pub(super) fn start(
    argv: &[OsString],
    is_piped: bool,
    reins: &Reins,
) -> Result<Started, (End, String)> {
    let is_group = !has_terminal();
    listen(reins, is_group);
    let (program, args) = argv
        .split_first()
        .ok_or((End::NotStarted(127), String::new()))?;
    let spawned = match prepare(program, args, is_piped, is_group).spawn() {
        Err(error) if error.raw_os_error() == Some(NO_EXEC) => {
            let script: Vec<_> = std::iter::once(program).chain(args).cloned().collect();
            prepare(&SHELL.into(), &script, is_piped, is_group).spawn()
        }
        other => other,
    };
    let child = spawned.map_err(|error| not_started(&error))?;
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        reins.started(Target { pid, is_group });
    }
    Ok(Started {
        child,
        reins: reins.clone(),
    })
}

fn prepare(program: &OsString, args: &[OsString], is_piped: bool, is_group: bool) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    if is_piped {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    if is_group {
        command.process_group(0);
    }
    command
}

fn not_started(error: &io::Error) -> (End, String) {
    match error.kind() {
        ErrorKind::NotFound => (End::NotStarted(127), "not found".to_owned()),
        ErrorKind::PermissionDenied => (End::NotStarted(126), "permission denied".to_owned()),
        _ => {
            let words = syncmgr_model::format::without_os_numbers(&error.to_string());
            (End::NotStarted(126), words)
        }
    }
}

impl Started {
    /// Waits for the end of the command.
    pub(super) fn wait(mut self) -> End {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Without taking its number from it yet: signals may still be on their way.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(
                rustix::process::waitid(WaitId::Pid(pid), options),
                Err(rustix::io::Errno::INTR)
            ) {}
        }
        self.reins.over();
        match self.child.wait() {
            Ok(status) => End::of(status),
            // Nobody else waits for it, so this does not happen.
            Err(_) => End::Code(1),
        }
    }
}

/// Passes signals on from now on, but for those that whoever started us wanted to be ignored: the
/// command is to ignore them too.
fn listen(reins: &Reins, is_group: bool) {
    let ignored = ignored_signals();
    let wanted: Vec<_> = [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
    ]
    .into_iter()
    .filter(|signal| ignored >> (signal.as_raw() - 1) & 1 == 0)
    .collect();
    let reins = reins.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let tasks = tokio::task::LocalSet::new();
            for wanted in wanted {
                let Ok(mut stream) = signal(SignalKind::from_raw(wanted.as_raw())) else {
                    continue;
                };
                let reins = reins.clone();
                tasks.spawn_local(async move {
                    while stream.recv().await.is_some() {
                        heard(&reins, wanted, is_group);
                    }
                });
            }
            ready.send(()).unwrap_or(());
            tasks.await;
        });
    };
    if std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(work)
        .is_ok()
    {
        // Without it signals end us and not the command; that is what it is for.
        is_ready.recv().unwrap_or(());
    }
}

fn heard(reins: &Reins, signal: Signal, is_group: bool) {
    if signal == Signal::INT {
        reins.held().was_interrupted = true;
    }
    // The terminal has told the command itself.
    let is_of_terminal = signal == Signal::INT || signal == Signal::QUIT || signal == Signal::HUP;
    if is_group || !is_of_terminal {
        reins.send(signal);
    }
}

/// Returns the signals that are ignored, one bit each; none where the system does not say.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
