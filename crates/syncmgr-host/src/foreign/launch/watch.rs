//! The watcher: the parent of a handler and of everything that comes from it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::{EXIT_CONFINE, EXIT_NOT_STARTED, Plan, complain, run, tree};

/// How long a handler that was told to end may take before it is ended.
const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked whether all of it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Starts the handler and stays until it and all that came from it have ended.
pub(super) fn watch(plan: &Plan, launcher: &Path) -> u8 {
    let me = rustix::process::getpid();
    let is_over = Arc::new(AtomicBool::new(false));
    if let Err(error) = settle(plan, me, &is_over) {
        complain("watch over the handler", &error);
        return EXIT_CONFINE;
    }
    let mut inner = plan.clone();
    inner.parent = me.as_raw_nonzero().get().unsigned_abs();
    let child = match inner.stage(launcher, "run").spawn() {
        Ok(child) => Pid::from_child(&child),
        Err(error) => {
            complain("start the launcher", &error);
            return EXIT_NOT_STARTED;
        }
    };
    // The pipes are the handler's: when it closes them, that must show.
    let let_go = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .and_then(|null| {
            rustix::stdio::dup2_stdin(&null)?;
            Ok(rustix::stdio::dup2_stdout(&null)?)
        });
    if let Err(error) = let_go {
        complain("let go of the pipes", &error);
    }
    let code = reap_until(child);
    is_over.store(true, Ordering::SeqCst);
    // What it left behind ends with it. Its children are ours now and have to be reaped, or they
    // would count as there.
    thread::spawn(reap_all);
    tree::kill_tree(me);
    code
}

/// Becomes the one that orphans come to, that ends with the host, and that ends the rest when it
/// is told to.
fn settle(plan: &Plan, me: Pid, is_over: &Arc<AtomicBool>) -> io::Result<()> {
    let _session = rustix::process::setsid();
    let is_over = Arc::clone(is_over);
    ctrlc::set_handler(move || {
        if !is_over.swap(true, Ordering::SeqCst) {
            end(me);
        }
    })
    .map_err(io::Error::other)?;
    adopt(me)?;
    run::still_there(plan)
}

#[cfg(target_os = "linux")]
fn adopt(me: Pid) -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(me))?;
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn adopt(_me: Pid) -> io::Result<()> {
    Ok(())
}

/// Asks everything to end, and ends what does not.
fn end(me: Pid) {
    tree::signal(me, Signal::TERM);
    let mut waited = Duration::ZERO;
    while waited < GRACE && tree::Table::read().has_below(me) {
        thread::sleep(LOOK_AGAIN);
        waited += LOOK_AGAIN;
    }
    tree::kill_tree(me);
}

/// Reaps whatever ends, until it was this one; returns how that ended, as a code.
fn reap_until(child: Pid) -> u8 {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => return code(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return EXIT_NOT_STARTED,
        }
    }
}

fn reap_all() {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// The code that says how a process ended: its own, or 128 and the signal.
fn code(status: WaitStatus) -> u8 {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    let code = signal.or_else(|| status.exit_status()).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}
