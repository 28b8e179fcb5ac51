//! The base against a map of paths.

use super::*;
use crate::entry::Side;
use crate::state::{BaseChange, Opened};

type Model = BTreeMap<RelPath, Agreed>;

fn drop_within(model: &mut Model, path: &RelPath) {
    let within = model.range(path.clone()..).map(|(known, _)| known.clone());
    let gone: Vec<_> = within.take_while(|known| known.is_within(path)).collect();
    for known in gone {
        model.remove(&known);
    }
}

fn has_parent(model: &Model, path: &RelPath) -> bool {
    path.parent().is_some_and(|above| {
        above.is_root() || model.get(&above).is_some_and(|one| one.kind == Kind::Dir)
    })
}

fn change_model(model: &mut Model, change: &BaseChange) {
    match change {
        BaseChange::Put { path, agreed } if has_parent(model, path) => {
            if agreed.kind != Kind::Dir {
                drop_within(model, path);
            }
            model.insert(path.clone(), agreed.clone());
        }
        BaseChange::Put { .. } => {}
        BaseChange::Remove { path } => drop_within(model, path),
        BaseChange::Move { from, to } => {
            if from.is_root() || to.is_within(from) || !model.contains_key(from) {
                return;
            }
            let moved: Vec<_> = model
                .iter()
                .filter(|(known, _)| known.is_within(from))
                .map(|(known, one)| (known.rebase(from, to).unwrap(), one.clone()))
                .collect();
            drop_within(model, from);
            if has_parent(model, to) {
                drop_within(model, to);
                model.extend(moved);
            }
        }
    }
}

fn put(text: &str, kind: Kind, n: u64) -> BaseChange {
    BaseChange::Put {
        path: path(text),
        agreed: agreed(kind, n),
    }
}

/// Few names, so that changes meet.
fn any_place() -> impl Strategy<Value = RelPath> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c-", "c"]), 0..4)
        .prop_map(|parts| path(&parts.join("/")))
}

fn any_change() -> impl Strategy<Value = BaseChange> {
    let kind = prop::sample::select(vec![Kind::Dir, Kind::Dir, Kind::File, Kind::Symlink]);
    prop_oneof![
        5 => (any_place(), kind, 0..100u64).prop_map(|(path, kind, n)| BaseChange::Put {
            path,
            agreed: agreed(kind, n),
        }),
        1 => any_place()
            .prop_filter("the root is rare", |path| !path.is_root())
            .prop_map(|path| BaseChange::Remove { path }),
        1 => (any_place(), any_place()).prop_map(|(from, to)| BaseChange::Move { from, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_base_is_a_map_of_paths(batches in prop::collection::vec(
        prop::collection::vec(any_change(), 0..25), 1..6))
    {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open(dir.path());
        let mut reader = state.reader().unwrap();
        let mut model = Model::new();
        for batch in batches {
            state.update(&batch).unwrap();
            batch.iter().for_each(|change| change_model(&mut model, change));
            prop_assert_eq!(&listing(&mut reader), &model);
        }
        for (path, agreed) in &model {
            let found = state.get(path).unwrap();
            prop_assert_eq!(found.as_ref(), Some(agreed));
        }
        prop_assert_eq!(state.is_base_empty().unwrap(), model.is_empty());
    }

    #[test]
    fn wide_directories_are_maps_too(
        n in 1..2000usize,
        batches in prop::collection::vec(prop::collection::vec((0..2000usize, any::<bool>(),
            1..600usize), 1..8), 1..4))
    {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open(dir.path());
        let mut reader = state.reader().unwrap();
        let mut model = Model::new();
        let mut changes: Vec<_> =
            (0..n).map(|i| put(&format!("f{i:04}"), Kind::File, i as u64)).collect();
        for batch in batches {
            // Runs of neighbours, so that whole pages empty and fill again.
            for (at, is_put, len) in batch {
                changes.extend((at..at + len).map(|i| {
                    let name = format!("f{i:04}");
                    if is_put {
                        put(&name, Kind::File, i as u64 + 1)
                    } else {
                        BaseChange::Remove { path: path(&name) }
                    }
                }));
            }
            state.update(&changes).unwrap();
            changes.iter().for_each(|change| change_model(&mut model, change));
            changes.clear();
            prop_assert_eq!(&listing(&mut reader), &model);
        }
    }

    #[test]
    fn unchanged_means_the_same_as_for_a_record(
        one in any_agreed(), other in any_entry(), is_near: bool, can_mode: bool,
        is_swapped: bool)
    {
        let dir = tempfile::tempdir().unwrap();
        let mut state = open(dir.path());
        state.set_swapped(is_swapped);
        state.update(&[BaseChange::Put { path: path("a"), agreed: one.clone() }]).unwrap();
        let mut records = Records::new();
        state.reader().unwrap().list(DirId::ROOT, &mut records).unwrap();
        for side in Side::BOTH {
            let stamp = one.stamp(side);
            let entry = if is_near {
                Entry {
                    kind: one.kind, size: one.size, mode: one.mode, mtime: stamp.mtime,
                    ctime: stamp.ctime, id: stamp.id, is_mount: stamp.is_mount,
                }
            } else {
                other
            };
            let meant = one.is_unchanged(side, &entry, can_mode);
            prop_assert_eq!(records.is_unchanged(0, side, &entry, can_mode), meant);
        }
    }
}

/// More directories on the way than pages are held open, changed back and forth.
#[test]
fn deep_trees_and_many_directories_keep_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let mut model = Model::new();
    let mut changes = Vec::new();
    let deep: Vec<String> = (1..80).map(|n| vec!["d"; n].join("/")).collect();
    changes.extend(deep.iter().map(|at| put(at, Kind::Dir, 1)));
    changes.extend((0..100).map(|n| put(&format!("e{n}"), Kind::Dir, n)));
    for round in 0..12 {
        let near = |n: u64| put(&format!("e{n}/{round}"), Kind::File, n);
        changes.extend((0..100).map(near));
        changes.extend(
            deep.iter()
                .map(|at| put(&format!("{at}/{round}"), Kind::File, round)),
        );
    }
    changes.push(BaseChange::Move {
        from: path("d/d"),
        to: path("e7/moved"),
    });
    changes.push(BaseChange::Remove { path: path("e9") });
    state.update(&changes).unwrap();
    changes
        .iter()
        .for_each(|change| change_model(&mut model, change));
    assert_eq!(listing(&mut state.reader().unwrap()), model);
    state
        .update(&[BaseChange::Remove { path: path("e7") }])
        .unwrap();
    drop_within(&mut model, &path("e7"));
    assert_eq!(listing(&mut state.reader().unwrap()), model);
    state
        .update(&[BaseChange::Remove {
            path: RelPath::root(),
        }])
        .unwrap();
    assert!(state.is_base_empty().unwrap());
}

#[test]
fn a_directory_keeps_its_id_when_moved_and_a_new_one_gets_a_new_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let mut reader = state.reader().unwrap();
    let mut id = |at: &str| reader.find(&path(at)).unwrap().and_then(|one| one.dir);
    state
        .update(&[put("a", Kind::Dir, 1), put("a/x", Kind::File, 2)])
        .unwrap();
    let first = id("a").unwrap();
    let to_b = BaseChange::Move {
        from: path("a"),
        to: path("b"),
    };
    state.update(&[to_b, put("a", Kind::Dir, 3)]).unwrap();
    assert_eq!(id("b"), Some(first));
    let second = id("a").unwrap();
    state.update(&[put("b", Kind::File, 4)]).unwrap();
    drop(state);
    let mut state = open(dir.path());
    state.update(&[put("b", Kind::Dir, 5)]).unwrap();
    assert!(![first, second].contains(&id("b").unwrap()));
}

#[test]
fn with_sides_exchanged_everything_is_mirrored() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    let one = agreed(Kind::File, 4);
    assert_ne!(one.left, one.right);
    state.update(&[put("a", Kind::File, 4)]).unwrap();
    state.set_swapped(true);
    assert_eq!(state.get(&path("a")).unwrap(), Some(one.clone().swapped()));
    let all = listing(&mut state.reader().unwrap());
    assert_eq!(all[&path("a")], one.clone().swapped());
    state.update(&[put("b", Kind::File, 4)]).unwrap();
    drop(state);
    let state = open(dir.path());
    assert_eq!(state.get(&path("b")).unwrap(), Some(one.swapped()));
}

#[test]
fn a_reader_sees_what_is_committed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.update(&[put("a", Kind::File, 1)]).unwrap();
    let other = State::open_existing(dir.path()).unwrap().unwrap();
    let mut reader = other.reader().unwrap();
    let tx = state.conn.transaction().unwrap();
    crate::state::update::update(&tx, false, &[put("b", Kind::File, 1)]).unwrap();
    assert_eq!(listing(&mut reader).len(), 1);
    tx.commit().unwrap();
    assert_eq!(listing(&mut reader).len(), 2);
    assert_eq!(other.get(&path("b")).unwrap(), Some(agreed(Kind::File, 1)));
}

#[test]
fn a_failed_update_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = open(dir.path());
    state.update(&[put("a", Kind::File, 1)]).unwrap();
    drop(state);
    let mut reading = State::open_existing(dir.path()).unwrap().unwrap();
    reading.update(&[put("b", Kind::File, 1)]).unwrap_err();
    reading.set_meta("k", "v").unwrap_err();
    assert_eq!(listing(&mut open(dir.path()).reader().unwrap()).len(), 1);
}

#[test]
fn state_lasts_and_reading_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("deep/state");
    assert!(State::open_existing(&home).unwrap().is_none());
    assert!(!home.exists());
    let (mut state, opened) = State::open(&home).unwrap();
    assert_eq!(opened, Opened::Fresh);
    state.set_meta("roots", "1 2").unwrap();
    state.update(&[put("a", Kind::Dir, 1)]).unwrap();
    drop(state);
    let (mut state, opened) = State::open(&home).unwrap();
    assert_eq!(opened, Opened::Existing);
    assert_eq!(state.meta("roots").unwrap().as_deref(), Some("1 2"));
    assert_eq!(state.meta("none").unwrap(), None);
    state.clear_base().unwrap();
    assert!(state.is_base_empty().unwrap());
}

#[test]
fn only_the_owner_can_read_the_state() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("state");
    let mut state = open(&home);
    state.set_meta("k", "v").unwrap();
    let mode = |at: &Path| at.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    for file in home.read_dir().unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
