//! The one place that turns facts about an item into the status a person sees.

mod german;

use crate::format::plural;
use crate::language::Language;
use crate::progress::{Phase, Progress, ProgressStatus};
use crate::record::Summary;
use crate::time::Timestamp;
use crate::trouble::Trouble;

/// What is known about an item when its status is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// A person turned it off.
    pub is_off: bool,
    /// A person paused it until then.
    pub paused_until: Option<Timestamp>,
    /// Its handler does not answer.
    pub is_handler_silent: bool,
    /// It runs now.
    pub running: Option<Progress>,
    /// How the last session that was not stopped by a person ended, and what it left.
    pub last: Option<(ProgressStatus, Summary)>,
    /// It should have run then and did not.
    pub overdue_since: Option<Timestamp>,
    /// It, or its handler, says that the other side cannot be reached.
    pub is_disconnected: bool,
    /// What it is queued for.
    pub waiting_for: Option<Trouble>,
}

/// The status of an item. The order is that of the rules: the first that applies wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Turned off.
    Off,
    /// Paused.
    Paused,
    /// The handler does not answer.
    Unknown,
    /// Waiting for a person's OK.
    Held,
    /// Working.
    Syncing,
    /// Looking, nothing changes.
    Checking,
    /// The last run ended in error, or left something undone.
    Failed,
    /// Conflicts wait.
    Conflicts,
    /// A run was missed.
    Overdue,
    /// The other side cannot be reached.
    Offline,
    /// Queued.
    Waiting,
    /// Never run.
    Never,
    /// In sync, with something no tool can sync.
    Warnings,
    /// In sync.
    Ok,
}

impl Status {
    /// All of them, in the order of the rules.
    pub const ALL: [Self; 14] = [
        Self::Off,
        Self::Paused,
        Self::Unknown,
        Self::Held,
        Self::Syncing,
        Self::Checking,
        Self::Failed,
        Self::Conflicts,
        Self::Overdue,
        Self::Offline,
        Self::Waiting,
        Self::Never,
        Self::Warnings,
        Self::Ok,
    ];

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Paused => "paused",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Syncing => "syncing",
            Self::Checking => "checking",
            Self::Failed => "failed",
            Self::Conflicts => "conflicts",
            Self::Overdue => "overdue",
            Self::Offline => "offline",
            Self::Waiting => "waiting",
            Self::Never => "never",
            Self::Warnings => "warnings",
            Self::Ok => "ok",
        }
    }

    /// Returns the rank in a headline: 1 is the most severe; `None` does not count.
    #[must_use]
    pub fn severity(self) -> Option<u8> {
        match self {
            Self::Off | Self::Paused => None,
            Self::Held => Some(1),
            Self::Failed => Some(2),
            Self::Unknown => Some(3),
            Self::Conflicts => Some(4),
            Self::Overdue => Some(5),
            Self::Offline => Some(6),
            Self::Syncing | Self::Checking => Some(7),
            Self::Waiting => Some(8),
            Self::Never => Some(9),
            Self::Warnings => Some(10),
            Self::Ok => Some(11),
        }
    }

    /// Says whether a person has to do something.
    #[must_use]
    pub fn needs_person(self) -> bool {
        self.severity().is_some_and(|rank| rank <= 6)
    }

    /// Returns the words shown to people, with the count or percentage that belongs to them.
    #[must_use]
    pub fn words(self, facts: &Facts) -> String {
        if Language::current() == Language::German {
            return german::words(self, facts);
        }
        let left = facts.last.map(|(_, summary)| summary).unwrap_or_default();
        match self {
            Self::Off => "off".to_owned(),
            Self::Paused => "paused".to_owned(),
            Self::Unknown => "no answer".to_owned(),
            Self::Held => "waiting for your OK".to_owned(),
            Self::Syncing => match facts.running.as_ref().and_then(Progress::percent) {
                Some(percent) => format!("syncing {percent} %"),
                None => "syncing".to_owned(),
            },
            Self::Checking => "checking".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Conflicts => plural(left.n_conflicts, "conflict"),
            Self::Overdue => "missed".to_owned(),
            Self::Offline => "disconnected".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Never => "not synced yet".to_owned(),
            Self::Warnings => "up to date, with warnings".to_owned(),
            Self::Ok => "up to date".to_owned(),
        }
    }
}

/// Derives the status of an item.
#[must_use]
pub fn of(facts: &Facts) -> Status {
    if facts.is_off {
        return Status::Off;
    }
    if facts.paused_until.is_some() {
        return Status::Paused;
    }
    if facts.is_handler_silent {
        return Status::Unknown;
    }
    let left = facts.last.map(|(_, summary)| summary).unwrap_or_default();
    let ended = facts.last.map(|(status, _)| status);
    if left.n_held > 0 {
        return Status::Held;
    }
    if let Some(progress) = &facts.running {
        return match progress.phase {
            Phase::Waiting => Status::Waiting,
            Phase::Checking | Phase::Comparing => Status::Checking,
            Phase::Preparing | Phase::Copying | Phase::Finishing => Status::Syncing,
        };
    }
    if ended == Some(ProgressStatus::Failed) || left.n_failures > 0 {
        return Status::Failed;
    }
    if left.n_conflicts > 0 {
        return Status::Conflicts;
    }
    if facts.overdue_since.is_some() {
        return Status::Overdue;
    }
    if facts.is_disconnected || ended == Some(ProgressStatus::Disconnected) {
        return Status::Offline;
    }
    if facts.waiting_for.is_some() {
        return Status::Waiting;
    }
    if ended.is_none() {
        return Status::Never;
    }
    if left.n_warnings > 0 {
        return Status::Warnings;
    }
    Status::Ok
}

/// How many items there are of each group that a headline names.
struct Counts {
    n_all: u64,
    n_needing: u64,
    n_running: u64,
    n_fine: u64,
    n_never: u64,
    n_waiting: u64,
    n_paused: u64,
    n_off: u64,
}

impl Counts {
    fn of(statuses: &[Status]) -> Self {
        let count = |f: fn(Status) -> bool| statuses.iter().filter(|&&s| f(s)).count() as u64;
        Self {
            n_all: statuses.len() as u64,
            n_needing: count(Status::needs_person),
            n_running: count(|s| matches!(s, Status::Syncing | Status::Checking)),
            n_fine: count(|s| matches!(s, Status::Ok | Status::Warnings)),
            n_never: count(|s| s == Status::Never),
            n_waiting: count(|s| s == Status::Waiting),
            n_paused: count(|s| s == Status::Paused),
            n_off: count(|s| s == Status::Off),
        }
    }
}

/// Writes the headline over all items: what needs a person first, then what runs, then the rest.
#[must_use]
pub fn headline(statuses: &[Status]) -> String {
    let counts = Counts::of(statuses);
    match Language::current() {
        Language::English => english(&counts),
        Language::German => german::headline(&counts),
    }
}

fn english(counts: &Counts) -> String {
    if counts.n_all == 0 {
        return "Nothing to keep in sync yet".to_owned();
    }
    if counts.n_fine == counts.n_all {
        return "Everything is up to date".to_owned();
    }
    let mut parts = Vec::new();
    if counts.n_needing > 0 {
        let verb = if counts.n_needing == 1 {
            "needs"
        } else {
            "need"
        };
        parts.push(format!("{} {verb} you", plural(counts.n_needing, "sync")));
    }
    for (n, words) in [
        (counts.n_running, "running"),
        (counts.n_fine, "up to date"),
        (counts.n_never, "not synced yet"),
        (counts.n_waiting, "waiting"),
        (counts.n_paused, "paused"),
        (counts.n_off, "turned off"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {words}"));
        }
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(status: ProgressStatus, change: impl FnOnce(&mut Summary)) -> Facts {
        let mut summary = Summary::default();
        change(&mut summary);
        Facts {
            last: Some((status, summary)),
            ..Facts::default()
        }
    }

    #[track_caller]
    fn check(facts: Facts, expected: Status) {
        assert_eq!(of(&facts), expected);
    }

    #[test]
    fn the_first_rule_that_applies_wins() {
        use ProgressStatus::{Disconnected, Failed, Succeeded};
        let running = |phase| {
            Some(Progress {
                phase,
                ..Progress::default()
            })
        };
        check(Facts::default(), Status::Never);
        check(last(Succeeded, |_| ()), Status::Ok);
        check(last(Succeeded, |s| s.n_warnings = 1), Status::Warnings);
        check(last(Succeeded, |s| s.n_conflicts = 1), Status::Conflicts);
        check(last(Disconnected, |_| ()), Status::Offline);
        check(
            last(Failed, |s| {
                s.n_conflicts = 2;
                s.n_held = 3;
            }),
            Status::Held,
        );
        check(last(Failed, |s| s.n_conflicts = 2), Status::Failed);
        let mut facts = last(Failed, |_| ());
        facts.running = running(Phase::Copying);
        check(facts.clone(), Status::Syncing);
        facts.running = running(Phase::Checking);
        check(facts.clone(), Status::Checking);
        facts.is_handler_silent = true;
        check(facts.clone(), Status::Unknown);
        facts.paused_until = Some(Timestamp(1));
        check(facts.clone(), Status::Paused);
        facts.is_off = true;
        check(facts, Status::Off);
    }

    #[test]
    fn the_headline_names_trouble_first() {
        use Status::{Conflicts, Held, Never, Ok, Syncing};
        assert_eq!(headline(&[]), "Nothing to keep in sync yet");
        assert_eq!(headline(&[Ok, Ok]), "Everything is up to date");
        assert_eq!(headline(&[Never]), "1 not synced yet");
        assert_eq!(
            headline(&[Ok, Status::Paused, Status::Off, Status::Waiting]),
            "1 up to date · 1 waiting · 1 paused · 1 turned off"
        );
        assert_eq!(
            headline(&[Ok, Held, Conflicts, Syncing]),
            "2 syncs need you · 1 running · 1 up to date"
        );
    }

    #[test]
    fn german_says_the_same() {
        use Status::{Conflicts, Held, Never, Ok, Syncing};
        let check = |statuses: &[Status], expected: &str| {
            let said = Language::German.during(|| headline(statuses));
            assert_eq!(said, expected);
        };
        check(&[], "Noch nichts abzugleichen");
        check(&[Ok, Ok], "Alles ist auf dem neuesten Stand");
        check(
            &[Held, Never],
            "1 Abgleich braucht dich · 1 noch nie abgeglichen",
        );
        check(
            &[Ok, Held, Conflicts, Syncing],
            "2 Abgleiche brauchen dich · 1 läuft · 1 auf dem neuesten Stand",
        );
        check(&[Syncing, Syncing, Status::Waiting], "2 laufen · 1 wartet");
        let facts = last(ProgressStatus::Failed, |left| left.n_conflicts = 2);
        for status in Status::ALL {
            let german = Language::German.during(|| status.words(&facts));
            assert_ne!(german, status.words(&facts), "{status:?}");
        }
        let conflicts = Language::German.during(|| Conflicts.words(&facts));
        assert_eq!(conflicts, "2 Konflikte");
    }
}
