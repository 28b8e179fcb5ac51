//! The command line: every command and option, with the words of its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

const EXAMPLES: &str = "\
Examples:
  syncmgr preview ~/Photos /mnt/nas/Photos    what would be done; changes nothing
  syncmgr sync ~/Photos /mnt/nas/Photos       do it; the first run deletes nothing
  syncmgr add photos ~/Photos /mnt/nas/Photos save it as `photos`
  syncmgr sync photos
  syncmgr demo                                see everything with made-up folders

Exit codes: 0 in sync, 11 conflicts remain, 12 something was not synced, 13 held, 2 wrong
usage, 130 interrupted; the others are in the manual (`syncmgr man`).";

/// Keeps two folders the same, both ways, and never loses a file.
///
/// Without a command it says whether everything is in sync.
#[derive(Debug, Parser)]
#[command(name = "syncmgr", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Options for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options for every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only errors and what was asked for
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more: every path of a problem
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: When,
    /// Never ask anything, also on a terminal
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether everything is in sync (the same as no command)
    Status(commands::status::StatusArgs),
    /// Bring two folders together, or saved syncs
    Sync(commands::sync::SyncArgs),
    /// Say what `sync` would do; changes nothing
    Preview(commands::sync::SyncArgs),
    /// Ask runs to stop
    Stop(commands::stop::StopArgs),
    /// Run any command as a run of a sync
    Run(crate::run::RunArgs),
    /// Let no run begin by itself for a while
    Pause(commands::pause::PauseArgs),
    /// Let runs begin by themselves again
    Resume(commands::pause::ResumeArgs),
    /// Show runs while they work
    Watch(commands::watch::WatchArgs),
    /// Save a sync with a name: two folders, or what a handler syncs
    Add(commands::add::AddArgs),
    /// Add what your tools, your crontab and your timers sync already
    Import(commands::import::ImportArgs),
    /// List the syncs
    #[command(visible_alias = "ls")]
    List(commands::list::ListArgs),
    /// Show everything about one sync
    Show(commands::show::ShowArgs),
    /// Change settings of a saved sync
    Set(commands::set::SetArgs),
    /// Give a saved sync another name
    Rename(commands::rename::RenameArgs),
    /// Turn a sync on
    On(commands::switch::SwitchArgs),
    /// Turn a sync off: it does not run
    Off(commands::switch::SwitchArgs),
    /// Leave a sync out of lists; it syncs as before
    Hide(commands::switch::SwitchArgs),
    /// Show a hidden sync again
    Unhide(commands::switch::SwitchArgs),
    /// Say when syncs run by themselves
    Schedule(commands::schedule::ScheduleArgs),
    /// Remove a saved sync; never deletes your files
    Remove(commands::remove::RemoveArgs),
    /// List, show and compare conflicts
    Conflicts(commands::conflicts::ConflictsArgs),
    /// Decide conflicts
    Resolve(commands::resolve::ResolveArgs),
    /// List what runs had to say
    Results(commands::results::ResultsArgs),
    /// List past runs, or show one
    History(commands::history::HistoryArgs),
    /// Take a run back
    Undo(commands::undo::UndoArgs),
    /// List, restore and compare kept versions of a file
    Versions(commands::versions::VersionsArgs),
    /// Say why a file is, or is not, in sync
    Why(commands::why::WhyArgs),
    /// Run syncs by themselves, in the background
    Daemon(commands::daemon::DaemonArgs),
    /// Open the page in the browser, signed in
    Open(commands::open::OpenArgs),
    /// List handlers, turn one on or off
    Handler(commands::handler::HandlerArgs),
    /// Keep passwords and keys of syncs
    Secret(commands::secret::SecretArgs),
    /// Try the ways on which you are told
    Alert(commands::alert::AlertArgs),
    /// Read and change the settings
    Config(commands::config::ConfigArgs),
    /// Check this installation, with a fix for everything that is wrong
    Doctor(commands::doctor::DoctorArgs),
    /// Try everything with made-up folders
    Demo(commands::demo::DemoArgs),
    /// Print the version
    Version,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// How two folders relate.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModeArg {
    /// Changes travel both ways
    TwoWay,
    /// RIGHT is made equal to LEFT, deletions included
    Mirror,
    /// LEFT is made equal to RIGHT, deletions included
    MirrorBack,
    /// Changes travel both ways, nothing is ever deleted
    AddOnly,
}

/// What to do when both sides changed a file.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RuleArg {
    /// It waits for your decision
    Ask,
    /// The later change wins, the other is kept as a version
    Newest,
    /// LEFT wins, the other is kept as a version
    Left,
    /// RIGHT wins, the other is kept as a version
    Right,
    /// Both are kept under two names
    Both,
    /// Text is merged where the changes do not touch; the rest waits
    Merge,
}

/// Settings of a sync.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingArgs {
    /// How the folders relate
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: Option<ModeArg>,
    /// What to do when both sides changed a file
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) rule: Option<RuleArg>,
    /// Leave out what matches (gitignore syntax; may be given several times)
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Leave out what matches a line of this file (gitignore syntax)
    #[arg(long, value_name = "FILE")]
    pub(crate) exclude_from: Vec<PathBuf>,
    /// Copy at most so many bytes per second, as 10M
    #[arg(long, value_name = "BYTES")]
    pub(crate) bandwidth: Option<String>,
    /// Keep replaced and deleted files so long, as 30d
    #[arg(long, value_name = "DAYS")]
    pub(crate) keep_versions: Option<String>,
    /// Keep at most so many bytes of them on each side, as 10G
    #[arg(long, value_name = "BYTES")]
    pub(crate) keep_bytes: Option<String>,
}

impl SettingArgs {
    /// Returns the options that decide what a plan does, as they are typed, with a space before
    /// each: a hint that names a plan must lead to the same plan.
    #[must_use]
    pub(crate) fn words(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let mode = self.mode.map(|mode| format!(" --mode {}", word(mode)));
        let rule = self.rule.map(|rule| format!(" --rule {}", word(rule)));
        let excludes = self
            .exclude
            .iter()
            .map(|line| format!(" --exclude {}", quoted(line)));
        let files = self.exclude_from.iter();
        let files =
            files.map(|file| format!(" --exclude-from {}", quoted(&file.to_string_lossy())));
        mode.into_iter()
            .chain(rule)
            .chain(excludes)
            .chain(files)
            .collect()
    }
}

/// Returns the word of an option value as it stands in settings.
#[must_use]
pub(crate) fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}
