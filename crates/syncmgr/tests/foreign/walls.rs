//! What a handler can reach, and what it sees of us.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use syncmgr_host::foreign::launch::{Support, support};
use syncmgr_host::foreign::manifest::Manifest;
use syncmgr_model::progress::ProgressStatus;

use crate::world::{Set, World, manifest};

/// Says whether the sandbox can be tried here. In CI it has to be.
#[expect(
    clippy::print_stderr,
    reason = "whoever reads the output of the tests is told why this one says nothing"
)]
fn can_be_tried() -> bool {
    match support() {
        Support::Yes => true,
        Support::No(why) => {
            assert!(std::env::var_os("CI").is_none(), "no sandbox: {why}");
            eprintln!("not tried: {why}");
            false
        }
    }
}

/// What the handler said of itself in a run.
fn said(world: &World) -> Vec<(String, String)> {
    let outcome = world.sync_beside_good();
    assert_eq!(
        outcome.status,
        ProgressStatus::Succeeded,
        "{}",
        world.log("bad")
    );
    let troubles = outcome.events.iter().map(|event| &event.trouble);
    troubles
        .map(|it| {
            (
                it.param("name").to_owned(),
                it.param("description").to_owned(),
            )
        })
        .collect()
}

fn reach(is_sandboxed: bool, support: Option<Support>) -> (World, Vec<(String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for folder in ["home", "mine"] {
        std::fs::create_dir(path(folder)).unwrap();
    }
    std::fs::write(path("home/secret"), "a secret").unwrap();
    let mut set = Set {
        is_sandboxed,
        support,
        allow: vec!["mine"],
        ..Set::bad("reach")
    };
    for name in ["home/outside", "mine/inside", "home/secret"] {
        set.bad.push(path(name).display().to_string());
    }
    let world = World::open_in(dir, set);
    let said = said(&world);
    (world, said)
}

#[test]
fn a_handler_reaches_its_folders_and_nothing_else() {
    if !can_be_tried() {
        return;
    }
    let (world, said) = reach(true, None);
    let expected = [
        ("write outside", "PermissionError"),
        ("cut outside", "PermissionError"),
        ("remove outside", "PermissionError"),
        ("move outside", "PermissionError"),
        ("read secret", "PermissionError"),
        ("write inside", "yes"),
        ("write own", "yes"),
        ("run a program", "yes"),
    ];
    for (what, result) in expected {
        let found = said.iter().find(|(name, _)| name == what);
        assert_eq!(
            found.map(|(_, it)| it.as_str()),
            Some(result),
            "{what}: {said:?}"
        );
    }
    let at = |name: &str| world.dir.path().join(name);
    assert_eq!(
        std::fs::read_to_string(at("home/secret")).unwrap(),
        "a secret"
    );
    assert!(!at("home/outside").exists() && at("mine/inside").exists());
    assert!(at("state/handlers/bad/note.txt").exists());
}

/// What a handler said of sockets and other calls, while somebody listens in a folder of its own.
fn sockets(has_sockets: bool) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("mine")).unwrap();
    let path = dir.path().join("mine/service.sock");
    let service = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for caller in service.incoming() {
            let mut caller = caller.unwrap();
            std::io::Write::write_all(&mut caller, b"yes\n").unwrap();
            // Whoever is hung up on before he has asked hears a broken pipe.
            drop(std::io::Read::read(&mut caller, &mut [0; 256]));
        }
    });
    let mut set = Set {
        has_sockets,
        allow: vec!["mine"],
        ..Set::bad("sockets")
    };
    set.bad.push(path.display().to_string());
    said(&World::open_in(dir, set))
}

#[track_caller]
fn check_sockets(has_sockets: bool, expected: &[(&str, &str)]) {
    let said = sockets(has_sockets);
    for (what, result) in expected {
        let found = said.iter().find(|(name, _)| name == what);
        let found = found.map(|(_, it)| it.as_str());
        assert_eq!(found, Some(*result), "{what}: {said:?}");
    }
}

/// Through such a socket our own daemon would do anything for a handler, outside the sandbox.
#[test]
fn a_handler_talks_to_no_service_of_its_person_and_still_works() {
    if !can_be_tried() {
        return;
    }
    let no = "PermissionError";
    let same = [
        ("a pair", "yes"),
        ("the network", "yes"),
        ("a machine", no),
        ("trace", no),
        ("a ring", no),
        ("asyncio", "yes"),
        ("subprocess", "yes"),
    ];
    check_sockets(false, &same);
    check_sockets(
        false,
        &[("connect", no), ("a loose pair", no), ("a raw pair", no)],
    );
    if cfg!(target_arch = "x86_64") {
        check_sockets(false, &[("the second family", no)]);
    }
    check_sockets(true, &same);
    check_sockets(true, &[("connect", "yes"), ("a loose pair", "yes")]);
}

#[test]
fn without_a_sandbox_it_is_said() {
    let no = Support::No("made so for a test".to_owned());
    let world = World::open(Set {
        support: Some(no),
        ..Set::bad("environment")
    });
    let outcome = world.sync_beside_good();
    let codes: Vec<_> = outcome
        .events
        .iter()
        .map(|event| event.trouble.to_string())
        .collect();
    let is_said = codes
        .iter()
        .any(|it| it.contains("made so for a test. [not-sandboxed]"));
    assert!(is_said, "{codes:?}");
    // Once is enough.
    let again = world.sync("bad", "one");
    assert!(
        again
            .events
            .iter()
            .all(|it| it.trouble.code.as_str() != "not-sandboxed")
    );
    let bad = syncmgr_model::id::HandlerId::new("bad").unwrap();
    let view = world.foreign.view(&bad).unwrap();
    assert!(!view.is_sandboxed && view.why_not.as_deref() == Some("made so for a test"));
}

#[test]
fn no_sandbox_is_a_choice_that_is_shown() {
    let (world, said) = reach(false, None);
    let found = said.iter().find(|(name, _)| name == "write outside");
    assert_eq!(found.map(|(_, it)| it.as_str()), Some("yes"), "{said:?}");
    let bad = syncmgr_model::id::HandlerId::new("bad").unwrap();
    let why = world.foreign.view(&bad).unwrap().why_not.unwrap();
    assert_eq!(why, "it was installed with `--no-sandbox`");
}

#[test]
fn its_environment_is_clean_and_its_folder_its_own() {
    let world = World::open(Set::bad("environment"));
    let said = said(&world);
    let get = |what: &str| {
        let found = said.iter().find(|(name, _)| name == what);
        found.map(|(_, it)| it.clone()).unwrap()
    };
    for name in get("environment").split(' ') {
        let is_known = [
            "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "TMPDIR",
        ]
        .contains(&name);
        let is_known = is_known || name.starts_with("LC_") || name.starts_with("XDG_");
        assert!(is_known, "{name}");
    }
    // cargo sets this one for us, and it is not handed on.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let own = world.dir.path().join("state/handlers/bad");
    assert_eq!(Path::new(&get("folder")), own);
    assert_eq!(get("group"), "True");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(own).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

/// A program whose interpreter lies where its sandbox does not let it read.
#[track_caller]
fn check_start(world: &World, script: &str) {
    let path = world.dir.path().join("own/handler");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tried = Manifest {
        command: vec![path.display().to_string()],
        ..manifest("trial", &[])
    };
    let trouble = world.foreign.introduce(tried).unwrap_err();
    let folder = std::fs::canonicalize(world.dir.path()).unwrap();
    let folder = folder.join("elsewhere/bin").display().to_string();
    let expected = format!(
        "its sandbox does not let it read `{folder}`; install it again with `--allow-read {folder}`"
    );
    let said = trouble.to_string();
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn an_interpreter_that_is_out_of_reach_is_named_with_what_helps() {
    if !can_be_tried() {
        return;
    }
    let world = World::open(Set::bad("none"));
    let at = std::fs::canonicalize(world.dir.path()).unwrap();
    for folder in ["own", "elsewhere/bin"] {
        std::fs::create_dir_all(at.join(folder)).unwrap();
    }
    let shell = at.join("elsewhere/bin/sh");
    std::fs::copy("/bin/sh", &shell).unwrap();
    let shell = shell.display();
    check_start(&world, &format!("#!{shell}\nexit 3\n"));
    // One that only leads to another program, as those of pyenv do.
    check_start(&world, &format!("#!/bin/sh\nexec {shell}\n"));
}

/// A sync that the handler lists after it was installed may need a folder to which nobody agreed.
#[test]
fn a_folder_to_which_nobody_agreed_is_named_once() {
    if !can_be_tried() {
        return;
    }
    let mut set = Set::bad("paths");
    set.allow = vec!["mine"];
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    set.bad.extend([at("mine/inner"), at("theirs")]);
    let theirs = at("theirs");
    std::fs::create_dir(dir.path().join("mine")).unwrap();
    let world = World::open_in(dir, set);
    let told = |world: &World| -> Vec<String> {
        let outcome = world.sync("bad", "one");
        assert_eq!(outcome.status, ProgressStatus::Succeeded);
        let events = outcome.events.iter();
        let events = events.filter(|it| it.trouble.code.as_str() == "folder-kept-out");
        events
            .map(|it| {
                assert!(it.item.is_some());
                it.trouble.param("folder").to_owned()
            })
            .collect()
    };
    assert_eq!(told(&world), [theirs]);
    assert_eq!(told(&world), [""; 0]);
}
