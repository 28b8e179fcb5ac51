//! Which handlers of the older family there are, what they want to hear of, and what a program that
//! wants one of them to sync has asked for (`ISyncMgrRegister`, `ISyncMgrSynchronizeInvoke`).
//!
//! Must not: start anything. What is to be run is returned as a value, which [`Invocation::start`]
//! turns into what the center is asked for.

use std::collections::BTreeMap;
use std::fmt;

use syncmgr_model::id::HandlerId;
use syncmgr_model::legacy::{Errand, Event, InvokeFlags, RegisterFlags};
use syncmgr_model::request::{Origin, Token};

use crate::command::{Control, Scope, StartOptions};

/// Most bytes of a cookie: it is an argument and not a document.
pub const COOKIE_LEN_MAX: usize = 64 * 1024;

/// What is known of a registered handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What it is called before it can be asked; `None` when nobody said.
    pub description: Option<String>,
    /// The events that it wants to hear of.
    pub flags: RegisterFlags,
}

/// Why an invocation is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No such handler is registered.
    Unknown(HandlerId),
    /// The cookie is longer than [`COOKIE_LEN_MAX`].
    CookieTooLong(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "no handler `{id}` is registered"),
            Self::CookieTooLong(len) => write!(
                f,
                "a cookie of {len} bytes is too long, {COOKIE_LEN_MAX} are possible"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// What is to be run because something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The handler that is to be initialised.
    pub handler: HandlerId,
    /// Why.
    pub event: Event,
    /// What the program gave along, byte for byte; only with [`Event::Invoke`].
    pub cookie: Option<Vec<u8>>,
    /// Whether the person chooses the items first. Without a choice, those that are checked run.
    pub is_choice_wanted: bool,
    /// Whether what is shown begins minimised.
    pub is_minimized: bool,
}

impl Invocation {
    /// Returns what a start of today passes along so that the handler learns event and cookie.
    #[must_use]
    pub fn errand(&self) -> Errand {
        Errand::Event(self.event, self.cookie.clone())
    }

    /// Returns what the center is asked for, once the person has chosen, if that is wanted: a sync
    /// of the handler's checked items. `may_ask` says whether somebody sits at the screen.
    #[must_use]
    pub fn start(&self, may_ask: bool) -> Control {
        let options = StartOptions {
            token: Some(Token(self.errand().text().into())),
            origin: match self.event {
                Event::Manual | Event::Invoke => Origin::Manual,
                Event::Connect => Origin::Schedule("connect".to_owned()),
                Event::PendingDisconnect => Origin::Schedule("disconnect".to_owned()),
                Event::Idle => Origin::Schedule("idle".to_owned()),
                Event::Scheduled => Origin::Schedule("scheduled".to_owned()),
            },
            may_ask,
            ..StartOptions::default()
        };
        Control::Start(Scope::Handler(self.handler.clone()), Box::new(options))
    }
}

/// The registered handlers of the older family.
///
/// A value: whoever keeps it across restarts stores its [`Self::iter`] and registers them again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    handlers: BTreeMap<HandlerId, Registration>,
}

impl Registry {
    /// Registers a handler, or replaces what was said of it before.
    pub fn register(&mut self, id: HandlerId, registration: Registration) {
        self.handlers.insert(id, registration);
    }

    /// Removes a handler and says whether it was there. A handler does this when it has nothing
    /// more to sync.
    pub fn unregister(&mut self, id: &HandlerId) -> bool {
        self.handlers.remove(id).is_some()
    }

    /// Returns what a handler is registered for; `None` when it is not registered, which is no
    /// error (`S_FALSE`).
    #[must_use]
    pub fn registration(&self, id: &HandlerId) -> Option<&Registration> {
        self.handlers.get(id)
    }

    /// All handlers, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&HandlerId, &Registration)> {
        self.handlers.iter()
    }

    /// Says what runs at an event. Connecting, disconnecting and idling reach the handlers that
    /// registered for them; a person, a program and a schedule reach all. A person chooses the
    /// items first.
    #[must_use]
    pub fn at(&self, event: Event) -> Vec<Invocation> {
        self.handlers
            .iter()
            .filter(|(_, registration)| wants(registration.flags, event))
            .map(|(id, _)| Invocation {
                handler: id.clone(),
                event,
                cookie: None,
                is_choice_wanted: event == Event::Manual,
                is_minimized: false,
            })
            .collect()
    }

    /// Says what runs because a program wants one handler to sync (`UpdateItems`).
    ///
    /// # Errors
    /// A [`Refusal`], and nothing runs.
    pub fn update_items(
        &self,
        flags: InvokeFlags,
        handler: &HandlerId,
        cookie: Option<&[u8]>,
    ) -> Result<Invocation, Refusal> {
        if !self.handlers.contains_key(handler) {
            return Err(Refusal::Unknown(handler.clone()));
        }
        if let Some(cookie) = cookie.filter(|cookie| cookie.len() > COOKIE_LEN_MAX) {
            return Err(Refusal::CookieTooLong(cookie.len()));
        }
        Ok(Invocation {
            handler: handler.clone(),
            event: Event::Invoke,
            cookie: cookie.map(<[u8]>::to_vec),
            is_choice_wanted: !flags.starts_at_once,
            is_minimized: flags.is_minimized,
        })
    }

    /// Says what runs because a program wants everything to sync (`UpdateAll`). Nobody waits for it:
    /// the caller has its answer when it has this value.
    #[must_use]
    pub fn update_all(&self) -> Vec<Invocation> {
        self.at(Event::Invoke)
    }
}

/// Says whether a handler that registered so hears of an event.
fn wants(flags: RegisterFlags, event: Event) -> bool {
    match event {
        Event::Connect => flags.wants_connect,
        Event::PendingDisconnect => flags.wants_pending_disconnect,
        Event::Idle => flags.wants_idle,
        Event::Manual | Event::Invoke | Event::Scheduled => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HandlerId {
        HandlerId::new(text).unwrap()
    }

    fn with(bits: u32) -> Registration {
        Registration {
            description: None,
            flags: RegisterFlags::from_bits(bits),
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::default();
        for (name, bits) in [("connect", 1), ("disconnect", 2), ("idle", 4), ("none", 0)] {
            registry.register(id(name), with(bits));
        }
        registry
    }

    #[track_caller]
    fn check_at(event: Event, expected: &[&str]) {
        let runs = registry().at(event);
        let names: Vec<_> = runs.iter().map(|run| run.handler.as_str()).collect();
        assert_eq!(names, expected, "{event:?}");
        assert!(
            runs.iter()
                .all(|run| run.event == event && run.cookie.is_none())
        );
    }

    /// spec 167: a handler is registered with its flags, found, and unregistered; one that is not
    /// registered is no error.
    #[test]
    fn a_handler_is_registered_found_and_unregistered() {
        let mut registry = Registry::default();
        assert_eq!(registry.registration(&id("mail")), None);
        registry.register(id("mail"), with(1 | 4));
        let found = registry.registration(&id("mail")).unwrap();
        assert_eq!(found.flags.bits(), 5);
        registry.register(id("mail"), with(2));
        assert_eq!(registry.registration(&id("mail")).unwrap().flags.bits(), 2);
        assert_eq!(registry.iter().count(), 1);
        assert!(registry.unregister(&id("mail")));
        assert!(!registry.unregister(&id("mail")));
        assert_eq!(registry.registration(&id("mail")), None);
    }

    /// spec 185: connect, pending disconnect and idle reach those who asked for them, and everything
    /// else reaches all.
    #[test]
    fn events_reach_those_who_asked_for_them() {
        check_at(Event::Connect, &["connect"]);
        check_at(Event::PendingDisconnect, &["disconnect"]);
        check_at(Event::Idle, &["idle"]);
        let all = ["connect", "disconnect", "idle", "none"];
        check_at(Event::Manual, &all);
        check_at(Event::Scheduled, &all);
        check_at(Event::Invoke, &all);
    }

    /// spec 168: what a program gives along arrives byte for byte, with the event of an invocation.
    #[test]
    fn an_invocation_carries_the_cookie() {
        let run = registry()
            .update_items(InvokeFlags::default(), &id("idle"), Some(&[0, 255]))
            .unwrap();
        assert_eq!(run.event, Event::Invoke);
        assert_eq!(run.cookie.as_deref(), Some(&[0, 255][..]));
        let Control::Start(Scope::Handler(handler), options) = run.start(true) else {
            panic!("an invocation starts a handler");
        };
        assert_eq!(handler, id("idle"));
        assert_eq!(options.token, Some(Token("legacy:invoke:00ff".into())));
        assert!(options.may_ask && options.origin == Origin::Manual);
        let unknown = registry().update_items(InvokeFlags::default(), &id("x"), None);
        assert_eq!(unknown, Err(Refusal::Unknown(id("x"))));
        let long = vec![0; COOKIE_LEN_MAX + 1];
        let refused = registry().update_items(InvokeFlags::default(), &id("idle"), Some(&long));
        assert_eq!(refused, Err(Refusal::CookieTooLong(long.len())));
    }

    /// spec 168: updating all is answered with what is to run, before anything runs.
    #[test]
    fn updating_all_reaches_every_handler_without_a_cookie() {
        let runs = registry().update_all();
        assert_eq!(runs.len(), 4);
        assert!(
            runs.iter()
                .all(|run| run.event == Event::Invoke && run.cookie.is_none())
        );
    }

    /// spec 169: one bit skips the choice of items, the other begins minimised.
    #[test]
    fn an_invocation_may_skip_the_choice_and_begin_minimized() {
        for (bits, is_choice_wanted, is_minimized) in [
            (0, true, false),
            (2, false, false),
            (4, true, true),
            (6, false, true),
        ] {
            let flags = InvokeFlags::from_bits(bits);
            let run = registry().update_items(flags, &id("none"), None).unwrap();
            assert_eq!(
                (run.is_choice_wanted, run.is_minimized),
                (is_choice_wanted, is_minimized)
            );
        }
    }
}
