//! A POST that is sent again with its `Idempotency-Key` is carried out once.
//!
//! Same key and same request: the same answer. Another request under the key: 422. The first one
//! still runs: 409. Answers are remembered for a day, in memory: after a new start of the daemon,
//! and for answers too long to keep, the states of what was asked for tell the rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use syncmgr_api::problem::Problem;
use tokio::time::Instant;

use super::single;
use crate::answer::Refusal;

/// The header.
const HEADER: &str = "idempotency-key";
/// Longest key.
const KEY_LEN_MAX: usize = 128;
/// How long an answer is remembered.
const LIVES: Duration = Duration::from_secs(24 * 60 * 60);
/// Most answers remembered; the oldest goes.
const KEPT_MAX: usize = 4096;
/// Longest answer remembered, in bytes. With [`KEPT_MAX`] this bounds the memory to 4 MiB of small
/// answers, which all are but previews.
const ANSWER_LEN_MAX: usize = 16 * 1024;
/// Most bytes of answers.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// The requests of the last day that carried a key.
#[derive(Debug, Default)]
pub(super) struct Repeats(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Name, Entry>,
    n_bytes: usize,
}

/// Whose key.
type Name = (String, String);

#[derive(Debug)]
struct Entry {
    request: blake3::Hash,
    since: Instant,
    answer: Option<Answer>,
}

/// A remembered answer.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    problem: Option<Problem>,
    /// Missing when it was too long to keep.
    body: Option<Bytes>,
}

/// What to do with a request.
#[derive(Debug)]
pub(super) enum Turn {
    /// It has no key.
    Unkeyed,
    /// It was answered before.
    Again(Response),
    /// It is the first of its key.
    First(Place),
}

/// The place where the answer goes. When it is dropped without one, the key is free again.
#[derive(Debug)]
pub(super) struct Place {
    kept: Arc<Mutex<Kept>>,
    name: Name,
    is_answered: bool,
}

impl Repeats {
    /// Looks whether a request was there before.
    pub(super) fn turn(&self, caller: &str, head: &Parts, body: &[u8]) -> Result<Turn, Refusal> {
        if head.method != Method::POST || !head.headers.contains_key(HEADER) {
            return Ok(Turn::Unkeyed);
        }
        let key = single(&head.headers, HEADER)
            .filter(|key| (1..=KEY_LEN_MAX).contains(&key.len()))
            .ok_or_else(|| {
                Refusal::field(HEADER, "unusable", "one key of 1 to 128 visible letters")
            })?;
        let name = (caller.to_owned(), key.to_owned());
        let request = fingerprint(head, body);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget_old();
        if let Some(entry) = kept.entries.get(&name)
            && !entry.is_old()
        {
            return entry.again(&request).map(Turn::Again);
        }
        let entry = Entry {
            request,
            since: Instant::now(),
            answer: None,
        };
        kept.entries.insert(name.clone(), entry);
        Ok(Turn::First(Place {
            kept: Arc::clone(&self.0),
            name,
            is_answered: false,
        }))
    }
}

fn fingerprint(head: &Parts, body: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let target = head
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    for part in [target.as_bytes(), body] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

impl Entry {
    fn is_old(&self) -> bool {
        self.answer.is_some() && self.since.elapsed() >= LIVES
    }

    fn again(&self, request: &blake3::Hash) -> Result<Response, Refusal> {
        if self.request != *request {
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-used",
                [
                    "Another request was sent with this key.",
                    "Mit diesem Schlüssel wurde schon eine andere Anfrage gesendet.",
                ],
                [
                    "Nothing was changed. A key belongs to one request.",
                    "Es wurde nichts geändert. Ein Schlüssel gehört zu einer Anfrage.",
                ],
            ));
        }
        let Some(answer) = &self.answer else {
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "still-running",
                [
                    "The first request with this key is not answered yet.",
                    "Die erste Anfrage mit diesem Schlüssel ist noch nicht beantwortet.",
                ],
                [
                    "It goes on, and is not done twice.",
                    "Sie läuft weiter und wird nicht zweimal ausgeführt.",
                ],
            ));
        };
        let Some(body) = &answer.body else {
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "answer-gone",
                [
                    "This was answered before, and the answer was too long to keep.",
                    "Das wurde schon beantwortet, und die Antwort war zu lang, um sie aufzuheben.",
                ],
                [
                    "It was not done twice.",
                    "Es wurde nicht zweimal ausgeführt.",
                ],
            ));
        };
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers.clone();
        if let Some(problem) = &answer.problem {
            response.extensions_mut().insert(problem.clone());
        }
        Ok(response)
    }

    fn n_bytes(&self) -> usize {
        let body = self.answer.as_ref().and_then(|answer| answer.body.as_ref());
        body.map_or(0, Bytes::len)
    }
}

impl Kept {
    fn forget_old(&mut self) {
        if self.entries.len() < KEPT_MAX && self.n_bytes <= BYTES_MAX {
            // Looking at all of them with every request would cost more than it frees.
            return;
        }
        self.entries.retain(|_, entry| !entry.is_old());
        let mut ages: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.answer.is_some())
            .map(|(name, entry)| (entry.since, name.clone()))
            .collect();
        ages.sort();
        // Half of them, so that this is not done again for the next request.
        let n_old = ages.len() / 2;
        for (_, name) in ages.drain(..n_old) {
            self.entries.remove(&name);
        }
        self.n_bytes = self.entries.values().map(Entry::n_bytes).sum();
    }
}

impl Place {
    /// Remembers an answer and returns it. A failure of the daemon is not remembered: asking again
    /// is right then.
    pub(super) async fn keep(mut self, response: Response) -> Response {
        if response.status().is_server_error() {
            return response;
        }
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            return Response::from_parts(head, Body::empty());
        };
        let body = body.to_bytes();
        let answer = Answer {
            status: head.status,
            headers: head.headers.clone(),
            problem: head.extensions.remove::<Problem>(),
            body: (body.len() <= ANSWER_LEN_MAX).then(|| body.clone()),
        };
        if let Some(problem) = &answer.problem {
            head.extensions.insert(problem.clone());
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.entries.get_mut(&self.name) {
            entry.answer = Some(answer);
            let n_bytes = entry.n_bytes();
            kept.n_bytes += n_bytes;
        }
        drop(kept);
        self.is_answered = true;
        Response::from_parts(head, Body::from(body))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_answered {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entries.remove(&self.name);
        }
    }
}
