//! What was heard on the bus and waits to be looked at.
//!
//! Held small, whatever is sent: of "something changed" one entry per service is enough, since it is
//! read afterwards; what happened is kept in order, up to a limit.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use tokio::sync::Notify;

use crate::bus::Service;

/// Most happenings that wait: a person does not lock a screen more often than that in a second, and
/// a program that does is not worth a run each time.
const HAPPENED_MAX: usize = 64;

/// Something that a service said, other than that its properties changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The session with this path is asked to lock or unlock.
    Lock {
        /// The path of the session.
        session: String,
        /// False to unlock.
        lock: bool,
    },
    /// The machine is about to sleep, or (false) woke up.
    Sleep(bool),
    /// The machine is about to go down, or (false) will not after all.
    Shutdown(bool),
}

/// What is taken out at once.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// In the order it was said.
    pub(crate) said: VecDeque<Said>,
    /// What to read again.
    pub(crate) changed: BTreeSet<Service>,
    /// To look at everything again, also without services.
    pub(crate) look_again: bool,
}

/// The inbox; for one thread.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    news: RefCell<News>,
    waker: Notify,
}

impl Inbox {
    pub(crate) fn say(&self, said: Said) {
        let mut news = self.news.borrow_mut();
        if news.said.len() < HAPPENED_MAX {
            news.said.push_back(said);
            self.waker.notify_one();
        }
    }

    pub(crate) fn change(&self, service: Service) {
        self.news.borrow_mut().changed.insert(service);
        self.waker.notify_one();
    }

    pub(crate) fn look_again(&self) {
        self.news.borrow_mut().look_again = true;
        self.waker.notify_one();
    }

    /// Waits until there is something and takes all of it. May also return with nothing.
    pub(crate) async fn next(&self) -> News {
        self.waker.notified().await;
        std::mem::take(&mut *self.news.borrow_mut())
    }
}
