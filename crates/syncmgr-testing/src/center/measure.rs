//! Measurements of the center without a disk: what it costs by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_sdk::ItemProgress;

use syncmgr_center::center::Handle;
use syncmgr_center::port::Clock;
use syncmgr_model::time::Timestamp;

use super::desk::{begin, sync};
use super::{Closure, MemoryStore};

/// Time as it passes here; the day does not matter.
struct Passing(Instant);

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.elapsed_ms()).unwrap_or(i64::MAX))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn on_real_time(handler: Closure) -> Handle {
    let clock = Arc::new(Passing(now()));
    begin(vec![handler], &MemoryStore::default(), clock).expect("it opens")
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures; nothing is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

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
        let Ok(session) =
            creator.create_session(&request.items[0].handler, std::slice::from_ref(item))
        else {
            return Ok(());
        };
        let from = now();
        for n_done in 0..n {
            let progress = ItemProgress {
                phase: Phase::Copying,
                n_done,
                current: Some(b"some/path/of/a/file.txt"),
                ..ItemProgress::default()
            };
            let _request = session.report_progress(item, ProgressStatus::Updating, &progress);
        }
        let nanos = u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX);
        took.store(nanos, Ordering::SeqCst);
        let _request = session.report_status(item, ProgressStatus::Succeeded);
        Ok(())
    });
    let handle = on_real_time(handler);
    let done = handle
        .start(sync("reporting", "1"))
        .expect("it starts")
        .wait();
    assert!(done.is_ok(), "the center ended");
    handle.close();
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
            let _request = session.report_status(item, ProgressStatus::Succeeded);
        }
        Ok(())
    });
    let handle = on_real_time(handler);
    let from = now();
    for _ in 0..n {
        let done = handle.start(sync("idle", "1")).expect("it starts").wait();
        assert!(done.is_ok(), "the center ended");
    }
    let rate = n as f64 / from.elapsed().as_secs_f64().max(1e-9);
    handle.close();
    rate
}
