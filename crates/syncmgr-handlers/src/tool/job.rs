//! What a tool works with in a session.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncmgr_model::escape::escape;
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ItemProgress, SyncCallback};

use super::process::{self, Command, Ended, Keep, Line, Stop};
use super::{Context, ItemLock, Secret, SecretFile, Tail};

/// Most bytes of output that go into a result: what a person reads to see why.
const OUTPUT_MAX: usize = 4 << 10;

/// Most characters of the one line that a message quotes.
const DETAIL_MAX: usize = 300;

/// A session, as a tool sees it: about one item.
pub struct Session<'a> {
    callback: &'a Arc<dyn SyncCallback>,
    item: &'a ItemId,
    stop: Stop,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    pub(super) fn new(callback: &'a Arc<dyn SyncCallback>, item: &'a ItemId, stop: Stop) -> Self {
        Self {
            callback,
            item,
            stop,
        }
    }

    /// Returns the id of the session; fit for the name of a folder.
    #[must_use]
    pub fn id(&self) -> &str {
        self.callback.run_id()
    }

    /// Says whether a person wants it to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Returns what stops it.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Reports where the work stands: only when the tool itself said something.
    pub fn progress(&self, status: ProgressStatus, progress: &ItemProgress<'_>) {
        // A refusal means that the session was given up, so the work had better stop too.
        let answer = self.callback.report_progress(self.item, status, progress);
        if answer != Ok(CancelRequest::None) {
            self.stop.set();
        }
    }

    /// Reports that a part of the run begins.
    pub fn phase(&self, phase: Phase) {
        let progress = ItemProgress {
            phase,
            ..ItemProgress::default()
        };
        self.progress(ProgressStatus::UpdatingIndeterminate, &progress);
    }

    /// Adds a result.
    pub fn say(&self, trouble: Trouble) {
        // An item that is gone has nobody to tell.
        self.callback.report_trouble(self.item, trouble).ok();
    }
}

/// The work on one item.
#[derive(Debug)]
pub struct Job<'a> {
    /// The machine.
    pub ctx: &'a Context,
    /// The item.
    pub item: &'a Item,
    /// Whom to tell.
    pub session: &'a Session<'a>,
    /// The state folder of the item.
    pub dir: &'a Path,
    /// The program that does the work; empty for a tool whose items name their own.
    pub program: PathBuf,
    pub(super) lock: Option<&'a ItemLock>,
}

impl Job<'_> {
    /// Returns the last process that worked on this item before; it has ended.
    #[must_use]
    pub fn previous_pid(&self) -> Option<u32> {
        self.lock.and_then(ItemLock::previous)
    }

    /// Writes a secret into a file for the time of this job. What a killed run left is removed.
    ///
    /// # Errors
    /// `state-unusable`.
    pub fn secret_file(&self, what: &str, secret: &Secret) -> Result<SecretFile, Trouble> {
        // A preview has no lock, and may run beside a run.
        if self.lock.is_none() {
            let name = format!("{what}-{}", self.session.id());
            return SecretFile::new(self.dir, &name, secret);
        }
        let of_previews = format!("{what}-");
        for entry in std::fs::read_dir(self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&of_previews) {
                // One that is at work has read it by now, or says that it could not.
                drop(std::fs::remove_file(entry.path()));
            }
        }
        SecretFile::new(self.dir, what, secret)
    }

    /// Builds a command that starts the program of the tool, as [`Self::command_of`].
    #[must_use]
    pub fn command(&self) -> Command {
        self.command_of(&self.program)
    }

    /// Builds a command that works in the state folder of the item, with the part of our
    /// environment that tools get.
    #[must_use]
    pub fn command_of(&self, program: &Path) -> Command {
        Command::new(program, self.dir).envs(self.ctx.env_for(self.item))
    }

    /// Runs a command; a request to stop the session ends it. `each` gets every line.
    ///
    /// # Errors
    /// `tool-missing` or `tool-failed` when it cannot be started.
    pub fn run(
        &self,
        command: Command,
        each: impl FnMut(Line<'_>) -> Keep,
    ) -> Result<Ended, Trouble> {
        let program = command.argv().0.to_owned();
        let name = tool_name(&program);
        let not_started = |e: std::io::Error| {
            if e.kind() == std::io::ErrorKind::NotFound {
                Trouble::new(Code::ToolMissing).with("tool", &name)
            } else {
                Trouble::new(Code::ToolFailed)
                    .with("tool", &name)
                    .with("detail", format!("it cannot be started ({e})"))
            }
        };
        let command = match self.lock {
            // One that is given something to read only looks.
            Some(lock) if !command.reads() => command.stdin(lock.for_child().map_err(not_started)?),
            Some(_) | None => command,
        };
        let started = |pid| {
            if let Some(lock) = self.lock {
                lock.note(pid);
            }
        };
        process::run(command, self.session.stop(), each, started).map_err(not_started)
    }

    /// Says that the tool failed: how it ended, the last thing it said, and the end of its output.
    #[must_use]
    pub fn failed(&self, ended: &Ended) -> Trouble {
        let trouble = Trouble::new(Code::ToolFailed)
            .with("tool", tool_name(&self.program))
            .with("exit", ended.exit)
            .with("detail", detail(ended));
        with_output(trouble, &ended.output)
    }
}

/// Returns what a program is called in messages.
#[must_use]
pub fn tool_name(program: &Path) -> String {
    let name = program.file_name().unwrap_or(program.as_os_str());
    escape(name.as_encoded_bytes())
}

/// Returns the last thing a tool said, as part of a sentence: errors first.
#[must_use]
pub fn detail(ended: &Ended) -> String {
    let line = ended
        .errors
        .last_line()
        .or_else(|| ended.output.last_line());
    line.map_or_else(|| "it said nothing".to_owned(), as_detail)
}

/// Makes a line of output fit for the middle of a sentence.
#[must_use]
pub fn as_detail(line: &str) -> String {
    let line = line.trim().trim_end_matches('.');
    match line.char_indices().nth(DETAIL_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Adds the end of the output to a trouble, for whoever wants to read it all.
#[must_use]
pub fn with_output(trouble: Trouble, output: &Tail) -> Trouble {
    let last = output.last(OUTPUT_MAX);
    if last.is_empty() {
        trouble
    } else {
        trouble.with("output", last)
    }
}
