//! A program that was started to be measured, and is ended with its value.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::http::{Address, Connection, Place};
use super::peer::{Home, Peer};
use super::process::{Counters, counters};
use crate::clock::Stopwatch;

/// Longer than any of them takes to begin.
const BEGINS_WITHIN_SECS: f64 = 120.0;
/// Longer than any of them takes to end.
const ENDS_WITHIN_SECS: f64 = 20.0;
/// Time between two tries to connect: far below what is measured.
const TRY_EVERY: Duration = Duration::from_micros(200);

/// A running program.
pub(crate) struct Server {
    pub(crate) home: Home,
    child: Child,
    /// From the start of the process until its API answered, in seconds.
    pub(crate) start_secs: f64,
    /// Processor time until then.
    pub(crate) start_cpu_secs: f64,
}

impl Server {
    /// Starts a program and waits until its API answers; then looks, untimed, whether it has all
    /// its syncs.
    ///
    /// # Errors
    /// It does not begin; what it said is in the message.
    pub(crate) fn start(home: &Home) -> Result<Self> {
        let log = home.dir.join("log");
        let file = File::create(&log)?;
        let mut command = home.command()?;
        command.stdin(Stdio::null());
        command.stdout(file.try_clone()?).stderr(file);
        let watch = Stopwatch::start();
        let child = command.spawn().context("cannot be started")?;
        let mut server = Self {
            home: home.clone(),
            child,
            start_secs: 0.0,
            start_cpu_secs: 0.0,
        };
        let mut connection = server.wait(watch)?;
        server.start_secs = watch.secs();
        server.start_cpu_secs = server.counters()?.cpu_secs;
        home.check(&mut connection)?;
        Ok(server)
    }

    fn wait(&mut self, watch: Stopwatch) -> Result<Connection> {
        let address = self.home.address();
        while watch.secs() < BEGINS_WITHIN_SECS {
            if let Ok(mut connection) = Connection::open(&address)
                && self.home.probe(&mut connection)
            {
                return Ok(connection);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}\n{}", self.said());
            }
            std::thread::sleep(TRY_EVERY);
        }
        bail!("no answer after {BEGINS_WITHIN_SECS} s\n{}", self.said());
    }

    fn said(&self) -> String {
        let text = fs::read_to_string(self.home.dir.join("log")).unwrap_or_default();
        text.chars().take(2_000).collect()
    }

    /// Returns what it and its children use.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn counters(&self) -> Result<Counters> {
        counters(self.child.id())
    }

    /// Returns the address on the port; for syncmgr with a token that is made for this.
    ///
    /// # Errors
    /// There is no port.
    pub(crate) fn port(&self) -> Result<Address> {
        let first = self.home.address();
        if self.home.peer != Peer::Syncmgr {
            return Ok(first);
        }
        let said = self.said();
        let port = said.split_once("http://127.0.0.1:").and_then(|(_, rest)| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u16>().ok()
        });
        let port = port.with_context(|| format!("no port in what it said:\n{said}"))?;
        let wanted = r#"{"name": "benchmark", "scopes": ["read", "sync"]}"#;
        let made = Connection::open(&first)?
            .post("/api/v1/tokens", wanted)?
            .json()?;
        let secret = made["secret"].as_str().context("no token was made")?;
        Ok(Address {
            place: Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            headers: vec![("Authorization".to_owned(), format!("Bearer {secret}"))],
        })
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// It is gone already.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let is_told = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let watch = Stopwatch::start();
        while is_told && watch.secs() < ENDS_WITHIN_SECS {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
