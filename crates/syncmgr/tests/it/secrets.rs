//! Secrets: set without being shown, handed to a handler and to nobody else.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::json;

use crate::harness::World;

const CONFIG: &str = ".config/syncmgr/config.toml";
const FILE: &str = ".local/state/syncmgr/secrets.json";
const CANARY: &str = "canary-9f2e-geheim";

/// A sync whose handler has a secret `password`.
fn restic(world: &World) {
    world.put("R/config", "");
    world.put("S/file", "text");
    world.put(
        CONFIG,
        &format!(
            "[sync.home]\nhandler = \"restic\"\nid = \"home-1\"\nrepository = \"{}\"\nfolders = [\"{}\"]\n",
            world.path("R").display(),
            world.path("S").display()
        ),
    );
}

/// Runs `secret set` with a value on stdin.
fn set(world: &World, words: &str, value: &str) -> Output {
    let mut child = world
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(value.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Returns the files below a folder that have the canary in them.
fn with_canary(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            with_canary(&path, found);
        } else if meta.is_file() {
            let bytes = fs::read(&path).unwrap();
            if bytes
                .windows(CANARY.len())
                .any(|it| it == CANARY.as_bytes())
            {
                found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn a_secret_is_in_its_file_and_nowhere_else() {
    let mut world = World::without_daemon();
    restic(&world);
    let output = set(&world, "secret set home password", &format!("{CANARY}\n"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mode = fs::metadata(world.path(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut said = vec![output.stdout, output.stderr];
    let listed = world.json("secret list", 0);
    assert_eq!(
        listed["secrets"],
        json!([{"sync": "home", "item": "home-1", "handler": "restic", "key": "password",
                "place": "file"}])
    );
    world.start_daemon();
    let mut daemon_args = Vec::new();
    for words in [
        "secret list",
        "list --json",
        "show home",
        "show home --json",
        "status --json",
        "doctor",
        "config get",
        "history --json",
        "results --json",
        "sync home",
        "results",
        "handler show restic",
        "history",
        "daemon logs",
    ] {
        let output = world.output(words);
        said.push(output.stdout);
        said.push(output.stderr);
    }
    for process in fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            daemon_args.extend(fs::read(process.path().join(file)).unwrap_or_default());
        }
    }
    said.push(daemon_args);
    for text in said {
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains(CANARY), "{text}");
    }
    let mut found = Vec::new();
    with_canary(&world.path(""), &mut found);
    assert_eq!(found, ["secrets.json"]);
}

#[test]
fn renaming_keeps_secrets_and_removing_a_sync_removes_them() {
    for mut world in [World::without_daemon(), World::without_daemon()] {
        restic(&world);
        set(&world, "secret set home password", CANARY);
        world.run("rename home house", 0);
        let listed = world.json("secret list", 0);
        assert_eq!(listed["secrets"][0]["sync"], "house");
        world.start_daemon();
        let removed = world.run("remove house", 0);
        assert!(removed.contains("1 secret"), "{removed}");
        assert_eq!(world.json("secret list", 0)["secrets"], json!([]));
        assert!(!world.text(FILE).contains(CANARY));
    }
}

#[test]
fn mistakes_are_said() {
    let world = World::without_daemon();
    restic(&world);
    let check = |words: &str, value: &str, code: i32, words_said: &str| {
        let output = set(&world, words, value);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words}: {said}");
        assert!(said.contains(words_said), "{words}: {said}");
    };
    check(
        "secret set nobody password",
        CANARY,
        21,
        "there is no sync `nobody`",
    );
    check("secret set home pasword", CANARY, 2, "it has: ");
    check("secret set home password", "", 12, "is empty");
    check("secret remove home password", "", 21, "is not set");
    check(
        "secret set home password --in keyring",
        CANARY,
        12,
        "cannot be reached",
    );
    check(
        "secret set home password --file ~/missing",
        "",
        12,
        "cannot read",
    );
    assert!(!world.has(FILE) || !world.text(FILE).contains(CANARY));
    // Others can read the file: nothing is put into it.
    set(&world, "secret set home password", "one");
    fs::set_permissions(
        world.path(FILE),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    check("secret set home password", CANARY, 12, "others can read");
    let doctor = world.run("doctor", 12);
    assert!(doctor.contains("chmod 600"), "{doctor}");
}

/// A sync that needs a secret and has none says which command sets it.
#[test]
fn a_missing_secret_is_named() {
    let world = World::without_daemon();
    restic(&world);
    let output = world.output("sync home");
    let said =
        String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains("syncmgr secret set home password"), "{said}");
}
