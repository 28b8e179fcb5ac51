//! Handlers by anyone: the samples pass the conformance kit, a bad one fails where it is bad, and
//! what the tutorial says is done word by word.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::World;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program, with the search path of this test.
fn program(world: &World) -> Command {
    let mut command = world.command("");
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// Runs a command in the world's folder; returns its exit code and what it said.
fn run(world: &World, words: &[&str]) -> (Option<i32>, String) {
    let output = program(world).args(words).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[track_caller]
fn passes_all(world: &World, words: &[&str]) {
    let words = [&["handler", "check", "--junit", "junit.xml"][..], words].concat();
    let (code, text) = run(world, &words);
    assert_eq!(code, Some(0), "{text}");
    let junit = fs::read_to_string(world.path("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    assert!(text.contains("syncmgr handler protocol 1: "), "{text}");
}

#[test]
fn the_python_sample_passes_all_cases() {
    let world = World::without_daemon();
    let (code, text) = run(&world, &["handler", "new", "python", "My Notes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Made the handler `my-notes`"), "{text}");
    passes_all(&world, &["python3", "My Notes/handler.py"]);
}

/// Built with what the workspace has downloaded, into a folder of its own below the target folder,
/// so that the next time is fast.
#[test]
fn the_rust_sample_passes_all_cases() {
    let world = World::without_daemon();
    let (code, text) = run(&world, &["handler", "new", "rust", "mine"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("not published yet"), "{text}");
    let checkout = root();
    let words = ["handler", "new", "rust", "mine", "--sdk-path"];
    let (code, text) = run(
        &world,
        &[&words[..], &[checkout.to_str().unwrap()]].concat(),
    );
    assert_eq!(code, Some(0), "{text}");
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap().join("tmp/sample");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--offline", "--manifest-path"])
        .arg(world.path("mine/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let built = target.join("debug/handler-mine");
    passes_all(&world, &[built.to_str().unwrap()]);
}

#[test]
fn a_new_handler_never_goes_into_a_folder_with_something_in_it() {
    let world = World::without_daemon();
    world.put("A/mine.txt", "mine");
    let (code, text) = run(&world, &["handler", "new", "python", "A"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("nothing was changed"), "{text}");
    assert_eq!(fs::read_dir(world.path("A")).unwrap().count(), 1);
}

/// The vices of `sdk/python/tests/bad.py`, the case that has to find each, and in which words.
const VICES: [(&str, &str, &str); 12] = [
    ("none", "sessions/sync", "pass  sessions/sync"),
    ("chatter", "life/ping", "no JSON"),
    ("deaf-to-cancel", "stopping/cancel-at-once", "within 3 s"),
    (
        "speaks-after-the-end",
        "sessions/sync",
        "after its final status `succeeded`",
    ),
    ("forgets-an-item", "sessions/sync", "had no final status"),
    (
        "wrong-status",
        "sessions/sync",
        "`params.status` is \"done\"",
    ),
    ("strange-item", "sessions/sync", "not in the session"),
    ("dies-of-nonsense", "messages/no-json", "ended"),
    ("answers-twice", "life/ping", "was answered"),
    ("stays", "life/hang-up", "did not end"),
    ("bad-id", "life/initialize", "not an id"),
    (
        "knows-everything",
        "messages/unknown-method",
        "where an error [-32601] is right",
    ),
];

#[test]
fn a_bad_handler_fails_the_right_cases() {
    let world = World::without_daemon();
    let bad = root().join("sdk/python/tests/bad.py");
    let bad = bad.to_str().unwrap();
    for (vice, case, words) in VICES {
        let (code, text) = run(
            &world,
            &["handler", "check", "--only", case, "python3", bad, vice],
        );
        let expected = if vice == "none" { 0 } else { 12 };
        assert_eq!(code, Some(expected), "{vice}: {text}");
        assert!(text.contains(words), "{vice}: {text}");
    }
}

#[test]
fn the_outcome_of_a_check_is_one_object() {
    let world = World::without_daemon();
    let bad = root().join("sdk/python/tests/bad.py");
    let words = [
        "handler",
        "check",
        "--json",
        "--only",
        "life/ping",
        "python3",
        bad.to_str().unwrap(),
        "answers-twice",
    ];
    let output = program(&world).args(words).output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    crate::schema::check("handler check", &value);
    assert_eq!(value["passed"], false);
    assert_eq!(value["cases"][0]["name"], "life/ping");
    assert_eq!(value["cases"][0]["result"], "failed");
    let (code, text) = run(&world, &["handler", "check", "--only", "no/such", "true"]);
    assert_eq!(code, Some(21), "{text}");
    let (code, text) = run(&world, &["handler", "check", "/no/such/program"]);
    assert_eq!(code, Some(12), "{text}");
    assert!(text.contains("cannot be started"), "{text}");
}

#[test]
fn the_python_package_keeps_its_own_tests() {
    let package = root().join("sdk/python");
    let output = Command::new("python3")
        .args([
            "-W",
            "error::SyntaxWarning",
            "-m",
            "unittest",
            "discover",
            "-s",
            "tests",
        ])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", &package)
        .current_dir(&package)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("Ran 0 tests"), "{text}");
}

#[test]
fn the_python_package_is_typed() {
    let tools = std::env::current_exe().unwrap();
    // target/debug/deps/it-… → target/tools/mypy, where `cargo xtask setup` puts it.
    let target = tools.ancestors().nth(3).unwrap();
    let mypy = target.join("tools/mypy");
    if !mypy.join("mypy").is_dir() {
        assert!(
            std::env::var_os("CI").is_none(),
            "mypy is missing: cargo xtask setup"
        );
        eprintln!("not run: mypy is missing (`cargo xtask setup` installs it)");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .args(["-m", "mypy", "--strict", "--cache-dir"])
        .arg(cache.path())
        .args(["syncmgr_handler", "sample"])
        .env("PYTHONPATH", mypy)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(root().join("sdk/python"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}

/// Takes the fenced blocks out of a page: what stands behind the fence, and the text. `output` is
/// the block of text right behind one of commands.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open: Option<(String, String)> = None;
    let mut is_right_behind = false;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                let kind = if kind == "text" && is_right_behind {
                    "output"
                } else {
                    kind
                };
                open = Some((kind.to_owned(), String::new()));
            }
            (None, None) => is_right_behind &= line.is_empty(),
            (Some(_), Some(_)) => {
                let block = open.take().unwrap();
                is_right_behind = block.0 == "sh";
                blocks.push(block);
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}

/// Runs commands at a terminal, as a person does.
fn at_a_terminal(world: &World, commands: &str) -> (bool, String) {
    world.put("commands.sh", commands);
    let bin = Path::new(env!("CARGO_BIN_EXE_syncmgr")).parent().unwrap();
    let output = Command::new("script")
        .args(["-qec", "bash -e commands.sh", "/dev/null"])
        .env_clear()
        .env("HOME", world.path(""))
        // The system's own Python: the sandbox keeps a handler out of one in somebody's home.
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("TZ", "UTC")
        .env("TERM", "dumb")
        .env("NO_COLOR", "1")
        .current_dir(world.path(""))
        .output()
        .unwrap();
    fs::remove_file(world.path("commands.sh")).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    (output.status.success(), text)
}

#[test]
fn the_tutorial_works_word_by_word() {
    let world = World::without_daemon();
    fs::create_dir(world.path("src")).unwrap();
    std::os::unix::fs::symlink(root(), world.path("src/syncmgr")).unwrap();
    let page = fs::read_to_string(root().join("docs/guide/handlers.md")).unwrap();
    let mut said = String::new();
    let mut n_commands = 0;
    for (kind, text) in blocks(&page) {
        match kind.split_once(' ').unwrap_or((&kind, "")) {
            ("sh", "") => {
                n_commands += 1;
                let (is_good, output) = at_a_terminal(&world, &text);
                assert!(is_good, "{text}\n{output}");
                said = output;
            }
            ("python", file) => world.put(file, &text),
            ("output", "") => {
                for line in text.lines() {
                    assert!(
                        said.contains(line.trim_end()),
                        "`{line}` is not in:\n{said}"
                    );
                }
            }
            ("text", "") => {}
            (other, _) => panic!("nobody tries a block of `{other}`"),
        }
    }
    assert!(n_commands >= 6, "{n_commands}");
}
