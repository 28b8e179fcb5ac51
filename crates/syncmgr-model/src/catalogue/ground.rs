//! Words about the ground that folders stand on: what to know before they are synced.

use super::Words;
use crate::trouble::{Code, Trouble};

/// Makes the words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the catalogue sends only these codes here, and matches every one"
)]
pub(super) fn words(t: &Trouble) -> Words {
    let folder = t.param("folder");
    match t.code {
        Code::FolderRemovable => (
            format!("{folder} is on a disk that can be unplugged."),
            "While it is away nothing is synced, and nothing is deleted.",
            vec!["let the sync run when the disk is there, or keep it plugged in".to_owned()],
        ),
        Code::FolderRemote => (
            format!("{folder} is on another machine."),
            "What changes there is found by the next run, not at once.",
            vec!["give the sync a schedule with times".to_owned()],
        ),
        _ => (
            format!("{folder} does not tell large letters from small ones in names."),
            "Of two names that differ in nothing else, one is left alone.",
            vec!["rename one of the two where that happens".to_owned()],
        ),
    }
}
