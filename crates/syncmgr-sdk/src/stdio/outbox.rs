//! What goes out: lines in their order, and progress, of which only the latest counts.
//!
//! Progress may be reported for every file. Only the last report of each item waits here, and what
//! waits is written a moment later; whatever else goes out takes along what was reported before it,
//! so that everything stays in its order. A final status is a line like others and is never merged
//! or lost.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use syncmgr_protocol::message::{Call, Id};
use syncmgr_protocol::{FrameError, RpcError, error, frame, message, report};

use super::lock;

/// How long a progress report waits for a later one. The host passes 20 a second on.
const MERGE: Duration = Duration::from_millis(20);

/// Most bytes that wait to be written. Who reports faster than the host reads waits here.
const WAITING_MAX: usize = 4 * 1024 * 1024;

/// Messages that are no progress, per second: the host ends a handler with more than 1,000 on
/// average over 10 s. Who reports faster waits a little.
const RATE: u32 = 800;

/// How many such messages may go out at once before that is counted.
const BURST: u32 = 4_000;

#[derive(Debug)]
struct State {
    lines: Vec<u8>,
    progress: BTreeMap<(Arc<str>, Arc<str>), report::Progress>,
    /// Nobody reads any more.
    is_broken: bool,
    /// Nothing further comes; what waits is written.
    is_closing: bool,
    is_written: bool,
    allowance: f64,
    counted_at: Instant,
}

/// What goes out.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// The writer has something to do.
    work: Condvar,
    /// There is room again, or all is written.
    room: Condvar,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pace of a pipe is real time, and nothing is decided by it but waiting"
)]
fn now() -> Instant {
    Instant::now()
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                lines: Vec::new(),
                progress: BTreeMap::new(),
                is_broken: false,
                is_closing: false,
                is_written: true,
                allowance: f64::from(BURST),
                counted_at: now(),
            }),
            work: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Keeps a progress report until it is written, or a later one takes its place. Returns `false`
    /// when nobody reads any more.
    pub(super) fn progress(&self, key: (Arc<str>, Arc<str>), progress: report::Progress) -> bool {
        let mut state = lock(&self.state);
        if state.is_broken {
            return false;
        }
        let was_empty = state.progress.is_empty();
        state.progress.insert(key, progress);
        if was_empty {
            self.work.notify_one();
        }
        true
    }

    /// Drops what waits of an item, because its final status comes now.
    pub(super) fn forget(&self, key: &(Arc<str>, Arc<str>)) {
        lock(&self.state).progress.remove(key);
    }

    /// Sends a request or notification.
    pub(super) fn call<P: Serialize>(
        &self,
        id: Option<&Id>,
        method: &str,
        params: &P,
    ) -> Result<(), FrameError> {
        self.pace();
        self.push(&Call::new(id, method, params))
    }

    /// Sends an answer. One that is too long is an error instead.
    pub(super) fn answer(&self, id: &Id, result: &Result<serde_json::Value, RpcError>) {
        let line = match result {
            Ok(value) => message::answer(id, value),
            Err(error) => message::refuse(Some(id), error),
        };
        let line = line.or_else(|_| {
            let error = RpcError::new(error::INTERNAL, "the answer is longer than a message");
            message::refuse(Some(id), &error)
        });
        if let Ok(line) = line {
            self.append(&line);
        }
    }

    /// Sends an error as an answer to what could not be read.
    pub(super) fn refuse(&self, id: Option<&Id>, error: &RpcError) {
        if let Ok(line) = message::refuse(id, error) {
            self.append(&line);
        }
    }

    fn push(&self, message: &impl Serialize) -> Result<(), FrameError> {
        let mut line = Vec::with_capacity(256);
        frame::push(&mut line, message)?;
        if self.append(&line) {
            Ok(())
        } else {
            Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
        }
    }

    fn append(&self, line: &[u8]) -> bool {
        let mut state = lock(&self.state);
        while state.lines.len() > WAITING_MAX && !state.is_broken {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        if state.is_broken {
            return false;
        }
        state.take_progress();
        state.lines.extend_from_slice(line);
        state.is_written = false;
        self.work.notify_one();
        true
    }

    /// Waits until another message may be sent.
    fn pace(&self) {
        loop {
            let mut state = lock(&self.state);
            let at = now();
            let passed = at.duration_since(state.counted_at).as_secs_f64();
            state.counted_at = at;
            let rate = f64::from(RATE);
            state.allowance = (state.allowance + passed * rate).min(f64::from(BURST));
            if state.allowance >= 1.0 || state.is_broken {
                state.allowance -= 1.0;
                return;
            }
            let missing = (1.0 - state.allowance) / rate;
            drop(state);
            std::thread::sleep(Duration::from_secs_f64(missing));
        }
    }

    /// Writes what comes until it is closed; on a thread of its own. Returns whether all was
    /// written.
    pub(super) fn write(&self, mut to: impl Write) -> bool {
        let mut lines = Vec::new();
        while self.next(&mut lines) {
            let written = to.write_all(&lines).and_then(|()| to.flush());
            lines.clear();
            let mut state = lock(&self.state);
            state.is_broken |= written.is_err();
            state.is_written = state.lines.is_empty() && state.progress.is_empty();
            self.room.notify_all();
            if state.is_broken {
                state.lines.clear();
                state.progress.clear();
                return false;
            }
        }
        true
    }

    /// Waits for something to write; `false` at the end.
    fn next(&self, lines: &mut Vec<u8>) -> bool {
        let mut state = lock(&self.state);
        let mut is_due = false;
        loop {
            if is_due || state.is_closing {
                state.take_progress();
            }
            if !state.lines.is_empty() {
                // The buffers change places, so that neither is made anew.
                std::mem::swap(&mut state.lines, lines);
                return true;
            }
            if state.is_closing {
                return false;
            }
            let waited = if state.progress.is_empty() {
                let state = self.work.wait(state);
                (
                    state.unwrap_or_else(std::sync::PoisonError::into_inner),
                    false,
                )
            } else {
                let waited = self.work.wait_timeout(state, MERGE);
                let (state, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
                (state, timeout.timed_out())
            };
            (state, is_due) = waited;
        }
    }

    /// Writes the rest and ends.
    pub(super) fn close(&self) {
        lock(&self.state).is_closing = true;
        self.work.notify_all();
    }

    /// Says whether nobody reads any more.
    pub(super) fn is_broken(&self) -> bool {
        lock(&self.state).is_broken
    }
}

impl State {
    /// Puts the progress that waits behind the lines.
    fn take_progress(&mut self) {
        for (_, progress) in std::mem::take(&mut self.progress) {
            let call = Call::new(None, "session/progress", &progress);
            // One that is too long, which only its text can make it, is left out: the next comes.
            drop(frame::push(&mut self.lines, &call));
        }
    }
}
