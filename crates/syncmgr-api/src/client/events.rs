//! The live messages, one after the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use tokio::runtime::Runtime;

use super::connection::{self, Connection, Request, Whole, broken};
use super::{ClientError, With};
use crate::stream::Message;

/// Longest message taken, in bytes: a sync with all its settings is a few thousand.
const MESSAGE_LEN_MAX: usize = 1024 * 1024;

/// The live messages of a daemon. Keeps a connection of its own.
#[derive(Debug)]
pub struct Events {
    runtime: Runtime,
    socket: PathBuf,
    open: Option<Open>,
    last: Option<u64>,
}

#[derive(Debug)]
struct Open {
    body: Incoming,
    text: Lines,
    /// Ends the connection when it goes.
    _connection: Connection,
}

impl Events {
    pub(super) fn open(socket: &Path, after: Option<u64>) -> Result<Self, ClientError> {
        let mut events = Self {
            runtime: connection::runtime()?,
            socket: socket.to_owned(),
            open: None,
            last: after,
        };
        events.reopen()?;
        Ok(events)
    }

    /// Returns the number of the last message, to go on from there later.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Waits for the next message; `None` when none came within `wait`. After an error the next
    /// call connects again and asks for what was missed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn next_within(&mut self, wait: Duration) -> Result<Option<Message>, ClientError> {
        if self.open.is_none() {
            self.reopen()?;
        }
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        // A timer can only be made within the runtime.
        let result = self
            .runtime
            .block_on(async { tokio::time::timeout(wait, open.next()).await });
        match result {
            Err(_elapsed) => Ok(None),
            Ok(Ok((id, message))) => {
                self.last = id.or(self.last);
                Ok(Some(message))
            }
            Ok(Err(error)) => {
                self.open = None;
                Err(error)
            }
        }
    }

    fn reopen(&mut self) -> Result<(), ClientError> {
        let (socket, last) = (&self.socket, self.last);
        let opened = self.runtime.block_on(async {
            let mut request = Request::new(&Method::GET, "/api/v1/stream", None, With::default())?;
            request.set("accept", HeaderValue::from_static("text/event-stream"));
            if let Some(last) = last {
                request.set("last-event-id", HeaderValue::from(last));
            }
            let mut connection = Connection::open(socket).await?;
            let response = connection
                .send(&request)
                .await
                .map_err(|error| broken("ask", &error))?;
            if !response.status().is_success() {
                let refused = Whole::of(response).await?.read::<serde_json::Value>();
                return Err(refused.err().unwrap_or_else(|| ClientError::Unreadable {
                    detail: "it is no stream of messages".to_owned(),
                }));
            }
            Ok(Open {
                body: response.into_body(),
                text: Lines::default(),
                _connection: connection,
            })
        });
        self.open = Some(opened?);
        Ok(())
    }
}

impl Open {
    /// Waits for a whole message; can be dropped in between without losing anything.
    async fn next(&mut self) -> Result<(Option<u64>, Message), ClientError> {
        loop {
            if let Some(event) = self.text.event() {
                return read(&event);
            }
            let frame = self.body.frame().await;
            let frame = frame
                .ok_or_else(|| broken("hear", &"it ended the connection"))?
                .map_err(|error| broken("hear", &error))?;
            if let Some(bytes) = frame.data_ref() {
                self.text.take(bytes)?;
            }
        }
    }
}

fn read(event: &Raw) -> Result<(Option<u64>, Message), ClientError> {
    let message = serde_json::from_str(&event.data).map_err(|error| ClientError::Unreadable {
        detail: error.to_string(),
    })?;
    Ok((event.id, message))
}

/// An event as it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Raw {
    id: Option<u64>,
    data: String,
}

/// The bytes that came and are no whole event yet.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        if self.0.len() + bytes.len() > 2 * MESSAGE_LEN_MAX {
            return Err(ClientError::Unreadable {
                detail: "a message is too long".to_owned(),
            });
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes the first whole event out; comments and empty events are passed over.
    fn event(&mut self) -> Option<Raw> {
        loop {
            let end = self.0.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            let mut raw = Raw::default();
            for line in String::from_utf8_lossy(&block).lines() {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match name {
                    "id" => raw.id = value.parse().ok(),
                    "data" => raw.data.push_str(value),
                    _ => {}
                }
            }
            if !raw.data.is_empty() {
                return Some(raw);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_arrive() {
        let text = ": hello\nretry: 2000\n\nid: 7\nevent: reset\ndata: {\"type\":\"reset\"}\n\n";
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for byte in text.bytes() {
            lines.take(&[byte]).unwrap();
            seen.extend(lines.event());
        }
        let [event] = &*seen else { panic!("{seen:?}") };
        assert_eq!(read(event).unwrap(), (Some(7), Message::Reset));
    }
}
