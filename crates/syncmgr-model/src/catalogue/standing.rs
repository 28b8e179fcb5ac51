//! Why a sync does not run, or did not.

use super::Words;
use crate::format::plural;
use crate::trouble::{Code, Trouble};

const KEPT: &str = "Changes are kept and synced later; no file is affected.";

/// Makes the words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller sends only these codes here, and matches every one"
)]
pub(super) fn words(t: &Trouble) -> Words {
    let name = t.param("name");
    let one = |text: &str| vec![text.to_owned()];
    match t.code {
        Code::HandlerSays => (name.to_owned(), "", Vec::new()),
        Code::NotSetUp => (
            format!("The handler {} is not set up.", t.param("handler")),
            "Its syncs do not run.",
            one("set it up first"),
        ),
        Code::TurnedOff => (
            format!("{name} is turned off."),
            KEPT,
            one(&match t.params.get("handler") {
                Some(handler) => format!("turn it on with `syncmgr handler on {handler}`"),
                None => format!("turn it on with `syncmgr on {name}`"),
            }),
        ),
        Code::Paused => (
            format!("It is paused until {}.", t.param("until")),
            KEPT,
            one("go on with `syncmgr resume`"),
        ),
        Code::Disconnected => (
            format!("{name} can't be reached."),
            KEPT,
            one("connect the disk, the device or the network; it is tried again by itself"),
        ),
        Code::Prevented => (
            format!(
                "The handler does not let you {} {name}: {}.",
                t.param("what"),
                t.params
                    .get("comment")
                    .map_or("it gives no reason", String::as_str)
            ),
            "Nothing was changed.",
            one("use the program it belongs to"),
        ),
        Code::WaitsForHandler => (
            format!("It waits for another run of {}.", t.param("handler")),
            KEPT,
            one("wait, or stop the other run with `syncmgr stop`"),
        ),
        Code::WaitsForItself => (
            format!("{name} is running; this is its next run."),
            KEPT,
            one("wait, or stop the running one with `syncmgr stop`"),
        ),
        Code::WaitsForFolders => (
            format!("It waits for {name}, which works on the same folders."),
            "Two runs never work on the same files at once.",
            one("wait, or stop the other run with `syncmgr stop`"),
        ),
        Code::WaitsForTurn => (
            format!(
                "It waits because {} run at once.",
                plural(t.number("n"), "sync")
            ),
            KEPT,
            one("wait, or let more run at once with the setting `max-running`"),
        ),
        Code::WaitsForCondition => (
            format!("It waits for {}.", t.param("detail")),
            KEPT,
            one("sync now with `syncmgr sync` if you do not want to wait"),
        ),
        Code::MissedRun => (
            format!(
                "The run of {} did not happen: {}.",
                t.param("at"),
                t.params
                    .get("detail")
                    .map_or("the computer or syncmgr was off", String::as_str)
            ),
            KEPT,
            one("sync now with `syncmgr sync`"),
        ),
        _ => (
            format!(
                "Changes in {} can't be watched: {}.",
                t.param("folder"),
                t.param("detail")
            ),
            "They are found by the next full look instead, and synced later than they could be.",
            one("see how to raise the limit with `syncmgr doctor`"),
        ),
    }
}
