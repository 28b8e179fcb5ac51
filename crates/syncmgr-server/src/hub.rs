//! The live messages: one bounded memory of the last ones, and a place in it for each who listens.
//!
//! ```text
//! publish ──► [ n-3 | n-2 | n-1 | n ] ◄── place of a listener
//!                └── overtaken: `reset`, then on from the newest
//! ```
//! Nobody has a queue of his own, so a slow listener costs nothing: when the memory has wrapped
//! over his place he gets `reset` and asks for everything anew.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::channel::{Channel, Sender};
use hyper::body::Bytes;
use syncmgr_api::stream::Message;
use tokio::sync::watch;
use tokio::time::Instant;

/// Most messages kept: a page that lost its connection for some seconds finds all it missed.
const KEPT_MAX: usize = 1024;
/// Most bytes kept.
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Shortest time between two reports on one run: a person cannot read faster.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Most runs whose last report is remembered; more than can run at once.
const RUNS_MAX: usize = 1024;
/// Most who listen at once; each costs a connection.
const LISTENERS_MAX: usize = 64;
/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages that may lie between the hub and a connection.
const ON_THE_WAY: usize = 8;
/// [`Message::Reset`], written.
const RESET: &str = r#"{"type":"reset"}"#;

/// The memory of the last messages, and those who wait for more.
#[derive(Debug)]
pub struct Hub {
    kept: Mutex<Kept>,
    /// Number of the newest message; closed together with the hub.
    newest: Mutex<Option<watch::Sender<u64>>>,
    /// Changes whenever a run is asked to stop, or ends.
    stops: Mutex<Option<watch::Sender<()>>>,
}

#[derive(Debug)]
struct Kept {
    messages: VecDeque<Arc<str>>,
    n_bytes: usize,
    /// Number of the newest message; the oldest kept is `newest - messages.len() + 1`.
    newest: u64,
    reported: HashMap<String, Reported>,
}

/// The next thing for a listener.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Message(u64, Arc<str>),
    Reset(u64),
    Nothing,
}

impl Kept {
    fn push(&mut self, text: Arc<str>) {
        self.newest += 1;
        self.n_bytes += text.len();
        self.messages.push_back(text);
        while self.messages.len() > KEPT_MAX || self.n_bytes > KEPT_BYTES_MAX {
            let Some(gone) = self.messages.pop_front() else {
                return;
            };
            self.n_bytes -= gone.len();
        }
    }

    /// Returns what comes after message `last`. A number that was never given out, or of which the
    /// followers are gone, cannot be gone on from.
    fn after(&self, last: u64) -> Next {
        if last == self.newest {
            return Next::Nothing;
        }
        let behind = self.newest.checked_sub(last);
        let index = behind.and_then(|behind| {
            let behind = usize::try_from(behind).ok()?;
            self.messages.len().checked_sub(behind)
        });
        match index.and_then(|index| self.messages.get(index)) {
            Some(text) => Next::Message(last + 1, Arc::clone(text)),
            None => Next::Reset(self.newest),
        }
    }

    /// Says whether a report on a run is due, and remembers that it is made. The first one of a
    /// phase always is.
    fn is_due(&mut self, run: &str, phase: &str) -> bool {
        let now = Instant::now();
        if let Some(last) = self.reported.get_mut(run) {
            let is_new = !phase.is_empty() && last.phase != phase;
            let is_due = is_new || now.duration_since(last.at) >= PROGRESS_EVERY;
            if is_due {
                last.at = now;
            }
            if is_new {
                phase.clone_into(&mut last.phase);
            }
            return is_due;
        }
        if self.reported.len() >= RUNS_MAX {
            self.reported
                .retain(|_, last| now.duration_since(last.at) < PROGRESS_EVERY);
        }
        let last = Reported {
            at: now,
            phase: phase.to_owned(),
            left_out: None,
        };
        self.reported.insert(run.to_owned(), last);
        true
    }

    /// Tells the last report of a phase that was left out, for it has the sums of the phase.
    fn catch_up(&mut self, run: &str, phase: Option<&str>) {
        let Some(last) = self.reported.get_mut(run) else {
            return;
        };
        if phase.is_none_or(|phase| phase != last.phase)
            && let Some(message) = last.left_out.take()
        {
            self.tell(&message);
        }
    }

    /// Writes a message down for all who listen.
    fn tell(&mut self, message: &Message) {
        if let Ok(data) = serde_json::to_string(message) {
            self.push(format!("event: {}\ndata: {data}\n\n", message.name()).into());
        }
    }
}

/// The last report on a run.
#[derive(Debug)]
struct Reported {
    at: Instant,
    phase: String,
    /// The newest one that came too fast.
    left_out: Option<Box<Message>>,
}

/// More listen than the daemon serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many listen to the stream")]
pub struct Full;

impl Hub {
    /// Makes a hub that gives out numbers after `first`. The number must grow from start to start
    /// (the time in milliseconds does), so that a place in the stream of an earlier daemon is known
    /// to be one.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self {
            kept: Mutex::new(Kept {
                messages: VecDeque::new(),
                n_bytes: 0,
                newest: first,
                reported: HashMap::new(),
            }),
            newest: Mutex::new(Some(watch::Sender::new(first))),
            stops: Mutex::new(Some(watch::Sender::new(()))),
        }
    }

    /// Tells all who listen; returns at once. Reports on a run that come too fast are left out.
    /// May be called from any thread.
    pub fn publish(&self, message: &Message) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = &*newest else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            // Nobody asks for old progress, so nothing is lost when nobody listens.
            Message::Progress { .. } | Message::Text { .. } if sender.receiver_count() == 0 => {
                return;
            }
            Message::Progress { run, progress, .. } => {
                kept.catch_up(run, Some(&progress.phase));
                let is_due = kept.is_due(run, &progress.phase);
                if let Some(last) = kept.reported.get_mut(run) {
                    last.left_out = (!is_due).then(|| Box::new(message.clone()));
                }
                if !is_due {
                    return;
                }
            }
            Message::Text { run, .. } => {
                if !kept.is_due(run, "") {
                    return;
                }
            }
            Message::SessionEnded { run } => {
                kept.catch_up(run, None);
                kept.reported.remove(run);
                self.tell_stops();
            }
            Message::Session { run } => {
                if run.stopping {
                    self.tell_stops();
                }
            }
            Message::Events { .. }
            | Message::Item { .. }
            | Message::ItemGone { .. }
            | Message::Event { .. }
            | Message::Conflict { .. }
            | Message::Handler { .. }
            | Message::Reset
            | Message::Unknown => {}
        }
        kept.tell(message);
        sender.send_replace(kept.newest);
    }

    fn tell_stops(&self) {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stops) = &*stops {
            stops.send_replace(());
        }
    }

    /// Returns what changes whenever a run is asked to stop, or ends; `None` once the hub is
    /// closed. Whoever waits for it looks at his own run then.
    pub(crate) fn stops(&self) -> Option<watch::Receiver<()>> {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.as_ref().map(watch::Sender::subscribe)
    }

    /// Returns how many listen.
    #[must_use]
    pub fn n_listening(&self) -> usize {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().map_or(0, watch::Sender::receiver_count)
    }

    /// Ends all streams; later ones end at once.
    pub fn close(&self) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        drop(newest.take());
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        drop(stops.take());
    }

    /// Opens a stream, from after message `last` when it is given.
    ///
    /// # Errors
    /// [`Full`] when too many listen.
    pub(crate) fn open(self: &Arc<Self>, last: Option<u64>) -> Result<Channel<Bytes>, Full> {
        let (sender, body) = Channel::new(ON_THE_WAY);
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(numbers) = &*newest else {
            return Ok(body);
        };
        if numbers.receiver_count() >= LISTENERS_MAX {
            return Err(Full);
        }
        let receiver = numbers.subscribe();
        let last = last.unwrap_or(*receiver.borrow());
        drop(tokio::spawn(Arc::clone(self).feed(sender, receiver, last)));
        Ok(body)
    }

    /// Feeds one listener until it goes, or the hub is closed.
    async fn feed(
        self: Arc<Self>,
        mut sender: Sender<Bytes>,
        mut newest: watch::Receiver<u64>,
        mut last: u64,
    ) {
        let mut text = format!("retry: 2000\nid: {last}\n\n");
        loop {
            if sender.send_data(Bytes::from(text)).await.is_err() {
                return;
            }
            text = loop {
                newest.borrow_and_update();
                match self.next(last) {
                    Next::Message(number, event) => {
                        last = number;
                        break format!("id: {number}\n{event}");
                    }
                    Next::Reset(number) => {
                        last = number;
                        break format!("id: {number}\nevent: reset\ndata: {RESET}\n\n");
                    }
                    Next::Nothing => {}
                }
                match tokio::time::timeout(HEARTBEAT, newest.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_closed)) => return,
                    Err(_elapsed) => break ":\n\n".to_owned(),
                }
            };
        }
    }

    fn next(&self, last: u64) -> Next {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.after(last)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn handler(n: u32) -> Message {
        Message::Handler {
            handler: n.to_string(),
        }
    }

    /// Reads everything that is there, and returns the names and numbers of the events.
    async fn read(hub: &Arc<Hub>, last: Option<u64>) -> Vec<String> {
        let body = hub.open(last).unwrap();
        hub.close();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.skip(2).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn who_comes_back_gets_what_was_missed() {
        let hub = Arc::new(Hub::new(100));
        for n in 0..3 {
            hub.publish(&handler(n));
        }
        let lines = read(&hub, Some(102)).await;
        assert_eq!(
            lines,
            [
                "id: 103",
                "event: handler",
                r#"data: {"type":"handler","handler":"2"}"#
            ]
        );
    }

    #[tokio::test]
    async fn who_cannot_go_on_starts_anew() {
        for last in [0, 99, 200, u64::MAX] {
            let hub = Arc::new(Hub::new(100));
            hub.publish(&handler(0));
            let lines = read(&hub, Some(last)).await;
            assert_eq!(
                lines,
                ["id: 101", "event: reset", r#"data: {"type":"reset"}"#],
                "{last}"
            );
        }
    }

    #[tokio::test]
    async fn s13_a_slow_listener_costs_nothing_and_is_told() {
        let hub = Arc::new(Hub::new(0));
        let mut body = hub.open(None).unwrap();
        for n in 0..10_000 {
            hub.publish(&handler(n));
            if n % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let kept = hub.kept.lock().unwrap().messages.len();
        assert!(kept <= KEPT_MAX);
        let mut text = String::new();
        while !text.contains("event: reset") {
            let frame = body.frame().await.unwrap().unwrap();
            text += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
        assert!(text.len() < KEPT_BYTES_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_is_reported_on_four_times_a_second() {
        let hub = Arc::new(Hub::new(0));
        let body = hub.open(None).unwrap();
        for _ in 0..100 {
            hub.publish(&Message::Progress {
                run: "r".into(),
                item: "i".into(),
                progress: syncmgr_api::wire::Progress::default(),
            });
            tokio::time::advance(Duration::from_millis(20)).await;
        }
        assert!((8..=9).contains(&hub.kept.lock().unwrap().messages.len()));
        drop(body);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_says_that_it_lives() {
        let hub = Arc::new(Hub::new(7));
        let mut body = hub.open(None).unwrap();
        let begun = Instant::now();
        let mut frames = Vec::new();
        for _ in 0..3 {
            let frame = body.frame().await.unwrap().unwrap();
            frames.push(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap());
        }
        assert_eq!(frames, ["retry: 2000\nid: 7\n\n", ":\n\n", ":\n\n"]);
        assert_eq!(begun.elapsed(), 2 * HEARTBEAT);
    }
}
