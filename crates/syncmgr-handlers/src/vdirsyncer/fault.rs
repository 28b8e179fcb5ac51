//! What vdirsyncer said went wrong, as messages.

use syncmgr_model::trouble::{Code, Trouble};

use super::output::Fault;
use super::{ID, Setup};
use crate::tool::job;

/// Returns the message.
pub(super) fn trouble(fault: &Fault, setup: &Setup) -> Trouble {
    match fault {
        Fault::Emptied(storage) => Trouble::new(Code::SideEmptied)
            .with("empty", storage)
            .with("kept", "the other side")
            .with("n_files", 0),
        Fault::SameUid { storage, names } => {
            let mut trouble = repair(
                &format!(
                    "{storage} has several entries with the same UID ({})",
                    names.join(", ")
                ),
                &format!(
                    "delete the one that should not be there; or make a backup, then run `vdirsyncer repair {storage}`"
                ),
            );
            trouble.paths.clone_from(names);
            trouble
        }
        Fault::ReadOnly(collection) => repair(
            &format!("one side of {collection} is only read, and the other one was changed"),
            "take the change back, or say with `partial_sync` in the configuration of vdirsyncer what happens to such changes",
        ),
        Fault::Discover(pair) => repair(
            &format!(
                "its collections are not known yet, or the configuration of `{pair}` was changed"
            ),
            &format!(
                "run `vdirsyncer{} discover {pair}` in a terminal and answer what it asks",
                setup.option()
            ),
        ),
        Fault::Unreachable(_) => Trouble::new(Code::Disconnected).with("name", setup.server()),
        Fault::SignIn(_) => Trouble::new(Code::SignInNeeded).with("place", setup.server()),
        Fault::Certificate(text) => repair(
            &format!(
                "the certificate of {} is not trusted ({})",
                setup.server(),
                job::as_detail(text)
            ),
            "ask whoever runs the server whether the certificate is right, then name it with `verify` or `verify_fingerprint` in the configuration of vdirsyncer",
        ),
        Fault::Config(text) => Trouble::new(Code::SettingUnusable)
            .with("key", super::CONFIG)
            .with("detail", job::as_detail(text)),
        Fault::Changed(text) | Fault::Other(text) => Trouble::new(Code::ToolFailed)
            .with("tool", ID)
            .with("detail", job::as_detail(text)),
    }
}

fn repair(detail: &str, advice: &str) -> Trouble {
    Trouble::new(Code::RepairNeeded)
        .with("tool", ID)
        .with("detail", detail)
        .with("advice", advice)
}
