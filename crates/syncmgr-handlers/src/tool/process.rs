//! Runs a tool: without a shell, with a chosen environment, in a folder and a process group of its
//! own, its output read line by line, and ended with all that it started when a person wants that.
//!
//! ```text
//!  start ──► lines … lines ──► it ends ──► the group is ended ──► Ended
//!                │ cancelled
//!                ▼
//!          the signal it likes ──(grace over)──► KILL for the group
//! ```

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use syncmgr_engine::clock::{Clock, SystemClock};
use syncmgr_model::escape::escape;
use syncmgr_sdk::Mask;

use super::lines::Lines;
use super::redact::redact;
use super::tail::Tail;

/// How long a tool has after it was asked to end, when it does not say otherwise. The contract
/// gives two seconds in all.
pub const GRACE: Duration = Duration::from_millis(1500);

/// How long the end of the output is waited for once the whole group was ended. Only a program that
/// left the group can keep it open longer.
const OUTPUT_END: Duration = Duration::from_millis(300);

/// Lines that may wait to be looked at; a tool that talks faster is held up by its own pipe.
const WAITING_MAX: usize = 256;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// Whether to stop, and a way to be told.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    inner: Arc<StopInner>,
}

#[derive(Debug, Default)]
struct StopInner {
    is_set: AtomicBool,
    waker: Mutex<Option<SyncSender<Heard>>>,
}

impl Stop {
    /// Makes everything that looks at it stop.
    pub fn set(&self) {
        self.inner.is_set.store(true, Ordering::SeqCst);
        let waker = self.inner.waker.lock();
        if let Some(waker) = &*waker.unwrap_or_else(PoisonError::into_inner) {
            match waker.try_send(Heard::Stop) {
                // When the queue is full, whoever reads it is awake and looks.
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }

    /// Says whether to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.inner.is_set.load(Ordering::SeqCst)
    }

    fn wake(&self, waker: Option<SyncSender<Heard>>) {
        *self
            .inner
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = waker;
    }
}

/// What a child is started with.
#[derive(Debug)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: PathBuf,
    stdin: Option<File>,
    polite: Signal,
    grace: Duration,
    secrets: Mask,
}

impl Command {
    /// Builds one that works in `dir` and gets nothing of our environment.
    #[must_use]
    pub fn new(program: &Path, dir: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            dir: dir.to_owned(),
            stdin: None,
            polite: Signal::TERM,
            grace: GRACE,
            secrets: Mask::default(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets variables of the environment.
    #[must_use]
    pub fn envs(mut self, env: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.env.extend(env);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Sets the folder it works in.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.dir);
        self
    }

    /// Sets what it reads from; otherwise there is nothing to read.
    #[must_use]
    pub fn stdin(mut self, file: File) -> Self {
        self.stdin = Some(file);
        self
    }

    /// Says whether it has something to read.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.stdin.is_some()
    }

    /// Sets the signal that asks it to end, and how long it may take then.
    #[must_use]
    pub fn stopped_by(mut self, signal: Signal, grace: Duration) -> Self {
        self.polite = signal;
        self.grace = grace;
        self
    }

    /// Names a secret that must not stay in the output.
    #[must_use]
    pub fn hide(mut self, secret: &str) -> Self {
        self.secrets.add(secret);
        self
    }

    /// Returns the arguments, for tests of what is in them.
    #[must_use]
    pub fn argv(&self) -> (&Path, &[OsString]) {
        (&self.program, &self.args)
    }

    fn process(self) -> Process {
        let mut process = Process::new(&self.program);
        process
            .args(self.args)
            .env_clear()
            .envs(self.env)
            .current_dir(self.dir)
            // A group of its own, to end what it starts as well.
            .process_group(0)
            .stdin(self.stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        process
    }
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line as the tool wrote it: raw bytes, without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Where it came from.
    pub from: Stream,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Line<'_> {
    /// Returns it as text; what is no UTF-8 becomes a replacement character.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// It stays in the output that is kept.
    Yes,
    /// This stays in its place: a line of JSON is nothing for people.
    As(String),
    /// It was understood and is not needed again (progress, items of a list).
    No,
}

/// How a tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// Says whether it ended well.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// A run of a tool that is over.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// A person stopped it.
    pub was_stopped: bool,
    /// What is kept of its output: harmless text without secrets, in the order in which it came.
    pub output: Tail,
    /// The part of it that was standard error.
    pub errors: Tail,
}

#[derive(Debug)]
enum Heard {
    Line(Stream, Vec<u8>),
    Closed,
    Exited,
    Stop,
}

/// Starts a command and waits for its end. `each` is called for every line, on this thread.
///
/// # Errors
/// It cannot be started.
pub fn run(
    command: Command,
    stop: &Stop,
    mut each: impl FnMut(Line<'_>) -> Keep,
    started: impl FnOnce(u32),
) -> io::Result<Ended> {
    let (polite, grace) = (command.polite, command.grace);
    let secrets = command.secrets.clone();
    let mut child = command.process().spawn()?;
    started(child.id());
    let (sender, heard) = sync_channel(WAITING_MAX);
    stop.wake(Some(sender.clone()));
    if let Some(pipe) = child.stdout.take() {
        read(pipe, Stream::Out, sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        read(pipe, Stream::Err, sender.clone());
    }
    watch(&child, sender);
    let mut kept = Kept::new(secrets);
    let was_stopped = listen(&child, &heard, stop, (polite, grace), |stream, bytes| {
        let line = Line {
            from: stream,
            bytes,
        };
        match each(line) {
            Keep::Yes => kept.push(stream, bytes),
            Keep::As(text) => kept.push(stream, text.as_bytes()),
            Keep::No => {}
        }
    });
    stop.wake(None);
    let status = child.wait()?;
    Ok(Ended {
        exit: Exit::of(status),
        was_stopped,
        output: kept.output,
        errors: kept.errors,
    })
}

struct Kept {
    secrets: Mask,
    output: Tail,
    errors: Tail,
}

impl Kept {
    fn new(secrets: Mask) -> Self {
        Self {
            secrets,
            output: Tail::default(),
            errors: Tail::default(),
        }
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let text = redact(&String::from_utf8_lossy(bytes), &self.secrets);
        let text = escape(text.as_bytes());
        if stream == Stream::Err {
            self.errors.push(text.clone());
        }
        self.output.push(text);
    }
}

/// Reads a pipe on a thread of its own until its end.
fn read(mut pipe: impl Read + Send + 'static, stream: Stream, to: SyncSender<Heard>) {
    thread::spawn(move || {
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            lines.push(&chunk[..n], |line| {
                // When nobody listens any more, the rest is read and dropped.
                drop(to.send(Heard::Line(stream, line)));
            });
        }
        lines.finish(|line| drop(to.send(Heard::Line(stream, line))));
        drop(to.send(Heard::Closed));
    });
}

/// Says when the child has ended. It is only looked at and not taken away: its number stays taken
/// until the group was ended, so that no stranger can be hit.
fn watch(child: &Child, to: SyncSender<Heard>) {
    let pid = Pid::from_child(child);
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
        drop(to.send(Heard::Exited));
    });
}

/// Hands out lines until the child has ended and its output too; returns whether it was stopped.
fn listen(
    child: &Child,
    heard: &Receiver<Heard>,
    stop: &Stop,
    (polite, grace): (Signal, Duration),
    mut each: impl FnMut(Stream, &[u8]),
) -> bool {
    let group = Pid::from_child(child);
    let mut n_open = 2;
    let mut has_exited = false;
    let mut was_asked = false;
    // When the patience with what is awaited now ends.
    let mut deadline: Option<u64> = None;
    loop {
        if stop.is_set() && !was_asked && !has_exited {
            was_asked = true;
            signal(group, polite);
            deadline = Some(ticks_ms() + ms(grace));
        }
        let next = match deadline {
            None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => {
                let left = at.saturating_sub(ticks_ms());
                heard.recv_timeout(Duration::from_millis(left))
            }
        };
        match next {
            Ok(Heard::Line(stream, bytes)) => each(stream, &bytes),
            Ok(Heard::Closed) => n_open -= 1,
            Ok(Heard::Exited) => {
                has_exited = true;
                // What it left behind ends too.
                signal(group, Signal::KILL);
                deadline = Some(ticks_ms() + ms(OUTPUT_END));
            }
            Ok(Heard::Stop) => {}
            Err(RecvTimeoutError::Timeout) if has_exited => return was_asked,
            Err(RecvTimeoutError::Timeout) => {
                signal(group, Signal::KILL);
                deadline = None;
            }
            Err(RecvTimeoutError::Disconnected) => return was_asked,
        }
        if has_exited && n_open == 0 {
            return was_asked;
        }
    }
}

fn signal(group: Pid, signal: Signal) {
    match rustix::process::kill_process_group(group, signal) {
        // Nobody is left, or what is left is no longer ours to end.
        Ok(()) | Err(_) => {}
    }
}

/// Patience with a process is measured with the machine's clock: processes know no other.
fn ticks_ms() -> u64 {
    SystemClock.ticks_ns() / 1_000_000
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        Command::new(Path::new("/bin/sh"), Path::new("/"))
            .args(["-c", script])
            .env("PATH", "/usr/bin:/bin")
    }

    fn lines(command: Command, stop: &Stop) -> (Ended, Vec<String>) {
        let mut seen = Vec::new();
        let each = |line: Line<'_>| {
            seen.push(line.text().into_owned());
            if line.bytes == b"ready" {
                stop.set();
            }
            Keep::Yes
        };
        let ended = run(command, stop, each, |_| {}).unwrap();
        (ended, seen)
    }

    #[test]
    fn lines_of_both_streams_and_the_code_are_told() {
        let (ended, seen) = lines(
            sh("echo out; printf '10%%\\r20%%\\r' >&2; exit 3"),
            &Stop::default(),
        );
        assert_eq!(ended.exit, Exit::Code(3));
        assert!(!ended.was_stopped);
        let mut sorted = seen.clone();
        sorted.sort();
        assert_eq!(sorted, ["10%", "20%", "out"]);
        assert_eq!(ended.errors.lines().collect::<Vec<_>>(), ["10%", "20%"]);
    }

    #[test]
    fn a_child_gets_nothing_of_our_environment() {
        let (_, seen) = lines(sh("env"), &Stop::default());
        assert!(
            seen.iter().all(|line| !line.starts_with("CARGO")),
            "{seen:?}"
        );
    }

    #[test]
    fn a_tool_that_listens_ends_by_the_signal_it_likes() {
        let stop = Stop::default();
        let command = sh("trap 'echo bye; exit 5' INT; echo ready; while :; do sleep 0.05; done");
        let (ended, seen) = lines(command.stopped_by(Signal::INT, GRACE), &stop);
        assert!(ended.was_stopped);
        assert_eq!(ended.exit, Exit::Code(5));
        assert_eq!(seen.last().map(String::as_str), Some("bye"));
    }

    #[test]
    fn a_tool_that_does_not_listen_is_killed_with_all_it_started() {
        let stop = Stop::default();
        let began = ticks_ms();
        let command =
            sh("trap '' INT TERM; sleep 77.25 & echo ready; while :; do sleep 0.05; done");
        let (ended, _) = lines(
            command.stopped_by(Signal::TERM, Duration::from_millis(200)),
            &stop,
        );
        assert!(ended.was_stopped);
        assert_eq!(ended.exit, Exit::Signal(9));
        assert!(ticks_ms() - began < 2000);
        let left = Process::new("pgrep").args(["-f", "sleep 77.25"]).output();
        assert!(left.unwrap().stdout.is_empty());
    }

    #[test]
    fn what_a_tool_left_behind_does_not_hold_its_run_up() {
        let began = ticks_ms();
        let (ended, _) = lines(sh("sleep 78.25 & exit 0"), &Stop::default());
        assert_eq!(ended.exit, Exit::Code(0));
        assert!(ticks_ms() - began < 2000);
    }

    #[test]
    fn secrets_and_control_characters_do_not_stay_in_the_output() {
        let script = "printf 'http://me:topsecret@x \\033[31mred\\n'; echo key-123456";
        let (ended, _) = lines(sh(script).hide("key-123456"), &Stop::default());
        let kept: Vec<_> = ended.output.lines().collect();
        assert_eq!(kept, ["http://me:***@x \\u{1b}[31mred", "***"]);
    }
}
