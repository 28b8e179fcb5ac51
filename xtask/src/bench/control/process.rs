//! What a process and its children use, as the kernel counts it (proc(5)).

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Counters of a process tree at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counters {
    /// Memory that is resident now, in MiB, summed over the processes.
    pub(crate) resident_mib: f64,
    /// The part of it that is the processes' own: not mapped from files.
    pub(crate) own_mib: f64,
    /// The most that was ever resident, in MiB, summed over the processes.
    pub(crate) peak_mib: f64,
    /// Time on a processor since the start, in seconds.
    pub(crate) cpu_secs: f64,
    /// How often a thread was put on a processor since the start.
    pub(crate) n_wakes: u64,
    pub(crate) n_threads: u64,
}

/// Reads the counters of a process and all processes below it. Threads that have ended are not in
/// the wake-ups.
///
/// # Errors
/// The process is gone.
pub(crate) fn counters(pid: u32) -> Result<Counters> {
    let mut sum = Counters::default();
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let dir = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(dir.join("status"))
            .with_context(|| format!("process {pid} is gone"))?;
        sum.resident_mib += mib(&status, "VmRSS:");
        sum.own_mib += mib(&status, "RssAnon:");
        sum.peak_mib += mib(&status, "VmHWM:");
        for task in fs::read_dir(dir.join("task"))?.filter_map(Result::ok) {
            let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let (nanos, wakes) = schedule(&read("schedstat"));
            sum.cpu_secs += nanos as f64 / 1e9;
            sum.n_wakes += wakes;
            sum.n_threads += 1;
            let children = read("children");
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
    }
    Ok(sum)
}

fn mib(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Reads `schedstat`: nanoseconds on a processor, nanoseconds of waiting for one, times on one.
fn schedule(text: &str) -> (u64, u64) {
    let mut words = text
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0));
    (words.next().unwrap_or(0), words.nth(1).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let used = counters(std::process::id()).unwrap();
        assert!(used.resident_mib > 0.0 && used.n_threads > 0, "{used:?}");
        assert!(
            used.peak_mib >= used.resident_mib && used.own_mib > 0.0,
            "{used:?}"
        );
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        assert_eq!(mib("Name:\tx\nVmRSS:\t  2048 kB\n", "VmRSS:"), 2.0);
        assert_eq!(schedule("123 456 7\n"), (123, 7));
        assert_eq!(schedule(""), (0, 0));
    }
}
