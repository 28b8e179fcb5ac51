//! A channel: where notices go, and which.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use syncmgr_model::alarm::{Alarm, AlarmKind};

use crate::message::Message;

/// One way out, as a person set it up. Holds no secret, only where one is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Which alarms it is told of.
    pub on: Vec<AlarmKind>,
    /// How.
    pub way: Way,
}

/// How a notice leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A program on this machine.
    Command(Command),
    /// A request with JSON.
    Webhook(Webhook),
    /// A mail.
    Email(Email),
    /// A push notice through an ntfy server.
    Ntfy(Ntfy),
}

/// A program that is started for each message, without a shell (S9). It gets the message as JSON
/// on its input, and the gist of the first alarm as variables `SYNCMGR_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, at least one. Without a `/` it is looked for in
    /// `/usr/local/bin`, `/usr/bin` and `/bin`.
    pub argv: Vec<String>,
    /// After this time it is ended, with all that it started. At least one second.
    pub timeout: Duration,
    /// Names of variables of our own environment it gets too; it starts with none otherwise.
    pub keep_env: Vec<String>,
}

/// A POST of JSON. Each request gets the whole message; the schema is that of
/// [`Message::to_json`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where to.
    pub url: UrlFrom,
    /// Further headers, no secrets.
    pub headers: Vec<(String, String)>,
    /// A file with a token, which goes as `Authorization: Bearer TOKEN`.
    pub token_file: Option<PathBuf>,
    /// Authorities to trust instead of the public ones, PEM.
    pub ca_file: Option<PathBuf>,
}

/// A topic of an ntfy server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ntfy {
    /// Server and topic, as `https://ntfy.sh/TOPIC`.
    pub url: UrlFrom,
    /// A file with an access token.
    pub token_file: Option<PathBuf>,
    /// 1 (lowest) to 5; otherwise by the kind of the alarm.
    pub priority: Option<u8>,
    /// Authorities to trust instead of the public ones, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Where an address stands. Those of many services are secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlFrom {
    /// In the settings.
    Here(Url),
    /// In a file that only its owner can read.
    File(PathBuf),
}

/// An address, checked when it is used. Its path is not shown, because it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(pub String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = crate::text::place(&self.0);
        f.debug_tuple("Url").field(&place).finish()
    }
}

/// A mail through a server that takes it (SMTP, RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Name of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the line is protected.
    pub tls: Tls,
    /// Who signs in; `None` when the server asks for nobody.
    pub login: Option<Login>,
    /// The sender, as `syncmgr <me@example.org>`.
    pub from: String,
    /// Who gets it, at least one.
    pub to: Vec<String>,
    /// Authorities to trust instead of the public ones, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Who signs in to a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Name.
    pub user: String,
    /// A file with the password.
    pub password_file: PathBuf,
}

/// How a line to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all. A password goes over such a line only within this machine.
    None,
    /// From the first command on; a server that cannot is refused (RFC 3207).
    StartTls,
    /// From the start (RFC 8314).
    Tls,
}

impl Tls {
    /// Returns the port such servers listen on.
    #[must_use]
    pub fn usual_port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

impl Channel {
    /// Says whether this channel is told of an alarm. Everybody hears a test; an end is told to
    /// those who were told of a beginning.
    #[must_use]
    pub fn wants(&self, alarm: &Alarm) -> bool {
        let is_of_interest = |kind| self.on.contains(kind);
        alarm.kind == AlarmKind::Test
            || is_of_interest(&alarm.kind)
                && (alarm.kind != AlarmKind::Recovered || alarm.ended.iter().any(is_of_interest))
    }

    /// Makes the message for this channel out of the alarms of one moment; `None` when it wants
    /// none of them. `host` is what people call this machine.
    #[must_use]
    pub fn pick(&self, alarms: &[Alarm], host: &str) -> Option<Message> {
        let wanted: Vec<_> = alarms
            .iter()
            .filter(|alarm| self.wants(alarm))
            .cloned()
            .collect();
        Message::new(wanted, host)
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_model::time::Timestamp;

    use super::*;

    fn channel(on: &[AlarmKind]) -> Channel {
        Channel {
            on: on.to_vec(),
            way: Way::Command(Command {
                argv: vec!["true".to_owned()],
                timeout: Duration::from_secs(5),
                keep_env: Vec::new(),
            }),
        }
    }

    fn alarm(kind: AlarmKind, ended: &[AlarmKind]) -> Alarm {
        Alarm {
            kind,
            ended: ended.to_vec(),
            ..Alarm::test(Timestamp(0))
        }
    }

    #[test]
    fn an_end_goes_only_to_those_who_heard_the_beginning() {
        use AlarmKind::{Failed, Held, Recovered, RunSucceeded, Test};
        let channel = channel(&[Held, Recovered]);
        assert!(channel.wants(&alarm(Recovered, &[Failed, Held])));
        assert!(!channel.wants(&alarm(Recovered, &[Failed])));
        assert!(channel.wants(&alarm(Test, &[])));
        assert!(!channel.wants(&alarm(RunSucceeded, &[])));
        assert!(channel.pick(&[alarm(Failed, &[])], "desk").is_none());
    }

    #[test]
    fn the_path_of_an_address_is_not_shown() {
        let url = Url("https://hooks.example/T0/secret?x=1".to_owned());
        assert_eq!(format!("{url:?}"), r#"Url("https://hooks.example")"#);
    }
}
