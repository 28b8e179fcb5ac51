//! Turns what the engine could not do into codes, grouped by cause: fourteen unreadable files are
//! one message with fourteen paths.

use std::collections::BTreeMap;
use std::path::Path;

use syncmgr_engine::entry::Side;
use syncmgr_engine::pair::{Failure, OpenError};
use syncmgr_engine::path::display_bytes;
use syncmgr_engine::plan::{Change, Hold, HoldKind, Plan, Problem, ProblemKind};
use syncmgr_engine::replica::{Fault, FaultKind};
use syncmgr_model::event::EventLevel;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};

use super::place::shown;
use super::settings::Chosen;

fn safe(text: &str) -> String {
    display_bytes(text.as_bytes())
}

/// Says why two folders cannot be used as a pair.
pub(super) fn of_open(error: OpenError, chosen: &Chosen, home: Option<&Path>) -> Trouble {
    match error {
        OpenError::Root { path, fault, .. } => root(&shown(&path, home), &fault),
        OpenError::Same => Trouble::new(Code::SameFolder).with("folder", shown(&chosen.left, home)),
        OpenError::Nested { inner } => nested(inner, chosen, home),
        OpenError::Busy { path, pid, .. } => {
            let trouble = Trouble::new(Code::Busy).with("folder", shown(&path, home));
            match pid {
                Some(pid) => trouble.with("pid", pid),
                None => trouble,
            }
        }
        OpenError::State { detail, .. } => {
            Trouble::new(Code::StateUnusable).with("detail", safe(&detail))
        }
    }
}

/// Says why a run could not do its work.
pub(super) fn of_failure(failure: Failure, chosen: &Chosen, home: Option<&Path>) -> Trouble {
    match failure {
        Failure::Stopped => Trouble::new(Code::Stopped).at_level(EventLevel::Information),
        Failure::Root { side, fault } => root(&shown(chosen.folder(side), home), &fault),
        Failure::Nested { inner } => nested(inner, chosen, home),
        Failure::State(detail) | Failure::Damaged(detail) => {
            Trouble::new(Code::StateUnusable).with("detail", safe(&detail))
        }
        Failure::ChangedMeanwhile { path } => {
            Trouble::new(Code::StateChanged).with("path", path.display())
        }
        Failure::NotFound { what, name } => Trouble::new(Code::NotFound)
            .with("what", what)
            .with("name", safe(&name)),
        Failure::NotPossible(detail) => {
            Trouble::new(Code::NotPossible).with("detail", safe(&detail))
        }
    }
}

fn root(folder: &str, fault: &Fault) -> Trouble {
    let code = if fault.kind == FaultKind::NotFound {
        Code::FolderMissing
    } else {
        Code::FolderUnusable
    };
    Trouble::new(code)
        .with("folder", folder)
        .with("detail", safe(&fault.detail))
}

pub(super) fn nested(inner: Side, chosen: &Chosen, home: Option<&Path>) -> Trouble {
    Trouble::new(Code::NestedFolders)
        .with("inner", shown(chosen.folder(inner), home))
        .with("outer", shown(chosen.folder(inner.other()), home))
}

/// Says why changes are held.
pub(super) fn of_hold(hold: &Hold, chosen: &Chosen, home: Option<&Path>) -> Trouble {
    let here = shown(chosen.folder(hold.side), home);
    let there = shown(chosen.folder(hold.side.other()), home);
    let (code, n) = match hold.kind {
        HoldKind::ManyDeletions => (Code::TooManyDeletions, "n_deletions"),
        HoldKind::Emptied => (Code::SideEmptied, "n_deletions"),
        HoldKind::ManyRewrites => (Code::TooManyChanges, "n_changes"),
        HoldKind::RootReplaced => (Code::FolderReplaced, "n_deletions"),
        HoldKind::FirstMirror => (Code::FirstMirror, "n_deletions"),
        HoldKind::TakenBack => (Code::TakenBack, "n_changes"),
    };
    Trouble::new(code)
        .with("folder", &here)
        .with("empty", there)
        .with("kept", here)
        .with("side", hold.side.as_str())
        .with(n, hold.n_files)
        .with("n_files", hold.n_total)
}

/// Says what an undo leaves where it was written.
pub(super) fn of_left_apart(plan: &Plan, chosen: &Chosen, home: Option<&Path>) -> Vec<Trouble> {
    let sides = Side::BOTH.into_iter().map(|side| {
        let stays = |change: &&Change| change.stays_on() == Some(side);
        (side, plan.changes.iter().filter(stays).count())
    });
    sides
        .filter(|(_, n)| *n > 0)
        .map(|(side, n)| {
            Trouble::new(Code::LeftApart)
                .at_level(EventLevel::Information)
                .with("folder", shown(chosen.folder(side), home))
                .with("n", n)
        })
        .collect()
}

/// Groups what was left alone by cause and side.
pub(super) fn of_problems(
    problems: &[Problem],
    chosen: &Chosen,
    home: Option<&Path>,
) -> Vec<Trouble> {
    let mut groups: BTreeMap<(Code, Option<Side>, String), Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        let (code, detail) = cause(&problem.kind);
        groups
            .entry((code, problem.side, detail))
            .or_default()
            .push(problem);
    }
    groups
        .into_iter()
        .map(|((code, side, detail), problems)| {
            let folder = side.map_or_else(
                || "both folders".to_owned(),
                |side| shown(chosen.folder(side), home),
            );
            let level = match code {
                Code::Unsyncable => EventLevel::Warning,
                // A person wanted it so.
                Code::NotReached => EventLevel::Information,
                _ => EventLevel::Error,
            };
            let mut trouble = Trouble::new(code)
                .at_level(level)
                .with("folder", folder)
                .with("n", problems.len());
            if !detail.is_empty() {
                trouble = trouble.with("detail", detail);
            }
            // What was not reached is everything that comes after: no path of it says anything.
            let n_named = if code == Code::NotReached {
                0
            } else {
                PATHS_MAX
            };
            trouble.paths = problems
                .iter()
                .take(n_named)
                .map(|problem| problem.path.display())
                .collect();
            trouble
        })
        .collect()
}

/// Returns the code of a problem, and the detail by which problems of this code are told apart.
fn cause(kind: &ProblemKind) -> (Code, String) {
    let plain = |code| (code, String::new());
    match kind {
        ProblemKind::Unreadable(fault) | ProblemKind::Failed(fault) => of_fault(fault),
        ProblemKind::Unsyncable => plain(Code::Unsyncable),
        ProblemKind::NamesCollide { .. } => plain(Code::NamesCollide),
        ProblemKind::NotStorable(why) => (Code::NotStorable, safe(why)),
        ProblemKind::HoldsExcluded => plain(Code::HoldsExcluded),
        ProblemKind::MountChanged => plain(Code::MountChanged),
        ProblemKind::ChangedMeanwhile => plain(Code::FileChangedDuringCopy),
        ProblemKind::Blocked => plain(Code::Blocked),
        ProblemKind::NotReached => plain(Code::NotReached),
    }
}

fn of_fault(fault: &Fault) -> (Code, String) {
    let plain = |code| (code, String::new());
    match fault.kind {
        FaultKind::Denied => plain(Code::PermissionDenied),
        FaultKind::ReadOnly => plain(Code::ReadOnly),
        FaultKind::NoSpace => plain(Code::DiskFull),
        FaultKind::BadName => plain(Code::NameNotAllowed),
        FaultKind::Cancelled => plain(Code::NotReached),
        FaultKind::NotFound | FaultKind::Exists | FaultKind::NotEmpty | FaultKind::WrongKind => {
            plain(Code::FileChangedDuringCopy)
        }
        FaultKind::Busy | FaultKind::Elsewhere | FaultKind::Unsupported | FaultKind::Io => {
            (Code::ReadWriteFailed, safe(&fault.detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_engine::path::RelPath;
    use syncmgr_model::catalogue::notice;
    use syncmgr_model::item::{Settings, Value};

    use super::*;

    fn chosen() -> Chosen {
        let mut settings = Settings::default();
        settings.set("left", Value::Text("/home/me/Photos".into()));
        settings.set("right", Value::Text("/mnt/usb".into()));
        Chosen::read(&settings, None).unwrap()
    }

    fn problem(path: &str, kind: ProblemKind) -> Problem {
        Problem {
            path: RelPath::new(path.as_bytes()).unwrap(),
            side: Some(Side::Left),
            kind,
        }
    }

    #[track_caller]
    fn check(problems: &[Problem], expected: &[&str]) {
        let home = Some(Path::new("/home/me"));
        let texts: Vec<_> = of_problems(problems, &chosen(), home)
            .iter()
            .map(|trouble| notice(trouble).what)
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn problems_of_one_cause_are_one_message() {
        let denied = |path: &str| {
            let at = RelPath::new(path.as_bytes()).unwrap();
            let fault = Fault::new(FaultKind::Denied, "read", &at, "permission denied");
            problem(path, ProblemKind::Unreadable(fault))
        };
        check(
            &[
                denied("a"),
                denied("b"),
                problem("fifo", ProblemKind::Unsyncable),
            ],
            &[
                "2 files or folders in ~/Photos can't be read or written: permission denied.",
                "1 file in ~/Photos is a pipe, socket or device.",
            ],
        );
    }

    #[test]
    fn names_in_messages_cannot_act_on_a_terminal() {
        let home = None;
        let trouble = of_problems(
            &[problem("a\x1b]0;x\x07\n", ProblemKind::Unsyncable)],
            &chosen(),
            home,
        )
        .remove(0);
        assert!(trouble.paths[0].chars().all(|c| !c.is_control()));
    }
}
