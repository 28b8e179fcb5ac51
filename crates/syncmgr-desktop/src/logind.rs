//! Sessions of the user and whether the machine is idle, as logind says.

use std::collections::BTreeMap;

use syncmgr_model::schedule::SystemEvent;
use syncmgr_model::time::Timestamp;
use zbus::OwnedObjectPath;

use crate::bus::{Bus, Properties, Service};
use crate::facts::Idle;
use crate::lock::Screen;

/// Where logind has its manager; signals of it come from here.
pub(crate) const MANAGER: &str = "/org/freedesktop/login1";
/// Where it has its sessions.
pub(crate) const SESSIONS: &str = "/org/freedesktop/login1/session";

/// Most sessions of one user that are looked at: each costs a question.
const SESSIONS_MAX: usize = 32;

/// One entry of `ListSessions`: id, uid, user, seat, path.
type Listed = (String, u32, String, String, OwnedObjectPath);

/// What logind says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    /// None when it does not say.
    pub(crate) idle: Option<Idle>,
    /// The user's sessions by path, and whether the screen is locked; none where a session is listed
    /// and could not be read.
    sessions: BTreeMap<String, Option<bool>>,
}

/// Reads it; none where logind does not run or does not answer.
pub(crate) async fn read(bus: &Bus) -> Option<Login> {
    let manager = "org.freedesktop.login1.Manager";
    let all = bus.properties(Service::Login, MANAGER, manager).await?;
    let listed: Vec<Listed> = bus
        .call(Service::Login, MANAGER, manager, "ListSessions", &())
        .await?;
    let own = rustix::process::getuid().as_raw();
    let own = listed.into_iter().filter(|it| it.1 == own);
    let mut sessions = BTreeMap::new();
    for (.., path) in own.take(SESSIONS_MAX) {
        let interface = "org.freedesktop.login1.Session";
        let one = bus.properties(Service::Login, path.as_str(), interface);
        let one = one.await;
        if one.as_ref().is_none_or(is_of_a_person) {
            let is_locked = one.map(|it| it.truth("LockedHint").unwrap_or_default());
            sessions.insert(path.as_str().to_owned(), is_locked);
        }
    }
    Some(Login {
        idle: idle(&all),
        sessions,
    })
}

/// A person sits behind it: neither a timer's job, nor the log-in screen, nor what is left after
/// the person logged off.
fn is_of_a_person(session: &Properties) -> bool {
    let class = session.text("Class").unwrap_or("user");
    class.starts_with("user") && session.text("State") != Some("closing")
}

fn idle(manager: &Properties) -> Option<Idle> {
    if !manager.truth("IdleHint")? {
        return Some(Idle::InUse);
    }
    let since_us = manager.large("IdleSinceHint").unwrap_or_default();
    let since_ms = i64::try_from(since_us / 1000).ok()?;
    // Idle since nobody knows when cannot be counted.
    (since_ms > 0).then_some(Idle::Since(Timestamp(since_ms)))
}

/// The user's sessions, as they were read last.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// By path; none before they were read for the first time.
    screens: Option<BTreeMap<String, Screen>>,
    /// The machine is about to go down; the log-off was told.
    is_leaving: bool,
}

impl Sessions {
    /// Forgets them: logind is gone, and what it says next is no news.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes what was read; returns what there is to tell.
    pub(crate) fn read(&mut self, login: &Login) -> Vec<SystemEvent> {
        let mut out = Vec::new();
        let before = self.screens.take();
        let was_there = before.as_ref().map(|it| !it.is_empty());
        let mut before = before.unwrap_or_default();
        let mut screens = BTreeMap::new();
        for (path, is_locked) in &login.sessions {
            let known = before.remove(path);
            // What could not be read is not gone, and not new either.
            let Some(mut screen) = known.or(is_locked.map(Screen::new)) else {
                continue;
            };
            out.extend(is_locked.and_then(|it| screen.says(it)));
            screens.insert(path.clone(), screen);
        }
        match (was_there, !screens.is_empty()) {
            (Some(false), true) => out.push(SystemEvent::LogOn),
            (Some(true), false) if !self.is_leaving => out.push(SystemEvent::LogOff),
            _ => {}
        }
        self.screens = Some(screens);
        out
    }

    /// Takes the wish to lock or unlock a session; those of others are passed over.
    pub(crate) fn asked(&mut self, session: &str, lock: bool) -> Option<SystemEvent> {
        self.screens.as_mut()?.get_mut(session)?.asked(lock)
    }

    /// Takes that the machine is about to go down, or will not after all.
    pub(crate) fn leaving(&mut self, is_leaving: bool) -> Option<SystemEvent> {
        let is_new = is_leaving && !self.is_leaving;
        self.is_leaving = is_leaving;
        is_new.then_some(SystemEvent::LogOff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(sessions: &[(&str, bool)]) -> Login {
        let sessions = sessions.iter();
        Login {
            idle: None,
            sessions: sessions.map(|it| (it.0.to_owned(), Some(it.1))).collect(),
        }
    }

    #[test]
    fn the_first_session_is_a_log_on_and_the_last_a_log_off() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.read(&login(&[])), []);
        assert_eq!(sessions.read(&login(&[("1", false)])), [SystemEvent::LogOn]);
        assert_eq!(sessions.read(&login(&[("1", false), ("2", true)])), []);
        assert_eq!(sessions.read(&login(&[("2", true)])), []);
        assert_eq!(sessions.read(&login(&[])), [SystemEvent::LogOff]);
    }

    #[test]
    fn a_session_that_cannot_be_read_is_not_gone() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.read(&login(&[("1", true)])), []);
        let mut unread = login(&[]);
        unread.sessions.insert("1".to_owned(), None);
        assert_eq!(sessions.read(&unread), []);
        let unlocked = sessions.read(&login(&[("1", false)]));
        assert_eq!(unlocked, [SystemEvent::Unlock]);
    }

    #[test]
    fn going_down_is_one_log_off() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.read(&login(&[("1", false)])), []);
        assert_eq!(sessions.leaving(true), Some(SystemEvent::LogOff));
        assert_eq!(sessions.leaving(true), None);
        assert_eq!(sessions.read(&login(&[])), []);
        assert_eq!(sessions.leaving(false), None);
    }

    #[test]
    fn a_session_of_somebody_else_is_not_locked_for_us() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.asked("1", true), None);
        assert_eq!(sessions.read(&login(&[("1", false)])), []);
        assert_eq!(sessions.asked("2", true), None);
        assert_eq!(sessions.asked("1", true), Some(SystemEvent::Lock));
    }
}
