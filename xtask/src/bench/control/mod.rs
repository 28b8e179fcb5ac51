//! `bench control`: the daemon beside other programs that stay and answer.
//!
//! Real programs in turns, each with settings and a state of its own, asked over the sockets that
//! people use; the whole process tree counts. What has no peer is measured in this process, over
//! the same center and the same memory on disk.
//!
//! Reading order: [`peer`] (who), [`server`] (started and ended), [`http`] and [`load`] (asked),
//! [`process`] (what they use), [`start`], [`sessions`], `inside` (the workloads), [`figures`] (what
//! came out).

mod figures;
mod http;
#[cfg(feature = "control")]
mod inside;
mod load;
mod peer;
mod process;
mod server;
mod sessions;
mod start;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::place::Place;
use crate::args::Args;
use crate::shell;
use figures::{Figures, Row};
use peer::Peer;

/// Odd, so that the median is a run that happened.
const ROUNDS: usize = 3;
/// How many syncs the programs know.
const ITEMS: usize = 1_000;
/// Enough for the harness to be tried.
const SMOKE_SCALE: f64 = 0.002;

/// Every workload.
const WORKS: [Work; 8] = [
    Work::Start,
    Work::Idle,
    Work::Sessions,
    Work::Progress,
    Work::Events,
    Work::List,
    Work::Protocol,
    Work::Handlers,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Start until the API answers.
    Start,
    /// Nothing happens.
    Idle,
    /// Sessions that do nothing, through the API.
    Sessions,
    /// Reports of progress, within one process.
    Progress,
    /// Events written down, and the newest ones read.
    Events,
    /// The list of syncs when there are very many.
    List,
    /// Reports of progress by a handler in a process of its own.
    Protocol,
    /// Very many such handlers that do nothing.
    Handlers,
}

impl Work {
    fn id(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Idle => "idle",
            Self::Sessions => "sessions",
            Self::Progress => "progress",
            Self::Events => "events",
            Self::List => "list",
            Self::Protocol => "protocol",
            Self::Handlers => "handlers",
        }
    }

    fn bench(self, wishes: &Wishes) -> Result<Figures> {
        match self {
            Self::Start => start::start(wishes),
            Self::Idle => start::idle(wishes),
            Self::Sessions => sessions::bench(wishes),
            #[cfg(feature = "control")]
            Self::Progress => inside::progress(wishes),
            #[cfg(feature = "control")]
            Self::Events => inside::events(wishes),
            #[cfg(feature = "control")]
            Self::List => inside::list(wishes),
            #[cfg(feature = "control")]
            Self::Protocol => inside::protocol(wishes),
            #[cfg(feature = "control")]
            Self::Handlers => inside::handlers(wishes),
            #[cfg(not(feature = "control"))]
            Self::Progress | Self::Events | Self::List | Self::Protocol | Self::Handlers => {
                bail!("this program was built without `--features control`")
            }
        }
    }
}

/// What was asked for.
struct Wishes {
    works: Vec<Work>,
    peers: Vec<Peer>,
    n_rounds: usize,
    is_smoke: bool,
    /// How large those workloads are that have no peer.
    scale: f64,
    dir: PathBuf,
    json: Option<PathBuf>,
}

impl Wishes {
    /// Returns those of these programs that are wanted and installed.
    fn peers(&self, of: &[Peer]) -> Vec<Peer> {
        let is_there = |peer: &&Peer| of.contains(peer) && peer.program().is_some();
        self.peers.iter().filter(is_there).copied().collect()
    }

    fn n_items(&self) -> usize {
        if self.is_smoke { 20 } else { ITEMS }
    }

    /// Returns a number of the workloads without a peer, at the scale that was asked for.
    #[cfg(feature = "control")]
    fn scaled(&self, n: u64) -> u64 {
        ((n as f64 * self.scale) as u64).max(100)
    }

    /// Says whether those are smaller than what the targets are for.
    #[cfg(feature = "control")]
    fn is_small(&self) -> bool {
        self.scale < 1.0
    }

    fn load_secs(&self) -> f64 {
        if self.is_smoke { 0.2 } else { 5.0 }
    }

    fn idle_secs(&self) -> f64 {
        if self.is_smoke { 0.5 } else { 30.0 }
    }

    /// How long a program may go on with what its start brought about.
    fn calm_secs(&self) -> f64 {
        if self.is_smoke { 0.2 } else { 20.0 }
    }
}

/// Runs the verb; the product is built already.
///
/// # Errors
/// Wrong words, or syncmgr could not do what was asked.
pub(super) fn run(words: Vec<String>) -> Result<()> {
    let mut args = Args::new(words);
    let dir: Option<PathBuf> = args.option("--dir")?;
    let dir = dir.unwrap_or_else(|| shell::target().join("bench"));
    let has_image = args.switch("--image");
    let wishes = wishes(args, dir.join("control"))?;
    let place = if has_image {
        Place::image(&dir)?
    } else {
        Place::directory(&dir)?
    };
    let wishes = Wishes {
        dir: place.dir().join("control"),
        ..wishes
    };
    println!("state in {}", place.describe());
    println!("{} rounds in turns", wishes.n_rounds);
    for peer in &wishes.peers {
        let version = peer.version().unwrap_or_else(|| "not installed".to_owned());
        println!("  {:<10} {version}", peer.id());
    }
    let mut all = Vec::new();
    for work in &wishes.works {
        let figures = work.bench(&wishes).with_context(|| work.id())?;
        println!("\n{}", figures.text());
        all.push(figures);
    }
    super::prepare::remove(&wishes.dir)?;
    if let Some(path) = &wishes.json {
        let values: Vec<_> = all.iter().map(Figures::json).collect();
        let text = serde_json::to_string_pretty(&values)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    complain(&all, wishes.is_smoke)
}

fn wishes(mut args: Args, dir: PathBuf) -> Result<Wishes> {
    let is_smoke = args.switch("--smoke");
    let works = match args.option::<String>("--only")? {
        Some(ids) => ids.split(',').map(work).collect::<Result<_>>()?,
        None => WORKS.into(),
    };
    let peers = match args.option::<String>("--tools")? {
        Some(ids) => super::chosen(&ids, "program", Peer::find)?,
        None => peer::ALL.into(),
    };
    let scale = args.option("--scale")?;
    let n_rounds = args.option("--runs")?;
    let wishes = Wishes {
        works,
        peers,
        n_rounds: n_rounds.unwrap_or(if is_smoke { 1 } else { ROUNDS }),
        is_smoke,
        scale: scale.unwrap_or(if is_smoke { SMOKE_SCALE } else { 1.0 }),
        dir,
        json: args.option("--json")?,
    };
    args.finish()?;
    if !(0.0..=10.0).contains(&wishes.scale) || wishes.n_rounds == 0 {
        bail!("--scale lies between 0 and 10, and --runs is at least 1");
    }
    Ok(wishes)
}

fn work(id: &str) -> Result<Work> {
    let found = WORKS.into_iter().find(|work| work.id() == id.trim());
    found.with_context(|| format!("there is no control workload `{id}`"))
}

/// The turn of one row in one round. A row that failed once is left out of the rest.
struct Round<'a> {
    row: &'a mut Row,
}

impl<'a> Round<'a> {
    fn new(rows: &'a mut Vec<Row>, who: &str) -> Self {
        let at = rows.iter().position(|row| row.who == who);
        let at = at.unwrap_or_else(|| {
            rows.push(Row::new(who));
            rows.len() - 1
        });
        Self { row: &mut rows[at] }
    }

    fn take(self, measure: impl FnOnce() -> Result<Vec<f64>>) {
        if self.row.failure.is_some() {
            return;
        }
        match measure() {
            Ok(values) => self.row.rounds.push(values),
            Err(error) => self.row.failure = Some(format!("{error:#}")),
        }
    }
}

/// A figure is no failure; a program that does not do its work is. With `--smoke` that goes for the
/// peers too, because then the harness itself is what is tried.
fn complain(all: &[Figures], is_smoke: bool) -> Result<()> {
    let failed: Vec<_> = all
        .iter()
        .flat_map(|figures| figures.rows.iter().map(|row| (figures.id, row)))
        .filter(|(_, row)| is_smoke || row.who.starts_with(Peer::Syncmgr.id()))
        .filter(|(_, row)| row.failure.is_some())
        .map(|(id, row)| format!("{} on {id}", row.who))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "));
}
