//! A living example for the page: a daemon of its own, in one folder, with syncs in every state.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::{Done, io_failed, put};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::Ui;
use syncmgr_handlers::files::place::shown;

/// How long the daemon may take to answer.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How soon a signal is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Runs in the history of the busiest sync: what the strip of the page shows.
const N_RUNS: usize = 30;
/// Files of the sync whose deletions are held.
const N_PHOTOS: usize = 60;
/// How long the run that is seen at work goes on, in steps of a second.
const N_STEPS: usize = 900;

/// The daemon of the example; ends with it.
struct Daemon {
    child: Child,
    dir: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked first, so that its runs end whole; then made sure of.
        drop(syncmgr(&self.dir, &["daemon", "stop", "--quiet"]).status());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Makes the example in an empty folder, shows it, and keeps it alive until a signal.
pub(super) fn show(app: &App, dir: &Path, args: &super::DemoArgs) -> Done {
    let ui: Ui = app.ui.clone();
    let asked = Arc::new(AtomicBool::new(false));
    let ask = Arc::clone(&asked);
    // Without the listener a signal ends this program and leaves its daemon behind.
    ctrlc::set_handler(move || ask.store(true, Ordering::SeqCst)).map_err(|error| {
        CliError::new(Exit::Failed, format!("signals cannot be heard: {error}"))
    })?;
    ui.say("Making a living example: nine syncs with files, conflicts and a history …");
    files(dir).map_err(io_failed)?;
    settings(dir, args.port).map_err(io_failed)?;
    let child = syncmgr(dir, &["daemon", "run"])
        // What it logs is in its own log; here it would only be in the way.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(io_failed)?;
    let daemon = Daemon {
        child,
        dir: dir.to_owned(),
    };
    wait(dir)?;
    play(dir)?;
    let mut words = vec!["open"];
    words.extend(args.print.then_some("--print"));
    let opened = syncmgr(dir, &words).status().map_err(io_failed)?;
    if !opened.success() {
        return Err(CliError::new(Exit::Failed, "the page could not be opened"));
    }
    let place = shown(dir, app.dirs.home.as_deref());
    ui.say(format!(
        "Everything lies in {place}; Ctrl-C ends the example, `rm -r {place}` removes it."
    ));
    stay(daemon, &asked)
}

/// Waits until a signal comes, or the daemon ends by itself.
fn stay(mut daemon: Daemon, asked: &AtomicBool) -> Done {
    loop {
        if asked.load(Ordering::SeqCst) {
            return Ok(Exit::Done);
        }
        if daemon.child.try_wait().map_err(io_failed)?.is_some() {
            return Err(CliError::new(
                Exit::NotRunning,
                "the daemon of the example ended",
            ));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// One of our own commands, kept to the folder of the example.
fn syncmgr(dir: &Path, words: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("syncmgr"));
    let mut command = Command::new(program);
    command
        .args(words)
        .current_dir(dir)
        .env("HOME", dir)
        .env("SYNCMGR_CONFIG_DIR", dir.join("config"))
        .env("SYNCMGR_STATE_DIR", dir.join("state"))
        .env("SYNCMGR_RUNTIME_DIR", dir.join("run"))
        // The keyring of the desktop is not the example's to use.
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::null());
    command
}

/// Runs one of our own commands that may end with one of `expected`.
fn step(dir: &Path, words: &[&str], expected: &[Exit]) -> Result<(), CliError> {
    let output = syncmgr(dir, words).output().map_err(io_failed)?;
    let code = output.status.code();
    if expected
        .iter()
        .any(|exit| Some(i32::from(exit.code())) == code)
    {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CliError::new(
        Exit::Bug,
        format!("`syncmgr {}` ended with {code:?}: {said}", words.join(" ")),
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "it waits for another process, which no clock of ours owns"
)]
fn wait(dir: &Path) -> Result<(), CliError> {
    let until = Instant::now() + READY_WITHIN;
    while Instant::now() < until {
        let asked = syncmgr(dir, &["daemon", "status", "--quiet"]).output();
        if asked.is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(CliError::new(
        Exit::NotRunning,
        "the daemon of the example did not start",
    ))
}

/// A bitmap of one colour with a bar: small, and shown by every browser.
fn picture(rgb: [u8; 3], bar: usize) -> Vec<u8> {
    const SIDE: usize = 96;
    let mut bytes = b"BM".to_vec();
    let n_pixels = u32::try_from(SIDE * SIDE * 3).unwrap_or(0);
    let side = u32::try_from(SIDE).unwrap_or(0);
    for n in [54 + n_pixels, 0, 54, 40, side, side] {
        bytes.extend(n.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    for n in [0, n_pixels, 2835, 2835, 0, 0] {
        bytes.extend(n.to_le_bytes());
    }
    for y in 0..SIDE {
        for x in 0..SIDE {
            let is_bar = (bar..bar + 12).contains(&x) && (16..80).contains(&y);
            let [r, g, b] = if is_bar { [255, 255, 255] } else { rgb };
            bytes.extend([b, g, r]);
        }
    }
    bytes
}

fn files(dir: &Path) -> io::Result<()> {
    // The socket wants a folder that is its owner's alone (S1).
    for folder in ["config", "state", "run"] {
        fs::DirBuilder::new().mode(0o700).create(dir.join(folder))?;
    }
    for folder in [
        "Laptop/Documents",
        "NAS/Documents",
        "NAS/Photos",
        "NAS/Music",
        "NAS/Recipes",
        "Laptop/Projects",
        "NAS/Projects",
        "NAS/Archive",
        "NAS/Contacts",
        "Stick/Old",
    ] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let laptop = dir.join("Laptop");
    for n in 0..N_PHOTOS {
        let shade = u8::try_from(n * 4).unwrap_or(255);
        put(
            &laptop.join(format!("Photos/2019/img-{n:04}.bmp")),
            picture([shade, 120, 200], n),
        )?;
    }
    for n in 0..24 {
        put(
            &laptop.join(format!("Documents/letters/letter-{n:02}.txt")),
            format!("Dear Anna,\nthis is letter {n}.\nYours\n"),
        )?;
        put(
            &laptop.join(format!("Music/track-{n:02}.ogg")),
            "la ".repeat(2000 + 100 * n),
        )?;
        put(
            &laptop.join(format!("Archive/20{n:02}.tar")),
            "kept ".repeat(500),
        )?;
    }
    put(
        &laptop.join("Documents/shopping.txt"),
        "Milk\nBread\nApples\nRice\nTea\n",
    )?;
    put(
        &laptop.join("Documents/report.md"),
        "# Report\n\nThe first part is short.\n\nThe second part is about the garden.\nIt rains often.\n\nThe end.\n",
    )?;
    put(
        &laptop.join("Documents/logo.bmp"),
        picture([30, 90, 170], 8),
    )?;
    put(
        &laptop.join("Documents/<img src=x onerror=alert(1)>.txt"),
        "a name that is only text\n",
    )?;
    put(
        &laptop.join("Contacts/anna.vcf"),
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna Berg\r\nTEL:+49 30 1234\r\nEMAIL:anna@example.org\r\nEND:VCARD\r\n",
    )?;
    put(&laptop.join("Recipes/soup.md"), "# Soup\n\nWater, salt.\n")?;
    put(&laptop.join("Projects/garden/plan.txt"), "Roses\n")?;
    put(&laptop.join("Old/list.txt"), "old\n")
}

fn settings(dir: &Path, port: u16) -> io::Result<()> {
    let tool = |name: &str| dir.join("tools").join(name);
    put(
        &tool("backup.sh"),
        format!(
            "n=0\nwhile [ $n -lt {N_STEPS} ]; do n=$((n+1)); echo $n/{N_STEPS}; sleep 1; done\n"
        ),
    )?;
    put(
        &tool("calendar.sh"),
        "echo 'the server wants a new password' >&2\nexit 3\n",
    )?;
    let (backup, calendar) = (tool("backup.sh"), tool("calendar.sh"));
    let text = format!(
        "[daemon]\nlisten = {port}\n\n[sync.Backup]\nid = \"backup\"\nhandler = \"command\"\n\
         command = [\"sh\", {backup:?}]\n\n\
         [sync.Calendar]\nid = \"calendar\"\nhandler = \"command\"\n\
         command = [\"sh\", {calendar:?}]\n"
    );
    fs::write(dir.join("config/config.toml"), text)
}

/// Has the example live: runs, changes on both sides, a hold, conflicts, a pause, plans.
fn play(dir: &Path) -> Result<(), CliError> {
    let laptop = dir.join("Laptop");
    let nas = dir.join("NAS");
    let done = &[Exit::Done];
    for name in [
        "Documents",
        "Photos",
        "Music",
        "Recipes",
        "Projects",
        "Archive",
        "Contacts",
    ] {
        let (left, right) = (format!("Laptop/{name}"), format!("NAS/{name}"));
        step(dir, &["add", name, &left, &right], done)?;
    }
    step(dir, &["add", "Stick", "Laptop/Old", "Stick/Old"], done)?;
    for name in [
        "Photos",
        "Music",
        "Archive",
        "Contacts",
        "Documents",
        "Stick",
    ] {
        step(dir, &["sync", name], done)?;
    }
    for n in 0..N_RUNS {
        put(
            &laptop.join(format!("Recipes/recipe-{n:02}.md")),
            format!("# Recipe {n}\n\n{}", "Stir well. ".repeat(40 * (n % 7 + 1))),
        )
        .map_err(io_failed)?;
        step(dir, &["sync", "Recipes"], done)?;
    }
    both_sides(&laptop, &nas).map_err(io_failed)?;
    step(dir, &["sync", "Documents"], &[Exit::Conflicts])?;
    step(dir, &["sync", "Contacts"], &[Exit::Conflicts])?;
    for n in 0..N_PHOTOS - 8 {
        let photo = format!("Photos/2019/img-{n:04}.bmp");
        fs::remove_file(nas.join(photo)).map_err(io_failed)?;
    }
    step(dir, &["sync", "Photos"], &[Exit::Held])?;
    fs::rename(dir.join("Stick/Old"), dir.join("Stick/Old (taken out)")).map_err(io_failed)?;
    step(dir, &["sync", "Stick"], &[Exit::Failed])?;
    step(dir, &["sync", "Calendar"], &[Exit::Failed])?;
    step(dir, &["pause", "Archive"], done)?;
    step(dir, &["schedule", "set", "Music", "daily 18:00"], done)?;
    step(
        dir,
        &["schedule", "set", "Recipes", "on change", "every 6h"],
        done,
    )?;
    step(
        dir,
        &["schedule", "set", "Archive", "mon-fri 08:00,18:00"],
        done,
    )?;
    step(dir, &["sync", "Backup", "--no-wait"], done)
}

fn both_sides(laptop: &Path, nas: &Path) -> io::Result<()> {
    for n in 0..7 {
        let letter = format!("Documents/letters/letter-{n:02}.txt");
        put(
            &laptop.join(&letter),
            format!("Dear Anna,\nthis is letter {n}.\nLove\n"),
        )?;
        put(
            &nas.join(&letter),
            format!("Dear Anna,\nthis was letter {n}.\nYours\n"),
        )?;
    }
    put(
        &laptop.join("Documents/shopping.txt"),
        "Milk\nBread\nPears\nRice\nTea\nHoney\n",
    )?;
    put(
        &nas.join("Documents/shopping.txt"),
        "Coffee\nMilk\nBread\nPlums\nRice\nTea\n",
    )?;
    put(
        &laptop.join("Documents/report.md"),
        "# Report\n\nThe first part is short and good.\n\nThe second part is about the garden.\nIt rains often.\n\nThe end.\n",
    )?;
    put(
        &nas.join("Documents/report.md"),
        "# Report\n\nThe first part is short.\n\nThe second part is about the kitchen garden.\nIt rains often.\n\nThe end, for now.\n",
    )?;
    put(
        &laptop.join("Documents/logo.bmp"),
        picture([30, 90, 170], 48),
    )?;
    put(&nas.join("Documents/logo.bmp"), picture([170, 60, 40], 8))?;
    fs::remove_file(nas.join("Documents/letters/letter-20.txt"))?;
    put(
        &laptop.join("Documents/letters/letter-20.txt"),
        "Dear Anna,\nI changed this one.\n",
    )?;
    let card = |tel: &str, mail: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna Berg\r\nTEL:{tel}\r\nEMAIL:{mail}\r\nEND:VCARD\r\n"
        )
    };
    put(
        &laptop.join("Contacts/anna.vcf"),
        card("+49 30 9999", "anna@example.org"),
    )?;
    put(
        &nas.join("Contacts/anna.vcf"),
        card("+49 30 1234", "anna.berg@example.org"),
    )
}
