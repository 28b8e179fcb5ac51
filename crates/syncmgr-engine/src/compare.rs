//! Looks into two files, or into one and the base, where sizes and times cannot decide.

use crate::cancel::Cancel;
use crate::entry::{Agreed, Entry, Hash, Kind, Side, Sides};
use crate::path::RelPath;
use crate::replica::{Content, Directory, Fault, FaultKind};

/// Contents up to this size get a hash in the base. Hashing more would cost a large first sync a
/// second pass through memory, and the hash only pays when a file's times lie.
pub const HASHED_MAX: u64 = 1 << 20;

/// Text up to this size is kept for three-way merges.
pub const KEPT_TEXT_MAX: u64 = 256 << 10;

/// Bytes read at a time.
const CHUNK: usize = 128 << 10;

/// What a look into the contents found; `None` means nobody had to look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Both sides have the same content (or link text).
    pub equal: Option<bool>,
    /// This side's content is what was agreed on.
    pub is_base: Sides<Option<bool>>,
    /// The hash of the content that both sides share.
    pub hash: Option<Hash>,
    /// The link texts.
    pub targets: Sides<Option<Box<[u8]>>>,
    /// The text both sides share, if it is worth keeping for a merge.
    pub text: Option<Box<[u8]>>,
}

/// One side's file as the comparison needs it: the open directory, the name in it, and what the
/// listing said.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) dir: &'a dyn Directory,
    pub(crate) name: &'a [u8],
    pub(crate) entry: &'a Entry,
}

/// Buffers of one worker.
#[derive(Debug)]
pub(crate) struct Buffers {
    left: Vec<u8>,
    right: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            left: vec![0; CHUNK],
            right: vec![0; CHUNK],
        }
    }
}

/// Finds out what [`crate::reconcile`] has to know about two versions of one path.
///
/// # Errors
/// Any [`Fault`] of reading; the path is then unknown.
pub(crate) fn look(
    base: Option<&Agreed>,
    sides: Sides<Option<Look<'_>>>,
    untouched: Sides<bool>,
    buffers: &mut Buffers,
    cancel: &Cancel,
) -> Result<Facts, (Side, Fault)> {
    let mut facts = Facts::default();
    for side in Side::BOTH {
        if let Some(look) = sides[side].filter(|look| look.entry.kind == Kind::Symlink) {
            facts.targets[side] = Some(
                look.dir
                    .read_link(look.name)
                    .map_err(|fault| (side, fault))?,
            );
        }
    }
    if let (Some(left), Some(right)) = (sides.left, sides.right) {
        look_at_both(&mut facts, left, right, buffers, cancel)?;
    }
    for side in Side::BOTH {
        facts.is_base[side] = match (base, sides[side]) {
            (Some(base), Some(look)) => {
                is_base(&facts, base, side, look, untouched, buffers, cancel)
                    .map_err(|fault| (side, fault))?
            }
            _ => None,
        };
    }
    Ok(facts)
}

fn look_at_both(
    facts: &mut Facts,
    left: Look<'_>,
    right: Look<'_>,
    buffers: &mut Buffers,
    cancel: &Cancel,
) -> Result<(), (Side, Fault)> {
    match (left.entry.kind, right.entry.kind) {
        (Kind::Symlink, Kind::Symlink) => {
            facts.equal = Some(facts.targets.left == facts.targets.right);
        }
        (Kind::File, Kind::File) if left.entry.size != right.entry.size => {
            facts.equal = Some(false);
        }
        (Kind::File, Kind::File) => {
            let found = compare(left, right, buffers, cancel)?;
            facts.equal = Some(found.is_equal);
            facts.hash = found.hash;
            facts.text = found.text;
        }
        _ => {}
    }
    Ok(())
}

/// Says whether one side still has the agreed content; `None` when only a guess would be possible.
fn is_base(
    facts: &Facts,
    base: &Agreed,
    side: Side,
    look: Look<'_>,
    untouched: Sides<bool>,
    buffers: &mut Buffers,
    cancel: &Cancel,
) -> Result<Option<bool>, Fault> {
    let entry = look.entry;
    if entry.kind != base.kind {
        return Ok(Some(false));
    }
    match entry.kind {
        Kind::Dir | Kind::Special => return Ok(Some(true)),
        Kind::Symlink => return Ok(Some(facts.targets[side] == base.target)),
        Kind::File => {}
    }
    if untouched[side] && facts.equal != Some(false) {
        return Ok(Some(true));
    }
    if entry.size != base.size {
        return Ok(Some(false));
    }
    // From here on: same size, and the times or the identity moved, or a full check found the two
    // sides to differ.
    if facts.equal == Some(false) && untouched[side.other()] && !untouched[side] {
        return Ok(Some(false)); // the other side is the base, and this one is not like it
    }
    if untouched[side] && !untouched[side.other()] {
        return Ok(Some(true));
    }
    if let Some(agreed) = base.hash {
        if facts.equal == Some(true) && facts.hash.is_some() {
            return Ok(facts.hash.map(|hash| hash == agreed));
        }
        return Ok(Some(hash_of(look, buffers, cancel)? == agreed));
    }
    if facts.equal == Some(true) {
        return Ok(None);
    }
    // Large files have no hash. With an unchanged size and modification time, only something that
    // puts the time back on purpose could have changed the content, and what a wrong guess
    // replaces is kept as a version.
    Ok((entry.mtime == base.stamp(side).mtime && !base.stamp(side).is_racy).then_some(true))
}

struct Compared {
    is_equal: bool,
    hash: Option<Hash>,
    text: Option<Box<[u8]>>,
}

fn compare(
    left: Look<'_>,
    right: Look<'_>,
    buffers: &mut Buffers,
    cancel: &Cancel,
) -> Result<Compared, (Side, Fault)> {
    let size = left.entry.size;
    let mut a = left
        .dir
        .open(left.name)
        .map_err(|fault| (Side::Left, fault))?;
    let mut b = right
        .dir
        .open(right.name)
        .map_err(|fault| (Side::Right, fault))?;
    let mut hasher = (size <= HASHED_MAX).then(blake3::Hasher::new);
    let mut text = None;
    let mut done = 0;
    while done < size {
        if cancel.is_cancelled() {
            return Err((Side::Left, Fault::cancelled(&RelPath::root())));
        }
        let want = usize::try_from(size - done).unwrap_or(CHUNK).min(CHUNK);
        let n = fill(&mut *a, &mut buffers.left[..want]).map_err(|fault| (Side::Left, fault))?;
        let m = fill(&mut *b, &mut buffers.right[..want]).map_err(|fault| (Side::Right, fault))?;
        if buffers.left[..n] != buffers.right[..m] {
            return Ok(Compared {
                is_equal: false,
                hash: None,
                text: None,
            });
        }
        if n == 0 {
            break; // shorter than the listing said; the look below tells
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&buffers.left[..n]);
        }
        if done == 0 && n as u64 == size && is_text(&buffers.left[..n]) {
            text = Some(buffers.left[..n].into());
        }
        done += n as u64;
    }
    // A file that grew or shrank while it was read was never seen as a whole (I15).
    for (side, look, content) in [(Side::Left, left, &a), (Side::Right, right, &b)] {
        let now = content.stat().map_err(|fault| (side, fault))?;
        if !now.is_same_version(look.entry) {
            return Err((side, changed(look.name)));
        }
    }
    let hash = hasher.map(|hasher| Hash(*hasher.finalize().as_bytes()));
    Ok(Compared {
        is_equal: true,
        hash,
        text,
    })
}

fn hash_of(look: Look<'_>, buffers: &mut Buffers, cancel: &Cancel) -> Result<Hash, Fault> {
    let mut content = look.dir.open(look.name)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        if cancel.is_cancelled() {
            return Err(Fault::cancelled(&RelPath::root()));
        }
        let n = content.read(&mut buffers.left)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffers.left[..n]);
    }
    if !content.stat()?.is_same_version(look.entry) {
        return Err(changed(look.name));
    }
    Ok(Hash(*hasher.finalize().as_bytes()))
}

fn changed(name: &[u8]) -> Fault {
    let path = RelPath::new(name).unwrap_or_default();
    Fault::new(
        FaultKind::WrongKind,
        "read",
        &path,
        "it changed while it was read",
    )
}

/// Reads until the buffer is full or the content ends, so that two streams stay in step.
fn fill(content: &mut dyn Content, buffer: &mut [u8]) -> Result<usize, Fault> {
    let mut filled = 0;
    while filled < buffer.len() {
        let n = content.read(&mut buffer[filled..])?;
        if n == 0 {
            break;
        }
        filled += n;
    }
    Ok(filled)
}

/// Says whether these bytes are text that a three-way merge makes sense for: UTF-8 without NUL.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    bytes.len() as u64 <= KEPT_TEXT_MAX && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}
