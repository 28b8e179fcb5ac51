//! Passes on what the center tells: to the live stream, to the log, and to the service manager.

use sd_notify::NotifyState;
use syncmgr_center::center::Handle;
use syncmgr_center::command::{Command, Update};
use syncmgr_center::port::Notifier;
use syncmgr_center::state::State;
use syncmgr_model::catalogue;
use syncmgr_model::escape::escape;
use syncmgr_model::event::{Event, EventLevel, Link, NewEvent};
use syncmgr_model::id::HandlerId;
use syncmgr_model::status;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::log::Log;

/// Records something that belongs to no run, under the built-in handler, because every result has
/// one.
pub(crate) fn record(center: &Handle, trouble: Trouble) {
    let Ok(handler) = HandlerId::new(syncmgr_handlers::files::ID) else {
        return;
    };
    let new = NewEvent {
        item: None,
        trouble,
        link: Link::default(),
        context: None,
    };
    center.tell(Command::Note(handler, Box::new(new)));
}

/// Several that are told, in this order.
pub(crate) struct All(pub(crate) Vec<Box<dyn Notifier>>);

impl std::fmt::Debug for All {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("All").field(&self.0.len()).finish()
    }
}

impl Notifier for All {
    fn notify(&mut self, update: &Update, state: &State, now: Timestamp) {
        for notifier in &mut self.0 {
            notifier.notify(update, state, now);
        }
    }

    fn wants_ticks(&self) -> bool {
        self.0.iter().any(|it| it.wants_ticks())
    }
}

/// Writes what is worth knowing into the log, and the headline to the service manager.
#[derive(Debug)]
pub(crate) struct Teller {
    log: Log,
    headline: String,
    /// A service manager shows the headline. Without one it is not made: it is made from all items,
    /// at every change of one.
    has_reader: bool,
}

impl Teller {
    /// Tells into this log.
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log,
            headline: String::new(),
            has_reader: std::env::var_os("NOTIFY_SOCKET").is_some(),
        }
    }

    fn event(&self, event: &Event) {
        if event.trouble.level == EventLevel::Information {
            return;
        }
        let notice = catalogue::notice(&event.trouble);
        let item = event.item.as_ref().map(|item| format!("{item}: "));
        self.log.line(format!(
            "{}{} [{}]",
            item.unwrap_or_default(),
            notice.what,
            event.trouble.code.as_str()
        ));
    }

    /// Says the headline when it is another one: every message would be a wake-up.
    fn say_headline(&mut self, state: &State, now: Timestamp) {
        if !self.has_reader {
            return;
        }
        let headline = status::headline(&state.statuses(now));
        if headline != self.headline {
            // The log would only repeat it, so that it cannot be told is not said there.
            drop(sd_notify::notify(&[NotifyState::Status(&headline)]));
            self.headline = headline;
        }
    }
}

impl Notifier for Teller {
    fn notify(&mut self, update: &Update, state: &State, now: Timestamp) {
        match update {
            Update::Began(id) => {
                if let Some(view) = state.session(id) {
                    let items: Vec<_> = view
                        .items
                        .iter()
                        .map(|(item, ..)| escape(item.as_str().as_bytes()))
                        .collect();
                    let kind = view.kind.as_str();
                    self.log
                        .line(format!("run {id} begins: {kind} of {}", items.join(", ")));
                }
            }
            Update::Ended(id) => self.log.line(format!("run {id} ended")),
            Update::Event(event) => self.event(event),
            Update::Items(_) | Update::Handler(_) => self.say_headline(state, now),
            Update::Queued(_)
            | Update::Moved(..)
            | Update::Text(..)
            | Update::Stopping(_)
            | Update::Events(_)
            | Update::Conflicts(..)
            | Update::Tick => {}
        }
    }
}
