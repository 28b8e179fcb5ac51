//! The list of syncs over the API, when there are very many and many of them run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;

use anyhow::{Context as _, Result, bail};
use syncmgr_center::center::{self, Handle, Parts};
use syncmgr_center::command::{Answer, Control, Limits, Scope};
use syncmgr_center::port::Unwatched;
use syncmgr_server::auth::{SignIn, Tokens};
use syncmgr_server::center::Api;
use syncmgr_server::feed::Feed;
use syncmgr_server::hub::Hub;
use syncmgr_server::metrics::Metrics;
use syncmgr_server::routes::{Shared, SharedClock};
use syncmgr_server::{Gate, Previews, listen, openapi, serve};
use syncmgr_store::SqliteStore;
use tokio::sync::oneshot;

use super::clock::{Empty, RealClock};
use super::desk::Bare;
use super::many::Many;
use crate::bench::control::figures::{Column, Figures, Row, Target};
use crate::bench::control::http::{Address, Connection, Place};
use crate::bench::control::{Round, Wishes};
use crate::bench::prepare;
use crate::clock::Stopwatch;

const COLUMNS: [Column; 2] = [
    Column {
        title: "median ms",
        digits: 2,
    },
    Column {
        title: "worst ms",
        digits: 2,
    },
];
/// Syncs.
const ITEMS: u64 = 100_000;
/// One in so many runs.
const RUNNING: u64 = 10;
/// Times that each page is asked for.
const QUESTIONS: usize = 30;

/// The questions, each with what it is called.
const PAGES: [(&str, &str); 4] = [
    ("page", "/api/v1/items?limit=100"),
    ("middle page", ""),
    (
        "page of running ones",
        "/api/v1/items?limit=100&status=syncing",
    ),
    ("overall status", "/api/v1/status"),
];

/// Measures one round over one daemon.
///
/// # Errors
/// The disk fails, or the API does not answer.
pub(in super::super) fn bench(wishes: &Wishes) -> Result<Figures> {
    let n_items = wishes.scaled(ITEMS);
    let n_running = n_items / RUNNING;
    let mut rows = Vec::new();
    let served = Served::start(wishes, n_items, n_running)?;
    let mut connection = Connection::open(&served.address)?;
    for (who, path) in PAGES {
        Round::new(&mut rows, who).take(|| {
            let path = match path {
                "" => middle(&mut connection)?,
                path => path.to_owned(),
            };
            ask(&mut connection, &path)
        });
    }
    drop(served);
    let targets = rows.iter().map(|row: &Row| {
        let target = Target::at_most(&format!("{} ms", row.who), row.middle(0), 20.0);
        target.unjudged(wishes.is_small())
    });
    Ok(Figures {
        id: "list",
        title: format!("{n_items} syncs, {n_running} of them running: a list over the API"),
        columns: &COLUMNS,
        targets: targets.collect(),
        rows,
        notes: Vec::new(),
    })
}

/// Turns pages and returns the path of the fifth.
fn middle(connection: &mut Connection) -> Result<String> {
    let mut path = "/api/v1/items?limit=20".to_owned();
    for _ in 0..4 {
        let page = connection.get(&path)?.json()?;
        let cursor = page["next_cursor"].as_str().context("no further page")?;
        path = format!("/api/v1/items?limit=20&cursor={cursor}");
    }
    Ok(path.replace("limit=20", "limit=100"))
}

fn ask(connection: &mut Connection, path: &str) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    for _ in 0..QUESTIONS {
        let watch = Stopwatch::start();
        let answer = connection.get(path)?;
        all.push(watch.secs() * 1000.0);
        let body = answer.json()?;
        if body["items"].as_array().is_some_and(Vec::is_empty) {
            bail!("an empty page");
        }
    }
    all.sort_by(f64::total_cmp);
    Ok(vec![all[QUESTIONS / 2], all[QUESTIONS - 1]])
}

/// A center and its API on a socket, in this process.
struct Served {
    address: Address,
    center: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<Result<()>>>,
}

impl Served {
    fn start(wishes: &Wishes, n_items: u64, n_running: u64) -> Result<Self> {
        let dir = wishes.dir.join("list");
        prepare::remove(&dir)?;
        std::fs::create_dir_all(&dir)?;
        let clock = Arc::new(RealClock::start());
        let hub = Arc::new(Hub::new(1));
        let saved = (0..usize::try_from(n_items)?).map(super::item);
        let center = center::start(Parts {
            store: Box::new(SqliteStore::open(&dir)?),
            handlers: Box::new(Many(super::handler()?)),
            clock: Arc::clone(&clock) as _,
            notifier: Box::new(Feed(Arc::clone(&hub))),
            calendar: Arc::new(Empty),
            watches: Box::new(Unwatched),
            saved: saved.collect::<Result<_>>()?,
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: true,
            random: 0,
            limits: Limits {
                max_running: usize::try_from(n_running)?,
                ..Limits::default()
            },
        })?;
        run_some(&center, n_running)?;
        let tokens = Arc::new(Tokens::open(&dir.join("tokens.json"))?);
        let shared = Shared {
            tokens,
            sign_in: Arc::new(SignIn::default()),
            hub,
            metrics: Arc::new(Metrics::default()),
            has_metrics: false,
            is_ready: Arc::new(AtomicBool::new(true)),
            clock: SharedClock(clock),
        };
        let api = Api {
            center: center.clone(),
            desk: Arc::new(Bare),
            previews: Arc::new(Previews::default()),
            hub: Arc::clone(&shared.hub),
        };
        let router = openapi::router(shared.clone(), Some(api));
        let gate = Gate::new(
            router,
            shared.tokens,
            shared.sign_in,
            shared.hub,
            shared.metrics,
        );
        let gate = Arc::new(gate.ok().context("the system gives no chance")?);
        let socket = dir.join("run/api.sock");
        let listener = listen::unix(&socket)?;
        let (stop, stopped) = oneshot::channel();
        let work = move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let stopped = async { drop(stopped.await) };
            Ok(runtime.block_on(serve(vec![listener], gate, stopped))?)
        };
        Ok(Self {
            address: Address {
                place: Place::Unix(socket),
                headers: Vec::new(),
            },
            center,
            stop: Some(stop),
            thread: Some(std::thread::spawn(work)),
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        // Its sessions never end, so it is told and not waited for.
        self.center.tell(syncmgr_center::command::Command::Close);
    }
}

/// Starts a session on each of the first syncs and waits until all of them run.
fn run_some(center: &Handle, n_running: u64) -> Result<()> {
    let (to, answers) = channel();
    for number in 0..usize::try_from(n_running)? {
        let item = super::item(number * usize::try_from(RUNNING)?)?;
        let scope = Scope::Items(item.handler, vec![item.id]);
        center.ask(Control::Start(scope, Box::default()), to.clone())?;
    }
    drop(to);
    for _ in 0..n_running {
        match answers.recv()? {
            Answer::Accepted(_) => {}
            other => bail!("a start was answered by {other:?}"),
        }
    }
    let n = center.read(|state, _, _| state.n_running())?;
    if n as u64 != n_running {
        bail!("{n} of {n_running} sessions run");
    }
    Ok(())
}
