//! The exit codes: public, documented, never reused.

use syncmgr_center::command::Outcome;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::WorkKind;
use syncmgr_model::trouble::{Code, Trouble};

/// How the program ends.
///
/// When several apply to a run, the one that is most severe for the person wins, in the order of
/// the status table: held (13) before failed (12) before conflicts (11) before warnings (10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; both sides are equal in everything that can be synced.
    Done = 0,
    /// A fault of the program itself.
    Bug = 1,
    /// Wrong usage, also two folders that cannot be a pair.
    Usage = 2,
    /// Done, with warnings, and `--strict` was given.
    Warnings = 10,
    /// Conflicts remain.
    Conflicts = 11,
    /// Something that should have been synced was not.
    Failed = 12,
    /// Changes are held and need a person's OK.
    Held = 13,
    /// The daemon does not run, or does not answer.
    NotRunning = 20,
    /// There is no such sync, run, conflict or version.
    NotFound = 21,
    /// The daemon does not let this user do it.
    NotAllowed = 22,
    /// The time to wait was over before the run was.
    TimedOut = 23,
    /// Refused: it needs a confirmation that was not given.
    NeedsConfirmation = 24,
    /// The state changed meanwhile; look again.
    StateChanged = 25,
    /// Another run works on one of the folders.
    Busy = 26,
    /// The daemon runs already.
    Running = 27,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl Exit {
    /// All codes.
    pub(crate) const ALL: [Self; 16] = [
        Self::Done,
        Self::Bug,
        Self::Usage,
        Self::Warnings,
        Self::Conflicts,
        Self::Failed,
        Self::Held,
        Self::NotRunning,
        Self::NotFound,
        Self::NotAllowed,
        Self::TimedOut,
        Self::NeedsConfirmation,
        Self::StateChanged,
        Self::Busy,
        Self::Running,
        Self::Interrupted,
    ];

    /// Returns the number given to the system.
    #[must_use]
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Returns how much a person has to do about it; of several runs the most severe decides.
    #[must_use]
    pub(crate) fn severity(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Warnings => 1,
            Self::TimedOut => 2,
            Self::Conflicts => 3,
            Self::NotRunning
            | Self::Running
            | Self::NotFound
            | Self::NotAllowed
            | Self::NeedsConfirmation
            | Self::StateChanged
            | Self::Busy
            | Self::Usage => 4,
            Self::Failed => 5,
            Self::Held => 6,
            Self::Bug => 7,
            Self::Interrupted => 8,
        }
    }

    /// Returns what the code means, for the manual.
    #[must_use]
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; both sides are equal in everything that can be synced",
            Self::Bug => "unexpected failure (a bug)",
            Self::Usage => "wrong usage, or the two folders cannot be synced with each other",
            Self::Warnings => "done with warnings, only with --strict",
            Self::Conflicts => "conflicts remain",
            Self::Failed => "something that should have been synced was not",
            Self::Held => "changes are held and need your OK",
            Self::NotRunning => "the daemon does not run, or does not answer",
            Self::NotFound => "no such sync, run, conflict or version",
            Self::NotAllowed => "not allowed, or the daemon belongs to somebody else",
            Self::TimedOut => "the time to wait was over; with the daemon the run goes on",
            Self::NeedsConfirmation => "refused: a confirmation is needed",
            Self::StateChanged => "something changed meanwhile; look again",
            Self::Busy => "another run is working on these folders",
            Self::Running => "the daemon runs already",
            Self::Interrupted => "stopped by a signal",
        }
    }

    /// Returns the code of a message that ended the work. What a handler made by others does wrong is
    /// no bug of ours: its message names its log.
    #[must_use]
    pub(crate) fn of_trouble(trouble: &Trouble) -> Self {
        match Self::of_code(trouble.code) {
            Self::Bug if trouble.params.contains_key("log") => Self::Failed,
            exit => exit,
        }
    }

    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other code means that the work was not done"
    )]
    fn of_code(code: Code) -> Self {
        match code {
            Code::Busy => Self::Busy,
            Code::SameFolder | Code::NestedFolders | Code::SettingUnusable => Self::Usage,
            Code::PlanChanged | Code::StateChanged => Self::StateChanged,
            Code::NotFound | Code::HandlerUnknown => Self::NotFound,
            Code::HandlerStopped | Code::ProtocolFault => Self::Bug,
            Code::Stopped => Self::Interrupted,
            _ => Self::Failed,
        }
    }

    /// Returns the code of a run.
    #[must_use]
    pub(crate) fn of_run(outcome: &Outcome, is_strict: bool) -> Self {
        let left = &outcome.record.summary;
        match outcome.record.status {
            Some(ProgressStatus::Canceled) => return Self::Interrupted,
            Some(ProgressStatus::Failed | ProgressStatus::Disconnected) => {
                return match outcome.events.last() {
                    // The decision does not fit the conflict, which stays.
                    Some(event)
                        if event.trouble.code == Code::NotPossible
                            && outcome.record.kind == WorkKind::Resolve =>
                    {
                        Self::Conflicts
                    }
                    Some(event) => Self::of_trouble(&event.trouble),
                    None => Self::Failed,
                };
            }
            Some(ProgressStatus::Succeeded) => {}
            Some(ProgressStatus::Updating | ProgressStatus::UpdatingIndeterminate) | None => {
                return Self::Bug;
            }
        }
        if left.n_held > 0 {
            Self::Held
        } else if left.n_failures > 0 {
            Self::Failed
        } else if left.n_conflicts > 0 {
            Self::Conflicts
        } else if left.n_warnings > 0 && is_strict {
            Self::Warnings
        } else {
            Self::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_model::event::{Event, Link};
    use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
    use syncmgr_model::record::{ItemResult, SessionRecord, Summary};
    use syncmgr_model::request::Origin;
    use syncmgr_model::time::Timestamp;

    use super::*;

    fn outcome(status: ProgressStatus, change: impl FnOnce(&mut Summary)) -> Outcome {
        let mut summary = Summary::default();
        change(&mut summary);
        Outcome {
            record: SessionRecord {
                id: SessionId::new("s").unwrap(),
                handler: HandlerId::new("files").unwrap(),
                items: vec![ItemResult {
                    item: ItemId::new("i").unwrap(),
                    status: Some(status),
                    summary,
                    phases: Vec::new(),
                }],
                kind: WorkKind::Sync,
                origin: Origin::Manual,
                started: Timestamp(0),
                ended: Some(Timestamp(1)),
                status: Some(status),
                summary,
            },
            status,
            n_errors: 0,
            n_conflicts: summary.n_conflicts,
            events: Vec::new(),
            previews: Vec::new(),
        }
    }

    #[test]
    fn the_most_severe_state_decides() {
        use ProgressStatus::{Canceled, Succeeded};
        let check = |change: fn(&mut Summary), expected: Exit| {
            assert_eq!(Exit::of_run(&outcome(Succeeded, change), true), expected);
        };
        check(|_| (), Exit::Done);
        check(|s| s.n_warnings = 1, Exit::Warnings);
        check(|s| (s.n_warnings, s.n_conflicts) = (1, 1), Exit::Conflicts);
        check(|s| (s.n_failures, s.n_conflicts) = (1, 1), Exit::Failed);
        check(|s| (s.n_failures, s.n_held) = (1, 1), Exit::Held);
        let warned = outcome(Succeeded, |s| s.n_warnings = 1);
        assert_eq!(Exit::of_run(&warned, false), Exit::Done);
        let stopped = outcome(Canceled, |s| s.n_conflicts = 1);
        assert_eq!(Exit::of_run(&stopped, false), Exit::Interrupted);
    }

    #[test]
    fn a_run_that_could_not_work_says_why() {
        let check = |code, expected| {
            let mut outcome = outcome(ProgressStatus::Failed, |_| ());
            outcome.events.push(Event {
                id: EventId(1),
                handler: outcome.record.handler.clone(),
                session: Some(outcome.record.id.clone()),
                item: Some(outcome.record.item().clone()),
                at: Timestamp(0),
                trouble: Trouble::new(code),
                link: Link::default(),
                context: None,
            });
            assert_eq!(Exit::of_run(&outcome, false), expected);
        };
        check(Code::Busy, Exit::Busy);
        check(Code::NestedFolders, Exit::Usage);
        check(Code::PlanChanged, Exit::StateChanged);
        check(Code::FolderMissing, Exit::Failed);
        check(Code::HandlerStopped, Exit::Bug);
        let foreign = Trouble::new(Code::HandlerStopped).with("log", "notes");
        assert_eq!(Exit::of_trouble(&foreign), Exit::Failed);
    }

    #[test]
    fn no_number_is_used_twice() {
        let mut codes: Vec<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
