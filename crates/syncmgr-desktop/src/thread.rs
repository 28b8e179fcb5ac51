//! The thread of the sensors: connects, listens, reads, tells, and starts over when the bus goes.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use syncmgr_center::agenda::Situation;
use syncmgr_center::command::Command;
use tokio::sync::watch;

use crate::Parts;
use crate::bus::{Bus, Service};
use crate::facts::Facts;
use crate::inbox::{Inbox, News, Said};
use crate::logind::{self, Sessions};
use crate::{network, power, socket};

/// The wait before connecting again, doubled each time: a bus that restarts is back within seconds.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// After so many attempts only a new socket is a reason to try again.
const ATTEMPTS_MAX: u32 = 6;

/// The running sensors. Dropping them ends their thread.
#[derive(Debug)]
pub struct Sensors {
    /// Counts how often it was asked to look again; closed when the sensors end.
    asked: Option<watch::Sender<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Sensors {
    /// Starts the sensors on a thread of their own. What services say is told as soon as it is
    /// known; without any, nothing is told before [`Self::look_again`].
    ///
    /// # Errors
    /// The system gives no thread, or nothing to wait with.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (asked, asks) = watch::channel(0);
        let work = move || {
            runtime.block_on(run(Watcher::new(parts), asks));
            // A name that is being looked up must not hold up the end.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("sensors".to_owned());
        Ok(Self {
            asked: Some(asked),
            thread: Some(thread.spawn(work)?),
        })
    }

    /// Has everything looked at again and the situation told, changed or not: for when the clock
    /// was set or the machine woke up. Returns at once; also a bus that is not there is tried again.
    pub fn look_again(&self) {
        if let Some(asked) = &self.asked {
            asked.send_modify(|n| *n = n.wrapping_add(1));
        }
    }
}

impl Drop for Sensors {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            drop(thread.join());
        }
    }
}

async fn run(mut watcher: Watcher, mut asks: watch::Receiver<u64>) {
    let inbox = Inbox::default();
    let asked = async {
        while asks.changed().await.is_ok() {
            inbox.look_again();
        }
    };
    tokio::select! {
        () = asked => {}
        () = watcher.watch(&inbox) => {}
    }
}

/// What the thread knows.
struct Watcher {
    parts: Parts,
    facts: Facts,
    sessions: Sessions,
    /// What is known without services, as it was asked last.
    machine: Situation,
    /// What was told last, and what that was made from.
    told: Option<(Facts, Situation)>,
}

impl Watcher {
    fn new(parts: Parts) -> Self {
        let machine = (parts.machine)();
        Self {
            parts,
            facts: Facts::default(),
            sessions: Sessions::default(),
            machine,
            told: None,
        }
    }

    /// Works for ever.
    async fn watch(&mut self, inbox: &Inbox) {
        let path = socket::path(self.parts.address.as_deref());
        let mut n_attempts = 0;
        loop {
            let reason = match Bus::connect(self.parts.address.as_deref()).await {
                Ok((bus, stream)) => {
                    n_attempts = 0;
                    tokio::select! {
                        () = bus.listen(stream, inbox) => "it went away".to_owned(),
                        error = self.serve(&bus, inbox) => error.to_string(),
                    }
                }
                Err(error) => error.to_string(),
            };
            self.lost(n_attempts, &reason);
            n_attempts += 1;
            let is_there = path.as_deref().is_none_or(std::path::Path::exists);
            let wait = FIRST_WAIT * 2_u32.pow(n_attempts.min(ATTEMPTS_MAX));
            tokio::select! {
                () = tokio::time::sleep(wait), if is_there && n_attempts < ATTEMPTS_MAX => {}
                () = socket::appears(path.as_deref(), is_there) => {
                    n_attempts = 1;
                    // It has its name a moment before somebody listens.
                    tokio::time::sleep(FIRST_WAIT).await;
                }
                news = inbox.next() => self.take(None, &news).await,
            }
        }
    }

    /// Without the bus nothing is known but what is known without it.
    fn lost(&mut self, n_attempts: u32, reason: &str) {
        if n_attempts == 0 {
            (self.parts.note)(format!(
                "sleep, screen lock, idle time, power and network are not noticed as they change: \
                 no system bus ({reason})"
            ));
        }
        self.facts = Facts::default();
        self.sessions.forget();
        if self.told.is_some() {
            self.tell_machine(false);
        }
    }

    /// Works as long as the bus does; returns why it does not.
    async fn serve(&mut self, bus: &Bus, inbox: &Inbox) -> zbus::Error {
        if let Err(error) = bus.subscribe().await {
            return error;
        }
        for service in Service::ALL {
            inbox.change(service);
        }
        loop {
            let news = inbox.next().await;
            self.take(Some(bus), &news).await;
        }
    }

    /// Takes what was heard.
    async fn take(&mut self, bus: Option<&Bus>, news: &News) {
        let mut look_again = news.look_again;
        for said in &news.said {
            look_again |= self.hear(said);
        }
        if look_again {
            self.machine = (self.parts.machine)();
        }
        for service in Service::ALL {
            if look_again || news.changed.contains(&service) {
                self.read(bus, service).await;
            }
        }
        self.tell_machine(look_again);
    }

    /// Takes what a service said; true when everything is to be looked at again.
    fn hear(&mut self, said: &Said) -> bool {
        match said {
            Said::Lock { session, lock } => {
                let event = self.sessions.asked(session, *lock);
                self.tell_all(event);
            }
            Said::Shutdown(is_leaving) => {
                let event = self.sessions.leaving(*is_leaving);
                self.tell_all(event);
            }
            Said::Sleep(true) => {}
            Said::Sleep(false) => {
                (self.parts.tell)(Command::TimeLeapt);
                return true;
            }
        }
        false
    }

    async fn read(&mut self, bus: Option<&Bus>, service: Service) {
        let Some(bus) = bus else { return };
        match service {
            Service::Login => {
                let login = logind::read(bus).await;
                self.facts.idle = login.as_ref().and_then(|it| it.idle);
                match login {
                    Some(login) => {
                        let events = self.sessions.read(&login);
                        self.tell_all(events);
                    }
                    None => self.sessions.forget(),
                }
            }
            Service::Power => self.facts.is_on_power = power::read(bus).await,
            Service::Network => {
                let now = network::read(bus).await;
                let before = std::mem::replace(&mut self.facts.network, now);
                // What is known for the first time has not just happened.
                if let (Some(now), Some(before)) = (&self.facts.network, &before) {
                    let events = now.since(before);
                    // The situation goes first: a run that an event starts may need the network.
                    self.tell_machine(false);
                    self.tell_all(events);
                }
            }
        }
    }

    fn tell_all(&self, events: impl IntoIterator<Item = syncmgr_model::schedule::SystemEvent>) {
        for event in events {
            (self.parts.tell)(Command::Happened(event));
        }
    }

    /// Tells the situation when it is another one, or `anyway`.
    fn tell_machine(&mut self, anyway: bool) {
        let from = (self.facts.clone(), self.machine.clone());
        if !anyway && self.told.as_ref() == Some(&from) {
            return;
        }
        let now = self.parts.clock.now();
        let machine = self.facts.complete(self.machine.clone(), now);
        self.told = Some(from);
        (self.parts.tell)(Command::Machine(Box::new(machine)));
    }
}
