//! The only place that prints. stdout is what was asked for, stderr is talk; names of files come
//! here as bytes or harmless text and leave as harmless text (S6).

pub(crate) mod notice;
pub(crate) mod preview;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod style;

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use syncmgr_engine::path::display_bytes;
use syncmgr_model::side::PerSide;
use syncmgr_model::time::Timestamp;

use crate::cli::{Global, When};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json;
use style::Style;

/// Most bytes of an answer: a path is at most 4096.
const ANSWER_LEN_MAX: u64 = 8192;

/// Where and how to print.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    /// Style of stdout.
    pub(crate) out: Style,
    /// Style of stderr.
    pub(crate) err: Style,
    /// Print only errors and what was asked for.
    pub(crate) is_quiet: bool,
    /// Print more.
    pub(crate) is_verbose: bool,
    /// Print one JSON object instead of text.
    pub(crate) is_json: bool,
    /// Nothing is ever asked.
    pub(crate) asks_nothing: bool,
    /// stderr is a terminal on which a line can be redrawn.
    pub(crate) is_live: bool,
    /// stdout is a terminal on which lines can be redrawn.
    pub(crate) is_redrawn: bool,
    /// Somebody is there to be asked.
    pub(crate) can_ask: bool,
    sides: Arc<Mutex<Option<PerSide<String>>>>,
    /// Several runs go on at once, so the steps of none are shown.
    is_crowded: Arc<AtomicBool>,
}

impl Ui {
    /// Looks at the terminal and the environment.
    #[must_use]
    pub(crate) fn from_env(global: &Global) -> Self {
        let var = |key: &str| std::env::var(key).unwrap_or_default();
        let is_dumb = var("TERM") == "dumb";
        let is_utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .map(|key| var(key))
            .find(|value| !value.is_empty())
            .is_some_and(|value| {
                let value = value.to_ascii_lowercase();
                value.contains("utf-8") || value.contains("utf8")
            });
        let forced = !matches!(var("CLICOLOR_FORCE").as_str(), "" | "0");
        let style = |is_terminal: bool| Style {
            has_color: match global.color {
                When::Always => true,
                When::Never => false,
                When::Auto if !var("NO_COLOR").is_empty() => false,
                When::Auto => forced || (is_terminal && !is_dumb),
            },
            has_symbols: is_terminal && is_utf8 && !is_dumb,
        };
        let err_is_terminal = io::stderr().is_terminal();
        Self {
            out: style(io::stdout().is_terminal()),
            err: style(err_is_terminal),
            is_quiet: global.quiet,
            is_verbose: global.verbose,
            is_json: global.json,
            asks_nothing: global.no_input,
            is_live: err_is_terminal && !is_dumb && !global.quiet && !global.json,
            is_redrawn: io::stdout().is_terminal() && !is_dumb,
            can_ask: io::stdin().is_terminal()
                && err_is_terminal
                && !global.no_input
                && !global.json,
            sides: Arc::default(),
            is_crowded: Arc::default(),
        }
    }

    /// Sets what the two sides are called from now on; `None`: there are none.
    pub(crate) fn set_sides(&self, sides: Option<PerSide<String>>) {
        *self.sides.lock().unwrap_or_else(PoisonError::into_inner) = sides;
    }

    /// Returns what the two sides are called.
    #[must_use]
    pub(crate) fn sides(&self) -> Option<PerSide<String>> {
        self.sides
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns one that prints nothing.
    #[must_use]
    pub(crate) fn silent(&self) -> Self {
        Self {
            is_quiet: true,
            is_json: true,
            is_live: false,
            is_redrawn: false,
            ..self.clone()
        }
    }

    /// Says that several runs go on at once from now on, or not any more.
    pub(crate) fn set_crowded(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Ordering::Relaxed);
    }

    /// Says whether several runs go on at once.
    #[must_use]
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Ordering::Relaxed)
    }

    /// Asks a question on the terminal and returns the answer without the space around it.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub(crate) fn ask(&self, question: &str) -> Result<String, CliError> {
        let mut err = io::stderr().lock();
        drop(write!(err, "{}: ", display_bytes(question.as_bytes())).and_then(|()| err.flush()));
        let mut answer = String::new();
        let read = io::stdin()
            .lock()
            .take(ANSWER_LEN_MAX)
            .read_line(&mut answer);
        match read {
            Ok(0) => Err(CliError::usage("nobody answered; nothing was saved")),
            Ok(_) => Ok(answer.trim().to_owned()),
            Err(error) => Err(CliError::usage(format!("cannot read the answer: {error}"))),
        }
    }

    /// Cuts a line to the width of the terminal. Colours take no room.
    #[must_use]
    pub(crate) fn fit(&self, line: &str) -> String {
        progress::fit_painted(line, progress::width_of(io::stdout()))
    }

    /// Prints a line of the answer.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.is_json {
            write_answer(format!("{}\n", line.as_ref()).as_bytes());
        }
    }

    /// Prints a line of talk, unless quiet was asked for.
    pub(crate) fn talk(&self, line: impl AsRef<str>) {
        if !self.is_json && !self.is_quiet {
            write_line(&mut io::stderr().lock(), line.as_ref());
        }
    }

    /// Prints a hint.
    pub(crate) fn hint(&self, text: impl AsRef<str>) {
        self.talk(format!("{} {}", self.err.dim("hint:"), text.as_ref()));
    }

    /// Prints a line about trouble, also when quiet.
    pub(crate) fn complain(&self, line: impl AsRef<str>) {
        if !self.is_json {
            write_line(&mut io::stderr().lock(), line.as_ref());
        }
    }

    /// Prints the JSON object, if that was asked for.
    pub(crate) fn json(&self, value: &impl Serialize) {
        if self.is_json {
            write_json(value);
        }
    }

    /// Prints raw bytes of an answer (a manual page, completions).
    pub(crate) fn raw(&self, bytes: &[u8]) {
        write_answer(bytes);
    }

    /// Prints how a command ended and returns the exit code.
    pub(crate) fn finish(&self, result: Result<Exit, CliError>) -> Exit {
        let error = match result {
            Ok(exit) if IS_ANSWER_LOST.load(Ordering::Relaxed) => {
                self.complain(format!(
                    "{} the answer could not be written to stdout",
                    self.err.red("error:")
                ));
                return if exit == Exit::Done {
                    Exit::Failed
                } else {
                    exit
                };
            }
            Ok(exit) => return exit,
            Err(error) => error,
        };
        self.json(&json::ErrorOutput {
            schema: json::SCHEMA,
            error: error.to_json(),
        });
        self.print_error(&error);
        error.exit
    }

    /// Prints an error for people.
    pub(crate) fn print_error(&self, error: &CliError) {
        match &error.trouble {
            Some(trouble) => {
                notice::print(self, trouble);
                let said = syncmgr_model::catalogue::notice(trouble).actions;
                for hint in error.hints.iter().filter(|hint| !said.contains(hint)) {
                    self.hint(hint);
                }
            }
            None => {
                self.complain(format!("{} {}", self.err.red("error:"), error.message));
                for hint in &error.hints {
                    self.hint(hint);
                }
            }
        }
    }
}

/// A part of the answer could not be written, as on a full disk.
static IS_ANSWER_LOST: AtomicBool = AtomicBool::new(false);

fn write_line(to: &mut dyn Write, line: &str) {
    drop(to.write_all(format!("{line}\n").as_bytes()));
}

fn write_answer(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that went away (`| head`) wants no more.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            IS_ANSWER_LOST.store(true, Ordering::Relaxed);
        }
        Ok(()) | Err(_) => {}
    }
}

/// Returns text from outside as harmless text.
#[must_use]
pub(crate) fn safe(text: &str) -> String {
    display_bytes(text.as_bytes())
}

/// Writes a time in the zone of this computer: today only the clock time.
#[must_use]
pub(crate) fn when(time: Timestamp, now: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::system();
    let local = |t: Timestamp| {
        jiff::Timestamp::from_millisecond(t.0)
            .unwrap_or_default()
            .to_zoned(zone.clone())
    };
    let (then, today) = (local(time), local(now));
    if then.date() == today.date() {
        then.strftime("today %H:%M").to_string()
    } else {
        then.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// Prints what clap found: help to stdout, mistakes to stderr, and as JSON when that was asked for.
pub(crate) fn clap_message(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if std::env::args_os().any(|word| word == "--json") {
        let text = error.render().to_string();
        // What is missing stands on lines of its own below the first one.
        let first: Vec<_> = text
            .lines()
            .take_while(|line| !line.is_empty())
            .map(str::trim)
            .collect();
        let first = first.join(" ");
        let output = json::ErrorOutput {
            schema: json::SCHEMA,
            error: json::ErrorJson {
                exit: Exit::Usage.code(),
                code: None,
                message: safe(first.trim_start_matches("error: ")),
                hints: Vec::new(),
            },
        };
        write_json(&output);
    }
    ExitCode::from(Exit::Usage.code())
}

fn write_json(value: &impl Serialize) {
    let text = serde_json::to_string(value)
        .expect("the output types have text keys and no values that cannot be written");
    write_answer(format!("{text}\n").as_bytes());
}

/// Makes a panic say what it means for the files.
pub(crate) fn install_panic_message() {
    std::panic::set_hook(Box::new(|panic| {
        let mut err = io::stderr().lock();
        write_line(
            &mut err,
            &format!(
                "error: syncmgr found a fault in itself and stopped: {}",
                safe(&panic.to_string())
            ),
        );
        write_line(
            &mut err,
            "  Your files are whole. The next run carries on where this one stopped.",
        );
        write_line(
            &mut err,
            "hint: please report this text with the output of `syncmgr doctor`",
        );
    }));
}
