//! Tells people outside of the machine what needs them: what the center knows goes to a thread of
//! its own, which decides what is worth telling and hands it to one outbox for each channel.
//!
//! ```text
//! center ──► Observer ──► [thread: Alarms, kept in the store] ──► Outbox per channel ──► outside
//!                                     ▲ next time to ask              └──► failures: results
//! ```
//! The thread sleeps until something comes or until a condition becomes worth telling. What was told
//! is written down before it is sent, so that a crash repeats nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use syncmgr_alerts::channel::Channel;
use syncmgr_alerts::message::Message;
use syncmgr_alerts::outbox::{Outbox, PAUSES, Report};
use syncmgr_alerts::settings::general::General;
use syncmgr_calendar::Calendar;
use syncmgr_center::alarm::{Alarms, Condition, Policy, Sight};
use syncmgr_center::center::Handle;
use syncmgr_center::command::{Save, Update};
use syncmgr_center::port::{Clock, Notifier};
use syncmgr_center::state::State;
use syncmgr_model::alarm::{Alarm, AlarmKind, AlarmSubject};
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::WorkKind;
use syncmgr_model::schedule::Zone;
use syncmgr_model::time::Timestamp;

use super::log::Log;
use super::notices;

/// Longest time without asking the clock of day again, for what waits for a time: the machine may
/// have slept in between.
const NAP_MAX: Duration = Duration::from_secs(15 * 60);

/// Most minutes looked ahead for the end of quiet hours: a week and a bit.
const QUIET_MINUTES_MAX: i64 = 8 * 24 * 60;

const MINUTE_MS: i64 = 60_000;

/// What is set up.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The channels by name.
    pub(crate) channels: Vec<(String, Channel)>,
    /// What holds for all of them.
    pub(crate) general: General,
}

/// What arrives at the thread.
#[derive(Debug)]
enum Letter {
    Saw(Box<Sight>),
    Gone(ItemId),
    Run(SessionId, AlarmKind),
    Rules(Box<Rules>),
    Close,
}

/// The way to the thread. A clone leads to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Alerts {
    to: Sender<Letter>,
}

impl Alerts {
    /// Makes the way, and what is needed to begin: the notifier is needed before the center, and
    /// the thread after it.
    pub(crate) fn new() -> (Self, Waiting) {
        let (to, letters) = channel();
        (Self { to }, Waiting { letters })
    }

    /// Returns what watches the center.
    pub(crate) fn observer(&self) -> Observer {
        Observer(self.clone())
    }

    /// Takes over other rules.
    pub(crate) fn set(&self, rules: Rules) {
        drop(self.to.send(Letter::Rules(Box::new(rules))));
    }

    /// Ends the thread; what waits for a channel is not sent any more.
    pub(crate) fn close(&self) {
        drop(self.to.send(Letter::Close));
    }
}

/// Watches the center; never waits.
#[derive(Debug)]
pub(crate) struct Observer(Alerts);

impl Notifier for Observer {
    fn notify(&mut self, update: &Update, state: &State, now: Timestamp) {
        let send = |letter| drop(self.0.to.send(letter));
        match update {
            Update::Items(keys) => {
                for key in keys {
                    match state.sight(key, now) {
                        Some(sight) => send(Letter::Saw(Box::new(sight))),
                        None => send(Letter::Gone(key.item.clone())),
                    }
                }
            }
            Update::Began(id) => send(Letter::Run(id.clone(), AlarmKind::RunStarted)),
            Update::Ended(id) => send(Letter::Run(id.clone(), AlarmKind::RunSucceeded)),
            Update::Handler(_)
            | Update::Queued(_)
            | Update::Moved(..)
            | Update::Text(..)
            | Update::Stopping(_)
            | Update::Event(_)
            | Update::Events(_)
            | Update::Conflicts(..)
            | Update::Tick => {}
        }
    }
}

/// What was told and nobody took yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    letters: Receiver<Letter>,
}

impl Waiting {
    /// Begins the thread. `kept` is what the store remembers of alarms.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn begin(
        self,
        kept: Vec<Condition>,
        rules: Rules,
        center: Handle,
        clock: Arc<dyn Clock>,
        log: Log,
    ) -> std::io::Result<()> {
        let mut teller = Teller {
            written: kept.clone(),
            alarms: Alarms::restore(kept),
            rules: Rules::default(),
            outboxes: BTreeMap::new(),
            center,
            clock,
            log,
            calendar: Calendar::of_this_machine(),
            host: host_name(),
        };
        teller.set(rules);
        std::thread::Builder::new()
            .name("alarms".to_owned())
            .spawn(move || teller.work(&self.letters))
            .map(drop)
    }
}

/// What people call this machine.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "this computer".to_owned(),
        name => name.to_owned(),
    }
}

/// Decides and sends.
struct Teller {
    alarms: Alarms,
    /// What the store has.
    written: Vec<Condition>,
    rules: Rules,
    outboxes: BTreeMap<String, Outbox>,
    center: Handle,
    clock: Arc<dyn Clock>,
    log: Log,
    calendar: Calendar,
    host: String,
}

impl Teller {
    fn work(mut self, letters: &Receiver<Letter>) {
        loop {
            let first = match self.nap() {
                None => letters.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(nap) => letters.recv_timeout(nap),
            };
            match first {
                Ok(letter) => {
                    // All that came together is told together.
                    for letter in std::iter::once(letter).chain(letters.try_iter()) {
                        if !self.take(letter) {
                            return;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tell();
        }
    }

    /// Takes one letter; false when it was the last.
    fn take(&mut self, letter: Letter) -> bool {
        match letter {
            Letter::Saw(sight) => {
                self.alarms
                    .observe(&sight, &self.policy(), self.clock.now());
            }
            Letter::Gone(item) => self.alarms.forget(&item),
            Letter::Run(id, kind) => self.run(&id, kind),
            Letter::Rules(rules) => self.set(*rules),
            Letter::Close => return false,
        }
        true
    }

    fn policy(&self) -> Policy {
        let usual = Policy::default();
        let general = &self.rules.general;
        Policy {
            n_failures_min: general.n_failures_min.unwrap_or(usual.n_failures_min),
            failing_ms: general.lasting_ms.unwrap_or(usual.failing_ms),
            overdue_ms: general.lasting_ms.unwrap_or(usual.overdue_ms),
            repeat_ms: general.repeat_ms,
        }
    }

    /// Returns how long nothing may come before time itself is news; `None`: for ever.
    fn nap(&self) -> Option<Duration> {
        if self.outboxes.is_empty() {
            // Nobody is told, so no time is awaited either.
            return None;
        }
        let now = self.clock.now();
        let next = self.alarms.next(&self.policy(), self.quiet_until(now))?;
        let ms = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or(0);
        Some(Duration::from_millis(ms.saturating_add(1)).min(NAP_MAX))
    }

    /// Returns when the quiet hours end, if it is quiet now.
    fn quiet_until(&self, now: Timestamp) -> Option<Timestamp> {
        let quiet = &self.rules.general.quiet;
        let is_quiet = |at| !quiet.is_empty() && self.calendar.is_open(quiet, &Zone::System, at);
        if !is_quiet(now) {
            return None;
        }
        let minute = now.0 - now.0.rem_euclid(MINUTE_MS);
        (1..=QUIET_MINUTES_MAX)
            .map(|n| Timestamp(minute + n * MINUTE_MS))
            .find(|at| !is_quiet(*at))
            .or(Some(Timestamp(minute + QUIET_MINUTES_MAX * MINUTE_MS)))
    }

    /// Tells what is due, after it was written down as told.
    fn tell(&mut self) {
        if self.outboxes.is_empty() {
            // Nobody is told, so nothing was: a channel that is set up later hears what lasts.
            self.write_down();
            return;
        }
        let now = self.clock.now();
        let quiet = self.quiet_until(now);
        let due = self.alarms.due(&self.policy(), now, quiet);
        if self.write_down() {
            self.send(&due);
        }
    }

    /// Keeps what alarms remember; false when that failed, and then nothing is sent: it would be
    /// told again after each start.
    fn write_down(&mut self) -> bool {
        let rows: Vec<_> = self.alarms.rows().cloned().collect();
        if rows == self.written {
            return true;
        }
        let to_write = rows.clone();
        let saved = self
            .center
            .read(move |_, store, _| store.save(&[Save::Alarms(to_write)]));
        match saved {
            Ok(Ok(())) => {
                self.written = rows;
                true
            }
            Ok(Err(error)) => {
                self.log.line(format!("notices wait: {error}"));
                false
            }
            Err(_) => false,
        }
    }

    fn send(&self, alarms: &[Alarm]) {
        if alarms.is_empty() {
            return;
        }
        for (name, channel) in &self.rules.channels {
            let message = channel.pick(alarms, &self.host);
            if let Some(message) = message {
                self.post(name, message);
            }
        }
    }

    fn post(&self, name: &str, message: Message) {
        let outbox = self.outboxes.get(name);
        if let Some(Err(error)) = outbox.map(|outbox| outbox.send(message)) {
            self.log.line(format!("alert.{name}: {error}"));
        }
    }

    /// Tells the hooks of a run.
    fn run(&self, id: &SessionId, kind: AlarmKind) {
        let is_wanted = self.rules.channels.iter().any(|(_, channel)| {
            let mut kinds = channel.on.iter();
            kinds.any(|it| it.is_of_a_run())
        });
        if !is_wanted {
            return;
        }
        let wanted = id.clone();
        let found = self
            .center
            .read(move |state, store, now| {
                let record = store.session(&wanted).ok().flatten()?;
                let events = store
                    .events(&syncmgr_center::port::EventQuery {
                        session: Some(wanted),
                        level: 3,
                        limit: 1,
                        ..Default::default()
                    })
                    .unwrap_or_default();
                let key = syncmgr_model::id::ItemKey {
                    handler: record.handler.clone(),
                    item: record.item().clone(),
                };
                let name = state.item(&key, now).map(|view| view.memory.name);
                Some((record, events.into_iter().next(), name))
            })
            .ok()
            .flatten();
        let Some((record, event, name)) = found else {
            // A preview, or one that was taken back: nothing ran.
            return;
        };
        if record.kind != WorkKind::Sync {
            return;
        }
        let kind = match (kind, record.status) {
            (AlarmKind::RunStarted, _) => kind,
            (_, Some(ProgressStatus::Succeeded)) => AlarmKind::RunSucceeded,
            (_, Some(ProgressStatus::Canceled)) => return,
            _ => AlarmKind::RunFailed,
        };
        let subject = AlarmSubject {
            item: record.item().clone(),
            name: name.unwrap_or_else(|| record.item().to_string()),
            run: Some(record.id.clone()),
        };
        let trouble = event
            .map(|event| event.trouble)
            .filter(|_| kind == AlarmKind::RunFailed);
        let now = self.clock.now();
        self.send(&[Alarm::of_run(kind, subject, trouble, now)]);
    }

    /// Takes over other rules. An outbox of a channel that stays as it is keeps what waits in it.
    fn set(&mut self, rules: Rules) {
        let old = std::mem::replace(&mut self.rules, rules);
        let stays = |name: &String| {
            let of = |rules: &Rules| {
                let found = rules.channels.iter().find(|(own, _)| own == name);
                found.map(|(_, channel)| channel.clone())
            };
            of(&old).is_some() && of(&old) == of(&self.rules)
        };
        self.outboxes.retain(|name, _| stays(name));
        for (name, channel) in &self.rules.channels {
            if self.outboxes.contains_key(name) {
                continue;
            }
            let (log, center) = (self.log.clone(), self.center.clone());
            let report = move |report: Report| say(&log, &center, &report);
            match Outbox::start(name, channel.clone(), PAUSES.to_vec(), report) {
                Ok(outbox) => drop(self.outboxes.insert(name.clone(), outbox)),
                Err(error) => self.log.line(format!("alert.{name}: {error}")),
            }
        }
    }
}

/// Writes down how a notice fared, for those who ask why none came; one that did not arrive is a
/// result that the person sees.
fn say(log: &Log, center: &Handle, report: &Report) {
    let (name, title) = (&report.channel, report.message.title());
    match &report.outcome {
        Some(Ok(())) => log.line(format!("alert.{name}: sent \"{title}\"")),
        // The record is logged like every other.
        Some(Err(error)) => notices::record(center, error.trouble(name)),
        None => log.line(format!(
            "alert.{name}: \"{title}\" was not sent, because the daemon ends"
        )),
    }
}
