//! Has commands of this program look at everything for the daemon, in processes of their own: the
//! locks of the daemon do not keep those out of its own files.
//!
//! One works at a time, for a limited time, and none longer than the daemon: who asks is often gone
//! before the answer, and what looks at everything may hang in a folder that does not answer.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use syncmgr_center::port::Clock as _;
use syncmgr_model::format::without_os_numbers;
use syncmgr_model::trouble::{Code, Trouble};

use crate::clock::MachineClock;
use crate::dirs::Dirs;
use crate::ui::safe;

/// How long one may work.
const LIMIT: Duration = Duration::from_secs(60);

/// How long it is waited for the output of one that ended: what it started may hold the pipe.
const OUTPUT_END: Duration = Duration::from_secs(2);

/// What a command said, or why it said nothing.
type Said = Result<Vec<u8>, Trouble>;

/// Where commands work for the daemon.
#[derive(Debug)]
pub(crate) struct Aside {
    dirs: Dirs,
    limit: Duration,
    line: Mutex<Line>,
    /// Somebody's turn is over.
    is_free: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    is_closed: bool,
    /// One works, or is about to.
    is_taken: bool,
    /// The group of the one that works. Its number is its own for as long as it stands here.
    group: Option<Pid>,
    n_begun: u64,
    /// What the last one said, to what words, and the how manieth it was.
    last: Option<(u64, Vec<String>, Said)>,
}

impl Aside {
    /// Commands find everything in these folders.
    pub(crate) fn new(dirs: Dirs) -> Self {
        Self {
            dirs,
            limit: LIMIT,
            line: Mutex::default(),
            is_free: Condvar::new(),
        }
    }

    /// Returns what this program says to these words on its standard output.
    ///
    /// # Errors
    /// `not-possible`: it cannot be started, says nothing, takes too long, or the daemon stops.
    pub(crate) fn ask(&self, words: &[&str]) -> Said {
        let Dirs {
            config,
            state,
            runtime,
            home: _,
        } = &self.dirs;
        let mut command = Command::new("/proc/self/exe");
        command
            .args(words)
            .env("SYNCMGR_CONFIG_DIR", config)
            .env("SYNCMGR_STATE_DIR", state)
            .env("SYNCMGR_RUNTIME_DIR", runtime);
        self.in_turn(words, &mut command)
    }

    /// Ends the one that works, and lets no other begin.
    pub(crate) fn close(&self) {
        let mut line = self.lock();
        line.is_closed = true;
        if let Some(group) = line.group {
            kill(group);
        }
        self.is_free.notify_all();
    }

    /// Waits until nobody else works. Who waited takes what was said to the same words meanwhile,
    /// if that began after the question; what began before it may have missed what it is about.
    fn in_turn(&self, words: &[&str], command: &mut Command) -> Said {
        let clock = MachineClock::start();
        let mut line = self.lock();
        let begun_before = line.n_begun;
        while line.is_taken && !line.is_closed {
            let spent = Duration::from_millis(clock.elapsed_ms());
            let left = self.limit.saturating_sub(spent);
            if left.is_zero() {
                return Err(failed("others that asked before are still being answered"));
            }
            let waited = self.is_free.wait_timeout(line, left);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
            if let Some((n, asked, said)) = &line.last
                && *n > begun_before
                && asked == words
            {
                return said.clone();
            }
        }
        line.is_taken = true;
        line.n_begun += 1;
        let n = line.n_begun;
        let said = self.work(line, command);
        let mut line = self.lock();
        line.is_taken = false;
        line.last = Some((
            n,
            words.iter().map(ToString::to_string).collect(),
            said.clone(),
        ));
        self.is_free.notify_all();
        said
    }

    /// Has a command work. It begins under the lock, so that none begins beside a stop.
    fn work(&self, mut line: MutexGuard<'_, Line>, command: &mut Command) -> Said {
        if line.is_closed {
            return Err(failed("the daemon stops"));
        }
        // A group of its own, to end what it starts as well.
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| failed(&without_os_numbers(&error.to_string())))?;
        let group = Pid::from_child(&child);
        line.group = Some(group);
        drop(line);
        let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let was_slow = !ends_within(group, self.limit);
        kill(group);
        let is_closed = self.reap(&mut child);
        let said = |output: Receiver<Vec<u8>>| output.recv_timeout(OUTPUT_END).unwrap_or_default();
        if is_closed {
            return Err(failed("the daemon stops"));
        }
        if was_slow {
            let limit = self.limit.as_secs();
            return Err(failed(&format!(
                "it took longer than {limit} s, and was ended"
            )));
        }
        let stdout = said(out);
        if stdout.is_empty() {
            let stderr = said(err);
            return Err(failed(&safe(String::from_utf8_lossy(&stderr).trim())));
        }
        Ok(stdout)
    }

    /// Lets go of a process that was ended; returns whether that is because the daemon stops. Its
    /// number may be another's from then on, so nobody may know it any more.
    fn reap(&self, child: &mut Child) -> bool {
        let mut line = self.lock();
        line.group = None;
        let is_closed = line.is_closed;
        drop(line);
        // It was killed; there is nothing to learn from how it ended.
        drop(child.wait());
        is_closed
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(why: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", why)
}

fn kill(group: Pid) {
    match kill_process_group(group, Signal::KILL) {
        // Nobody is left, or what is left is no longer ours to end.
        Ok(()) | Err(_) => (),
    }
}

/// Waits for the end of a process, which keeps its number.
fn ends_within(pid: Pid, limit: Duration) -> bool {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
        sender.send(())
    });
    ended.recv_timeout(limit) != Err(RecvTimeoutError::Timeout)
}

/// Reads all on a thread of its own.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before a failure is still what was said.
            drop(pipe.read_to_end(&mut bytes));
        }
        sender.send(bytes)
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::Arc;

    fn aside(limit: Duration) -> Aside {
        let dirs = Dirs {
            config: PathBuf::new(),
            state: PathBuf::new(),
            runtime: PathBuf::new(),
            home: None,
        };
        Aside {
            limit,
            ..Aside::new(dirs)
        }
    }

    fn shell(aside: &Aside, script: &str) -> Said {
        aside.in_turn(&[script], Command::new("sh").args(["-c", script]))
    }

    fn detail(said: &Said) -> String {
        let trouble = said.as_ref().unwrap_err();
        assert_eq!(trouble.code, Code::NotPossible);
        trouble.param("detail").to_owned()
    }

    fn until(mut is_so: impl FnMut() -> bool) {
        let clock = MachineClock::start();
        while !is_so() {
            assert!(clock.elapsed_ms() < 20_000, "it never became so");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_alive(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let aside = aside(Duration::from_millis(500));
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let clock = MachineClock::start();
        let said = shell(&aside, &script);
        assert!(detail(&said).contains("took longer"), "{said:?}");
        assert!(clock.elapsed_ms() < 20_000);
        let pid = std::fs::read_to_string(pid).unwrap();
        until(|| !is_alive(&pid));
        // The next one has its turn.
        assert_eq!(shell(&aside, "echo well").unwrap(), b"well\n");
        assert_eq!(detail(&shell(&aside, "echo badly >&2")), "badly");
    }

    #[test]
    fn a_stop_ends_the_one_that_works_and_those_that_wait() {
        let aside = Arc::new(aside(LIMIT));
        let others = ["sleep 1000", "echo waits"].map(|script| {
            let own = Arc::clone(&aside);
            let other = thread::spawn(move || shell(&own, script));
            until(|| aside.lock().group.is_some());
            other
        });
        aside.close();
        for other in others {
            assert_eq!(detail(&other.join().unwrap()), "the daemon stops");
        }
        assert_eq!(detail(&shell(&aside, "echo late")), "the daemon stops");
    }

    #[test]
    fn one_works_at_a_time_and_who_waited_shares_what_began_later() {
        let dir = tempfile::tempdir().unwrap();
        let aside = Arc::new(aside(LIMIT));
        let (log, go) = (dir.path().join("log"), dir.path().join("go"));
        let script = format!(
            "echo begin >> {log}; while [ ! -e {go} ]; do sleep 0.02; done; \
             echo end >> {log}; echo said",
            log = log.display(),
            go = go.display()
        );
        let others: Vec<_> = (0..8)
            .map(|_| {
                let (own, script) = (Arc::clone(&aside), script.clone());
                thread::spawn(move || shell(&own, &script))
            })
            .collect();
        until(|| log.exists());
        thread::sleep(Duration::from_millis(200));
        std::fs::write(&go, "").unwrap();
        for other in others {
            assert_eq!(other.join().unwrap().unwrap(), b"said\n");
        }
        let log = std::fs::read_to_string(log).unwrap();
        let pairs = log.lines().count() / 2;
        assert_eq!(log, "begin\nend\n".repeat(pairs));
        assert!(pairs < 8, "{pairs}");
    }
}
