//! `results`: what runs had to say.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use syncmgr_center::command::Control;
use syncmgr_center::port::EventQuery;
use syncmgr_model::catalogue::notice;
use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::EventId;
use syncmgr_model::item::Item;
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::time::Timestamp;

use super::{Done, chosen};
use crate::app::App;
use crate::cli::word;
use crate::clock::rest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ResultJson, ResultsOutput, SCHEMA};
use crate::ui::{safe, when};

/// How often new results are looked for: they come at the end of runs, which takes seconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lines of what a tool printed that are shown; `--verbose` shows all that were kept.
const OUTPUT_LINES: usize = 10;

/// List what runs had to say.
#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// Only those of this sync
    pub(crate) sync: Option<OsString>,
    /// Only those that are at least so serious
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) level: Option<LevelArg>,
    /// Only those since then, as 2h, 7d, 2026-11-20 or '2026-11-20 18:00'
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Print at most so many, the newest
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Mark them as seen: the counters go to zero, no result goes away
    #[arg(long)]
    pub(crate) seen: bool,
}

/// How serious.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum LevelArg {
    /// Everything
    Information,
    /// Warnings and errors
    Warning,
    /// Errors only
    Error,
}

/// Runs `results`.
pub(crate) fn run(app: &mut App, args: &ResultsArgs) -> Done {
    let only = match &args.sync {
        Some(name) => Some(app.named(name)?),
        None => None,
    };
    let query = EventQuery {
        handler: only.as_ref().map(|item| item.handler.clone()),
        item: only.as_ref().map(|item| item.id.clone()),
        level: args
            .level
            .and_then(|level| EventLevel::parse(&word(level)))
            .map_or(0, EventLevel::number),
        since: args
            .since
            .as_deref()
            .map(|text| since(app, text))
            .transpose()?,
        limit: args.limit,
        ..EventQuery::default()
    };
    let known = app.known()?;
    let asked = query.clone();
    let mut events = app.history(move |store| store.events(&asked))?;
    if args.seen {
        let names: Vec<_> = args.sync.iter().cloned().collect();
        for scope in chosen::of(app, &names)?.scopes() {
            app.control(Control::Seen(scope))?;
        }
    }
    if args.follow {
        return follow(app, &query, events, &known);
    }
    app.ui.json(&ResultsOutput {
        schema: SCHEMA,
        results: events.iter().map(ResultJson::from).collect(),
    });
    if events.is_empty() {
        app.ui.say("No results.");
    }
    // The newest stands at the end, where the eye is.
    events.reverse();
    for event in &events {
        print(app, event, &known);
    }
    if args.seen {
        app.ui.talk("Marked as seen.");
    }
    Ok(Exit::Done)
}

/// Prints what is there and goes on with what comes.
fn follow(app: &mut App, query: &EventQuery, first: Vec<Event>, known: &[Item]) -> Done {
    let mut last = EventId(0);
    let mut fresh = first;
    loop {
        fresh.retain(|event| event.id > last);
        fresh.reverse();
        for event in &fresh {
            last = event.id;
            print(app, event, known);
            app.ui.json(&ResultsOutput {
                schema: SCHEMA,
                results: vec![ResultJson::from(event)],
            });
        }
        rest(LOOK_EVERY);
        let asked = query.clone();
        fresh = app.history(move |store| store.events(&asked))?;
    }
}

fn print(app: &App, event: &Event, known: &[Item]) {
    let level = event.trouble.level;
    let padded = format!("{:<11}", level.as_str());
    let level = match level {
        EventLevel::Error => app.ui.out.red(&padded),
        EventLevel::Warning => app.ui.out.yellow(&padded),
        EventLevel::Information => padded,
    };
    let label = event.item.as_ref().map_or_else(
        || event.handler.to_string(),
        |id| {
            let is_it = |item: &&Item| item.id == *id && item.handler == event.handler;
            let item = known.iter().find(is_it);
            item.map_or_else(|| id.to_string(), |item| app.command_words(item))
        },
    );
    let notice = notice(&event.trouble);
    app.ui.say(format!(
        "{}  {level} {label}: {} {}",
        app.ui.out.dim(&when(event.at, app.now())),
        notice.what,
        app.ui
            .out
            .dim(&format!("[{}]", event.trouble.code.as_str())),
    ));
    if app.ui.is_verbose {
        app.ui.say(format!("    {}", notice.meaning));
        for path in &event.trouble.paths {
            app.ui.say(format!("    {}", safe(path)));
        }
    }
    // What the tool of the run printed, without secrets: its last lines, or all that is kept.
    let output = event
        .trouble
        .params
        .get("output")
        .map_or("", String::as_str);
    let lines: Vec<_> = output.lines().collect();
    let n_left_out = match app.ui.is_verbose {
        true => 0,
        false => lines.len().saturating_sub(OUTPUT_LINES),
    };
    for line in &lines[n_left_out..] {
        app.ui.say(format!("    {}", app.ui.out.dim(&safe(line))));
    }
}

/// Reads a time: so long ago, or a date with or without a time of day.
fn since(app: &App, text: &str) -> Result<Timestamp, CliError> {
    if let Ok(ms) = parse_duration(text) {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        return Ok(Timestamp(app.now().0.saturating_sub(ms)));
    }
    if let Some(time) = Timestamp::parse_rfc3339(text) {
        return Ok(time);
    }
    let zone = jiff::tz::TimeZone::system();
    let date = text.parse::<jiff::civil::Date>();
    let local = match date {
        Ok(date) => Ok(date.at(0, 0, 0, 0)),
        Err(_) => text.parse::<jiff::civil::DateTime>(),
    };
    let zoned = local.and_then(|local| local.to_zoned(zone));
    zoned
        .map(|at| Timestamp(at.timestamp().as_millisecond()))
        .map_err(|_| {
            CliError::usage(format!("--since: cannot read `{}`", safe(text)))
                .hint("write it as 2h, 7d, 2026-11-20 or '2026-11-20 18:00'")
        })
}
