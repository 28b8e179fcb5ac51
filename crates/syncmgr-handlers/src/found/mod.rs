//! What runs syncs on this machine already: crontab lines and timers of systemd, put together with
//! what the handlers found in the set-ups of their tools. Nothing of all that is changed, ever.
//!
//! ```text
//!  Handler::discover of every handler ─┐
//!  crontab -l ── lines ────────────────┼─► put_together ─► offers, without what is saved already
//!  *.timer ───── units ────────────────┘
//! ```

mod crontab;
mod place;
mod rclone;
mod rsync;
mod systemd;
mod timer;
mod tools;
mod words;

use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::item::{Found, Item, NAME_LEN_MAX, Settings, Value, bad_name};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Mask;

use self::place::Places;
use self::tools::{Ground, Runs, Spot};
use self::words::{Layer, Line, Plain};
use crate::mbsync;
use crate::tool::process::{self, Command, Keep, Stop};
use crate::tool::{Context, job, line_without_secrets, without_secrets};

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
    /// What it runs, as a person reads it, without secrets.
    command: String,
    /// Something that syncs stands in it.
    is_of_interest: bool,
    /// What its unit does beside.
    more: Option<String>,
    line: Line,
}

impl Job {
    /// Says whether something secret is given to it in the words of its line.
    fn has_secret(&self, plain: &Plain) -> bool {
        let tool = words::unwrap(&plain.argv).0.first();
        let tool = tool.map_or("", |it| words::base(it));
        let env = plain.env.iter();
        // A variable for another tool is not taken over.
        let env = env.filter(|(name, value)| {
            !tools::HANDLED.contains(&tool) || tools::matters(tool, name, value, "")
        });
        let words: Vec<_> = env
            .map(|(name, value)| format!("{name}={value}"))
            .chain(plain.argv.iter().cloned())
            .collect();
        without_secrets(&words).is_some()
    }
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
    let own_home = home(ctx);
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
        // Where it is set, cron starts the line there.
        let homes = cron.env.iter().filter(|(name, _)| name == "HOME");
        let home = homes.map(|it| it.1.clone()).next_back();
        let home = home.unwrap_or_else(|| own_home.clone());
        let line = if cron.has_input {
            Line::Shell
        } else {
            words::read(&cron.command, &home)
        };
        Job {
            origin: format!("crontab, line {}", cron.number),
            name: None,
            when,
            remarks,
            command: shown(&cron.command),
            is_of_interest: tools::mentions(&cron.command),
            more: None,
            line: within(line, &cron.env, &home),
        }
    });
    jobs.collect()
}

/// Puts a line where it is started: with the variables that are set for it, and in a folder.
fn within(line: Line, env: &[(String, String)], folder: &str) -> Line {
    match line {
        Line::Shell => Line::Shell,
        Line::Plain(mut plain) => {
            plain.env.splice(0..0, env.iter().cloned());
            let dir = Path::new(folder).join(plain.folder.as_deref().unwrap_or_default());
            // Without the slash that an empty end brings.
            let dir: PathBuf = dir.components().collect();
            plain.folder = Some(dir.to_string_lossy().into_owned());
            Line::Plain(plain)
        }
    }
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
            jobs.push(of_timer(ctx, &timer, command, &home));
        }
    }
    jobs
}

fn of_timer(ctx: &Context, timer: &systemd::Timer, started: &systemd::Started, home: &str) -> Job {
    let (mut remarks, mut when) = (Vec::new(), None);
    if timer.is_enabled {
        remarks.push(format!(
            "Runs from systemd already: both would run. Turn it off yourself with `systemctl --user disable --now {}`.",
            escape(timer.name.as_bytes())
        ));
        when = timer.when.first().cloned();
        if when.is_none() || timer.has_other_times || timer.when.len() > 1 {
            remarks.push(no_schedule(&timer.written));
        }
    } else {
        remarks.push(
            "Its timer is not turned on, so its time is not taken over; set one with `syncmgr schedule set`."
                .to_owned(),
        );
    }
    let line = match started.argv.as_deref() {
        None => Line::Shell,
        // What systemd starts as a shell is a line again.
        Some([shell, flag, line]) if flag == "-c" && words::base(shell).ends_with("sh") => {
            words::read(line, home)
        }
        Some(argv) => Line::Plain(Plain {
            argv: argv.to_vec(),
            ..Plain::default()
        }),
    };
    let written = match &started.argv {
        Some(argv) => without_secrets(argv)
            .unwrap_or_else(|| argv.clone())
            .join(" "),
        None => started.written.clone(),
    };
    Job {
        origin: ctx.shown(&timer.path),
        name: timer.name.strip_suffix(".timer").map(str::to_owned),
        when,
        remarks,
        command: shown(&written),
        is_of_interest: tools::mentions(&started.written),
        more: timer.more.clone(),
        line: within(line, &timer.env, timer.folder.as_deref().unwrap_or(home)),
    }
}

/// Returns a command for people, without what signs in.
fn shown(command: &str) -> String {
    let command = line_without_secrets(command).unwrap_or_else(|| command.to_owned());
    let text = escape(crate::tool::redact(&command, &Mask::default()).as_bytes());
    match text.char_indices().nth(COMMAND_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Says what is at a path of this machine.
fn spot(path: &Path) -> Spot {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => Spot::Folder,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Spot::Missing,
        Ok(_) | Err(_) => Spot::Other,
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
    put_together_at(ctx, found, jobs, saved, (fits, &spot))
}

/// Says whether a handler takes settings, and what is at a path.
type Asked<'a> = (&'a dyn Fn(&Found) -> bool, &'a dyn Fn(&Path) -> Spot);

fn put_together_at(
    ctx: &Context,
    found: Vec<Found>,
    jobs: &[Job],
    saved: &[Item],
    (fits, spot): Asked<'_>,
) -> Vec<Offer> {
    let home = home(ctx);
    let mut offers: Vec<_> = found
        .into_iter()
        .map(|found| Offer {
            is_usual: mbsync::channels_of_group(&found).is_none()
                && !crate::rclone::is_plain_remote(&found),
            can_be_added: true,
            found,
        })
        .collect();
    let places = Places::new(ctx);
    let about = About {
        home: &home,
        places: &places,
        fits,
        spot,
    };
    for job in jobs {
        about.add(&mut offers, job);
    }
    prefer_groups_that_run(&mut offers);
    leave_remotes_out(&mut offers);
    offers.retain(|offer| !is_saved(offer, saved, &places));
    offers.truncate(OFFERS_MAX);
    name_them(&mut offers, saved);
    offers
}

/// What is known of this machine while jobs are put among the offers.
struct About<'a> {
    home: &'a str,
    places: &'a Places<'a>,
    fits: &'a dyn Fn(&Found) -> bool,
    spot: &'a dyn Fn(&Path) -> Spot,
}

impl About<'_> {
    /// Gives the syncs that a job runs its time, or offers one for it.
    fn add(&self, offers: &mut Vec<Offer>, job: &Job) {
        let Line::Plain(plain) = &job.line else {
            if job.is_of_interest {
                let why = if plain_secret(job) { SECRET } else { SHELL };
                offers.push(stays(job, &[], why.to_owned()));
            }
            return;
        };
        let (argv, layer) = words::unwrap(&plain.argv);
        let ground = Ground {
            folder: plain.folder.as_deref().unwrap_or(self.home),
            spot: self.spot,
        };
        let runs = tools::runs(argv, &ground);
        let is_one = match runs {
            Runs::Other | Runs::Daemon => layer == Layer::Foreign && job.is_of_interest,
            Runs::All(_) | Runs::Known(..) | Runs::New(..) | Runs::Command | Runs::Unclear => true,
        };
        if !is_one {
            return;
        }
        let at = self.those(offers, &runs, job, argv);
        if let Some(why) = why_it_stays(job, plain, layer, &runs) {
            for at in at.into_iter().flatten() {
                let origin = &job.origin;
                offers[at].found.remarks.push(format!(
                    "The line found in {origin} runs it too, and its time is not taken over."
                ));
            }
            offers.push(stays(job, argv, why));
            return;
        }
        let is_exact = layer == Layer::Thin && !self.env_matters(plain, argv);
        let all: Vec<usize> = at.iter().copied().flatten().collect();
        let output = plain.writes_output.then_some(OUTPUT);
        if is_exact && !all.is_empty() && all.len() == at.len() {
            let with: Option<Vec<_>> = all
                .iter()
                .map(|at| self.with_line(&offers[*at], &runs))
                .collect();
            if let Some(with) = with {
                for (at, offer) in all.into_iter().zip(with) {
                    offers[at] = offer;
                    scheduled(&mut offers[at].found, job);
                    offers[at].found.remarks.extend(output.map(str::to_owned));
                }
                return;
            }
        }
        if let Runs::New(tool, settings) = runs
            && is_exact
        {
            let mut found = new(job, tool, settings, argv);
            if (self.fits)(&found) {
                scheduled(&mut found, job);
                found.remarks.extend(output.map(str::to_owned));
                found.remarks.extend(self.missing(&found));
                offers.push(usual(found));
                return;
            }
        }
        // The line does what these do, and more or less than they.
        for at in all {
            let offer = &mut offers[at];
            offer.is_usual = false;
            offer.found.remarks.push(format!(
                "`--all` leaves it out, because the line found in {} runs it.",
                job.origin
            ));
        }
        offers.push(match plain.writes_output {
            true => stays(job, argv, INTO_FILE.to_owned()),
            false => command(job, plain, argv),
        });
    }

    /// Returns an offer with what a line says beyond it; `None` when no setting can say that.
    fn with_line(&self, offer: &Offer, runs: &Runs) -> Option<Offer> {
        let mut offer = offer.clone();
        let Runs::New(_, settings) = runs else {
            return Some(offer);
        };
        let n_before = offer.found.settings.0.len();
        for (key, value) in &settings.0 {
            let set = &mut offer.found.settings.0;
            set.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let says_more = offer.found.settings.0.len() > n_before;
        // Somebody syncs it.
        offer.is_usual = true;
        (!says_more || (self.fits)(&offer.found)).then_some(offer)
    }

    /// Finds each of the syncs that a job runs among the offers.
    fn those(
        &self,
        offers: &[Offer],
        runs: &Runs,
        job: &Job,
        argv: &[String],
    ) -> Vec<Option<usize>> {
        match runs {
            Runs::All(tool) => {
                let of_tool = |it: &Offer| it.found.handler.as_str() == *tool && it.is_usual;
                let all = offers.iter().enumerate();
                all.filter(|(_, it)| of_tool(it))
                    .map(|(at, _)| Some(at))
                    .collect()
            }
            Runs::Known(tool, all) => all
                .iter()
                .map(|texts| {
                    let mut all = offers.iter();
                    all.position(|it| tools::has(&it.found, tool, texts, self.home))
                })
                .collect(),
            Runs::New(tool, settings) => {
                let new = new(job, tool, settings.clone(), argv);
                let mut all = offers.iter();
                let at = all.position(|it| {
                    it.can_be_added
                        && it.found.handler == new.handler
                        && self
                            .places
                            .is_one(&new.handler, &it.found.settings, &new.settings)
                });
                vec![at]
            }
            Runs::Command | Runs::Unclear | Runs::Daemon | Runs::Other => Vec::new(),
        }
    }

    /// Says whether the variables of a line change what its program does.
    fn env_matters(&self, plain: &Plain, argv: &[String]) -> bool {
        let tool = argv.first().map_or("", |program| words::base(program));
        let mut env = plain.env.iter();
        env.any(|(name, value)| tools::matters(tool, name, value, self.home))
    }

    /// Names the folders that a handler wants to be there, and that the tool would make.
    fn missing(&self, found: &Found) -> Vec<String> {
        let keys = ["target", "left", "right"];
        let folders = keys.iter().filter_map(|key| found.settings.text(key));
        let missing =
            folders.filter(|it| it.starts_with('/') && (self.spot)(Path::new(it)) == Spot::Missing);
        missing
            .map(|folder| {
                format!(
                    "The folder {} has to be there before the first run.",
                    escape(folder.as_bytes())
                )
            })
            .collect()
    }
}

/// Says whether a line that cannot be taken apart holds a secret.
fn plain_secret(job: &Job) -> bool {
    job.command.contains(crate::tool::GONE)
}

const SHELL: &str = "It needs a shell, so it stays where it is. Put `syncmgr run -- ` in front of the program in it, and its runs show here.";
const SECRET: &str = "Something secret stands in its line, and does not belong into settings: put it into the configuration of the tool, or into a file that only you can read. Or leave the line where it is and put `syncmgr run -- ` in front of the program.";
const UNCLEAR: &str = "What it does is not known here, so it stays where it is. Put `syncmgr run -- ` in front of the program, and its runs show here.";
const INTO_FILE: &str = "Its output goes into a file, which only a shell does, so it stays where it is. Put `syncmgr run -- ` in front of the program, and its runs show here.";
const OUTPUT: &str = "Its output goes into a file there; here it goes into the results.";

/// Says why a job cannot be a sync, if it cannot.
fn why_it_stays(job: &Job, plain: &Plain, layer: Layer, runs: &Runs) -> Option<String> {
    if job.has_secret(plain) {
        return Some(SECRET.to_owned());
    }
    if layer == Layer::Foreign {
        let who = plain.argv.first().map_or("", |it| words::base(it));
        return Some(format!(
            "It runs as somebody else (`{}`), and a run could not type a password, so it stays where it is. Put `syncmgr run -- ` in front of it, and its runs show here.",
            escape(who.as_bytes())
        ));
    }
    if let Some(more) = &job.more {
        return Some(format!(
            "Its unit does more than start this program (`{}`), so it stays where it is. Put `syncmgr run -- ` in front of the program in it, and its runs show here.",
            escape(more.as_bytes())
        ));
    }
    (*runs == Runs::Unclear).then(|| UNCLEAR.to_owned())
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
    let argv = without_secrets(argv).unwrap_or_else(|| argv.to_vec());
    let program = argv.first().map_or("line", |program| words::base(program));
    let last = argv
        .iter()
        .skip(1)
        .rev()
        .find(|word| !word.starts_with('-') && !word.contains(crate::tool::GONE));
    let last = last.map(|word| word.trim_end_matches('/'));
    let last = last.and_then(|word| word.rsplit(['/', ':']).next());
    match last.filter(|word| !word.is_empty()) {
        Some(last) => format!("{program}-{last}"),
        None => program.to_owned(),
    }
}

/// A line that is shown, and that only who runs it now can run.
fn stays(job: &Job, argv: &[String], why: String) -> Offer {
    let mut found = new(job, "command", Settings::default(), argv);
    found.schedule.clone_from(&job.when);
    found.origin.clone_from(&job.origin);
    found.remarks.push(why);
    Offer {
        found,
        can_be_added: false,
        is_usual: false,
    }
}

/// A line without a shell as a sync of the handler `command`, with all its words.
fn command(job: &Job, plain: &Plain, argv: &[String]) -> Offer {
    let mut words = Vec::new();
    if !plain.env.is_empty() {
        words.push("env".to_owned());
        let env = plain.env.iter();
        words.extend(env.map(|(name, value)| format!("{name}={value}")));
    }
    words.extend(plain.argv.iter().cloned());
    let mut settings = Settings::default();
    settings.set("command", Value::List(words));
    if let Some(folder) = &plain.folder {
        settings.set("dir", Value::Text(folder.clone()));
    }
    let mut found = new(job, "command", settings, argv);
    scheduled(&mut found, job);
    let tool = argv.first().map_or("", |program| words::base(program));
    if tools::HANDLED.contains(&tool) {
        found.remarks.push(format!(
            "Runs as its line says, because not all of it can be said in settings of the handler `{tool}`."
        ));
    }
    usual(found)
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
        if !offer.is_usual && crate::rclone::is_plain_remote(&offer.found) {
            offer
                .found
                .remarks
                .push("`--all` leaves it out, because nobody syncs it yet.".to_owned());
        }
    }
}

fn is_saved(offer: &Offer, saved: &[Item], places: &Places<'_>) -> bool {
    let found = &offer.found;
    offer.can_be_added
        && saved.iter().any(|item| {
            item.handler == found.handler
                && places.covers(&found.handler, &found.settings, &item.settings)
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
