//! Handlers in processes of their own: how fast reports of progress go over the protocol, and what
//! very many handlers cost that do nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use syncmgr_center::center::{self, Handle, Parts};
use syncmgr_center::command::{Control, Limits, Scope, Update};
use syncmgr_center::port::{Clock, Notifier, Unwatched};
use syncmgr_center::state::State;
use syncmgr_host::foreign::launch::Limits as HandlerLimits;
use syncmgr_host::foreign::manifest::Manifest;
use syncmgr_host::foreign::{Around, Foreign, Patience};
use syncmgr_host::{InProcess, ToCenter};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, Settings, Value};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::time::Timestamp;
use syncmgr_store::SqliteStore;

use super::clock::{Empty, RealClock};
use crate::bench::control::figures::{Column, Figures, Target};
use crate::bench::control::process::counters;
use crate::bench::control::{Round, Wishes};
use crate::bench::prepare;
use crate::clock::Stopwatch;
use crate::shell;

const RATES: [Column; 2] = [
    Column {
        title: "M/s",
        digits: 2,
    },
    Column {
        title: "told per s",
        digits: 1,
    },
];

const COSTS: [Column; 4] = [
    Column {
        title: "own MiB each",
        digits: 2,
    },
    Column {
        title: "CPU ms/min each",
        digits: 2,
    },
    Column {
        title: "wakes/min each",
        digits: 1,
    },
    Column {
        title: "start s, all",
        digits: 2,
    },
];

/// Reports of one round.
const REPORTS: u64 = 2_000_000;

/// Handlers of one round.
const HANDLERS: u64 = 100;

/// How long a handler may take until it has said who it is, on a machine that starts all at once.
const START: Duration = Duration::from_mins(2);

/// How handlers report: what their setting `does` says, and what a row is called.
const WAYS: [(&str, &str); 2] = [
    ("flood", "syncmgr, Rust SDK"),
    ("raw", "syncmgr, every report on the pipe"),
];

/// Measures how fast progress is reported.
///
/// # Errors
/// The disk fails, or the handler cannot be built.
pub(in super::super) fn bench(wishes: &Wishes) -> Result<Figures> {
    build()?;
    let n_reports = wishes.scaled(REPORTS);
    let mut rows = Vec::new();
    for _ in 0..wishes.n_rounds {
        for (does, who) in WAYS {
            Round::new(&mut rows, who).take(|| reports(wishes, does, n_reports));
        }
    }
    let mut figures = Figures {
        id: "protocol",
        title: format!("{n_reports} reports of progress by a handler in a process of its own"),
        columns: &RATES,
        rows,
        targets: Vec::new(),
        notes: vec![
            "the SDK sends the latest report only; told: what those who watch the center hear"
                .into(),
        ],
    };
    for (_, who) in WAYS {
        let rate = figures.middle(who, 0);
        let target = Target::at_least(&format!("{who}: M/s"), rate, 0.2);
        figures.targets.push(target.unjudged(wishes.is_small()));
    }
    Ok(figures)
}

/// Measures what handlers cost that do nothing.
///
/// # Errors
/// The disk fails, or the handler cannot be built.
pub(in super::super) fn handlers(wishes: &Wishes) -> Result<Figures> {
    build()?;
    let n_handlers = if wishes.is_smoke { 3 } else { HANDLERS };
    let mut rows = Vec::new();
    for _ in 0..wishes.n_rounds {
        Round::new(&mut rows, "syncmgr").take(|| idle(wishes, n_handlers));
    }
    let mut figures = Figures {
        id: "handlers",
        title: format!("{n_handlers} handlers in processes of their own that do nothing"),
        columns: &COSTS,
        rows,
        targets: Vec::new(),
        notes: vec!["each with the process that watches over it".into()],
    };
    let wakes = figures.middle("syncmgr", 2);
    figures.targets =
        vec![Target::at_most("wakes/min each", wakes, 60.0).unjudged(wishes.is_smoke)];
    Ok(figures)
}

/// The handler of the SDK's own tests.
fn program() -> PathBuf {
    shell::target().join("release/examples/trial")
}

fn build() -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--quiet", "--release", "--package", "syncmgr-sdk"]);
    shell::run(cargo.args(["--example", "trial"]))
}

/// A center with handlers in processes of their own, which end with it.
struct World {
    center: Handle,
    foreign: Foreign,
    told: Arc<AtomicU64>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.center.close();
        self.foreign.close();
    }
}

/// Counts what it is told of progress.
struct Counter(Arc<AtomicU64>);

impl Notifier for Counter {
    fn notify(&mut self, update: &Update, _state: &State, _now: Timestamp) {
        if matches!(update, Update::Moved(..)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn id(number: u64) -> Result<HandlerId> {
    Ok(HandlerId::new(format!("trial-{number}"))?)
}

fn manifest(number: u64) -> Result<Manifest> {
    let id = id(number)?;
    Ok(Manifest {
        name: id.to_string(),
        command: vec![program().display().to_string(), id.to_string()],
        id,
        version: None,
        is_sandboxed: true,
        allow: Vec::new(),
        allow_read: Vec::new(),
        limits: HandlerLimits::default(),
        has_sockets: false,
        is_legacy: false,
        form: r#"{"type":"object","properties":{"does":{"type":"string"},"n":{"type":"integer"}}}"#
            .to_owned(),
    })
}

fn item(does: &str, n: u64) -> Result<Item> {
    let mut settings = Settings::default();
    settings.set("does", Value::Text(does.to_owned()));
    settings.set("n", Value::Number(n));
    Ok(Item {
        id: ItemId::new("item")?,
        handler: id(0)?,
        name: Some("item".to_owned()),
        settings,
        is_enabled: true,
    })
}

impl World {
    fn open(wishes: &Wishes, n_handlers: u64, saved: Vec<Item>) -> Result<Self> {
        let dir = wishes.dir.join("protocol");
        prepare::remove(&dir)?;
        std::fs::create_dir_all(&dir)?;
        let clock: Arc<dyn Clock> = Arc::new(RealClock::start());
        let to_center = Arc::new(ToCenter::default());
        let foreign = Foreign::new(Around {
            launcher: shell::product(),
            state_dir: dir.join("state"),
            home: None,
            version: "bench",
            clock: Arc::clone(&clock),
            center: Arc::clone(&to_center),
            patience: Patience {
                start: START,
                ..Patience::default()
            },
        });
        let mut factories = Vec::new();
        for number in 0..n_handlers {
            let factory = foreign.add(manifest(number)?);
            factories.push(factory.map_err(anyhow::Error::msg)?);
        }
        let told = Arc::new(AtomicU64::new(0));
        let center = center::start(Parts {
            store: Box::new(SqliteStore::open(&dir)?),
            handlers: Box::new(InProcess::new(factories, Vec::new(), Arc::clone(&clock))),
            clock,
            notifier: Box::new(Counter(Arc::clone(&told))),
            calendar: Arc::new(Empty),
            watches: Box::new(Unwatched),
            saved,
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: false,
            random: 0,
            limits: Limits::default(),
        })?;
        to_center.connect(center.clone());
        Ok(Self {
            center,
            foreign,
            told,
        })
    }

    /// Runs the item and returns how it ended.
    fn run(&self, item: &Item) -> Result<ProgressStatus> {
        let scope = Scope::Items(item.handler.clone(), vec![item.id.clone()]);
        let pending = self.center.start(Control::Start(scope, Box::default()));
        let pending = pending.map_err(|error| anyhow::anyhow!("not started: {error:?}"))?;
        Ok(pending.wait()?.status)
    }
}

fn reports(wishes: &Wishes, does: &str, n_reports: u64) -> Result<Vec<f64>> {
    let item = item(does, n_reports)?;
    let world = World::open(wishes, 1, vec![item.clone()])?;
    let watch = Stopwatch::start();
    let status = world.run(&item)?;
    let secs = watch.secs();
    if status != ProgressStatus::Succeeded {
        bail!("the session ended as {}", status.as_str());
    }
    let n_told = world.told.load(Ordering::Relaxed) as f64;
    Ok(vec![n_reports as f64 / secs / 1e6, n_told / secs])
}

fn idle(wishes: &Wishes, n_handlers: u64) -> Result<Vec<f64>> {
    let watch = Stopwatch::start();
    let before = counters(std::process::id())?;
    let world = World::open(wishes, n_handlers, Vec::new())?;
    for number in 0..n_handlers {
        let id = id(number)?;
        let is_there = || {
            world
                .foreign
                .view(&id)
                .is_some_and(|view| view.pid.is_some())
        };
        while !is_there() {
            if watch.elapsed() > START {
                bail!("`{id}` did not start");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let start_secs = watch.secs();
    std::thread::sleep(Duration::from_secs_f64(wishes.calm_secs()));
    let begin = counters(std::process::id())?;
    let watch = Stopwatch::start();
    std::thread::sleep(Duration::from_secs_f64(wishes.idle_secs()));
    let end = counters(std::process::id())?;
    let minutes = watch.secs() / 60.0;
    let each = |value: f64| value / n_handlers as f64;
    let n_wakes = end.n_wakes.checked_sub(begin.n_wakes);
    let n_wakes = n_wakes.context("a process ended meanwhile")?;
    Ok(vec![
        each(end.own_mib - before.own_mib),
        each((end.cpu_secs - begin.cpu_secs) * 1000.0 / minutes),
        each(n_wakes as f64 / minutes),
        start_secs,
    ])
}
