//! Turns the tree of a replica into another one the way a person would: with the fewest edits, so
//! that what the two have in common keeps its identity and its times.
//!
//! How a name came about cannot be told from two trees, so renames are words of the text:
//! `d~e` says that `d` became `e`. The other words say, as always, all that is there afterwards:
//! turning `d/x=1` by `d~e e/x=2` moves `d` and then edits the file in it.

use std::collections::BTreeMap;

use syncmgr_engine::entry::FileTime;
use syncmgr_engine::path::{RelPath, undisplay};

use crate::memory::{Content, MemoryReplica, Node};
use crate::tree::{BadTree, Item, Tree, parse, usual_mode};

/// What one person did: renames in order, and the tree afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    /// Old and new names; the new name may be taken from a step before.
    pub renames: Vec<(RelPath, RelPath)>,
    /// All that is there in the end.
    pub tree: Tree,
}

impl Turn {
    /// Reads words of [`crate::tree`] and `old~new`.
    ///
    /// # Errors
    /// [`BadTree`] names the first word that is not in the format.
    pub fn parse(text: &str) -> Result<Self, BadTree> {
        let mut renames = Vec::new();
        let mut rest = Vec::new();
        for word in text.split_whitespace() {
            match word.split_once('~') {
                Some((from, to)) => renames.push((name(word, from)?, name(word, to)?)),
                None => rest.push(word),
            }
        }
        let tree = parse(&rest.join(" "))?;
        Ok(Self { renames, tree })
    }

    /// Carries it out.
    ///
    /// # Panics
    /// When a rename is not possible, or the tree is not what was asked for in the end: both are
    /// mistakes in the test.
    #[track_caller]
    pub fn carry_out(&self, replica: &MemoryReplica) {
        for (from, to) in &self.renames {
            let is_done = replica.rename(from.as_bytes(), to.as_bytes());
            assert!(is_done, "cannot rename `{from}` to `{to}`");
        }
        remove_surplus(replica, &self.tree);
        for (path, item) in &self.tree.0 {
            make(replica, path, item);
        }
        // Attributes last: making a name changes the times of its directory.
        for (path, item) in &self.tree.0 {
            adjust(replica, path, item);
        }
    }
}

fn name(word: &str, text: &str) -> Result<RelPath, BadTree> {
    let path = RelPath::new(&undisplay(text)).ok().filter(|p| !p.is_root());
    path.ok_or_else(|| BadTree {
        word: word.to_owned(),
        detail: "a rename needs two names inside the folder",
    })
}

/// Removes what is not wanted, or is of another kind, with all that is beneath it.
fn remove_surplus(replica: &MemoryReplica, tree: &Tree) {
    let there: BTreeMap<RelPath, Node> = replica.snapshot();
    for (path, node) in there {
        let is_wanted = tree
            .0
            .get(&path)
            .is_some_and(|item| is_same_kind(&item.content, &node.content));
        if !is_wanted {
            // `false` when it went with the directory above it.
            let _gone = replica.remove(path.as_bytes());
        }
    }
}

fn make(replica: &MemoryReplica, path: &RelPath, item: &Item) {
    let there = replica.node(path.as_bytes()).map(|node| node.content);
    if there.as_ref() == Some(&item.content) {
        return;
    }
    let at = path.as_bytes();
    match &item.content {
        Content::File(bytes) => replica.write(at, bytes),
        Content::Dir => replica.add_dir(at),
        Content::Link(target) => replica.link_text(at, target),
        Content::Special => replica.special(at),
    };
}

fn adjust(replica: &MemoryReplica, path: &RelPath, item: &Item) {
    let at = path.as_bytes();
    let Some(node) = replica.node(at) else { return };
    let mode = item.mode.unwrap_or(usual_mode(node.entry.kind));
    if mode != node.entry.mode {
        replica.chmod(at, mode);
    }
    let mtime = item.mtime_secs.map(|secs| FileTime::new(secs, 0));
    if let Some(mtime) = mtime.filter(|&mtime| mtime != node.entry.mtime) {
        replica.touch(at, mtime);
    }
    if item.is_readable != node.is_readable {
        replica.set_readable(at, item.is_readable);
    }
}

fn is_same_kind(a: &Content, b: &Content) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn turned(from: &str, to: &str) -> (BTreeMap<RelPath, Node>, MemoryReplica) {
        let replica = tree::replica(from);
        let before = replica.snapshot();
        replica.advance_clock(60_000_000_000);
        Turn::parse(to).unwrap().carry_out(&replica);
        (before, replica)
    }

    #[test]
    fn what_is_the_same_keeps_identity_and_times() {
        let (before, replica) = turned("a=1 b=2 d/x=3 l->a", "a=1 b=4 d/x=3 l->a n/y=5");
        assert_eq!(
            tree::of(&replica).to_string(),
            "a=1 b=4 d/ d/x=3 l->a n/ n/y=5"
        );
        let after = replica.snapshot();
        for path in [b"a".as_slice(), b"d", b"d/x", b"l"] {
            let path = RelPath::new(path).unwrap();
            assert_eq!(before.get(&path), after.get(&path));
        }
    }

    #[test]
    fn a_renamed_directory_takes_its_content_along() {
        let (before, replica) = turned("d/x=1 d/y=2", "d~e e/x=9 e/y=2");
        let old = &before[&RelPath::new(b"d/x").unwrap()].entry;
        assert_eq!(replica.node("e/x").unwrap().entry.id, old.id);
        assert_eq!(tree::of(&replica).to_string(), "e/ e/x=9 e/y=2");
    }

    #[test]
    fn kinds_change_and_attributes_too() {
        let to = "a/ a/b=1 d=2 e=3%600 f! g=";
        let (_, replica) = turned("a=1 d/x=2 e=3 f= g!", to);
        assert_eq!(tree::of(&replica).to_string(), to);
    }

    #[test]
    fn a_rename_that_names_nothing_is_refused() {
        assert_eq!(Turn::parse("a=1 ~b").unwrap_err().word, "~b");
    }
}
