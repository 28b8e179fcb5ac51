//! Installing, looking after and removing handlers, as a person types it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A home of its own.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }
}

fn script(name: &str) -> PathBuf {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/handlers");
    scripts.join(name)
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) code: i32,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            dir: tempfile::tempdir().unwrap(),
            daemon: None,
        };
        // Scripts of a person lie in a folder of theirs, and not among the tests.
        fs::create_dir_all(home.path("scripts")).unwrap();
        for name in [
            "wire.py", "good.py", "bad.py", "box.py", "older.py", "tells.py",
        ] {
            fs::copy(script(name), home.path("scripts").join(name)).unwrap();
        }
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub(crate) fn environment(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path())
            .env("TERM", "dumb")
            .env("LANG", "C.UTF-8")
            .env("SYNCMGR_DAEMON_LISTEN", "off")
            .env("SYNCMGR_CONFIG_DIR", self.path("config"))
            .env("SYNCMGR_STATE_DIR", self.path("state"))
            .env("SYNCMGR_RUNTIME_DIR", self.path("run"))
            .current_dir(self.dir.path());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let mut command = self.environment(Command::new(env!("CARGO_BIN_EXE_syncmgr")));
        let output = command.args(words).stdin(Stdio::null()).output().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        text += &String::from_utf8(output.stderr).unwrap();
        Said {
            text,
            code: output.status.code().unwrap(),
        }
    }

    /// Asks again and again until the answer has a text: what was installed is read beside.
    #[track_caller]
    fn wait_for(&self, words: &[&str], text: &str) {
        for _ in 0..500 {
            if self.run(words).text.contains(text) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("no {text:?} in {:?}", self.run(words));
    }

    /// The same at a terminal, where a person answers.
    pub(crate) fn type_in(&self, answer: &str, words: &[&str]) -> Said {
        self.talk(&[("[y/N]", answer)], words)
    }

    /// The same with several questions, each with its answer.
    pub(crate) fn talk(&self, answers: &[(&str, &str)], words: &[&str]) -> Said {
        let answers = serde_json::to_string(answers).unwrap();
        let mut command = self.environment(Command::new("/usr/bin/python3"));
        command.arg("-B").arg(script("terminal.py")).arg(answers);
        command.arg(env!("CARGO_BIN_EXE_syncmgr")).args(words);
        let output = command.stdin(Stdio::null()).output().unwrap();
        Said {
            text: String::from_utf8(output.stdout).unwrap(),
            code: output.status.code().unwrap(),
        }
    }

    fn install(&self, answer: &str) -> Said {
        let words = [
            "handler",
            "install",
            "--",
            "python3",
            "-B",
            "scripts/good.py",
            "0.1",
        ];
        self.type_in(answer, &words)
    }

    pub(crate) fn start_daemon(&mut self) {
        let mut command = self.environment(Command::new(env!("CARGO_BIN_EXE_syncmgr")));
        let command = command.args(["daemon", "run"]).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(" runs as process ") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the daemon ended");
        }
        std::thread::spawn(move || {
            std::io::copy(&mut log, &mut std::io::sink()).unwrap();
        });
        self.daemon = Some(child);
    }
}

#[track_caller]
pub(crate) fn has(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "{}", said.text);
    for part in parts {
        assert!(said.text.contains(part), "no {part:?} in: {}", said.text);
    }
}

#[test]
fn without_a_terminal_nothing_is_installed() {
    let home = Home::new();
    let words = [
        "handler",
        "install",
        "--yes",
        "--",
        "python3",
        "scripts/good.py",
        "0.1",
    ];
    let said = home.run(&words);
    assert_ne!(said.code, 0);
    assert!(said.text.contains("at a terminal only"), "{}", said.text);
    assert!(!home.path("config/handlers").exists());
}

#[test]
fn a_person_sees_what_it_may_reach_and_says_yes() {
    let home = Home::new();
    let no = home.install("n");
    assert!(no.text.contains("Nothing was installed."), "{}", no.text);
    assert!(!home.path("config/handlers").exists());

    let yes = home.install("y");
    let parts = [
        "The good handler",
        "good",
        "~/state/handlers/good",
        "~/scripts",
        "2 syncs: One, Two",
        "Installed the handler good.",
    ];
    has(&yes, 0, &parts);
    let file = home.path("config/handlers/good.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("/scripts/good.py"), "{text}");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    // Nothing is left of the trial.
    let left = fs::read_dir(home.path("state/handlers")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "good"), "{left:?}");

    has(
        &home.run(&["handler", "list"]),
        0,
        &["good  ready  The good handler"],
    );
    let shown = home.run(&["handler", "show", "good"]);
    has(&shown, 0, &["/scripts/good.py", "sandbox"]);
    has(&home.run(&["handler", "logs", "good"]), 0, &[]);
    has(
        &home.run(&["doctor"]),
        0,
        &["handler: good is kept to its folders"],
    );
    let off = home.run(&["handler", "off", "good"]);
    has(&off, 0, &["Turned the handler good off"]);
    has(&home.run(&["handler", "list"]), 0, &["good  off"]);
}

#[test]
fn a_daemon_takes_an_installed_handler_in_and_lets_it_go() {
    let mut home = Home::new();
    home.start_daemon();
    has(&home.install("y"), 0, &["Installed the handler good."]);
    let listed = home.run(&["handler", "list", "--json"]);
    has(&listed, 0, &["\"good\"", "\"process\""]);
    has(
        &home.run(&["handler", "show", "good"]),
        0,
        &["/scripts/good.py"],
    );
    has(
        &home.run(&["handler", "restart", "good"]),
        0,
        &["was started anew, and answers"],
    );
    let removed = home.run(&["handler", "remove", "good", "--forget"]);
    has(&removed, 0, &["Removed the handler good."]);
    let listed = home.run(&["handler", "list"]);
    assert!(!listed.text.contains("good"), "{}", listed.text);
    assert!(!home.path("config/handlers/good.toml").exists());
    assert!(!home.path("state/handlers/good").exists());
    // What is not installed cannot be looked after.
    assert_ne!(home.run(&["handler", "restart", "good"]).code, 0);
    assert_ne!(home.run(&["handler", "restart", "files"]).code, 0);
}

/// A new setting is known after a restart, and nothing else is taken over by it.
#[test]
fn a_restart_waits_for_the_answer_and_reads_the_form_again() {
    let mut home = Home::new();
    home.start_daemon();
    has(&home.install("y"), 0, &[]);
    let file = home.path("config/handlers/good.toml");
    let before = fs::read_to_string(&file).unwrap();
    let form = |kind: &str| {
        let form = format!(r#"{{"type":"object","properties":{{"place":{kind}}}}}"#);
        fs::write(home.path("scripts/form.json"), form).unwrap();
    };
    form(r#"{"type":"string","description":"where it is"}"#);
    let restart = || home.run(&["handler", "restart", "good"]);
    has(&restart(), 0, &["was started anew, and answers"]);
    has(&home.run(&["handler", "show", "good"]), 0, &["where it is"]);
    let after = fs::read_to_string(&file).unwrap();
    let same = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("form"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(same(&before), same(&after));
    assert!(after.contains("where it is"), "{after}");
    has(
        &home.run(&["add", "mine", "--handler", "good", "place=there"]),
        0,
        &[],
    );
    has(&home.run(&["sync", "mine"]), 0, &[]);

    // What was written there as a text does not become a folder that it may change.
    form(r#"{"type":"string","format":"folder","description":"where it is"}"#);
    has(
        &restart(),
        12,
        &["is the name of a folder now", "install it again"],
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), after);

    fs::write(home.path("scripts/good.py"), "import sys\nsys.exit(9)\n").unwrap();
    let said = restart();
    has(&said, 12, &["with code 9", "syncmgr handler logs good"]);
}

#[test]
fn a_run_that_had_to_be_given_up_is_no_stop_with_whole_files() {
    let mut home = Home::new();
    home.start_daemon();
    let words = "handler install --yes -- python3 -B scripts/bad.py ignores-cancel";
    let installed = home.type_in("", &words.split(' ').collect::<Vec<_>>());
    has(&installed, 0, &["Installed the handler bad."]);
    home.wait_for(&["list"], "One");
    has(&home.run(&["sync", "--no-wait", "One"]), 0, &[]);
    home.wait_for(&["handler", "list"], "syncing");
    let said = home.run(&["stop", "One"]);
    has(
        &said,
        12,
        &["1 run did not stop when asked and had to be given up"],
    );
    assert!(!said.text.contains("Files are whole"), "{}", said.text);
}

#[test]
fn a_handler_that_stopped_too_often_is_told_with_what_helps() {
    let mut home = Home::new();
    home.start_daemon();
    let words = "handler install --yes -- python3 -B scripts/bad.py crash-in-session";
    let installed = home.type_in("", &words.split(' ').collect::<Vec<_>>());
    has(&installed, 0, &["Installed the handler bad."]);
    home.wait_for(&["list"], "One");
    for _ in 0..syncmgr_host::foreign::ENDS_MAX {
        has(&home.run(&["sync", "One"]), 12, &["handler logs bad"]);
    }
    let restart = "`syncmgr handler restart bad`";
    has(&home.run(&["sync", "One"]), 12, &[restart]);
    let doctor = home.run(&["doctor"]);
    assert_ne!(doctor.code, 0);
    for part in ["bad stopped too often", restart] {
        assert!(doctor.text.contains(part), "{}", doctor.text);
    }
    let status = home.run(&["status"]);
    assert!(status.text.contains(restart), "{}", status.text);
}

#[test]
fn a_tool_that_is_not_installed_is_named_in_the_list() {
    let home = Home::new();
    let mut command = home.environment(Command::new(env!("CARGO_BIN_EXE_syncmgr")));
    let output = command
        .args(["handler", "list"])
        .env("PATH", home.path("none"));
    let text = String::from_utf8(output.output().unwrap().stdout).unwrap();
    assert!(text.contains("(restic is not installed)"), "{text}");
}

#[test]
fn no_sandbox_is_said_before_and_after() {
    let home = Home::new();
    let words = [
        "handler",
        "install",
        "--no-sandbox",
        "--yes",
        "--",
        "python3",
        "-B",
        "scripts/good.py",
        "0.1",
    ];
    let said = home.type_in("", &words);
    has(
        &said,
        0,
        &["everything that you can, because of --no-sandbox"],
    );
    let listed = home.run(&["handler", "list"]);
    has(&listed, 0, &["The good handler  (no sandbox)"]);
    let shown = home.run(&["handler", "show", "good"]);
    has(&shown, 0, &["none: it was installed with `--no-sandbox`"]);
    let doctor = home.run(&["doctor"]);
    has(
        &doctor,
        0,
        &["good has no sandbox: it was installed with `--no-sandbox`"],
    );
}

/// A handler that tries asks the daemon for nothing, unless a person let it.
#[test]
fn a_handler_cannot_ask_the_daemon_unless_it_was_let() {
    let mut home = Home::new();
    home.start_daemon();
    let socket = home.path("run/syncmgr.sock").display().to_string();
    let try_it = |options: &[&str]| {
        let mut words = vec!["handler", "install", "--yes"];
        words.extend(options);
        words.extend(["--", "python3", "-B", "scripts/bad.py", "ask-daemon"]);
        words.push(&socket);
        let installed = home.type_in("", &words);
        has(&installed, 0, &["Installed the handler bad."]);
        home.wait_for(&["list"], "One");
        has(&home.run(&["sync", "One"]), 0, &[]);
        let log = home.run(&["handler", "logs", "bad"]);
        (installed, log)
    };
    let (installed, log) = try_it(&[]);
    has(&log, 0, &["the daemon: PermissionError"]);
    assert!(!log.text.contains("HTTP"), "{}", log.text);
    assert!(!installed.text.contains("talks to"), "{}", installed.text);

    let (installed, log) = try_it(&["--allow-sockets"]);
    has(&log, 0, &["the daemon: HTTP/1.1 200"]);
    let told = "also syncmgr: it can ask that for anything";
    has(&installed, 0, &["talks to", told]);
    let shown = home.run(&["handler", "show", "bad"]);
    has(&shown, 0, &["talks to", told, "(with sockets)"]);
    let json = home.run(&["handler", "show", "bad", "--json"]);
    has(&json, 0, &["\"sockets\":true"]);
}

#[test]
fn what_does_not_work_is_not_installed() {
    let home = Home::new();
    let bad = |how: &str| {
        let words = [
            "handler",
            "install",
            "--yes",
            "--",
            "python3",
            "-B",
            "scripts/bad.py",
            how,
        ];
        home.type_in("", &words)
    };
    let said = bad("crash-in-answer");
    assert_ne!(said.code, 0);
    assert!(said.text.contains("code 4"), "{}", said.text);
    let said = home.type_in(
        "",
        &["handler", "install", "--yes", "--", "no-such-program"],
    );
    assert!(said.text.contains("there is no program"), "{}", said.text);
    let words = [
        "handler",
        "install",
        "--yes",
        "--",
        "python3",
        "lost/bad.py",
    ];
    let said = home.type_in("", &words);
    let parts = [
        "`python3 lost/bad.py` did not start",
        "there is no file `",
        "nothing was installed",
    ];
    has(&said, 12, &parts);
    assert!(!said.text.contains("trial"), "{}", said.text);
    assert!(!home.path("config/handlers").exists());
    for left in ["state/handlers", "state/handler-logs"] {
        assert_eq!(fs::read_dir(home.path(left)).unwrap().count(), 0, "{left}");
    }
}

#[test]
fn a_file_that_others_can_write_is_refused_and_said() {
    let home = Home::new();
    has(&home.install("y"), 0, &[]);
    let file = home.path("config/handlers/good.toml");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&file, open).unwrap();
    let doctor = home.run(&["doctor"]);
    assert_ne!(doctor.code, 0);
    assert!(
        doctor.text.contains("others can write it"),
        "{}",
        doctor.text
    );
    let listed = home.run(&["handler", "list"]);
    assert!(!listed.text.contains("ready  The good"), "{}", listed.text);
}

/// The secret that a sync needs is asked for and tried before anything is saved; where nobody can
/// be asked, it is said how to give it.
#[test]
fn a_sync_that_needs_a_secret_is_checked_with_it() {
    let home = Home::new();
    let words = "handler install --yes -- python3 -B scripts/box.py";
    let installed = home.type_in("", &words.split(' ').collect::<Vec<_>>());
    has(&installed, 0, &["Installed the handler box."]);
    let add = |name| ["add", name, "--handler", "box", "address=here"];

    let said = home.run(&add("quiet"));
    let parts = [
        "Saved: ",
        "what opens it: `syncmgr secret set quiet password`",
    ];
    has(&said, 0, &parts);

    let wrong = home.talk(&[("Enter: later): ", "canary-wrong")], &add("mine"));
    has(&wrong, 12, &["The password does not fit."]);
    assert!(!wrong.text.contains("canary"), "{}", wrong.text);
    let listed = home.run(&["list", "--json"]);
    assert!(!listed.text.contains("mine"), "{}", listed.text);

    let right = home.talk(&[("Enter: later): ", "canary-right")], &add("mine"));
    has(&right, 0, &["password (what opens it; ", "Saved: "]);
    assert!(!right.text.contains("secret set"), "{}", right.text);
    assert!(!right.text.contains("canary"), "{}", right.text);
    let config = fs::read_to_string(home.path("config/config.toml")).unwrap();
    assert!(!config.contains("canary"), "{config}");
    has(&home.run(&["sync", "mine"]), 0, &[]);

    let later = home.talk(&[("Enter: later): ", "")], &add("later"));
    has(&later, 0, &["syncmgr secret set later password"]);

    // What is kept is there when a change is checked.
    has(&home.run(&["set", "mine", "address=strict"]), 0, &[]);
    let refused = home.run(&["set", "later", "address=strict"]);
    has(&refused, 12, &["Nobody can look into this box."]);
}

#[test]
fn legacy_a_handler_of_the_older_family_is_installed_and_syncs() {
    let home = Home::new();
    let id = crate::world::OLDER;
    let words = [
        "handler",
        "install",
        "--yes",
        "--",
        "python3",
        "-B",
        "scripts/older.py",
        "well",
    ];
    let said = home.type_in("", &words);
    has(&said, 0, &[&format!("Installed the handler {id}.")]);
    let manifest = fs::read_to_string(home.path(&format!("config/handlers/{id}.toml"))).unwrap();
    assert!(manifest.contains("legacy = true"), "{manifest}");
    has(&home.run(&["handler", "list"]), 0, &[id, "Mail"]);
    has(&home.run(&["list"]), 0, &["Letters", "Notes"]);
}
