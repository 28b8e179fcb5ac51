//! The REST interface of a Syncthing on this machine: small requests, each with an end.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use syncmgr_model::escape::escape;
use syncmgr_model::trouble::{Code, Trouble};
use ureq::http::{HeaderValue, StatusCode};
use ureq::tls::TlsConfig;

use super::config::Gui;

/// How long an answer may take: it comes from this machine. Short, because a person who stops a run
/// waits for it.
const ANSWER_MAX: Duration = Duration::from_millis(1500);

/// How long a scan may take: Syncthing answers when it is done, and a large folder takes hours.
const SCAN_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Largest answer: pages of a thousand files are a tenth of it.
const SIZE_MAX: u64 = 16 << 20;

/// A way to talk to it.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    gui: Gui,
}

/// What a folder is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) state: String,
    pub(super) error: String,
    pub(super) need_bytes: u64,
    pub(super) need_total_items: u64,
    pub(super) global_files: u64,
    pub(super) local_files: u64,
    pub(super) pull_errors: u64,
}

/// How far another device is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Completion {
    pub(super) need_bytes: u64,
    pub(super) need_items: u64,
    pub(super) need_deletes: u64,
    pub(super) global_items: u64,
    pub(super) global_bytes: u64,
    /// How much it told about its files; 0: nothing yet, and then the other numbers mean nothing.
    pub(super) sequence: u64,
    /// Whether the device has the folder: only in newer versions.
    pub(super) remote_state: String,
}

impl Completion {
    /// Says whether the device has told what it has. Older versions do not count what it needs
    /// before that; newer ones say what is the matter.
    pub(super) fn is_known(&self) -> bool {
        match self.remote_state.as_str() {
            "valid" => true,
            "" => self.sequence > 0 || self.global_items == 0,
            _ => false,
        }
    }
}

/// A file that could not be synced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct FileError {
    pub(super) path: String,
    pub(super) error: String,
}

/// A file that has to be brought up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Needed {
    pub(super) name: String,
    pub(super) size: u64,
    #[serde(rename = "type")]
    pub(super) kind: Value,
    pub(super) deleted: bool,
}

impl Needed {
    pub(super) fn is_folder(&self) -> bool {
        self.kind == "FILE_INFO_TYPE_DIRECTORY" || self.kind == 1
    }
}

/// Something that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Happened {
    pub(super) id: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) data: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Option<Vec<FileError>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lists {
    progress: Option<Vec<Needed>>,
    queued: Option<Vec<Needed>>,
    rest: Option<Vec<Needed>>,
    files: Option<Vec<Needed>>,
}

impl Lists {
    fn all(self) -> Vec<Needed> {
        let lists = [self.progress, self.queued, self.rest, self.files];
        lists.into_iter().flatten().flatten().collect()
    }
}

impl Rest {
    pub(super) fn new(gui: &Gui) -> Self {
        Self { gui: gui.clone() }
    }

    fn agent(&self, patience: Duration) -> ureq::Agent {
        // Syncthing makes its certificate itself. On the loopback there is nobody in between.
        let tls = TlsConfig::builder()
            .disable_verification(self.gui.is_loopback)
            .build();
        ureq::Agent::config_builder()
            .timeout_global(Some(patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("syncmgr/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .new_agent()
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Vec<u8>, Trouble> {
        let mut url = format!("{}{path}", self.gui.base);
        for (n, (key, value)) in query.iter().enumerate() {
            url.push(if n == 0 { '?' } else { '&' });
            url.push_str(key);
            url.push('=');
            url.push_str(&quoted(value));
        }
        let mut key = HeaderValue::from_str(self.gui.key.expose()).map_err(|_| sign_in())?;
        key.set_sensitive(true);
        let agent = self.agent(patience);
        let sent = match method {
            Method::Get => agent.get(&url).header("X-API-Key", key).call(),
            Method::Post => agent.post(&url).header("X-API-Key", key).send_empty(),
            Method::Patch(body) => agent
                .patch(&url)
                .header("X-API-Key", key)
                .content_type("application/json")
                .send(body.to_string()),
        };
        let mut answer = sent.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let body = answer
            .body_mut()
            .with_config()
            .limit(SIZE_MAX)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        if status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED {
            return Err(sign_in());
        }
        let text = String::from_utf8_lossy(&body);
        let text = escape(text.lines().next().unwrap_or_default().trim().as_bytes());
        Err(Trouble::new(Code::ToolFailed)
            .with("tool", "Syncthing")
            .with(
                "detail",
                format!("it answered {} ({text})", status.as_u16()),
            ))
    }

    fn unreachable(&self, error: &ureq::Error) -> Trouble {
        Trouble::new(Code::Disconnected)
            .with(
                "name",
                format!("Syncthing at {}", escape(self.gui.base.as_bytes())),
            )
            .with("detail", escape(error.to_string().as_bytes()))
    }

    fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Trouble> {
        let body = self.ask(Method::Get, path, query, ANSWER_MAX)?;
        serde_json::from_slice(&body).map_err(|e| {
            Trouble::new(Code::ToolFailed)
                .with("tool", "Syncthing")
                .with("detail", format!("its answer is not understood ({e})"))
        })
    }

    /// Has a folder looked at; answers when that is done.
    pub(super) fn scan(&self, folder: &str) -> Result<(), Trouble> {
        self.ask(
            Method::Post,
            "/rest/db/scan",
            &[("folder", folder)],
            SCAN_MAX,
        )
        .map(drop)
    }

    /// Has one path looked at soon.
    pub(super) fn look_at(&self, folder: &str, path: &str) {
        let query = [("folder", folder), ("sub", path)];
        // Otherwise it finds out by itself.
        self.ask(Method::Post, "/rest/db/scan", &query, ANSWER_MAX)
            .ok();
    }

    pub(super) fn status(&self, folder: &str) -> Result<Status, Trouble> {
        self.get("/rest/db/status", &[("folder", folder)])
    }

    pub(super) fn completion(&self, folder: &str, device: &str) -> Result<Completion, Trouble> {
        self.get(
            "/rest/db/completion",
            &[("folder", folder), ("device", device)],
        )
    }

    pub(super) fn errors(&self, folder: &str) -> Result<Vec<FileError>, Trouble> {
        let errors: Errors = self.get(
            "/rest/folder/errors",
            &[("folder", folder), ("perpage", "1000")],
        )?;
        Ok(errors.errors.unwrap_or_default())
    }

    /// Returns what this device needs.
    pub(super) fn needed(&self, folder: &str) -> Result<Vec<Needed>, Trouble> {
        let lists: Lists = self.get("/rest/db/need", &[("folder", folder), ("perpage", "1000")])?;
        Ok(lists.all())
    }

    /// Returns what another device needs.
    pub(super) fn needed_by(&self, folder: &str, device: &str) -> Result<Vec<Needed>, Trouble> {
        let query = [("folder", folder), ("device", device), ("perpage", "1000")];
        let lists: Lists = self.get("/rest/db/remoteneed", &query)?;
        Ok(lists.all())
    }

    /// Returns the id of this device.
    pub(super) fn own_id(&self) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Own {
            #[serde(rename = "myID")]
            my_id: String,
        }
        let own: Own = self.get("/rest/system/status", &[])?;
        Ok(own.my_id)
    }

    /// Returns which devices are connected now.
    pub(super) fn connected(&self) -> Result<Vec<String>, Trouble> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Line {
            connected: bool,
        }
        #[derive(Deserialize)]
        struct Lines {
            connections: std::collections::BTreeMap<String, Line>,
        }
        let lines: Lines = self.get("/rest/system/connections", &[])?;
        let connected = lines.connections.into_iter().filter(|(_, it)| it.connected);
        Ok(connected.map(|(id, _)| id).collect())
    }

    /// Returns what happened to files since an event, at once.
    pub(super) fn happened(&self, since: u64) -> Result<Vec<Happened>, Trouble> {
        let since = since.to_string();
        let query = [
            ("since", since.as_str()),
            ("events", "ItemFinished"),
            ("timeout", "0"),
        ];
        let all: Option<Vec<Happened>> = self.get("/rest/events", &query)?;
        Ok(all.unwrap_or_default())
    }

    /// Pauses a folder or lets it go on.
    pub(super) fn pause(&self, folder: &str, is_paused: bool) -> Result<(), Trouble> {
        let body = serde_json::json!({ "paused": is_paused });
        let path = format!("/rest/config/folders/{}", quoted(folder));
        self.ask(Method::Patch(body), &path, &[], ANSWER_MAX)
            .map(drop)
    }
}

enum Method {
    Get,
    Post,
    Patch(Value),
}

fn sign_in() -> Trouble {
    Trouble::new(Code::SignInNeeded).with("place", "Syncthing")
}

fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing into a text does not fail");
        }
    }
    out
}
