//! The handler `run`: what other programs start, and what is only watched here. Its items are made
//! by `syncmgr run` or the API when a program reports the first time.
//!
//! Must not: start anything. Whoever has a command started by syncmgr uses the handler `command`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities,
};
use syncmgr_model::escape::escape;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, bad_name};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemInfo, SessionCreator, SyncItem,
    SyncRequest,
};

/// The id of this handler.
pub const ID: &str = "run";

/// What the handler is called.
const NAME: &str = "Commands";

/// What is said where a person looks for a way to start it.
const COMMENT: &str = "started by a crontab, a script or another program, not from here";

/// The setting that shows what runs.
pub const COMMAND: &str = "command";

/// The settings of an item.
pub const SPECS: &[SettingSpec] = &[SettingSpec {
    key: COMMAND,
    kind: SettingKind::Text,
    is_required: false,
    help: "what runs, for people; is never started from here",
}];

/// Most characters of a command that are shown.
const SHOWN_LEN_MAX: usize = 200;

/// Stands for what is not shown.
const HIDDEN: &str = "…";

/// Returns the id of a command: the same whenever the same is run.
///
/// # Panics
/// Never: the id is made of letters and digits.
#[must_use]
pub fn identity(argv: &[OsString]) -> ItemId {
    let mut hasher = blake3::Hasher::new();
    for word in argv {
        // The length keeps "a" + "bc" and "ab" + "c" apart.
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let id = format!("run-{}", &hasher.finalize().to_hex()[..16]);
    ItemId::new(id).expect("a prefix and hexadecimal digits are an id")
}

/// Returns a name for a command that can be the name of a sync: that of its program, without an
/// ending.
#[must_use]
pub fn label(program: &OsStr) -> String {
    let stem = Path::new(program).file_stem().unwrap_or(program);
    let name: String = escape(stem.as_bytes())
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || c == '_' => c,
            _ => '-',
        })
        .take(SHOWN_LEN_MAX / 4)
        .collect();
    let name = name.trim_matches('-');
    if bad_name(name).is_some() {
        "command".to_owned()
    } else {
        name.to_owned()
    }
}

/// Returns what people see of a command. Arguments may hold secrets, so of them only the names of
/// options and paths are kept.
#[must_use]
pub fn shown(argv: &[OsString]) -> String {
    let mut words = argv.iter().enumerate().map(|(n, word)| {
        let text = escape(word.as_bytes());
        if n == 0 { text } else { shown_argument(&text) }
    });
    let mut line = words.next().unwrap_or_default();
    for word in words {
        if line.chars().count() + word.chars().count() >= SHOWN_LEN_MAX {
            return format!("{line} {HIDDEN}");
        }
        // One mark for several in a row.
        if word != HIDDEN || !line.ends_with(HIDDEN) {
            line = format!("{line} {word}");
        }
    }
    line
}

fn shown_argument(text: &str) -> String {
    let is_path = text.starts_with(['/', '~', '.']);
    if is_path {
        return text.to_owned();
    }
    if let Some((name, _)) = text.split_once('=').filter(|_| text.starts_with("--")) {
        return format!("{name}={HIDDEN}");
    }
    let is_letter = text.starts_with('-') && text.chars().count() == 2;
    if text.starts_with("--") || is_letter {
        return text.to_owned();
    }
    match text.strip_prefix('-').and_then(|rest| rest.chars().next()) {
        // The value may stand right behind the letter.
        Some(letter) => format!("-{letter}{HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

/// Makes instances of the handler.
#[derive(Debug)]
pub struct RunFactory {
    id: HandlerId,
}

impl Default for RunFactory {
    fn default() -> Self {
        let id = HandlerId::new(ID).expect("the id of this handler is a valid id");
        Self { id }
    }
}

impl HandlerFactory for RunFactory {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let items = saved.iter().cloned().map(|item| Arc::new(Command { item }));
        Ok(Box::new(Instance {
            items: items.collect(),
        }))
    }
}

struct Instance {
    items: Vec<Arc<Command>>,
}

impl HandlerInfo for Instance {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Ok(HandlerType::Application)
    }

    fn comment(&self) -> Result<String, Hresult> {
        Ok(COMMENT.to_owned())
    }

    /// It is part of the program, so there is nothing to set up.
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok(NAME.to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS)
    }

    fn policies(&self) -> Result<HandlerPolicies, Hresult> {
        Ok(HandlerPolicies::PREVENT_START_SYNC)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = self.items.iter();
        let items = items.map(|item| Arc::clone(item) as Arc<dyn SyncItem>);
        Ok(ItemEnumerator::new(items.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let found = self.items.iter().find(|it| it.item.id == *id);
        found
            .map(|item| Arc::clone(item) as Arc<dyn SyncItem>)
            .ok_or(Hresult::InvalidArgument)
    }

    fn check(&self, _item: &Item) -> Result<(), Trouble> {
        Ok(())
    }

    fn synchronize(
        &self,
        _request: &SyncRequest,
        _creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        Err(Trouble::new(Code::NotPossible).with("detail", format_args!("it is {COMMENT}")))
    }
}

/// A command that somebody else starts.
struct Command {
    item: Item,
}

impl ItemInfo for Command {
    fn comment(&self) -> Result<String, Hresult> {
        Ok(COMMENT.to_owned())
    }
}

impl SyncItem for Command {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.label().to_owned())
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(ItemCapabilities::CAN_DELETE)
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn of_arguments_only_options_and_paths_are_kept() {
        let check = |line: &str, expected: &str| assert_eq!(shown(&argv(line)), expected);
        check("rsync -a /home/ nas:/b", "rsync -a /home/ …");
        check("curl -u me:secret https://x ./out", "curl -u … ./out");
        check(
            "dump --password=secret -psecret --all",
            "dump --password=… -p… --all",
        );
        let hostile = shown(&[OsString::from("a\u{1b}[31m")]);
        assert!(!hostile.contains('\u{1b}'), "a terminal is not harmed");
        assert!(shown(&argv(&"/aaaaaaaaa ".repeat(100))).chars().count() <= SHOWN_LEN_MAX + 2);
    }

    #[test]
    fn a_command_has_one_id_and_a_name() {
        assert_eq!(identity(&argv("a b")), identity(&argv("a b")));
        assert_ne!(identity(&argv("a b")), identity(&argv("ab")));
        for (program, name) in [
            ("/usr/local/bin/backup.sh", "backup"),
            ("rsync", "rsync"),
            ("./my job", "my-job"),
            ("/", "command"),
            ("-", "command"),
            (".hidden", "hidden"),
        ] {
            assert_eq!(label(OsStr::new(program)), name, "{program}");
            assert_eq!(bad_name(name), None);
        }
    }
}
