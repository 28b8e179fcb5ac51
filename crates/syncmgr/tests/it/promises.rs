//! Promises that are about the whole program: a second run writes nothing, and 0 means equal.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::harness::World;

/// Inode, mode, size, and both times to the nanosecond.
type Trace = (u64, u32, u64, [i64; 4]);

/// Everything the system knows about every file below a folder, syncmgr's own included; only the
/// times of its own folder are left out, by which it reads the clock of the file system.
fn traces(dir: &Path) -> BTreeMap<String, Trace> {
    let mut all = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(path) = todo.pop() {
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            todo.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let times = [
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        ];
        let is_clock = path.ends_with(".syncmgr");
        let times = if is_clock { [0; 4] } else { times };
        let trace = (meta.ino(), meta.mode(), meta.size(), times);
        all.insert(path.to_str().unwrap().to_owned(), trace);
    }
    all
}

fn world_with_everything() -> World {
    let world = World::new();
    for n in 0..20 {
        world.put(&format!("A/dir{}/{n}", n % 3), &format!("file {n}"));
    }
    world.put("B/only-here/x", "x");
    world.put("A/same", "same");
    world.put("B/same", "same");
    fs::create_dir(world.path("B/empty")).unwrap();
    std::os::unix::fs::symlink("same", world.path("A/link")).unwrap();
    world
}

#[test]
fn a_second_run_writes_nothing() {
    let world = world_with_everything();
    world.put("A/both", "left");
    world.put("B/both", "right!");
    world.run("sync ~/A ~/B", 11);
    let before = (traces(&world.path("A")), traces(&world.path("B")));
    let conflicts = world.json("conflicts", 0);
    for words in ["sync ~/A ~/B", "sync ~/B ~/A", "sync ~/A ~/B --full"] {
        world.run(words, 11);
        let after = (traces(&world.path("A")), traces(&world.path("B")));
        assert_eq!(before, after, "{words}");
    }
    assert_eq!(conflicts, world.json("conflicts", 0));
}

/// What people see of a folder: names, kinds, contents, permissions.
fn seen(dir: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(path) = todo.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if name == ".syncmgr" {
                continue;
            }
            let meta = path.symlink_metadata().unwrap();
            let content = if meta.is_dir() {
                todo.push(path);
                Vec::new()
            } else if meta.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                target.to_str().unwrap().as_bytes().to_owned()
            } else {
                fs::read(&path).unwrap()
            };
            all.insert(name, (meta.mode(), content));
        }
    }
    all
}

#[test]
fn zero_means_equal_and_unequal_is_never_zero() {
    let world = world_with_everything();
    let are_equal = |world: &World| seen(&world.path("A")) == seen(&world.path("B"));
    let sync = |rest: &str| {
        let output = world.output(&format!("sync ~/A ~/B {rest}"));
        let code = output.status.code().unwrap();
        assert_eq!(code == 0, are_equal(&world), "{rest}: {output:?}");
        code
    };
    assert_eq!(sync(""), 0);
    fs::rename(world.path("A/dir1"), world.path("A/moved")).unwrap();
    fs::remove_file(world.path("B/dir2/2")).unwrap();
    assert_eq!(sync(""), 0);
    world.put("A/same", "left");
    world.put("B/same", "right!");
    assert_eq!(sync(""), 11);
    assert_eq!(sync("--rule merge"), 11);
    assert_eq!(sync("--rule left"), 0);
    fs::remove_dir_all(world.path("B/dir0")).unwrap();
    fs::remove_dir_all(world.path("B/dir2")).unwrap();
    fs::remove_dir_all(world.path("B/moved")).unwrap();
    for n in 0..30 {
        world.put(&format!("A/more/{n}"), "x");
    }
    assert_eq!(sync(""), 0);
    for n in 0..30 {
        fs::remove_file(world.path(&format!("B/more/{n}"))).unwrap();
    }
    assert_eq!(sync(""), 13);
    assert_eq!(sync("--mode add-only"), 0);
}
