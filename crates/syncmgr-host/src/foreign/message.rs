//! Messages as they come from a handler: read within their limits, and sorted by what they are.

use std::fmt;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncmgr_model::hresult::Hresult;

use super::process::Call;
use super::why::Why;

/// Most bytes of a message, with the end of its line.
const MESSAGE_MAX: usize = 1 << 20;

/// Most levels of nesting.
const DEPTH_MAX: usize = 64;

/// Most characters of an id that is a text.
const ID_LEN_MAX: usize = 64;

/// Names a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Id {
    /// A whole number below 2^53.
    Number(u64),
    /// A text.
    Text(String),
}

impl Id {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                let number = number.as_u64().filter(|number| *number < 1 << 53)?;
                Some(Self::Number(number))
            }
            Value::String(text) => {
                (text.chars().count() <= ID_LEN_MAX).then(|| Self::Text(text.clone()))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Returns the number, as every id of ours is one.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "`{}`", text.escape_default()),
        }
    }
}

/// The answer to a request that was not carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// What kind.
    pub(super) code: i64,
    /// In words, for those who write handlers.
    #[serde(default)]
    pub(super) message: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

impl Refusal {
    pub(super) const NO_METHOD: i64 = -32601;
    pub(super) const PARAMS: i64 = -32602;
    pub(super) const TOO_OLD: i64 = -32010;
    const NOT_OFFERED: i64 = -32011;
    const INVALID: i64 = -32012;
    const DENIED: i64 = -32013;
    const FAILED: i64 = -32014;
    const UNEXPECTED: i64 = -32015;
    pub(super) const TROUBLE: i64 = -32020;

    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(super) fn unexpected(message: &str) -> Self {
        Self::new(Self::UNEXPECTED, message)
    }

    /// Reads it as one of the codes of the contract.
    pub(super) fn hresult(&self) -> Hresult {
        match self.code {
            Self::NO_METHOD | Self::NOT_OFFERED => Hresult::NotImplemented,
            Self::INVALID | Self::PARAMS => Hresult::InvalidArgument,
            Self::DENIED => Hresult::AccessDenied,
            Self::UNEXPECTED => Hresult::Unexpected,
            _ => Hresult::Failed,
        }
    }
}

impl From<Hresult> for Refusal {
    fn from(code: Hresult) -> Self {
        let number = match code {
            Hresult::NotImplemented => Self::NOT_OFFERED,
            Hresult::InvalidArgument => Self::INVALID,
            Hresult::AccessDenied => Self::DENIED,
            Hresult::Failed => Self::FAILED,
            Hresult::Unexpected => Self::UNEXPECTED,
        };
        Self::new(number, code.as_str())
    }
}

/// What a handler said.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The answer to a request of ours.
    Answer(Id, Result<Value, Refusal>),
    /// A request or a notification of its own.
    Call(Call),
}

impl Incoming {
    /// Reads the next one; `None` at the end.
    pub(super) fn read(lines: &mut impl BufRead) -> Result<Option<Self>, Why> {
        let Some(line) = line(lines)? else {
            return Ok(None);
        };
        if depth(&line) > DEPTH_MAX {
            return Err(fault("a message has more than 64 levels"));
        }
        let value: Value = serde_json::from_slice(&line)
            .map_err(|_| fault("it wrote something to its output that is no message"))?;
        Self::sort(value).map(Some).map_err(fault)
    }

    fn sort(value: Value) -> Result<Self, &'static str> {
        let Value::Object(mut members) = value else {
            return Err("a message is no object");
        };
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err("a message is not marked as JSON-RPC 2.0");
        }
        let id = match members.get("id") {
            None => None,
            Some(id) => Some(Id::read(id).ok_or("the id of a message is none")?),
        };
        match (members.remove("method"), id) {
            (Some(Value::String(method)), id) => Ok(Self::Call(Call {
                id,
                method,
                params: members
                    .remove("params")
                    .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            })),
            (Some(_), _) => Err("the method of a message is no text"),
            (None, None) => Err("a message has neither a method nor an id"),
            (None, Some(id)) => match (members.remove("result"), members.remove("error")) {
                (Some(result), None) => Ok(Self::Answer(id, Ok(result))),
                (None, Some(error)) => {
                    let refusal = serde_json::from_value(error);
                    let refusal = refusal.map_err(|_| "the error of an answer is none")?;
                    Ok(Self::Answer(id, Err(refusal)))
                }
                (Some(_), Some(_)) | (None, None) => {
                    Err("an answer has not exactly one of result and error")
                }
            },
        }
    }

    /// Says whether it only tells where the work stands; of these there may be any number.
    pub(super) fn is_progress(&self) -> bool {
        match self {
            Self::Call(call) => matches!(
                call.method.as_str(),
                "session/progress" | "legacy/progress" | "session/text"
            ),
            Self::Answer(..) => false,
        }
    }
}

fn fault(what: &str) -> Why {
    Why::Fault(what.to_owned())
}

/// Reads a line without its end; `None` at the end of all.
fn line(lines: &mut impl BufRead) -> Result<Option<Vec<u8>>, Why> {
    let mut line = Vec::new();
    let mut limited = io::Read::take(&mut *lines, MESSAGE_MAX as u64);
    let n = limited.read_until(b'\n', &mut line);
    match n {
        // The pipe broke: it ends, and how says more.
        Ok(0) | Err(_) => Ok(None),
        Ok(_) if line.last() == Some(&b'\n') => {
            line.pop();
            Ok(Some(line))
        }
        Ok(n) if n >= MESSAGE_MAX => Err(Why::Limit("a message is longer than 1 MiB".to_owned())),
        // The last line has no end: it was cut off in the middle of a message.
        Ok(_) => Ok(None),
    }
}

/// Counts how deep it is nested, without building it.
fn depth(line: &[u8]) -> usize {
    let (mut now, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[u8], expected: &str) {
        let mut lines = line;
        let read = match Incoming::read(&mut lines) {
            Ok(Some(Incoming::Call(call))) => {
                format!("call {:?} {} {}", call.id, call.method, call.params)
            }
            Ok(Some(Incoming::Answer(id, Ok(value)))) => format!("{id} is {value}"),
            Ok(Some(Incoming::Answer(id, Err(refusal)))) => format!("{id} fails {}", refusal.code),
            Ok(None) => "end".to_owned(),
            Err(Why::Fault(what) | Why::Limit(what)) => what,
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_read() {
        check(b"", "end");
        check(b"{\"jsonrpc\":\"2.0\"", "end");
        check(
            b"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\n",
            "call None a {}",
        );
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"a\",\"params\":[1],\"odd\":2}\n",
            "call Some(Text(\"x\")) a [1]",
        );
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":null}\n",
            "3 is null",
        );
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32011}}\n",
            "3 fails -32011",
        );
    }

    #[test]
    fn what_is_refused() {
        let no_message = "it wrote something to its output that is no message";
        check(b"hello\n", no_message);
        check(b"\n", no_message);
        check(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}\n", no_message);
        check(b"[1]\n", "a message is no object");
        check(b"{\"id\":1}\n", "a message is not marked as JSON-RPC 2.0");
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}\n",
            "the id of a message is none",
        );
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":9007199254740992,\"method\":\"a\"}\n",
            "the id of a message is none",
        );
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":1}\n",
            "an answer has not exactly one of result and error",
        );
        let mut deep = b"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":".to_vec();
        deep.extend([b'['; 64]);
        deep.extend([b']'; 64]);
        deep.extend(b"}\n");
        check(&deep, "a message has more than 64 levels");
        let mut long = vec![b' '; MESSAGE_MAX];
        long.push(b'\n');
        check(&long, "a message is longer than 1 MiB");
    }

    #[test]
    fn brackets_in_texts_are_no_levels() {
        assert_eq!(depth(br#"{"a":"[[[\"[[","b":[{}]}"#), 3);
    }
}
