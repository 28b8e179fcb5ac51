//! An alarm: what a person, or a program of theirs, is told outside of the pages and the terminal.

use crate::catalogue::{self, Notice};
use crate::id::{ItemId, SessionId};
use crate::time::Timestamp;
use crate::trouble::Trouble;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $words:literal;)*) => {
        /// What is told of. The order is that of urgency: the first is the most urgent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AlarmKind { $($(#[$doc])* $name,)* }

        impl AlarmKind {
            /// All kinds, most urgent first.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the stable word, as settings, hooks and JSON know it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the words for people, as they stand behind the name of a sync.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

kinds! {
    /// Dangerous changes wait for a person's OK.
    Held = "held", "waiting for your OK";
    /// A place asks for a new sign-in.
    SignIn = "sign-in", "needs you to sign in again";
    /// Runs keep failing.
    Failed = "failed", "keeps failing";
    /// The last good run is older than is allowed.
    TooOld = "too-old", "not synced for too long";
    /// Runs did not take place when they should have.
    Overdue = "overdue", "missed its runs";
    /// Conflicts wait for a decision.
    Conflicts = "conflicts", "has conflicts";
    /// What was told before is over.
    Recovered = "recovered", "is fine again";
    /// A person tries whether notices arrive.
    Test = "test", "test notice";
    /// A run begins. For hooks: told of each run, in quiet hours too.
    RunStarted = "run-started", "run started";
    /// A run ended well. For hooks.
    RunSucceeded = "run-succeeded", "run succeeded";
    /// A run ended in error. For hooks.
    RunFailed = "run-failed", "run failed";
}

impl AlarmKind {
    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// Says whether it is told of single runs, which only who asks for it wants to hear.
    #[must_use]
    pub fn is_of_a_run(self) -> bool {
        match self {
            Self::RunStarted | Self::RunSucceeded | Self::RunFailed => true,
            Self::Held
            | Self::SignIn
            | Self::Failed
            | Self::TooOld
            | Self::Overdue
            | Self::Conflicts
            | Self::Recovered
            | Self::Test => false,
        }
    }

    /// Returns what a channel is told of when its settings do not choose: everything that lasts,
    /// and its end; no single runs.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|kind| !kind.is_of_a_run() && *kind != Self::Test)
            .collect()
    }
}

/// The sync an alarm is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSubject {
    /// Its identity.
    pub item: ItemId,
    /// What people call it; comes from outside and is cleaned by whoever writes it somewhere.
    pub name: String,
    /// The run, where the alarm is about a single one.
    pub run: Option<SessionId>,
}

/// Something to tell outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What.
    pub kind: AlarmKind,
    /// About which sync; `None` for a test.
    pub subject: Option<AlarmSubject>,
    /// When it was decided to tell.
    pub at: Timestamp,
    /// Since when it is so; equal to `at` for what has no duration.
    pub since: Timestamp,
    /// What happened, for the words.
    pub trouble: Trouble,
    /// Of [`AlarmKind::Recovered`]: what is over. Empty otherwise.
    pub ended: Vec<AlarmKind>,
    /// It was told before and still lasts.
    pub is_reminder: bool,
}

impl Alarm {
    /// Builds a test notice.
    #[must_use]
    pub fn test(now: Timestamp) -> Self {
        Self {
            kind: AlarmKind::Test,
            subject: None,
            at: now,
            since: now,
            trouble: catalogue::alarm::test(),
            ended: Vec::new(),
            is_reminder: false,
        }
    }

    /// Builds the alarm of a run that began, or ended; `trouble` says why it failed.
    /// A `kind` that is not of a run is taken as given.
    #[must_use]
    pub fn of_run(
        kind: AlarmKind,
        subject: AlarmSubject,
        trouble: Option<Trouble>,
        now: Timestamp,
    ) -> Self {
        Self {
            kind,
            subject: Some(subject),
            at: now,
            since: now,
            trouble: trouble.unwrap_or_else(|| catalogue::alarm::plain(kind)),
            ended: Vec::new(),
            is_reminder: false,
        }
    }

    /// Returns the words: what happened, what it means, what to do.
    #[must_use]
    pub fn notice(&self) -> Notice {
        catalogue::notice(&self.trouble)
    }

    /// Returns one line: the name of the sync and what is the matter.
    #[must_use]
    pub fn title(&self) -> String {
        let Some(subject) = &self.subject else {
            return format!("syncmgr: {}", self.kind.words());
        };
        let still = if self.is_reminder { "still: " } else { "" };
        format!("{}: {still}{}", subject.name, self.kind.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_word_and_reads_back() {
        for &kind in AlarmKind::ALL {
            assert_eq!(AlarmKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(AlarmKind::parse("loud"), None);
    }

    #[test]
    fn nobody_hears_of_single_runs_unasked() {
        let usual = AlarmKind::usual();
        assert!(usual.contains(&AlarmKind::Held) && usual.contains(&AlarmKind::Recovered));
        assert!(usual.iter().all(|kind| !kind.is_of_a_run()));
    }

    #[test]
    fn a_title_names_the_sync_and_the_matter() {
        let subject = AlarmSubject {
            item: ItemId::new("files-1").unwrap(),
            name: "docs".to_owned(),
            run: None,
        };
        let mut alarm = Alarm::of_run(AlarmKind::Held, subject, None, Timestamp(5));
        assert_eq!(alarm.title(), "docs: waiting for your OK");
        alarm.is_reminder = true;
        assert_eq!(alarm.title(), "docs: still: waiting for your OK");
        assert_eq!(Alarm::test(Timestamp(5)).title(), "syncmgr: test notice");
    }
}
