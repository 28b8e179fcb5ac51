//! Brings kept versions back.

use super::Pair;
use super::error::Failure;
use super::options::Options;
use super::outcome::Version;
use crate::entry::{Kind, Side, Sides, State as Seen};
use crate::look;
use crate::path::RelPath;
use crate::plan::{Change, Op, Plan, Reason, Source};
use crate::replica::Fault;

impl Pair {
    /// Makes the plan that brings a version back on both sides. To be carried out with
    /// [`RunKind::Restore`](crate::journal::RunKind::Restore).
    ///
    /// # Errors
    /// [`Failure::NotPossible`], [`Failure::Root`], [`Failure::State`].
    pub fn plan_restore(&self, version: &Version, _options: &Options) -> Result<Plan, Failure> {
        let mut seen = Sides::<Seen>::default();
        let not_possible = |fault: Fault| Failure::NotPossible(fault.to_string());
        for side in Side::BOTH {
            seen[side] = match self.sides[side].stat(&version.path).map_err(not_possible)? {
                Some(entry) if entry.kind == Kind::Dir => {
                    let text = format!("`{}` is a folder now; move it away first", version.path);
                    return Err(Failure::NotPossible(text));
                }
                Some(entry) => Seen::Present(entry),
                None => Seen::Absent,
            };
        }
        let entry = self.sides[version.side]
            .stat(&version.kept_at)
            .map_err(not_possible)?;
        let Some(entry) = entry.filter(|entry| entry.is_same_file(&version.entry)) else {
            let name = version.path.display();
            return Err(Failure::NotFound {
                what: "version",
                name,
            });
        };
        let op = if entry.kind == Kind::Symlink {
            let dir =
                self.sides[version.side].open_dir(&version.kept_at.parent().unwrap_or_default());
            let target = dir
                .and_then(|dir| dir.read_link(version.kept_at.name()))
                .map_err(not_possible)?;
            Op::Link {
                target,
                mtime: entry.mtime,
            }
        } else {
            let source = Source::Version {
                side: version.side,
                path: version.kept_at.clone(),
                seen: Box::new(entry),
            };
            look::copy_op(source, &entry)
        };
        let mut plan = Plan {
            looked_at: self.clock.now(),
            ..Plan::default()
        };
        plan.changes = self.missing_dirs(&version.path).map_err(not_possible)?;
        plan.changes.push(Change {
            path: version.path.clone(),
            ops: Sides::new(Some(op.clone()), Some(op)),
            seen,
            hash: None,
            link: None,
            reason: Reason::Undone,
            held: None,
            leaves_apart: false,
        });
        Ok(plan)
    }

    /// Plans the folders above a path that are missing on either side.
    fn missing_dirs(&self, path: &RelPath) -> Result<Vec<Change>, Fault> {
        let mut changes = Vec::new();
        for dir in path.ancestors().filter(|dir| !dir.is_root()) {
            let mut seen = Sides::<Seen>::default();
            for side in Side::BOTH {
                seen[side] = self.sides[side]
                    .stat(&dir)?
                    .map_or(Seen::Absent, Seen::Present);
            }
            let made = Op::MakeDir {
                mode: 0o755,
                mtime: self.clock.now(),
            };
            let ops = Sides::from_fn(|side| seen[side].is_absent().then(|| made.clone()));
            if ops != Sides::default() {
                changes.push(Change {
                    path: dir,
                    ops,
                    seen,
                    hash: None,
                    link: None,
                    reason: Reason::Undone,
                    held: None,
                    leaves_apart: false,
                });
            }
        }
        changes.reverse();
        Ok(changes)
    }
}
