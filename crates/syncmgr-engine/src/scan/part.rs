//! What a look at a part of the trees does besides: it goes through directories that only lead to
//! others, and keeps count of what it passes by.

use super::{Ground, Met, Scan, Visit, Worker, state_failure};
use crate::entry::{Side, Sides};
use crate::pair::Failure;
use crate::plan::Census;
use crate::state::{DirId, Records};
use crate::workers::Found;

impl Scan {
    /// Completes the count after a look at a part of the trees: where nobody went, both sides have
    /// what the base has. `false` when the numbers cannot be right.
    pub(crate) fn complete_census(&mut self, whole: Census) -> bool {
        let Some(elsewhere) = whole.without(&self.known) else {
            return false;
        };
        self.census = self.census.map(|seen| seen.with(&elsewhere));
        true
    }
}

impl Ground<'_> {
    /// Goes through a directory that only leads to others, asking for nothing but the names on the
    /// way. `false` when it has to be listed: because that is wanted, or because a name on the way
    /// is not as agreed, although nobody reported that.
    pub(super) fn pass_through(
        &self,
        worker: &mut Worker,
        visit: &Visit,
        found: &mut Found<Visit>,
    ) -> Result<bool, Failure> {
        let Some(focus) = self.focus.filter(|_| !visit.is_whole) else {
            return Ok(false);
        };
        if focus.lists(&visit.path) {
            return Ok(false);
        }
        let mut ways = Vec::new();
        for name in focus.names_in(&visit.path) {
            let path = visit.path.join(&name);
            if self.excludes.excluding(&path, true).is_some() {
                continue;
            }
            let record = match visit.base {
                Some(dir) => worker.reader.find_in(dir, &name),
                None => Ok(None),
            };
            let record = record.map_err(|error| state_failure(&error))?;
            let seen = Sides::from_fn(|side| self.sides[side].stat(&path).ok());
            let (Some(left), Some(right)) = (seen.left, seen.right) else {
                return Ok(false);
            };
            let entries = Sides::new(left.as_ref(), right.as_ref());
            let Some(record) = record else {
                if left.is_some() || right.is_some() {
                    return Ok(false);
                }
                continue; // gone from both sides, and forgotten
            };
            let is_as_agreed = Side::BOTH.into_iter().all(|side| {
                let modes = self.sides[side].capabilities().modes;
                entries[side].is_some_and(|entry| record.agreed.is_unchanged(side, entry, modes))
            });
            if !is_as_agreed {
                return Ok(false);
            }
            self.refuse_other_root(&Met {
                name: &name,
                base: None,
                entries,
            })?;
            let is_whole = focus.is_tree(&path);
            ways.extend(record.dir.map(|dir| Visit {
                path,
                has: Sides::new(true, true),
                base: Some(dir),
                is_whole,
            }));
        }
        for way in ways {
            found.push(way);
        }
        Ok(true)
    }

    /// Counts what is remembered beneath a directory that this look does not enter.
    pub(super) fn count_beneath(
        &self,
        worker: &mut Worker,
        dir: Option<DirId>,
    ) -> Result<(), Failure> {
        if self.focus.is_none() {
            return Ok(());
        }
        let mut records = Records::new();
        let mut waiting: Vec<DirId> = dir.into_iter().collect();
        while let Some(dir) = waiting.pop() {
            let listed = worker.reader.list(dir, &mut records);
            listed.map_err(|error| state_failure(&error))?;
            for at in 0..records.len() {
                let known = &mut worker.out.known;
                known.add(records.kind(at), records.size(at));
                waiting.extend(records.dir(at));
            }
        }
        Ok(())
    }
}
