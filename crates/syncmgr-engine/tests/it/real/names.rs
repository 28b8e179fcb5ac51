//! Names that are hard to handle, and trees deeper than any path may be long.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

use super::desk::{Desk, name};

#[test]
fn names_of_any_bytes_are_copied_exactly() {
    let mut desk = Desk::new();
    let long = [b'x'; 255];
    let names: [&[u8]; 12] = [
        &long,
        b"line\nbreak",
        b"tab\tand\x1b[31mcolour",
        b"\xff\xfe not UTF-8 \x80",
        b"-rf",
        b"--delete",
        b" space ",
        b"trailing.",
        b"CON",
        b"a:b*c?d|e\"<>\\",
        "Müller".as_bytes(),
        "Mu\u{308}ller".as_bytes(),
    ];
    for (n, bytes) in names.iter().enumerate() {
        fs::write(desk.path("left").join(name(bytes)), format!("{n}")).unwrap();
        let dir = desk.path("right/dirs").join(name(bytes));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name(bytes)), format!("{n}")).unwrap();
    }
    desk.converge();
    for (n, bytes) in names.iter().enumerate() {
        let at = desk.path("right").join(name(bytes));
        assert_eq!(fs::read_to_string(at).unwrap(), format!("{n}"));
        let at = desk.path("left/dirs").join(name(bytes)).join(name(bytes));
        assert_eq!(fs::read_to_string(at).unwrap(), format!("{n}"));
    }
    for bytes in names {
        fs::write(desk.path("right").join(name(bytes)), "changed").unwrap();
    }
    desk.converge();
    for bytes in names {
        fs::remove_file(desk.path("left").join(name(bytes))).unwrap();
    }
    desk.converge();
    assert!(!desk.path("right").join(name(&long)).exists());
}

fn descend(from: &OwnedFd, part: &str) -> rustix::io::Result<OwnedFd> {
    openat(
        from,
        part,
        OFlags::DIRECTORY | OFlags::NOFOLLOW,
        Mode::empty(),
    )
}

#[test]
fn a_tree_deeper_than_any_path_is_copied_changed_and_deleted() {
    const DEPTH: usize = 120;
    let mut desk = Desk::new();
    desk.write("left/neighbour", "1");
    let part = "p".repeat(100);
    let (left, right) = (desk.path("left"), desk.path("right"));
    let open =
        |side: &std::path::Path| openat(CWD, side, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut dir = open(&left);
    for _ in 0..DEPTH {
        mkdirat(&dir, &part, Mode::from_raw_mode(0o755)).unwrap();
        dir = descend(&dir, &part).unwrap();
    }
    let write = |dir: &OwnedFd, text: &str| {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC;
        let file = openat(dir, "bottom", flags, Mode::from_raw_mode(0o644)).unwrap();
        rustix::io::write(&file, text.as_bytes()).unwrap();
    };
    write(&dir, "deep");
    let read = || -> Option<String> {
        let mut dir = open(&right);
        for _ in 0..DEPTH {
            dir = descend(&dir, &part).ok()?;
        }
        let file = openat(&dir, "bottom", OFlags::RDONLY, Mode::empty()).ok()?;
        let mut bytes = [0; 32];
        let n = rustix::io::read(&file, &mut bytes).unwrap();
        Some(String::from_utf8_lossy(&bytes[..n]).into_owned())
    };
    let first = desk.sync();
    assert!(first.is_in_sync(), "{first:?}");
    assert_eq!(read().as_deref(), Some("deep"));
    assert_eq!(desk.read("right/neighbour").as_deref(), Some("1"));
    write(&dir, "deep and changed");
    assert!(desk.sync().is_in_sync());
    assert_eq!(read().as_deref(), Some("deep and changed"));
    drop(dir);
    fs::remove_dir_all(desk.path("left").join(&part)).unwrap();
    let last = desk.sync();
    assert!(last.is_in_sync(), "{last:?}");
    assert!(!desk.path("right").join(&part).exists());
}
