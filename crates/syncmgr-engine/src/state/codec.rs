//! The bytes of what is stored: compact, checked, and never trusted when read.
//!
//! Every blob begins with the version of the format and eight bytes of BLAKE3 over the place it
//! belongs to and its content, so that a flipped bit, or a blob at a wrong place, is damage (I11)
//! and not a wrong memory. Reading never panics and never allocates more than there are bytes.

use crate::entry::{Entry, FileId, FileTime, Kind, Side, Sides, State};
use crate::path::RelPath;

/// The format of everything below.
const VERSION: u8 = 1;
/// Version and check sum.
const HEADER: usize = 9;

/// What a blob belongs to: its table and its key.
pub(super) type Place<'a> = [&'a [u8]];

fn checksum(place: &Place<'_>, payload: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    for part in place {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(payload);
    let mut sum = [0; 8];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

/// Collects the bytes of a blob.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    /// Begins a blob that will be sealed.
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; HEADER],
        }
    }

    /// Begins bytes that become a part of another blob.
    pub(super) fn part() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Begins the next blob in the same buffer.
    pub(super) fn restart(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEADER, 0);
    }

    /// Completes the blob for its place.
    pub(super) fn seal(&mut self, place: &Place<'_>) -> &[u8] {
        let sum = checksum(place, &self.bytes[HEADER..]);
        self.bytes[0] = VERSION;
        self.bytes[1..HEADER].copy_from_slice(&sum);
        &self.bytes
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// What is left to read of a blob. Every step gives `None` when the bytes do not fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// Checks a blob against its place and returns its content.
    pub(super) fn open(place: &Place<'_>, blob: &'a [u8]) -> Option<Self> {
        let (header, payload) = blob.split_at_checked(HEADER)?;
        let good = header[0] == VERSION && header[1..] == checksum(place, payload);
        good.then_some(Self(payload))
    }

    /// Demands that nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            number |= part << shift;
            if byte < 0x80 {
                // One number has one spelling.
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn blob(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

/// A value that can be stored.
pub(super) trait Stored: Sized {
    fn put(&self, out: &mut Writer);
    fn take(input: &mut Input<'_>) -> Option<Self>;
}

/// Writes one value as a whole blob.
pub(super) fn sealed(place: &Place<'_>, value: &impl Stored) -> Vec<u8> {
    let mut out = Writer::new();
    value.put(&mut out);
    out.seal(place);
    out.bytes
}

/// Reads one value from a whole blob.
pub(super) fn unsealed<T: Stored>(place: &Place<'_>, blob: &[u8]) -> Option<T> {
    let mut input = Input::open(place, blob)?;
    let value = T::take(&mut input)?;
    input.end()?;
    Some(value)
}

/// An enum without data is stored as its place in a fixed list.
macro_rules! stored_enum {
    ($type:ty: $($variant:ident)+) => {
        impl $crate::state::codec::Stored for $type {
            fn put(&self, out: &mut $crate::state::codec::Writer) {
                // The order of a list that ends up on disk is never changed, only appended to.
                const ALL: &[$type] = &[$(<$type>::$variant),+];
                let at = ALL.iter().position(|one| one == self);
                out.byte(u8::try_from(at.unwrap_or(0)).unwrap_or(0));
            }
            fn take(input: &mut $crate::state::codec::Input<'_>) -> Option<Self> {
                const ALL: &[$type] = &[$(<$type>::$variant),+];
                ALL.get(usize::from(input.byte()?)).copied()
            }
        }
        // Breaks the build when a variant is missing in the list above.
        const _: fn(&$type) = |value| match value { $(<$type>::$variant)|+ => () };
    };
}
pub(super) use stored_enum;

/// A struct is stored as its fields, in order.
macro_rules! stored_struct {
    ($type:ident: $($field:ident)+) => {
        impl $crate::state::codec::Stored for $type {
            fn put(&self, out: &mut $crate::state::codec::Writer) {
                let Self { $($field),+ } = self;
                $($crate::state::codec::Stored::put($field, out);)+
            }
            fn take(input: &mut $crate::state::codec::Input<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::state::codec::Stored::take(input)?),+ })
            }
        }
    };
}
pub(super) use stored_struct;

stored_enum!(Kind: File Dir Symlink Special);
stored_enum!(Side: Left Right);
stored_struct!(Entry: kind size mode mtime ctime id is_mount);

impl Stored for u64 {
    fn put(&self, out: &mut Writer) {
        out.number(*self);
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.number()
    }
}

impl Stored for u16 {
    fn put(&self, out: &mut Writer) {
        out.fixed(&self.to_le_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.fixed().map(Self::from_le_bytes)
    }
}

impl Stored for bool {
    fn put(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        match input.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Stored for String {
    fn put(&self, out: &mut Writer) {
        out.blob(self.as_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(std::str::from_utf8(input.blob()?).ok()?.to_owned())
    }
}

impl Stored for FileTime {
    fn put(&self, out: &mut Writer) {
        // Times near 1970, of either sign, are small numbers.
        let zigzag = (self.secs << 1) ^ (self.secs >> 63);
        out.number(zigzag.cast_unsigned());
        out.fixed(&self.nanos.to_le_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        let zigzag = input.number()?;
        let secs = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        let nanos = u32::from_le_bytes(input.fixed()?);
        (nanos < 1_000_000_000).then_some(Self { secs, nanos })
    }
}

impl Stored for FileId {
    fn put(&self, out: &mut Writer) {
        out.fixed(&self.0.to_le_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.fixed().map(|bytes| Self(u64::from_le_bytes(bytes)))
    }
}

impl Stored for RelPath {
    fn put(&self, out: &mut Writer) {
        out.blob(self.as_bytes());
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::new(input.blob()?).ok()
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Writer) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(if bool::take(input)? {
            Some(T::take(input)?)
        } else {
            None
        })
    }
}

impl<T: Stored> Stored for Sides<T> {
    fn put(&self, out: &mut Writer) {
        self.left.put(out);
        self.right.put(out);
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        let left = T::take(input)?;
        Some(Self::new(left, T::take(input)?))
    }
}

impl Stored for State {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Absent => out.byte(0),
            Self::Present(entry) => {
                out.byte(1);
                entry.put(out);
            }
            Self::Unknown(fault) => {
                out.byte(2);
                fault.put(out);
            }
        }
    }
    fn take(input: &mut Input<'_>) -> Option<Self> {
        match input.byte()? {
            0 => Some(Self::Absent),
            1 => Entry::take(input).map(Self::Present),
            2 => Stored::take(input).map(Self::Unknown),
            _ => None,
        }
    }
}
