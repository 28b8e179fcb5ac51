//! Looks into one folder of a pair: what is in it on each side, and how that stands to what was
//! agreed on; and what exclusions would cover. Reads listings and the base, never a content, so what
//! it says of a file is what its size and times say.

use std::collections::{BTreeMap, BTreeSet};

use super::Pair;
use super::error::Failure;
use super::options::Options;
use crate::cancel::Cancel;
use crate::entry::{Agreed, Entry, Kind, Side, Sides};
use crate::path::RelPath;
use crate::replica::{FaultKind, Listing};
use crate::rules::Excludes;
use crate::scan::state_failure;
use crate::state::{DirId, Records};

/// One name in a folder of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The name.
    pub name: Box<[u8]>,
    /// What each side has.
    pub entries: Sides<Option<Entry>>,
    /// How it stands.
    pub standing: Standing,
}

/// How a name stands to what was agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Equal on both sides.
    Same,
    /// Only this side has it.
    Only(Side),
    /// This side changed it.
    Changed(Side),
    /// Both sides changed it, or both have it and nothing was agreed on.
    ChangedBoth,
    /// It, or something in it, waits for a decision.
    Conflict,
    /// This pattern covers it.
    Excluded(String),
    /// syncmgr's own data.
    Own,
    /// It cannot be synced: a special file, or a side that could not be read, with the reason.
    Unsynced(Option<String>),
}

/// What exclusions would newly cover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covered {
    /// How many files and links.
    pub n_files: u64,
    /// Their bytes; of a file with two contents, those of the larger.
    pub bytes: u64,
    /// The first paths, folders that are covered as a whole among them.
    pub sample: Vec<RelPath>,
    /// The walk came to its end; otherwise there may be more.
    pub is_whole: bool,
}

/// What a side has in one folder.
struct Listed {
    listing: Listing,
    own: Vec<Box<[u8]>>,
    /// Why it could not be read.
    fault: Option<String>,
    is_there: bool,
}

impl Pair {
    /// Looks into one folder. Costs as much as that folder has names.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is on no side and was never agreed on; another [`Failure`] when
    /// the memory cannot be read.
    pub fn children(&self, folder: &RelPath, options: &Options) -> Result<Vec<Child>, Failure> {
        let sides = Sides::from_fn(|side| self.listed(side, folder));
        let records = self.agreed_in(folder)?;
        let is_known = records.is_some() || sides.left.is_there || sides.right.is_there;
        if !is_known {
            return Err(Failure::NotFound {
                what: "folder",
                name: folder.display(),
            });
        }
        let records = records.unwrap_or_default();
        let disputed = self.disputed_in(folder)?;
        let around = options.excludes.excluding_anywhere(folder, true);
        let around = around.map(|(_, pattern)| pattern.to_owned());
        let mut names: BTreeMap<Box<[u8]>, Sides<Option<Entry>>> = BTreeMap::new();
        for side in Side::BOTH {
            for (name, entry) in sides[side].listing.iter() {
                names.entry(name.into()).or_default()[side] = Some(*entry);
            }
        }
        let fault = sides.left.fault.as_ref().or(sides.right.fault.as_ref());
        let mut children: Vec<_> = names
            .into_iter()
            .map(|(name, entries)| {
                let path = folder.join(&name);
                let is_dir = is_dir(&entries);
                let pattern = around
                    .as_deref()
                    .or_else(|| options.excludes.excluding(&path, is_dir));
                let agreed = records.search(&name).ok().map(|at| records.agreed(at));
                let is_special = Side::BOTH
                    .into_iter()
                    .any(|side| entries[side].is_some_and(|entry| entry.kind == Kind::Special));
                let standing = if let Some(pattern) = pattern {
                    Standing::Excluded(pattern.to_owned())
                } else if is_special {
                    Standing::Unsynced(None)
                } else if let Some(fault) = fault {
                    Standing::Unsynced(Some(fault.clone()))
                } else if disputed.contains(&*name) {
                    Standing::Conflict
                } else {
                    self.standing(agreed.as_ref(), &entries)
                };
                Child {
                    name,
                    entries,
                    standing,
                }
            })
            .collect();
        let own: BTreeSet<_> = sides.left.own.into_iter().chain(sides.right.own).collect();
        children.extend(own.into_iter().map(|name| Child {
            name,
            entries: Sides::default(),
            standing: Standing::Own,
        }));
        Ok(children)
    }

    /// Says how two readings stand to what was agreed on.
    fn standing(&self, agreed: Option<&Agreed>, entries: &Sides<Option<Entry>>) -> Standing {
        let (Some(left), Some(right)) = (entries.left, entries.right) else {
            return match entries.left {
                Some(_) => Standing::Only(Side::Left),
                None => Standing::Only(Side::Right),
            };
        };
        let is_as_agreed = |side: Side, entry: &Entry| {
            let can_mode = self.sides[side].capabilities().modes;
            agreed.is_some_and(|agreed| {
                agreed.is_unchanged(side, entry, can_mode) || looks_as(agreed, side, entry)
            })
        };
        match (
            is_as_agreed(Side::Left, &left),
            is_as_agreed(Side::Right, &right),
        ) {
            (true, true) => Standing::Same,
            (false, true) => Standing::Changed(Side::Left),
            (true, false) => Standing::Changed(Side::Right),
            (false, false) if look_alike(&left, &right) => Standing::Same,
            (false, false) => Standing::ChangedBoth,
        }
    }

    fn listed(&self, side: Side, folder: &RelPath) -> Listed {
        let mut found = Listed {
            listing: Listing::default(),
            own: Vec::new(),
            fault: None,
            is_there: false,
        };
        let dir = self.sides[side].open_dir(folder);
        let listed = dir.and_then(|dir| dir.list(&mut found.listing, &mut found.own));
        match listed {
            Ok(()) => found.is_there = true,
            Err(fault) if fault.is_one_of(&[FaultKind::NotFound, FaultKind::WrongKind]) => {
                found.listing.clear();
            }
            Err(fault) => {
                found.listing.clear();
                found.is_there = true;
                found.fault = Some(fault.to_string());
            }
        }
        found
    }

    /// Returns what was agreed on in a folder; `None` when the folder itself was not.
    fn agreed_in(&self, folder: &RelPath) -> Result<Option<Records>, Failure> {
        let reader = self.memory().reader();
        let mut reader = reader.map_err(|error| state_failure(&error))?;
        let dir = if folder.is_root() {
            Some(DirId::ROOT)
        } else {
            let record = reader.find(folder).map_err(|error| state_failure(&error))?;
            record.and_then(|record| record.dir)
        };
        let Some(dir) = dir else { return Ok(None) };
        let mut records = Records::new();
        reader
            .list(dir, &mut records)
            .map_err(|error| state_failure(&error))?;
        Ok(Some(records))
    }

    /// Returns the names in a folder that wait for a decision, or in which something does.
    fn disputed_in(&self, folder: &RelPath) -> Result<BTreeSet<Box<[u8]>>, Failure> {
        let stored = self.memory().conflicts();
        let stored = stored.map_err(|error| state_failure(&error))?;
        let name = |path: RelPath| {
            let below = path.strip(folder)?;
            below.components().next().map(Into::into)
        };
        Ok(stored.into_iter().filter_map(|it| name(it.path)).collect())
    }

    /// Says what further exclusions would cover that the ones there are do not. Walks both sides, no
    /// more than `n_most` names.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    pub fn covered(
        &self,
        now: &Excludes,
        then: &Excludes,
        (n_most, n_sample): (u64, usize),
        cancel: &Cancel,
    ) -> Result<Covered, Failure> {
        let mut covered = Covered {
            is_whole: true,
            ..Covered::default()
        };
        let mut n_seen = 0;
        let mut open = vec![(RelPath::root(), false)];
        while let Some((folder, is_covered)) = open.pop() {
            if cancel.is_cancelled() {
                return Err(Failure::Stopped);
            }
            let mut names: BTreeMap<Box<[u8]>, Sides<Option<Entry>>> = BTreeMap::new();
            for side in Side::BOTH {
                for (name, entry) in self.listed(side, &folder).listing.iter() {
                    names.entry(name.into()).or_default()[side] = Some(*entry);
                }
            }
            n_seen += names.len() as u64;
            if n_seen > n_most {
                covered.is_whole = false;
                break;
            }
            for (name, entries) in names {
                let path = folder.join(&name);
                let is_dir = is_dir(&entries);
                if now.excluding(&path, is_dir).is_some() {
                    continue;
                }
                let is_hit = !is_covered && then.excluding(&path, is_dir).is_some();
                if is_hit && covered.sample.len() < n_sample {
                    covered.sample.push(path.clone());
                }
                let is_covered = is_covered || is_hit;
                if is_dir {
                    open.push((path, is_covered));
                } else if is_covered {
                    let size = |side: Side| entries[side].map_or(0, |entry| entry.size);
                    let larger = size(Side::Left).max(size(Side::Right));
                    covered.n_files += 1;
                    covered.bytes = covered.bytes.saturating_add(larger);
                }
            }
        }
        Ok(covered)
    }
}

fn is_dir(entries: &Sides<Option<Entry>>) -> bool {
    let is_dir = |side: Side| entries[side].is_some_and(|entry| entry.kind == Kind::Dir);
    Side::BOTH.into_iter().any(is_dir)
}

/// Says whether a reading is what was agreed on by all that people see of it.
fn looks_as(agreed: &Agreed, side: Side, entry: &Entry) -> bool {
    agreed.kind == entry.kind
        && (entry.kind == Kind::Dir
            || (agreed.size == entry.size && agreed.stamp(side).mtime == entry.mtime))
}

/// Says whether two readings are equal by all that people see of them.
fn look_alike(left: &Entry, right: &Entry) -> bool {
    left.kind == right.kind
        && (left.kind == Kind::Dir || (left.size == right.size && left.mtime == right.mtime))
}
