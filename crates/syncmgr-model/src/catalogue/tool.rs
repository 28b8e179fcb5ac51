//! Words about the programs that do the work: tools that are wrapped, and handlers that run in a
//! process of their own.

use super::{NOTHING_DONE, Words};
use crate::trouble::{Code, Trouble};

/// Makes the words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the catalogue sends only these codes here, and matches every one"
)]
pub(super) fn words(t: &Trouble) -> Words {
    let (tool, handler) = (t.param("tool"), t.param("handler"));
    let detail = t.param("detail");
    let one = |text: String| vec![text];
    match t.code {
        Code::ToolMissing => (
            format!("The program {tool} is not installed."),
            NOTHING_DONE,
            one(match t.params.get("package") {
                Some(package) => format!("install it, as with `apt install {package}`"),
                None => {
                    "install it, or write its whole path in the settings of the sync".to_owned()
                }
            }),
        ),
        Code::ToolFailed => (
            match t.params.get("exit") {
                Some(exit) => format!("{tool} ended with code {exit}: {detail}."),
                None => format!("{tool} failed: {detail}."),
            },
            "What it had finished is done; syncmgr itself changed no file.",
            one(match t.params.get("advice") {
                Some(advice) => advice.clone(),
                None => "see what it printed with `syncmgr results`, then sync again".to_owned(),
            }),
        ),
        Code::RepairNeeded => {
            (
                format!("{tool} can't go on by itself: {detail}."),
                "Nothing was deleted. Until it is repaired, this sync does not run.",
                one(t.params.get("advice").cloned().unwrap_or_else(|| {
                    "see what a repair would do with `syncmgr preview`".to_owned()
                })),
            )
        }
        Code::HandlerTooOld => (
            format!(
                "The handler {handler} speaks protocol {}; {} is needed.",
                t.param("speaks"),
                t.param("needed")
            ),
            "None of its syncs runs; their files stay as they are.",
            vec![
                "update the handler".to_owned(),
                format!("or remove it with `syncmgr handler remove {handler}`"),
            ],
        ),
        Code::HandlerOff => (
            format!(
                "The handler {handler} stopped unexpectedly {} times in a short while.",
                t.param("n")
            ),
            "It is not started again by itself; none of its syncs runs until then.",
            vec![
                format!("see why with `syncmgr handler logs {handler}`"),
                format!("start it again with `syncmgr handler restart {handler}`"),
            ],
        ),
        Code::HandlerLimit => (
            format!("The handler {handler} was ended: {detail}."),
            "This run was ended; other syncs are not affected.",
            one(format!(
                "see what it did with `syncmgr handler logs {handler}`"
            )),
        ),
        Code::NotSandboxed => (
            format!("The handler {handler} runs without a sandbox: {detail}."),
            "It can read and change everything that you can.",
            one("use only handlers that you trust".to_owned()),
        ),
        Code::FolderKeptOut => (
            format!(
                "The handler {handler} may not work in {}, which this sync needs.",
                t.param("folder")
            ),
            "Its sandbox keeps it out: nothing there was changed.",
            vec![
                format!(
                    "let the handler into the folder with `syncmgr handler install --allow {} -- COMMAND`",
                    t.param("folder")
                ),
                format!("see its command with `syncmgr handler show {handler}`"),
            ],
        ),
        Code::SecretMissing => (
            format!("`{}` of {} is not set.", t.param("key"), t.param("name")),
            NOTHING_DONE,
            one(format!(
                "set it with `syncmgr secret set {} {}`",
                t.param("name"),
                t.param("key")
            )),
        ),
        _ => (
            format!(
                "{} and {} work on the same folder: {}.",
                t.param("name"),
                t.param("other"),
                t.param("folder")
            ),
            "They never run at once, but each may undo what the other did.",
            one("let only one of them sync this folder".to_owned()),
        ),
    }
}
