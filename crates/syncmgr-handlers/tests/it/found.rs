//! Lines of a crontab: what is imported does to the folders exactly what the line does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use syncmgr_handlers::found::{self, Offer};
use syncmgr_model::id::ItemId;
use syncmgr_model::item::Item;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, have};

/// A home with folders in all the ways that matter to rsync.
fn home() -> Machine {
    let mut machine = Machine::new();
    for (name, text) in [
        ("Music/a.mp3", "new a"),
        ("Music/b.tmp", "tmp"),
        ("Music/cache/c", "c"),
        ("Music/sub/d.mp3", "d"),
        ("Linked/e", "e"),
        ("Papers/f", "f"),
        ("one-file", "g"),
        ("disk/precious", "only here"),
        ("disk/a.mp3", "another a"),
        ("disk/Music/a.mp3", "old a"),
        ("disk/Music/gone.mp3", "gone"),
        ("disk/Music/cache/old", "old"),
        ("disk/Music/left.tmp", "left"),
        ("disk/Papers/gone", "gone"),
        ("elsewhere/h", "h"),
        ("list", "sub\n"),
    ] {
        let file = machine.write(name, text);
        let time = if name.starts_with("disk") {
            1_000_000
        } else {
            2_000_000
        };
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time);
        fs::File::open(file).unwrap().set_modified(time).unwrap();
    }
    let home = machine.home();
    symlink("Music", home.join("link")).unwrap();
    symlink("../elsewhere", home.join("disk/Linked")).unwrap();
    symlink("d.mp3", home.join("Music/sub/link.mp3")).unwrap();
    let crontab = machine.write(
        "bin/crontab",
        "#!/bin/sh\n[ \"$*\" = -l ] && cat \"$HOME/bin/crontab.txt\"\n",
    );
    fs::set_permissions(crontab, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        home.join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    machine.set_env("PATH", path);
    machine
}

/// Returns what is offered for a line.
fn offer(machine: &Machine, line: &str) -> Offer {
    machine.write("bin/crontab.txt", format!("@daily {line}\n"));
    let ctx = machine.ctx();
    let (jobs, trouble) = found::jobs(&ctx);
    assert_eq!(trouble, None);
    let fits = |found: &syncmgr_model::item::Found| {
        let handler = machine.handler(found.handler.as_str(), &[]);
        handler.check(&item_of(found)).is_ok()
    };
    let mut offers = found::put_together(&ctx, Vec::new(), &jobs, &[], &fits);
    assert_eq!(offers.len(), 1, "{line}: {offers:?}");
    offers.remove(0)
}

fn item_of(found: &syncmgr_model::item::Found) -> Item {
    Item {
        id: ItemId::new("imported").unwrap(),
        handler: found.handler.clone(),
        name: Some("imported".to_owned()),
        settings: found.settings.clone(),
        is_enabled: true,
    }
}

/// Returns everything below the home folder: what each path is, and what it holds.
fn tree(machine: &Machine) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![machine.home()];
    let temp = machine.home();
    let temp = temp.parent().unwrap().file_name().unwrap();
    let temp = temp.to_string_lossy().into_owned();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(machine.home()).unwrap().display();
            // With `-R` the whole path stands in the target.
            let name = name.to_string().replace(&temp, "temp");
            if name == "bin" || path.ends_with(".syncmgr-kept") {
                continue;
            }
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let what = if kind.is_dir() {
                dirs.push(path);
                "folder".to_owned()
            } else if kind.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else {
                format!("file {}", fs::read_to_string(&path).unwrap())
            };
            all.insert(name, what);
        }
    }
    all
}

/// Runs a line as cron does.
fn run(machine: &Machine, line: &str) {
    let status = Command::new("sh")
        .args(["-c", line])
        .current_dir(machine.home())
        .env("HOME", machine.home())
        .output()
        .unwrap();
    assert!(status.status.success(), "{line}: {status:?}");
}

/// Compares what a line does with what the sync does that is imported for it.
#[track_caller]
fn check(line: &str, handler: &str) {
    let (by_line, by_sync) = (home(), home());
    let offer = offer(&by_sync, line);
    assert!(offer.can_be_added, "{line}: {offer:?}");
    assert_eq!(offer.found.handler.as_str(), handler, "{line}");
    run(&by_line, line);
    by_sync.sync(&item_of(&offer.found)).succeeded();
    assert_eq!(tree(&by_sync), tree(&by_line), "{line}");
}

#[test]
fn an_imported_line_of_rsync_does_what_the_line_does() {
    if have("rsync").is_none() {
        return;
    }
    for line in [
        "rsync -a --delete ~/Music ~/disk",
        "rsync -a --delete ~/Music ~/disk/",
        "rsync -a ~/Music ~/disk",
        "rsync -a --delete ~/Music/ ~/disk",
        "rsync -a --delete ~/Music// ~/disk",
        "rsync -a --delete ~/Music/. ~/disk",
        "rsync -avP --del ~/Papers \"$HOME/disk\"",
        "rsync -au --delete-after ~/Music/ ~/disk",
        "rsync -a --checksum ~/Music/ ~/disk",
        "rsync -a --delete --exclude='*.tmp' ~/Music ~/disk",
        "rsync -a --delete --exclude=cache ~/Music ~/disk",
        "rsync -a --delete --exclude=/cache/ ~/Music/ ~/disk",
        "rsync -a --delete --exclude sub/d.mp3 ~/Music/ ~/disk",
        "nice rsync -a --delete ~/Music ~/disk >/dev/null 2>&1",
    ] {
        check(line, "rsync");
    }
}

#[test]
fn a_line_of_rsync_that_cannot_be_said_exactly_runs_as_it_is() {
    if have("rsync").is_none() {
        return;
    }
    for line in [
        // What is copied is no folder, or several.
        "rsync -a --delete ~/link ~/disk",
        "rsync -a --delete ~/one-file ~/disk",
        "rsync -a --delete ~/Linked ~/disk",
        "rsync -a --delete ~/Music ~/Papers ~/disk",
        // Where it is depends on where it runs.
        "rsync -a --delete Music disk",
        "rsync -a --delete Music/ disk",
        "cd ~/disk && rsync -a --delete ../Music .",
        "rsync -a --delete ~/Papers/../Music/ ~/disk",
        // Rules that begin one folder further up.
        "rsync -a --delete --exclude=/Music/cache ~/Music ~/disk",
        "rsync -a --delete --exclude=/cache ~/Music ~/disk",
        "rsync -a --delete --exclude='M*' ~/Music ~/disk",
        "rsync -a --delete --include='*.mp3' --exclude='*' ~/Music/ ~/disk",
        // Options that change what is done.
        "rsync -an --delete ~/Music/ ~/disk",
        "rsync -a --delete --dry-run ~/Music/ ~/disk",
        "rsync -aR ~/Music ~/disk",
        "rsync -aL ~/Music ~/disk",
        "rsync -rt ~/Music ~/disk",
        "rsync -a --remove-source-files ~/Music/ ~/disk",
        "rsync -a --delete --delete-excluded --exclude='*.tmp' ~/Music ~/disk",
        "rsync -a --files-from=\"$HOME/list\" ~/Music ~/disk",
        "rsync -a --link-dest=\"$HOME/disk\" ~/Music/ ~/disk/new",
        "rsync -a --backup --suffix=.old ~/Music ~/disk",
        "rsync -a --ignore-existing ~/Music ~/disk",
        "rsync -a --existing ~/Music ~/disk",
        "rsync -a --max-size=2 ~/Music ~/disk",
        "flock -n \"$HOME/lock\" rsync -a --delete ~/Music ~/disk",
        "env X=y rsync -a --delete ~/Music ~/disk",
    ] {
        check(line, "command");
    }
}

/// A folder that the line would make is not there when its disk is not mounted.
#[test]
fn a_target_that_is_not_there_is_told_and_waited_for() {
    if have("rsync").is_none() {
        return;
    }
    let line = "rsync -a --delete ~/Music ~/elsewhere";
    let (by_line, by_sync) = (home(), home());
    let offer = offer(&by_sync, line);
    let target = by_sync.home().join("elsewhere/Music");
    assert_eq!(offer.found.settings.text("target"), target.to_str());
    let remarks = offer.found.remarks.join(" ");
    assert!(remarks.contains("has to be there"), "{remarks}");
    let item = item_of(&offer.found);
    let before = tree(&by_sync);
    by_sync.sync(&item).failed_with(Code::FolderMissing);
    assert_eq!(tree(&by_sync), before);
    fs::create_dir(Path::new(&target)).unwrap();
    by_sync.sync(&item).succeeded();
    run(&by_line, line);
    assert_eq!(tree(&by_sync), tree(&by_line));
}
