//! Notices that the clock leapt: the machine slept, or somebody set the time.
//!
//! The center waits on a clock that stands still while the machine sleeps, so after a sleep it would
//! be late by as long as that took. The system ends the sleep of a timer on the clock of day when
//! that clock is set, and waking up counts as such (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`).
//! So a thread waits for exactly that and never wakes up otherwise.

#[cfg(target_os = "linux")]
pub(crate) use linux::watch_clock;

/// The word for systems without such a timer: there the center notices a leap at its next look.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch_clock(_on_leap: impl Fn() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    /// A time that never comes: the year 2242, below what any system takes.
    const NEVER_SECS: i64 = 1 << 33;

    /// Calls `on_leap`, on a thread of its own, whenever the clock of day was set or the machine
    /// woke up. The thread lives as long as the process.
    ///
    /// # Errors
    /// The system gives no timer or no thread.
    pub(crate) fn watch_clock(on_leap: impl Fn() + Send + 'static) -> io::Result<()> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
        arm(&timer)?;
        let work = move || {
            loop {
                let mut n_expired = [0; 8];
                match rustix::io::read(&timer, &mut n_expired) {
                    Err(Errno::CANCELED) => on_leap(),
                    Err(Errno::INTR) => {}
                    // It can only expire where the clock is wrong by centuries.
                    Ok(_) | Err(_) => return,
                }
                match arm(&timer) {
                    Ok(()) => {}
                    // Set once more meanwhile; the timer runs all the same.
                    Err(Errno::CANCELED) => on_leap(),
                    Err(_) => return,
                }
            }
        };
        std::thread::Builder::new()
            .name("clock".to_owned())
            .spawn(work)
            .map(drop)
    }

    fn arm(timer: &OwnedFd) -> rustix::io::Result<()> {
        let never = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: NEVER_SECS,
                tv_nsec: 0,
            },
        };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(timer, flags, &never).map(drop)
    }
}
