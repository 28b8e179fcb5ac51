//! Kinds of files and what belongs to them: links, holes, permissions, times.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::again::{cannot_run, is_done};
use super::desk::Desk;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn set_time(path: &Path, time: SystemTime) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn hard_links_are_replaced_and_never_written_through() {
    let mut desk = Desk::new();
    desk.write("left/a", "old");
    fs::hard_link(desk.path("left/a"), desk.path("left/b")).unwrap();
    desk.converge();
    // The other name lies outside and is nobody's business.
    fs::hard_link(desk.path("right/a"), desk.path("foreign")).unwrap();
    fs::remove_file(desk.path("left/a")).unwrap();
    desk.write("left/a", "new content");
    desk.converge();
    assert_eq!(desk.read("right/a").as_deref(), Some("new content"));
    assert_eq!(desk.read("right/b").as_deref(), Some("old"));
    assert_eq!(desk.read("foreign").as_deref(), Some("old"));
}

#[test]
fn holes_stay_holes() {
    const SIZE: u64 = 1 << 30;
    let mut desk = Desk::new();
    desk.write("left/sparse", "");
    let file = fs::File::options()
        .write(true)
        .open(desk.path("left/sparse"))
        .unwrap();
    file.set_len(SIZE).unwrap();
    file.write_all_at(b"in the middle", SIZE / 2).unwrap();
    file.write_all_at(b"at the end", SIZE - 10).unwrap();
    drop(file);
    assert!(desk.sync().is_in_sync());
    let copy = fs::File::open(desk.path("right/sparse")).unwrap();
    let metadata = copy.metadata().unwrap();
    assert_eq!(metadata.len(), SIZE);
    assert!(
        metadata.blocks() * 512 < 1 << 20,
        "{} blocks",
        metadata.blocks()
    );
    let mut bytes = [0; 13];
    copy.read_exact_at(&mut bytes, SIZE / 2).unwrap();
    assert_eq!(&bytes, b"in the middle");
    copy.read_exact_at(&mut bytes[..10], SIZE - 10).unwrap();
    assert_eq!(&bytes[..10], b"at the end");
    assert!(desk.plan().changes_nothing());
}

#[test]
fn permissions_travel_but_grant_nothing() {
    let mut desk = Desk::new();
    for (name, mode) in [
        ("private", 0o600),
        ("script", 0o755),
        ("setuid", 0o4755),
        ("ro", 0o444),
    ] {
        desk.write(format!("left/{name}"), name);
        set_mode(&desk.path(format!("left/{name}")), mode);
    }
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("right/private"), 0o600);
    assert_eq!(mode("right/script"), 0o755);
    assert_eq!(
        mode("right/setuid"),
        0o755,
        "no bit that makes a program somebody else's"
    );
    assert_eq!(mode("right/ro"), 0o444);
    fs::write(desk.path("left/private"), "changed").unwrap();
    fs::remove_file(desk.path("right/ro")).unwrap();
    desk.write("right/ro", "a new one");
    set_mode(&desk.path("right/ro"), 0o444);
    set_mode(&desk.path("left/script"), 0o700);
    assert!(desk.sync().is_in_sync());
    let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("right/private"), mode("right/script")),
        (0o600, 0o700)
    );
    assert_eq!(
        desk.read("left/ro").as_deref(),
        Some("a new one"),
        "read-only is no obstacle"
    );
    assert!(desk.plan().changes_nothing());
}

#[test]
fn times_travel_to_the_nanosecond_however_odd() {
    let mut desk = Desk::new();
    let epoch = SystemTime::UNIX_EPOCH;
    let times = [
        epoch,
        epoch + Duration::new(1, 1),
        epoch - Duration::new(86_400, 5),
        epoch + Duration::new(2_208_988_800, 999_999_999), // 2040
        epoch + Duration::new(15_000_000_000, 0),          // 2445
    ];
    for (n, time) in times.iter().enumerate() {
        desk.write(format!("left/f{n}"), format!("{n}"));
        set_time(&desk.path(format!("left/f{n}")), *time);
    }
    desk.converge();
    for (n, time) in times.iter().enumerate() {
        let copied = fs::metadata(desk.path(format!("right/f{n}"))).unwrap();
        assert_eq!(copied.modified().unwrap(), *time, "f{n}");
    }
    // Older is not worse: what changed is copied, whatever its time says.
    desk.write("left/f4", "changed and dated back");
    set_time(&desk.path("left/f4"), epoch - Duration::from_secs(1));
    desk.converge();
    assert_eq!(
        desk.read("right/f4").as_deref(),
        Some("changed and dated back")
    );
}

#[test]
fn an_edit_is_found_without_a_new_size_or_a_new_time() {
    let mut desk = Desk::new();
    for n in 0..120 {
        desk.write(format!("left/f{n}"), "aaaa");
    }
    // Again and again within one tick of the clock.
    for round in 0..10 {
        let report = desk.sync();
        assert!(report.is_in_sync(), "{round}: {report:?}");
        for n in 0..50 {
            let path = desk.path(format!("left/f{n}"));
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, format!("{:04}", round * 100 + n)).unwrap();
            if n % 2 == 0 {
                set_time(&path, time);
            }
        }
    }
    desk.converge();
    assert_eq!(desk.read("right/f7").as_deref(), Some("0907"));
}

#[test]
fn empty_folders_and_every_change_of_kind_arrive() {
    let mut desk = Desk::new();
    let put = |desk: &Desk, path: &str, kind: &str| {
        let at = desk.path(path);
        match kind {
            "file" => fs::write(at, format!("a file at {path}")).unwrap(),
            "link" => symlink("../nowhere", at).unwrap(),
            "empty" => fs::create_dir(at).unwrap(),
            _ => {
                fs::create_dir_all(at.join("deep/er")).unwrap();
                fs::write(at.join("deep/er/file"), path).unwrap();
            }
        }
    };
    let kinds = ["file", "link", "empty", "full"];
    let mut names = Vec::new();
    for from in kinds {
        for to in kinds {
            names.push((format!("{from}-{to}"), to));
            put(&desk, &format!("left/{from}-{to}"), from);
        }
    }
    desk.converge();
    for (at, (name, to)) in names.iter().enumerate() {
        let side = ["left", "right"][at % 2];
        let path = desk.path(format!("{side}/{name}"));
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        put(&desk, &format!("{side}/{name}"), to);
    }
    desk.converge();
    for (at, (name, to)) in names.iter().enumerate() {
        let other = ["right", "left"][at % 2];
        let metadata = fs::symlink_metadata(desk.path(format!("{other}/{name}"))).unwrap();
        assert_eq!(metadata.is_dir(), matches!(*to, "empty" | "full"), "{name}");
        assert_eq!(metadata.is_symlink(), *to == "link", "{name}");
    }
}

#[test]
fn links_are_data_and_never_followed() {
    let mut desk = Desk::new();
    desk.write("outside/secret", "not ours");
    let outside = desk.path("outside");
    symlink(&outside, desk.path("left/absolute")).unwrap();
    symlink("../outside/secret", desk.path("left/out")).unwrap();
    symlink("nowhere", desk.path("left/dangling")).unwrap();
    symlink("loop", desk.path("left/loop")).unwrap();
    symlink(".", desk.path("left/self")).unwrap();
    desk.converge();
    assert_eq!(fs::read_link(desk.path("right/absolute")).unwrap(), outside);
    fs::remove_file(desk.path("left/absolute")).unwrap();
    fs::remove_file(desk.path("left/out")).unwrap();
    symlink("elsewhere", desk.path("left/out")).unwrap();
    desk.converge();
    assert_eq!(desk.read("outside/secret").as_deref(), Some("not ours"));
}

#[test]
fn what_no_tool_can_sync_is_a_warning_and_stays() {
    let name = "real::kinds::what_no_tool_can_sync_is_a_warning_and_stays";
    let mut desk = Desk::new();
    desk.write("left/file", "1");
    let (pipe, device) = (desk.path("left/pipe"), desk.path("right/device"));
    assert!(is_done("mkfifo", &[pipe.to_str().unwrap()]));
    let _socket = std::os::unix::net::UnixListener::bind(desk.path("left/socket")).unwrap();
    if !is_done("mknod", &[device.to_str().unwrap(), "c", "1", "3"]) {
        cannot_run(name, "only root may make a device");
    }
    let report = desk.sync();
    assert!(report.is_in_sync(), "{report:?}");
    assert!(report.problems.len() >= 2, "{report:?}");
    assert!(report.problems.iter().all(|p| !p.kind.is_failure()));
    assert_eq!(desk.read("right/file").as_deref(), Some("1"));
    assert!(!desk.path("right/pipe").exists() && !desk.path("left/device").exists());
    assert!(pipe.exists());
    // In the place of a file that was synced it is no deletion of that file.
    fs::remove_file(desk.path("left/file")).unwrap();
    assert!(is_done(
        "mkfifo",
        &[desk.path("left/file").to_str().unwrap()]
    ));
    desk.sync();
    assert_eq!(desk.read("right/file").as_deref(), Some("1"));
}
