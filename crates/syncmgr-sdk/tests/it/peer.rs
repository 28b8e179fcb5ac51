//! A host made of a pipe on each side.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};
use syncmgr_protocol::Lines;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Peer {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    next: u64,
    pub(crate) dir: tempfile::TempDir,
    /// What came and was no answer that was waited for.
    pub(crate) seen: Vec<Value>,
}

/// Where cargo puts the examples of this crate when it builds its tests.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(name);
    assert!(program.exists(), "{} is not built", program.display());
    program
}

impl Peer {
    /// Starts an example and does not speak to it yet.
    pub(crate) fn start(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(example(name))
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = child.stdin.take();
        let stdout = child.stdout.take().unwrap();
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut lines = Lines::new(stdout);
            while let Ok(Some(line)) = lines.next() {
                let message = serde_json::from_slice(line).unwrap();
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            to,
            from,
            next: 1,
            dir,
            seen: Vec::new(),
        }
    }

    /// Starts an example and gets it ready.
    pub(crate) fn ready(name: &str) -> Self {
        let mut peer = Self::start(name);
        let params = initialize();
        peer.ask("initialize", &params).unwrap();
        peer.tell("initialized", &json!({}));
        peer
    }

    pub(crate) fn raw(&mut self, line: &[u8]) {
        let to = self.to.as_mut().unwrap();
        to.write_all(line).and_then(|()| to.flush()).unwrap();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes());
    }

    pub(crate) fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and does not wait; returns its id.
    pub(crate) fn begin(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// Waits for the answer to a request. What comes before it is answered as a host does.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            let message = self.message();
            if message["id"] == json!(id) && message.get("method").is_none() {
                return match message.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(message["error"].clone()),
                };
            }
            self.see(message);
        }
    }

    /// Waits until a message with this method came.
    pub(crate) fn until(&mut self, method: &str) -> Value {
        loop {
            let message = self.message();
            let is_it = message["method"] == json!(method);
            self.see(message.clone());
            if is_it {
                return message["params"].clone();
            }
        }
    }

    fn see(&mut self, message: Value) {
        if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
            let result = answer_of(method, &message["params"]);
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        }
        self.seen.push(message);
    }

    pub(crate) fn message(&mut self) -> Value {
        match self.from.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("nothing came; seen: {:?}", self.seen),
            Err(RecvTimeoutError::Disconnected) => panic!("it ended; seen: {:?}", self.seen),
        }
    }

    /// The params of all that came with this method.
    pub(crate) fn all(&self, method: &str) -> Vec<Value> {
        let own = self
            .seen
            .iter()
            .filter(|seen| seen["method"] == json!(method));
        own.map(|seen| seen["params"].clone()).collect()
    }

    /// The statuses that were reported of an item, one after another.
    pub(crate) fn statuses(&self, item: &str) -> Vec<String> {
        let all = self.all("session/progress");
        let own = all.iter().filter(|report| report["item"] == json!(item));
        own.map(|report| report["status"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Closes the input.
    pub(crate) fn close(&mut self) {
        self.to = None;
    }

    pub(crate) fn exit(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.to = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a host answers.
fn answer_of(method: &str, params: &Value) -> Value {
    match method {
        "session/event" => json!({"event_id": 1}),
        "session/additional_items" => json!({"items": ["more"], "tokens": ["t"]}),
        "session/add_item" => {
            json!({"id": params["item"], "name": "More", "settings": {"does": "ask"}, "is_enabled": true})
        }
        "session/can_continue" => json!({"go_on": true}),
        "session/open" => json!({"session_id": "opened"}),
        "session/progress" | "session/text" => json!({"cancel": "none"}),
        _ => json!({}),
    }
}

pub(crate) fn initialize() -> Value {
    json!({
        "protocol_versions": ["1"],
        "host": {"name": "test", "version": "0"},
        "data_dir": "/tmp",
        "sandbox": "none",
        "later": {"unknown": ["member"]},
    })
}

/// A session of the handler `trial` over items that do these things.
pub(crate) fn start(session: &str, items: &[(&str, &str, u64)]) -> Value {
    let items: Vec<_> = items
        .iter()
        .map(|(id, does, n)| {
            json!({"id": id, "name": id, "settings": {"does": does, "n": n}, "is_enabled": true})
        })
        .collect();
    json!({
        "session_id": session,
        "items": items,
        "work": {"kind": "sync", "is_full": false},
        "intent": "apply",
    })
}
