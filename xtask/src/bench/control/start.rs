//! How long a program takes until it answers, with many syncs, and what it uses while nothing
//! happens.

use std::time::Duration;

use anyhow::Result;

use super::figures::{Column, Figures, Target};
use super::peer::{self, Peer};
use super::server::Server;
use super::{Round, Wishes};

const START: [Column; 3] = [
    Column {
        title: "ms",
        digits: 1,
    },
    Column {
        title: "CPU ms",
        digits: 1,
    },
    Column {
        title: "peak MiB",
        digits: 1,
    },
];

const IDLE: [Column; 5] = [
    Column {
        title: "MiB",
        digits: 1,
    },
    Column {
        title: "own MiB",
        digits: 1,
    },
    Column {
        title: "CPU ms/min",
        digits: 2,
    },
    Column {
        title: "wakes/min",
        digits: 1,
    },
    Column {
        title: "threads",
        digits: 0,
    },
];

/// Measures from the start of the process until its API answers.
///
/// # Errors
/// The disk fails; what a program cannot do is in its row.
pub(super) fn start(wishes: &Wishes) -> Result<Figures> {
    let mut rows = Vec::new();
    for _ in 0..wishes.n_rounds {
        for peer in wishes.peers(&peer::ALL) {
            Round::new(&mut rows, peer.id()).take(|| {
                let home = peer.settle(&wishes.dir, wishes.n_items())?;
                // The second start is the one that people wait for: what is made once is there.
                drop(Server::start(&home)?);
                let server = Server::start(&home)?;
                let peak = server.counters()?.peak_mib;
                let ms = |secs: f64| secs * 1000.0;
                Ok(vec![ms(server.start_secs), ms(server.start_cpu_secs), peak])
            });
        }
    }
    let mut figures = Figures {
        id: "start",
        title: format!("start until the API answers, {} syncs", wishes.n_items()),
        columns: &START,
        rows,
        targets: Vec::new(),
        notes: Vec::new(),
    };
    let own = figures.middle(Peer::Syncmgr.id(), 0);
    figures.targets = vec![Target::at_most("ms", own, 30.0).unjudged(wishes.is_smoke)];
    Ok(figures)
}

/// Measures a program that has nothing to do.
///
/// # Errors
/// As [`start`].
pub(super) fn idle(wishes: &Wishes) -> Result<Figures> {
    let mut rows = Vec::new();
    let secs = wishes.idle_secs();
    // One round is enough: it is long, and nothing else moves.
    for peer in wishes.peers(&peer::ALL) {
        Round::new(&mut rows, peer.id()).take(|| {
            let home = peer.settle(&wishes.dir, wishes.n_items())?;
            let server = Server::start(&home)?;
            // What follows from the start is not idling.
            std::thread::sleep(Duration::from_secs_f64(wishes.calm_secs()));
            let before = server.counters()?;
            std::thread::sleep(Duration::from_secs_f64(secs));
            let after = server.counters()?;
            let per_min = 60.0 / secs;
            Ok(vec![
                after.resident_mib,
                after.own_mib,
                (after.cpu_secs - before.cpu_secs) * 1000.0 * per_min,
                (after.n_wakes.saturating_sub(before.n_wakes)) as f64 * per_min,
                after.n_threads as f64,
            ])
        });
    }
    let mut figures = Figures {
        id: "idle",
        title: format!("nothing happens for {secs} s, {} syncs", wishes.n_items()),
        columns: &IDLE,
        rows,
        targets: Vec::new(),
        notes: Vec::new(),
    };
    let own = |column| figures.middle(Peer::Syncmgr.id(), column);
    figures.targets = vec![
        Target::at_most("MiB", own(0), 15.0).unjudged(wishes.is_smoke),
        Target::at_most("wakes/min", own(3), 0.0).unjudged(wishes.is_smoke),
    ];
    Ok(figures)
}
