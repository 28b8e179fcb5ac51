//! The rules of the center, without a clock, a disk or a thread.
//!
//! A session begins when it is asked for and ends when its handler has returned. Between the two it
//! is in [`State`]; its results and its preview gather there. Every request gets exactly one
//! result, on success, failure and cancellation alike.

use std::collections::BTreeMap;

use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::SessionId;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::request::{Intent, WorkKind};
use syncmgr_model::session::{self, Session};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::command::{Command, Effect, Outcome, Report, Save, Start, Ticket, Update};

/// Most results kept of one session. A handler that reports more is flooding; the rest is dropped,
/// the counts in the summary stay right.
pub const EVENTS_MAX: usize = 1000;

/// A session that runs.
#[derive(Debug)]
struct Running {
    session: Session,
    ticket: Ticket,
    events: Vec<Event>,
    preview: Option<Preview>,
    /// A person saved the item under a name, so its state is of interest even when it never ran.
    is_saved: bool,
}

/// All that the center knows about the present.
#[derive(Debug, Default)]
pub struct State {
    running: BTreeMap<SessionId, Running>,
    is_stopping: bool,
}

impl State {
    /// Iterates over the sessions that run.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.running.values().map(|running| &running.session)
    }
}

/// Decides what a command means.
#[must_use]
pub fn handle(state: &mut State, command: Command, now: Timestamp) -> Vec<Effect> {
    match command {
        Command::Open(abandoned) => open(abandoned, now),
        Command::Start(start) => begin(state, *start, now),
        Command::Report(id, report) => take(state, &id, report, now),
        Command::StopAll => stop_all(state),
        Command::Tick => vec![Effect::Notify(Update::Tick)],
    }
}

/// Ends the sessions that were open when their process vanished: they failed, and say why.
fn open(abandoned: Vec<SessionRecord>, now: Timestamp) -> Vec<Effect> {
    let mut saves = Vec::new();
    for record in abandoned {
        saves.push(Save::Event(Event {
            session: record.id.clone(),
            item: record.item.clone(),
            at: now,
            trouble: Trouble::new(Code::Interrupted),
        }));
        saves.push(Save::Ended(SessionRecord {
            ended: Some(now),
            status: Some(ProgressStatus::Failed),
            ..record
        }));
    }
    if saves.is_empty() {
        Vec::new()
    } else {
        vec![Effect::Save(saves)]
    }
}

fn begin(state: &mut State, start: Start, now: Timestamp) -> Vec<Effect> {
    let session = Session {
        id: start.session.clone(),
        handler: start.item.handler.clone(),
        item: start.item.id.clone(),
        kind: start.work.kind(),
        intent: start.intent,
        started: now,
        status: None,
        progress: Progress::default(),
        summary: Summary::default(),
    };
    let mut effects = Vec::new();
    if start.intent == Intent::Apply {
        effects.push(Effect::Save(vec![
            Save::Item(start.item.clone()),
            Save::Began(record(&session, None)),
        ]));
    }
    effects.push(Effect::Notify(Update::Began(Box::new(session.clone()))));
    let id = session.id.clone();
    state.running.insert(
        id.clone(),
        Running {
            session,
            ticket: start.ticket,
            events: Vec::new(),
            preview: None,
            is_saved: start.item.name.is_some(),
        },
    );
    effects.push(Effect::Run(Box::new(start)));
    if state.is_stopping {
        // Asked to stop before it began: it still gets its one result, through its handler.
        effects.push(Effect::Cancel(id, CancelRequest::All));
    }
    effects
}

fn take(state: &mut State, id: &SessionId, report: Report, now: Timestamp) -> Vec<Effect> {
    let Some(running) = state.running.get_mut(id) else {
        // It has ended; nothing is taken after the end.
        return Vec::new();
    };
    match report {
        Report::Progress(progress) => {
            if running
                .session
                .status
                .is_some_and(ProgressStatus::is_terminal)
            {
                return Vec::new();
            }
            running.session.status = Some(if progress.work().is_some() {
                ProgressStatus::Updating
            } else {
                ProgressStatus::UpdatingIndeterminate
            });
            running.session.progress = progress.clone();
            vec![Effect::Notify(Update::Moved(id.clone(), progress))]
        }
        Report::Status(status) => {
            match session::next(running.session.status, status) {
                Ok(status) => running.session.status = Some(status),
                Err(fault) => {
                    let handler = running.session.handler.clone();
                    let trouble = Trouble::new(Code::ProtocolFault)
                        .with("handler", handler)
                        .with("detail", fault)
                        .at_level(EventLevel::Warning);
                    running.remember(trouble, now);
                }
            }
            Vec::new()
        }
        Report::Summary(summary) => {
            running.session.summary = summary;
            Vec::new()
        }
        Report::Preview(preview) => {
            running.preview = Some(*preview);
            Vec::new()
        }
        Report::Event(trouble) => {
            running.remember(trouble, now);
            Vec::new()
        }
        Report::Text(text) => vec![Effect::Notify(Update::Text(id.clone(), text))],
        Report::Ended(result) => end(state, id, result, now),
    }
}

impl Running {
    fn remember(&mut self, trouble: Trouble, now: Timestamp) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(Event {
                session: self.session.id.clone(),
                item: self.session.item.clone(),
                at: now,
                trouble,
            });
        }
    }
}

fn end(
    state: &mut State,
    id: &SessionId,
    result: Result<(), Trouble>,
    now: Timestamp,
) -> Vec<Effect> {
    let Some(mut running) = state.running.remove(id) else {
        return Vec::new();
    };
    let mut is_refused = false;
    match result {
        Ok(()) => {}
        Err(trouble) => {
            is_refused = is_refusal(
                trouble.code,
                running.is_saved && running.session.kind == WorkKind::Sync,
            );
            running.session.status = Some(status_of(trouble.code));
            running.remember(trouble, now);
        }
    }
    if !running
        .session
        .status
        .is_some_and(ProgressStatus::is_terminal)
    {
        let trouble = Trouble::new(Code::ProtocolFault)
            .with("handler", &running.session.handler)
            .with("detail", "it returned without a final status");
        running.remember(trouble, now);
    }
    let record = record(&running.session, Some(now));
    let mut effects = Vec::new();
    if running.session.intent == Intent::Apply {
        effects.push(Effect::Save(if is_refused {
            vec![Save::Withdrawn(record.clone())]
        } else {
            let events = running.events.iter().cloned().map(Save::Event);
            events.chain([Save::Ended(record.clone())]).collect()
        }));
    }
    effects.push(Effect::Notify(Update::Ended(id.clone())));
    effects.push(Effect::Answer(
        running.ticket,
        Box::new(Outcome {
            record,
            events: running.events,
            preview: running.preview,
        }),
    ));
    effects
}

/// Says whether a session was turned down before it did anything. That says nothing about the state
/// of its item: a sync that waits for an OK still does after a mistyped plan, and a pair of folders
/// that cannot be one is no sync. Of a saved sync, it
/// is its state.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other code says something about the item"
)]
fn is_refusal(code: Code, is_sync_of_saved: bool) -> bool {
    match code {
        Code::Busy | Code::PlanChanged | Code::StateChanged | Code::NotFound => true,
        Code::NotPossible | Code::SameFolder | Code::NestedFolders | Code::SettingUnusable => {
            !is_sync_of_saved
        }
        _ => false,
    }
}

/// Says what an error of a handler makes of its item.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every code but these two means that the work was not done"
)]
fn status_of(code: Code) -> ProgressStatus {
    match code {
        Code::Stopped => ProgressStatus::Canceled,
        Code::FolderMissing => ProgressStatus::Disconnected,
        _ => ProgressStatus::Failed,
    }
}

fn record(session: &Session, ended: Option<Timestamp>) -> SessionRecord {
    SessionRecord {
        id: session.id.clone(),
        handler: session.handler.clone(),
        item: session.item.clone(),
        kind: session.kind,
        started: session.started,
        ended,
        status: ended.map(|_| session.final_status()),
        summary: session.summary,
    }
}

fn stop_all(state: &mut State) -> Vec<Effect> {
    state.is_stopping = true;
    let ids: Vec<_> = state.running.keys().cloned().collect();
    ids.into_iter()
        .flat_map(|id| {
            [
                Effect::Cancel(id.clone(), CancelRequest::All),
                Effect::Notify(Update::Stopping(id)),
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use syncmgr_model::id::{HandlerId, ItemId};
    use syncmgr_model::item::{Item, Settings};
    use syncmgr_model::request::Work;

    use super::*;

    fn start(intent: Intent) -> Command {
        Command::Start(Box::new(Start {
            ticket: Ticket(7),
            session: SessionId::new("s1").unwrap(),
            item: Item {
                id: ItemId::new("i1").unwrap(),
                handler: HandlerId::new("files").unwrap(),
                name: None,
                settings: Settings::default(),
                is_enabled: true,
            },
            work: Work::Sync {
                is_full: false,
                release: None,
            },
            intent,
        }))
    }

    fn say(report: Report) -> Command {
        Command::Report(SessionId::new("s1").unwrap(), report)
    }

    /// Writes effects as short words.
    fn words(effects: &[Effect]) -> String {
        let word = |effect: &Effect| match effect {
            Effect::Save(saves) => {
                let parts: Vec<_> = saves
                    .iter()
                    .map(|save| match save {
                        Save::Item(item) => format!("item {}", item.id),
                        Save::Began(record) => format!("began {}", record.id),
                        Save::Ended(record) => {
                            format!("ended {}", record.status.unwrap().as_str())
                        }
                        Save::Withdrawn(record) => format!("withdrawn {}", record.id),
                        Save::Event(event) => event.trouble.code.as_str().to_owned(),
                    })
                    .collect();
                format!("save({})", parts.join(", "))
            }
            Effect::Run(_) => "run".to_owned(),
            Effect::Cancel(id, _) => format!("cancel {id}"),
            Effect::Notify(update) => match update {
                Update::Began(_) => "~began".to_owned(),
                Update::Moved(..) => "~moved".to_owned(),
                Update::Text(..) => "~text".to_owned(),
                Update::Stopping(_) => "~stopping".to_owned(),
                Update::Ended(_) => "~ended".to_owned(),
                Update::Tick => "~tick".to_owned(),
            },
            Effect::Answer(ticket, outcome) => format!(
                "answer {} {}",
                ticket.0,
                outcome.record.status.unwrap().as_str()
            ),
        };
        effects.iter().map(word).collect::<Vec<_>>().join("; ")
    }

    /// Runs commands through a fresh state and compares the effects of the last one.
    #[track_caller]
    fn check(commands: Vec<Command>, expected: &str) {
        let mut state = State::default();
        let mut last = Vec::new();
        for command in commands {
            last = handle(&mut state, command, Timestamp(1));
        }
        assert_eq!(words(&last), expected);
    }

    #[test]
    fn a_session_is_written_down_before_its_handler_works() {
        check(
            vec![start(Intent::Apply)],
            "save(item i1, began s1); ~began; run",
        );
    }

    #[test]
    fn a_preview_leaves_no_trace_in_history() {
        check(vec![start(Intent::Preview)], "~began; run");
        check(
            vec![
                start(Intent::Preview),
                say(Report::Status(ProgressStatus::Succeeded)),
                say(Report::Ended(Ok(()))),
            ],
            "~ended; answer 7 succeeded",
        );
    }

    #[test]
    fn every_request_gets_one_result() {
        let done = || say(Report::Status(ProgressStatus::Succeeded));
        check(
            vec![start(Intent::Apply), done(), say(Report::Ended(Ok(())))],
            "save(ended succeeded); ~ended; answer 7 succeeded",
        );
        check(
            vec![
                start(Intent::Apply),
                done(),
                say(Report::Ended(Ok(()))),
                say(Report::Ended(Ok(()))),
            ],
            "",
        );
    }

    #[test]
    fn a_handler_that_breaks_down_ends_its_session_as_failed() {
        check(
            vec![
                start(Intent::Apply),
                say(Report::Ended(Err(Trouble::new(Code::HandlerStopped)))),
            ],
            "save(handler-stopped, ended failed); ~ended; answer 7 failed",
        );
        check(
            vec![start(Intent::Apply), say(Report::Ended(Ok(())))],
            "save(protocol-fault, ended failed); ~ended; answer 7 failed",
        );
    }

    #[test]
    fn a_refused_request_leaves_no_trace() {
        let refused = |code| {
            vec![
                start(Intent::Apply),
                say(Report::Ended(Err(Trouble::new(code)))),
            ]
        };
        let expected = "save(withdrawn s1); ~ended; answer 7 failed";
        check(refused(Code::Busy), expected);
        check(refused(Code::SameFolder), expected);
        check(
            refused(Code::DiskFull),
            "save(disk-full, ended failed); ~ended; answer 7 failed",
        );
    }

    #[test]
    fn after_a_final_status_only_failed_counts() {
        let status = |s| say(Report::Status(s));
        check(
            vec![
                start(Intent::Apply),
                status(ProgressStatus::Canceled),
                status(ProgressStatus::Succeeded),
                say(Report::Ended(Ok(()))),
            ],
            "save(protocol-fault, ended canceled); ~ended; answer 7 canceled",
        );
        check(
            vec![
                start(Intent::Apply),
                status(ProgressStatus::Succeeded),
                status(ProgressStatus::Failed),
                say(Report::Ended(Ok(()))),
            ],
            "save(ended failed); ~ended; answer 7 failed",
        );
    }

    #[test]
    fn a_stop_reaches_running_and_late_sessions() {
        check(
            vec![start(Intent::Apply), Command::StopAll],
            "cancel s1; ~stopping",
        );
        check(
            vec![Command::StopAll, start(Intent::Apply)],
            "save(item i1, began s1); ~began; run; cancel s1",
        );
    }

    #[test]
    fn a_session_whose_process_vanished_ends_as_interrupted() {
        let record = SessionRecord {
            id: SessionId::new("old").unwrap(),
            handler: HandlerId::new("files").unwrap(),
            item: ItemId::new("i1").unwrap(),
            kind: syncmgr_model::request::WorkKind::Sync,
            started: Timestamp(0),
            ended: None,
            status: None,
            summary: Summary::default(),
        };
        check(
            vec![Command::Open(vec![record])],
            "save(interrupted, ended failed)",
        );
    }
}
