//! Something a person has to be told, as a code with parameters. The words are made in
//! [`crate::catalogue`] and nowhere else.

use std::collections::BTreeMap;
use std::fmt;

use crate::event::EventLevel;
use crate::language::Language;

/// Most paths a trouble carries; the count goes on. A list longer than this is not read by
/// anybody, and it has to fit into one row of history.
pub const PATHS_MAX: usize = 200;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened. The text form is stable and names a page of the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A folder is not there. `side`, `folder`.
    FolderMissing = "folder-missing",
    /// A folder is there and cannot be used. `folder`, `detail`.
    FolderUnusable = "folder-unusable",
    /// One side is suddenly empty. `empty`, `kept`, `n_files`.
    SideEmptied = "side-emptied",
    /// Many deletions. `folder`, `n_deletions`, `n_files`.
    TooManyDeletions = "too-many-deletions",
    /// Many overwritten files. `folder`, `n_changes`, `n_files`.
    TooManyChanges = "too-many-changes",
    /// A root is another folder than at the last run. `empty`, `kept`, `n_files`.
    FolderReplaced = "folder-replaced",
    /// The first mirror would delete what only one side has. `folder`, `n_deletions`, `n_files`.
    FirstMirror = "first-mirror",
    /// What was taken back would come again. `folder`, `empty` (where it comes from), `n_entries`.
    TakenBack = "taken-back",
    /// What was new stays where it was written; its copy went. `folder`, `n`.
    LeftApart = "left-apart",
    /// No space. `folder`, `n`.
    DiskFull = "disk-full",
    /// Not allowed to read or write. `folder`, `n`.
    PermissionDenied = "permission-denied",
    /// The file system is read-only. `folder`, `n`.
    ReadOnly = "read-only",
    /// A name the other side cannot store. `folder`, `n`.
    NameNotAllowed = "name-not-allowed",
    /// A kind of thing the other side cannot store. `folder`, `n`.
    NotStorable = "not-storable",
    /// Names that one side cannot tell apart. `folder`, `n`.
    NamesCollide = "names-collide",
    /// Files that changed during the run. `n`.
    FileChangedDuringCopy = "file-changed-during-copy",
    /// Files changed since the run that is taken back.
    ChangedSince = "changed-since",
    /// Fifos, sockets, devices. `folder`, `n`.
    Unsyncable = "unsyncable",
    /// A deleted folder stays because it holds excluded files. `folder`, `n`.
    HoldsExcluded = "holds-excluded",
    /// A mount appeared or vanished. `folder`, `n`.
    MountChanged = "mount-changed",
    /// The device or the network failed. `folder`, `n`, `detail`.
    ReadWriteFailed = "read-write-failed",
    /// They wait for something else that failed. `n`.
    Blocked = "blocked",
    /// The run was stopped before them. `n`.
    NotReached = "not-reached",
    /// Another run works on a folder. `folder`, `pid`.
    Busy = "busy",
    /// Both sides are one folder. `folder`.
    SameFolder = "same-folder",
    /// One folder is inside the other. `inner`, `outer`.
    NestedFolders = "nested-folders",
    /// The memory of the sync was damaged and set aside. `aside`.
    StateDamaged = "state-damaged",
    /// The history cannot be written. `detail`.
    HistoryUnusable = "history-unusable",
    /// The memory of the sync cannot be used. `detail`.
    StateUnusable = "state-unusable",
    /// A setting cannot be used. `key`, `value`, `detail`.
    SettingUnusable = "setting-unusable",
    /// Something named by the person is not there. `what`, `name`.
    NotFound = "not-found",
    /// The plan that was allowed is not the plan of now. `plan`, `now`.
    PlanChanged = "plan-changed",
    /// A file changed since what was shown. `path`.
    StateChanged = "state-changed",
    /// What was asked for is not possible here. `detail`.
    NotPossible = "not-possible",
    /// The program was killed during the run.
    Interrupted = "interrupted",
    /// A person stopped the run.
    Stopped = "stopped",
    /// The handler broke down. `handler`, `detail`.
    HandlerStopped = "handler-stopped",
    /// The handler is not installed. `handler`.
    HandlerUnknown = "handler-unknown",
    /// The handler broke the rules. `handler`, `detail`.
    ProtocolFault = "protocol-fault",
    /// The handler does not answer. `handler`, `detail`.
    HandlerSilent = "handler-silent",
    /// The handler did not stop when it was asked to. `handler`, `seconds`.
    HandlerAbandoned = "handler-abandoned",
    /// Words of a handler. `name`, `description`.
    HandlerSays = "handler-says",
    /// The handler is not set up. `handler`.
    NotSetUp = "not-set-up",
    /// A sync or its handler is turned off. `name`.
    TurnedOff = "turned-off",
    /// A person paused it. `until`.
    Paused = "paused",
    /// The other side cannot be reached. `name`.
    Disconnected = "disconnected",
    /// The handler does not let anybody do this. `what`, `name`, `comment`.
    Prevented = "prevented",
    /// It waits for another run of its handler. `handler`.
    WaitsForHandler = "waits-for-handler",
    /// It runs already; this is the next go. `name`.
    WaitsForItself = "waits-for-itself",
    /// It waits for a sync that works on the same folders. `name`.
    WaitsForFolders = "waits-for-folders",
    /// It waits because many syncs run at once. `n`.
    WaitsForTurn = "waits-for-turn",
    /// It waits for something of this computer. `detail`.
    WaitsForCondition = "waits-for-condition",
    /// A run did not happen at its time. `at`, `n`, `detail`.
    MissedRun = "missed-run",
    /// Changes of folders cannot be watched. `folder`, `detail`.
    WatchIncomplete = "watch-incomplete",
    /// A notice could not be sent. `channel`, `detail`, `cause`.
    AlertFailed = "alert-failed",
    /// A test notice.
    AlertTest = "alert-test",
    /// A place wants a new sign-in. `place`.
    SignInNeeded = "sign-in-needed",
    /// Changes wait for an OK, and nobody said more. `n`.
    ChangesWait = "changes-wait",
    /// Conflicts wait for a decision. `n`.
    ConflictsWait = "conflicts-wait",
    /// A run failed, and nobody said more.
    RunFailed = "run-failed",
    /// A run should have taken place for some time, and did not.
    RunsMissed = "runs-missed",
    /// The last good run is too long ago. `age_ms`.
    TooOld = "too-old",
    /// What was told before is over. `ended`.
    Recovered = "recovered",
    /// A run began.
    RunStarted = "run-started",
    /// A run ended well.
    RunSucceeded = "run-succeeded",
    /// A program that does the work is not installed. `tool`, `package`.
    ToolMissing = "tool-missing",
    /// A program that does the work failed. `tool`, `detail`, maybe `exit` and `advice`.
    ToolFailed = "tool-failed",
    /// A tool has to be repaired by a person. `tool`, `detail`, maybe `advice`.
    RepairNeeded = "repair-needed",
    /// A handler speaks another protocol. `handler`, `speaks`, `needed`.
    HandlerTooOld = "handler-too-old",
    /// A handler broke down too often. `handler`, `n`.
    HandlerOff = "handler-off",
    /// A handler went over a limit. `handler`, `detail`.
    HandlerLimit = "handler-limit",
    /// A handler cannot be kept to its folders here. `handler`, `detail`.
    NotSandboxed = "not-sandboxed",
    /// A sandbox keeps a handler from a folder of an item it found itself. `handler`, `folder`.
    FolderKeptOut = "folder-kept-out",
    /// A secret was never set. `name`, `key`.
    SecretMissing = "secret-missing",
    /// Two syncs work on one folder. `name`, `other`, `folder`.
    FoldersShared = "folders-shared",
    /// A folder is on a disk that can be unplugged. `folder`.
    FolderRemovable = "folder-removable",
    /// A folder is on another machine. `folder`.
    FolderRemote = "folder-remote",
    /// A folder does not tell large letters from small ones in names. `folder`.
    FolderFoldsCase = "folder-folds-case",
}

impl Code {
    /// Reads the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// Something a person has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub code: Code,
    /// How loud.
    pub level: EventLevel,
    /// Values for the words, as harmless text (names already made visible); numbers in decimal.
    pub params: BTreeMap<String, String>,
    /// The paths it is about, harmless text, at most [`PATHS_MAX`].
    pub paths: Vec<String>,
}

impl Trouble {
    /// Builds an error without parameters.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            level: EventLevel::Error,
            params: BTreeMap::new(),
            paths: Vec::new(),
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.params.insert(key.to_owned(), value.to_string());
        self
    }

    /// Sets the level.
    #[must_use]
    pub fn at_level(mut self, level: EventLevel) -> Self {
        self.level = level;
        self
    }

    /// Returns a parameter, or a word that reads well in its place.
    #[must_use]
    pub fn param(&self, key: &str) -> &str {
        self.params.get(key).map_or("unknown", String::as_str)
    }

    /// Returns a number among the parameters, 0 when it is missing.
    #[must_use]
    pub fn number(&self, key: &str) -> u64 {
        self.params
            .get(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }
}

/// For logs and for errors of programs: English, whoever asks.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notice = Language::English.during(|| crate::catalogue::notice(self));
        write!(f, "{} [{}]", notice.what, self.code.as_str())
    }
}

impl std::error::Error for Trouble {}
