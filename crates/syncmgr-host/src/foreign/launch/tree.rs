//! The processes that come from one process: counted, and ended together.

use std::collections::{HashMap, HashSet};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// How often a tree is looked through until nothing of it is left. What forks faster than this
/// many looks in a row can stop it has outrun the system itself.
const SWEEPS_MAX: usize = 200;

/// The wait between two looks.
const SWEEP_GAP: Duration = Duration::from_millis(10);

/// One process, as the system lists it.
#[derive(Debug, Clone, Copy)]
struct Row {
    parent: i32,
    /// Tells it from a later process with its number.
    began: u64,
    n_threads: u64,
    memory_bytes: u64,
    uid: u32,
    is_dead: bool,
}

/// What the processes below one use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::foreign) struct Used {
    /// Processes and threads.
    pub(in crate::foreign) n_processes: u64,
    /// Memory that is not the content of files; what processes share counts for each of them.
    pub(in crate::foreign) memory_bytes: u64,
}

/// All processes of the machine at one moment.
#[derive(Debug, Default)]
pub(in crate::foreign) struct Table {
    rows: HashMap<i32, Row>,
}

impl Table {
    /// Looks. Where the system does not list its processes, the table is empty.
    pub(in crate::foreign) fn read() -> Self {
        let Ok(listed) = std::fs::read_dir("/proc") else {
            return Self::default();
        };
        let numbers = listed
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        // One that ends meanwhile is left out.
        let rows = numbers.filter_map(|pid| Some((pid, row(pid)?)));
        Self {
            rows: rows.collect(),
        }
    }

    /// Returns the living processes below one.
    fn below(&self, root: Pid) -> Vec<i32> {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for (pid, row) in &self.rows {
            children.entry(row.parent).or_default().push(*pid);
        }
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut next = vec![root.as_raw_nonzero().get()];
        while let Some(pid) = next.pop() {
            for child in children.get(&pid).into_iter().flatten() {
                if seen.insert(*child) {
                    next.push(*child);
                    found.push(*child);
                }
            }
        }
        found.retain(|pid| self.rows.get(pid).is_some_and(|row| !row.is_dead));
        found
    }

    /// Says whether anything is below.
    pub(super) fn has_below(&self, root: Pid) -> bool {
        !self.below(root).is_empty()
    }

    /// Returns what the processes below use together.
    pub(in crate::foreign) fn used(&self, root: Pid) -> Used {
        let rows = self.below(root).into_iter();
        let rows = rows.filter_map(|pid| self.rows.get(&pid));
        rows.fold(Used::default(), |sum, row| Used {
            n_processes: sum.n_processes + row.n_threads,
            memory_bytes: sum.memory_bytes + row.memory_bytes,
        })
    }

    /// Counts the processes and threads of this person.
    pub(super) fn n_of_this_user(&self) -> u64 {
        let me = rustix::process::getuid().as_raw();
        let mine = self.rows.values().filter(|row| row.uid == me);
        mine.map(|row| row.n_threads).sum()
    }

    fn send(&self, pids: &[i32], signal: Signal) {
        for pid in pids {
            let Some(row) = self.rows.get(pid) else {
                continue;
            };
            send(*pid, row, signal);
        }
    }
}

fn row(pid: i32) -> Option<Row> {
    use std::os::unix::fs::MetadataExt as _;
    let folder = format!("/proc/{pid}");
    let stat = std::fs::read(format!("{folder}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, also more of them.
    let at = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(at + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted from the state, which is field 3 of proc(5).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let statm = std::fs::read_to_string(format!("{folder}/statm")).unwrap_or_default();
    let mut pages = statm.split_ascii_whitespace().skip(1);
    let mut page = || pages.next().and_then(|text| text.parse::<u64>().ok());
    let resident = page().unwrap_or(0);
    let of_files = page().unwrap_or(0);
    Some(Row {
        parent: fields.get(1)?.parse().ok()?,
        began: number(22)?,
        n_threads: number(20)?.max(1),
        memory_bytes: resident.saturating_sub(of_files) * rustix::param::page_size() as u64,
        uid: std::fs::metadata(&folder).ok()?.uid(),
        is_dead: matches!(fields.first(), Some(&"Z" | &"X")),
    })
}

/// Sends a signal to a process, unless another one has its number by now.
#[cfg(target_os = "linux")]
fn send(pid: i32, row: &Row, signal: Signal) {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let Some(number) = Pid::from_raw(pid) else {
        return;
    };
    // From here on the number may pass on to another one, and the handle does not.
    let Ok(handle) = pidfd_open(number, PidfdFlags::empty()) else {
        return;
    };
    if self::row(pid).is_some_and(|now| now.began == row.began) {
        // It may have ended by itself.
        let _gone = pidfd_send_signal(&handle, signal);
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: i32, _row: &Row, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Sends a signal to everything below a process, and not to itself.
pub(super) fn signal(root: Pid, signal: Signal) {
    let table = Table::read();
    table.send(&table.below(root), signal);
}

/// Ends everything below a process, also what multiplies meanwhile; not the process itself.
pub(in crate::foreign) fn kill_tree(root: Pid) {
    for _ in 0..SWEEPS_MAX {
        let table = Table::read();
        let below = table.below(root);
        if below.is_empty() {
            return;
        }
        // What stands still starts nothing while the rest is found.
        table.send(&below, Signal::STOP);
        let table = Table::read();
        table.send(&table.below(root), Signal::KILL);
        thread::sleep(SWEEP_GAP);
    }
}
