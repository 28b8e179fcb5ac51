//! Carries notices out of the machine: a command, a webhook, e-mail, ntfy.
//!
//! ```text
//!  [Alarm] ──► Channel::pick ──► Message ──► Outbox (one thread each) ──► deliver ──► outside
//!                                              │ tries again with pauses
//!                                              └──► Report: it arrived, or why not
//! ```
//!
//! Reading order: [`channel`], [`settings`], [`message`], [`error`], [`outbox`], `command`,
//! `http`, `mail`.
//!
//! Must not: decide when a notice is due, or repeat one; put a secret into an argument, a log, an
//! error or a debug text (S12); start a shell (S9).

#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod channel;
pub mod settings;

pub mod error;
pub mod message;

pub mod outbox;

mod command;
mod http;
mod mail;

mod deadline;
mod secret;
mod text;

use channel::{Channel, Way};
use error::DeliveryError;
use message::Message;

/// Delivers a message and waits for the outcome: at most 30 seconds, of a command its own time
/// limit. A test notice is [`Message::test`] delivered like any other.
///
/// # Errors
/// [`DeliveryError`] says why it did not arrive, and whether trying again makes sense. After an
/// error it is unknown whether the other side took it (an answer may have been lost).
pub fn deliver(channel: &Channel, message: &Message) -> Result<(), DeliveryError> {
    match &channel.way {
        Way::Command(command) => command::run(command, message),
        Way::Webhook(webhook) => http::webhook(webhook, message),
        Way::Ntfy(ntfy) => http::ntfy(ntfy, message),
        Way::Email(email) => mail::send(email, message),
    }
}
