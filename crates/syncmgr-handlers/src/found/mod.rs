//! What runs syncs on this machine already: crontab lines and timers of systemd, put together with
//! what the handlers found in the set-ups of their tools. Nothing of all that is changed, ever.
//!
//! ```text
//!  Handler::discover of every handler ─┐
//!  crontab -l ── lines ────────────────┼─► put_together ─► offers, without what is saved already
//!  *.timer ───── units ────────────────┘
//! ```

mod crontab;
mod systemd;
mod timer;
mod tools;
mod words;

use std::path::PathBuf;

use syncmgr_model::escape::escape;
use syncmgr_model::item::{Found, Item, NAME_LEN_MAX, Settings, Value, bad_name};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Mask;

use self::tools::Runs;
use self::words::{Line, Plain};
use crate::tool::process::{self, Command, Keep, Stop};
use crate::tool::{Context, job};
use crate::{mbsync, rclone};

/// Most offers: more than this is no list that a person reads.
pub const OFFERS_MAX: usize = 2_000;
/// Most characters of a command that are shown.
const COMMAND_MAX: usize = 200;

/// Something that could be added.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The sync it would be.
    pub found: Found,
    /// It can be added; otherwise the remarks say what to do instead.
    pub can_be_added: bool,
    /// Whoever wants everything wants it too. Not so for what would run a second time something
    /// that is offered beside it, nor for what only could be synced.
    pub is_usual: bool,
}

/// Something that runs at certain times.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    origin: String,
    /// What one would call it.
    name: Option<String>,
    when: Option<String>,
    remarks: Vec<String>,
    /// What it runs, as a person reads it.
    command: String,
    line: Line,
}

/// Reads what runs by itself on this machine: the crontab of the person, and the timers of their
/// systemd.
///
/// # Errors
/// Why the crontab cannot be read; a machine without cron has none. Timers are returned all the
/// same.
pub fn jobs(ctx: &Context) -> (Vec<Job>, Option<Trouble>) {
    let mut jobs = of_timers(ctx);
    match crontab_of(ctx) {
        Ok(text) => {
            jobs.splice(0..0, of_crontab(ctx, &text));
            (jobs, None)
        }
        Err(trouble) => (jobs, Some(trouble)),
    }
}

fn home(ctx: &Context) -> String {
    let home = ctx.home().map(|home| home.display().to_string());
    home.unwrap_or_else(|| "/".to_owned())
}

/// Asks cron for the crontab of the person; the files themselves are for cron alone to read.
fn crontab_of(ctx: &Context) -> Result<String, Trouble> {
    let Some(program) = ctx.find("crontab") else {
        return Ok(String::new());
    };
    let unreadable = |detail: String| {
        Trouble::new(Code::ToolFailed)
            .with("tool", "crontab")
            .with("detail", detail)
            .with("advice", "look whether `crontab -l` works")
    };
    let dir = std::env::temp_dir();
    let env = ["HOME", "USER", "LOGNAME", "PATH"];
    let env = env
        .into_iter()
        .filter_map(|name| Some((name.into(), ctx.var(name)?.to_owned())));
    let command = Command::new(&program, &dir)
        .arg("-l")
        .envs(env)
        .env("LC_ALL", "C.UTF-8");
    let mut text = String::new();
    let each = |line: process::Line<'_>| {
        if line.from == process::Stream::Out {
            text.push_str(&line.text());
            text.push('\n');
            Keep::No
        } else {
            Keep::Yes
        }
    };
    let ended = process::run(command, &Stop::default(), each, |_| {})
        .map_err(|e| unreadable(e.to_string()))?;
    if ended.exit.is_success() {
        Ok(text)
    } else if ended.errors.has("no crontab for") {
        Ok(String::new())
    } else {
        Err(unreadable(job::detail(&ended)))
    }
}

fn of_crontab(ctx: &Context, text: &str) -> Vec<Job> {
    let home = home(ctx);
    let jobs = crontab::read(text).into_iter().map(|cron| {
        let mut remarks = vec![
            "Runs from cron already: both would run. Turn the line off yourself with `crontab -e`."
                .to_owned(),
        ];
        let mut when = cron.when;
        if let Some(zone) = cron.zone {
            when = None;
            remarks.push(format!(
                "Its times are those of {}.",
                escape(zone.as_bytes())
            ));
        }
        if when.is_none() {
            remarks.push(no_schedule(&cron.written));
        }
        Job {
            origin: format!("crontab, line {}", cron.number),
            name: None,
            when,
            remarks,
            command: shown(&cron.command),
            line: if cron.has_input {
                Line::Shell
            } else {
                words::read(&cron.command, &home)
            },
        }
    });
    jobs.collect()
}

fn no_schedule(written: &str) -> String {
    format!(
        "Its time (`{}`) cannot be taken over; set one with `syncmgr schedule set`.",
        escape(written.as_bytes())
    )
}

fn of_timers(ctx: &Context) -> Vec<Job> {
    let home = home(ctx);
    let own = ctx.config_dir().map(|dir| dir.join("systemd/user"));
    let folders: Vec<_> = own
        .into_iter()
        .chain([PathBuf::from("/etc/systemd/user")])
        .collect();
    let user = ctx.var("USER").map(|it| it.to_string_lossy().into_owned());
    let person = systemd::Person {
        home: &home,
        user: user.as_deref().unwrap_or_default(),
    };
    let mut jobs = Vec::new();
    for timer in systemd::timers(&folders, person) {
        for command in &timer.commands {
            jobs.push(of_timer(ctx, &timer, command.as_deref(), &home));
        }
    }
    jobs
}

fn of_timer(ctx: &Context, timer: &systemd::Timer, command: Option<&[String]>, home: &str) -> Job {
    let mut remarks = vec![if timer.is_enabled {
        format!(
            "Runs from systemd already: both would run. Turn it off yourself with `systemctl --user disable --now {}`.",
            escape(timer.name.as_bytes())
        )
    } else {
        "The timer is not turned on.".to_owned()
    }];
    let when = timer.when.first().cloned();
    if when.is_none() || timer.has_other_times || timer.when.len() > 1 {
        remarks.push(no_schedule(&timer.written));
    }
    let line = match command {
        None => Line::Shell,
        // What systemd starts as a shell is a line again.
        Some([shell, flag, line]) if flag == "-c" && words::base(shell).ends_with("sh") => {
            words::read(line, home)
        }
        Some(argv) => Line::Plain(Plain {
            argv: argv.to_vec(),
            env: Vec::new(),
            folder: None,
            writes_output: false,
        }),
    };
    let line = match line {
        Line::Plain(mut plain) => {
            plain.env.splice(0..0, timer.env.iter().cloned());
            plain.folder = plain.folder.or_else(|| timer.folder.clone());
            Line::Plain(plain)
        }
        Line::Shell => Line::Shell,
    };
    let words = command.map(|argv| argv.join(" "));
    Job {
        origin: ctx.shown(&timer.path),
        name: timer.name.strip_suffix(".timer").map(str::to_owned),
        when,
        remarks,
        command: shown(&words.unwrap_or_else(|| timer.name.clone())),
        line,
    }
}

/// Returns a command for people, without what signs in.
fn shown(command: &str) -> String {
    let text = escape(crate::tool::redact(command, &Mask::default()).as_bytes());
    match text.char_indices().nth(COMMAND_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Puts together what was found. `fits` says whether a handler takes these settings. What is saved
/// already is left out, and every name is one of its own.
#[must_use]
pub fn put_together(
    ctx: &Context,
    found: Vec<Found>,
    jobs: &[Job],
    saved: &[Item],
    fits: &dyn Fn(&Found) -> bool,
) -> Vec<Offer> {
    let home = home(ctx);
    let mut offers: Vec<_> = found
        .into_iter()
        .map(|found| Offer {
            is_usual: mbsync::channels_of_group(&found).is_none()
                && !rclone::is_plain_remote(&found),
            can_be_added: true,
            found,
        })
        .collect();
    for job in jobs {
        add_job(&mut offers, job, &home, fits);
    }
    prefer_groups_that_run(&mut offers);
    leave_remotes_out(&mut offers);
    offers.retain(|offer| !is_saved(offer, saved));
    offers.truncate(OFFERS_MAX);
    name_them(&mut offers, saved);
    offers
}

fn add_job(offers: &mut Vec<Offer>, job: &Job, home: &str, fits: &dyn Fn(&Found) -> bool) {
    let Line::Plain(plain) = &job.line else {
        if tools::mentions(&job.command) {
            offers.push(shell(job));
        }
        return;
    };
    let argv = words::unwrap(&plain.argv);
    let n_before = offers.len();
    match tools::runs(argv, plain.folder.as_deref()) {
        Runs::Other | Runs::Daemon => return,
        Runs::Command => {}
        Runs::All(tool) => {
            let mut n = 0;
            for offer in offers.iter_mut() {
                if offer.found.handler.as_str() == tool && offer.is_usual {
                    scheduled(&mut offer.found, job);
                    n += 1;
                }
            }
            if n > 0 {
                return;
            }
        }
        Runs::Known(tool, all) => {
            let mut n = 0;
            for texts in &all {
                let mut matching = offers
                    .iter_mut()
                    .filter(|it| tools::has(&it.found, tool, texts, home));
                if let Some(offer) = matching.next() {
                    scheduled(&mut offer.found, job);
                    n += 1;
                }
            }
            if n == all.len() {
                return;
            }
        }
        Runs::New(tool, settings) => {
            let mut found = new(job, tool, settings, argv);
            let known = offers.iter_mut().find(|it| {
                it.found.handler.as_str() == tool && is_part(&it.found.settings, &found.settings)
            });
            if let Some(offer) = known {
                scheduled(&mut offer.found, job);
                // Somebody syncs it.
                offer.is_usual = true;
                return;
            }
            if fits(&found) {
                scheduled(&mut found, job);
                offers.push(usual(found));
            }
        }
    }
    if offers.len() == n_before {
        offers.push(command(job, plain, argv));
    }
}

fn usual(found: Found) -> Offer {
    Offer {
        found,
        can_be_added: true,
        is_usual: true,
    }
}

/// Takes over when a job runs a sync, and where that was found.
fn scheduled(found: &mut Found, job: &Job) {
    if found.schedule.is_none() {
        found.schedule.clone_from(&job.when);
    }
    if !found.origin.contains(&job.origin) {
        if !found.origin.is_empty() {
            found.origin.push_str(", ");
        }
        found.origin.push_str(&job.origin);
    }
    for remark in &job.remarks {
        if !found.remarks.contains(remark) {
            found.remarks.push(remark.clone());
        }
    }
}

fn new(job: &Job, handler: &str, settings: Settings, argv: &[String]) -> Found {
    Found {
        handler: tools::handler(handler),
        name: job.name.clone().unwrap_or_else(|| name_of(argv)),
        settings,
        summary: job.command.clone(),
        origin: String::new(),
        schedule: None,
        remarks: Vec::new(),
    }
}

/// Makes a name of a command: the program, and the last part of its last argument.
fn name_of(argv: &[String]) -> String {
    let program = argv.first().map_or("", |program| words::base(program));
    let last = argv
        .iter()
        .skip(1)
        .rev()
        .find(|word| !word.starts_with('-'));
    let last = last.map(|word| word.trim_end_matches('/'));
    let last = last.and_then(|word| word.rsplit(['/', ':']).next());
    match last.filter(|word| !word.is_empty()) {
        Some(last) => format!("{program}-{last}"),
        None => program.to_owned(),
    }
}

/// A line that only a shell can run.
fn shell(job: &Job) -> Offer {
    let mut found = Found {
        name: job.name.clone().unwrap_or_else(|| "line".to_owned()),
        ..new(job, "command", Settings::default(), &[])
    };
    found.schedule.clone_from(&job.when);
    found.origin.clone_from(&job.origin);
    found.remarks.push(
        "It needs a shell, so it stays where it is. Put `syncmgr run -- ` in front of the program in it, and its runs show here.".to_owned(),
    );
    Offer {
        found,
        can_be_added: false,
        is_usual: false,
    }
}

/// Words in names of variables whose values nobody should write into a settings file.
const SECRETS: [&str; 6] = ["PASS", "TOKEN", "SECRET", "KEY", "CREDENTIAL", "AUTH"];

/// A line without a shell as a sync of the handler `command`.
fn command(job: &Job, plain: &Plain, argv: &[String]) -> Offer {
    let mut words = Vec::new();
    let env = plain
        .env
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "PATH" | "HOME" | "SHELL"));
    let env: Vec<_> = env.collect();
    let is_secret = env.iter().any(|(name, _)| {
        let upper = name.to_ascii_uppercase();
        SECRETS.iter().any(|part| upper.contains(part))
    });
    if !env.is_empty() {
        words.push("env".to_owned());
        words.extend(env.iter().map(|(name, value)| format!("{name}={value}")));
    }
    words.extend(argv.iter().cloned());
    let mut settings = Settings::default();
    settings.set("command", Value::List(words));
    if let Some(folder) = &plain.folder {
        settings.set("dir", Value::Text(folder.clone()));
    }
    let mut found = new(job, "command", settings, argv);
    scheduled(&mut found, job);
    if plain.writes_output {
        found
            .remarks
            .push("Its output goes into a file there; here it goes into the results.".to_owned());
    }
    if is_secret {
        found.settings = Settings::default();
        found.remarks.push(
            "It is given something secret in its line, which does not belong into settings. Put `syncmgr run -- ` in front of the program instead.".to_owned(),
        );
    }
    Offer {
        found,
        can_be_added: !is_secret,
        is_usual: !is_secret,
    }
}

/// A group that runs by itself takes the place of its channels.
fn prefer_groups_that_run(offers: &mut [Offer]) {
    let mut covered = Vec::new();
    for offer in offers.iter_mut() {
        let Some(channels) = mbsync::channels_of_group(&offer.found) else {
            continue;
        };
        if offer.found.schedule.is_some() {
            covered.extend(channels.into_iter().map(str::to_owned));
            offer.is_usual = true;
        } else {
            offer
                .found
                .remarks
                .push("`--all` leaves it out, because its channels are added.".to_owned());
        }
    }
    for offer in offers.iter_mut() {
        let channel = offer.found.settings.text("channel");
        let is_covered = channel.is_some_and(|it| covered.iter().any(|name| name == it));
        if offer.found.handler.as_str() == mbsync::ID
            && is_covered
            && offer.found.schedule.is_none()
            && mbsync::channels_of_group(&offer.found).is_none()
        {
            offer.is_usual = false;
            offer
                .found
                .remarks
                .push("`--all` leaves it out, because a group runs it.".to_owned());
        }
    }
}

/// A remote is somewhere that things could be synced with, and no sync by itself.
fn leave_remotes_out(offers: &mut [Offer]) {
    for offer in offers {
        if !offer.is_usual && rclone::is_plain_remote(&offer.found) {
            offer
                .found
                .remarks
                .push("`--all` leaves it out, because nobody syncs it yet.".to_owned());
        }
    }
}

/// Says whether every value of the first settings stands in the second ones.
fn is_part(part: &Settings, whole: &Settings) -> bool {
    part.0
        .iter()
        .all(|(key, value)| whole.0.get(key) == Some(value))
}

fn is_saved(offer: &Offer, saved: &[Item]) -> bool {
    offer.can_be_added
        && saved.iter().any(|item| {
            item.handler == offer.found.handler && is_part(&offer.found.settings, &item.settings)
        })
}

/// Gives every offer a name that can be one and that nothing else has.
fn name_them(offers: &mut [Offer], saved: &[Item]) {
    let mut taken: Vec<String> = saved.iter().filter_map(|item| item.name.clone()).collect();
    for offer in offers {
        let base = legal(&offer.found.name, offer.found.handler.as_str());
        let mut name = base.clone();
        if taken.contains(&name) {
            name = legal(&format!("{base}-{}", offer.found.handler), "sync");
        }
        let mut n = 2;
        while taken.contains(&name) {
            name = format!("{base}-{n}");
            n += 1;
        }
        taken.push(name.clone());
        offer.found.name = name;
    }
}

/// Makes a name that can be one.
fn legal(name: &str, otherwise: &str) -> String {
    let fits = |c: char| !(c.is_control() || c.is_whitespace() || "/:\\=\"'`$".contains(c));
    let text: String = name
        .chars()
        .map(|c| {
            if fits(c) && !syncmgr_model::escape::is_misleading(c) {
                c
            } else {
                '-'
            }
        })
        // Room for what makes it unique.
        .take(NAME_LEN_MAX / 2)
        .collect();
    let text = text
        .trim_start_matches(['-', '.', '~'])
        .trim_end_matches('-');
    match bad_name(text) {
        None => text.to_owned(),
        Some(_) => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests;
