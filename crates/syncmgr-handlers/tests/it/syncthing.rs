//! The handler `syncthing`, with two real daemons on the loopback that know only each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use syncmgr_model::conflict::Conflict;
use syncmgr_model::item::Item;
use syncmgr_model::request::Choice;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::Code;

use crate::harness::{Machine, have, item};
use crate::server::{Server, free_port};

const KEY: &str = "key-of-the-test-0123456789";

/// One daemon: where its configuration and its folder are.
struct Daemon {
    program: PathBuf,
    home: PathBuf,
    id: String,
    gui: u16,
    port: u16,
    server: Option<Server>,
}

impl Daemon {
    fn new(machine: &Machine, home: &str) -> Option<Self> {
        let program = have("syncthing")?;
        let home = machine.dir(home);
        let made = Command::new(&program)
            .args(["generate", "--no-default-folder", "--home"])
            .arg(&home)
            .env("HOME", machine.home())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let config = fs::read_to_string(home.join("config.xml")).unwrap();
        let (_, rest) = config.split_once("<device id=\"").unwrap();
        let id = rest.split('"').next().unwrap().to_owned();
        Some(Self {
            program,
            home,
            id,
            gui: free_port(),
            port: free_port(),
            server: None,
        })
    }

    /// Writes its configuration: one folder, shared with `other`.
    fn write(&self, folder: &Path, other: Option<&Self>, tls: bool) {
        fs::create_dir_all(folder.join(".stfolder")).unwrap();
        let mut devices = format!("<device id=\"{}\" name=\"here\"></device>", self.id);
        let mut shared = format!("<device id=\"{}\"></device>", self.id);
        if let Some(other) = other {
            let device = format!(
                "<device id=\"{}\" name=\"the &amp; other\"><address>tcp://127.0.0.1:{}</address></device>",
                other.id, other.port
            );
            devices.push_str(&device);
            let device = format!("<device id=\"{}\"></device>", other.id);
            shared.push_str(&device);
        }
        let config = format!(
            "<configuration version=\"36\">\
             <folder id=\"docs-1\" label=\"My docs\" path=\"{}\" type=\"sendreceive\" \
              rescanIntervalS=\"0\" fsWatcherEnabled=\"false\">{shared}\
              <maxConflicts>10</maxConflicts><minDiskFree unit=\"%\">0</minDiskFree></folder>{devices}\
             <gui enabled=\"true\" tls=\"{tls}\"><address>127.0.0.1:{}</address><apikey>{KEY}</apikey></gui>\
             <options><listenAddress>tcp://127.0.0.1:{}</listenAddress>\
              <globalAnnounceEnabled>false</globalAnnounceEnabled>\
              <localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled>\
              <natEnabled>false</natEnabled><startBrowser>false</startBrowser>\
              <urAccepted>-1</urAccepted><crashReportingEnabled>false</crashReportingEnabled>\
              <autoUpgradeIntervalH>0</autoUpgradeIntervalH>\
              <minHomeDiskFree unit=\"%\">0</minHomeDiskFree>\
              <maxSendKbps>6000</maxSendKbps><limitBandwidthInLan>true</limitBandwidthInLan>\
              <reconnectionIntervalS>1</reconnectionIntervalS></options></configuration>",
            folder.display(),
            self.gui,
            self.port
        );
        fs::write(self.home.join("config.xml"), config).unwrap();
    }

    fn start(&mut self, machine: &Machine) {
        let home = self.home.display().to_string();
        let user = machine.home().display().to_string();
        self.server = Some(Server::start_at(
            &self.program,
            self.gui,
            &[
                "serve",
                "--no-browser",
                "--no-restart",
                "--no-upgrade",
                "--home",
                &home,
            ],
            &[
                ("HOME", &user),
                ("STNOUPGRADE", "1"),
                ("STMONITORED", "yes"),
            ],
        ));
    }
}

fn syncthing() -> Item {
    item("syncthing", "docs", &[("folder", "docs-1")])
}

fn conflicts(machine: &Machine, it: &Item) -> Vec<Conflict> {
    let handler = machine.handler("syncthing", std::slice::from_ref(it));
    handler.conflicts().unwrap().list(it).unwrap()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two daemons with one folder, `a` and `b`.
fn pair(machine: &Machine) -> Option<(Daemon, Daemon)> {
    let here = Daemon::new(machine, ".config/syncthing")?;
    let there = Daemon::new(machine, "there/config")?;
    here.write(&machine.dir("a"), Some(&there), false);
    there.write(&machine.dir("b"), Some(&here), false);
    Some((here, there))
}

#[test]
fn a_folder_is_followed_until_the_other_device_has_it_all() {
    let machine = Machine::new();
    let Some((mut here, mut there)) = pair(&machine) else {
        return;
    };
    let it = syncthing();
    // Nothing runs yet.
    machine.sync(&it).failed_with(Code::Disconnected);
    here.start(&machine);
    there.start(&machine);
    for n in 0..60 {
        machine.write(&format!("a/new/{n}"), vec![b'x'; 200_000 + n]);
    }
    let ran = machine.sync(&it);
    assert_eq!(ran.succeeded().n_failures, 0);
    for n in 0..60 {
        assert_eq!(machine.read(&format!("b/new/{n}")).len(), 200_000 + n);
    }
    let totals = ran
        .told
        .progress
        .iter()
        .filter_map(|(_, at)| at.bytes_total);
    assert!(totals.max() > Some(0), "{:?}", ran.told.progress);

    // What comes from there is counted.
    drop(there.server.take());
    machine.write("b/new/1", "from there");
    fs::remove_file(machine.home().join("b/new/2")).unwrap();
    there.start(&machine);
    wait_for("the change comes", || {
        machine.read("a/new/1") == "from there"
    });
    assert_eq!(machine.sync(&it).succeeded().n_failures, 0);

    // Turning the sync off pauses the folder.
    let shown = machine.shown(&it);
    shown.enable(false).unwrap();
    wait_for("the pause is written", || {
        machine
            .read(".config/syncthing/config.xml")
            .contains("<paused>true</paused>")
    });
    let ran = machine.sync(&it);
    assert!(
        ran.failed_with(Code::TurnedOff)
            .param("name")
            .contains("My docs")
    );
    shown.enable(true).unwrap();
    wait_for("going on is written", || {
        !machine
            .read(".config/syncthing/config.xml")
            .contains("<paused>true</paused>")
    });
    machine.sync(&it).succeeded();

    // A device that is away is waited for, and not for ever.
    drop(there.server.take());
    machine.write("a/more", "1");
    let ran = machine.sync(&it);
    assert_eq!(
        ran.failed_with(Code::Disconnected).param("name"),
        "the & other"
    );
    let preview = machine.preview(&it);
    let preview = preview.told.preview.as_ref().unwrap();
    assert_eq!(preview.changes.len(), 1);
    assert_eq!(preview.changes[0].path, b"more");
    machine
        .sync_and_stop(&it, |at| at.n_seen_left > 0)
        .was_stopped();

    // A key that is not valid any more.
    let config = machine
        .read(".config/syncthing/config.xml")
        .replace(KEY, "another");
    machine.write(".config/syncthing/config.xml", config);
    let ran = machine.sync(&it);
    ran.failed_with(Code::SignInNeeded);
    assert!(!format!("{ran:?}").contains(KEY));
}

#[test]
fn copies_of_conflicts_are_decided_and_gone_on_both_devices() {
    let machine = Machine::new();
    let Some((mut here, mut there)) = pair(&machine) else {
        return;
    };
    let it = syncthing();
    let names = ["left", "right", "newest", "both", "merged"];
    for name in names {
        machine.write(&format!("a/dir/{name}.txt"), "agreed");
    }
    here.start(&machine);
    there.start(&machine);
    machine.sync(&it).succeeded();
    drop(there.server.take());
    for name in names {
        machine.write(&format!("a/dir/{name}.txt"), format!("here {name}"));
        machine.write(&format!("b/dir/{name}.txt"), format!("there {name}"));
    }
    there.start(&machine);
    wait_for("the copies come", || {
        machine.sync(&it).succeeded();
        conflicts(&machine, &it).len() == names.len()
    });
    let found = conflicts(&machine, &it);
    // Which content lost is for Syncthing to say; both are there.
    let texts = |conflict: &Conflict| {
        let handler = machine.handler("syncthing", std::slice::from_ref(&it));
        let store = handler.conflicts().unwrap();
        let contents = store.contents(&it, &conflict.id, 1000).unwrap();
        [contents.left, contents.right].map(|it| String::from_utf8(it.unwrap()).unwrap())
    };
    for name in names {
        let path = format!("dir/{name}.txt");
        let conflict = found.iter().find(|it| it.path == path.as_bytes()).unwrap();
        let [original, copy] = texts(conflict);
        let mut both = [original.clone(), copy.clone()];
        both.sort();
        assert_eq!(both, [format!("here {name}"), format!("there {name}")]);
        let choice = match name {
            "left" => Choice::Keep(Side::Left),
            "right" => Choice::Keep(Side::Right),
            "newest" => {
                let times = [Side::Left, Side::Right].map(|side| match conflict.sides[side] {
                    syncmgr_model::conflict::Facts::Present { modified, .. } => modified,
                    other => panic!("{other:?}"),
                });
                // Two files of one millisecond have no newest.
                if times[0] == times[1] {
                    Choice::Keep(Side::Left)
                } else {
                    Choice::KeepNewest
                }
            }
            "both" => Choice::KeepBoth,
            _ => Choice::Merged(b"merged".to_vec()),
        };
        machine.resolve(&it, &[(&conflict.id, choice)]).succeeded();
        let now = machine.read(&format!("a/{path}"));
        match name {
            "left" | "both" => assert_eq!(now, original),
            "right" => assert_eq!(now, copy),
            "newest" => assert!(now == original || now == copy),
            _ => assert_eq!(now, "merged"),
        }
    }
    assert_eq!(conflicts(&machine, &it), []);
    machine.sync(&it).succeeded();
    let user_files = |dir: &str| -> Vec<String> {
        let all = machine.files(dir).into_iter();
        all.filter(|name| !name.starts_with(".st")).collect()
    };
    wait_for("both devices have the same", || {
        user_files("a") == user_files("b")
    });
    let names = user_files("b");
    assert!(
        !names.iter().any(|name| name.contains("sync-conflict")),
        "{names:?}"
    );
    assert_eq!(names.len(), 6, "{names:?}");
    // Nothing is lost: each content is in the folder, or kept.
    let mut all = String::new();
    let state = machine.state(&it).join("kept/20261130-120000000-0001/dir");
    for dir in [machine.home().join("a/dir"), state] {
        for entry in fs::read_dir(dir).unwrap() {
            all += &fs::read_to_string(entry.unwrap().path()).unwrap();
            all.push('\n');
        }
    }
    for name in ["left", "right", "newest", "both", "merged"] {
        for place in ["here", "there"] {
            assert!(
                all.contains(&format!("{place} {name}\n")),
                "{place} {name}: {all}"
            );
        }
    }
}

#[test]
fn one_device_alone_over_tls_and_what_is_wrong_with_its_folder() {
    let machine = Machine::new();
    let Some(mut here) = Daemon::new(&machine, ".local/state/syncthing") else {
        return;
    };
    here.write(&machine.dir("a"), None, true);
    here.start(&machine);
    machine.write("a/x", "1");
    let it = syncthing();
    machine.sync(&it).succeeded();
    fs::remove_dir(machine.home().join("a/.stfolder")).unwrap();
    machine.sync(&it).failed_with(Code::RepairNeeded);
    machine.dir("a/.stfolder");
    machine.sync(&it).succeeded();
    fs::rename(machine.home().join("a"), machine.home().join("away")).unwrap();
    let ran = machine.sync(&it);
    ran.failed_with(Code::FolderMissing);

    let found = machine.handler("syncthing", &[]).discover().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "My-docs");
    assert_eq!(found[0].settings.text("folder"), Some("docs-1"));
    assert_eq!(found[0].summary, "~/a <-> here");
    assert!(!format!("{found:?}").contains(KEY));
}

#[test]
fn what_cannot_be_found_is_named() {
    let mut machine = Machine::new();
    let it = syncthing();
    // Nothing to look for it in: it is not installed.
    machine.set_env("PATH", machine.dir("bin"));
    machine.sync(&it).failed_with(Code::ToolMissing);
    // It is, and was never started.
    let program = machine.write("bin/syncthing", "#!/bin/sh\n");
    std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::ToolFailed);
    let said = format!("{trouble:?}");
    assert!(said.contains("no configuration yet"), "{said}");
    assert!(said.contains("enable --now syncthing"), "{said}");
    assert_eq!(machine.handler("syncthing", &[]).discover(), Ok(Vec::new()));
    machine.write(
        ".config/syncthing/config.xml",
        "<configuration><folder id=\"x\" path=\"~/x\"></folder></configuration>",
    );
    let ran = machine.sync(&it);
    let trouble = ran.failed_with(Code::SettingUnusable);
    assert!(trouble.param("detail").contains("folders x"), "{trouble:?}");
    machine.write(".config/syncthing/config.xml", "<configuration>");
    machine.sync(&it).failed_with(Code::ToolFailed);
}
