//! What people wrote and what became of it: the bookkeeping behind "no lost version" (I1) and
//! "only whole versions are seen" (I8).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use syncmgr_engine::entry::{FileId, Side, Sides};
use syncmgr_engine::path::RelPath;

use crate::memory::{Content, MemoryReplica, Node};
use crate::tree;

/// A picture of one side.
pub(super) type Picture = BTreeMap<RelPath, Node>;

/// Every content has been written by a person once, or is what a power cut made of one.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Content to whether it may vanish: a person overwrote or deleted a copy he saw.
    contents: BTreeMap<Arc<[u8]>, bool>,
    /// Written since the side was last settled; a power cut may take these.
    unsettled: Sides<BTreeSet<Arc<[u8]>>>,
    unsettled_ids: Sides<BTreeSet<FileId>>,
    n_written: u64,
    /// Made, but not known to have reached a file yet.
    fresh: Option<Arc<[u8]>>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let mut ledger = Self::default();
        // Nothing can be told of the way of an empty file.
        ledger.contents.insert(Arc::from([]), true);
        ledger
    }

    /// Makes a content nobody has written before, between one and some twenty bytes more than its
    /// number.
    pub(super) fn new_content(&mut self, padding: usize) -> Arc<[u8]> {
        self.n_written += 1;
        let text = format!("{}{}", self.n_written, "-".repeat(padding));
        let bytes: Arc<[u8]> = text.into_bytes().into();
        self.contents.insert(Arc::clone(&bytes), false);
        self.fresh = Some(Arc::clone(&bytes));
        bytes
    }

    /// Makes the content of a merge: a person's, but kept in no file yet, so it may be lost.
    pub(super) fn merged(&mut self, padding: usize) -> Arc<[u8]> {
        let bytes = self.new_content(padding);
        self.contents.insert(Arc::clone(&bytes), true);
        self.fresh = None;
        bytes
    }

    /// Notes what a person's doing on `side` changed there.
    pub(super) fn note(&mut self, side: Side, before: &Picture, after: &Picture) {
        let (had, has) = (files(before), files(after));
        for gone in had.difference(&has) {
            self.contents.insert(Arc::clone(gone), true);
        }
        // A write that was not possible wrote nothing.
        if let Some(fresh) = self.fresh.take().filter(|fresh| !has.contains(fresh)) {
            self.contents.insert(fresh, true);
        }
        for new in has.difference(&had) {
            self.unsettled[side].insert(Arc::clone(new));
        }
        for (path, node) in after {
            if before.get(path) != Some(node) {
                self.unsettled_ids[side].insert(node.entry.id);
            }
        }
    }

    /// Notes that everything on a side would survive a power cut now.
    pub(super) fn settle(&mut self, side: Side) {
        self.unsettled[side].clear();
        self.unsettled_ids[side].clear();
    }

    /// Takes in what a power cut left of files people had just written.
    ///
    /// # Errors
    /// A file that the engine had put there is torn.
    pub(super) fn after_cut(&mut self, side: Side, picture: &Picture) -> Result<(), String> {
        for content in std::mem::take(&mut self.unsettled[side]) {
            self.contents.insert(content, true);
        }
        for (path, node) in picture {
            let Content::File(bytes) = &node.content else {
                continue;
            };
            if self.contents.contains_key(bytes) {
                continue;
            }
            if !self.unsettled_ids[side].contains(&node.entry.id) {
                let side = side.as_str();
                return Err(format!(
                    "I10: the power cut tore `{path}` on the {side} side"
                ));
            }
            self.contents.insert(Arc::clone(bytes), true);
        }
        self.settle(side);
        Ok(())
    }

    /// Checks that every file that is seen has a content some person wrote whole (I8).
    ///
    /// # Errors
    /// Names the file.
    pub(super) fn check_whole(&self, side: Side, picture: &Picture) -> Result<(), String> {
        for (path, node) in picture {
            if let Content::File(bytes) = &node.content
                && !self.contents.contains_key(bytes)
            {
                let side = side.as_str();
                let shown = String::from_utf8_lossy(bytes);
                return Err(format!(
                    "I8: `{path}` on the {side} side is not whole: {shown:?}"
                ));
            }
        }
        Ok(())
    }

    /// Checks that no version a person wrote is lost (I1).
    ///
    /// # Errors
    /// Names the content and shows both trees.
    pub(super) fn check_kept(&self, replicas: &Sides<MemoryReplica>) -> Result<(), String> {
        let mut reachable = files(&replicas.left.all());
        reachable.extend(files(&replicas.right.all()));
        for (content, may_vanish) in &self.contents {
            if !may_vanish && !reachable.contains(content) {
                return Err(format!(
                    "I1: lost {:?}\n  left: {}\n  right: {}",
                    String::from_utf8_lossy(content),
                    tree::of(&replicas.left),
                    tree::of(&replicas.right),
                ));
            }
        }
        Ok(())
    }
}

/// The contents of all files of a picture.
pub(super) fn files(picture: &Picture) -> BTreeSet<Arc<[u8]>> {
    let contents = picture.values().filter_map(|node| match &node.content {
        Content::File(bytes) => Some(Arc::clone(bytes)),
        Content::Dir | Content::Link(_) | Content::Special => None,
    });
    contents.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(left: &str, right: &str) -> Sides<MemoryReplica> {
        Sides::new(tree::replica(left), tree::replica(right))
    }

    /// A person writes a new content at `a` on the left.
    fn write(ledger: &mut Ledger, replicas: &Sides<MemoryReplica>) -> Arc<[u8]> {
        let before = replicas.left.snapshot();
        let bytes = ledger.new_content(3);
        replicas.left.write("a", &bytes);
        ledger.note(Side::Left, &before, &replicas.left.snapshot());
        bytes
    }

    #[test]
    fn a_version_nobody_gave_up_must_be_somewhere() {
        let (mut ledger, replicas) = (Ledger::new(), sides("", ""));
        let bytes = write(&mut ledger, &replicas);
        ledger.check_kept(&replicas).unwrap();
        replicas.left.remove("a");
        assert!(ledger.check_kept(&replicas).unwrap_err().starts_with("I1"));
        replicas.right.write(".syncmgr/versions/r/a", &bytes);
        ledger.check_kept(&replicas).unwrap();
    }

    #[test]
    fn what_a_person_overwrote_may_vanish() {
        let (mut ledger, replicas) = (Ledger::new(), sides("", ""));
        write(&mut ledger, &replicas);
        write(&mut ledger, &replicas);
        ledger.check_kept(&replicas).unwrap();
    }

    #[test]
    fn a_write_that_was_not_possible_is_not_missed() {
        let (mut ledger, replicas) = (Ledger::new(), sides("a/", ""));
        write(&mut ledger, &replicas);
        ledger.check_kept(&replicas).unwrap();
    }

    #[test]
    fn a_part_of_a_content_is_not_whole() {
        let (mut ledger, replicas) = (Ledger::new(), sides("", ""));
        let bytes = write(&mut ledger, &replicas);
        let check = |ledger: &Ledger| ledger.check_whole(Side::Left, &replicas.left.snapshot());
        check(&ledger).unwrap();
        replicas.left.write("a", &bytes[1..]);
        assert!(check(&ledger).unwrap_err().starts_with("I8"));
    }

    #[test]
    fn a_power_cut_may_tear_only_what_people_had_just_written() {
        let (mut ledger, replicas) = (Ledger::new(), sides("", ""));
        let bytes = write(&mut ledger, &replicas);
        replicas.left.write("a", &bytes[1..]);
        let picture = replicas.left.snapshot();
        ledger.after_cut(Side::Left, &picture).unwrap();
        ledger.check_kept(&replicas).unwrap();
        replicas.left.write("b", "torn");
        let picture = replicas.left.snapshot();
        let torn = ledger.after_cut(Side::Left, &picture).unwrap_err();
        assert!(torn.starts_with("I10"), "{torn}");
    }
}
