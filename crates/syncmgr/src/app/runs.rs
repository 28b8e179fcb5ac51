//! Runs: started, watched and stopped, here or by the daemon.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use syncmgr_api::wire::run::{OpenRun, RunAccepted};
use syncmgr_center::center::{self, NotStarted};
use syncmgr_center::command::{Control, Outcome, Scope, StartOptions};
use syncmgr_center::port::SessionQuery;
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
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
        self.ui.set_sides(self.places(item));
        self.core()?;
        self.signals.is_running.store(true, Ordering::SeqCst);
        let ran = self.run_there_or_here(item, work, intent, wish);
        self.signals.is_running.store(false, Ordering::SeqCst);
        let words = self.command_words(item);
        match ran? {
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

    fn run_there_or_here(
        &mut self,
        item: &Item,
        work: Work,
        intent: Intent,
        wish: Wish,
    ) -> Result<Ran, CliError> {
        let (ui, clock, signals) = (
            self.ui.clone(),
            Arc::clone(&self.clock),
            self.signals.clone(),
        );
        match self.core()? {
            Core::There(there) => {
                let watching = Watching {
                    ui: &ui,
                    clock,
                    asked: &signals.asked,
                };
                there.run(item, &work, intent, wish, &watching)
            }
            Core::Here(center) => {
                if wish.no_wait {
                    return Err(needs_daemon("--no-wait leaves the run to the daemon"));
                }
                let options = StartOptions {
                    work,
                    intent,
                    ..StartOptions::default()
                };
                let start = Control::StartWith(Box::new(item.clone()), Box::new(options));
                let pending = match center.start(start) {
                    Ok(pending) => pending,
                    Err(NotStarted::Refused(refusal)) => return Err(refusal.trouble.into()),
                    Err(NotStarted::Gone) => return Err(center::Gone.into()),
                };
                let timer = wish
                    .timeout_ms
                    .map(|ms| stop_after(center.clone(), Duration::from_millis(ms)));
                let outcome = pending.wait()?;
                let is_over = timer.is_some_and(Timer::is_over);
                if is_over {
                    return Err(CliError::new(
                        Exit::TimedOut,
                        "the time for the run was over, and it was stopped",
                    )
                    .hint("files are whole; sync again and it carries on")
                    .hint("with the daemon (`syncmgr daemon start`) it would go on"));
                }
                Ok(Ran::Ended(Box::new(outcome)))
            }
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
        let trouble = outcome.events.into_iter().last().map(|event| event.trouble);
        Err(trouble
            .unwrap_or_else(|| Trouble::new(Code::Stopped))
            .into())
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
    fn is_over(self) -> bool {
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
