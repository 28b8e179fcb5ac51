//! Remembers what was taken back and stays where it was written: the next run would bring it over
//! again, and has to ask first.

use std::collections::BTreeSet;

use crate::entry::{Side, Sides, State as Seen};
use crate::path::{RelPath, undisplay};
use crate::plan::{Change, HoldKind, Op, Plan};
use crate::replica::Observe;
use crate::state::{State, StateError};

/// Under this name the state keeps the paths, one in a line, as they are displayed.
const KEY: &str = "taken-back";

/// Paths whose copies were taken back. A directory stands for everything in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenBack(BTreeSet<RelPath>);

impl TakenBack {
    /// Reads what is remembered.
    pub(crate) fn read(state: &State) -> Result<Self, StateError> {
        let text = state.meta(KEY)?.unwrap_or_default();
        let paths = text.lines().map(|line| RelPath::new(&undisplay(line)));
        Ok(Self(paths.filter_map(Result::ok).collect()))
    }

    /// Says whether this change makes on `side` again what was taken back there.
    pub(crate) fn returns(&self, change: &Change, side: Side) -> bool {
        let makes = matches!(
            change.ops[side],
            Some(Op::Copy { .. } | Op::Link { .. } | Op::MakeDir { .. })
        );
        makes && matches!(change.seen[side], Seen::Absent) && self.covering(&change.path).is_some()
    }

    fn covering(&self, path: &RelPath) -> Option<&RelPath> {
        if self.0.is_empty() {
            return None;
        }
        let own = std::iter::once(path.clone());
        own.chain(path.ancestors())
            .find_map(|path| self.0.get(&path))
    }

    /// Remembers, before anything is done, what an undo leaves on one side only.
    pub(crate) fn add(mut self, plan: &Plan, state: &mut State) -> Result<(), StateError> {
        // Sorted, so a directory comes before what is in it.
        for change in plan
            .changes
            .iter()
            .filter(|change| change.stays_on().is_some())
        {
            if self.covering(&change.path).is_none() {
                self.0.insert(change.path.clone());
            }
        }
        self.write(state)
    }

    /// Forgets, before anything is done, what a person let go, and what is not on one side alone
    /// any more. What the run does not speak of is looked for, because it may be excluded now, or in
    /// a folder that could not be read; a look at a part says nothing about the rest.
    pub(crate) fn settle(
        mut self,
        plan: &Plan,
        state: &mut State,
        sides: &Sides<&dyn Observe>,
    ) -> Result<(), StateError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let covering = |is_held: bool| -> BTreeSet<RelPath> {
            let held = |change: &&Change| (change.held == Some(HoldKind::TakenBack)) == is_held;
            let changes = plan.changes.iter().filter(held);
            changes
                .filter_map(|change| self.covering(&change.path).cloned())
                .collect()
        };
        let (waiting, gone) = (covering(true), covering(false));
        self.0.retain(|path| {
            waiting.contains(path)
                || !gone.contains(path) && (plan.is_targeted || may_be_alone(path, sides))
        });
        self.write(state)
    }

    fn write(&self, state: &mut State) -> Result<(), StateError> {
        let lines: Vec<_> = self.0.iter().map(RelPath::display).collect();
        let text = lines.join("\n");
        if state.meta(KEY)?.unwrap_or_default() == text {
            return Ok(());
        }
        state.set_meta(KEY, &text)
    }
}

/// Says whether a path is on one side alone, or this cannot be known.
fn may_be_alone(path: &RelPath, sides: &Sides<&dyn Observe>) -> bool {
    match (sides.left.stat(path), sides.right.stat(path)) {
        (Ok(left), Ok(right)) => left.is_some() != right.is_some(),
        _ => true,
    }
}
