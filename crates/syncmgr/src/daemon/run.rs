//! `daemon run`: puts the daemon together, waits, and takes it apart again.

use std::path::PathBuf;
use std::pin::Pin;
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sd_notify::NotifyState;
use syncmgr_calendar::Calendar;
use syncmgr_center::center::{self, Handle, Parts};
use syncmgr_center::command::Command;
use syncmgr_center::port::{Clock, Notifier, Store as _};
use syncmgr_desktop::Sensors;
use syncmgr_server::auth::{SignIn, Tokens};
use syncmgr_server::center::Api;
use syncmgr_server::desk::Desk as _;
use syncmgr_server::feed::Feed;
use syncmgr_server::hub::Hub;
use syncmgr_server::metrics::Metrics;
use syncmgr_server::routes::{Shared, SharedClock};
use syncmgr_server::{Gate, Previews, openapi, serve};
use syncmgr_store::SqliteStore;
use syncmgr_store::spool::Spool;
use syncmgr_vault::Vault;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::{Sleep, sleep};

use super::alerts::{Alerts, Waiting};
use super::aside::Aside;
use super::desk::ProgramDesk;
use super::lock::{Lock, LockError, Owner};
use super::log::Log;
use super::notices::{self, All, Teller};
use super::settings::{Loaded, Seen, Source, watch_file};
use super::sockets::{self, Sockets};
use super::watch::FolderWatches;
use super::{machine, time};
use crate::app::{App, Built, random};
use crate::error::CliError;
use crate::exit::Exit;

/// How long the daemon takes at most from a signal to its end: the center gives handlers ten
/// seconds, the rest is for writing down how their runs ended.
const STOP_WITHIN: Duration = Duration::from_secs(12);

/// How often it is looked whether programs have ended that began before the daemon did.
const SPOOL_EVERY: Duration = Duration::from_secs(5);

/// How long a file of settings that lacks something has to stay as it is before that is believed:
/// editors that write into a file cut it short first.
const SETTLE: Duration = Duration::from_secs(1);

/// Runs the daemon until a signal ends it. `in_background`: it leaves the terminal, logs to a file
/// and says on stdout when it answers.
///
/// # Errors
/// It cannot start; [`Exit::Running`] when another one runs.
pub(crate) fn run(app: &App, in_background: bool) -> Result<Exit, CliError> {
    let built = app.built()?;
    let state = &app.dirs.state;
    let lock = Lock::take(state).map_err(|error| taken(&error))?;
    let clock = Arc::clone(&built.clock) as Arc<dyn Clock>;
    let log = if in_background {
        // Signals of the terminal it was started from are not for it any more.
        // It fails only where it was done already.
        let _session = rustix::process::setsid();
        Log::to_file(state, Arc::clone(&clock)).map_err(|error| failed("open the log", &error))?
    } else {
        Log::to_stderr(Arc::clone(&clock))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start", &error))?;
    let daemon = Daemon {
        built,
        socket: app.dirs.socket(),
        state: state.clone(),
        home: app.dirs.home.clone(),
        config: app.config_path(),
        aside: Arc::new(Aside::new(app.dirs.clone())),
        clock,
        log,
        lock,
    };
    let result = runtime.block_on(daemon.work(in_background));
    // What still runs beside has been waited for long enough.
    runtime.shutdown_background();
    result
}

fn taken(error: &LockError) -> CliError {
    match error {
        LockError::Held(owner) => {
            let pid = owner
                .pid
                .map(|pid| format!(" (process {})", pid.as_raw_nonzero()));
            CliError::new(
                Exit::Running,
                format!("the daemon runs already{}", pid.unwrap_or_default()),
            )
            .hint("`syncmgr daemon status` says where it answers")
        }
        LockError::Io(_) => CliError::new(Exit::Failed, error.to_string())
            .hint("check the permissions of the state folder, or set SYNCMGR_STATE_DIR"),
    }
}

fn failed(step: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(Exit::Failed, format!("the daemon cannot {step}: {error}"))
}

/// All that the daemon is made from.
struct Daemon {
    built: Built,
    socket: PathBuf,
    state: PathBuf,
    home: Option<PathBuf>,
    config: PathBuf,
    aside: Arc<Aside>,
    clock: Arc<dyn Clock>,
    log: Log,
    lock: Lock,
}

impl Daemon {
    async fn work(mut self, in_background: bool) -> Result<Exit, CliError> {
        let source = Source {
            path: self.config.clone(),
            host: self.built.host.clone(),
            outside: Arc::clone(&self.built.outside),
            home: self.home.clone(),
            clock: Arc::clone(&self.built.clock),
            applying: Arc::default(),
        };
        // Before the file is read: what is written meanwhile counts as a change.
        let mut seen = Seen::default();
        let handlers = self.built.outside.folder();
        seen.is_new(&self.config, &handlers);
        let loaded = self.load(&source);
        let sockets = sockets::open(&self.socket, loaded.daemon.listen).map_err(|error| {
            failed("listen", &error)
                .hint("set SYNCMGR_RUNTIME_DIR to a short path of a folder of your own")
        })?;
        let has_metrics = loaded.daemon.has_metrics;
        for note in &sockets.notes {
            self.log.line(format!("note: {note}"));
        }
        let hub = Arc::new(Hub::new(u64::try_from(self.clock.now().0).unwrap_or(0)));
        let (alerts, waiting) = Alerts::new();
        let center = self.start_center(loaded, &hub, &alerts, waiting)?;
        let gate = self.gate(&center, &source, &alerts, hub, has_metrics)?;
        let mut signals = Signals::listen().map_err(|error| failed("hear signals", &error))?;
        let sensors = self.hear_the_machine(&center);
        super::desk::count_conflicts(&self.built.host, &center);
        let changed = Arc::new(Notify::new());
        let _watcher = self.watch_settings(&changed);
        // What was written before it was watched is found by one look.
        changed.notify_one();
        self.say_ready(&sockets, in_background)?;

        let (stop, mut stopped) = watch::channel(false);
        let serving = serve(sockets.listeners, gate, async move {
            drop(stopped.wait_for(|stop| *stop).await);
        });
        let serving = tokio::spawn(serving);
        let mut unsettled = None;
        loop {
            tokio::select! {
                why = signals.next() => match why {
                    Some(why) => {
                        self.log.line(format!("stopping ({why})"));
                        break;
                    }
                    None => self.reload(&source, &center, &alerts).await,
                },
                () = changed.notified() => {
                    if seen.is_new(&self.config, &handlers) {
                        if may_be_half(&source, &center).await {
                            unsettled = Some(Box::pin(sleep(SETTLE)));
                        } else {
                            unsettled = None;
                            self.reload(&source, &center, &alerts).await;
                        }
                    }
                }
                () = over(&mut unsettled) => {
                    unsettled = None;
                    self.reload(&source, &center, &alerts).await;
                }
            }
        }
        drop(sd_notify::notify(&[NotifyState::Stopping]));
        drop(sensors);
        alerts.close();
        self.aside.close();
        stop.send_replace(true);
        self.end(center, serving).await;
        self.built.outside.foreign.close();
        drop(std::fs::remove_file(&self.socket));
        self.log.line("stopped");
        Ok(Exit::Done)
    }

    /// Reads the settings. With a mistake in them the daemon runs without syncs and says so: it can
    /// be asked what is wrong, and goes on as soon as the file is right.
    fn load(&self, source: &Source) -> Loaded {
        source.load().unwrap_or_else(|error| {
            self.log.line(format!(
                "{error}; nothing is synced until that is put right"
            ));
            Loaded::default()
        })
    }

    fn start_center(
        &self,
        loaded: Loaded,
        hub: &Arc<Hub>,
        alerts: &Alerts,
        waiting: Waiting,
    ) -> Result<Handle, CliError> {
        let mut store = SqliteStore::open(&self.state)?;
        store.keep_days(loaded.daemon.history_days);
        let told = store.remembered()?.alarms;
        if let Some(aside) = store.was_set_aside() {
            self.log.line(format!(
                "the history could not be read and begins anew; what there was is kept as {}",
                syncmgr_handlers::files::place::shown(aside, None)
            ));
        }
        let notifiers: Vec<Box<dyn Notifier>> = vec![
            Box::new(Feed(Arc::clone(hub))),
            Box::new(alerts.observer()),
            Box::new(Teller::new(self.log.clone())),
        ];
        let handle = center::start(Parts {
            store: Box::new(store),
            handlers: Box::new(self.built.host.clone()),
            clock: Arc::clone(&self.clock),
            notifier: Box::new(All(notifiers)),
            calendar: Arc::new(Calendar::of_this_machine()),
            watches: Box::new(FolderWatches::new(self.log.clone())),
            saved: loaded.items,
            schedules: loaded.schedules,
            policies: loaded.policies,
            keeps_time: true,
            random: random(),
            limits: loaded.daemon.limits,
        })?;
        self.built.outside.to_center.connect(handle.clone());
        let clock = Arc::clone(&self.clock);
        waiting
            .begin(told, loaded.rules, handle.clone(), clock, self.log.clone())
            .map_err(|error| failed("start", &error))?;
        Ok(handle)
    }

    fn gate(
        &self,
        center: &Handle,
        source: &Source,
        alerts: &Alerts,
        hub: Arc<Hub>,
        has_metrics: bool,
    ) -> Result<Arc<Gate>, CliError> {
        let (for_desk, own, told) = (source.clone(), center.clone(), alerts.clone());
        let desk = Arc::new(ProgramDesk::new(
            source.clone(),
            Arc::clone(&self.built.files),
            Vault::new(&self.state),
            Arc::clone(&self.aside),
            Box::new(move || for_desk.apply(&own, &told)),
        ));
        self.take_in(center, &desk);
        let tokens = Tokens::open(&self.state.join("tokens.json"))
            .map_err(|error| failed("read its tokens", &error))?;
        let shared = Shared {
            tokens: Arc::new(tokens),
            sign_in: Arc::new(SignIn::open(
                &self.state.join("sign-ins.json"),
                Arc::clone(&self.clock) as _,
            )),
            hub,
            metrics: Arc::new(Metrics::default()),
            has_metrics,
            is_ready: Arc::new(AtomicBool::new(true)),
            clock: SharedClock(Arc::clone(&self.clock)),
        };
        let api = Api {
            center: center.clone(),
            desk,
            previews: Arc::new(Previews::default()),
            hub: Arc::clone(&shared.hub),
        };
        let gate = Gate::new(
            openapi::router(shared.clone(), Some(api)),
            shared.tokens,
            shared.sign_in,
            shared.hub,
            shared.metrics,
        )
        .map_err(|error| failed("start", &error))?;
        Ok(Arc::new(gate))
    }

    /// Takes in what programs reported while no daemon ran; of those that still run, when they end.
    fn take_in(&self, center: &Handle, desk: &Arc<ProgramDesk>) {
        let spool = Spool::new(&self.state);
        let (center, desk) = (center.clone(), Arc::clone(desk));
        let (clock, log) = (Arc::clone(&self.clock), self.log.clone());
        let work = move || {
            while !spool.is_empty() {
                let find = |subject: &_| desk.subject(subject).map_err(drop);
                let taken = crate::run::take::to_center(&spool, &center, clock.now(), find);
                if taken.n_taken > 0 {
                    let n = syncmgr_model::format::plural(taken.n_taken as u64, "run");
                    log.line(format!("took in {n} of other programs"));
                }
                if taken.n_alive == 0 {
                    return;
                }
                crate::clock::rest(SPOOL_EVERY);
            }
        };
        // Without a thread the next command takes them in.
        drop(
            std::thread::Builder::new()
                .name("spool".to_owned())
                .spawn(work),
        );
    }

    /// Has the center told of what happens on the machine, as long as the result is kept.
    fn hear_the_machine(&self, center: &Handle) -> Option<Arc<Sensors>> {
        center.tell(Command::Machine(Box::new(machine::situation())));
        machine::tell_log_on(&self.state, &self.log, |event| center.tell(event));
        let sensors = self.sensors(center).map(Arc::new);
        let (woken, log) = (center.clone(), self.log.clone());
        let eyes = sensors.as_ref().map(Arc::downgrade);
        let on_leap = move || {
            log.line("the clock was set, or the machine woke up");
            match eyes.as_ref().and_then(Weak::upgrade) {
                Some(sensors) => sensors.look_again(),
                None => woken.tell(Command::Machine(Box::new(machine::situation()))),
            }
            woken.tell(Command::TimeLeapt);
        };
        if let Err(error) = time::watch_clock(on_leap) {
            self.log.line(format!(
                "leaps of the clock are not noticed at once: {error}"
            ));
        }
        sensors
    }

    /// Starts to hear the services of the desktop; everything works without them.
    fn sensors(&self, center: &Handle) -> Option<Sensors> {
        let (center, log) = (center.clone(), self.log.clone());
        let parts = syncmgr_desktop::Parts {
            tell: Box::new(move |command| center.tell(command)),
            machine: Box::new(machine::situation),
            note: Box::new(move |line| log.line(line)),
            clock: Arc::clone(&self.clock),
            address: None,
        };
        Sensors::start(parts)
            .inspect_err(|error| {
                self.log.line(format!(
                    "sleep, screen lock, power and network are not noticed: {error}"
                ));
            })
            .ok()
    }

    fn watch_settings(&self, changed: &Arc<Notify>) -> Option<syncmgr_watch::Watcher> {
        let changed = Arc::clone(changed);
        match watch_file(&self.config, move || changed.notify_one()) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                self.log.line(format!(
                    "changes of config.toml are not noticed, send SIGHUP after one: {error}"
                ));
                None
            }
        }
    }

    async fn reload(&self, source: &Source, center: &Handle, alerts: &Alerts) {
        let (own, to, told) = (source.clone(), center.clone(), alerts.clone());
        let result = tokio::task::spawn_blocking(move || own.apply_seen(&to, &told)).await;
        match result {
            Ok(Ok(())) => self.log.line("took over the settings"),
            Ok(Err(trouble)) => {
                // The record is logged like every other.
                notices::record(center, trouble);
                self.log.line("the settings from before stay in force");
            }
            Err(error) => self
                .log
                .line(format!("the settings were not read: {error}")),
        }
    }

    /// Says to everybody who waits for it that the daemon answers.
    fn say_ready(&mut self, sockets: &Sockets, in_background: bool) -> Result<(), CliError> {
        let owner = Owner {
            pid: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.clock.now().rfc3339(),
            socket: syncmgr_handlers::files::place::shown(&self.socket, None),
            address: sockets.address.clone().unwrap_or_default(),
        };
        self.lock
            .say(&owner)
            .map_err(|error| failed("write into its state folder", &error))?;
        self.log.line(format!(
            "syncmgr {} runs as process {}, on {}{}",
            owner.version,
            process::id(),
            owner.socket,
            sockets
                .address
                .as_ref()
                .map(|address| format!(" and {address}"))
                .unwrap_or_default()
        ));
        drop(sd_notify::notify(&[NotifyState::Ready]));
        if in_background {
            super::control::let_go().map_err(|error| failed("leave the terminal", &error))?;
        }
        Ok(())
    }

    /// Asks runs to stop, waits for them and for requests that are being answered.
    async fn end(&self, center: Handle, serving: tokio::task::JoinHandle<std::io::Result<()>>) {
        let closing = tokio::task::spawn_blocking(move || center.close());
        let all = async {
            drop(closing.await);
            drop(serving.await);
        };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            self.log
                .line("something still worked and was left; no file is half written");
        }
    }
}

/// The signals that concern a daemon.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; `None`: to read the settings again, otherwise what asks to end.
    async fn next(&mut self) -> Option<&'static str> {
        tokio::select! {
            _ = self.terminate.recv() => Some("asked to"),
            _ = self.interrupt.recv() => Some("interrupted"),
            _ = self.hang_up.recv() => None,
        }
    }
}

/// Says whether the file may be one that an editor is about to finish.
async fn may_be_half(source: &Source, center: &Handle) -> bool {
    let (own, center) = (source.clone(), center.clone());
    let look = tokio::task::spawn_blocking(move || own.may_be_half(&center));
    look.await.unwrap_or(false)
}

/// Waits until a time that is waited for is over; for good when there is none.
async fn over(wait: &mut Option<Pin<Box<Sleep>>>) {
    match wait {
        Some(wait) => wait.await,
        None => std::future::pending().await,
    }
}
