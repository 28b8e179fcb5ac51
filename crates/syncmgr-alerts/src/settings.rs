//! Channels from settings: the one definition for the file, the command line, the API and forms.

pub mod general;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::item::{SettingKind, SettingSpec, Settings};

use crate::channel::{Channel, Command, Email, Login, Ntfy, Tls, Url, UrlFrom, Way, Webhook};
use crate::error::BadSetting;
use crate::text::line;
use crate::{http, mail};

/// The kinds of channels, as the setting `kind` names them.
pub const KINDS: &[&str] = &["command", "webhook", "email", "ntfy"];

/// Milliseconds a command has when nobody says otherwise.
const COMMAND_MS: u64 = 30_000;

/// Milliseconds a command may have. The longest holds up the notices behind it.
const COMMAND_MS_RANGE: RangeInclusive<u64> = 1_000..=600_000;

const fn spec(
    key: &'static str,
    kind: SettingKind,
    is_required: bool,
    help: &'static str,
) -> SettingSpec {
    SettingSpec {
        key,
        kind,
        is_required,
        help,
    }
}

const KIND: SettingSpec = spec("kind", SettingKind::Word(KINDS), true, "how notices leave");

const ON: SettingSpec = spec(
    "on",
    SettingKind::List,
    false,
    "what it is told of (all that lasts, no single runs)",
);

const CA_FILE: SettingSpec = spec(
    "ca_file",
    SettingKind::Text,
    false,
    "certificates of authorities to trust instead of the public ones, a PEM file",
);

const TOKEN_FILE: SettingSpec = spec(
    "token_file",
    SettingKind::Text,
    false,
    "a file with an access token, readable for you alone",
);

const URL_FILE: SettingSpec = spec(
    "url_file",
    SettingKind::Text,
    false,
    "a file with the address, readable for you alone, instead of url",
);

const COMMAND: &[SettingSpec] = &[
    KIND,
    ON,
    spec(
        "command",
        SettingKind::List,
        true,
        "the program and its arguments; no shell reads them",
    ),
    spec(
        "timeout",
        SettingKind::Text,
        false,
        "when it is ended, 1s to 10m (30s)",
    ),
    spec(
        "keep_env",
        SettingKind::List,
        false,
        "names of environment variables it gets (none)",
    ),
];

const WEBHOOK: &[SettingSpec] = &[
    KIND,
    ON,
    spec("url", SettingKind::Text, false, "where to send the JSON"),
    URL_FILE,
    spec(
        "headers",
        SettingKind::List,
        false,
        "further headers, as `Name: value`; no secrets",
    ),
    TOKEN_FILE,
    CA_FILE,
];

const EMAIL: &[SettingSpec] = &[
    KIND,
    ON,
    spec("server", SettingKind::Text, true, "name of the mail server"),
    spec(
        "port",
        SettingKind::Number,
        false,
        "its port (587, with tls 465, without encryption 25)",
    ),
    spec(
        "tls",
        SettingKind::Word(&["starttls", "tls", "none"]),
        false,
        "how the line is encrypted (starttls)",
    ),
    spec("user", SettingKind::Text, false, "who signs in (nobody)"),
    spec(
        "password_file",
        SettingKind::Text,
        false,
        "a file with the password, readable for you alone",
    ),
    spec("from", SettingKind::Text, true, "the sender's address"),
    spec("to", SettingKind::List, true, "who gets the mail"),
    CA_FILE,
];

const NTFY: &[SettingSpec] = &[
    KIND,
    ON,
    spec(
        "url",
        SettingKind::Text,
        false,
        "server and topic, as https://ntfy.sh/TOPIC",
    ),
    URL_FILE,
    TOKEN_FILE,
    spec(
        "priority",
        SettingKind::Number,
        false,
        "1 to 5 (by how urgent it is)",
    ),
    CA_FILE,
];

/// Returns the settings of a kind of channel; `None`: there is no such kind.
#[must_use]
pub fn specs(kind: &str) -> Option<&'static [SettingSpec]> {
    match kind {
        "command" => Some(COMMAND),
        "webhook" => Some(WEBHOOK),
        "email" => Some(EMAIL),
        "ntfy" => Some(NTFY),
        _ => None,
    }
}

impl Channel {
    /// Builds a channel from settings. `home` stands for a `~/` at the beginning of a path. Files
    /// are looked at only when something is sent.
    ///
    /// # Errors
    /// A setting is missing, unknown, or cannot be used.
    pub fn from_settings(settings: &Settings, home: Option<&Path>) -> Result<Self, BadSetting> {
        let kind = text(settings, "kind")?.unwrap_or_default();
        let specs = specs(kind)
            .ok_or_else(|| BadSetting::new("kind", format!("it is one of {}", KINDS.join(", "))))?;
        check(settings, kind, specs)?;
        let read = Read { settings, home };
        let way = match kind {
            "command" => Way::Command(read.command()?),
            "webhook" => Way::Webhook(read.webhook()?),
            "email" => Way::Email(read.email()?),
            _ => Way::Ntfy(read.ntfy()?),
        };
        let on = read.on()?;
        Ok(Self { on, way })
    }
}

/// Looks at the keys alone.
fn check(settings: &Settings, kind: &str, specs: &[SettingSpec]) -> Result<(), BadSetting> {
    if let Some(key) = settings
        .0
        .keys()
        .find(|key| !specs.iter().any(|spec| spec.key == **key))
    {
        return Err(BadSetting::new(
            key,
            format!("there is no such setting for {kind}"),
        ));
    }
    match specs
        .iter()
        .find(|spec| spec.is_required && !settings.0.contains_key(spec.key))
    {
        Some(spec) => Err(BadSetting::new(spec.key, "it is missing")),
        None => Ok(()),
    }
}

struct Read<'a> {
    settings: &'a Settings,
    home: Option<&'a Path>,
}

impl Read<'_> {
    fn on(&self) -> Result<Vec<AlarmKind>, BadSetting> {
        if !self.settings.0.contains_key("on") {
            return Ok(AlarmKind::usual());
        }
        list(self.settings, "on")?
            .iter()
            .map(|word| {
                AlarmKind::parse(word).ok_or_else(|| {
                    let words: Vec<_> = AlarmKind::ALL.iter().map(|it| it.as_str()).collect();
                    let all = words.join(", ");
                    BadSetting::new("on", format!("`{}` is none of {all}", line(word)))
                })
            })
            .collect()
    }

    fn command(&self) -> Result<Command, BadSetting> {
        let argv = list(self.settings, "command")?.to_vec();
        let program = argv.first().map_or("", String::as_str);
        if program.is_empty() || argv.iter().any(|it| it.contains('\0')) {
            return Err(BadSetting::new("command", "it names no program"));
        }
        // A relative path would hang on the folder the program happens to be started in.
        if program.contains('/') && !program.starts_with('/') {
            return Err(BadSetting::new(
                "command",
                "the program has to be a name or an absolute path",
            ));
        }
        let timeout_ms = general::duration(self.settings, "timeout")?.unwrap_or(COMMAND_MS);
        if !COMMAND_MS_RANGE.contains(&timeout_ms) {
            return Err(BadSetting::new("timeout", "it is 1s to 10m"));
        }
        let keep_env = list(self.settings, "keep_env")?.to_vec();
        let is_name = |it: &String| !it.is_empty() && !it.contains(['=', '\0']);
        if !keep_env.iter().all(is_name) {
            return Err(BadSetting::new("keep_env", "it takes names of variables"));
        }
        Ok(Command {
            argv,
            timeout: Duration::from_millis(timeout_ms),
            keep_env,
        })
    }

    fn webhook(&self) -> Result<Webhook, BadSetting> {
        Ok(Webhook {
            url: self.url()?,
            headers: self.headers()?,
            token_file: self.path("token_file")?,
            ca_file: self.path("ca_file")?,
        })
    }

    fn headers(&self) -> Result<Vec<(String, String)>, BadSetting> {
        let mut headers = Vec::new();
        for header in list(self.settings, "headers")? {
            let (name, value) = header
                .split_once(':')
                .ok_or_else(|| BadSetting::new("headers", "it takes `Name: value`"))?;
            let (name, value) = (name.trim(), value.trim());
            http::header(name, value)?;
            if name.eq_ignore_ascii_case("authorization") {
                let detail = "a secret does not belong here; put the token into token_file";
                return Err(BadSetting::new("headers", detail));
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(headers)
    }

    fn ntfy(&self) -> Result<Ntfy, BadSetting> {
        let url = self.url()?;
        if let UrlFrom::Here(Url(url)) = &url
            && http::topic_of(url).is_none()
        {
            let detail = "it has to be the server and the topic, as https://ntfy.sh/TOPIC";
            return Err(BadSetting::new("url", detail));
        }
        let priority = match number(self.settings, "priority")? {
            None => None,
            Some(n @ 1..=5) => u8::try_from(n).ok(),
            Some(_) => return Err(BadSetting::new("priority", "it is 1 to 5")),
        };
        Ok(Ntfy {
            url,
            token_file: self.path("token_file")?,
            priority,
            ca_file: self.path("ca_file")?,
        })
    }

    fn email(&self) -> Result<Email, BadSetting> {
        let tls = match text(self.settings, "tls")? {
            None | Some("starttls") => Tls::StartTls,
            Some("tls") => Tls::Tls,
            Some("none") => Tls::None,
            Some(_) => return Err(BadSetting::new("tls", "it is starttls, tls or none")),
        };
        let port = match number(self.settings, "port")? {
            None => tls.usual_port(),
            Some(port) => u16::try_from(port)
                .ok()
                .filter(|&port| port > 0)
                .ok_or_else(|| BadSetting::new("port", "it is 1 to 65535"))?,
        };
        let from = text(self.settings, "from")?.unwrap_or_default().to_owned();
        mail::mailbox("from", &from)?;
        let to = list(self.settings, "to")?.to_vec();
        if to.is_empty() {
            return Err(BadSetting::new("to", "it names nobody"));
        }
        for address in &to {
            mail::mailbox("to", address)?;
        }
        Ok(Email {
            server: self.server()?,
            port,
            tls,
            login: self.login()?,
            from,
            to,
            ca_file: self.path("ca_file")?,
        })
    }

    fn server(&self) -> Result<String, BadSetting> {
        let server = text(self.settings, "server")?.unwrap_or_default();
        let is_name = |c: char| c.is_alphanumeric() || "-._:".contains(c);
        if server.is_empty() || !server.chars().all(is_name) {
            return Err(BadSetting::new("server", "it is not the name of a server"));
        }
        Ok(server.to_owned())
    }

    fn login(&self) -> Result<Option<Login>, BadSetting> {
        let user = text(self.settings, "user")?;
        match (user, self.path("password_file")?) {
            (None, None) => Ok(None),
            (Some(user), Some(password_file)) => Ok(Some(Login {
                user: user.to_owned(),
                password_file,
            })),
            (Some(_), None) => Err(BadSetting::new("password_file", "user asks for it")),
            (None, Some(_)) => Err(BadSetting::new("user", "password_file asks for it")),
        }
    }

    fn url(&self) -> Result<UrlFrom, BadSetting> {
        match (text(self.settings, "url")?, self.path("url_file")?) {
            (Some(url), None) => {
                http::check_url(url)?;
                Ok(UrlFrom::Here(Url(url.to_owned())))
            }
            (None, Some(path)) => Ok(UrlFrom::File(path)),
            (None, None) => Err(BadSetting::new("url", "it is missing")),
            (Some(_), Some(_)) => Err(BadSetting::new("url", "url_file is there too")),
        }
    }

    fn path(&self, key: &str) -> Result<Option<PathBuf>, BadSetting> {
        let Some(text) = text(self.settings, key)? else {
            return Ok(None);
        };
        let path = match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) | (None, _) => PathBuf::from(text),
        };
        if path.is_absolute() {
            Ok(Some(path))
        } else {
            Err(BadSetting::new(key, "it has to be an absolute path"))
        }
    }
}

fn text<'a>(settings: &'a Settings, key: &str) -> Result<Option<&'a str>, BadSetting> {
    typed(settings, key, settings.text(key), "a text")
}

fn number(settings: &Settings, key: &str) -> Result<Option<u64>, BadSetting> {
    typed(settings, key, settings.number(key), "a whole number")
}

fn list<'a>(settings: &'a Settings, key: &str) -> Result<&'a [String], BadSetting> {
    let is_list = matches!(
        settings.0.get(key),
        None | Some(syncmgr_model::item::Value::List(_))
    );
    if is_list {
        Ok(settings.list(key))
    } else {
        Err(BadSetting::new(key, "it takes a list of texts"))
    }
}

/// A value of another type is a mistake, and not a missing value.
fn typed<T>(
    settings: &Settings,
    key: &str,
    value: Option<T>,
    takes: &str,
) -> Result<Option<T>, BadSetting> {
    if value.is_none() && settings.0.contains_key(key) {
        return Err(BadSetting::new(key, format!("it takes {takes}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
