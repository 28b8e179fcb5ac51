//! Live messages: what `GET /api/v1/stream` sends, one Server-Sent Event each.
//!
//! The `id:` of an event is its sequence number and `event:` is [`Message::name`]. Whoever comes
//! back with `Last-Event-ID` gets what he missed, or a `reset`: then he asks for everything anew.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::run::OpenRun;
use crate::wire::{Event, Progress};

/// A live message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// A sync is new or changed.
    Item {
        /// Which one.
        item: String,
        /// Whose.
        handler: String,
        /// One of the stable status words.
        status: String,
        /// The status in words.
        words: String,
    },
    /// A sync is gone.
    ItemGone {
        /// Which one.
        item: String,
        /// Whose.
        handler: String,
    },
    /// A run waits, began, or was asked to stop.
    Session {
        /// What is known of it.
        run: Box<OpenRun>,
    },
    /// A run ended; history has the rest.
    SessionEnded {
        /// Which one.
        run: String,
    },
    /// A run moved on; at most four a second for each run.
    Progress {
        /// Which run.
        run: String,
        /// Which sync of it.
        item: String,
        /// Where it stands.
        progress: Progress,
    },
    /// The handler of a run says something.
    Text {
        /// Which run.
        run: String,
        /// What.
        text: String,
    },
    /// A result.
    Event {
        /// The result.
        event: Box<Event>,
    },
    /// The conflicts of a sync changed.
    Conflict {
        /// Whose.
        handler: String,
        /// Which sync; null: any of the handler's.
        item: Option<String>,
    },
    /// Results of a handler are gone, or those it keeps itself changed.
    Events {
        /// Whose.
        handler: String,
    },
    /// A handler was turned on or off, or stopped answering.
    Handler {
        /// Which one.
        handler: String,
    },
    /// Messages were lost: ask for everything anew.
    Reset,
    /// Something this version does not know; pass over it.
    #[serde(other)]
    Unknown,
}

impl Message {
    /// Returns the name of the event: item, session, progress, event, conflict, handler, reset.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Item { .. } | Self::ItemGone { .. } => "item",
            Self::Session { .. } | Self::SessionEnded { .. } => "session",
            Self::Progress { .. } | Self::Text { .. } => "progress",
            Self::Event { .. } | Self::Events { .. } => "event",
            Self::Conflict { .. } => "conflict",
            Self::Handler { .. } => "handler",
            Self::Reset => "reset",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_newer_daemon_is_passed_over() {
        let read = serde_json::from_str::<Message>;
        assert_eq!(read(r#"{"type":"weather"}"#).ok(), Some(Message::Unknown));
        assert_eq!(read(r#"{"type":"reset"}"#).ok(), Some(Message::Reset));
    }
}
