//! Messages as they come from a handler, as values that can go to other threads, sorted by what
//! they are. How they are written is the protocol's.

use std::io::Read;

use serde_json::Value;
use syncmgr_protocol::{FrameError, Id, Lines, Message, RpcError};

use super::masks::Masks;
use super::process::Call;
use super::why::Why;

/// A message of a handler.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An answer to a request of the host.
    Answer(Id, Result<Value, RpcError>),
    /// A request or a notification.
    Call(Call),
}

impl Incoming {
    /// Reads the next message; `None`: there are no more.
    ///
    /// # Errors
    /// What stands there is no message, or goes over a limit: the handler is to be ended.
    pub(super) fn read(lines: &mut Lines<impl Read>) -> Result<Option<Self>, Why> {
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Err(FrameError::TooLong) => {
                return Err(Why::Limit("a message is longer than 1 MiB".to_owned()));
            }
            // It ended, maybe in the middle of a message, or the pipe broke; how says more.
            Ok(None) | Err(FrameError::CutOff | FrameError::Unwritable(_) | FrameError::Io(_)) => {
                return Ok(None);
            }
        };
        let message = Message::read(line).map_err(|malformed| fault(malformed.to_string()))?;
        Self::own(message).map(Some)
    }

    fn own(message: Message<'_>) -> Result<Self, Why> {
        let value = |raw: &serde_json::value::RawValue| {
            serde_json::from_str(raw.get()).map_err(|error| fault(error.to_string()))
        };
        let params = |raw: Option<&serde_json::value::RawValue>| match raw {
            Some(raw) => value(raw),
            None => Ok(Value::Object(serde_json::Map::new())),
        };
        Ok(match message {
            Message::Request {
                id,
                method,
                params: raw,
            } => Self::Call(Call {
                id: Some(id),
                method: method.into_owned(),
                params: params(raw)?,
            }),
            Message::Notification {
                method,
                params: raw,
            } => Self::Call(Call {
                id: None,
                method: method.into_owned(),
                params: params(raw)?,
            }),
            Message::Answer {
                id: Some(id),
                result,
            } => Self::Answer(
                id,
                match result {
                    Ok(raw) => Ok(value(raw)?),
                    Err(error) => Err(error),
                },
            ),
            Message::Answer { id: None, result } => {
                let said = result.err().map(|error| error.message).unwrap_or_default();
                return Err(fault(format!("it could not read a message: {said}")));
            }
        })
    }

    /// Masks the secrets that its handler was given.
    pub(super) fn mask(&mut self, masks: &Masks) {
        match self {
            Self::Answer(_, Ok(value)) => masks.value(value),
            Self::Answer(_, Err(error)) => masks.refusal(error),
            Self::Call(call) => masks.value(&mut call.params),
        }
    }

    /// Says whether it is one of those that may come at any rate.
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

fn fault(what: String) -> Why {
    Why::Fault(syncmgr_protocol::text::harmless(
        &what,
        syncmgr_protocol::text::SHOWN_MAX,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[u8], expected: &str) {
        let read = match Incoming::read(&mut Lines::new(line)) {
            Ok(Some(Incoming::Call(call))) => {
                format!("call {:?} {} {}", call.id, call.method, call.params)
            }
            Ok(Some(Incoming::Answer(id, Ok(value)))) => format!("{id} is {value}"),
            Ok(Some(Incoming::Answer(id, Err(refusal)))) => format!("{id} fails {}", refusal.code),
            Ok(None) => "end".to_owned(),
            Err(Why::Fault(what) | Why::Limit(what)) => what,
            Err(other) => format!("{other:?}"),
        };
        assert!(read.starts_with(expected), "{read}");
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
            b"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32011,\"message\":\"\"}}\n",
            "3 fails -32011",
        );
    }

    #[test]
    fn what_is_refused() {
        check(b"hello\n", "a line is no message");
        check(b"{\"id\":1}\n", "`jsonrpc` is not");
        check(
            b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what\"}}\n",
            "it could not read a message: what",
        );
        let mut long = vec![b' '; syncmgr_protocol::MESSAGE_LEN_MAX];
        long.push(b'\n');
        check(&long, "a message is longer than 1 MiB");
    }
}
