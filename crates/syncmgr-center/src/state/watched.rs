//! What is known of changes in the folders of items, so that a run looks only where something
//! changed.
//!
//! Directories that changed gather until a run takes them along. If that run comes to its end, the
//! next one needs only what came since; if it does not, what it took still counts. Whenever the
//! watch is in doubt, the next run looks at everything.

use std::collections::BTreeSet;

use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Dirty, Intent, Work};
use syncmgr_model::trouble::{Code, Trouble};

use super::run::Run;
use super::{State, Turn};
use crate::command::Effect;

/// Most directories kept for one item; more are looked at faster by a look at everything.
const DIRS_MAX: usize = 10_000;

/// Changed directories, per folder of the item, relative to it.
type Dirs = Vec<BTreeSet<Vec<u8>>>;

/// What is known of an item whose folders are watched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The run since whose look every change is known; `None`: nothing is known for certain.
    since: Option<SessionId>,
    /// What changed since.
    dirs: Dirs,
    /// What a run that goes on took along; `None` in it: it looks at everything.
    taken: Option<(SessionId, Option<(SessionId, Dirs)>)>,
    /// It was said that the watch does not see everything.
    is_said: bool,
}

/// What a watch says about one folder of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Something changed directly in these directories, relative to the folder.
    Dirs(BTreeSet<Vec<u8>>),
    /// Anything may have changed.
    Lost,
    /// Not everything can be watched, and this is why; anything may have changed.
    Incomplete(String),
}

impl State {
    /// Has exactly those items watched that run on changes.
    pub(super) fn rewatch(&mut self, turn: &mut Turn) {
        let wanted: Vec<_> = self
            .items
            .iter()
            .filter(|(key, entry)| {
                entry.memory.is_enabled && !entry.paths.is_empty() && self.runs_on_change(key)
            })
            .map(|(key, entry)| (key.clone(), entry.paths.clone()))
            .collect();
        if wanted == self.watched {
            return;
        }
        for (key, paths) in &wanted {
            let is_new = !self
                .watched
                .iter()
                .any(|(old, same)| old == key && same == paths);
            if is_new && let Some(entry) = self.items.get_mut(key) {
                entry.watched = Some(Watched::default());
            }
        }
        for (key, _) in &self.watched {
            if !wanted.iter().any(|(other, _)| other == key)
                && let Some(entry) = self.items.get_mut(key)
            {
                entry.watched = None;
            }
        }
        self.watched.clone_from(&wanted);
        turn.push(Effect::Watch(wanted.clone()));
        for (key, _) in wanted {
            // What changed while nobody watched is not known.
            self.files_changed(&key, turn);
        }
    }

    /// Takes a report of the watch about one folder of an item.
    pub(super) fn seen_changes(
        &mut self,
        key: &ItemKey,
        folder: usize,
        seen: Seen,
        turn: &mut Turn,
    ) {
        let Some(entry) = self.items.get_mut(key) else {
            return;
        };
        let n_folders = entry.paths.len();
        let Some(watched) = entry.watched.as_mut() else {
            return;
        };
        watched.dirs.resize(n_folders, BTreeSet::new());
        let mut doubt = None;
        let mut is_back = false;
        match seen {
            Seen::Dirs(dirs) => {
                if let Some(known) = watched.dirs.get_mut(folder) {
                    known.extend(dirs);
                }
                if watched.dirs.iter().map(BTreeSet::len).sum::<usize>() > DIRS_MAX {
                    watched.forget();
                }
            }
            Seen::Lost => {
                watched.forget();
                is_back = true;
            }
            Seen::Incomplete(detail) => {
                watched.forget();
                if !watched.is_said {
                    watched.is_said = true;
                    let path = entry.paths.get(folder).cloned().unwrap_or_default();
                    doubt = Some((path, detail));
                }
            }
        }
        if is_back {
            // It may be what failures were waiting for.
            self.folder_returned(key, turn);
        }
        if let Some((path, detail)) = doubt {
            self.say_incomplete(key, &path, &detail, turn);
        }
        self.files_changed(key, turn);
    }

    fn say_incomplete(&mut self, key: &ItemKey, path: &[u8], detail: &str, turn: &mut Turn) {
        let new = NewEvent {
            item: Some(key.item.clone()),
            trouble: Trouble::new(Code::WatchIncomplete)
                .with("folder", syncmgr_model::escape::escape(path))
                .with("detail", detail)
                .at_level(EventLevel::Warning),
            link: Link::default(),
            context: None,
        };
        self.add_event(&key.handler, new, turn);
    }

    /// Returns what is known to have changed, for a session on one item; the session takes it
    /// along.
    pub(super) fn take_dirty(&mut self, id: &SessionId) -> Option<Dirty> {
        let run = self.runs.get(id)?;
        let [item] = run.order.as_slice() else {
            return None;
        };
        let is_full = !matches!(run.work, Work::Sync { is_full: false, .. });
        let is_preview = run.intent == Intent::Preview;
        let key = super::key(&run.handler, item);
        let watched = self.items.get_mut(&key)?.watched.as_mut()?;
        let known = watched.since.clone().filter(|_| !is_full);
        let dirty = known.map(|since| Dirty {
            since,
            dirs: watched.dirs.clone(),
        });
        if !is_preview {
            let dirs = std::mem::take(&mut watched.dirs);
            let taken = watched.since.take().map(|since| (since, dirs));
            watched.taken = Some((id.clone(), taken));
        }
        dirty
    }

    /// A session ended: what it took along is done with, or still counts.
    pub(super) fn settle_dirty(&mut self, run: &Run, record: &SessionRecord) {
        for result in &record.items {
            let key = super::key(&run.handler, &result.item);
            let Some(watched) = self.items.get_mut(&key).and_then(|it| it.watched.as_mut()) else {
                continue;
            };
            if watched.taken.as_ref().is_none_or(|(id, _)| *id != run.id) {
                continue;
            }
            let taken = watched.taken.take().and_then(|(_, taken)| taken);
            if result.status == Some(ProgressStatus::Succeeded) {
                watched.since = Some(run.id.clone());
            } else if let Some((since, dirs)) = taken {
                watched.since = Some(since);
                watched
                    .dirs
                    .resize(dirs.len().max(watched.dirs.len()), BTreeSet::new());
                for (all, old) in watched.dirs.iter_mut().zip(dirs) {
                    all.extend(old);
                }
            }
        }
    }
}

impl Watched {
    /// Anything may have changed: the next run looks at everything, and one that goes on is no
    /// ground to build on.
    fn forget(&mut self) {
        self.since = None;
        self.dirs.iter_mut().for_each(BTreeSet::clear);
        self.taken = None;
    }
}
