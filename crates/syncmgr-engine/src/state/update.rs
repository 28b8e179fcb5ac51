//! Changing what was agreed: many changes, one transaction, every page rewritten once.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::base::{blob, with_page_row};
use super::codec::Writer;
use super::error::{StateError, Trying};
use super::page::{self, RECORDS_MAX, Raw};
use super::record::Fixed;
use super::{DirId, census, meta};
use crate::entry::{Agreed, Kind};
use crate::path::RelPath;
use crate::plan::Census;

const WHAT: &str = "write what was agreed";

/// Pages held open at a time: a depth-first sequence of changes returns to the page of every
/// directory on the way, so this covers trees of that depth without writing a page twice.
const OPEN_MAX: usize = 32;

/// Directories whose id is remembered during an update; a bound on memory, nothing else.
const DIRS_MAX: usize = 1 << 16;

/// Where the next directory id is kept.
const NEXT_DIR: &str = "base.next-dir";

/// One change of what both sides agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseChange {
    /// The path is equal on both sides, as this. Skipped when its directory is not in the base
    /// (the next run agrees on it) and for the root. A directory keeps its content; anything else
    /// that takes a directory's place makes its content forgotten.
    Put {
        /// The path.
        path: RelPath,
        /// What both sides have.
        agreed: Agreed,
    },
    /// The path is gone on both sides, or is to be forgotten; a directory with everything beneath.
    Remove {
        /// The path.
        path: RelPath,
    },
    /// The record of `from`, with everything beneath, becomes that of `to`, whose own is forgotten.
    /// The cost does not depend on how much is beneath. Without a record at `from`, or into
    /// itself, nothing happens; when the directory of `to` is not in the base, the record is
    /// forgotten.
    Move {
        /// The old path.
        from: RelPath,
        /// The new path.
        to: RelPath,
    },
}

/// Carries out changes in order; the caller commits.
pub(super) fn update(
    conn: &Connection,
    is_swapped: bool,
    changes: &[BaseChange],
) -> Result<(), StateError> {
    let known = census::get(conn)?;
    let mut editor = Editor::new(conn, is_swapped, known);
    for change in changes {
        match change {
            BaseChange::Put { path, agreed } => editor.put(path, agreed)?,
            BaseChange::Remove { path } => editor.remove(path)?,
            BaseChange::Move { from, to } => editor.rename(from, to)?,
        }
    }
    editor.finish()
}

/// A page that is being changed. It is responsible for the names from `first` up to `until`.
struct OpenPage {
    dir: DirId,
    first: Box<[u8]>,
    until: Option<Box<[u8]>>,
    records: Vec<Raw>,
    is_dirty: bool,
    used: u64,
}

impl OpenPage {
    fn covers(&self, dir: DirId, name: &[u8]) -> bool {
        self.dir == dir
            && *self.first <= *name
            && self.until.as_deref().is_none_or(|until| name < until)
    }

    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        // Changes come sorted, so most new names go to the end.
        if self.records.last().is_none_or(|last| *last.name < *name) {
            return Err(self.records.len());
        }
        self.records
            .binary_search_by(|record| (*record.name).cmp(name))
    }
}

struct Editor<'c> {
    conn: &'c Connection,
    is_swapped: bool,
    open: Vec<OpenPage>,
    /// Where in `open` the last change was.
    recent: usize,
    /// Counts up, to find the page that was not used for longest.
    now: u64,
    dirs: BTreeMap<RelPath, DirId>,
    /// The directory of the last change.
    parent: Option<(Box<[u8]>, DirId)>,
    /// The next free id, and whether it was read.
    next_dir: Option<u64>,
    buffer: Writer,
    /// How much was agreed before, if that is known.
    known: Option<Census>,
    added: Census,
    removed: Census,
}

impl<'c> Editor<'c> {
    fn new(conn: &'c Connection, is_swapped: bool, known: Option<Census>) -> Self {
        Self {
            conn,
            is_swapped,
            open: Vec::new(),
            recent: 0,
            now: 0,
            dirs: BTreeMap::new(),
            parent: None,
            next_dir: None,
            buffer: Writer::new(),
            known,
            added: Census::default(),
            removed: Census::default(),
        }
    }

    fn put(&mut self, path: &RelPath, agreed: &Agreed) -> Result<(), StateError> {
        let Some(dir) = self.parent_id(path)? else {
            return Ok(());
        };
        let at = self.page_for(dir, path.name())?;
        let known = self.open[at].search(path.name());
        let old_dir = known.ok().and_then(|i| self.open[at].records[i].dir());
        let new_dir = match (agreed.kind == Kind::Dir, old_dir) {
            (true, Some(id)) => Some(id),
            (true, None) => Some(self.fresh_id()?),
            (false, _) => None,
        };
        if let Ok(i) = known {
            self.count_out(at, i);
        }
        self.added.add(agreed.kind, agreed.size);
        let fixed = Fixed::of(agreed).turned(self.is_swapped);
        self.place(at, known, path.name(), page::body(new_dir, &fixed));
        if let (Some(old), None) = (old_dir, new_dir) {
            self.forget(path);
            self.purge(old)?;
        }
        if let Some(id) = new_dir {
            self.remember(path.clone(), id);
        }
        Ok(())
    }

    fn remove(&mut self, path: &RelPath) -> Result<(), StateError> {
        if path.is_root() {
            self.forget(path);
            return self.purge(DirId::ROOT);
        }
        let Some(record) = self.cut(path)? else {
            return Ok(());
        };
        count(&mut self.removed, &record);
        self.drop_content(path, &record)
    }

    fn rename(&mut self, from: &RelPath, to: &RelPath) -> Result<(), StateError> {
        if from.is_root() || to.is_within(from) {
            return Ok(());
        }
        let Some(record) = self.cut(from)? else {
            return Ok(());
        };
        self.forget(from);
        let Some(dir) = self.parent_id(to)? else {
            count(&mut self.removed, &record);
            return self.drop_content(from, &record);
        };
        let at = self.page_for(dir, to.name())?;
        let known = self.open[at].search(to.name());
        let replaced = known.ok().and_then(|i| self.open[at].records[i].dir());
        if let Ok(i) = known {
            self.count_out(at, i);
        }
        self.place(at, known, to.name(), record.body);
        self.forget(to);
        // Also right when `to` was above `from`: the record was taken out before its old
        // directory goes.
        replaced.map_or(Ok(()), |old| self.purge(old))
    }

    /// Writes everything back.
    fn finish(mut self) -> Result<(), StateError> {
        for page in std::mem::take(&mut self.open) {
            self.write(&page)?;
        }
        if self.added != self.removed {
            let known = self.known.map(|known| known.with(&self.added));
            census::set(self.conn, known.and_then(|sum| sum.without(&self.removed)))?;
        }
        match self.next_dir {
            Some(next) => meta::set(self.conn, NEXT_DIR, &next.to_string()),
            None => Ok(()),
        }
    }

    /// Takes a record that is about to be replaced out of the count.
    fn count_out(&mut self, at: usize, i: usize) {
        count(&mut self.removed, &self.open[at].records[i]);
    }

    /// Takes a record out of its page.
    fn cut(&mut self, path: &RelPath) -> Result<Option<Raw>, StateError> {
        let Some(dir) = self.parent_id(path)? else {
            return Ok(None);
        };
        let at = self.page_for(dir, path.name())?;
        let page = &mut self.open[at];
        let Ok(i) = page.search(path.name()) else {
            return Ok(None);
        };
        page.is_dirty = true;
        Ok(Some(page.records.remove(i)))
    }

    /// Forgets what was beneath a record that is gone.
    fn drop_content(&mut self, path: &RelPath, record: &Raw) -> Result<(), StateError> {
        let Some(dir) = record.dir() else {
            return Ok(());
        };
        self.forget(path);
        self.purge(dir)
    }

    /// Puts a record where [`OpenPage::search`] said, and splits the page when it is full.
    fn place(&mut self, at: usize, known: Result<usize, usize>, name: &[u8], body: Box<[u8]>) {
        let page = &mut self.open[at];
        match known {
            Ok(i) if page.records[i].body == body => return,
            Ok(i) => page.records[i].body = body,
            Err(i) => page.records.insert(
                i,
                Raw {
                    name: name.into(),
                    body,
                },
            ),
        }
        page.is_dirty = true;
        if page.records.len() > RECORDS_MAX {
            self.split(at);
        }
    }

    fn split(&mut self, at: usize) {
        let page = &mut self.open[at];
        let records = page.records.split_off(RECORDS_MAX / 2);
        let first = records[0].name.clone();
        let upper = OpenPage {
            dir: page.dir,
            until: page.until.replace(first.clone()),
            first,
            records,
            is_dirty: true,
            used: page.used,
        };
        self.open.push(upper);
    }

    /// Returns the index of the open page that is responsible for a name.
    fn page_for(&mut self, dir: DirId, name: &[u8]) -> Result<usize, StateError> {
        self.now += 1;
        let recent = self.open.get(self.recent);
        let at = if recent.is_some_and(|page| page.covers(dir, name)) {
            self.recent
        } else {
            let open = self.open.iter().position(|page| page.covers(dir, name));
            match open {
                Some(at) => at,
                None => self.load(dir, name)?,
            }
        };
        self.open[at].used = self.now;
        self.recent = at;
        Ok(at)
    }

    /// Opens the page responsible for a name, or makes it. Pages that are open but were never
    /// written, and rows whose open page has become empty, both count: the page is the one with
    /// the greatest beginning up to the name, and it ends where the next one begins.
    fn load(&mut self, dir: DirId, name: &[u8]) -> Result<usize, StateError> {
        self.make_room()?;
        let stored = with_page_row(self.conn, dir, name, |first, data| {
            Ok((Box::from(first), data.to_vec()))
        })?;
        let until = self.end_of(dir, name)?;
        let below = |page: &&OpenPage| page.dir == dir && *page.first <= *name;
        let open_first = self.open.iter().filter(below).map(|page| &page.first).max();
        if let Some(open_first) = open_first
            && stored.as_ref().is_none_or(|(first, _)| first <= open_first)
        {
            let first = open_first.clone();
            let at = self
                .open
                .iter()
                .position(|page| page.dir == dir && page.first == first)
                .unwrap_or(0);
            self.open[at].until = until;
            return Ok(at);
        }
        let (first, records): (Box<[u8]>, _) = match stored {
            Some((first, data)) => {
                let records = page::decode(dir, &first, &data).trying(WHAT)?;
                (first, records)
            }
            None => (Box::default(), Vec::new()),
        };
        self.open.push(OpenPage {
            dir,
            first,
            until,
            records,
            is_dirty: false,
            used: self.now,
        });
        Ok(self.open.len() - 1)
    }

    /// Returns where the next page of a directory begins.
    fn end_of(&self, dir: DirId, name: &[u8]) -> Result<Option<Box<[u8]>>, StateError> {
        let stored: Option<Vec<u8>> = self
            .conn
            .prepare_cached(
                "SELECT first FROM page WHERE dir = ?1 AND first > ?2 ORDER BY first LIMIT 1",
            )
            .and_then(|mut next| {
                next.query_row(params![dir.0.cast_signed(), name], |row| row.get(0))
                    .optional()
            })
            .trying(WHAT)?;
        let open = self
            .open
            .iter()
            .filter(|page| page.dir == dir && *page.first > *name)
            .map(|page| page.first.clone());
        Ok(open.chain(stored.map(Vec::into_boxed_slice)).min())
    }

    /// Writes and closes the page that was not used for longest, when there are too many.
    fn make_room(&mut self) -> Result<(), StateError> {
        while self.open.len() >= OPEN_MAX {
            let oldest = (0..self.open.len()).min_by_key(|&i| self.open[i].used);
            let page = self.open.swap_remove(oldest.unwrap_or(0));
            self.write(&page)?;
        }
        Ok(())
    }

    fn write(&mut self, page: &OpenPage) -> Result<(), StateError> {
        if !page.is_dirty {
            return Ok(());
        }
        let dir = page.dir.0.cast_signed();
        if page.records.is_empty() {
            return self
                .conn
                .prepare_cached("DELETE FROM page WHERE dir = ?1 AND first = ?2")
                .and_then(|mut delete| delete.execute(params![dir, &*page.first]))
                .map(|_| ())
                .trying(WHAT);
        }
        let data = page::encode(&mut self.buffer, page.dir, &page.first, &page.records);
        self.conn
            .prepare_cached(
                "INSERT INTO page(dir, first, data) VALUES(?1, ?2, ?3) \
                 ON CONFLICT(dir, first) DO UPDATE SET data = excluded.data",
            )
            .and_then(|mut put| put.execute(params![dir, &*page.first, data]))
            .map(|_| ())
            .trying(WHAT)
    }

    /// Forgets the content of a directory with everything beneath, without recursion.
    fn purge(&mut self, dir: DirId) -> Result<(), StateError> {
        let mut waiting = vec![dir];
        while let Some(dir) = waiting.pop() {
            let mut closed = Vec::new();
            let removed = &mut self.removed;
            self.open.retain_mut(|page| {
                if page.dir == dir {
                    page.records
                        .iter()
                        .for_each(|record| count(removed, record));
                    waiting.extend(page.records.iter().filter_map(Raw::dir));
                    closed.push(std::mem::take(&mut page.first));
                }
                page.dir != dir
            });
            self.purge_rows(dir, &closed, &mut waiting)?;
        }
        Ok(())
    }

    /// Deletes the rows of a directory and collects its subdirectories from those of them that
    /// were not open.
    fn purge_rows(
        &mut self,
        dir: DirId,
        closed: &[Box<[u8]>],
        waiting: &mut Vec<DirId>,
    ) -> Result<(), StateError> {
        let id = dir.0.cast_signed();
        let mut all = self
            .conn
            .prepare_cached("SELECT first, data FROM page WHERE dir = ?1")
            .trying(WHAT)?;
        let mut rows = all.query([id]).trying(WHAT)?;
        while let Some(row) = rows.next().trying(WHAT)? {
            let (first, data) = (blob(row, 0)?, blob(row, 1)?);
            if closed.iter().all(|open| **open != *first) {
                let records = page::decode(dir, first, data).trying(WHAT)?;
                records
                    .iter()
                    .for_each(|record| count(&mut self.removed, record));
                waiting.extend(records.iter().filter_map(Raw::dir));
            }
        }
        self.conn
            .prepare_cached("DELETE FROM page WHERE dir = ?1")
            .and_then(|mut delete| delete.execute([id]))
            .map(|_| ())
            .trying(WHAT)
    }

    /// Returns the id of the directory a path is in; `None` for the root and when the directory
    /// is not in the base.
    fn parent_id(&mut self, path: &RelPath) -> Result<Option<DirId>, StateError> {
        if path.is_root() {
            return Ok(None);
        }
        let (above, _) = path.split_last();
        if let Some((last, id)) = &self.parent
            && **last == *above
        {
            return Ok(Some(*id));
        }
        let id = self.dir_id(path.parent().unwrap_or_default())?;
        self.parent = id.map(|id| (above.into(), id));
        Ok(id)
    }

    fn dir_id(&mut self, path: RelPath) -> Result<Option<DirId>, StateError> {
        let mut missing = Vec::new();
        let mut at = path;
        let mut id = loop {
            if at.is_root() {
                break DirId::ROOT;
            }
            if let Some(known) = self.dirs.get(&at) {
                break *known;
            }
            let above = at.parent().unwrap_or_default();
            missing.push(at);
            at = above;
        };
        while let Some(dir) = missing.pop() {
            let at = self.page_for(id, dir.name())?;
            let page = &self.open[at];
            let found = page.search(dir.name()).ok();
            let Some(child) = found.and_then(|i| page.records[i].dir()) else {
                return Ok(None);
            };
            id = child;
            self.remember(dir, id);
        }
        Ok(Some(id))
    }

    fn remember(&mut self, path: RelPath, id: DirId) {
        if self.dirs.len() >= DIRS_MAX {
            self.dirs.clear();
        }
        self.dirs.insert(path, id);
    }

    /// Forgets the ids of a directory and everything beneath, which follow it in the order.
    fn forget(&mut self, path: &RelPath) {
        self.parent = None;
        let within = self.dirs.range(path.clone()..);
        let gone: Vec<RelPath> = within
            .map(|(dir, _)| dir.clone())
            .take_while(|dir| dir.is_within(path))
            .collect();
        for dir in gone {
            self.dirs.remove(&dir);
        }
    }

    /// Takes the next id. An id is never used twice, also not after its directory is gone.
    fn fresh_id(&mut self) -> Result<DirId, StateError> {
        let next = match self.next_dir {
            Some(next) => next,
            None => self.first_id()?,
        };
        self.next_dir = Some(next + 1);
        Ok(DirId(next))
    }

    fn first_id(&self) -> Result<u64, StateError> {
        match meta::get(self.conn, NEXT_DIR)? {
            None => Ok(DirId::ROOT.0 + 1),
            Some(text) => text.parse().ok().trying(WHAT),
        }
    }
}

/// Counts a record.
fn count(sum: &mut Census, record: &Raw) {
    if let Some((kind, size)) = record.weight() {
        sum.add(kind, size);
    }
}
