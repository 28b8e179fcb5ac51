//! `run`: any command as a run of a sync, with nothing changed for the command and whoever started
//! it: input, output, signals and exit code pass through.
//!
//! `child` starts the command, `tee` reads its output along when progress is wanted, `report` tells
//! what happens, `subject` finds the sync, `take` takes in what was told while nobody listened.
//! Whatever of that fails, the command runs.

mod child;
mod report;
pub(crate) mod subject;
pub(crate) mod take;
mod tee;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Args;
use syncmgr_api::wire::outside::OutsideProgress;
use syncmgr_center::port::Clock as _;
use syncmgr_handlers::run::{identity, label, shown};
use syncmgr_handlers::tool::exits::{ExitMap, Meaning};
use syncmgr_handlers::tool::pattern::{Pattern, Reading};
use syncmgr_handlers::tool::process::Exit as ToolExit;
use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::id::{HandlerId, SessionId};
use syncmgr_model::item::bad_name;
use syncmgr_model::outside::{ReportedEnd, Subject};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::schedule::text::parse_duration;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_store::spool::Spool;

use crate::app::{App, random, reach};
use crate::clock::{MachineClock, rest};
use crate::dirs::Dirs;
use crate::ui::Ui;
use child::{End, Reins};
use report::{Kept, Parts, Reporter};

/// How long the command waits for its beginning to be written down: usually about a millisecond.
const BEGIN_WITHIN: Duration = Duration::from_millis(500);

/// How long we stay after the end of the command until that is written down.
const END_WITHIN: Duration = Duration::from_secs(10);

/// How long output is still passed on after the end of the command, when somebody it started keeps
/// it open.
const OUTPUT_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks whether it has ended.
const OUTPUT_BEAT: Duration = Duration::from_millis(5);

/// Most characters of the last words of a command that are kept.
const WORDS_MAX: usize = 200;

const RUN_EXAMPLES: &str = "\
Examples:
  syncmgr run -- rsync -a /home/ nas:/backup/home    a run of the sync `rsync`
  syncmgr run --item backup --max-age 2d -- backup.sh
  syncmgr run --item music --progress usual -- rclone sync -P ~/Music nas:music
  syncmgr run --item mail --exit-codes 2=warning,75=disconnected -- fetch-mail

The exit code is that of the command; 127 when it is not found, 126 when it cannot be run.";

/// Run any command as a run of a sync.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The sync it belongs to, by name or id; one that is not there is made
    #[arg(long, value_name = "SYNC")]
    item: Option<String>,
    /// Only a sync of this handler
    #[arg(long, value_name = "HANDLER")]
    handler: Option<String>,
    /// Read progress from the output: `usual`, or a pattern with named groups
    ///
    /// The pattern is a regular expression with one or more of the groups percent, done, total,
    /// bytes, bytes_total and current, as in `(?P<percent>[0-9]+)%`.
    #[arg(long, value_name = "PATTERN")]
    progress: Option<String>,
    /// What exit codes mean, as 24=warning: ok, warning, held, failed or disconnected
    #[arg(long, value_name = "MAP", value_delimiter = ',')]
    exit_codes: Vec<String>,
    /// Tell people when the last success is older than this, as 2d
    #[arg(long, value_name = "AGE")]
    max_age: Option<String>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// What is said on stderr, one line at most.
struct Note<'a> {
    ui: &'a Ui,
    was_said: bool,
}

impl Note<'_> {
    fn say(&mut self, words: &str) {
        if !std::mem::replace(&mut self.was_said, true) {
            let words = crate::ui::safe(words);
            self.ui.talk(format!("syncmgr: {words}"));
        }
    }
}

/// What was asked for, as far as it can be used.
struct Wanted {
    subject: Subject,
    pattern: Option<Pattern>,
    exits: ExitMap,
}

impl Wanted {
    fn read(args: &RunArgs, note: &mut Note<'_>) -> Self {
        let pattern = args.progress.as_deref().and_then(|text| match text {
            "usual" => Some(Pattern::usual()),
            text => Pattern::new(text)
                .inspect_err(|why| note.say(&format!("--progress cannot be used: {why}")))
                .ok(),
        });
        let exits = ExitMap::new(&args.exit_codes).unwrap_or_else(|(entry, why)| {
            note.say(&format!("--exit-codes `{entry}` cannot be used: {why}"));
            ExitMap::default()
        });
        let max_age_ms = args.max_age.as_deref().and_then(|text| {
            parse_duration(text)
                .inspect_err(|why| note.say(&format!("--max-age `{text}` cannot be used: {why}")))
                .ok()
        });
        let handler = args.handler.as_deref().and_then(|text| {
            HandlerId::new(text)
                .inspect_err(|why| note.say(&format!("--handler cannot be used: {why}")))
                .ok()
        });
        let program = args.command.first().cloned().unwrap_or_default();
        let wanted = args.item.as_deref().filter(|name| !name.is_empty());
        let usable = wanted.filter(|name| match bad_name(name) {
            None => true,
            Some(why) => {
                note.say(&format!(
                    "--item `{name}` cannot be the name of a sync: {why}; this run belongs to the sync of its command"
                ));
                false
            }
        });
        let (item, id) = match usable {
            Some(name) => (name.to_owned(), None),
            None => (label(&program), Some(identity(&args.command))),
        };
        Self {
            subject: Subject {
                handler,
                item,
                id,
                command: Some(shown(&args.command)),
                max_age_ms,
            },
            pattern,
            exits,
        }
    }
}

/// Runs the command, and returns its exit code whatever else happens.
pub(crate) fn main(dirs: Dirs, ui: Ui, args: &RunArgs) -> ExitCode {
    let clock = Arc::new(MachineClock::start());
    let mut note = Note {
        ui: &ui,
        was_said: false,
    };
    let wanted = Wanted::read(args, &mut note);
    let reins = Reins::default();
    let began = clock.now();
    let for_stop = reins.clone();
    let reporter = Reporter::start(Parts {
        dirs: dirs.clone(),
        session: SessionId::at(began, random()),
        subject: wanted.subject,
        began,
        clock: Arc::clone(&clock) as _,
        stop: Arc::new(move || for_stop.stop()),
    });
    reporter.wait_begun(BEGIN_WITHIN);
    let last_words = Arc::new(Mutex::new(String::new()));
    let end = match child::start(&args.command, wanted.pattern.is_some(), &reins) {
        Ok(mut started) => {
            let tees = wanted
                .pattern
                .map(|pattern| pass_on(&mut started.child, &pattern, &reporter, &last_words));
            let end = started.wait();
            drain(tees.unwrap_or_default());
            end
        }
        Err((end, why)) => {
            let program = args.command.first().cloned().unwrap_or_default();
            let program = escape(program.as_encoded_bytes());
            // A shell says that too, so it is said also when quiet.
            ui.complain(format!("syncmgr: {program}: {why}"));
            note.was_said = true;
            last_words
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(&why);
            end
        }
    };
    let words = last_words
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let tool = escape(
        args.command
            .first()
            .map(|it| it.as_encoded_bytes())
            .unwrap_or_default(),
    );
    let judged = judge(end, &wanted.exits, &reins, &tool, &words);
    let at = clock.now();
    if let Some(trouble) = judged.trouble {
        reporter.event(at, trouble);
    }
    let told = ReportedEnd {
        at,
        status: judged.status,
        summary: judged.summary,
    };
    match reporter.end(told, END_WITHIN) {
        Kept::Told => {}
        Kept::InFile => take_in(dirs, &ui),
        Kept::Nowhere(why) => note.say(&format!("this run is not in the history: {why}")),
    }
    ExitCode::from(end.code())
}

/// What an end means for the sync.
struct Judged {
    status: ProgressStatus,
    summary: Summary,
    trouble: Option<Trouble>,
}

fn judge(end: End, exits: &ExitMap, reins: &Reins, tool: &str, words: &str) -> Judged {
    let judged = |status, trouble| Judged {
        status,
        summary: Summary::default(),
        trouble,
    };
    let detail = if words.is_empty() {
        "what it printed says why".to_owned()
    } else {
        words.to_owned()
    };
    let failed = || {
        let trouble = Trouble::new(Code::ToolFailed).with("tool", tool);
        let trouble = trouble.with("detail", &detail);
        trouble.with(
            "advice",
            "see its output where it was started, as in a mail of cron",
        )
    };
    let meaning = match end {
        End::Code(0) => return judged(ProgressStatus::Succeeded, None),
        _ if reins.was_stopped() || (reins.was_interrupted() && end.code() == 130) => {
            let trouble = Trouble::new(Code::Stopped).at_level(EventLevel::Information);
            return judged(ProgressStatus::Canceled, Some(trouble));
        }
        End::Code(code) => exits.meaning(ToolExit::Code(code)),
        End::Signal(signal) => {
            let detail = format!("signal {signal} ended it");
            let trouble = failed().with("detail", detail);
            return judged(ProgressStatus::Failed, Some(trouble));
        }
        End::NotStarted(_) => return judged(ProgressStatus::Failed, Some(failed())),
    };
    let failed = failed().with("exit", end.code());
    match meaning {
        Meaning::Ok => judged(ProgressStatus::Succeeded, None),
        Meaning::Warning => Judged {
            summary: Summary {
                n_warnings: 1,
                ..Summary::default()
            },
            ..judged(
                ProgressStatus::Succeeded,
                Some(failed.at_level(EventLevel::Warning)),
            )
        },
        Meaning::Held => Judged {
            summary: Summary {
                n_held: 1,
                ..Summary::default()
            },
            ..judged(
                ProgressStatus::Succeeded,
                Some(failed.at_level(EventLevel::Warning)),
            )
        },
        Meaning::Failed => judged(ProgressStatus::Failed, Some(failed)),
        Meaning::Disconnected => judged(ProgressStatus::Disconnected, Some(failed)),
    }
}

/// Passes both outputs on and reads progress from them.
fn pass_on(
    child: &mut std::process::Child,
    pattern: &Pattern,
    reporter: &Reporter,
    last_words: &Arc<Mutex<String>>,
) -> Vec<JoinHandle<()>> {
    let reading = Arc::new(Mutex::new(Reading::default()));
    let read = || {
        let (pattern, reading) = (pattern.clone(), Arc::clone(&reading));
        let teller = reporter.teller();
        move |line: &str| {
            let Some(news) = pattern.read(line) else {
                return;
            };
            let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
            reading.update(news);
            let (_, progress) = reading.progress();
            teller.progress(OutsideProgress {
                done: progress.n_done,
                total: progress.n_total,
                bytes_done: progress.bytes_done,
                bytes_total: progress.bytes_total,
                current: progress.current.map(escape),
            });
        }
    };
    let out = child
        .stdout
        .take()
        .map(|from| tee::start(from, std::io::stdout(), read()));
    let (along, words) = (read(), Arc::clone(last_words));
    let err = child.stderr.take().map(|from| {
        tee::start(from, std::io::stderr(), move |line| {
            along(line);
            let line = line.trim();
            if !line.is_empty() {
                let short: String = line.chars().take(WORDS_MAX).collect();
                *words.lock().unwrap_or_else(PoisonError::into_inner) = escape(short.as_bytes());
            }
        })
    });
    // A thread that could not be had has closed its end: the command learns that when it writes.
    [out, err].into_iter().flatten().flatten().collect()
}

/// Waits for the rest of the output.
fn drain(tees: Vec<JoinHandle<()>>) {
    let n_beats = OUTPUT_WITHIN.as_millis() / OUTPUT_BEAT.as_millis();
    for _ in 0..n_beats {
        if tees.iter().all(JoinHandle::is_finished) {
            return;
        }
        rest(OUTPUT_BEAT);
    }
}

/// Has the run taken in at once, by the daemon if there is one by now, otherwise by a center of our
/// own. What fails is done by the next command.
fn take_in(dirs: Dirs, ui: &Ui) {
    match reach(&dirs) {
        Ok(Some(mut client)) => {
            client.answer_within(report::ANSWER_WITHIN);
            let now = MachineClock::start().now();
            take::to_daemon(&Spool::new(&dirs.state), &mut client, now);
        }
        Ok(None) => {
            let mut app = App::new(dirs, ui.silent());
            drop(app.core());
            app.close();
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests;
