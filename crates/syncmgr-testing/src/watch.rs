//! A watch that misses nothing and reports nothing else: the difference of two pictures.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_engine::entry::Kind;
use syncmgr_engine::path::RelPath;

use crate::memory::Node;

/// Returns the directories directly in which something changed from one picture to a later one, as
/// narrowly as a system that reports every change would.
#[must_use]
pub fn changed_dirs(
    before: &BTreeMap<RelPath, Node>,
    after: &BTreeMap<RelPath, Node>,
) -> BTreeSet<RelPath> {
    let mut dirs = BTreeSet::new();
    for path in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(path), after.get(path));
        if is_same(old, new) {
            continue;
        }
        dirs.insert(path.parent().unwrap_or_default());
        // Whether a directory can be read is a matter of its own listing.
        let was_readable = old.is_none_or(|node| node.is_readable);
        let is_readable = new.is_none_or(|node| node.is_readable);
        if was_readable != is_readable {
            dirs.insert(path.clone());
        }
    }
    dirs
}

fn is_same(old: Option<&Node>, new: Option<&Node>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) if old.entry.kind == Kind::Dir && new.entry.kind == Kind::Dir => {
            let key = |node: &Node| {
                let entry = &node.entry;
                (entry.id, entry.mode, entry.is_mount, node.is_readable)
            };
            key(old) == key(new)
        }
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn only_the_directory_itself_is_reported() {
        let replica = tree::replica("a/b/c=1 a/d=1 e/f=1");
        let before = replica.snapshot();
        assert_eq!(changed_dirs(&before, &before), BTreeSet::new());
        replica.write("a/b/c", "2");
        replica.rename("a/d", "e/d");
        let dirs = ["a", "a/b", "e"].map(|dir| RelPath::new(dir.as_bytes()).unwrap());
        assert_eq!(changed_dirs(&before, &replica.snapshot()), dirs.into());
    }
}
