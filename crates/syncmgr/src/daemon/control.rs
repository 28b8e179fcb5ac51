//! Starts, stops and asks the daemon of this user, from another process.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use syncmgr_api::client::{Client, ClientError};

use super::lock::{self, Owner};

/// What a daemon in the background writes on its stdout once it answers.
const READY: &str = "ready\n";

/// How long a daemon may take to end: it gives handlers ten seconds.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// How a start went.
#[derive(Debug)]
pub(crate) enum Started {
    /// It answers.
    Now(Owner),
    /// It ran already.
    Before(Owner),
    /// It ended before it answered; what it said.
    Failed(String),
}

/// Starts a daemon in the background and waits until it answers.
///
/// # Errors
/// This program cannot be started again, or the lock cannot be read.
pub(crate) fn start(state: &Path) -> io::Result<Started> {
    if let Some(owner) = lock::owner(state)? {
        return Ok(Started::Before(owner));
    }
    let mut child = Command::new(std::env::current_exe()?)
        .args(["daemon", "run", "--background"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    if let Some(mut out) = child.stdout.take() {
        // Ends when the daemon lets go of its stdout, or ends itself.
        out.read_to_string(&mut said)?;
    }
    if said == READY
        && let Some(owner) = lock::owner(state)?
    {
        return Ok(Started::Now(owner));
    }
    let mut complaint = String::new();
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut complaint)?;
    }
    child.wait()?;
    // Somebody else may have been faster.
    match lock::owner(state)? {
        Some(owner) => Ok(Started::Before(owner)),
        None => Ok(Started::Failed(complaint)),
    }
}

/// Says on stdout that the daemon answers, and lets go of what the one who started it reads.
///
/// # Errors
/// The system refuses.
pub(crate) fn let_go() -> io::Result<()> {
    let mut out = io::stdout();
    // Whoever started it may be gone.
    drop(out.write_all(READY.as_bytes()).and_then(|()| out.flush()));
    let nothing = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}

/// How an end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It ended.
    Ended,
    /// It still works.
    StillRuns,
    /// It runs where it cannot be reached.
    OutOfReach,
}

/// Asks the daemon that holds the lock to end, and waits for it. Runs are asked to stop by it.
///
/// # Errors
/// The system refuses.
pub(crate) fn stop(state: &Path, pid: Option<Pid>) -> io::Result<Stopped> {
    let Some(pid) = pid else {
        return Ok(Stopped::OutOfReach);
    };
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(rustix::io::Errno::SRCH) => return Ok(Stopped::Ended),
        Err(errno) => return Err(errno.into()),
    };
    // The number may have gone to another process before it was opened; the lock tells.
    if lock::owner(state)?.and_then(|owner| owner.pid) != Some(pid) {
        return Ok(Stopped::Ended);
    }
    match pidfd_send_signal(&process, Signal::TERM) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => wait_for(&process),
        Err(errno) => Err(errno.into()),
    }
}

fn wait_for(process: &OwnedFd) -> io::Result<Stopped> {
    let limit = Timespec {
        tv_sec: STOP_PATIENCE.as_secs().try_into().unwrap_or(0),
        tv_nsec: 0,
    };
    let mut wanted = [PollFd::new(process, PollFlags::IN)];
    match poll(&mut wanted, Some(&limit))? {
        0 => Ok(Stopped::StillRuns),
        _ => Ok(Stopped::Ended),
    }
}

/// What the daemon says about its syncs: the headline, and the names of the syncs that run.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The headline.
    pub(crate) summary: String,
    /// Syncs that run.
    pub(crate) running: Vec<String>,
}

/// Asks the daemon how its syncs are.
///
/// # Errors
/// It does not answer.
pub(crate) fn ask(socket: &Path) -> Result<Answer, ClientError> {
    let mut client = Client::connect(socket)?;
    client.answer_within(Duration::from_secs(5));
    let status: Value = client.get("/api/v1/status", &[])?.body;
    let open: Value = client.get("/api/v1/sessions/open", &[])?.body;
    let names = open.get("items").and_then(Value::as_array);
    let running = names.into_iter().flatten().filter_map(|run| {
        let item = run.get("item").or_else(|| run.pointer("/items/0/item"));
        item.and_then(Value::as_str).map(str::to_owned)
    });
    Ok(Answer {
        summary: status
            .get("summary")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        running: running.collect(),
    })
}
