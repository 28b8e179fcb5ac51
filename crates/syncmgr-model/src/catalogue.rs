//! The catalogue: the one place where codes become words.
//!
//! Form of every message: what happened · what it means for your files · what you can do.
//!
//! The English words are here and in [`alarm`], `standing` and `tool`, the German ones in `german`.
//! Which of them are made says [`Language::current`].

pub mod alarm;
mod german;
mod ground;
mod standing;
#[cfg(test)]
mod tests;
mod tool;

use std::borrow::Cow;

use crate::event::EventLevel;
use crate::format::{number, plural, without_os_numbers};
use crate::language::Language;
use crate::reader::{Reader, without_commands};
use crate::trouble::{Code, Trouble};

/// When trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// At once.
    Now,
    /// When the cause is gone.
    Later,
    /// Only after a person changed something.
    Never,
}

impl Retry {
    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Now, Self::Later, Self::Never]
            .into_iter()
            .find(|retry| retry.as_str() == text)
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Later => "later",
            Self::Never => "never",
        }
    }
}

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Stable code.
    pub code: Code,
    /// How loud.
    pub severity: EventLevel,
    /// When trying again makes sense.
    pub retry: Retry,
    /// What happened.
    pub what: String,
    /// What it means for the files.
    pub meaning: String,
    /// What a person can do, as short sentences.
    pub actions: Vec<String>,
}

/// Makes the words for a trouble, for the reader of this thread.
#[must_use]
pub fn notice(trouble: &Trouble) -> Notice {
    let (what, meaning, actions) = match Language::current() {
        Language::English => words(trouble),
        Language::German => german::words(trouble),
    };
    let actions = if Reader::current().is_page {
        actions.iter().map(|it| without_commands(it)).collect()
    } else {
        actions
    };
    Notice {
        code: trouble.code,
        severity: trouble.level,
        retry: retry(trouble.code),
        what: without_os_numbers(&what),
        // What a handler says has words of its own.
        meaning: if trouble.code == Code::HandlerSays {
            trouble.param("description").to_owned()
        } else {
            meaning.to_owned()
        },
        actions,
    }
}

/// Returns the codes whose words contain a text in any case, whatever their facts are.
#[must_use]
pub fn codes_saying(text: &str) -> Vec<Code> {
    let wanted = text.to_lowercase();
    let says = |code: &Code| {
        let notice = notice(&Trouble::new(*code));
        [&notice.what, &notice.meaning]
            .iter()
            .any(|words| words.to_lowercase().contains(&wanted))
    };
    Code::ALL.iter().copied().filter(says).collect()
}

/// Returns a set phrase (a cause among the facts of a message, the help of a setting) in the
/// language of this thread. What none of our own parts says stays as it is.
#[must_use]
pub fn phrase(text: &str) -> Cow<'_, str> {
    match Language::current() {
        Language::English => Cow::Borrowed(text),
        Language::German => german::phrases::phrase(text),
    }
}

/// Says when trying again makes sense.
#[must_use]
pub fn retry(code: Code) -> Retry {
    match code {
        Code::FileChangedDuringCopy
        | Code::NotReached
        | Code::Blocked
        | Code::Interrupted
        | Code::Stopped
        | Code::PlanChanged
        | Code::StateChanged
        | Code::MissedRun
        | Code::StateDamaged => Retry::Now,
        Code::FolderMissing
        | Code::FolderUnusable
        | Code::DiskFull
        | Code::ReadOnly
        | Code::ReadWriteFailed
        | Code::Busy
        | Code::MountChanged
        | Code::HandlerStopped
        | Code::HandlerSilent
        | Code::HandlerAbandoned
        | Code::Disconnected
        | Code::WaitsForHandler
        | Code::WaitsForItself
        | Code::WaitsForFolders
        | Code::WaitsForTurn
        | Code::WaitsForCondition
        | Code::HistoryUnusable
        | Code::AlertFailed
        | Code::RunFailed
        | Code::RunsMissed
        | Code::TooOld
        | Code::ToolFailed
        | Code::HandlerLimit
        | Code::StateUnusable => Retry::Later,
        Code::SideEmptied
        | Code::TooManyDeletions
        | Code::TooManyChanges
        | Code::FolderReplaced
        | Code::FirstMirror
        | Code::TakenBack
        | Code::LeftApart
        | Code::PermissionDenied
        | Code::ChangedSince
        | Code::NameNotAllowed
        | Code::NotStorable
        | Code::NamesCollide
        | Code::Unsyncable
        | Code::HoldsExcluded
        | Code::SameFolder
        | Code::NestedFolders
        | Code::SettingUnusable
        | Code::NotFound
        | Code::NotPossible
        | Code::HandlerUnknown
        | Code::HandlerSays
        | Code::NotSetUp
        | Code::TurnedOff
        | Code::Paused
        | Code::Prevented
        | Code::WatchIncomplete
        | Code::SignInNeeded
        | Code::ChangesWait
        | Code::ConflictsWait
        | Code::AlertTest
        | Code::Recovered
        | Code::RunStarted
        | Code::RunSucceeded
        | Code::ToolMissing
        | Code::RepairNeeded
        | Code::HandlerTooOld
        | Code::HandlerOff
        | Code::NotSandboxed
        | Code::FolderKeptOut
        | Code::SecretMissing
        | Code::FoldersShared
        | Code::FolderRemovable
        | Code::FolderRemote
        | Code::FolderFoldsCase
        | Code::ProtocolFault => Retry::Never,
    }
}

type Words = (String, &'static str, Vec<String>);

const REST_IS_DONE: &str = "Left alone on both sides; everything else was synced.";
const NOTHING_DONE: &str = "Nothing was changed.";

fn words(t: &Trouble) -> Words {
    match t.code {
        Code::SideEmptied
        | Code::TooManyDeletions
        | Code::TooManyChanges
        | Code::FolderReplaced
        | Code::FirstMirror
        | Code::TakenBack => held(t),
        Code::FolderMissing
        | Code::FolderUnusable
        | Code::Busy
        | Code::SameFolder
        | Code::NestedFolders
        | Code::StateDamaged
        | Code::StateUnusable
        | Code::HistoryUnusable
        | Code::SettingUnusable => unusable(t),
        Code::DiskFull
        | Code::PermissionDenied
        | Code::ReadOnly
        | Code::NameNotAllowed
        | Code::NotStorable
        | Code::NamesCollide
        | Code::FileChangedDuringCopy
        | Code::ChangedSince
        | Code::Unsyncable
        | Code::HoldsExcluded
        | Code::MountChanged
        | Code::ReadWriteFailed
        | Code::Blocked
        | Code::LeftApart
        | Code::NotReached => left_alone(t),
        Code::NotFound
        | Code::PlanChanged
        | Code::StateChanged
        | Code::NotPossible
        | Code::Interrupted
        | Code::Stopped
        | Code::HandlerStopped
        | Code::HandlerUnknown
        | Code::HandlerSilent
        | Code::HandlerAbandoned
        | Code::ProtocolFault => run(t),
        Code::HandlerSays
        | Code::NotSetUp
        | Code::TurnedOff
        | Code::Paused
        | Code::Disconnected
        | Code::Prevented
        | Code::WaitsForHandler
        | Code::WaitsForItself
        | Code::WaitsForFolders
        | Code::WaitsForTurn
        | Code::WaitsForCondition
        | Code::MissedRun
        | Code::WatchIncomplete => standing::words(t),
        Code::AlertFailed
        | Code::AlertTest
        | Code::SignInNeeded
        | Code::ChangesWait
        | Code::ConflictsWait
        | Code::RunFailed
        | Code::RunsMissed
        | Code::TooOld
        | Code::Recovered
        | Code::RunStarted
        | Code::RunSucceeded => alarm::words(t),
        Code::ToolMissing
        | Code::ToolFailed
        | Code::RepairNeeded
        | Code::HandlerTooOld
        | Code::HandlerOff
        | Code::HandlerLimit
        | Code::NotSandboxed
        | Code::FolderKeptOut
        | Code::SecretMissing
        | Code::FoldersShared => tool::words(t),
        Code::FolderRemovable | Code::FolderRemote | Code::FolderFoldsCase => ground::words(t),
    }
}

/// Changes that wait for a person's OK.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`words` sends only the codes of holds here, and matches every one"
)]
fn held(t: &Trouble) -> Words {
    let allow = "review the list, then allow exactly these changes if they are right";
    let (what, meaning, mistake) = match t.code {
        Code::SideEmptied => (
            format!(
                "{} is suddenly empty; {} had {}.",
                t.param("empty"),
                t.param("kept"),
                plural(t.number("n_files"), "file")
            ),
            "Stopped before deleting them on the other side too.",
            "if the folder should not be empty, bring its files or its disk back and sync again",
        ),
        Code::TooManyChanges => (
            format!(
                "This run would overwrite {} of {} in {}.",
                number(t.number("n_changes")),
                plural(t.number("n_files"), "file"),
                t.param("folder")
            ),
            "None of them was overwritten; everything else was synced.",
            "if something rewrote your files by mistake, restore them on that side first",
        ),
        Code::FolderReplaced => (
            format!(
                "{} is not the folder it was at the last run.",
                t.param("empty")
            ),
            "Nothing was deleted or overwritten because of it.",
            "if another disk is mounted there, mount the right one and sync again",
        ),
        Code::FirstMirror => (
            format!(
                "The first run of this mirror would delete {} that only {} has.",
                plural(t.number("n_deletions"), "file"),
                t.param("folder")
            ),
            "None of them was deleted; everything else was synced.",
            "if they should stay, use the mode two-way or add-only",
        ),
        Code::TakenBack => (
            format!(
                "This run would copy {} to {} again, though the run that did was taken back.",
                plural(t.number("n_changes"), "entry"),
                t.param("folder")
            ),
            "They stay where they were written; everything else was synced.",
            "if they should be on one side only, move them away or leave them out",
        ),
        _ => (
            format!(
                "This run would delete {} of {} in {}.",
                number(t.number("n_deletions")),
                plural(t.number("n_files"), "file"),
                t.param("folder")
            ),
            "None of them was deleted; everything else was synced.",
            "if they were deleted by mistake, bring them back on the other side and sync again",
        ),
    };
    (what, meaning, vec![allow.to_owned(), mistake.to_owned()])
}

/// The folders or the memory of the sync cannot be used.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`words` sends only these codes here, and matches every one"
)]
fn unusable(t: &Trouble) -> Words {
    let folder = t.param("folder");
    match t.code {
        Code::FolderMissing => (
            format!("The folder {folder} is gone."),
            "Nothing was changed on the other side.",
            vec!["mount or create the folder, or choose another one with `syncmgr set`".to_owned()],
        ),
        Code::FolderUnusable => (
            format!("The folder {folder} can't be used: {}.", t.param("detail")),
            NOTHING_DONE,
            vec!["check the folder and its permissions, then sync again".to_owned()],
        ),
        Code::Busy => (
            match t.params.get("pid") {
                Some(pid) => format!("Another run is working on {folder} (process {pid})."),
                None => format!("Another run is working on {folder}."),
            },
            "Two runs never work on the same files at once; this one changed nothing.",
            vec!["wait until it has finished, then sync again".to_owned()],
        ),
        Code::SameFolder => (
            "Both sides are the same folder.".to_owned(),
            NOTHING_DONE,
            vec!["choose two different folders".to_owned()],
        ),
        Code::NestedFolders => (
            format!(
                "One folder is inside the other: {} is in {}.",
                t.param("inner"),
                t.param("outer")
            ),
            "Syncing them would copy the folder into itself without end; nothing was changed.",
            vec!["choose two folders that do not contain each other".to_owned()],
        ),
        Code::StateDamaged => (
            "The memory of this sync was damaged; it was set aside and built again.".to_owned(),
            "Your files are not affected. This run deletes nothing; files that differ are conflicts.",
            vec![format!("the damaged data is kept in {}", t.param("aside"))],
        ),
        Code::HistoryUnusable => (
            format!(
                "The history of runs can't be written: {}.",
                t.param("detail")
            ),
            "Nothing begins that cannot be written down; your files are not affected.",
            vec!["check the free space and the permissions of the state folder".to_owned()],
        ),
        Code::SettingUnusable if !t.params.contains_key("value") => (
            format!(
                "The settings in {} can't be used: {}.",
                t.param("key"),
                t.param("detail")
            ),
            "The settings from before stay in force.",
            vec![
                "mend the file with `syncmgr config edit`, and check it with `syncmgr config check`"
                    .to_owned(),
            ],
        ),
        Code::SettingUnusable => (
            format!(
                "The setting {} = {} can't be used: {}.",
                t.param("key"),
                t.param("value"),
                t.param("detail")
            ),
            NOTHING_DONE,
            vec!["change it with `syncmgr set`, or in the configuration file".to_owned()],
        ),
        _ => (
            format!(
                "The memory of this sync can't be used: {}.",
                t.param("detail")
            ),
            "Your files are not affected. Without it nothing is synced.",
            vec!["check the free space and the permissions of the state folder".to_owned()],
        ),
    }
}

/// Files that were left alone, grouped by cause.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`words` sends only these codes here, and matches every one"
)]
fn left_alone(t: &Trouble) -> Words {
    let files = plural(t.number("n"), "file");
    let n_is_one = t.number("n") == 1;
    let folder = t.param("folder");
    let one = |text: &str| vec![text.to_owned()];
    match t.code {
        Code::DiskFull => (
            format!("Not enough space in {folder}: {files} could not be copied."),
            "Copied files are complete; the others are still waiting.",
            one("free some space or leave folders out with --exclude, then sync again"),
        ),
        Code::PermissionDenied => (
            format!(
                "{} in {folder} can't be read or written: permission denied.",
                if n_is_one {
                    "1 file or folder".to_owned()
                } else {
                    format!("{} files or folders", number(t.number("n")))
                }
            ),
            REST_IS_DONE,
            one("give yourself access to them, or leave them out with --exclude"),
        ),
        Code::LeftApart => (
            format!(
                "{} in {folder} {} there; only what was copied from there is taken back.",
                plural(t.number("n"), "entry"),
                if n_is_one { "stays" } else { "stay" }
            ),
            "Nothing that was written there is deleted. The next run asks before it copies it again.",
            one("look at the next run beforehand with `syncmgr preview`"),
        ),
        Code::ReadOnly => (
            format!("{folder} is read-only: {files} could not be changed there."),
            "Nothing was lost; the other side keeps its files.",
            one("mount it writable, or use a mirror in the other direction"),
        ),
        Code::NameNotAllowed => (
            format!(
                "{files} can't be stored in {folder} under {} name.",
                if n_is_one { "its" } else { "their" }
            ),
            "They stay only where they are.",
            one("rename them, or leave them out with --exclude"),
        ),
        Code::NotStorable => (
            format!(
                "{files} can't be stored in {folder}: {}.",
                t.param("detail")
            ),
            "They stay only where they are.",
            one("leave them out with --exclude"),
        ),
        Code::NamesCollide => (
            format!("{files} have names that {folder} can't tell apart."),
            "Both files stay as they are; neither was written over the other.",
            one("rename one of each, then sync again"),
        ),
        Code::FileChangedDuringCopy => (
            format!("{files} changed during the run."),
            "The next run looks at them again; nothing was overwritten.",
            one("sync again when they are at rest"),
        ),
        Code::ChangedSince => (
            format!("{files} changed since that run, or were taken back already."),
            "Left as they are on both sides.",
            one("see what is kept of a file with `syncmgr versions list PATH`"),
        ),
        Code::Unsyncable => (
            format!(
                "{files} in {folder} {} a pipe, socket or device.",
                if n_is_one { "is" } else { "are each" }
            ),
            "No tool can sync these; everything else is in sync.",
            one("leave them out with --exclude to hide this warning"),
        ),
        Code::HoldsExcluded => (
            format!(
                "{} in {folder} should go but still {} excluded files.",
                plural(t.number("n"), "folder"),
                if n_is_one { "holds" } else { "hold" }
            ),
            "They stay, because excluded files are never touched.",
            one("delete them yourself, or take back the exclusion"),
        ),
        Code::MountChanged => (
            format!(
                "A disk was mounted or taken away at {} in {folder}.",
                plural(t.number("n"), "place")
            ),
            "Nothing beneath was touched.",
            one("mount it as it was, then sync again"),
        ),
        Code::ReadWriteFailed => (
            format!(
                "{files} in {folder} could not be read or written: {}.",
                t.param("detail")
            ),
            REST_IS_DONE,
            one("check the disk or the connection, then sync again"),
        ),
        Code::Blocked => (
            format!("{files} could not be synced because the folder they belong in failed."),
            REST_IS_DONE,
            one("solve the other problems first, then sync again"),
        ),
        _ => (
            format!(
                "{files} {} not reached before the run was stopped.",
                if n_is_one { "was" } else { "were" }
            ),
            "Finished files are complete; the next run carries on.",
            one("sync again"),
        ),
    }
}

/// The run as a whole.
/// Returns how far a run came that was stopped, as `3 of 20`, where that is known.
#[must_use]
pub fn stopped_after(t: &Trouble) -> Option<String> {
    let n_total = t.number("n_total");
    (t.code == Code::Stopped && n_total > 0)
        .then(|| format!("{} of {}", t.number("n_done"), n_total))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`words` sends only these codes here, and matches every one"
)]
fn run(t: &Trouble) -> Words {
    match t.code {
        Code::NotFound => (
            format!("There is no {} {}.", t.param("what"), t.param("name")),
            NOTHING_DONE,
            vec!["list what there is, then try again".to_owned()],
        ),
        Code::PlanChanged => (
            format!(
                "The held changes are not the ones of plan {} any more.",
                t.param("plan")
            ),
            "Nothing was allowed, because it would not be what you saw.",
            vec!["look at the preview again and allow the plan it names".to_owned()],
        ),
        Code::StateChanged => (
            format!("{} has changed since it was shown.", t.param("path")),
            "Nothing was changed, because your decision was about another version.",
            vec!["sync first, look again, then decide".to_owned()],
        ),
        Code::NotPossible => (
            format!("This is not possible: {}.", t.param("detail")),
            NOTHING_DONE,
            vec![t.params.get("advice").cloned().unwrap_or_else(|| {
                "choose another way, or change first what stands in this one's way".to_owned()
            })],
        ),
        Code::Interrupted => (
            "The run was interrupted: the program or the computer stopped.".to_owned(),
            "Files are complete; what was left is done by the next run.",
            vec!["sync again".to_owned()],
        ),
        Code::Stopped => (
            match stopped_after(t) {
                Some(after) => format!("The run was stopped by you after {after}."),
                None => "The run was stopped by you.".to_owned(),
            },
            "Files are complete; what was left is done by the next run.",
            vec!["sync again".to_owned()],
        ),
        Code::HandlerUnknown => (
            format!("The handler {} is not installed.", t.param("handler")),
            "Its syncs do not run; their settings and their files stay as they are.",
            vec![
                "see what there is with `syncmgr handler list`, and install it with `syncmgr handler install`"
                    .to_owned(),
                "or remove the sync with `syncmgr remove`".to_owned(),
            ],
        ),
        Code::HandlerSilent => (
            format!(
                "The handler {} does not answer: {}.",
                t.param("handler"),
                t.param("detail")
            ),
            "Its syncs do not run until it does; your files are not affected.",
            vec!["restart it with `syncmgr handler restart`, or look at its log".to_owned()],
        ),
        Code::HandlerAbandoned => (
            format!(
                "The handler {} did not stop within {} seconds.",
                t.param("handler"),
                t.param("seconds")
            ),
            match t.params.get("log") {
                Some(_) => {
                    "It was ended with everything it started; a file that it was writing may not be whole."
                }
                None => "Its run was given up and nothing it reports counts any more.",
            },
            match t.params.get("log") {
                Some(log) => vec![
                    format!("see what it did with `syncmgr handler logs {log}`"),
                    "look at the files it worked on, then sync again".to_owned(),
                ],
                None => vec![
                    "wait until it lets go, then sync again; if it never does, restart syncmgr"
                        .to_owned(),
                ],
            },
        ),
        Code::ProtocolFault => (
            format!(
                "The handler {} broke the rules: {}.",
                t.param("handler"),
                t.param("detail")
            ),
            "The report was ignored.",
            vec!["report this to the author of the handler".to_owned()],
        ),
        _ => stopped(t),
    }
}

/// A handler ended by itself. `log` says that it was made by others: its id. `wait` says for how
/// many seconds it is not started again by itself.
fn stopped(t: &Trouble) -> Words {
    let (handler, detail) = (t.param("handler"), t.param("detail"));
    let log = t.param("log");
    if !t.params.contains_key("log") && !t.params.contains_key("wait") {
        return (
            format!("The handler {handler} stopped unexpectedly: {detail}."),
            "This run was ended; finished files are complete.",
            vec![
                "sync again; if it happens again, check the installation with `syncmgr doctor` and report it"
                    .to_owned(),
            ],
        );
    }
    if t.params.contains_key("wait") {
        let wait = plural(t.number("wait"), "second");
        return (
            format!(
                "The handler {handler} stopped unexpectedly, and starts again by itself in {wait} at the earliest: {detail}."
            ),
            "This run did not begin.",
            vec![
                format!("start it now with `syncmgr handler restart {log}`"),
                format!("see why it stopped with `syncmgr handler logs {log}`"),
            ],
        );
    }
    (
        format!("The handler {handler} stopped unexpectedly: {detail}."),
        "This run was ended; a file that it was writing may not be whole.",
        vec![
            format!("see why with `syncmgr handler logs {log}`"),
            "sync again; if it happens again, report it to the author of the handler".to_owned(),
        ],
    )
}

/// Turns the stable word of a reason into words; `left` and `right` are the real names.
#[must_use]
pub fn reason(word: &str, left: &str, right: &str) -> String {
    let (stem, name) = if let Some(stem) = word.strip_suffix("-left") {
        (stem, left)
    } else if let Some(stem) = word.strip_suffix("-right") {
        (stem, right)
    } else {
        (word, "")
    };
    if Language::current() == Language::German {
        return german::reason(stem, name);
    }
    match stem {
        "new-on" => format!("new in {name}"),
        "changed-on" => format!("changed in {name}"),
        "deleted-on" => format!("deleted in {name}"),
        "kind-changed-on" => format!("became another kind of thing in {name}"),
        "attributes-changed" => "permissions or time changed".to_owned(),
        "rule-chose" => format!("both changed, the rule chose {name}"),
        "rule-merged" => "both changed, merged by the rule".to_owned(),
        "rule-kept-both" => "both changed, the rule keeps both".to_owned(),
        "mirror-of" => format!("made equal to {name}"),
        "never-deletes" => "missing there; this sync never deletes".to_owned(),
        "resolved" => "decided by you".to_owned(),
        "undone" => "taken back".to_owned(),
        "already-equal" => "equal already".to_owned(),
        other => other.to_owned(),
    }
}
