//! The handler `mbsync`: mail of servers in folders of this machine, with the channels and groups
//! that a person wrote into `~/.mbsyncrc`. Passwords stay where that file says (`PassCmd`, a
//! keyring): they are neither read nor kept here.

mod config;
mod output;

use std::path::{Path, PathBuf};

use syncmgr_model::capability::HandlerType;
use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::side::PerSide;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::ItemProgress;

use self::config::Config;
use self::output::{Fault, Reading, Said};
use crate::tool::process::Keep;
use crate::tool::settings::{optional, unusable};
use crate::tool::{Context, ENV, Job, Outcome, PROGRAM, Program, Tool, Wish, diagnose, job};

/// The id of the handler.
pub const ID: &str = "mbsync";

const CONFIG: &str = "config";
const CHANNEL: &str = "channel";

const SPECS: &[SettingSpec] = &[
    optional(
        CHANNEL,
        SettingKind::Text,
        "channel or group of the configuration, also with mailboxes as `work:INBOX` (all channels)",
    ),
    optional(
        CONFIG,
        SettingKind::Text,
        "configuration of mbsync, another one than ~/.mbsyncrc",
    ),
    PROGRAM,
    ENV,
];

/// Largest configuration that is read: it is written by hand.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// The handler `mbsync`.
#[derive(Debug, Clone, Copy)]
pub struct MbsyncTool;

/// Returns the configuration that mbsync takes by itself.
fn usual(ctx: &Context) -> Option<PathBuf> {
    let own = ctx.home().map(|home| home.join(".mbsyncrc"));
    // The second one came with isync 1.5.
    let shared = ctx.config_dir().map(|dir| dir.join("isyncrc"));
    let places = own.iter().chain(&shared);
    let found = places.into_iter().find(|path| path.is_file());
    found.cloned().or(own)
}

/// Returns the configuration of an item.
fn file(ctx: &Context, item: &Item) -> Option<PathBuf> {
    match item.settings.text(CONFIG) {
        Some(text) => Some(ctx.place(text)),
        None => usual(ctx),
    }
}

fn load(ctx: &Context, file: &Path) -> std::io::Result<Config> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(CONFIG_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(config::read(&String::from_utf8_lossy(&bytes), ctx.home()))
}

/// Returns what an item stands for; `None` when the configuration cannot be read now.
fn config_of(ctx: &Context, item: &Item) -> Option<Config> {
    load(ctx, &file(ctx, item)?).ok()
}

impl Tool for MbsyncTool {
    fn id(&self) -> &'static str {
        ID
    }

    fn name(&self) -> &'static str {
        "Mail (mbsync)"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        Some(Program {
            name: "mbsync",
            package: "isync",
        })
    }

    fn kind(&self) -> HandlerType {
        HandlerType::Service
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let config = config_of(ctx, item).unwrap_or_default();
        let channels = config.channels_of(item.settings.text(CHANNEL));
        let channels = channels.unwrap_or_default();
        let mut paths: Vec<_> = channels.iter().flat_map(|it| it.paths()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    fn summary(&self, ctx: &Context, item: &Item) -> String {
        let config = config_of(ctx, item).unwrap_or_default();
        let channel = item.settings.text(CHANNEL);
        match config.channels_of(channel) {
            Some(channels) => summary(ctx, channel, &channels),
            None => escape(channel.unwrap_or("mail").as_bytes()),
        }
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        let channel = item.settings.text(CHANNEL);
        if channel.is_some_and(|name| name.is_empty() || name.starts_with('-')) {
            return Err(unusable(
                CHANNEL,
                channel.unwrap_or_default(),
                "it is no name of a channel",
            ));
        }
        let Some(file) = file(ctx, item) else {
            return Err(unusable(CONFIG, "", "there is no home folder to look in"));
        };
        if !file.is_absolute() {
            let text = item.settings.text(CONFIG).unwrap_or_default();
            return Err(unusable(CONFIG, text, "it is not a whole path"));
        }
        let shown = ctx.shown(&file);
        let config = load(ctx, &file)
            .map_err(|e| unusable(CONFIG, &shown, format!("it cannot be read ({e})")))?;
        match config.channels_of(channel) {
            Some(_) => Ok(()),
            None => Err(unusable(
                CHANNEL,
                channel.unwrap_or_default(),
                format!("{shown} has no channel or group of this name"),
            )),
        }
    }

    fn discover(&self, ctx: &Context) -> Result<Vec<Found>, Trouble> {
        let Some(file) = usual(ctx).filter(|file| file.exists()) else {
            return Ok(Vec::new());
        };
        let origin = ctx.shown(&file);
        let config = load(ctx, &file).map_err(|e| {
            Trouble::new(Code::ToolFailed)
                .with("tool", ID)
                .with("detail", format!("{origin} cannot be read ({e})"))
        })?;
        let handler = HandlerId::new(ID).map_err(|_| Trouble::new(Code::HandlerUnknown))?;
        let found = |name: &str| {
            let channels = config.channels_of(Some(name)).unwrap_or_default();
            let mut settings = Settings::default();
            settings.set(CHANNEL, Value::Text(name.to_owned()));
            Found {
                handler: handler.clone(),
                name: name.to_owned(),
                settings,
                summary: summary(ctx, Some(name), &channels),
                origin: origin.clone(),
                schedule: None,
                remarks: channels.iter().flat_map(|it| it.warnings()).collect(),
            }
        };
        // A channel that a group of the same name hides cannot be run.
        let is_hidden = |name: &str| config.groups.iter().any(|group| group.name == name);
        let channels = config.channels.iter().map(|channel| channel.name.as_str());
        let mut all: Vec<_> = channels
            .filter(|name| !is_hidden(name))
            .map(found)
            .collect();
        for group in &config.groups {
            let mut found = found(&group.name);
            found.remarks.insert(
                0,
                format!(
                    "{GROUP_OF} {}.",
                    escape(group.channels.join(", ").as_bytes())
                ),
            );
            all.push(found);
        }
        Ok(all)
    }

    fn sync(&self, job: &Job<'_>, _wish: &Wish) -> Result<Outcome, Trouble> {
        let file = file(job.ctx, job.item).unwrap_or_default();
        let channel = job.item.settings.text(CHANNEL);
        let config = load(job.ctx, &file).unwrap_or_default();
        let channels = config.channels_of(channel).unwrap_or_default();
        for warning in channels.iter().flat_map(|it| it.warnings()) {
            job.session.say(remark(&warning));
        }
        let server = channels
            .iter()
            .find_map(|it| it.server())
            .map(|it| escape(it.as_bytes()));
        let server = server.unwrap_or_else(|| "the mail server".to_owned());
        let command = job.command().arg("-Ds").arg("-c").arg(&file);
        let command = match channel {
            Some(channel) => command.arg("--").arg(channel),
            None => command.arg("-a"),
        };
        job.session.phase(Phase::Checking);
        let mut reading = Reading::default();
        let ended = job.run(command, |line| {
            let said = reading.line(&line.text());
            match said {
                Said::Progress => {
                    report(job, &reading);
                    Keep::No
                }
                Said::Detail => Keep::No,
                Said::Else => Keep::Yes,
            }
        })?;
        let mut summary = Summary {
            done: PerSide {
                left: reading.near,
                right: reading.far,
            },
            ..Summary::default()
        };
        if ended.was_stopped {
            return Ok(Outcome {
                summary,
                was_stopped: true,
            });
        }
        let n_told = tell(job, &reading, &server, &mut summary);
        if ended.exit.is_success() {
            return Ok(Outcome {
                summary,
                was_stopped: false,
            });
        }
        let is_partly_done = reading.n_done > 0 || n_told > 0;
        let grave = reading
            .faults
            .iter()
            .find_map(|fault| trouble(fault, &server));
        match grave {
            Some(trouble) => Err(job::with_output(trouble, &ended.output)),
            // What stopped it was told: the rest of the mailboxes is done.
            None if is_partly_done => {
                summary.n_failures = summary.n_failures.max(1);
                Ok(Outcome {
                    summary,
                    was_stopped: false,
                })
            }
            None => Err(match diagnose::cause_of(&ended.output) {
                Some(cause) => diagnose::trouble(cause, &server, &ended),
                None => job.failed(&ended),
            }),
        }
    }
}

/// How the remark about a group begins; what it runs is found by itself too.
const GROUP_OF: &str = "Runs the channels";

fn summary(ctx: &Context, name: Option<&str>, channels: &[&config::Channel]) -> String {
    let mut servers: Vec<_> = channels.iter().filter_map(|it| it.server()).collect();
    servers.dedup();
    let folders: Vec<_> = channels
        .iter()
        .filter_map(|it| it.paths().first().map(|path| ctx.shown(path)))
        .collect();
    match (servers.as_slice(), folders.first()) {
        ([server], Some(folder)) => format!("{} <-> {folder}", escape(server.as_bytes())),
        ([server], None) => escape(server.as_bytes()),
        ([], _) => format!(
            "mail of {}",
            escape(name.unwrap_or("all channels").as_bytes())
        ),
        (servers, _) => format!("mail of {}", escape(servers.join(", ").as_bytes())),
    }
}

fn report(job: &Job<'_>, reading: &Reading) {
    let progress = ItemProgress {
        phase: if reading.n_total == 0 {
            Phase::Comparing
        } else {
            Phase::Copying
        },
        n_seen_left: reading.n_seen_near,
        n_seen_right: reading.n_seen_far,
        n_done: reading.n_done,
        n_total: (reading.n_total > 0).then_some(reading.n_total),
        current: Some(reading.mailbox.as_bytes()),
        ..ItemProgress::default()
    };
    // The total grows with every mailbox, so there is no honest share of the whole.
    job.session.progress(ProgressStatus::Updating, &progress);
}

/// A sentence that is worth knowing.
fn remark(sentence: &str) -> Trouble {
    Trouble::new(Code::HandlerSays)
        .at_level(EventLevel::Warning)
        .with("name", "This configuration of mbsync deletes mail.")
        .with("description", sentence)
}

/// Tells what stops single mailboxes only; returns how many there were.
fn tell(job: &Job<'_>, reading: &Reading, server: &str, summary: &mut Summary) -> u64 {
    let mut n = 0;
    for fault in &reading.faults {
        let (trouble, counter) = match fault {
            Fault::NotEmpty { gone, mailbox } => {
                (not_empty(gone, mailbox, server), &mut summary.n_held)
            }
            Fault::Renumbered(text) => (
                repair(
                    text,
                    "look whether the mailbox was made anew on the server; if so, move the local one away and sync again",
                ),
                &mut summary.n_failures,
            ),
            Fault::NoMailbox(text) => (
                repair(
                    text,
                    "make the mailbox, or let mbsync make it with `Create Both` in its configuration",
                ),
                &mut summary.n_failures,
            ),
            Fault::Warning(text) => (
                Trouble::new(Code::ToolFailed)
                    .with("tool", ID)
                    .with("detail", job::as_detail(text))
                    .at_level(EventLevel::Warning),
                &mut summary.n_warnings,
            ),
            Fault::Unreachable(_)
            | Fault::SignIn(_)
            | Fault::Certificate(_)
            | Fault::Locked(_)
            | Fault::Config(_)
            | Fault::Disk(_)
            | Fault::Other(_) => continue,
        };
        n += 1;
        *counter += 1;
        job.session.say(trouble);
    }
    let untold = reading.n_faults() - reading.faults.len() as u64;
    summary.n_failures += untold;
    n
}

fn repair(text: &str, advice: &str) -> Trouble {
    Trouble::new(Code::RepairNeeded)
        .with("tool", ID)
        .with("detail", job::as_detail(text))
        .with("advice", advice)
}

/// mbsync never deletes a mailbox that has mail in it, and nobody else should.
fn not_empty(gone: &str, mailbox: &str, server: &str) -> Trouble {
    let server = format!("on {server}");
    let here = "on this computer".to_owned();
    let (here, there, again) = match gone {
        "near" => (here, server, "make the folder here again"),
        _ => (server, here, "make it on the server again"),
    };
    repair(
        &format!("the mailbox `{mailbox}` is gone {here}, and {there} there is mail in it"),
        &format!("if it should go, empty it {there} with your mail program; if not, {again}"),
    )
    .at_level(EventLevel::Warning)
}

/// Returns the trouble that ends the run, if this is one.
fn trouble(fault: &Fault, server: &str) -> Option<Trouble> {
    Some(match fault {
        Fault::Unreachable(_) => Trouble::new(Code::Disconnected).with("name", server),
        Fault::SignIn(text) => Trouble::new(Code::SignInNeeded)
            .with("place", server)
            .with("detail", job::as_detail(text)),
        Fault::Certificate(text) => Trouble::new(Code::RepairNeeded)
            .with("tool", ID)
            .with("detail", format!("the certificate of {server} is not trusted ({})", job::as_detail(text)))
            .with("advice", "ask whoever runs the server whether the certificate is right, then name it with `CertificateFile` in the configuration of mbsync"),
        Fault::Locked(_) => Trouble::new(Code::Busy).with("folder", "these mailboxes"),
        Fault::Config(text) => Trouble::new(Code::SettingUnusable)
            .with("key", CONFIG)
            .with("detail", job::as_detail(text)),
        Fault::Disk(text) => {
            let cause = diagnose::cause(text);
            match cause {
                Some(diagnose::Cause::NoSpace) => Trouble::new(Code::DiskFull).with("folder", "the mail folder").with("n", 0),
                _ => failed(text),
            }
        }
        Fault::Other(text) => failed(text),
        Fault::NotEmpty { .. } | Fault::Renumbered(_) | Fault::NoMailbox(_) | Fault::Warning(_) => {
            return None;
        }
    })
}

fn failed(text: &str) -> Trouble {
    Trouble::new(Code::ToolFailed)
        .with("tool", ID)
        .with("detail", job::as_detail(text))
}

/// Returns the channels that a found group runs; `None` for what is no group.
#[must_use]
pub fn channels_of_group(found: &Found) -> Option<Vec<&str>> {
    let mut remarks = found.remarks.iter();
    let list = remarks.find_map(|remark| remark.strip_prefix(GROUP_OF))?;
    let list = list.trim().trim_end_matches('.');
    (found.handler.as_str() == ID).then(|| list.split(", ").collect())
}
