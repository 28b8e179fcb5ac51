//! Looks what all processes of the handlers use together: the system limits single processes, and
//! counts the processes of a person but not those of a handler.

use std::sync::{Arc, Mutex, Weak};
use std::thread;

use syncmgr_center::port::Clock;

use super::launch::{Limits, Table, Used};
use super::limits::{LOOK_BUSY, LOOK_IDLE, STACK_BYTES, YOUNG_MS};
use super::process::Process;
use super::why::Why;
use crate::in_process::lock;

/// The processes that are watched. Its thread lives as long as there are any.
pub(super) struct Warden {
    watched: Mutex<Watched>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Watched {
    processes: Vec<(Weak<Process>, u64)>,
    has_thread: bool,
}

impl Warden {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            watched: Mutex::default(),
            clock,
        })
    }

    /// Watches a process until it ends.
    pub(super) fn watch(self: &Arc<Self>, process: &Arc<Process>) {
        let mut watched = lock(&self.watched);
        let born = self.clock.elapsed_ms();
        watched.processes.push((Arc::downgrade(process), born));
        if watched.has_thread {
            return;
        }
        let warden = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("handler-watch".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || warden.work());
        // Without a thread the limits of the system still hold.
        watched.has_thread = spawned.is_ok();
    }

    fn work(&self) {
        while let Some(is_busy) = self.look() {
            thread::sleep(if is_busy { LOOK_BUSY } else { LOOK_IDLE });
        }
    }

    /// Looks once. Says whether anything is going on, and `None` when there is nothing to watch.
    fn look(&self) -> Option<bool> {
        let now = self.clock.elapsed_ms();
        let mut alive = Vec::new();
        {
            let mut watched = lock(&self.watched);
            watched.processes.retain(|(process, born)| {
                let process = process.upgrade().filter(|it| it.why().is_none());
                alive.extend(process.clone().map(|process| (process, *born)));
                process.is_some()
            });
            if watched.processes.is_empty() {
                watched.has_thread = false;
                return None;
            }
        }
        let table = Table::read();
        let mut is_busy = false;
        for (process, born) in alive {
            is_busy |= process.is_busy() || now < born + YOUNG_MS;
            let used = table.used(process.watcher());
            if let Some(what) = breach(used, process.plan().limits) {
                process.end(Why::Limit(what));
            }
        }
        Some(is_busy)
    }
}

/// Says which limit is passed.
fn breach(used: Used, limits: Limits) -> Option<String> {
    if used.n_processes > limits.n_processes {
        let (n, most) = (used.n_processes, limits.n_processes);
        return Some(format!(
            "it had {n} processes and threads, {most} are possible"
        ));
    }
    if used.memory_bytes > limits.memory_bytes {
        let mib = |bytes: u64| bytes >> 20;
        let (used, most) = (mib(used.memory_bytes), mib(limits.memory_bytes));
        return Some(format!(
            "it held {used} MiB of memory, {most} MiB are possible"
        ));
    }
    None
}
