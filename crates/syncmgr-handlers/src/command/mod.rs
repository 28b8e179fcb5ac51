//! The handler `command`: any program, with a pattern that finds progress in its output and a map of
//! its exit codes.

use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::Mask;

use crate::tool::exits::{ExitMap, Meaning};
use crate::tool::pattern::{Pattern, Reading};
use crate::tool::process::{Ended, Keep};
use crate::tool::settings::{optional, unusable};
use crate::tool::{Context, ENV, Job, Outcome, Program, Tool, Wish, diagnose, job};

const SPECS: &[SettingSpec] = &[
    SettingSpec {
        key: "command",
        kind: SettingKind::List,
        is_required: true,
        help: "the program and its arguments, one text each; no shell looks at them",
    },
    optional(
        "progress",
        SettingKind::Text,
        "regular expression that finds progress in a line, with groups as (?P<percent>[0-9]+)",
    ),
    optional(
        "exits",
        SettingKind::List,
        "what exit codes mean, as 24=warning (0=ok, all others failed)",
    ),
    optional(
        "folders",
        SettingKind::List,
        "folders it works on: no other sync works there at the same time",
    ),
    optional("dir", SettingKind::Folder, "folder it is started in"),
    ENV,
];

/// The handler `command`.
#[derive(Debug, Clone, Copy)]
pub struct CommandTool;

/// The settings of an item, read.
struct Chosen {
    argv: Vec<String>,
    pattern: Pattern,
    exits: ExitMap,
    dir: Option<PathBuf>,
}

impl Chosen {
    fn read(ctx: &Context, item: &Item) -> Result<Self, Trouble> {
        let argv = item.settings.list("command").to_vec();
        match argv.first() {
            None => return Err(unusable("command", "", "it is empty")),
            Some(program) if program.is_empty() => {
                return Err(unusable(
                    "command",
                    "",
                    "its first text, the program, is empty",
                ));
            }
            Some(_) => {}
        }
        let pattern = match item.settings.text("progress") {
            Some(text) => Pattern::new(text).map_err(|why| unusable("progress", text, why))?,
            None => Pattern::usual(),
        };
        let exits = ExitMap::new(item.settings.list("exits"))
            .map_err(|(entry, why)| unusable("exits", &entry, why))?;
        for text in item.settings.list("folders") {
            if !ctx.place(text).is_absolute() {
                return Err(unusable("folders", text, "it is not a whole path"));
            }
        }
        let dir = item
            .settings
            .text("dir")
            .map(|text| (text, ctx.place(text)));
        if let Some((text, _)) = dir.as_ref().filter(|(_, dir)| !dir.is_absolute()) {
            return Err(unusable("dir", text, "it is not a whole path"));
        }
        Ok(Self {
            argv,
            pattern,
            exits,
            dir: dir.map(|(_, dir)| dir),
        })
    }

    fn program(&self, ctx: &Context) -> Result<PathBuf, Trouble> {
        let text = self.argv.first().map_or("", String::as_str);
        let missing = || Trouble::new(Code::ToolMissing).with("tool", escape(text.as_bytes()));
        if text.contains('/') {
            let path = ctx.place(text);
            return if path.is_absolute() {
                Ok(path)
            } else {
                Err(unusable("command", text, "the program is not a whole path"))
            };
        }
        ctx.find(text).ok_or_else(missing)
    }
}

impl Tool for CommandTool {
    fn id(&self) -> &'static str {
        "command"
    }

    fn name(&self) -> &'static str {
        "Any command"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn program(&self) -> Option<Program> {
        None
    }

    fn paths(&self, ctx: &Context, item: &Item) -> Vec<PathBuf> {
        let folders = item.settings.list("folders").iter();
        folders
            .map(|text| ctx.place(text))
            .filter(|path| path.is_absolute())
            .collect()
    }

    fn summary(&self, _ctx: &Context, item: &Item) -> String {
        let words = item.settings.list("command").iter();
        let words: Vec<_> = words.map(|word| word_shown(word)).collect();
        crate::tool::redact(&words.join(" "), &Mask::default())
    }

    fn check(&self, ctx: &Context, item: &Item) -> Result<(), Trouble> {
        Chosen::read(ctx, item).map(drop)
    }

    fn sync(&self, job: &Job<'_>, _wish: &Wish) -> Result<Outcome, Trouble> {
        let chosen = Chosen::read(job.ctx, job.item)?;
        let program = chosen.program(job.ctx)?;
        if let Some(dir) = chosen.dir.as_ref().filter(|dir| !dir.is_dir()) {
            return Err(Trouble::new(Code::FolderMissing).with("folder", job.ctx.shown(dir)));
        }
        let dir = chosen.dir.as_deref().unwrap_or(job.dir);
        let command = job.command_of(&program).args(&chosen.argv[1..]).dir(dir);
        let mut reading = Reading::default();
        let ended = job.run(command, |line| {
            // Whatever it says shows that it works.
            if let Some(said) = chosen.pattern.read(&line.text()) {
                reading.update(said);
            }
            let (status, progress) = reading.progress();
            job.session.progress(status, &progress);
            Keep::Yes
        })?;
        end(job, &program, &chosen.exits, &ended)
    }
}

/// Says what came of it.
fn end(job: &Job<'_>, program: &Path, exits: &ExitMap, ended: &Ended) -> Result<Outcome, Trouble> {
    let mut summary = Summary::default();
    if ended.was_stopped {
        return Ok(Outcome {
            summary,
            was_stopped: true,
        });
    }
    let tool = job::tool_name(program);
    let said = |code| {
        let trouble = Trouble::new(code)
            .with("tool", &tool)
            .with("exit", ended.exit)
            .with("detail", job::detail(ended));
        job::with_output(trouble, &ended.output)
    };
    match exits.meaning(ended.exit) {
        Meaning::Ok => {}
        Meaning::Warning => {
            summary.n_warnings = 1;
            job.session
                .say(said(Code::ToolFailed).at_level(EventLevel::Warning));
        }
        Meaning::Held => {
            summary.n_held = 1;
            job.session.say(said(Code::RepairNeeded).with(
                "advice",
                "see what it printed with `syncmgr results`, and do what it asks for",
            ));
        }
        Meaning::Failed => {
            let cause = diagnose::cause_of(&ended.errors);
            return Err(match cause {
                Some(diagnose::Cause::Unreachable) => {
                    diagnose::trouble(diagnose::Cause::Unreachable, job.item.label(), ended)
                }
                _ => said(Code::ToolFailed),
            });
        }
        Meaning::Disconnected => {
            let trouble = Trouble::new(Code::Disconnected).with("name", job.item.label());
            return Err(job::with_output(trouble, &ended.output));
        }
    }
    Ok(Outcome {
        summary,
        was_stopped: false,
    })
}

/// Returns a word of a command line as a person would type it.
fn word_shown(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%~".contains(c);
    let shown = escape(word.as_bytes());
    if !word.is_empty() && word.chars().all(is_plain) {
        shown
    } else {
        format!("'{shown}'")
    }
}
