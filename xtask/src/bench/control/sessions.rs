//! Sessions that do nothing, asked for through the API: two empty folders are brought together, and
//! it counts when the one who asked knows that it ended.
//!
//! rclone answers when its copy is done, and forgets it. syncmgr answers when the run is accepted
//! and written down, and tells the end over its stream; a run counts when that was heard. In the
//! end the daemon is killed, started again, and every run that counted is looked up in its history.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::figures::{Column, Figures, Row, Target};
use super::http::{Address, Connection, Messages};
use super::load::{self, Load};
use super::peer::{Home, Peer};
use super::server::Server;
use super::{Round, Wishes};

/// Connections of the two doses.
const FEW: usize = 1;
const MANY: usize = 16;
/// Longer than a run of nothing takes on the busiest machine.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

const COLUMNS: [Column; 5] = [
    Column {
        title: "per s",
        digits: 0,
    },
    Column {
        title: "p50 ms",
        digits: 2,
    },
    Column {
        title: "p99 ms",
        digits: 2,
    },
    Column {
        title: "CPU ms each",
        digits: 3,
    },
    Column {
        title: "peak MiB",
        digits: 1,
    },
];

/// Measures all rounds.
///
/// # Errors
/// The disk fails; what a program cannot do is in its row.
pub(super) fn bench(wishes: &Wishes) -> Result<Figures> {
    let mut rows: Vec<Row> = Vec::new();
    let peers = wishes.peers(&[Peer::Syncmgr, Peer::Rclone]);
    for _ in 0..wishes.n_rounds {
        for &peer in &peers {
            for way in ways(peer) {
                for n in [FEW, MANY] {
                    let who = format!("{} {way} × {n}", peer.id());
                    Round::new(&mut rows, &who).take(|| {
                        let home = peer.settle(&wishes.dir, MANY)?;
                        one(&home, way, n, wishes.load_secs())
                    });
                }
            }
        }
    }
    let mut figures = Figures {
        id: "sessions",
        title: "sessions that do nothing, through the API, known to be done".to_owned(),
        columns: &COLUMNS,
        rows,
        targets: Vec::new(),
        notes: vec![
            "syncmgr: each run is in the history; after a kill all of them were found there".into(),
            "rclone: sync/copy of an empty folder, in memory only".into(),
        ],
    };
    for (n, least) in [(FEW, 2.0), (MANY, 5.0)] {
        let (own, other) = (format!("syncmgr unix × {n}"), format!("rclone tcp × {n}"));
        let ratio = figures.ratio(&own, &other, 0);
        let what = format!("× {n}: rate against rclone");
        figures.targets.push(Target::at_least(&what, ratio, least));
        let p99 = figures.middle(&own, 2);
        let target = Target::at_most(&format!("× {n}: p99 ms"), p99, 5.0);
        figures.targets.push(target.unjudged(wishes.is_smoke));
    }
    Ok(figures)
}

fn ways(peer: Peer) -> &'static [&'static str] {
    match peer {
        Peer::Syncmgr => &["unix", "tcp"],
        Peer::Rclone | Peer::Syncthing => &["tcp"],
    }
}

fn one(home: &Home, way: &str, n_connections: usize, secs: f64) -> Result<Vec<f64>> {
    let server = Server::start(home)?;
    let address = match way {
        "unix" => home.address(),
        _ => server.port()?,
    };
    let before = server.counters()?;
    let load = match home.peer {
        Peer::Rclone => copies(home, &address, n_connections, secs)?,
        Peer::Syncmgr => {
            let runs = Arc::new(Runs::default());
            let load = runs_of_syncmgr(home, &address, &runs, n_connections, secs)?;
            let after = server.counters()?;
            server.kill()?;
            look_up(home, &runs)?;
            return Ok(values(&load, &before, &after, secs));
        }
        Peer::Syncthing => bail!("it has no sessions"),
    };
    Ok(values(&load, &before, &server.counters()?, secs))
}

fn values(
    load: &Load,
    before: &super::process::Counters,
    after: &super::process::Counters,
    secs: f64,
) -> Vec<f64> {
    // The warm-up is among what the processor did, so it is among what is divided by.
    let n_all = load.per_sec * secs * 1.1;
    let cpu_ms = (after.cpu_secs - before.cpu_secs) * 1000.0 / n_all.max(1.0);
    vec![
        load.per_sec,
        load.at(0.5),
        load.at(0.99),
        cpu_ms,
        after.peak_mib,
    ]
}

/// `sync/copy` of an empty folder to an empty folder; the answer comes when it is done.
fn copies(home: &Home, address: &Address, n: usize, secs: f64) -> Result<Load> {
    load::run(n, secs, |number| {
        let mut connection = Connection::open(address)?;
        let (left, right) = (home.folder("left", number), home.folder("right", number));
        let body = json!({ "srcFs": left, "dstFs": right }).to_string();
        Ok(move || {
            let answer = connection.post("/sync/copy", &body)?.json()?;
            if answer != json!({}) {
                bail!("a copy answered {answer}");
            }
            Ok(())
        })
    })
}

/// The ends of runs, as the stream tells them.
#[derive(Default)]
struct Runs {
    heard: Mutex<Heard>,
    more: Condvar,
}

#[derive(Default)]
struct Heard {
    /// Ended, and nobody has asked for it yet.
    ended: HashSet<String>,
    /// Counted.
    done: Vec<String>,
    /// Why there is nothing more to hear.
    broken: Option<String>,
    /// How often the stream said that it left something out.
    n_resets: u64,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears ends until the daemon is gone.
    fn listen(&self, mut messages: Messages) {
        let why = loop {
            let text = match messages.next() {
                Ok(text) => text,
                Err(error) => break format!("{error:#}"),
            };
            // Most messages are something else; reading all of them would be our time, which the
            // program under test would miss.
            if text.contains("\"session_ended\"") {
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                let run = message["run"].as_str().unwrap_or_default().to_owned();
                self.lock().ended.insert(run);
                self.more.notify_all();
            } else if text.contains("\"reset\"") {
                self.lock().n_resets += 1;
                self.more.notify_all();
            }
        };
        self.lock().broken = Some(why);
        self.more.notify_all();
    }

    /// Waits until a run has ended. After a reset the history is asked, because the end may have
    /// been left out.
    fn wait(&self, run: &str, connection: &mut Connection) -> Result<()> {
        let mut n_resets = 0;
        let mut heard = self.lock();
        while !heard.ended.remove(run) {
            if let Some(why) = &heard.broken {
                bail!("the stream ended: {why}");
            }
            if heard.n_resets > n_resets {
                n_resets = heard.n_resets;
                drop(heard);
                if has_ended(run, connection)? {
                    break_free(&mut self.lock(), run);
                    return Ok(());
                }
                heard = self.lock();
                continue;
            }
            let (next, timeout) = self
                .more
                .wait_timeout(heard, ENDS_WITHIN)
                .unwrap_or_else(PoisonError::into_inner);
            heard = next;
            if timeout.timed_out() && !heard.ended.contains(run) {
                bail!("run {run} did not end");
            }
        }
        heard.done.push(run.to_owned());
        Ok(())
    }
}

fn break_free(heard: &mut Heard, run: &str) {
    heard.ended.remove(run);
    heard.done.push(run.to_owned());
}

fn has_ended(run: &str, connection: &mut Connection) -> Result<bool> {
    let state = connection.get(&format!("/api/v1/sessions/{run}"))?.json()?;
    Ok(state["record"]["ended"].is_string())
}

fn runs_of_syncmgr(
    home: &Home,
    address: &Address,
    runs: &Arc<Runs>,
    n: usize,
    secs: f64,
) -> Result<Load> {
    let messages = Messages::open(address, "/api/v1/stream")?;
    let listener = Arc::clone(runs);
    // Ends when the daemon does.
    drop(std::thread::spawn(move || listener.listen(messages)));
    load::run(n, secs, |number| {
        let mut connection = Connection::open(address)?;
        let body = json!({ "items": [home.item(number)] }).to_string();
        let runs = Arc::clone(runs);
        let mut run = move || {
            let answer = connection.post("/api/v1/sessions", &body)?.json()?;
            let run = &answer["runs"][0];
            let taken = run["taken"].as_str().unwrap_or_default();
            if !matches!(taken, "started" | "queued") {
                bail!("a start was answered by {answer}");
            }
            let id = run["run"].as_str().context("a run without an id")?;
            runs.wait(id, &mut connection)
        };
        // The first run writes down what both sides agree on; it is not one that does nothing.
        run()?;
        Ok(run)
    })
}

/// Starts the daemon again and looks for every run that counted.
fn look_up(home: &Home, runs: &Runs) -> Result<()> {
    let server = Server::start(home)?;
    let mut connection = Connection::open(&home.address())?;
    let mut kept = HashSet::new();
    let mut path = "/api/v1/sessions?limit=1000".to_owned();
    loop {
        let page = connection.get(&path)?.json()?;
        for run in page["items"].as_array().into_iter().flatten() {
            if run["status"] == "succeeded" && run["ended"].is_string() {
                kept.extend(run["run"].as_str().map(str::to_owned));
            }
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/sessions?limit=1000&cursor={cursor}"),
            None => break,
        }
    }
    drop(server);
    let heard = runs.lock();
    let n_lost = heard.done.iter().filter(|run| !kept.contains(*run)).count();
    if n_lost > 0 {
        bail!(
            "{n_lost} of {} runs are not in the history",
            heard.done.len()
        );
    }
    Ok(())
}
