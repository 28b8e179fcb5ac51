//! Talks to `tests/services.py`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Debian's own Python: python3-dbusmock belongs to it, and another one may come first in the path.
const PYTHON: &str = "/usr/bin/python3";

/// A bus of its own and the services on it; ends with all of them when dropped.
pub(super) struct Services {
    /// Where the bus is.
    pub(super) address: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Services {
    /// Starts a bus without services; none where python3-dbusmock is missing.
    pub(super) fn start() -> Option<Self> {
        Self::run(None)
    }

    /// Starts a bus at an address where one was before.
    pub(super) fn at(address: &str) -> Option<Self> {
        Self::run(Some(address))
    }

    fn run(address: Option<&str>) -> Option<Self> {
        let has = |words: [&str; 2]| Command::new(PYTHON).args(words).output();
        let is_there = has(["-c", "import dbusmock"]).is_ok_and(|it| it.status.success());
        if !is_there {
            let missing = "python3-dbusmock is missing: `cargo xtask setup` installs it";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
            {
                eprintln!("not tested: {missing}");
            }
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/services.py");
        let mut child = Command::new(PYTHON)
            .arg(script)
            .args(address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        answers.read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "the bus did not start");
        // Without the id of this bus: the next one at this place has another.
        let place = address.trim().split(',').next();
        Some(Self {
            address: place.unwrap_or_default().to_owned(),
            orders: child.stdin.take(),
            child,
            answers,
        })
    }

    /// Has something happen; returns when it did.
    #[track_caller]
    pub(super) fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n", "{order}");
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.child.wait());
    }
}
