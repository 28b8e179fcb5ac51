//! What a listing says about one name, and what the two sides last agreed on.

use crate::path::display_bytes;
use crate::replica::Fault;

/// A point in time of a file system: seconds and nanoseconds since 1970, UTC. It may lie before
/// 1970 and far in the future; it is only ever compared for equality with an earlier reading of
/// the same file, never with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime {
    /// Seconds since 1970-01-01T00:00:00Z; negative before it.
    pub secs: i64,
    /// Nanoseconds within the second, `0..1_000_000_000`.
    pub nanos: u32,
}

impl FileTime {
    /// Builds a time from seconds and nanoseconds.
    #[must_use]
    pub fn new(secs: i64, nanos: u32) -> Self {
        Self { secs, nanos }
    }

    /// Returns the distance to `other` in nanoseconds, without sign, saturating.
    #[must_use]
    pub fn distance_ns(self, other: Self) -> u128 {
        self.as_nanos().abs_diff(other.as_nanos())
    }

    /// Returns nanoseconds since 1970.
    #[must_use]
    pub fn as_nanos(self) -> i128 {
        i128::from(self.secs) * 1_000_000_000 + i128::from(self.nanos)
    }
}

/// Identifies a file for as long as it exists, whatever it is called: inode number and birth time
/// mixed, so that a reused inode number is another id. 0 means "this store has no ids".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u64);

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link, which is data (its text), never followed.
    Symlink,
    /// A fifo, socket or device: no tool can sync these; named as a warning.
    Special,
}

/// One name in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Bytes of content; 0 for everything but files.
    pub size: u64,
    /// Permission bits, `0..=0o777`. Set-id and sticky bits are not read and never written (S8).
    pub mode: u16,
    /// Time of the last change of the content.
    pub mtime: FileTime,
    /// Time of the last change of content or attributes, set by the file system alone.
    pub ctime: FileTime,
    /// Stable identity.
    pub id: FileId,
    /// A directory that belongs to another file system than the root (a mount point).
    pub is_mount: bool,
}

impl Entry {
    /// Says whether two readings show the very same, unmodified thing. For directories only the
    /// identity counts: their times change with every name in them.
    #[must_use]
    pub fn is_same_version(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.id == other.id
            && (self.kind == Kind::Dir
                || (self.size == other.size
                    && self.mtime == other.mtime
                    && self.ctime == other.ctime
                    && self.mode == other.mode))
    }

    /// Like [`Self::is_same_version`], but blind to `ctime`, which a rename changes.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        let at = self.ctime;
        self.is_same_version(&Self {
            ctime: at,
            ..*other
        })
    }
}

/// What is known about a path on one side. Only a completed listing of an identified root gives
/// `Absent`; whatever went wrong gives `Unknown`, and unknown is never taken for deleted (I13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// It is there.
    Present(Entry),
    /// It is certainly not there.
    #[default]
    Absent,
    /// It could not be found out.
    Unknown(Fault),
}

impl State {
    /// Returns the entry, if present.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Present(entry) => Some(entry),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Returns the kind, if present.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.entry().map(|entry| entry.kind)
    }

    /// Says whether the path is certainly not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Says whether it could not be found out.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

/// BLAKE3 of a content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_string())
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What one side's listing said of a path when it was last known equal on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Modification time there.
    pub mtime: FileTime,
    /// Change time there.
    pub ctime: FileTime,
    /// Identity there.
    pub id: FileId,
    /// The content could have changed once more within the clock's granule without a trace in the
    /// times, so the next run compares the content (the "racy" entries of git).
    pub is_racy: bool,
    /// The directory was a mount point.
    pub is_mount: bool,
}

impl Stamp {
    /// Takes the stamp of an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            mtime: entry.mtime,
            ctime: entry.ctime,
            id: entry.id,
            is_racy: false,
            is_mount: entry.is_mount,
        }
    }
}

/// What both sides agreed on for one path: a record of the base.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agreed {
    /// Kind; never [`Kind::Special`].
    pub kind: Kind,
    /// Bytes of content, for files.
    pub size: u64,
    /// Permission bits.
    pub mode: u16,
    /// Hash of the content, where it was read through anyway.
    pub hash: Option<Hash>,
    /// Text of a symbolic link.
    pub target: Option<Box<[u8]>>,
    /// What the left side's listing said.
    pub left: Stamp,
    /// What the right side's listing said.
    pub right: Stamp,
}

/// One of the two sides. They have equal rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The first folder named.
    Left,
    /// The second folder named.
    Right,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// Returns the other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// Returns `left` or `right`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// A value for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sides<T> {
    /// The left side's.
    pub left: T,
    /// The right side's.
    pub right: T,
}

impl<T> Sides<T> {
    /// Pairs two values.
    pub fn new(left: T, right: T) -> Self {
        Self { left, right }
    }

    /// Computes a value for each side, left first.
    pub fn from_fn(mut f: impl FnMut(Side) -> T) -> Self {
        let left = f(Side::Left);
        Self {
            left,
            right: f(Side::Right),
        }
    }

    /// Borrows both.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides {
            left: &self.left,
            right: &self.right,
        }
    }

    /// Applies `f` to both.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        let left = f(self.left);
        Sides {
            left,
            right: f(self.right),
        }
    }

    /// Exchanges left and right.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
        }
    }
}

impl<T> std::ops::Index<Side> for Sides<T> {
    type Output = T;
    fn index(&self, side: Side) -> &T {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }
}

impl<T> std::ops::IndexMut<Side> for Sides<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

impl Agreed {
    /// Returns the stamp of one side.
    #[must_use]
    pub fn stamp(&self, side: Side) -> &Stamp {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Returns the record as seen with the sides exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
            ..self
        }
    }

    /// Says whether `entry`, read now on `side`, certainly is what was agreed: same kind, size,
    /// mode, times and identity, and not racy. `false` means "look closer", not "changed".
    #[must_use]
    pub fn is_unchanged(&self, side: Side, entry: &Entry, can_mode: bool) -> bool {
        let stamp = self.stamp(side);
        if self.kind != entry.kind
            || (can_mode && self.mode != entry.mode && self.kind != Kind::Symlink)
        {
            return false;
        }
        match entry.kind {
            Kind::Dir => stamp.is_mount == entry.is_mount && stamp.id == entry.id,
            Kind::File | Kind::Symlink | Kind::Special => {
                self.size == entry.size
                    && stamp.mtime == entry.mtime
                    && stamp.ctime == entry.ctime
                    && stamp.id == entry.id
                    && !stamp.is_racy
            }
        }
    }
}

/// A symbolic link's text as harmless text, for messages.
#[must_use]
pub fn display_target(target: &[u8]) -> String {
    display_bytes(target)
}
