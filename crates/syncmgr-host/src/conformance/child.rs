//! The real program: its own process group, a cleared environment, a private working directory.
//! Whatever a case does, the whole group is killed at its end.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child as Process, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Most bytes of a message with its line end.
const MESSAGE_MAX: u64 = 1024 * 1024;
/// Lines that wait to be looked at; a handler that says more waits, as with the host.
const QUEUE_MAX: usize = 1_000;
/// What is kept of standard error: its last lines are part of a failure.
const LOG_MAX: usize = 64 * 1024;
/// How often the end of a process is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What was read.
pub(super) enum Line {
    /// A line without its end.
    Message(Vec<u8>),
    /// A line that is longer than a message may be, or the stream ended within one.
    Broken(&'static str),
    /// Standard output was closed.
    End,
}

/// A door that the reader has to pass before it reads on.
#[derive(Default)]
struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
}

/// A running handler.
pub(super) struct Child {
    process: Process,
    input: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    gate: Arc<Gate>,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Child {
    /// Starts a program with its words in a folder, which is also its home.
    pub(super) fn start(argv: &[String], folder: &Path) -> io::Result<Self> {
        let program = argv.first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(&argv[1..])
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let (input, waiting) = channel::<Vec<u8>>();
        if let Some(mut pipe) = process.stdin.take() {
            thread::spawn(move || {
                for bytes in waiting {
                    // Who does not read any more shows it by what comes, or does not.
                    if pipe.write_all(&bytes).is_err() {
                        return;
                    }
                }
            });
        }
        let gate = Arc::new(Gate::default());
        let (tell, lines) = sync_channel(QUEUE_MAX);
        if let Some(output) = process.stdout.take() {
            let gate = Arc::clone(&gate);
            thread::spawn(move || listen(output, &tell, &gate));
        }
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(errors) = process.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || keep(errors, &log));
        }
        Ok(Self {
            process,
            input: Some(input),
            lines,
            gate,
            log,
        })
    }

    /// Sends bytes; never waits.
    pub(super) fn send(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            // An error means that it reads no more, which the case finds out.
            drop(input.send(bytes));
        }
    }

    /// Closes its standard input.
    pub(super) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Returns the next line, or `None` when nothing came in time.
    pub(super) fn next(&self, wait: Duration) -> Option<Line> {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Line::End),
        }
    }

    /// Stops reading, or goes on.
    pub(super) fn set_deaf(&self, is_deaf: bool) {
        *lock(&self.gate.is_shut) = is_deaf;
        self.gate.opened.notify_all();
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let mut rest = within;
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(status);
            }
            if rest.is_zero() {
                return None;
            }
            thread::sleep(LOOK.min(rest));
            rest = rest.saturating_sub(LOOK);
        }
    }

    /// Returns the last line it wrote to standard error.
    pub(super) fn last_words(&self) -> Option<String> {
        let log = lock(&self.log);
        let text = String::from_utf8_lossy(&log);
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.input = None;
        self.set_deaf(false);
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.process.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            // It may be gone, which is what was wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn listen(output: ChildStdout, tell: &SyncSender<Line>, gate: &Gate) {
    let mut output = BufReader::new(output);
    loop {
        {
            let mut is_shut = lock(&gate.is_shut);
            while *is_shut {
                is_shut = gate
                    .opened
                    .wait(is_shut)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        let mut line = Vec::new();
        let read = (&mut output).take(MESSAGE_MAX).read_until(b'\n', &mut line);
        let line = match read {
            Err(_) | Ok(0) => Line::End,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Line::Message(line)
            }
            Ok(n) if n as u64 == MESSAGE_MAX => Line::Broken("a message is longer than 1 MiB"),
            Ok(_) => Line::Broken("its output ended within a message"),
        };
        let is_last = !matches!(line, Line::Message(_));
        if tell.send(line).is_err() || is_last {
            return;
        }
    }
}

fn keep(mut errors: impl Read, log: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = errors.read(&mut chunk) {
        let mut log = lock(log);
        log.extend_from_slice(&chunk[..n]);
        let n_over = log.len().saturating_sub(LOG_MAX);
        log.drain(..n_over);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
