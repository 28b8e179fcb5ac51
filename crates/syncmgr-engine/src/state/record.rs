//! The bytes of one record of the base.

use super::codec::{Input, Stored, Writer};
use crate::entry::{Agreed, FileId, FileTime, Hash, Kind, Sides, Stamp};

/// The part of a record that has a fixed size, and where the rest lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed<'a> {
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) mode: u16,
    pub(super) left: Stamp,
    pub(super) right: Stamp,
    pub(super) hash: Option<Hash>,
    pub(super) target: Option<&'a [u8]>,
}

/// Bits of the second byte of a record.
mod flag {
    pub(super) const HASH: u8 = 1;
    pub(super) const TARGET: u8 = 1 << 1;
    /// Usual, as a sync sets it: both sides have the same modification time, stored once.
    pub(super) const SAME_MTIME: u8 = 1 << 2;
    pub(super) const RACY_LEFT: u8 = 1 << 3;
    pub(super) const RACY_RIGHT: u8 = 1 << 4;
    pub(super) const MOUNT_LEFT: u8 = 1 << 5;
    pub(super) const MOUNT_RIGHT: u8 = 1 << 6;
    pub(super) const ALL: u8 = 0x7f;
}

impl<'a> Fixed<'a> {
    pub(super) fn of(agreed: &'a Agreed) -> Self {
        Self {
            kind: agreed.kind,
            size: agreed.size,
            mode: agreed.mode,
            left: agreed.left,
            right: agreed.right,
            hash: agreed.hash,
            target: agreed.target.as_deref(),
        }
    }

    pub(super) fn put(&self, out: &mut Writer) {
        let is_same = self.left.mtime == self.right.mtime;
        let bits = [
            (self.hash.is_some(), flag::HASH),
            (self.target.is_some(), flag::TARGET),
            (is_same, flag::SAME_MTIME),
            (self.left.is_racy, flag::RACY_LEFT),
            (self.right.is_racy, flag::RACY_RIGHT),
            (self.left.is_mount, flag::MOUNT_LEFT),
            (self.right.is_mount, flag::MOUNT_RIGHT),
        ];
        self.kind.put(out);
        out.byte(bits.iter().filter(|bit| bit.0).map(|bit| bit.1).sum());
        self.mode.put(out);
        out.number(self.size);
        self.left.mtime.put(out);
        if !is_same {
            self.right.mtime.put(out);
        }
        self.left.ctime.put(out);
        self.right.ctime.put(out);
        self.left.id.put(out);
        self.right.id.put(out);
        if let Some(hash) = &self.hash {
            out.fixed(&hash.0);
        }
        if let Some(target) = self.target {
            out.blob(target);
        }
    }

    pub(super) fn take(input: &mut Input<'a>) -> Option<Self> {
        let kind = Kind::take(input)?;
        let bits = input.byte().filter(|bits| bits & !flag::ALL == 0)?;
        let has = |bit| bits & bit != 0;
        let mode = u16::take(input)?;
        let size = input.number()?;
        let mtime = FileTime::take(input)?;
        let right_mtime = if has(flag::SAME_MTIME) {
            mtime
        } else {
            FileTime::take(input)?
        };
        let ctimes = <Sides<FileTime>>::take(input)?;
        let ids = <Sides<FileId>>::take(input)?;
        Some(Self {
            kind,
            size,
            mode,
            left: Stamp {
                mtime,
                ctime: ctimes.left,
                id: ids.left,
                is_racy: has(flag::RACY_LEFT),
                is_mount: has(flag::MOUNT_LEFT),
            },
            right: Stamp {
                mtime: right_mtime,
                ctime: ctimes.right,
                id: ids.right,
                is_racy: has(flag::RACY_RIGHT),
                is_mount: has(flag::MOUNT_RIGHT),
            },
            hash: if has(flag::HASH) {
                Some(Hash(input.fixed()?))
            } else {
                None
            },
            target: if has(flag::TARGET) {
                Some(input.blob()?)
            } else {
                None
            },
        })
    }

    /// Exchanges the sides if `is_swapped`.
    pub(super) fn turned(self, is_swapped: bool) -> Self {
        if is_swapped {
            Self {
                left: self.right,
                right: self.left,
                ..self
            }
        } else {
            self
        }
    }

    pub(super) fn to_agreed(self) -> Agreed {
        Agreed {
            kind: self.kind,
            size: self.size,
            mode: self.mode,
            hash: self.hash,
            target: self.target.map(Into::into),
            left: self.left,
            right: self.right,
        }
    }
}

impl Stored for Agreed {
    fn put(&self, out: &mut Writer) {
        Fixed::of(self).put(out);
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Fixed::take(input).map(Fixed::to_agreed)
    }
}
