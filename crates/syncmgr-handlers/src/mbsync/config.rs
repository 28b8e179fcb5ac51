//! Reads the configuration of mbsync (`~/.mbsyncrc`): which channels and groups there are, which
//! folders of this machine they work on, and which settings delete mail that people did not expect
//! to lose. Passwords are passed over: they are never looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is known of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Config {
    /// The channels, in the order of the file.
    pub(super) channels: Vec<Channel>,
    /// The groups, in the order of the file.
    pub(super) groups: Vec<Group>,
}

/// A channel: two stores whose mailboxes are kept equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Channel {
    /// Its name.
    pub(super) name: String,
    /// The store on the far side.
    pub(super) far: Store,
    /// The store on the near side.
    pub(super) near: Store,
    /// The most messages kept on the near side; 0 is no limit.
    pub(super) max_messages: u64,
    /// Messages marked as deleted are removed for good on the near side.
    pub(super) expunges_near: bool,
    /// The same on the far side.
    pub(super) expunges_far: bool,
    /// A mailbox deleted on one side is deleted on the other.
    pub(super) removes: bool,
}

/// A group of channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: String,
    /// The names of its channels.
    pub(super) channels: Vec<String>,
}

/// One side of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Store {
    /// Folders of this machine.
    Local(Vec<PathBuf>),
    /// A server, as `anna@mail.example.org`.
    Server(String),
    /// Nothing is known of it: the file names one that it does not define.
    #[default]
    Unknown,
}

impl Channel {
    /// Returns the folders of this machine it works on.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        [&self.far, &self.near]
            .into_iter()
            .flat_map(|store| match store {
                Store::Local(paths) => paths.clone(),
                Store::Server(_) | Store::Unknown => Vec::new(),
            })
            .collect()
    }

    /// Returns the server, when one side is one.
    pub(super) fn server(&self) -> Option<&str> {
        [&self.far, &self.near]
            .into_iter()
            .find_map(|store| match store {
                Store::Server(server) => Some(server.as_str()),
                Store::Local(_) | Store::Unknown => None,
            })
    }

    /// Says what a person should know before running it, one sentence each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.max_messages > 0 && self.expunges_near {
            let also = if self.expunges_far {
                " `Expunge Both` also removes for good on the server what is marked as deleted there."
            } else {
                ""
            };
            out.push(format!(
                "`MaxMessages {}` with `Expunge` removes the oldest messages beyond that number from this machine for good.{also}",
                self.max_messages
            ));
        }
        out
    }
}

impl Config {
    /// Returns the channels that a channel, a group, or everything (`None`) stands for. A group
    /// hides a channel of its name, as mbsync has it. A mailbox after `:` is passed over.
    pub(super) fn channels_of(&self, name: Option<&str>) -> Option<Vec<&Channel>> {
        let Some(name) = name else {
            return Some(self.channels.iter().collect());
        };
        let name = name.split(':').next().unwrap_or(name);
        let named = |name: &str| self.channels.iter().find(|channel| channel.name == name);
        match self.groups.iter().find(|group| group.name == name) {
            Some(group) => Some(group.channels.iter().filter_map(|it| named(it)).collect()),
            None => named(name).map(|channel| vec![channel]),
        }
    }
}

/// What is being read.
#[derive(Debug)]
enum Section {
    Account(String),
    ImapStore(String),
    MaildirStore(String),
    Channel,
    Group,
}

#[derive(Debug, Default)]
struct Account {
    host: String,
    user: String,
}

#[derive(Debug, Default)]
struct Mailbox {
    path: Option<String>,
    inbox: Option<String>,
    /// It needs no folder of its own beside the inbox.
    is_plus: bool,
}

#[derive(Debug, Clone, Default)]
struct Options {
    max_messages: u64,
    expunge: (bool, bool),
    removes: bool,
}

#[derive(Debug, Default)]
struct Reading {
    accounts: BTreeMap<String, Account>,
    imap: BTreeMap<String, Account>,
    of_account: BTreeMap<String, String>,
    maildir: BTreeMap<String, Mailbox>,
    channels: Vec<(String, Options, [String; 2])>,
    groups: Vec<Group>,
    general: Options,
}

/// Reads the text of a configuration. What mbsync itself would refuse is passed over here: it says
/// so when it runs.
pub(super) fn read(text: &str, home: Option<&Path>) -> Config {
    let mut reading = Reading::default();
    let mut section = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            section = None;
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let words = words(line);
        let Some((key, args)) = words.split_first() else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        let first = args.first().cloned().unwrap_or_default();
        match (key.as_str(), &section) {
            ("imapaccount", _) => {
                reading.accounts.insert(first.clone(), Account::default());
                section = Some(Section::Account(first));
            }
            ("imapstore", _) => {
                reading.imap.insert(first.clone(), Account::default());
                section = Some(Section::ImapStore(first));
            }
            ("maildirstore", _) => {
                reading.maildir.insert(first.clone(), Mailbox::default());
                section = Some(Section::MaildirStore(first));
            }
            (
                "channel",
                None
                | Some(
                    Section::Account(_)
                    | Section::ImapStore(_)
                    | Section::MaildirStore(_)
                    | Section::Channel,
                ),
            ) => {
                let options = reading.general.clone();
                reading
                    .channels
                    .push((first.clone(), options, Default::default()));
                section = Some(Section::Channel);
            }
            ("group", _) => {
                let mut group = Group {
                    name: first,
                    channels: Vec::new(),
                };
                group
                    .channels
                    .extend(args.iter().skip(1).map(|it| channel_of(it)));
                reading.groups.push(group);
                section = Some(Section::Group);
            }
            ("channel" | "channels", Some(Section::Group)) => {
                if let Some(group) = reading.groups.last_mut() {
                    group.channels.extend(args.iter().map(|it| channel_of(it)));
                }
            }
            (key, section) => reading.option(section.as_ref(), key, args),
        }
    }
    reading.finish(home)
}

/// Takes the mailboxes off a reference to a channel.
fn channel_of(text: &str) -> String {
    text.split(':').next().unwrap_or(text).to_owned()
}

impl Reading {
    fn option(&mut self, section: Option<&Section>, key: &str, args: &[String]) {
        let first = args.first().map(String::as_str).unwrap_or_default();
        match section {
            None => set(&mut self.general, key, args),
            Some(Section::Account(name)) => {
                if let Some(account) = self.accounts.get_mut(name) {
                    server(account, key, first);
                }
            }
            Some(Section::ImapStore(name)) => {
                if key == "account" {
                    self.of_account.insert(name.clone(), first.to_owned());
                } else if let Some(account) = self.imap.get_mut(name) {
                    server(account, key, first);
                }
            }
            Some(Section::MaildirStore(name)) => {
                if let Some(mailbox) = self.maildir.get_mut(name) {
                    match key {
                        "path" => mailbox.path = Some(first.to_owned()),
                        "inbox" => mailbox.inbox = Some(first.to_owned()),
                        "subfolders" => {
                            mailbox.is_plus = first.eq_ignore_ascii_case("maildir++");
                        }
                        _ => {}
                    }
                }
            }
            Some(Section::Channel) => {
                if let Some((_, options, sides)) = self.channels.last_mut() {
                    match key {
                        "far" | "master" => sides[0] = store_of(first),
                        "near" | "slave" => sides[1] = store_of(first),
                        key => set(options, key, args),
                    }
                }
            }
            Some(Section::Group) => {}
        }
    }

    fn finish(self, home: Option<&Path>) -> Config {
        let channels = self.channels.iter().map(|(name, options, [far, near])| {
            let store = |name: &str| self.store(name, home);
            Channel {
                name: name.clone(),
                far: store(far),
                near: store(near),
                max_messages: options.max_messages,
                expunges_far: options.expunge.0,
                expunges_near: options.expunge.1,
                removes: options.removes,
            }
        });
        Config {
            channels: channels.collect(),
            groups: self.groups.clone(),
        }
    }

    fn store(&self, name: &str, home: Option<&Path>) -> Store {
        if let Some(mailbox) = self.maildir.get(name) {
            return Store::Local(folders(mailbox, home));
        }
        let Some(own) = self.imap.get(name) else {
            return Store::Unknown;
        };
        let account = self
            .of_account
            .get(name)
            .and_then(|it| self.accounts.get(it));
        let account = account.unwrap_or(own);
        Store::Server(match (account.user.as_str(), account.host.as_str()) {
            ("", "") => "a mail server".to_owned(),
            ("", host) => host.to_owned(),
            (user, "") => user.to_owned(),
            // Many people's user name is the whole address.
            (user, _) if user.contains('@') => user.to_owned(),
            (user, host) => format!("{user}@{host}"),
        })
    }
}

fn server(account: &mut Account, key: &str, value: &str) {
    match key {
        "host" => value.clone_into(&mut account.host),
        "user" => value.clone_into(&mut account.user),
        _ => {}
    }
}

/// Takes the store out of `:store:mailbox`.
fn store_of(text: &str) -> String {
    let text = text.strip_prefix(':').unwrap_or(text);
    text.split(':').next().unwrap_or(text).to_owned()
}

fn set(options: &mut Options, key: &str, args: &[String]) {
    let sides = || {
        let mut sides = (false, false);
        for arg in args {
            match arg.to_ascii_lowercase().as_str() {
                "far" | "master" => sides.0 = true,
                "near" | "slave" => sides.1 = true,
                "both" => sides = (true, true),
                _ => {}
            }
        }
        sides
    };
    match key {
        "maxmessages" => {
            let count = args.first().and_then(|text| text.parse().ok());
            options.max_messages = count.unwrap_or(0);
        }
        "expunge" => options.expunge = sides(),
        "remove" => options.removes = sides() != (false, false),
        _ => {}
    }
}

/// Returns the folders of a store. `Path` is put in front of the names of mailboxes as it is, so
/// what is behind its last `/` is part of a name.
fn folders(mailbox: &Mailbox, home: Option<&Path>) -> Vec<PathBuf> {
    let inbox = mailbox.inbox.as_deref().unwrap_or("~/Maildir");
    let inbox = expand(inbox.trim_end_matches('/'), home);
    let path = mailbox.path.as_deref().filter(|_| !mailbox.is_plus);
    let path = path.and_then(|path| {
        let end = path.rfind('/')?;
        Some(expand(&path[..end.max(1)], home))
    });
    let mut out: Vec<PathBuf> = path.into_iter().chain([inbox]).collect();
    out.retain(|path| path.is_absolute());
    if let [outer, inner] = out.as_slice()
        && inner.starts_with(outer)
    {
        out.pop();
    }
    out
}

fn expand(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (None, Some(home)) if text == "~" => home.to_owned(),
        (_, _) => PathBuf::from(text),
    }
}

/// Splits a line into words: quoted ones may hold spaces, and `\` takes the meaning from a quote.
fn words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => out.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# A comment
Expunge None

IMAPAccount work
Host mail.example.org
User anna
PassCmd "secret-tool lookup a \"b\""
SSLType IMAPS

IMAPStore work-far
Account work

MaildirStore work-near
SubFolders Verbatim
Path "~/My Mail/work/"
Inbox ~/My\ Mail/inbox

IMAPStore own
Host other.example.org
User bob@other.example.org

MaildirStore flat
Path /var/mail/x-
Inbox /var/inbox

Channel work
Far :work-far:
Near :work-near:
Patterns * !Spam
Create Both
Expunge Both
MaxMessages 500
SyncState *

Channel second
Master :own:
Slave :flat:box

Group all work second:INBOX,Sent

Group both
Channels work
Channel second
"#;

    fn config() -> Config {
        read(TEXT, Some(Path::new("/home/anna")))
    }

    #[test]
    fn channels_know_their_sides() {
        let config = config();
        let [work, second] = config.channels.as_slice() else {
            panic!("{config:?}");
        };
        assert_eq!(work.server(), Some("anna@mail.example.org"));
        let paths = ["/home/anna/My Mail/work", "/home/anna/My Mail/inbox"];
        assert_eq!(work.paths(), paths.map(PathBuf::from));
        assert_eq!(second.server(), Some("bob@other.example.org"));
        assert_eq!(
            second.paths(),
            ["/var/mail", "/var/inbox"].map(PathBuf::from)
        );
    }

    #[test]
    fn groups_name_channels() {
        let config = config();
        for group in &config.groups {
            assert_eq!(group.channels, ["work", "second"], "{}", group.name);
        }
        let names = |name| -> Option<Vec<&str>> {
            let found = config.channels_of(name)?;
            Some(found.into_iter().map(|it| it.name.as_str()).collect())
        };
        assert_eq!(names(None), Some(vec!["work", "second"]));
        assert_eq!(names(Some("all")), Some(vec!["work", "second"]));
        assert_eq!(names(Some("second:INBOX")), Some(vec!["second"]));
        assert_eq!(names(Some("third")), None);
    }

    /// research: people lost old mail by it (mutt-wizard#307).
    #[test]
    fn a_limit_that_deletes_is_said() {
        let config = config();
        assert_eq!(config.channels[0].warnings().len(), 1);
        assert!(config.channels[0].warnings()[0].contains("MaxMessages 500"));
        assert!(config.channels[1].warnings().is_empty());
        let global = read(
            "MaxMessages 9\nExpunge Near\n\nChannel a\nFar :x:\nNear :y:\n",
            None,
        );
        assert_eq!(global.channels[0].warnings().len(), 1);
    }

    #[test]
    fn no_text_makes_it_stumble() {
        for text in [
            "",
            "Channel",
            "Group\n\"",
            "Near :x:",
            "Channel \\",
            "MaildirStore a\nPath x",
        ] {
            drop(read(text, None));
        }
    }
}
