//! What needs mounts: run again in a mount namespace of its own, where that is allowed (usually as
//! root only); elsewhere these tests have nothing to say and pass.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::entry::{FileTime, Side};
use crate::lock::{LockError, RootLock};
use crate::overlap::{self, Overlap};
use crate::replica::Replica;
use crate::root::ensure_own_dir;

const HERE: &str = "SYNCMGR_TEST_MOUNTS";

/// Runs `script` and then the test `name` again in a mount namespace of its own. Inside, returns
/// the folder that the script worked in.
fn in_namespace(name: &str, script: &str) -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os(HERE) {
        return Some(PathBuf::from(dir));
    }
    let temp = tempfile::tempdir().unwrap();
    let ready = temp.path().join("ready");
    let run = format!("set -e; cd \"${HERE}\"; {script}; touch ready; exec \"$0\" --exact {name}");
    let out = Command::new("unshare")
        .args(["-m", "sh", "-c", &run])
        .arg(std::env::current_exe().unwrap())
        .env(HERE, temp.path().canonicalize().unwrap())
        .output();
    let Ok(out) = out else { return None };
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() || !ready.exists(), "{said}");
    None
}

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn is_busy(path: &Path) -> bool {
    matches!(RootLock::acquire(path), Err(LockError::Busy { .. }))
}

#[test]
fn a_bind_mount_hides_no_overlap() {
    let script = "mkdir -p a/sub/deep b; mount --bind a/sub b";
    let name = "local::mount_tests::a_bind_mount_hides_no_overlap";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let (a, sub, b) = (dir.join("a"), dir.join("a/sub"), dir.join("b"));
    let inner = |inner| Err(Overlap::Nested { inner });
    assert_eq!(overlap::check(&sub, &b), Err(Overlap::Same));
    assert_eq!(overlap::check(&a, &b), inner(Side::Right));
    assert_eq!(overlap::check(&b.join("deep"), &a), inner(Side::Left));
    assert_eq!(overlap::check(&sub, &b.join("deep")), inner(Side::Right));
    let lock = RootLock::acquire(&a).unwrap();
    assert!(is_busy(&b) && is_busy(&b.join("deep")));
    drop(lock);
    let lock = RootLock::acquire(&b).unwrap();
    assert!(is_busy(&a) && is_busy(&sub) && is_busy(&dir));
    drop(lock);
}

#[test]
fn a_mount_in_the_tree_is_seen_and_made_durable() {
    let script = "mkdir -p r/tmp r/bind other; mount -t tmpfs none r/tmp; \
                  mount --bind other r/bind";
    let name = "local::mount_tests::a_mount_in_the_tree_is_seen_and_made_durable";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let replica = LocalReplica::open(&dir.join("r")).unwrap();
    for mount in ["tmp", "bind"] {
        let entry = replica.stat(&path(mount)).unwrap().unwrap();
        assert!(entry.is_mount, "{mount}");
        let opened = replica.open_dir(&path(mount)).unwrap();
        assert_eq!(opened.stat_self().unwrap(), entry);
        ensure_own_dir(&replica).unwrap();
        replica.make_dir(&path(mount).join(b"d"), 0o755).unwrap();
        let staged = path(".syncmgr/f");
        let file = replica.create(&staged).unwrap();
        file.finish(0o644, FileTime::new(1, 0)).unwrap();
        let moved = replica.move_new(&staged, &path(mount).join(b"f"));
        assert_eq!(moved.unwrap_err().kind, FaultKind::Elsewhere);
        replica.remove_file(&staged).unwrap();
        replica.set_meta(&path(mount), Some(0o700), None).unwrap();
    }
    // The bound folder is on the root's own file system.
    assert_eq!(replica.written_mounts.lock().unwrap().len(), 1);
    replica.make_durable().unwrap();
    let mounted = LocalReplica::open(&dir.join("r/tmp")).unwrap();
    assert!(!mounted.stat(&RelPath::root()).unwrap().unwrap().is_mount);
}

#[test]
fn a_full_and_a_read_only_store_say_so() {
    let script = "mkdir full ro; mount -t tmpfs -o size=64k none full; \
                  mkdir -m 700 full/.syncmgr; mount -t tmpfs none ro; mkdir -m 700 ro/.syncmgr; \
                  touch ro/.syncmgr/f; mount -o remount,ro none ro";
    let name = "local::mount_tests::a_full_and_a_read_only_store_say_so";
    let Some(dir) = in_namespace(name, script) else {
        return;
    };
    let full = LocalReplica::open(&dir.join("full")).unwrap();
    let mut file = full.create(&path(".syncmgr/f")).unwrap();
    let written = (0..100).try_for_each(|_| file.write(&[1; 4096]));
    assert_eq!(written.unwrap_err().kind, FaultKind::NoSpace);
    assert_eq!(full.free_bytes(), Some(0));
    let ro = LocalReplica::open(&dir.join("ro")).unwrap();
    let kind = |result: Result<(), Fault>| result.unwrap_err().kind;
    assert_eq!(kind(ro.make_dir(&path("d"), 0o755)), FaultKind::ReadOnly);
    assert_eq!(
        kind(ro.set_meta(&path(".syncmgr/f"), Some(0o600), None)),
        FaultKind::ReadOnly
    );
    assert_eq!(
        kind(ro.remove_file(&path(".syncmgr/f"))),
        FaultKind::ReadOnly
    );
    assert_eq!(
        kind(ro.create(&path(".syncmgr/g")).map(drop)),
        FaultKind::ReadOnly
    );
}

#[test]
fn an_immutable_file_is_read_only_not_denied() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let temp = tempfile::tempdir().unwrap();
    let replica = LocalReplica::open(temp.path()).unwrap();
    ensure_own_dir(&replica).unwrap();
    let at = temp.path().join(".syncmgr/f");
    fs::write(&at, "").unwrap();
    let file = fs::File::open(&at).unwrap();
    let Ok(flags) = ioctl_getflags(&file) else {
        return;
    };
    if ioctl_setflags(&file, flags | IFlags::IMMUTABLE).is_err() {
        return; // Not root, or a file system without the flag.
    }
    let name = path(".syncmgr/f");
    let kinds = [
        replica.set_meta(&name, Some(0o600), None),
        replica.remove_file(&name),
        replica.move_new(&name, &path("f")),
    ]
    .map(|result| result.unwrap_err().kind);
    ioctl_setflags(&file, flags).unwrap();
    assert_eq!(kinds, [FaultKind::ReadOnly; 3]);
}

#[test]
fn without_rights_a_folder_is_denied_and_never_empty() {
    const NOBODY: u32 = 65534;
    let name = "local::mount_tests::without_rights_a_folder_is_denied_and_never_empty";
    if rustix::process::geteuid().is_root() {
        // Rights mean nothing to root: run it again as somebody else, where that is allowed.
        let exe = std::env::current_exe().unwrap();
        let run = Command::new(exe)
            .args(["--exact", name])
            .uid(NOBODY)
            .gid(NOBODY)
            .output();
        if let Ok(out) = run {
            let said = String::from_utf8_lossy(&out.stdout);
            assert!(out.status.success(), "{said}");
        }
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let replica = LocalReplica::open(temp.path()).unwrap();
    replica.make_dir(&path("d"), 0o755).unwrap();
    fs::write(temp.path().join("d/f"), "").unwrap();
    let set = |mode| replica.set_meta(&path("d"), Some(mode), None).unwrap();
    let list = || {
        let dir = replica.open_dir(&path("d"))?;
        dir.list(&mut crate::replica::Listing::default(), &mut Vec::new())
    };
    let denied = |result: Result<(), Fault>| {
        assert_eq!(result.unwrap_err().kind, FaultKind::Denied);
    };
    set(0o000);
    denied(list());
    denied(replica.stat(&path("d/f")).map(drop));
    // Names can be read, attributes cannot.
    set(0o400);
    denied(list());
    set(0o500);
    list().unwrap();
    denied(replica.make_dir(&path("d/new"), 0o755));
    denied(replica.move_new(&path("d/f"), &path("f")));
    set(0o700);
    // A file that its owner may not open can still be given other attributes.
    let file = temp.path().join("d/f");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    denied(replica.open_dir(&path("d")).unwrap().open(b"f").map(drop));
    let time = FileTime::new(123, 456);
    replica.set_meta(&path("d/f"), None, Some(time)).unwrap();
    replica.set_meta(&path("d/f"), Some(0o640), None).unwrap();
    let entry = replica.stat(&path("d/f")).unwrap().unwrap();
    assert_eq!((entry.mode, entry.mtime), (0o640, time));
}
