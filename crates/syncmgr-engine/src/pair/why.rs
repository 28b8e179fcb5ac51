//! Answers questions about single paths: their contents, and why they are or are not in sync.

use std::collections::BTreeMap;

use super::error::Failure;
use super::options::Options;
use super::outcome::{ContentOf, Why};
use super::{Asked, Dirty, Pair};
use crate::cancel::Cancel;
use crate::entry::{Entry, Kind, Side, Sides};
use crate::monitor::Silent;
use crate::path::RelPath;
use crate::plan::{Problem, ProblemKind};
use crate::replica::{FaultKind, read_limited};
use crate::scan::state_failure;

impl Pair {
    /// Reads a content of at most `limit` bytes; `None` when it is not there, not kept, no regular
    /// file, or longer.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn read(
        &self,
        path: &RelPath,
        of: &ContentOf,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (side, at) = match of {
            ContentOf::Base => {
                let state = self.memory();
                let stored = state.conflicts().map_err(|error| state_failure(&error))?;
                let of_conflict = stored
                    .into_iter()
                    .find(|c| c.path == *path)
                    .and_then(|c| c.base);
                let agreed = match of_conflict {
                    Some(agreed) => Some(agreed),
                    None => state.get(path).map_err(|error| state_failure(&error))?,
                };
                let Some(hash) = agreed.and_then(|agreed| agreed.hash) else {
                    return Ok(None);
                };
                let content = state
                    .content(&hash)
                    .map_err(|error| state_failure(&error))?;
                return Ok(content.filter(|content| content.len() <= limit));
            }
            ContentOf::Side(side) => (*side, path),
            ContentOf::Version(version) => (version.side, &version.kept_at),
        };
        let dir = self.sides[side].open_dir(&at.parent().unwrap_or_default());
        let content = dir.and_then(|dir| dir.open(at.name()));
        let read =
            content.and_then(|mut content| read_limited(&mut *content, limit, &Cancel::new()));
        match read {
            Ok(bytes) => Ok(bytes),
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::WrongKind) => {
                Ok(None)
            }
            Err(fault) => Err(Failure::NotPossible(fault.to_string())),
        }
    }

    /// Returns the uppermost directory above a path that is not on both sides: what becomes of the
    /// path is decided there. The path itself when there is none.
    fn fate_of(&self, path: &RelPath) -> RelPath {
        let mut above: Vec<_> = path.ancestors().filter(|dir| !dir.is_root()).collect();
        above.reverse();
        let is_dir = |side: Side, dir: &RelPath| matches!(self.sides[side].stat(dir), Ok(Some(entry)) if entry.kind == Kind::Dir);
        let is_on_both = |dir: &RelPath| Side::BOTH.into_iter().all(|side| is_dir(side, dir));
        let undecided = above.into_iter().find(|dir| !is_on_both(dir));
        undecided.unwrap_or_else(|| path.clone())
    }

    /// Says why a path is, or is not, in sync, by looking at it now.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn why(&self, path: &RelPath, options: &Options) -> Result<Why, Failure> {
        if path.components().any(crate::path::is_own_name) {
            return Ok(Why::Own);
        }
        let mut entries = Sides::default();
        for side in Side::BOTH {
            entries[side] = match self.sides[side].stat(path) {
                Ok(entry) => entry,
                Err(fault) => {
                    let kind = ProblemKind::Unreadable(fault);
                    return Ok(Why::Problem(Problem {
                        path: path.clone(),
                        side: Some(side),
                        kind,
                    }));
                }
            };
        }
        let is_dir = Side::BOTH
            .into_iter()
            .any(|side| entries[side].is_some_and(|e: Entry| e.kind == Kind::Dir));
        if let Some((at, pattern)) = options.excludes.excluding_anywhere(path, is_dir) {
            return Ok(Why::Excluded {
                pattern: pattern.to_owned(),
                at,
            });
        }
        let asked = Asked {
            options,
            decided: &BTreeMap::new(),
            scope: &[self.fate_of(path)],
            dirty: &Dirty::All,
        };
        let plan = self.look(&asked, &Silent, &Cancel::new())?;
        let above = |other: &RelPath| path.is_within(other) || other.is_within(path);
        if let Some(conflict) = plan.conflicts.iter().find(|conflict| above(&conflict.path)) {
            return Ok(Why::Conflict(conflict.kind));
        }
        if let Some(problem) = plan.problems.iter().find(|problem| above(&problem.path)) {
            return Ok(Why::Problem(problem.clone()));
        }
        let change = plan
            .changes
            .into_iter()
            .find(|change| change.path == *path && !change.is_memory_only());
        if let Some(change) = change {
            return Ok(Why::Pending(Box::new(change)));
        }
        let is_nowhere = entries.left.is_none() && entries.right.is_none();
        Ok(if is_nowhere {
            Why::Nowhere
        } else {
            Why::InSync
        })
    }
}
