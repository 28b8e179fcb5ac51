//! The state against models, damage and a second connection.

mod base;
mod codec;
mod damage;
mod journal;

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::{DirId, Reader, Records, State};
use crate::entry::{Agreed, Entry, FileId, FileTime, Hash, Kind, Stamp};
use crate::path::RelPath;

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn open(dir: &Path) -> State {
    State::open(dir).unwrap().0
}

/// A record that differs from that of any other number.
fn agreed(kind: Kind, n: u64) -> Agreed {
    let stamp = |n: u64| Stamp {
        mtime: FileTime::new(1_700_000_000 + n.cast_signed(), 123_456_789),
        ctime: FileTime::new(1_700_000_001, 5),
        id: FileId(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        is_racy: n.is_multiple_of(5),
        is_mount: false,
    };
    Agreed {
        kind,
        size: n,
        mode: 0o644,
        hash: n
            .is_multiple_of(2)
            .then_some(Hash([n.to_le_bytes()[0]; 32])),
        target: (kind == Kind::Symlink).then(|| Box::from(&b"../there"[..])),
        left: stamp(n),
        right: stamp(n + n % 3),
    }
}

fn entry(kind: Kind, n: u64) -> Entry {
    Entry {
        kind,
        size: n,
        mode: 0o600,
        mtime: FileTime::new(n.cast_signed(), 1),
        ctime: FileTime::new(n.cast_signed(), 2),
        id: FileId(n),
        is_mount: false,
    }
}

/// Everything in the base, found by listing directory after directory.
fn listing(reader: &mut Reader) -> BTreeMap<RelPath, Agreed> {
    let mut all = BTreeMap::new();
    let mut records = Records::new();
    let mut waiting = vec![(RelPath::root(), DirId::ROOT)];
    while let Some((above, dir)) = waiting.pop() {
        reader.list(dir, &mut records).unwrap();
        assert!((1..records.len()).all(|i| records.name(i - 1) < records.name(i)));
        for i in 0..records.len() {
            let (name, record) = records.get(i);
            assert_eq!(record.dir().is_some(), record.kind() == Kind::Dir);
            waiting.extend(record.dir().map(|dir| (above.join(name), dir)));
            all.insert(above.join(name), record.agreed());
        }
    }
    all
}

fn any_time() -> impl Strategy<Value = FileTime> {
    (any::<i64>(), 0..1_000_000_000u32).prop_map(|(secs, nanos)| FileTime::new(secs, nanos))
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::File),
        Just(Kind::Dir),
        Just(Kind::Symlink),
        Just(Kind::Special)
    ]
}

prop_compose! {
    fn any_entry()(
        kind in any_kind(), size: u64, mode in 0..0o1000u16, mtime in any_time(),
        ctime in any_time(), id: u64, is_mount: bool,
    ) -> Entry {
        Entry { kind, size, mode, mtime, ctime, id: FileId(id), is_mount }
    }
}

prop_compose! {
    fn any_stamp()(
        mtime in any_time(), ctime in any_time(), id: u64, is_racy: bool, is_mount: bool,
    ) -> Stamp {
        Stamp { mtime, ctime, id: FileId(id), is_racy, is_mount }
    }
}

prop_compose! {
    fn any_agreed()(
        kind in any_kind(), size: u64, mode in 0..0o1000u16, hash: Option<[u8; 32]>,
        target: Option<Vec<u8>>, left in any_stamp(), right in any_stamp(), is_same: bool,
    ) -> Agreed {
        let mtime = if is_same { left.mtime } else { right.mtime };
        Agreed {
            kind, size, mode, hash: hash.map(Hash), target: target.map(Vec::into_boxed_slice),
            left, right: Stamp { mtime, ..right },
        }
    }
}

fn any_path() -> impl Strategy<Value = RelPath> {
    let part = prop::collection::vec(any::<u8>(), 1..5).prop_map(|mut part| {
        for byte in &mut part {
            if matches!(*byte, 0 | b'/' | b'.') {
                *byte = b'x';
            }
        }
        part
    });
    prop::collection::vec(part, 0..4).prop_map(|parts| RelPath::new(&parts.join(&b'/')).unwrap())
}
