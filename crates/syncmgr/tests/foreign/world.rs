//! A center over a memory, with handlers that are real processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use syncmgr_center::agenda::Timeless;
use syncmgr_center::center::{Handle, Parts, start};
use syncmgr_center::command::{
    Control, Limits as CenterLimits, Outcome, Scope, StartOptions, Update,
};
use syncmgr_center::port::{Clock, Notifier, Store, Unwatched};
use syncmgr_center::state::State;
use syncmgr_host::foreign::launch::{Limits, Support};
use syncmgr_host::foreign::manifest::Manifest;
use syncmgr_host::foreign::{Around, Foreign, Patience};
use syncmgr_host::{InProcess, ToCenter};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::{Progress, ProgressStatus};
use syncmgr_model::request::Origin;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::HandlerFactory;
use syncmgr_testing::center::MemoryStore;

/// Time as it passes.
#[derive(Debug)]
struct RealTime(Instant);

impl Clock for RealTime {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + i64::try_from(self.elapsed_ms()).unwrap())
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

/// One who watches and keeps what is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(pub(crate) Arc<Mutex<Vec<Progress>>>);

impl Notifier for Watch {
    fn notify(&mut self, update: &Update, _: &State, _: Timestamp) {
        if let Update::Moved(_, _, progress) = update {
            self.0.lock().unwrap().push((**progress).clone());
        }
    }
}

/// A center with two handlers: `good`, and `bad` with its mistake.
pub(crate) struct World {
    pub(crate) center: Handle,
    pub(crate) foreign: Foreign,
    pub(crate) watch: Watch,
    pub(crate) dir: tempfile::TempDir,
}

/// The id of the handler of the older family.
pub(crate) const OLDER: &str = "c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1";

/// How a world is other than usual.
pub(crate) struct Set {
    /// What `bad` is started with.
    pub(crate) bad: Vec<String>,
    /// Seconds a session of `good` takes.
    pub(crate) good_secs: f64,
    pub(crate) limits: Limits,
    pub(crate) patience: Patience,
    pub(crate) grace_ms: i64,
    pub(crate) is_sandboxed: bool,
    pub(crate) has_sockets: bool,
    pub(crate) support: Option<Support>,
    /// Folders below that of the test that `bad` may change.
    pub(crate) allow: Vec<&'static str>,
    /// There is a handler of the older family too, started with this.
    pub(crate) older: Option<&'static str>,
}

impl Set {
    pub(crate) fn bad(how: &str) -> Self {
        Self {
            bad: vec![how.to_owned()],
            good_secs: 0.5,
            limits: Limits::default(),
            patience: Patience {
                start: Duration::from_secs(3),
                answer: Duration::from_secs(3),
                silence: Duration::from_secs(3),
            },
            grace_ms: 1000,
            is_sandboxed: true,
            has_sockets: false,
            support: None,
            allow: Vec::new(),
            older: None,
        }
    }
}

fn id(text: &str) -> HandlerId {
    HandlerId::new(text).unwrap()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/handlers")
}

/// Returns the manifest of a script of these tests.
pub(crate) fn manifest(name: &str, args: &[String]) -> Manifest {
    let script = scripts().join(format!("{name}.py"));
    let mut command = vec![
        "/usr/bin/python3".to_owned(),
        "-B".to_owned(),
        script.display().to_string(),
    ];
    command.extend(args.iter().cloned());
    Manifest {
        id: id(name),
        name: name.to_owned(),
        version: None,
        command,
        is_sandboxed: true,
        allow: Vec::new(),
        allow_read: Vec::new(),
        limits: Limits::default(),
        has_sockets: false,
        is_legacy: false,
        form: String::new(),
    }
}

impl World {
    pub(crate) fn open(set: Set) -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), set)
    }

    #[expect(clippy::disallowed_methods, reason = "children run in real time")]
    pub(crate) fn open_in(dir: tempfile::TempDir, set: Set) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(RealTime(Instant::now()));
        let to_center = Arc::new(ToCenter::default());
        let around = Around {
            launcher: env!("CARGO_BIN_EXE_syncmgr").into(),
            state_dir: dir.path().join("state"),
            home: Some(dir.path().join("home")),
            version: "test",
            clock: Arc::clone(&clock),
            center: Arc::clone(&to_center),
            patience: set.patience,
        };
        let foreign = match set.support {
            Some(support) => Foreign::with_support(around, support),
            None => Foreign::new(around),
        };
        let mut bad = manifest("bad", &set.bad);
        bad.limits = set.limits;
        bad.is_sandboxed = set.is_sandboxed;
        bad.has_sockets = set.has_sockets;
        bad.allow = set.allow.iter().map(|it| dir.path().join(it)).collect();
        let good = manifest("good", &[set.good_secs.to_string()]);
        let mut factories: Vec<Arc<dyn HandlerFactory>> =
            vec![foreign.add(bad).unwrap(), foreign.add(good).unwrap()];
        if let Some(how) = set.older {
            let mut older = manifest("older", &[how.to_owned()]);
            older.id = id(OLDER);
            older.is_legacy = true;
            factories.push(foreign.add(older).unwrap());
        }
        let host = InProcess::new(factories, Vec::new(), Arc::clone(&clock));
        let watch = Watch::default();
        let center = start(Parts {
            store: Box::new(MemoryStore::default()),
            handlers: Box::new(host),
            clock,
            notifier: Box::new(watch.clone()),
            saved: Vec::new(),
            calendar: Arc::new(Timeless),
            watches: Box::new(Unwatched),
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: true,
            random: 0,
            limits: CenterLimits {
                grace_ms: set.grace_ms,
                ..CenterLimits::default()
            },
        })
        .unwrap();
        to_center.connect(center.clone());
        let world = Self {
            center,
            foreign,
            watch,
            dir,
        };
        world.wait_until("both handlers were read", |state, _| {
            state.handler_ids().all(|id| {
                let view = state.handler(id);
                view.is_some_and(|view| !view.memory.name.is_empty() || view.is_silent)
            })
        });
        world
    }

    /// Looks again and again until something is so.
    #[expect(clippy::disallowed_methods, reason = "children run in real time")]
    pub(crate) fn wait_until(
        &self,
        what: &str,
        is_so: impl Fn(&State, &mut dyn Store) -> bool + Send + Sync + Clone + 'static,
    ) {
        let began = Instant::now();
        loop {
            let look = is_so.clone();
            if self
                .center
                .read(move |state, store, _| look(state, store))
                .unwrap()
            {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "waited for: {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Begins a session of an item that need not be known to its handler.
    pub(crate) fn begin(&self, handler: &str, item: &str) -> syncmgr_center::center::Pending {
        self.begin_with(handler, item, StartOptions::default())
    }

    /// A run that comes without a person who asks for it.
    pub(crate) fn sync_by_itself(&self, handler: &str, item: &str) -> Outcome {
        let options = StartOptions {
            origin: Origin::Change,
            ..StartOptions::default()
        };
        self.begin_with(handler, item, options).wait().unwrap()
    }

    fn begin_with(
        &self,
        handler: &str,
        item: &str,
        options: StartOptions,
    ) -> syncmgr_center::center::Pending {
        let item = Item {
            id: ItemId::new(item).unwrap(),
            handler: id(handler),
            name: Some(item.to_owned()),
            settings: syncmgr_model::item::Settings::default(),
            is_enabled: true,
        };
        let start = Control::StartWith(Box::new(item), Box::new(options));
        self.center.start(start).unwrap()
    }

    pub(crate) fn sync(&self, handler: &str, item: &str) -> Outcome {
        self.begin(handler, item).wait().unwrap()
    }

    pub(crate) fn stop(&self, handler: &str) {
        drop(
            self.center
                .control(Control::Stop(Scope::Handler(id(handler)))),
        );
    }

    /// Runs the bad handler beside a good one, and returns what the bad one's run left behind. That
    /// of the good one must not notice anything.
    #[track_caller]
    pub(crate) fn sync_beside_good(&self) -> Outcome {
        let good = self.begin("good", "one");
        let bad = self.sync("bad", "one");
        let good = good.wait().unwrap();
        assert_eq!(good.status, ProgressStatus::Succeeded, "{:?}", good.events);
        assert_eq!(good.n_errors, 0, "{:?}", good.events);
        // And whoever comes later is served too.
        assert_eq!(self.sync("good", "two").status, ProgressStatus::Succeeded);
        bad
    }

    /// Returns the log of a handler.
    pub(crate) fn log(&self, handler: &str) -> String {
        let log = self.foreign.logs(&id(handler), 1 << 20).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until something stands in the log of a handler.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, handler: &str, text: &str) {
        for _ in 0..500 {
            if self.log(handler).contains(text) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no {text:?} in {}", self.log(handler));
    }

    /// Returns the number of the process above a handler, while it runs.
    pub(crate) fn pid(&self, handler: &str) -> Option<u32> {
        self.foreign.view(&id(handler)).unwrap().pid
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.center.close();
        self.foreign.close();
    }
}

/// Returns the troubles of a run that are errors, as people read them with their code.
pub(crate) fn errors(outcome: &Outcome) -> Vec<String> {
    let is_error = |trouble: &&Trouble| trouble.level == syncmgr_model::event::EventLevel::Error;
    let troubles = outcome.events.iter().map(|event| &event.trouble);
    troubles.filter(is_error).map(ToString::to_string).collect()
}

/// Says whether a process is there, and not only a name that nobody has taken away yet.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}
