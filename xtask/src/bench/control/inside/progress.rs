//! Reports of progress: a handler that does nothing else, over the host, the center and its memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use syncmgr_center::center::{self, Parts};
use syncmgr_center::command::{Control, Limits, Scope, Update};
use syncmgr_center::port::{Notifier, Unwatched};
use syncmgr_center::state::State;
use syncmgr_host::InProcess;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemProgress, SessionCreator, SyncItem,
    SyncRequest,
};
use syncmgr_store::SqliteStore;

use super::clock::{Empty, RealClock};
use crate::bench::control::figures::{Column, Figures, Target};
use crate::bench::control::{Round, Wishes};
use crate::bench::prepare;
use crate::clock::Stopwatch;

const COLUMNS: [Column; 2] = [
    Column {
        title: "M/s",
        digits: 2,
    },
    Column {
        title: "told per s",
        digits: 1,
    },
];
/// Reports of one round.
const REPORTS: u64 = 20_000_000;

/// Measures all rounds.
///
/// # Errors
/// The disk fails.
pub(in super::super) fn bench(wishes: &Wishes) -> Result<Figures> {
    let n_reports = wishes.scaled(REPORTS);
    let mut rows = Vec::new();
    for _ in 0..wishes.n_rounds {
        Round::new(&mut rows, "syncmgr").take(|| one(wishes, n_reports));
    }
    let mut figures = Figures {
        id: "progress",
        title: format!("{n_reports} reports of progress by one handler, in process"),
        columns: &COLUMNS,
        rows,
        targets: Vec::new(),
        notes: vec![
            "told: what those who watch the center hear; the stream thins it further".into(),
        ],
    };
    let rate = figures.middle("syncmgr", 0);
    figures.targets = vec![Target::at_least("M/s", rate, 5.0).unjudged(wishes.is_small())];
    Ok(figures)
}

fn one(wishes: &Wishes, n_reports: u64) -> Result<Vec<f64>> {
    let dir = wishes.dir.join("progress");
    prepare::remove(&dir)?;
    std::fs::create_dir_all(&dir)?;
    let clock = Arc::new(RealClock::start());
    let talker = Talker {
        item: Arc::new(Saved(super::item(0)?)),
        n_reports,
        secs: Arc::default(),
    };
    let factory = Factory {
        id: super::handler()?,
        talker: talker.clone(),
    };
    let told = Arc::new(AtomicU64::new(0));
    let factories = vec![Arc::new(factory) as Arc<dyn HandlerFactory>];
    let center = center::start(Parts {
        store: Box::new(SqliteStore::open(&dir)?),
        handlers: Box::new(InProcess::new(
            factories,
            Vec::new(),
            Arc::clone(&clock) as _,
        )),
        clock,
        notifier: Box::new(Counter(Arc::clone(&told))),
        calendar: Arc::new(Empty),
        watches: Box::new(Unwatched),
        saved: vec![super::item(0)?],
        schedules: Vec::new(),
        policies: BTreeMap::new(),
        keeps_time: false,
        random: 0,
        limits: Limits::default(),
    })?;
    // A start of everything is answered at once, not by the outcome that is waited for here.
    let scope = Scope::Items(super::handler()?, vec![super::item(0)?.id]);
    let control = Control::Start(scope, Box::default());
    let pending = center.start(control);
    let pending = pending.map_err(|error| anyhow::anyhow!("not started: {error:?}"))?;
    let outcome = pending.wait()?;
    center.close();
    if outcome.status != ProgressStatus::Succeeded {
        bail!("the session ended as {}", outcome.status.as_str());
    }
    let secs = *talker.secs.lock().unwrap_or_else(PoisonError::into_inner);
    let secs = secs.context("nothing was reported")?;
    let n_told = told.load(Ordering::Relaxed) as f64;
    Ok(vec![n_reports as f64 / secs / 1e6, n_told / secs])
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

struct Saved(Item);

impl SyncItem for Saved {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.0.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.0.label().to_owned())
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.0)
    }
}

/// Makes handlers that report progress and nothing else.
struct Factory {
    id: HandlerId,
    talker: Talker,
}

/// One of them.
#[derive(Clone)]
struct Talker {
    item: Arc<Saved>,
    n_reports: u64,
    /// How long the reports of the last session took.
    secs: Arc<Mutex<Option<f64>>>,
}

impl HandlerFactory for Factory {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        Ok(Box::new(self.talker.clone()))
    }
}

impl Talker {
    fn talk(&self, request: &SyncRequest, creator: &dyn SessionCreator) -> Result<f64, Hresult> {
        let items: Vec<ItemId> = request.items.iter().map(|item| item.id.clone()).collect();
        let item = items.first().ok_or(Hresult::InvalidArgument)?;
        let callback = creator.create_session(&self.item.0.handler, &items)?;
        let watch = Stopwatch::start();
        for n_done in 0..self.n_reports {
            let progress = ItemProgress {
                phase: Phase::Copying,
                n_done,
                n_total: Some(self.n_reports),
                current: Some(b"a/path/of/usual/length.txt"),
                ..ItemProgress::default()
            };
            callback.report_progress(item, ProgressStatus::Updating, &progress)?;
        }
        let secs = watch.secs();
        let end = ItemProgress::default();
        callback.report_progress(item, ProgressStatus::Succeeded, &end)?;
        Ok(secs)
    }
}

impl HandlerInfo for Talker {
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Talker {
    fn name(&self) -> Result<String, Hresult> {
        Ok("Benchmark".to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        Ok(ItemEnumerator::new(vec![Arc::clone(&self.item) as _]))
    }

    fn item(&self, _id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        Ok(Arc::clone(&self.item) as _)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let talked = self.talk(request, creator);
        let failed = |error: Hresult| Trouble::new(Code::NotPossible).with("detail", error);
        let secs = talked.map_err(failed)?;
        *self.secs.lock().unwrap_or_else(PoisonError::into_inner) = Some(secs);
        Ok(())
    }
}
