//! Requests on several connections at once, each connection with one request after the other; what
//! counts is what was finished and looked at.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::clock::Stopwatch;

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub(crate) per_sec: f64,
    /// From the request until it was known to be done, in milliseconds, sorted.
    pub(crate) latencies_ms: Vec<f64>,
}

impl Load {
    /// Returns the latency that this share of all stays below.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let last = self.latencies_ms.len().saturating_sub(1);
        let index = ((last as f64) * share).round() as usize;
        self.latencies_ms.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Does something on each of several connections, over and over, for `secs` seconds after a warm-up
/// of a tenth of it. `connect` is given the number of the connection and makes what does it once.
///
/// # Errors
/// Any of it failed.
pub(crate) fn run<F>(
    n_connections: usize,
    secs: f64,
    connect: impl Fn(usize) -> Result<F> + Sync,
) -> Result<Load>
where
    F: FnMut() -> Result<()>,
{
    let begin = Barrier::new(n_connections + 1);
    let (is_warm, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let work = |number: usize| -> Result<Vec<f64>> {
        let connected = connect(number);
        begin.wait();
        let mut act = connected?;
        let mut latencies = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let counts = is_warm.load(Ordering::Relaxed);
            let watch = Stopwatch::start();
            act()?;
            // What ends after the time is over was not done within it.
            if counts && !is_over.load(Ordering::Relaxed) {
                latencies.push(watch.secs() * 1000.0);
            }
        }
        Ok(latencies)
    };
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_connections)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        begin.wait();
        std::thread::sleep(Duration::from_secs_f64(secs / 10.0));
        is_warm.store(true, Ordering::Relaxed);
        let watch = Stopwatch::start();
        std::thread::sleep(Duration::from_secs_f64(secs));
        is_over.store(true, Ordering::Relaxed);
        let measured = watch.secs();
        let mut latencies_ms = Vec::new();
        for thread in threads {
            let one = thread.join().ok().context("a connection broke down")??;
            latencies_ms.extend(one);
        }
        latencies_ms.sort_by(f64::total_cmp);
        Ok(Load {
            per_sec: latencies_ms.len() as f64 / measured,
            latencies_ms,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_connections_count_and_an_error_ends_it() {
        let load = run(3, 0.05, |_| Ok(|| Ok(()))).unwrap();
        assert!(load.per_sec > 0.0 && load.at(0.99) >= load.at(0.5));
        let failed = run(2, 0.01, |n| {
            Ok(move || {
                anyhow::ensure!(n == 0, "the second one");
                Ok(())
            })
        });
        assert!(failed.is_err());
    }
}
