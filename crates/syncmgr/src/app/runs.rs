//! Runs: started, watched and stopped, here or by the daemon.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use syncmgr_api::wire::run::{OpenRun, RunAccepted};
use syncmgr_center::center::{self, NotStarted, Pending};
use syncmgr_center::command::{Control, Outcome, Scope, StartOptions};
use syncmgr_center::port::SessionQuery;
use syncmgr_model::event::EventLevel;
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::trouble::{Code, Trouble};

use super::there::Watching;
use super::{App, Core, Ran, Wish};
use crate::error::CliError;
use crate::exit::Exit;

/// How a wait for a run ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The run ended.
    Ended(Box<Outcome>),
    /// Nobody waits for it.
    GoesOn(RunAccepted),
}

/// A run that was asked for.
pub(crate) enum Begun {
    /// In this process.
    Here(Box<Pending>),
    /// In the daemon.
    There(Box<RunAccepted>),
}

impl App {
    /// Runs one session on an item. A run that could not do its work is an outcome, not an error.
    ///
    /// # Errors
    /// When it cannot be started, or history cannot be written.
    pub(crate) fn run(
        &mut self,
        item: &Item,
        work: Work,
        intent: Intent,
    ) -> Result<Outcome, CliError> {
        match self.run_as(item, work, intent, Wish::default())? {
            Waited::Ended(outcome) => Ok(*outcome),
            Waited::GoesOn(_) => Err(CliError::new(Exit::Bug, "nobody waited for the run")),
        }
    }

    /// The same, as somebody wishes who does not wait for ever.
    ///
    /// # Errors
    /// Also [`Exit::TimedOut`].
    pub(crate) fn run_as(
        &mut self,
        item: &Item,
        work: Work,
        intent: Intent,
        wish: Wish,
    ) -> Result<Waited, CliError> {
        self.ui.set_sides(self.sides(item));
        self.hears_signals(true)?;
        let begun = self.begin(item, &work, intent, wish);
        let ran = begun.and_then(|begun| self.wait(item, &work, intent, wish, begun));
        self.hears_signals(false)?;
        ran
    }

    /// Has signals stop runs from now on, and what is told of runs heard; or no more.
    ///
    /// # Errors
    /// As [`App::core`].
    pub(crate) fn hears_signals(&mut self, is_running: bool) -> Result<(), CliError> {
        if let Core::There(there) = self.core()?
            && is_running
        {
            there.listen()?;
        }
        self.signals.is_running.store(is_running, Ordering::SeqCst);
        Ok(())
    }

    /// Asks for a run, and does not wait for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn begin(
        &mut self,
        item: &Item,
        work: &Work,
        intent: Intent,
        wish: Wish,
    ) -> Result<Begun, CliError> {
        match self.core()? {
            Core::There(there) => {
                let taken = there.begin(item, work, intent)?;
                Ok(Begun::There(Box::new(taken)))
            }
            Core::Here(center) => {
                if wish.no_wait {
                    return Err(needs_daemon("--no-wait leaves the run to the daemon"));
                }
                let options = StartOptions {
                    work: work.clone(),
                    intent,
                    ..StartOptions::default()
                };
                let start = Control::StartWith(Box::new(item.clone()), Box::new(options));
                match center.start(start) {
                    Ok(pending) => Ok(Begun::Here(Box::new(pending))),
                    Err(NotStarted::Refused(refusal)) => Err(refusal.trouble.into()),
                    Err(NotStarted::Gone) => Err(center::Gone.into()),
                }
            }
        }
    }

    /// Waits for a run that was asked for.
    ///
    /// # Errors
    /// Also [`Exit::TimedOut`].
    pub(crate) fn wait(
        &mut self,
        item: &Item,
        work: &Work,
        intent: Intent,
        wish: Wish,
        begun: Begun,
    ) -> Result<Waited, CliError> {
        let (ui, clock) = (self.ui.clone(), Arc::clone(&self.clock));
        let signals = self.signals.clone();
        let ran = match (self.core()?, begun) {
            (Core::There(there), Begun::There(taken)) => {
                let watching = Watching {
                    ui: &ui,
                    clock,
                    asked: &signals.asked,
                };
                there.follow(*taken, item, work, intent, wish, &watching)?
            }
            (Core::Here(center), Begun::Here(pending)) => {
                let timer = wish
                    .timeout_ms
                    .map(|ms| stop_after(center.clone(), Duration::from_millis(ms)));
                let outcome = pending.wait()?;
                let is_over = timer.is_some_and(Timer::end);
                if is_over {
                    return Err(CliError::new(
                        Exit::TimedOut,
                        "the time for the run was over, and it was stopped",
                    )
                    .hint("files are whole; sync again and it carries on")
                    .hint("with the daemon (`syncmgr daemon start`) it would go on"));
                }
                Ran::Ended(Box::new(outcome))
            }
            (Core::There(_) | Core::Here(_), Begun::There(_) | Begun::Here(_)) => {
                return Err(CliError::new(Exit::Bug, "the run is not where it began"));
            }
        };
        let words = self.command_words(item);
        match ran {
            Ran::Ended(outcome) => Ok(Waited::Ended(outcome)),
            Ran::GoesOn(taken) => Ok(Waited::GoesOn(taken)),
            Ran::TimedOut => Err(CliError::new(
                Exit::TimedOut,
                "the time to wait is over; the run goes on in the daemon",
            )
            .hint(format!(
                "`syncmgr watch {words}` shows it, `syncmgr stop {words}` stops it"
            ))),
        }
    }

    /// Runs a preview and returns it.
    ///
    /// # Errors
    /// Also when the preview could not be made: then with the message that says why.
    pub(crate) fn preview(&mut self, item: &Item, work: Work) -> Result<Preview, CliError> {
        let outcome = self.run(item, work, Intent::Preview)?;
        if let Some(preview) = outcome.preview() {
            return Ok(preview.clone());
        }
        // Its only word may be a remark; what ended it is an error.
        let events = outcome.events.into_iter().map(|event| event.trouble);
        let trouble = events
            .rev()
            .find(|trouble| trouble.level == EventLevel::Error);
        Err(match trouble {
            Some(trouble) => trouble.into(),
            None if outcome.status == ProgressStatus::Canceled => {
                Trouble::new(Code::Stopped).into()
            }
            None => cannot_preview(),
        })
    }

    /// Lists the runs that wait or work: of the daemon, or of other commands.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn open_runs(&mut self) -> Result<Vec<OpenRun>, CliError> {
        if let Core::There(there) = self.core()? {
            return Ok(there.open_runs()?);
        }
        let sessions = self.sessions(SessionQuery::default())?;
        let open = sessions
            .into_iter()
            .filter(|session| session.ended.is_none());
        Ok(open
            .map(|session| OpenRun {
                run: session.id.to_string(),
                handler: session.handler.to_string(),
                kind: session.kind.as_str().to_owned(),
                preview: false,
                origin: session.origin.parts().0.to_owned(),
                asked: session.started.rfc3339(),
                started: Some(session.started.rfc3339()),
                items: session
                    .items
                    .iter()
                    .map(|result| syncmgr_api::wire::run::OpenItem {
                        item: result.item.to_string(),
                        status: None,
                        progress: syncmgr_api::wire::Progress::default(),
                    })
                    .collect(),
                stopping: false,
                external: true,
                waits_for: None,
            })
            .collect())
    }

    /// Asks a run of the daemon to stop.
    ///
    /// # Errors
    /// Without a daemon: then the run belongs to another command.
    pub(crate) fn cancel(&mut self, run: &str) -> Result<(), CliError> {
        match self.core()? {
            Core::There(there) => Ok(there.cancel(run)?),
            Core::Here(_) => Err(CliError::new(
                Exit::Busy,
                "another command runs this sync, and there is no daemon that could stop it",
            )
            .hint("press Ctrl-C where it was started; files stay whole")),
        }
    }
}

/// The error of a preview that a handler does not offer.
fn cannot_preview() -> CliError {
    CliError::new(
        Exit::Failed,
        "this handler cannot say beforehand what it would do",
    )
    .hint("nothing was changed; `syncmgr sync` does it")
}

/// The error of what only a daemon can do.
pub(crate) fn needs_daemon(what: &str) -> CliError {
    CliError::new(Exit::NotRunning, format!("{what}, and it does not run"))
        .hint("`syncmgr daemon start` starts it; nothing was changed")
}

/// Stops everything when the time is over.
struct Timer {
    done: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<bool>,
}

impl Timer {
    /// Ends it, and says whether the time was over before.
    fn end(self) -> bool {
        drop(self.done);
        self.thread.join().unwrap_or(false)
    }
}

fn stop_after(center: center::Handle, limit: Duration) -> Timer {
    let (done, waits) = channel();
    let thread = std::thread::spawn(move || {
        let is_over = waits.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if is_over {
            let (answers, _) = channel();
            // A center that is gone has stopped everything.
            center.ask(Control::Stop(Scope::All), answers).unwrap_or(());
        }
        is_over
    });
    Timer { done, thread }
}
