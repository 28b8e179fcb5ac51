//! Records of one directory: as pages in the file, and as the list a scan merges with.
//!
//! A page is one row with up to [`RECORDS_MAX`] neighbouring records of one directory, so that
//! reading a directory is one range query and changing one record rewrites one row. The row's
//! `first` says from which name on the page is responsible; the first page of a directory has the
//! empty name, and a page ends where the next one begins.

use super::DirId;
use super::codec::{Input, Writer};
use super::record::Fixed;
use crate::entry::{Agreed, Entry, Kind, Side};

/// A page with more records is split in two. Larger pages make a scan of wide directories a
/// little faster and a small change dearer; 512 records are about 40 KiB.
pub(super) const RECORDS_MAX: usize = 512;

/// A record as it lies in a page: its name, and its body (directory id, then what was agreed).
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) name: Box<[u8]>,
    pub(super) body: Box<[u8]>,
}

impl Raw {
    /// Returns the id of the directory this record stands for.
    pub(super) fn dir(&self) -> Option<DirId> {
        dir_of(&mut Input(&self.body)).flatten()
    }

    /// Returns what the record counts for: its kind and the bytes of its content.
    pub(super) fn weight(&self) -> Option<(Kind, u64)> {
        parse_body(&self.body).map(|(_, fixed)| (fixed.kind, fixed.size))
    }
}

/// Writes the body of a record.
pub(super) fn body(dir: Option<DirId>, fixed: &Fixed<'_>) -> Box<[u8]> {
    let mut out = Writer::part();
    out.number(dir.map_or(0, |dir| dir.0));
    fixed.put(&mut out);
    out.bytes.into_boxed_slice()
}

/// Reads the directory id at the beginning of a body; 0 stands for none, and the root is in no
/// directory.
fn dir_of(input: &mut Input<'_>) -> Option<Option<DirId>> {
    match input.number()? {
        0 => Some(None),
        1 => None,
        id => i64::try_from(id).ok().map(|_| Some(DirId(id))),
    }
}

/// Reads a whole body.
fn parse_body(body: &[u8]) -> Option<(Option<DirId>, Fixed<'_>)> {
    let mut input = Input(body);
    let dir = dir_of(&mut input)?;
    let fixed = Fixed::take(&mut input)?;
    input.end()?;
    (dir.is_some() == (fixed.kind == Kind::Dir)).then_some((dir, fixed))
}

/// Writes a page into `out`, replacing what is there.
pub(super) fn encode<'o>(
    out: &'o mut Writer,
    dir: DirId,
    first: &[u8],
    records: &[Raw],
) -> &'o [u8] {
    out.restart();
    for record in records {
        out.blob(&record.name);
        out.blob(&record.body);
    }
    out.seal(&[b"page", &dir.0.to_le_bytes(), first])
}

fn open<'d>(dir: DirId, first: &[u8], data: &'d [u8]) -> Option<Input<'d>> {
    Input::open(&[b"page", &dir.0.to_le_bytes(), first], data)
}

/// Reads a page for changing it.
pub(super) fn decode(dir: DirId, first: &[u8], data: &[u8]) -> Option<Vec<Raw>> {
    let mut input = open(dir, first, data)?;
    let mut records: Vec<Raw> = Vec::new();
    while !input.0.is_empty() {
        let name = input.blob()?;
        let body = input.blob()?;
        let last = records.last().map(|record| &*record.name);
        parse_body(body).filter(|_| is_next(name, first, last))?;
        records.push(Raw {
            name: name.into(),
            body: body.into(),
        });
    }
    Some(records)
}

/// Says whether `name` may come here: one component, not before the page, behind its neighbour.
fn is_next(name: &[u8], first: &[u8], last: Option<&[u8]>) -> bool {
    let is_component =
        !matches!(name, b"" | b"." | b"..") && !name.iter().any(|&b| b == b'/' || b == 0);
    is_component && name >= first && last.is_none_or(|last| name > last)
}

/// Where one record lies in the buffer.
#[derive(Debug, Clone, Copy)]
struct Item {
    name: (usize, usize),
    body: (usize, usize),
    kind: Kind,
    dir: Option<DirId>,
}

/// What was agreed for every name of one directory, sorted by name, byte by byte. A buffer to be
/// used again and again; it allocates nothing for a single record.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    items: Vec<Item>,
    is_swapped: bool,
}

impl Records {
    /// Makes an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all records, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    pub(super) fn reset(&mut self, is_swapped: bool) {
        self.clear();
        self.is_swapped = is_swapped;
    }

    /// Returns how many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the name of record `i`.
    ///
    /// # Panics
    /// If `i` is not below [`Self::len`]; so do all the others that take an index.
    #[must_use]
    pub fn name(&self, i: usize) -> &[u8] {
        self.slice(self.items[i].name)
    }

    /// Returns the kind of record `i`.
    #[must_use]
    pub fn kind(&self, i: usize) -> Kind {
        self.items[i].kind
    }

    /// Returns the bytes of content of record `i`.
    #[must_use]
    pub fn size(&self, i: usize) -> u64 {
        self.fixed(i).size
    }

    /// Returns under which id the content of record `i` is listed; `Some` exactly for directories.
    #[must_use]
    pub fn dir(&self, i: usize) -> Option<DirId> {
        self.items[i].dir
    }

    /// Returns the name of record `i` and a view of the rest.
    #[must_use]
    pub fn get(&self, i: usize) -> (&[u8], RecordRef<'_>) {
        (self.name(i), RecordRef { records: self, i })
    }

    /// Returns the place of a name, or where it would be.
    ///
    /// # Errors
    /// The place where the name would have to be put.
    pub fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.items
            .binary_search_by(|item| self.slice(item.name).cmp(name))
    }

    /// Returns what was agreed for record `i`.
    #[must_use]
    pub fn agreed(&self, i: usize) -> Agreed {
        self.fixed(i).to_agreed()
    }

    /// Does what [`Agreed::is_unchanged`] does, without allocating.
    #[must_use]
    pub fn is_unchanged(&self, i: usize, side: Side, entry: &Entry, can_mode: bool) -> bool {
        // The kind decides most of the misses before anything is decoded.
        if self.items[i].kind != entry.kind {
            return false;
        }
        let fixed = Fixed {
            target: None,
            ..self.fixed(i)
        };
        fixed.to_agreed().is_unchanged(side, entry, can_mode)
    }

    fn fixed(&self, i: usize) -> Fixed<'_> {
        let (_, fixed) =
            parse_body(self.slice(self.items[i].body)).expect("it was read when it was listed");
        fixed.turned(self.is_swapped)
    }

    fn slice(&self, (at, len): (usize, usize)) -> &[u8] {
        &self.bytes[at..at + len]
    }

    /// Appends a page. `None` when it is damaged; the list is useless then.
    pub(super) fn add_page(&mut self, dir: DirId, first: &[u8], data: &[u8]) -> Option<()> {
        let mut input = open(dir, first, data)?;
        let start = self.bytes.len();
        let total = input.0.len();
        self.bytes.extend_from_slice(input.0);
        while !input.0.is_empty() {
            let name = input.blob()?;
            let name_end = total - input.0.len();
            let body = input.blob()?;
            let body_end = total - input.0.len();
            let last = self.items.last().map(|item| self.slice(item.name));
            let (dir, fixed) = parse_body(body).filter(|_| is_next(name, first, last))?;
            self.items.push(Item {
                name: (start + name_end - name.len(), name.len()),
                body: (start + body_end - body.len(), body.len()),
                kind: fixed.kind,
                dir,
            });
        }
        Some(())
    }
}

/// One record of a list.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'r> {
    records: &'r Records,
    i: usize,
}

impl RecordRef<'_> {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.records.kind(self.i)
    }

    /// Returns under which id the directory's content is listed.
    #[must_use]
    pub fn dir(&self) -> Option<DirId> {
        self.records.dir(self.i)
    }

    /// Returns what was agreed.
    #[must_use]
    pub fn agreed(&self) -> Agreed {
        self.records.agreed(self.i)
    }

    /// Does what [`Agreed::is_unchanged`] does, without allocating.
    #[must_use]
    pub fn is_unchanged(&self, side: Side, entry: &Entry, can_mode: bool) -> bool {
        self.records.is_unchanged(self.i, side, entry, can_mode)
    }
}
