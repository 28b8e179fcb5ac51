//! Whatever happens to the file, nothing wrong is ever believed (I11).

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::state::{BaseChange, Opened, StateError};

const N: u64 = 600;

/// A state with some content, all of it in the one file.
fn filled(dir: &Path) -> (PathBuf, BTreeMap<RelPath, Agreed>) {
    let mut state = open(dir);
    let mut changes = vec![BaseChange::Put {
        path: path("d"),
        agreed: agreed(Kind::Dir, 1),
    }];
    changes.extend((0..N).map(|n| BaseChange::Put {
        path: path(&format!("{}f{n}", if n % 2 == 0 { "d/" } else { "" })),
        agreed: agreed(Kind::File, n),
    }));
    state.update(&changes).unwrap();
    state.set_meta("k", "v").unwrap();
    let all = listing(&mut state.reader().unwrap());
    let busy: i64 = state
        .conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0);
    (dir.join("state.sqlite"), all)
}

/// Reads all that can be read, as a scan would.
fn salvage(state: &State) -> Result<BTreeMap<RelPath, Agreed>, StateError> {
    let mut reader = state.reader()?;
    let mut all = BTreeMap::new();
    let mut records = Records::new();
    let mut waiting = vec![(RelPath::root(), DirId::ROOT)];
    while let Some((above, dir)) = waiting.pop() {
        reader.list(dir, &mut records)?;
        for i in 0..records.len() {
            let name = above.join(records.name(i));
            waiting.extend(records.dir(i).map(|dir| (name.clone(), dir)));
            all.insert(name, records.agreed(i));
        }
    }
    Ok(all)
}

/// Opens a damaged state: it is set aside, or reading reports damage, or what is read is true.
#[track_caller]
fn believes_nothing_wrong(dir: &Path, truth: &BTreeMap<RelPath, Agreed>, case: &str) {
    let (state, opened) = State::open(dir).unwrap_or_else(|error| panic!("{case}: {error}"));
    match salvage(&state) {
        Ok(read) => {
            assert!(
                read.iter().all(|(path, one)| truth.get(path) == Some(one)),
                "{case}"
            );
            if let Opened::Rebuilt { kept_as } = opened {
                assert!(read.is_empty() && kept_as.exists(), "{case}");
            }
        }
        Err(error) => {
            assert!(error.is_damaged(), "{case}: {error}");
            drop(state);
            State::set_aside(dir).unwrap();
            assert!(open(dir).is_base_empty().unwrap(), "{case}");
        }
    }
    if let Ok(Some(value)) = open(dir).meta("k") {
        assert_eq!(value, "v", "{case}");
    }
}

fn spoiled(spoil: impl Fn(&mut Vec<u8>, usize), case: &str, n_cases: usize) {
    let origin = tempfile::tempdir().unwrap();
    let (file, truth) = filled(origin.path());
    let good = fs::read(file).unwrap();
    for n in 0..n_cases {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = good.clone();
        spoil(&mut bytes, n);
        fs::write(dir.path().join("state.sqlite"), bytes).unwrap();
        believes_nothing_wrong(dir.path(), &truth, &format!("{case} {n}"));
    }
}

#[test]
fn a_file_cut_anywhere() {
    spoiled(
        |bytes, n| bytes.truncate(bytes.len() * n / 60 + n % 7),
        "cut",
        60,
    );
}

#[test]
fn a_flipped_bit_anywhere() {
    spoiled(
        |bytes, n| {
            // Spread over the file without repeating, the header more densely.
            let at = if n < 100 { n } else { n * 7919 % bytes.len() };
            bytes[at] ^= 1 << (n % 8);
        },
        "bit",
        300,
    );
}

#[test]
fn a_page_of_garbage() {
    spoiled(
        |bytes, n| {
            let at = n * 4096 % bytes.len();
            let end = (at + 4096).min(bytes.len());
            bytes[at..end].fill(if n % 2 == 0 { 0 } else { 0xa5 });
        },
        "page",
        40,
    );
}

#[track_caller]
fn is_rebuilt(dir: &Path) -> PathBuf {
    assert!(State::open_existing(dir).is_err_and(|error| error.is_damaged()));
    match State::open(dir).unwrap() {
        (state, Opened::Rebuilt { kept_as }) => {
            assert!(state.is_base_empty().unwrap());
            kept_as
        }
        (_, other) => panic!("{other:?}"),
    }
}

#[test]
fn something_else_in_place_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.sqlite");
    fs::create_dir(&file).unwrap();
    assert!(is_rebuilt(dir.path()).is_dir());
    fs::write(&file, b"").unwrap();
    is_rebuilt(dir.path());
    fs::write(
        &file,
        b"not a database, but long enough to be one".repeat(50),
    )
    .unwrap();
    is_rebuilt(dir.path());
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("elsewhere", &file).unwrap();
    is_rebuilt(dir.path());
    let kept = fs::read_dir(dir.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        let name = name.to_string_lossy();
        name.starts_with("state.damaged-") && name.ends_with(".sqlite")
    });
    assert_eq!(kept.count(), 4, "three files and the folder, which stays");
}

#[test]
fn another_program_or_version() {
    for sql in [
        "PRAGMA user_version=99",
        "PRAGMA user_version=0",
        "PRAGMA application_id=1",
        "DROP TABLE step",
        "CREATE TABLE more(a)",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let state = open(dir.path());
        state.conn.execute_batch(sql).unwrap();
        drop(state);
        is_rebuilt(dir.path());
    }
}

#[test]
fn a_page_of_another_directory_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (_, truth) = filled(dir.path());
    let state = open(dir.path());
    state
        .conn
        .execute_batch("UPDATE page SET data = (SELECT data FROM page WHERE dir = 1)")
        .unwrap();
    assert!(salvage(&state).is_err_and(|error| error.is_damaged()));
    drop(state);
    believes_nothing_wrong(dir.path(), &truth, "moved page");
}

#[test]
fn a_log_without_its_file_is_not_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.set_meta("k", "v").unwrap();
    drop(state);
    fs::remove_file(dir.path().join("state.sqlite")).unwrap();
    let (state, opened) = State::open(dir.path()).unwrap();
    assert_eq!(opened, Opened::Fresh);
    assert_eq!(state.meta("k").unwrap(), None);
}

#[test]
fn what_cannot_be_opened_for_other_reasons_is_left_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("file");
    fs::write(&home, b"x").unwrap();
    assert!(State::open(&home).is_err_and(|error| !error.is_damaged()));
    assert!(State::open_existing(&home).unwrap().is_none());
    assert_eq!(fs::read(&home).unwrap(), b"x");
}
