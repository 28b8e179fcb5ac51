//! `demo`: every step of a sync with made-up folders, through the same commands with the same
//! output. With `--page`: a daemon of its own with a living example, and the page that shows it.
//! Touches nothing outside its folder.

mod living;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser as _};
use syncmgr_center::port::SessionQuery;
use syncmgr_handlers::files::place::shown;

use super::Done;
use crate::app::App;
use crate::cli::Cli;
use crate::dirs::Dirs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::Ui;

/// Photos made; enough that deleting most of them is held.
const N_PHOTOS: usize = 40;
/// Photos deleted.
const N_DELETED: usize = 30;

/// How much older the laptop's note is made.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

/// Try everything with made-up folders.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where; an empty or new folder (otherwise one among the temporary files)
    pub(crate) dir: Option<PathBuf>,
    /// Show the page with a living example: several syncs, one running, one held, conflicts
    #[arg(long)]
    pub(crate) page: bool,
    /// With --page: print the address and open no browser
    #[arg(long, requires = "page")]
    pub(crate) print: bool,
    /// With --page: this port of 127.0.0.1, 0 for any free one
    #[arg(long, requires = "page", default_value_t = 0, value_name = "PORT")]
    pub(crate) port: u16,
}

/// Runs `demo`. Ends with 0 when every step went as told.
pub(crate) fn run(app: &mut App, args: &DemoArgs) -> Done {
    if app.ui.is_json {
        return Err(CliError::usage(
            "the demonstration is for people; it has no JSON",
        ));
    }
    let dir = make_dir(args.dir.as_deref())?;
    if args.page {
        return living::show(app, &dir, args);
    }
    let dirs = Dirs {
        config: dir.join("config"),
        state: dir.join("state"),
        runtime: dir.join("run"),
        home: app.dirs.home.clone(),
    };
    let ui = app.ui.clone();
    let mut demo = Demo {
        app: App::new(dirs, ui.clone()),
        ui,
        laptop: dir.join("laptop"),
        stick: dir.join("stick"),
    };
    let result = demo.play();
    let place = shown(&dir, app.dirs.home.as_deref());
    app.ui.say("");
    if result.is_ok() {
        app.ui
            .say("That was all. Now with your own folders: `syncmgr preview LEFT RIGHT`.");
    }
    app.ui.say(format!(
        "Everything lies in {place}; remove it with `rm -r {place}`."
    ));
    result.map(|()| Exit::Done)
}

fn make_dir(wanted: Option<&Path>) -> Result<PathBuf, CliError> {
    let dir = match wanted {
        Some(dir) => std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
        None => std::env::temp_dir().join(format!("syncmgr-demo-{}", std::process::id())),
    };
    let failed = |error: io::Error| {
        let dir = shown(&dir, None);
        CliError::usage(format!("cannot use `{dir}` for the demonstration: {error}"))
    };
    fs::create_dir_all(&dir).map_err(failed)?;
    if fs::read_dir(&dir).map_err(failed)?.next().is_some() {
        return Err(failed(io::Error::other("it is not empty")));
    }
    fs::canonicalize(&dir).map_err(failed)
}

struct Demo {
    app: App,
    ui: Ui,
    laptop: PathBuf,
    stick: PathBuf,
}

impl Demo {
    fn play(&mut self) -> Result<(), CliError> {
        self.tell("Two folders: a laptop with photos and notes, and a stick with one song.");
        self.first_files().map_err(io_failed)?;
        self.type_pair("preview", &[], Exit::Done)?;
        self.type_pair("sync", &[], Exit::Done)?;

        self.tell("Now both sides change: a new file here, an edit there, a note on both.");
        self.edit_both().map_err(io_failed)?;
        self.type_pair("sync", &[], Exit::Conflicts)?;
        self.tell("The note waits for you; everything else is in sync.");
        self.type_line(&["conflicts"], Exit::Done)?;
        let id = self.conflict()?;
        self.type_line(&["conflicts", "diff", &id], Exit::Done)?;
        self.type_line(&["resolve", &id, "--keep", "newest"], Exit::Done)?;

        self.tell(&format!(
            "{N_DELETED} of {N_PHOTOS} photos disappear from the stick. Is that a wish or an accident?"
        ));
        for n in 0..N_DELETED {
            fs::remove_file(self.stick.join(photo(n))).map_err(io_failed)?;
        }
        self.type_pair("sync", &[], Exit::Held)?;
        let plan = self.held_plan()?;
        self.tell("It was a wish: allow exactly these changes.");
        self.type_pair("sync", &["--allow-deletions", &plan], Exit::Done)?;

        self.tell("It was an accident after all: take that run back.");
        let run = self.last_run()?;
        self.type_line(&["undo", &run, "--dry-run"], Exit::Done)?;
        self.type_line(&["undo", &run], Exit::Done)?;
        for folder in [&self.laptop, &self.stick] {
            if !folder.join(photo(0)).exists() {
                return Err(CliError::new(Exit::Bug, "a photo did not come back"));
            }
        }
        self.type_line(&["history"], Exit::Done)?;
        self.type_line(&[], Exit::Done)
    }

    fn first_files(&self) -> io::Result<()> {
        for n in 0..N_PHOTOS {
            put(
                &self.laptop.join(photo(n)),
                format!("photo {n}\n").repeat(500),
            )?;
        }
        put(
            &self.laptop.join("notes.txt"),
            "Milk\nBread\nApples\nRice\n",
        )?;
        put(
            &self.stick.join("music/song.ogg"),
            "la la la\n".repeat(1000),
        )
    }

    fn edit_both(&self) -> io::Result<()> {
        put(&self.laptop.join("letter.txt"), "Dear Anna,\n")?;
        put(
            &self.stick.join(photo(3)),
            "photo 3, brighter\n".repeat(500),
        )?;
        let older = self.laptop.join("notes.txt");
        put(&older, "Milk\nBread\nPears\nRice\n")?;
        // Clearly the older one: two writes in a row may get the same time.
        let file = fs::File::options().write(true).open(&older)?;
        let written = file.metadata()?.modified()?;
        file.set_modified(written - AN_HOUR)?;
        put(&self.stick.join("notes.txt"), "Milk\nBread\nPlums\nRice\n")
    }

    fn tell(&self, text: &str) {
        self.ui.say("");
        self.ui.say(self.ui.out.bold(text));
    }

    fn type_pair(&mut self, command: &str, rest: &[&str], expected: Exit) -> Result<(), CliError> {
        let (laptop, stick) = (self.laptop.clone(), self.stick.clone());
        let (laptop, stick) = (laptop.to_string_lossy(), stick.to_string_lossy());
        let words = [&[command, &*laptop, &*stick], rest].concat();
        self.type_line(&words, expected)
    }

    /// Shows a command line, runs it, and makes sure that it ended as the story says.
    fn type_line(&mut self, words: &[&str], expected: Exit) -> Result<(), CliError> {
        let home = self.app.dirs.home.clone();
        let typed: Vec<_> = words
            .iter()
            .map(|word| shown(Path::new(word), home.as_deref()))
            .collect();
        self.ui.say("");
        let line = format!("$ syncmgr {}", typed.join(" "));
        self.ui.say(self.ui.out.dim(line.trim_end()));
        let cli = Cli::try_parse_from(["syncmgr"].iter().chain(words))
            .map_err(|error| CliError::new(Exit::Bug, error.to_string()))?;
        let exit = super::run(&mut self.app, cli.command)?;
        if exit == expected {
            return Ok(());
        }
        Err(CliError::new(
            if exit == Exit::Done { Exit::Bug } else { exit },
            format!(
                "this step ended with {}, not {}",
                exit.code(),
                expected.code()
            ),
        ))
    }

    fn held_plan(&mut self) -> Result<String, CliError> {
        let last = self.last_run()?;
        let run = self.app.find_run(&last)?;
        let events = self.app.events_of(&run.id)?;
        events
            .into_iter()
            .find_map(|mut event| event.trouble.params.remove("plan"))
            .ok_or_else(|| CliError::new(Exit::Bug, "the held changes are not in history"))
    }

    fn conflict(&mut self) -> Result<String, CliError> {
        let found = self.app.conflicts(None)?;
        let first = found.cases.first();
        first
            .map(|case| super::conflicts::short_id(&case.listed))
            .ok_or_else(|| CliError::new(Exit::Bug, "the conflict is not listed"))
    }

    fn last_run(&mut self) -> Result<String, CliError> {
        let query = SessionQuery {
            limit: 1,
            ..SessionQuery::default()
        };
        let runs = self.app.sessions(query)?;
        runs.first()
            .map(|run| run.id.to_string())
            .ok_or_else(|| CliError::new(Exit::Bug, "the run is not in history"))
    }
}

fn photo(n: usize) -> String {
    format!("photos/2026/img-{n:04}.jpg")
}

fn put(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}

fn io_failed(error: io::Error) -> CliError {
    CliError::new(
        Exit::Failed,
        format!("cannot write the made-up files: {error}"),
    )
}
