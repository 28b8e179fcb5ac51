//! The typed client over the Unix socket: blocking, for command lines.
//!
//! ```text
//! connect ──► whose socket is it? ──► request ──► answer ──► request … (one connection)
//!                    └──► Stranger: nothing was sent
//! ```
//! Before the first byte goes out, the client asks the system who listens (S5): another user who
//! took the name first learns nothing.

mod call;
mod connection;
mod events;
mod outside;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use self::connection::Connection;
pub use self::events::Events;
use crate::problem::Problem;

/// How long an answer may take. Runs are not waited for in one request, so every answer is short;
/// a preview of a large tree is the longest.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there; the program works without a daemon then.
    #[error("no daemon listens on `{socket}`")]
    NotRunning {
        /// The socket, harmless text.
        socket: String,
    },
    /// Another user listens there; nothing was sent.
    #[error("`{socket}` belongs to user {uid}, not to you; nothing was sent")]
    Stranger {
        /// The socket, harmless text.
        socket: String,
        /// Whose it is.
        uid: u32,
    },
    /// The connection broke.
    #[error("cannot {step} the daemon: {detail}")]
    Broken {
        /// What was tried: `reach`, `ask`, `hear`.
        step: &'static str,
        /// The cause.
        detail: String,
    },
    /// No answer in time; whether the request was carried out is not known.
    #[error("the daemon did not answer within {seconds} s")]
    TimedOut {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The daemon said why it did not do it.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is no answer of this API.
    #[error("cannot read the answer of the daemon: {detail}")]
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
}

impl From<crate::wire::Unreadable> for ClientError {
    fn from(error: crate::wire::Unreadable) -> Self {
        Self::Unreadable {
            detail: error.to_string(),
        }
    }
}

/// An answer with what its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The body.
    pub body: T,
    /// The version of what was read, for a change on condition.
    pub etag: Option<String>,
    /// Where what was made can be found.
    pub location: Option<String>,
}

/// What goes with a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct With<'a> {
    /// Change only if it still is this version.
    pub if_match: Option<&'a str>,
}

/// A connection to the daemon of this user.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    socket: PathBuf,
    connection: Option<Connection>,
    answer_within: Duration,
}

impl Client {
    /// Connects to the daemon that listens on `socket`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] when nobody listens, [`ClientError::Stranger`] when another
    /// user does, [`ClientError::Broken`] otherwise.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let runtime = connection::runtime()?;
        let connection = runtime.block_on(Connection::open(socket))?;
        Ok(Self {
            runtime,
            socket: socket.to_owned(),
            connection: Some(connection),
            answer_within: ANSWER_WITHIN,
        })
    }

    /// Sets how long an answer may take.
    pub fn answer_within(&mut self, limit: Duration) {
        self.answer_within = limit;
    }

    /// Reads a resource. `query` has names and values, unescaped.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Answer<T>, ClientError> {
        let target = connection::target(path, query);
        self.ask(&Method::GET, &target, None, With::default())
    }

    /// Asks for something to be done. The request carries a key of its own, so that one which is
    /// sent again after a broken connection is done once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, ClientError> {
        let body = connection::json(body)?;
        self.ask(&Method::POST, path, Some(body), With::default())
    }

    /// Replaces or changes a resource, or takes it away (`method`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn write<T: DeserializeOwned>(
        &mut self,
        method: &Method,
        path: &str,
        body: &impl Serialize,
        with: With<'_>,
    ) -> Result<Answer<T>, ClientError> {
        let body = connection::json(body)?;
        self.ask(method, path, Some(body), with)
    }

    /// Listens to the live messages, from after the message `after` on when it is given.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(&self, after: Option<u64>) -> Result<Events, ClientError> {
        Events::open(&self.socket, after)
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        method: &Method,
        target: &str,
        body: Option<Vec<u8>>,
        with: With<'_>,
    ) -> Result<Answer<T>, ClientError> {
        let request = connection::Request::new(method, target, body, with)?;
        let limit = self.answer_within;
        let (socket, slot) = (&self.socket, &mut self.connection);
        let work = async {
            tokio::time::timeout(limit, connection::exchange(socket, slot, &request))
                .await
                .unwrap_or(Err(ClientError::TimedOut {
                    seconds: limit.as_secs(),
                }))
        };
        let result = self.runtime.block_on(work);
        if matches!(result, Err(ClientError::TimedOut { .. })) {
            // The late answer would be taken for the answer to the next request.
            self.connection = None;
        }
        result?.read()
    }
}
