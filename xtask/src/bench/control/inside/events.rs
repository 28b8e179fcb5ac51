//! Events: how fast they are written down, and how fast the newest are found among very many.

use anyhow::{Result, bail};
use syncmgr_center::command::Save;
use syncmgr_center::port::{EventQuery, Store as _};
use syncmgr_model::event::{Event, Link};
use syncmgr_model::id::{EventId, ItemId};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::SqliteStore;

use crate::bench::control::figures::{Column, Figures, Target};
use crate::bench::control::{Round, Wishes};
use crate::bench::prepare;
use crate::clock::Stopwatch;

const COLUMNS: [Column; 4] = [
    Column {
        title: "stored per s",
        digits: 0,
    },
    Column {
        title: "newest ms",
        digits: 2,
    },
    Column {
        title: "of one ms",
        digits: 2,
    },
    Column {
        title: "bytes each",
        digits: 0,
    },
];
/// Events in the history.
const EVENTS: u64 = 10_000_000;
/// Events of one turn of the center: as many commands as it takes together.
const TURN: u64 = 64;
/// Syncs that the events are about.
const ITEMS: u64 = 1_000;
/// Rows that are asked for.
const NEWEST: u32 = 100;
/// Questions of each kind; the slowest of them counts.
const QUESTIONS: u64 = 20;

/// Measures one round: it is long, and nothing else moves.
///
/// # Errors
/// The disk fails.
pub(in super::super) fn bench(wishes: &Wishes) -> Result<Figures> {
    let n_events = wishes.scaled(EVENTS);
    let mut rows = Vec::new();
    Round::new(&mut rows, "syncmgr").take(|| one(wishes, n_events));
    let mut figures = Figures {
        id: "events",
        title: format!("{n_events} events, {TURN} in a transaction; then the newest {NEWEST}"),
        columns: &COLUMNS,
        rows,
        targets: Vec::new(),
        notes: vec![format!("the slowest of {QUESTIONS} questions each")],
    };
    let own = |column| figures.middle("syncmgr", column);
    let targets = [
        Target::at_least("stored per s", own(0), 100_000.0),
        Target::at_most("newest ms", own(1), 10.0),
        Target::at_most("newest of one sync ms", own(2), 10.0),
    ];
    figures.targets = targets.map(|it| it.unjudged(wishes.is_small())).into();
    Ok(figures)
}

fn one(wishes: &Wishes, n_events: u64) -> Result<Vec<f64>> {
    let dir = wishes.dir.join("events");
    prepare::remove(&dir)?;
    std::fs::create_dir_all(&dir)?;
    let mut store = SqliteStore::open(&dir)?;
    let mut stored_secs = 0.0;
    let mut next = 1;
    while next <= n_events {
        let ids = next..(next + TURN).min(n_events + 1);
        next = ids.end;
        let saves = ids.map(|id| Ok(Save::Event(event(id)?)));
        let saves: Vec<_> = saves.collect::<Result<_>>()?;
        let watch = Stopwatch::start();
        store.save(&saves)?;
        stored_secs += watch.secs();
    }
    let newest = slowest(&mut store, n_events, |_| Ok(EventQuery::default()))?;
    let of_one = slowest(&mut store, n_events / ITEMS, |n| {
        Ok(EventQuery {
            handler: Some(super::handler()?),
            item: Some(item(n)?),
            ..EventQuery::default()
        })
    })?;
    drop(store);
    let bytes = std::fs::read_dir(&dir)?.filter_map(|it| it.ok()?.metadata().ok());
    let bytes: u64 = bytes.map(|facts| facts.len()).sum();
    prepare::remove(&dir)?;
    Ok(vec![
        n_events as f64 / stored_secs,
        newest * 1000.0,
        of_one * 1000.0,
        bytes as f64 / n_events as f64,
    ])
}

/// Asks several times and returns the seconds of the slowest answer.
fn slowest(
    store: &mut SqliteStore,
    n_there: u64,
    query: impl Fn(u64) -> Result<EventQuery>,
) -> Result<f64> {
    let wanted = n_there.min(NEWEST.into());
    let mut slowest: f64 = 0.0;
    for n in 0..QUESTIONS {
        let query = EventQuery {
            limit: NEWEST,
            ..query(n)?
        };
        let watch = Stopwatch::start();
        let events = store.events(&query)?;
        slowest = slowest.max(watch.secs());
        let is_sorted = events.windows(2).all(|pair| pair[0].id > pair[1].id);
        if (events.len() as u64) < wanted || !is_sorted {
            bail!(
                "asked for {wanted} events, newest first, and got {}",
                events.len()
            );
        }
    }
    Ok(slowest)
}

fn item(number: u64) -> Result<ItemId> {
    Ok(ItemId::new(format!("item-{:06}", number % ITEMS))?)
}

fn event(id: u64) -> Result<Event> {
    Ok(Event {
        id: EventId(id),
        handler: super::handler()?,
        item: Some(item(id)?),
        session: None,
        at: Timestamp(1_790_000_000_000 + i64::try_from(id)?),
        trouble: Trouble::new(Code::DiskFull).with("path", format!("a/folder/file-{id}.txt")),
        link: Link::default(),
        context: None,
    })
}
