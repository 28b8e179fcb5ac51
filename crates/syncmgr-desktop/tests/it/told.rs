//! Takes what the sensors tell, in the center's place.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use syncmgr_center::agenda::Situation;
use syncmgr_center::command::Command;
use syncmgr_center::port::Clock;
use syncmgr_desktop::{Parts, Sensors};
use syncmgr_model::schedule::SystemEvent;
use syncmgr_model::time::Timestamp;

/// The time for the sensors.
pub(super) const NOW_MS: i64 = 1_790_000_000_000;

/// How soon a change is told.
const SOON: Duration = Duration::from_secs(1);
/// How long is waited for what must not come: everything that was said has been read by then, as
/// what must come takes some ten milliseconds.
const A_WHILE: Duration = Duration::from_millis(300);

/// A clock that stands.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(NOW_MS)
    }

    fn elapsed_ms(&self) -> u64 {
        0
    }
}

/// Running sensors and what they told.
pub(super) struct Told {
    sensors: Sensors,
    told: Receiver<Command>,
    n_notes: Arc<AtomicU32>,
    last: RefCell<Option<Situation>>,
}

impl Told {
    /// Starts sensors on the bus at this address. Without services this machine is online, and
    /// nothing else is known.
    pub(super) fn start(address: &str) -> Self {
        let (tell, told) = channel();
        let n_notes = Arc::new(AtomicU32::new(0));
        let notes = Arc::clone(&n_notes);
        let parts = Parts {
            tell: Box::new(move |command| drop(tell.send(command))),
            machine: Box::new(|| Situation {
                is_online: true,
                ..Situation::default()
            }),
            note: Box::new(move |_| {
                notes.fetch_add(1, Ordering::Relaxed);
            }),
            clock: Arc::new(Still),
            address: Some(address.to_owned()),
        };
        Self {
            sensors: Sensors::start(parts).unwrap(),
            told,
            n_notes,
            last: RefCell::default(),
        }
    }

    pub(super) fn look_again(&self) {
        self.sensors.look_again();
    }

    pub(super) fn n_notes(&self) -> u32 {
        self.n_notes.load(Ordering::Relaxed)
    }

    /// Waits until the machine is told to be like this, and nothing else is.
    #[track_caller]
    pub(super) fn until(&self, is_it: impl Fn(&Situation) -> bool) {
        self.until_within(SOON, is_it);
    }

    #[track_caller]
    pub(super) fn until_within(&self, within: Duration, is_it: impl Fn(&Situation) -> bool) {
        if self.last.borrow().as_ref().is_some_and(&is_it) && within == SOON {
            // What is so already may be told again.
            return;
        }
        loop {
            match self.told.recv_timeout(within) {
                Ok(Command::Machine(machine)) => {
                    let is_it = is_it(&machine);
                    *self.last.borrow_mut() = Some(*machine);
                    if is_it {
                        return;
                    }
                }
                other => panic!("{other:?}, after {:?}", self.last.borrow()),
            }
        }
    }

    /// Waits for this to be told next, but for the state of the machine.
    #[track_caller]
    pub(super) fn happens(&self, expected: SystemEvent) {
        match self.next(SOON) {
            Some(Command::Happened(event)) => assert_eq!(event, expected),
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }

    /// Waits to be told that the machine woke up.
    #[track_caller]
    pub(super) fn leaps(&self) {
        let next = self.next(SOON);
        assert!(matches!(next, Some(Command::TimeLeapt)), "{next:?}");
    }

    /// Nothing happens for a while, and the machine stays as it was told last.
    #[track_caller]
    pub(super) fn nothing_more(&self) {
        if let Some(more) = self.next(A_WHILE) {
            panic!("{more:?}");
        }
    }

    fn next(&self, within: Duration) -> Option<Command> {
        loop {
            match self.told.recv_timeout(within).ok()? {
                Command::Machine(machine) => *self.last.borrow_mut() = Some(*machine),
                other => return Some(other),
            }
        }
    }
}
