//! A case as it stands in its file. The format is described in `conformance/README.md`.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

/// The files, embedded, so that the program carries its kit.
const FILES: [(&str, &str); 8] = [
    (
        "life.json",
        include_str!("../../../../conformance/cases/life.json"),
    ),
    (
        "messages.json",
        include_str!("../../../../conformance/cases/messages.json"),
    ),
    (
        "items.json",
        include_str!("../../../../conformance/cases/items.json"),
    ),
    (
        "sessions.json",
        include_str!("../../../../conformance/cases/sessions.json"),
    ),
    (
        "stopping.json",
        include_str!("../../../../conformance/cases/stopping.json"),
    ),
    (
        "conflicts.json",
        include_str!("../../../../conformance/cases/conflicts.json"),
    ),
    (
        "desk.json",
        include_str!("../../../../conformance/cases/desk.json"),
    ),
    (
        "legacy.json",
        include_str!("../../../../conformance/cases/legacy.json"),
    ),
];

/// Milliseconds an answer may take when a step does not say: well below the 30 s of the host, and
/// more than a busy machine needs.
const ANSWER_MS: u64 = 10_000;

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name; unique, and never another case's.
    pub name: String,
    /// What it asks of a handler, in one sentence.
    pub about: String,
    /// What has to be offered; the case is skipped otherwise.
    #[serde(default)]
    pub needs: Vec<String>,
    /// How far the life of the handler has come when the steps begin.
    #[serde(default)]
    pub(super) begin: Begin,
    /// What remains of the handler after the steps.
    #[serde(default)]
    pub(super) after: After,
    /// The steps.
    pub(super) steps: Vec<Step>,
}

/// How far the life has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Begin {
    /// It was started, nothing was said.
    Started,
    /// It was initialized and was asked for its items.
    #[default]
    Ready,
}

/// What has to be true after the steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum After {
    /// It answers a ping, then `shutdown`, and ends with code 0.
    #[default]
    Alive,
    /// Nothing: it may have ended.
    Any,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// Sends a request.
    Request {
        method: String,
        #[serde(default)]
        params: Value,
        /// The name under which its answer is expected.
        #[serde(default, rename = "as")]
        name: Option<String>,
        /// An id in place of the next number.
        #[serde(default)]
        id: Option<Value>,
    },
    /// Sends a notification.
    Notify {
        method: String,
        #[serde(default)]
        params: Value,
    },
    /// Sends bytes as they are.
    Raw {
        text: String,
        /// So often.
        #[serde(default = "once")]
        times: usize,
        /// What comes before and after the repeated text.
        #[serde(default)]
        before: String,
        #[serde(default)]
        after: String,
    },
    /// Starts a session.
    Start {
        session: String,
        /// `all`, `first`, or ids.
        #[serde(default = "all")]
        items: Value,
        #[serde(default = "sync")]
        work: Value,
        #[serde(default = "apply")]
        intent: String,
        /// Members that are added to the params.
        #[serde(default)]
        more: Value,
        /// An id in place of the next number.
        #[serde(default)]
        id: Option<Value>,
    },
    /// Waits for the answer to a request.
    Answer {
        of: String,
        /// What the result has to look like.
        #[serde(default)]
        result: Option<Value>,
        /// The codes that are right.
        #[serde(default)]
        errors: Vec<i64>,
        #[serde(default = "answer_ms")]
        within_ms: u64,
    },
    /// Waits for an answer without an id, which only a message that could not be read gets.
    Orphan {
        errors: Vec<i64>,
        #[serde(default = "answer_ms")]
        within_ms: u64,
        /// Whether ending the connection is right, too.
        #[serde(default)]
        or_end: bool,
    },
    /// Waits until so many messages of a session came, or it is over.
    Reports {
        session: String,
        count: Value,
        #[serde(default = "answer_ms")]
        within_ms: u64,
    },
    /// Waits for the end of a session.
    Ended {
        session: String,
        /// The final statuses that are right.
        #[serde(default = "any_status")]
        statuses: Vec<String>,
        /// The codes with which it may be refused instead.
        #[serde(default)]
        errors: Vec<i64>,
        within_ms: u64,
    },
    /// Expects that a method was sent for a session, with params that look so.
    Sent {
        method: String,
        params: Value,
        /// Whether it is enough that all that were sent look so, even if none was.
        #[serde(default)]
        if_any: bool,
        /// Where a value is that is kept, of the last that looks so, and its name.
        #[serde(default)]
        keep: Option<String>,
        #[serde(default, rename = "as")]
        name: Option<String>,
    },
    /// Keeps a value of an answer under a name; without such a value the rest is skipped.
    Keep {
        of: String,
        at: String,
        #[serde(rename = "as")]
        name: String,
        /// Why it is skipped.
        or_skip: String,
    },
    /// Reads nothing for a while.
    Deaf { ms: u64 },
    /// Waits for a while and reads.
    Rest { ms: u64 },
    /// Starts it again, in the same folder, until it is ready.
    Restart {},
    /// Closes standard input.
    HangUp {},
    /// Expects that it ends.
    Exit {
        #[serde(default)]
        code: Option<i32>,
        within_ms: u64,
    },
    /// Does steps again and again; `$round` counts from 0.
    Repeat { times: usize, steps: Vec<Self> },
}

fn once() -> usize {
    1
}

fn all() -> Value {
    Value::from("all")
}

fn sync() -> Value {
    serde_json::json!({"kind": "sync", "is_full": false})
}

fn apply() -> String {
    "apply".to_owned()
}

fn answer_ms() -> u64 {
    ANSWER_MS
}

fn any_status() -> Vec<String> {
    ["succeeded", "failed", "canceled", "disconnected"]
        .map(str::to_owned)
        .to_vec()
}

/// Returns all cases, in the order in which they are played.
///
/// # Panics
/// When an embedded file is no list of cases; a test reads them all.
#[must_use]
pub fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let read = |(name, text): &(&str, &str)| -> Vec<Case> {
            serde_json::from_str(text)
                .unwrap_or_else(|error| panic!("conformance/cases/{name}: {error}"))
        };
        FILES.iter().flat_map(read).collect()
    })
}
