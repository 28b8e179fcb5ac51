//! What the desktop and the machine tell: sleep, lock, log-off, idle, power, network.
//!
//! On Linux these are told on the system bus by logind, UPower and NetworkManager. A thread of its
//! own sleeps until one of them says that something changed, reads what it is, and tells the center.
//!
//! ```text
//!  bus ──signal──► listen: what kind of news? ──► Inbox (one entry per kind)
//!                                                   │
//!  service ◄──read, with a time limit── work ◄──────┘ ──► Command to the center
//! ```
//!
//! Nothing is asked again and again: without a change nothing wakes up. A service that does not run
//! is not started, and what it would tell stays what [`Parts::machine`] says. So does everything
//! when there is no bus; when one appears, it is used.
//!
//! Must not: be required, for everything works without it; decide what a fact means for a run; show
//! or run anything that the bus says. Names of networks are text that is compared, nothing else.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(target_os = "linux")]
mod facts;
#[cfg(target_os = "linux")]
mod inbox;
#[cfg(target_os = "linux")]
mod lock;
#[cfg(target_os = "linux")]
mod logind;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
mod thread;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use syncmgr_center::agenda::Situation;
use syncmgr_center::command::Command;
use syncmgr_center::port::Clock;

#[cfg(target_os = "linux")]
pub use thread::Sensors;

/// What the sensors work with. All of it is called on their own thread and must not block for long.
pub struct Parts {
    /// The way to the center; takes [`Command::Happened`], [`Command::Machine`] and
    /// [`Command::TimeLeapt`].
    pub tell: Box<dyn Fn(Command) + Send>,
    /// What is known of the machine without any service. Asked at the start, after a sleep, and at
    /// [`Sensors::look_again`].
    pub machine: Box<dyn Fn() -> Situation + Send>,
    /// What is worth a line in the log: one when the bus is lost or found.
    pub note: Box<dyn Fn(String) + Send>,
    /// Says since when the machine is idle.
    pub clock: Arc<dyn Clock>,
    /// The D-Bus address to use; none means the system's (`DBUS_SYSTEM_BUS_ADDRESS`, or where it
    /// always is).
    pub address: Option<String>,
}

impl Debug for Parts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Stands for the sensors on systems where none are made yet: they see nothing.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Sensors(Parts);

#[cfg(not(target_os = "linux"))]
impl Sensors {
    /// Keeps the parts, to look again when asked.
    ///
    /// # Errors
    /// None here.
    pub fn start(parts: Parts) -> std::io::Result<Self> {
        Ok(Self(parts))
    }

    /// Tells what is known of the machine.
    pub fn look_again(&self) {
        (self.0.tell)(Command::Machine(Box::new((self.0.machine)())));
    }
}
