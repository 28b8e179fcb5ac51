//! One HTTP/1.1 connection over the Unix socket.

use std::io;
use std::path::Path;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderValue, IF_MATCH, LOCATION};
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use syncmgr_model::escape::escape;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

use super::{Answer, ClientError, With};
use crate::problem::Problem;

/// Longest answer taken: a preview of a million changes; a daemon gone wrong must not fill the
/// memory.
const ANSWER_LEN_MAX: usize = 512 * 1024 * 1024;

/// Makes the runtime of a client: it lives on the thread that asks, and only while it asks.
pub(super) fn runtime() -> Result<Runtime, ClientError> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| broken("reach", &error))
}

pub(super) fn broken(step: &'static str, error: &dyn std::fmt::Display) -> ClientError {
    ClientError::Broken {
        step,
        detail: error.to_string(),
    }
}

/// An open connection to a daemon of this user.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects, and looks whose socket it is before anything is sent (S5).
    pub(super) async fn open(socket: &Path) -> Result<Self, ClientError> {
        let shown = || escape(socket.as_os_str().as_encoded_bytes());
        let stream = UnixStream::connect(socket).await.map_err(|error| {
            let kind = error.kind();
            if kind == io::ErrorKind::NotFound || kind == io::ErrorKind::ConnectionRefused {
                return ClientError::NotRunning { socket: shown() };
            }
            broken("reach", &error)
        })?;
        let peer = stream
            .peer_cred()
            .map_err(|error| broken("reach", &error))?;
        if peer.uid() != rustix::process::geteuid().as_raw() {
            return Err(ClientError::Stranger {
                socket: shown(),
                uid: peer.uid(),
            });
        }
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken("reach", &error))?;
        // It ends when the sender goes; why it broke is told to whoever asks next.
        drop(tokio::spawn(connection));
        Ok(Self { sender })
    }

    /// Sends a request and returns the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: &Request,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.ready().await?;
        self.sender.send_request(request.build()).await
    }
}

/// A request that can be sent more than once.
#[derive(Debug)]
pub(super) struct Request {
    method: Method,
    target: hyper::Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub(super) fn new(
        method: &Method,
        target: &str,
        body: Option<Vec<u8>>,
        with: With<'_>,
    ) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if method == Method::POST {
            let key = HeaderValue::from_str(&key()?).map_err(|error| broken("ask", &error))?;
            headers.insert("idempotency-key", key);
        }
        if let Some(etag) = with.if_match {
            let etag = HeaderValue::from_str(etag).map_err(|error| broken("ask", &error))?;
            headers.insert(IF_MATCH, etag);
        }
        Ok(Self {
            method: method.clone(),
            target: target.parse().map_err(|error| broken("ask", &error))?,
            headers,
            body: body.unwrap_or_default().into(),
        })
    }

    pub(super) fn set(&mut self, name: &'static str, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    fn build(&self) -> hyper::Request<Full<Bytes>> {
        let mut request = hyper::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A key that no other request has.
fn key() -> Result<String, ClientError> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| broken("ask", &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a body.
pub(super) fn json(body: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(body).map_err(|error| broken("ask", &error))
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Whole {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Whole {
    /// Reads an answer to its end.
    pub(super) async fn of(response: Response<Incoming>) -> Result<Self, ClientError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LEN_MAX)
            .collect()
            .await
            .map_err(|error| broken("hear", &error))?;
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// Turns it into a value, or into why there is none. No content reads as `null`.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<Answer<T>, ClientError> {
        let unreadable = |error: serde_json::Error| ClientError::Unreadable {
            detail: format!("status {}, {error}", self.status.as_u16()),
        };
        if !self.status.is_success() {
            let problem: Problem = serde_json::from_slice(&self.body).map_err(unreadable)?;
            return Err(ClientError::Refused(Box::new(problem)));
        }
        let body: &[u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        let header = |name| {
            let value: &HeaderValue = self.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        Ok(Answer {
            body: serde_json::from_slice(body).map_err(unreadable)?,
            etag: header(ETAG),
            location: header(LOCATION),
        })
    }
}

/// Sends a request over the open connection, or over a new one when it is gone. A request that may
/// have arrived is sent again only when a second time does no harm: it reads, or carries a key.
pub(super) async fn exchange(
    socket: &Path,
    slot: &mut Option<Connection>,
    request: &Request,
) -> Result<Whole, ClientError> {
    if let Some(mut connection) = slot.take() {
        match connection.send(request).await {
            Ok(response) => {
                let whole = Whole::of(response).await?;
                *slot = Some(connection);
                return Ok(whole);
            }
            Err(error) if error.is_canceled() || error.is_closed() || is_harmless(request) => {}
            Err(error) => return Err(broken("ask", &error)),
        }
    }
    let mut connection = Connection::open(socket).await?;
    let response = connection
        .send(request)
        .await
        .map_err(|error| broken("ask", &error))?;
    let whole = Whole::of(response).await?;
    *slot = Some(connection);
    Ok(whole)
}

fn is_harmless(request: &Request) -> bool {
    request.method == Method::GET || request.method == Method::POST
}

/// Puts a path and its query together.
pub(super) fn target(path: &str, query: &[(&str, &str)]) -> String {
    let mut target = path.to_owned();
    for (n, (name, value)) in query.iter().enumerate() {
        target.push(if n == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        target.push_str(&percent(value));
    }
    target
}

/// Escapes a text for one part of a path or a query (RFC 3986: all but the unreserved letters).
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_carries_any_text() {
        assert_eq!(
            target("/why", &[("path", "a b&c=é"), ("n", "1")]),
            "/why?path=a%20b%26c%3D%C3%A9&n=1"
        );
    }
}
