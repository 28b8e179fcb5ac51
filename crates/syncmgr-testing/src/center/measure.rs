//! Measurements of the center without a disk: what it costs by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_sdk::ItemProgress;

use super::{Closure, Desk, MemoryStore};

/// Returns how many progress reports a second one thread of a handler makes, of `n`.
///
/// # Panics
/// When the center ends on its own.
#[must_use]
pub fn progress_reports(n: u64) -> f64 {
    let nanos = Arc::new(AtomicU64::new(0));
    let took = Arc::clone(&nanos);
    let handler = Closure::new("reporting", move |request, creator| {
        let item = &request.items[0].id;
        let Ok(session) = creator.create_session(&request.items[0].handler, std::slice::from_ref(item))
        else {
            return Ok(());
        };
        let from = Instant::now();
        for n_done in 0..n {
            let progress = ItemProgress {
                phase: Phase::Copying,
                n_done,
                current: Some(b"some/path/of/a/file.txt"),
                ..ItemProgress::default()
            };
            drop(session.report_progress(item, ProgressStatus::Updating, &progress));
        }
        let nanos = u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX);
        took.store(nanos, Ordering::SeqCst);
        drop(session.report_status(item, ProgressStatus::Succeeded));
        Ok(())
    });
    let desk = Desk::open(vec![handler], MemoryStore::default()).expect("it opens");
    let done = desk.start("reporting", "1").expect("it starts").wait();
    assert!(done.is_ok(), "the center ended");
    desk.handle.close();
    n as f64 * 1e9 / nanos.load(Ordering::SeqCst).max(1) as f64
}

/// Returns how many sessions that do nothing run in a second, one after the other, of `n`: each
/// asked for, written down in memory, run on a thread of its own, and answered.
///
/// # Panics
/// When the center ends on its own.
#[must_use]
pub fn sessions(n: u64) -> f64 {
    let handler = Closure::new("idle", |request, creator| {
        let item = &request.items[0].id;
        if let Ok(session) =
            creator.create_session(&request.items[0].handler, std::slice::from_ref(item))
        {
            drop(session.report_status(item, ProgressStatus::Succeeded));
        }
        Ok(())
    });
    let desk = Desk::open(vec![handler], MemoryStore::default()).expect("it opens");
    let from = Instant::now();
    for _ in 0..n {
        let done = desk.start("idle", "1").expect("it starts").wait();
        assert!(done.is_ok(), "the center ended");
    }
    let rate = n as f64 / from.elapsed().as_secs_f64().max(1e-9);
    desk.handle.close();
    rate
}
