//! A daemon's front on real sockets, and callers that can say anything.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use syncmgr_center::center::Handle;
use syncmgr_center::port::Clock;
use syncmgr_model::time::Timestamp;
use syncmgr_server::auth::{Scope, SignIn, Tokens};
use syncmgr_server::hub::Hub;
use syncmgr_server::metrics::Metrics;
use syncmgr_server::routes::{Shared, SharedClock};
use syncmgr_server::{Gate, Listener, listen, openapi, serve};
use tokio::sync::oneshot;

use crate::center::center;

/// Long enough for a busy machine; no test waits it out when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn elapsed_ms(&self) -> u64 {
        0
    }
}

/// A running front.
pub(crate) struct Front {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) hub: Arc<Hub>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    center: Handle,
}

/// How time goes for the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Real,
    Hurried,
}

impl Front {
    pub(crate) fn start() -> Self {
        Self::with(Router::new())
    }

    /// Starts a front with routes of the test beside the real ones.
    pub(crate) fn with(more: Router) -> Self {
        Self::build(more, Pace::Real, |_| ())
    }

    /// Starts a front whose clock jumps to the next time-out as soon as there is nothing else to
    /// do. What the callers that `early` makes have to say, they say before it starts.
    pub(crate) fn hurried<T>(early: impl FnOnce(u16) -> T) -> (Self, T) {
        let mut made = None;
        let front = Self::build(Router::new(), Pace::Hurried, |port| {
            made = Some(early(port));
        });
        (front, made.unwrap())
    }

    fn build(more: Router, pace: Pace, early: impl FnOnce(u16)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let unix = listen::unix(&dir.path().join("run/s.sock")).unwrap();
        let tcp = listen::loopback(0).unwrap();
        let Listener::Tcp(listener) = &tcp else {
            panic!("a port is a port")
        };
        let port = listener.local_addr().unwrap().port();
        let shared = Shared {
            tokens: Arc::new(Tokens::open(&dir.path().join("tokens.json")).unwrap()),
            sign_in: Arc::new(SignIn::default()),
            hub: Arc::new(Hub::new(0)),
            metrics: Arc::new(Metrics::default()),
            has_metrics: true,
            is_ready: Arc::new(AtomicBool::new(true)),
            clock: SharedClock(Arc::new(Still)),
        };
        let api = center(Arc::clone(&shared.hub));
        let handle = api.center.clone();
        let app = openapi::router(shared.clone(), Some(api)).merge(more);
        let (tokens, sign_in, hub) = (shared.tokens, shared.sign_in, shared.hub);
        let gate = Gate::new(
            app,
            Arc::clone(&tokens),
            Arc::clone(&sign_in),
            Arc::clone(&hub),
            shared.metrics,
        )
        .unwrap();
        early(port);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(pace == Pace::Hurried)
                .build()
                .unwrap();
            let stopped = async move { drop(stopped.await) };
            runtime
                .block_on(serve(vec![unix, tcp], Arc::new(gate), stopped))
                .unwrap();
        });
        Self {
            dir,
            port,
            tokens,
            sign_in,
            hub,
            stop: Some(stop),
            thread: Some(thread),
            center: handle,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("run/s.sock")
    }

    pub(crate) fn token(&self, scope: Scope) -> String {
        let name = scope.as_str();
        let secret = self.tokens.make(name, &[scope], Timestamp(0)).unwrap();
        secret.expose().to_owned()
    }

    pub(crate) fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks over the port with exactly these lines after the request line.
    pub(crate) fn ask(&self, first: &str, lines: &[&str], body: &str) -> Reply {
        exchange(self.tcp(), first, lines, body)
    }

    /// Asks over the port as a program with this token.
    pub(crate) fn ask_as(&self, token: &str, first: &str, lines: &[&str], body: &str) -> Reply {
        let host = format!("Host: 127.0.0.1:{}", self.port);
        let token = format!("Authorization: Bearer {token}");
        let mut all = vec![&*host, &*token, "Content-Type: application/json"];
        all.extend(lines);
        self.ask(first, &all, body)
    }

    /// Asks over the Unix socket.
    pub(crate) fn owner(&self, first: &str, lines: &[&str], body: &str) -> Reply {
        let mut all = vec!["Host: localhost", "Content-Type: application/json"];
        all.extend(lines);
        exchange(self.unix(), first, &all, body)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
        self.center.close();
    }
}

/// Routes that break, for tests.
pub(crate) fn broken() -> Router {
    Router::new()
        .route(
            "/api/v1/sessions/on/purpose",
            get(async || -> String { panic!("on purpose") }),
        )
        .route("/api/v1/sessions/on/echo", post(async |body: String| body))
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// Returns the code of a problem, after looking that it is a whole one.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        let problem: syncmgr_api::problem::Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(!problem.request_id.is_empty() && !problem.title.is_empty());
        assert!(self.head.contains(&problem.request_id));
        problem.code
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

fn exchange(mut stream: impl Read + Write, first: &str, lines: &[&str], body: &str) -> Reply {
    let mut text = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
    for line in lines {
        text += line;
        text += "\r\n";
    }
    let length = body.len().to_string();
    text.extend(["Content-Length: ", &length, "\r\n\r\n", body]);
    // A refusal may come before the daemon has read all of it.
    drop(stream.write_all(text.as_bytes()));
    read(stream)
}

/// Reads an answer to its end.
pub(crate) fn read(mut stream: impl Read) -> Reply {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while let Ok(n) = stream.read(&mut part) {
        if n == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..n]);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Reply {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
