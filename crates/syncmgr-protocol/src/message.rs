//! Lines to messages: the envelope of JSON-RPC 2.0. Params and results stay as they are until
//! somebody who knows their type reads them with [`read`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{self, RpcError, Wrong};
use crate::frame::{FrameError, is_too_deep, push};

/// The largest number of an id: what a JSON reader of any language holds exactly.
pub const ID_NUMBER_MAX: u64 = (1 << 53) - 1;

/// Most characters of an id that is a text.
pub const ID_TEXT_MAX: usize = 64;

/// What an answer is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A number from 0 to [`ID_NUMBER_MAX`].
    Number(u64),
    /// A text of at most [`ID_TEXT_MAX`] characters.
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => to.serialize_u64(*number),
            Self::Text(text) => to.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a whole number from 0 to 2^53 - 1, or at most 64 characters")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                if number <= ID_NUMBER_MAX {
                    Ok(Id::Number(number))
                } else {
                    Err(E::invalid_value(de::Unexpected::Unsigned(number), &self))
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                if text.chars().count() <= ID_TEXT_MAX {
                    Ok(Id::Text(text.to_owned()))
                } else {
                    Err(E::invalid_length(text.len(), &self))
                }
            }
        }
        from.deserialize_any(Read)
    }
}

/// A message that came in.
#[derive(Debug)]
pub enum Message<'a> {
    /// Something is wanted, and answered.
    Request {
        /// What the answer is known by.
        id: Id,
        /// What is wanted.
        method: Cow<'a, str>,
        /// With what; `None`: nothing.
        params: Option<&'a RawValue>,
    },
    /// Something is told.
    Notification {
        /// What.
        method: Cow<'a, str>,
        /// With what; `None`: nothing.
        params: Option<&'a RawValue>,
    },
    /// An answer.
    Answer {
        /// To which request; `None`: to one whose id could not be read.
        id: Option<Id>,
        /// What came of it.
        result: Result<&'a RawValue, RpcError>,
    },
}

/// A line that is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    /// [`error::PARSE`] or [`error::INVALID_REQUEST`].
    pub code: i64,
    /// The id it has, if that could be read.
    pub id: Option<Id>,
    /// What is wrong with it.
    pub detail: String,
}

/// An id, or the `null` of an answer to a message that could not be read.
#[derive(Deserialize)]
#[serde(untagged)]
enum MaybeId {
    Id(Id),
    Null(()),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

/// Reads a member that is there, also when it is `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl<'a> Message<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// [`Malformed`] when it is no JSON, is nested too deep, or no message.
    pub fn read(line: &'a [u8]) -> Result<Self, Malformed> {
        let bad = |code, detail: String| Malformed {
            code,
            id: None,
            detail,
        };
        if is_too_deep(line) {
            let detail = "a message is nested deeper than 64 levels".to_owned();
            return Err(bad(error::PARSE, detail));
        }
        let text = std::str::from_utf8(line)
            .map_err(|_| bad(error::PARSE, "a message is not UTF-8".to_owned()))?;
        let envelope: Envelope<'a> = serde_json::from_str(text).map_err(|wrong| {
            let code = match wrong.classify() {
                serde_json::error::Category::Data => error::INVALID_REQUEST,
                serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io => error::PARSE,
            };
            bad(code, format!("a line is no message: {wrong}"))
        })?;
        Self::open(envelope)
    }

    fn open(envelope: Envelope<'a>) -> Result<Self, Malformed> {
        let id = envelope.id.map(|raw| serde_json::from_str(raw.get()));
        let (id, is_null) = match id {
            None => (None, false),
            Some(Ok(MaybeId::Id(id))) => (Some(id), false),
            Some(Ok(MaybeId::Null(()))) => (None, true),
            Some(Err(_)) => {
                return Err(Malformed {
                    code: error::INVALID_REQUEST,
                    id: None,
                    detail: "`id` is neither a whole number from 0 to 2^53 - 1 nor a text of at \
                             most 64 characters"
                        .to_owned(),
                });
            }
        };
        let bad = |id: Option<Id>, detail: &str| {
            Err(Malformed {
                code: error::INVALID_REQUEST,
                id,
                detail: detail.to_owned(),
            })
        };
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            return bad(id, "`jsonrpc` is not \"2.0\"");
        }
        match (envelope.method, envelope.result, envelope.error) {
            (Some(method), None, None) => {
                let params = envelope.params;
                match id {
                    Some(id) => Ok(Self::Request { id, method, params }),
                    None if is_null => bad(None, "the `id` of a request is null"),
                    None => Ok(Self::Notification { method, params }),
                }
            }
            (None, Some(result), None) => match id {
                Some(id) => Ok(Self::Answer {
                    id: Some(id),
                    result: Ok(result),
                }),
                None => bad(None, "an answer has no `id`"),
            },
            (None, None, Some(error)) => Ok(Self::Answer {
                id,
                result: Err(error),
            }),
            (Some(_), _, _) => bad(id, "a message is a request and an answer at once"),
            (None, _, _) => bad(
                id,
                "a message has no `method`, and not one of `result` and `error`",
            ),
        }
    }
}

/// Reads params or a result; nothing at all reads as `{}`.
///
/// # Errors
/// [`Wrong`], which names the member that does not fit.
pub fn read<T: DeserializeOwned>(raw: Option<&RawValue>) -> Result<T, Wrong> {
    let text = raw.map_or("{}", RawValue::get);
    let mut from = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut from).map_err(|wrong| Wrong::of(&wrong))
}

/// A request or a notification, on its way out.
#[derive(Debug, Serialize)]
pub struct Call<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Id>,
    method: &'a str,
    params: &'a P,
}

impl<'a, P: Serialize> Call<'a, P> {
    /// Makes a request, or without an id a notification.
    #[must_use]
    pub fn new(id: Option<&'a Id>, method: &'a str, params: &'a P) -> Self {
        Self {
            jsonrpc: "2.0",
            id,
            method,
            params,
        }
    }
}

#[derive(Serialize)]
struct Done<'a, T> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: &'a T,
}

#[derive(Serialize)]
struct Refused<'a> {
    jsonrpc: &'static str,
    id: Option<&'a Id>,
    error: &'a RpcError,
}

/// Writes a request, or without an id a notification, as a line.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn call<P: Serialize>(
    id: Option<&Id>,
    method: &str,
    params: &P,
) -> Result<Vec<u8>, FrameError> {
    let mut line = Vec::with_capacity(256);
    push(&mut line, &Call::new(id, method, params))?;
    Ok(line)
}

/// Writes an answer as a line.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn answer<T: Serialize>(id: &Id, result: &T) -> Result<Vec<u8>, FrameError> {
    let mut line = Vec::with_capacity(128);
    let jsonrpc = "2.0";
    push(
        &mut line,
        &Done {
            jsonrpc,
            id,
            result,
        },
    )?;
    Ok(line)
}

/// Writes an error as an answer, as a line; without an id to a message that could not be read.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn refuse(id: Option<&Id>, error: &RpcError) -> Result<Vec<u8>, FrameError> {
    let mut line = Vec::with_capacity(128);
    let jsonrpc = "2.0";
    push(&mut line, &Refused { jsonrpc, id, error })?;
    Ok(line)
}
