//! Finds the sync a person names: a saved name, two folders, an id, or a path inside a folder.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use syncmgr_engine::path::display_bytes;
use syncmgr_handlers::files::{self, identity, place};
use syncmgr_model::format::{parse_bytes, parse_days};
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Item, Settings, Value};
use syncmgr_model::side::{PerSide, Side};

use super::App;
use crate::cli::{SettingArgs, word};
use crate::error::CliError;
use crate::ui::safe;

impl App {
    /// Finds or makes the item of a target and applies the settings given with it.
    ///
    /// # Errors
    /// When there is no such sync, or the two words are no folders.
    pub(crate) fn target(
        &mut self,
        left: &OsStr,
        right: Option<&OsStr>,
        args: &SettingArgs,
    ) -> Result<Item, CliError> {
        let mut item = match right {
            None => self.named(left)?,
            Some(right) => self.pair(left, right)?,
        };
        let before = item.settings.clone();
        apply(&mut item.settings, args)?;
        if item.settings != before && !Self::is_sided(&item) {
            return Err(CliError::usage(
                "these options are about two folders, and this sync has none",
            )
            .hint("`syncmgr set NAME KEY=VALUE` changes its settings"));
        }
        // The settings of others are their handler's own affair until they change.
        if Self::is_sided(&item) {
            self.host.check(&item)?;
        }
        self.one_off = args.words();
        Ok(item)
    }

    /// Says whether two words are two syncs, and not two folders. A name has no `/`, and no handler
    /// is called `.`, so `./photos` is always a folder.
    ///
    /// # Errors
    /// When they could be both: a guess would sync other folders than the ones that were meant.
    pub(crate) fn are_names(&mut self, left: &OsStr, right: &OsStr) -> Result<bool, CliError> {
        let known = self.known()?;
        let is_name = |word: &OsStr| {
            let text = word.to_string_lossy();
            // More than one is told when it is looked for.
            !matches!(self.pick(&text, &known), Ok(None))
        };
        if !is_name(left) || !is_name(right) {
            return Ok(false);
        }
        if Path::new(left).is_dir() && Path::new(right).is_dir() {
            let (l, r) = (
                display_bytes(left.as_bytes()),
                display_bytes(right.as_bytes()),
            );
            return Err(CliError::usage(format!(
                "`{l}` and `{r}` are syncs, and folders here too"
            ))
            .hint(format!("write `./{l} ./{r}` for the folders"))
            .hint(format!(
                "`syncmgr sync {l}`, then `syncmgr sync {r}` for the syncs"
            )));
        }
        Ok(true)
    }

    /// Returns the item of two folders: the saved sync of exactly these, otherwise a nameless one.
    fn pair(&mut self, left: &OsStr, right: &OsStr) -> Result<Item, CliError> {
        let (Some(l), Some(r)) = (real(left), real(right)) else {
            return self.missing_pair(left, right);
        };
        for item in self.saved()? {
            let Ok(folders) = self.folders(&item) else {
                continue;
            };
            let real = |side| std::fs::canonicalize(&folders[side]).ok();
            let sides = (real(Side::Left), real(Side::Right));
            if sides == (Some(l.clone()), Some(r.clone()))
                || sides == (Some(r.clone()), Some(l.clone()))
            {
                return Ok(with_folders(item, &l, &r));
            }
        }
        Ok(nameless(&l, &r))
    }

    /// Two words of which at least one is no folder: a sync that ran before (its disk may be
    /// away), otherwise a mistake.
    fn missing_pair(&mut self, left: &OsStr, right: &OsStr) -> Result<Item, CliError> {
        let typed = PerSide {
            left: absolute(left),
            right: absolute(right),
        };
        for item in self.known()? {
            let Ok(folders) = self.folders(&item) else {
                continue;
            };
            let is = |a: Side| folders[a] == typed.left && folders[a.other()] == typed.right;
            if is(Side::Left) || is(Side::Right) {
                return Ok(with_folders(item, &typed.left, &typed.right));
            }
        }
        let missing = if real(left).is_none() { left } else { right };
        let shown = display_bytes(missing.as_bytes());
        let name = left.to_string_lossy();
        if self
            .saved()?
            .iter()
            .any(|item| item.name.as_deref() == Some(&*name))
        {
            let name = safe(&name);
            return Err(CliError::usage(format!(
                "`{name}` is a saved sync; `{shown}` is no folder"
            ))
            .hint(format!("a saved sync stands alone: `syncmgr sync {name}`")));
        }
        let what = if Path::new(missing).exists() {
            "is not a folder"
        } else {
            "does not exist"
        };
        Err(CliError::usage(format!("`{shown}` {what}"))
            .hint("create the folder first, so that a mistyped name never becomes a new copy"))
    }

    /// Makes the item of two folders for saving.
    ///
    /// # Errors
    /// When they are no folders, or saved already.
    pub(crate) fn new_pair(
        &mut self,
        name: &str,
        left: &OsStr,
        right: &OsStr,
    ) -> Result<Item, CliError> {
        let home = self.dirs.home.clone();
        let typed = |word: &OsStr| match word.to_str() {
            // As a setting, no shell has replaced it.
            Some(text) if text.starts_with("~/") => place::read(text, home.as_deref()).into(),
            Some(_) | None => word.to_owned(),
        };
        let (left, right) = (typed(left), typed(right));
        let (Some(l), Some(r)) = (real(&left), real(&right)) else {
            let missing = if real(&left).is_none() { &left } else { &right };
            let shown = display_bytes(missing.as_bytes());
            return Err(CliError::usage(format!("`{shown}` is not a folder"))
                .hint("create the folder first"));
        };
        let item = nameless(&l, &r);
        let saved = self.saved()?;
        let is_same = |other: &&Item| other.handler == item.handler && other.id == item.id;
        if let Some(other) = saved.iter().find(is_same) {
            let other = other.label();
            return Err(
                CliError::usage(format!("these folders are saved already, as `{other}`"))
                    .hint(format!("change it with `syncmgr set {other} KEY=VALUE`")),
            );
        }
        Ok(Item {
            name: Some(name.to_owned()),
            ..item
        })
    }

    /// Finds the sync in whose folders a path lies, and the path below its root. A path may also
    /// be typed as `NAME:path/below/the/folder`.
    ///
    /// # Errors
    /// When no sync has it.
    pub(crate) fn locate(&mut self, path: &OsStr) -> Result<(Item, Vec<u8>), CliError> {
        let bytes = path.as_bytes();
        if let Some(colon) = bytes.iter().position(|&b| b == b':')
            && let Ok(item) = self.named(OsStr::from_bytes(&bytes[..colon]))
        {
            return Ok((item, bytes[colon + 1..].to_vec()));
        }
        let wanted = resolve(&absolute(path));
        let mut best: Option<(usize, Item, Vec<u8>)> = None;
        for item in self.known()? {
            let Ok(folders) = self.folders(&item) else {
                continue;
            };
            for side in Side::BOTH {
                let root = resolve(&folders[side]);
                if let Ok(rest) = wanted.strip_prefix(&root) {
                    // The innermost folder is meant when syncs lie within each other.
                    let depth = root.components().count();
                    if best.as_ref().is_none_or(|(best, ..)| *best < depth) {
                        let rest = rest.as_os_str().as_bytes().to_vec();
                        best = Some((depth, item.clone(), rest));
                    }
                }
            }
        }
        if best.is_none() {
            best = self.elsewhere(&wanted)?;
        }
        best.map(|(_, item, rest)| (item, rest)).ok_or_else(|| {
            CliError::not_found(format!(
                "`{}` is in no folder that is synced",
                display_bytes(path.as_bytes())
            ))
            .hint("`syncmgr list` shows the folders; a path may also be typed as NAME:path")
        })
    }
}

impl App {
    /// Finds the sync of another handler in whose folders a path lies, the innermost one.
    fn elsewhere(&mut self, wanted: &Path) -> Result<Option<(usize, Item, Vec<u8>)>, CliError> {
        let mut best: Option<(usize, Item, Vec<u8>)> = None;
        for item in self.known()? {
            if Self::is_sided(&item) {
                continue;
            }
            for folder in self.host.paths(&item) {
                let root = resolve(&folder);
                let Ok(rest) = wanted.strip_prefix(&root) else {
                    continue;
                };
                let depth = root.components().count();
                if best.as_ref().is_none_or(|(best, ..)| *best < depth) {
                    let rest = rest.as_os_str().as_bytes().to_vec();
                    best = Some((depth, item.clone(), rest));
                }
            }
        }
        Ok(best)
    }

    /// Says whether runs of a handler can be taken back.
    #[must_use]
    pub(crate) fn can_undo(&self, handler: &HandlerId) -> bool {
        let factory = self.host.factory(handler);
        factory.is_ok_and(|factory| factory.can_undo())
    }
}

pub(super) fn nameless(left: &Path, right: &Path) -> Item {
    let item = Item {
        id: identity::of_folders(left, right),
        handler: HandlerId::new(files::ID).expect("the id of a built-in handler is valid"),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    };
    with_folders(item, left, right)
}

/// Sets the folders in the order they were typed. Settings that name a side turn with them.
fn with_folders(mut item: Item, left: &Path, right: &Path) -> Item {
    let text = |path: &Path| Value::Text(place::written(path));
    let was_left = item.settings.text("left").map(str::to_owned);
    let is_swapped = was_left.is_some_and(|was| was == place::written(right));
    item.settings.set("left", text(left));
    item.settings.set("right", text(right));
    if is_swapped {
        for key in ["mode", "rule"] {
            let turned = match item.settings.text(key) {
                Some("mirror") => "mirror-back",
                Some("mirror-back") => "mirror",
                Some("left") => "right",
                Some("right") => "left",
                Some(_) | None => continue,
            };
            item.settings.set(key, Value::Text(turned.to_owned()));
        }
    }
    item
}

/// Applies the settings of the command line.
pub(crate) fn apply(settings: &mut Settings, args: &SettingArgs) -> Result<(), CliError> {
    let mut set = |key: &str, text: String| settings.set(key, Value::Text(text));
    if let Some(mode) = args.mode {
        set("mode", word(mode));
    }
    if let Some(rule) = args.rule {
        set("rule", word(rule));
    }
    for (key, option, value) in [
        ("bandwidth", "--bandwidth", &args.bandwidth),
        ("keep_bytes", "--keep-bytes", &args.keep_bytes),
    ] {
        if let Some(text) = value {
            if parse_bytes(text).is_none() {
                let text = safe(text);
                return Err(
                    CliError::usage(format!("{option}: `{text}` is no number of bytes"))
                        .hint("write it as 500k, 10M or 2GiB"),
                );
            }
            if key == "bandwidth" && parse_bytes(text) == Some(0) {
                return Err(
                    CliError::usage("--bandwidth: with 0 nothing would be copied")
                        .hint("leave the option out for no limit"),
                );
            }
            set(key, text.clone());
        }
    }
    if let Some(text) = &args.keep_versions {
        let days = parse_days(text).ok_or_else(|| {
            CliError::usage(format!(
                "--keep-versions: `{}` is no number of days",
                safe(text)
            ))
            .hint("write it as 30d")
        })?;
        settings.set("keep_days", Value::Number(days));
    }
    let mut exclude = settings.list("exclude").to_vec();
    for file in &args.exclude_from {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let file = place::shown(file, None);
            CliError::usage(format!("--exclude-from: cannot read `{file}`: {error}"))
        })?;
        exclude.extend(text.lines().map(str::to_owned));
    }
    exclude.extend(args.exclude.iter().cloned());
    if !exclude.is_empty() {
        settings.set("exclude", Value::List(exclude));
    }
    Ok(())
}

/// Returns the real path of a folder; `None` when it is none.
pub(super) fn real(path: &OsStr) -> Option<PathBuf> {
    let path = std::fs::canonicalize(path).ok()?;
    path.is_dir().then_some(path)
}

/// Makes a typed path absolute; the one place where the current folder counts.
pub(super) fn absolute(path: &OsStr) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

/// Resolves the links in the folders above a path, which itself may be gone (a deleted file) or be
/// a link (which is data).
fn resolve(path: &Path) -> PathBuf {
    let mut rest: Vec<OsString> = Vec::new();
    let mut at = path.to_owned();
    loop {
        let is_link = rest.is_empty() && at.is_symlink() && !at.is_dir();
        if !is_link && let Ok(real) = std::fs::canonicalize(&at) {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        let Some(name) = at.file_name() else {
            return path.to_owned();
        };
        rest.push(OsString::from_vec(name.as_bytes().to_vec()));
        if !at.pop() {
            return path.to_owned();
        }
    }
}

/// Finds the saved name closest to a mistyped one: at most two letters away.
pub(super) fn nearest<'a>(typed: &str, saved: &'a [Item]) -> Option<&'a str> {
    saved
        .iter()
        .filter_map(|item| item.name.as_deref())
        .map(|name| (distance(typed, name), name))
        .filter(|(n, name)| *n <= 2 && *n < name.len())
        .min()
        .map(|(_, name)| name)
}

/// Counts the letters to change, add or drop to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

impl App {
    /// Writes two folders as they are typed.
    pub(super) fn folder_words(&self, folders: &PerSide<PathBuf>) -> String {
        let home = self.dirs.home.as_deref();
        let typed = |side| quoted(&folders[side], home);
        format!("{} {}", typed(Side::Left), typed(Side::Right))
    }
}

/// Writes a path so that a shell reads it back. `~` stays outside of the quotes, where it works.
fn quoted(path: &Path, home: Option<&Path>) -> String {
    let shown = place::shown(path, home);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-~+@%,".contains(c);
    if shown.chars().all(is_plain) {
        return shown;
    }
    let (front, rest) = match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => ("~/", rest.as_os_str().as_bytes()),
        None => ("", path.as_os_str().as_bytes()),
    };
    if display_bytes(rest).as_bytes() == rest {
        let text = String::from_utf8_lossy(rest);
        return format!("{front}'{}'", text.replace('\'', "'\\''"));
    }
    let escape = |&byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    let text: String = rest.iter().map(escape).collect();
    format!("{front}$'{text}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_names_are_close() {
        assert_eq!(distance("photos", "photos"), 0);
        assert_eq!(distance("potos", "photos"), 1);
        assert_eq!(distance("", "ab"), 2);
    }

    #[test]
    fn a_shell_reads_folders_back() {
        use std::os::unix::ffi::OsStrExt as _;
        let check = |path: &[u8], expected: &str| {
            let path = Path::new(OsStr::from_bytes(path));
            assert_eq!(quoted(path, Some(Path::new("/home/anna"))), expected);
        };
        check(b"/home/anna/Photos", "~/Photos");
        check(b"/home/anna/My Photos", "~/'My Photos'");
        check(b"/media/it's", "'/media/it'\\''s'");
        check(b"/home/anna/a\n\xff\\'", "~/$'a\\x0a\\xff\\\\\\''");
    }

    #[test]
    fn swapped_folders_turn_the_settings_that_name_a_side() {
        let mut item = nameless(Path::new("/a"), Path::new("/b"));
        item.settings.set("mode", Value::Text("mirror".into()));
        item.settings.set("rule", Value::Text("left".into()));
        let item = with_folders(item, Path::new("/b"), Path::new("/a"));
        assert_eq!(item.settings.text("mode"), Some("mirror-back"));
        assert_eq!(item.settings.text("rule"), Some("right"));
        assert_eq!(item.settings.text("left"), Some("/b"));
    }
}
