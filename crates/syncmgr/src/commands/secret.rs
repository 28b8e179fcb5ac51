//! `secret`: what handlers need and nobody may read. Values are never printed, and never stand in a
//! command line.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use syncmgr_handlers::files::place::shown;
use syncmgr_model::item::{Item, SettingKind};
use syncmgr_vault::{Kind, SECRET_LEN_MAX, Secret, VaultError};

use super::Done;
use crate::app::{App, key};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{SCHEMA, SecretJson, SecretsOutput};
use crate::ui::safe;

/// Keep secrets of syncs.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Set one: asked for without showing it, or read from stdin or a file
    Set {
        /// The sync
        sync: String,
        /// Which setting
        key: String,
        /// Read it from this file; a line end at its end does not count
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Where to keep it (the keyring of the desktop, where there is one)
        #[arg(long, value_enum, value_name = "PLACE")]
        r#in: Option<KindArg>,
    },
    /// List which are set and where they are, never their values
    List,
    /// Remove one
    Remove {
        /// The sync
        sync: String,
        /// Which setting
        key: String,
    },
    /// Move one to the other place
    Move {
        /// The sync
        sync: String,
        /// Which setting
        key: String,
        /// Where to
        #[arg(long, value_enum, value_name = "PLACE")]
        to: KindArg,
    },
}

/// A place for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// The keyring of the desktop
    Keyring,
    /// A file that only you can read
    File,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Keyring => Self::Service,
            KindArg::File => Self::File,
        }
    }
}

impl From<VaultError> for CliError {
    fn from(error: VaultError) -> Self {
        let advice = error.advice();
        Self::new(Exit::Failed, error.to_string()).hint(advice)
    }
}

/// Runs `secret`.
pub(crate) fn run(app: &mut App, args: &SecretArgs) -> Done {
    match &args.action {
        None | Some(Action::List) => list(app),
        Some(Action::Set {
            sync,
            key,
            file,
            r#in,
        }) => {
            let item = wanted(app, sync, key)?;
            let secret = read(app, &item, key, file.as_ref())?;
            let kind = app
                .vault()
                .set(&self::key(&item), key, &secret, r#in.map(Kind::from))?;
            output(app)?;
            let place = place(app, kind);
            let label = item.label();
            app.ui
                .say(format!("Set {key} of {label}; it is kept in {place}."));
            Ok(Exit::Done)
        }
        Some(Action::Remove { sync, key }) => {
            let item = app.named_saved(sync)?;
            if !app.vault().remove(&self::key(&item), key)? {
                return Err(not_set(&item, key));
            }
            output(app)?;
            app.ui.say(format!("Removed {key} of {}.", item.label()));
            Ok(Exit::Done)
        }
        Some(Action::Move { sync, key, to }) => {
            let item = app.named_saved(sync)?;
            let kind = Kind::from(*to);
            if !app.vault().move_to(&self::key(&item), key, kind)? {
                return Err(not_set(&item, key));
            }
            output(app)?;
            let place = place(app, kind);
            app.ui
                .say(format!("{key} of {} is kept in {place} now.", item.label()));
            Ok(Exit::Done)
        }
    }
}

/// Says in words where secrets are.
pub(crate) fn place(app: &App, kind: Kind) -> String {
    match kind {
        Kind::Service => "the keyring of the desktop".to_owned(),
        Kind::File => shown(&app.vault().path(), app.dirs.home.as_deref()),
    }
}

fn not_set(item: &Item, key: &str) -> CliError {
    CliError::not_found(format!("`{}` of {} is not set", safe(key), item.label()))
        .hint("`syncmgr secret list` says which ones are")
}

/// Finds a sync that has this secret.
fn wanted(app: &mut App, sync: &str, key: &str) -> Result<Item, CliError> {
    let item = app.named_saved(sync)?;
    let specs = app.specs(&item.handler).unwrap_or_default();
    let secrets = specs.iter().filter(|it| it.kind == SettingKind::Secret);
    let names: Vec<_> = secrets.map(|it| it.key).collect();
    if names.contains(&key) {
        return Ok(item);
    }
    let error = CliError::usage(format!(
        "`{}` is no secret of a sync of {}",
        safe(key),
        item.handler
    ));
    Err(if names.is_empty() {
        error.hint("syncs of this handler need no secrets")
    } else {
        error.hint(format!("it has: {}", names.join(", ")))
    })
}

fn list(app: &mut App) -> Done {
    let entries = output(app)?;
    if entries.is_empty() {
        app.ui.say("No secrets.");
    }
    for entry in &entries {
        let name = entry.sync.as_deref().unwrap_or(&entry.item);
        app.ui
            .say(format!("{name}  {}  in the {}", entry.key, entry.place));
    }
    Ok(Exit::Done)
}

fn output(app: &mut App) -> Result<Vec<SecretJson>, CliError> {
    let saved = app.saved()?;
    let entries: Vec<_> = app
        .vault()
        .list()?
        .into_iter()
        .map(|entry| SecretJson {
            sync: saved
                .iter()
                .find(|item| key(item) == entry.item)
                .and_then(|item| item.name.clone()),
            item: entry.item.item.to_string(),
            handler: entry.item.handler.to_string(),
            key: safe(&entry.key),
            place: entry.kind.as_str(),
        })
        .collect();
    app.ui.json(&SecretsOutput {
        schema: SCHEMA,
        secrets: entries.clone(),
    });
    Ok(entries)
}

/// Reads the value from where it was said, or asks for it.
fn read(app: &App, item: &Item, key: &str, file: Option<&PathBuf>) -> Result<Secret, CliError> {
    if let Some(path) = file {
        let opened = fs::File::open(path);
        return opened.and_then(text).map_err(|error| {
            let place = shown(path, app.dirs.home.as_deref());
            CliError::new(Exit::Failed, format!("cannot read `{place}`: {error}"))
        });
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return text(stdin.lock())
            .map_err(|error| CliError::new(Exit::Failed, format!("cannot read stdin: {error}")));
    }
    if !app.ui.can_ask {
        return Err(CliError::usage("nobody may be asked for the secret")
            .hint("give it on stdin, or with --file"));
    }
    ask(&format!("{key} of {}: ", item.label()))
        .map_err(|error| CliError::new(Exit::Failed, format!("cannot ask for it: {error}")))?
        .ok_or_else(|| CliError::new(Exit::Interrupted, "nothing was set"))
}

/// Reads a secret; one line end at its end is that of the file.
fn text(from: impl io::Read) -> io::Result<Secret> {
    let limit = SECRET_LEN_MAX as u64 + 3;
    let mut text = String::new();
    from.take(limit).read_to_string(&mut text)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

/// Asks on the terminal without showing what is typed; `None`: Ctrl-C was pressed. Ctrl-C is read as
/// a character meanwhile, so that the terminal is always put back as it was.
pub(super) fn ask(question: &str) -> io::Result<Option<Secret>> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let typed = write!(io::stderr(), "{question}")
        .and_then(|()| io::stderr().flush())
        .and_then(|()| typed(&mut stdin.lock()));
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    // The line end that was typed was not shown.
    writeln!(io::stderr())?;
    typed
}

fn typed(from: &mut impl io::Read) -> io::Result<Option<Secret>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte)? == 1 && bytes.len() <= SECRET_LEN_MAX {
        match byte {
            [b'\n' | b'\r' | 4] => break,
            [3] => return Ok(None),
            // The last character is taken back, all its bytes.
            [8 | 127] => while bytes.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {},
            [byte] => bytes.push(byte),
        }
    }
    String::from_utf8(bytes)
        .map(|text| Some(Secret::new(text)))
        .map_err(|_| io::Error::other("it is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_can_be_corrected_and_given_up() {
        let check = |keys: &[u8], expected: Option<&str>| {
            let typed = typed(&mut &*keys).unwrap();
            assert_eq!(typed, expected.map(Secret::new));
        };
        check("abü\u{7f}c\n".as_bytes(), Some("abc"));
        check(b"\x7f\x7fa\r", Some("a"));
        check(b"ab\x03", None);
        check(b"ab\x04", Some("ab"));
    }

    #[test]
    fn the_line_end_of_a_file_does_not_count() {
        for (text_of, expected) in [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n")] {
            assert_eq!(text(text_of.as_bytes()).unwrap(), Secret::new(expected));
        }
    }
}
