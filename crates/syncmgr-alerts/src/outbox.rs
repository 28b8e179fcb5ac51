//! The outbox of one channel: a thread that sends, tries again with pauses, and says how it went.
//!
//! One for each channel, so that a server that does not answer holds up nobody else. The order of
//! messages is kept. Nothing runs while the outbox is empty.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use syncmgr_model::catalogue::Retry;

use crate::channel::Channel;
use crate::deliver;
use crate::error::DeliveryError;
use crate::message::Message;

/// Most messages that wait. Alarms are rare; with hooks on every run of a thousand syncs this is
/// some minutes of a server that does not answer.
pub const WAITING_MAX: usize = 100;

/// Pauses between tries. Together they outlast a router that starts again, and end before the
/// news is old.
pub const PAUSES: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// How a message fared. Comes once for each message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the channel is called.
    pub channel: String,
    /// The message.
    pub message: Message,
    /// How often it was tried; 0 when the outbox was closed first.
    pub n_tries: u32,
    /// It arrived, or why not; `None` when it was never tried.
    pub outcome: Option<Result<(), DeliveryError>>,
}

/// The outbox is full or closed; the message is given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{WAITING_MAX} notices wait already, or nothing is sent any more")]
pub struct NotTaken(pub Box<Message>);

/// The messages that wait for one channel, and the thread that sends them. Dropping it asks the
/// thread to stop and does not wait for it; [`Outbox::close`] waits.
pub struct Outbox {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits for a message; `None` when the outbox is closed and empty.
    fn next(&self) -> Option<Message> {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |it| it.waiting.is_empty() && !it.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    /// Waits, but not beyond closing; says whether it is still open.
    fn pause(&self, pause: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, pause, |it| !it.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("n_waiting", &self.shared.lock().waiting.len())
            .finish_non_exhaustive()
    }
}

impl Outbox {
    /// Starts the outbox of the channel that a person called `name`. `report` is called on the
    /// outbox's thread; nothing is sent while it works. `pauses` is [`PAUSES`] but in tests.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        name: &str,
        channel: Channel,
        pauses: Vec<Duration>,
        report: impl Fn(Report) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        let worker = Worker {
            shared: Arc::clone(&shared),
            name: name.to_owned(),
            channel,
            pauses,
        };
        let thread = thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || worker.work(&report))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Takes a message in; returns at once.
    ///
    /// # Errors
    /// [`NotTaken`]: too many wait already. There will be no report for it.
    pub fn send(&self, message: Message) -> Result<(), NotTaken> {
        let mut state = self.shared.lock();
        if state.is_closed || state.waiting.len() >= WAITING_MAX {
            return Err(NotTaken(Box::new(message)));
        }
        state.waiting.push_back(message);
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Ends the outbox: the try that is on is finished (up to its time limit), what waits is
    /// reported as not tried, and the thread has ended when this returns.
    pub fn close(mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // A panic of `report` ended it earlier; there is nothing left to do here.
            drop(thread.join());
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.close();
    }
}

struct Worker {
    shared: Arc<Shared>,
    name: String,
    channel: Channel,
    pauses: Vec<Duration>,
}

impl Worker {
    fn work(&self, report: &impl Fn(Report)) {
        while let Some(message) = self.shared.next() {
            let (n_tries, outcome) = self.deliver(&message);
            report(Report {
                channel: self.name.clone(),
                message,
                n_tries,
                outcome,
            });
        }
    }

    /// Tries until it arrives, trying again makes no sense, or the pauses are used up.
    fn deliver(&self, message: &Message) -> (u32, Option<Result<(), DeliveryError>>) {
        let mut pauses = self.pauses.iter();
        let mut outcome = None;
        let mut n_tries = 0;
        // Closed while it waited: no new try is begun.
        let mut goes_on = !self.shared.lock().is_closed;
        while goes_on {
            n_tries += 1;
            let result = deliver(&self.channel, message);
            goes_on = match &result {
                Err(err) if err.retry() != Retry::Never => {
                    pauses.next().is_some_and(|&it| self.shared.pause(it))
                }
                Err(_) | Ok(()) => false,
            };
            outcome = Some(result);
        }
        (n_tries, outcome)
    }
}
