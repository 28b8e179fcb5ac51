//! `handler new`: makes a handler that works and passes every case, as a start for another one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::app::App;
use crate::commands::Done;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{HandlerNewOutput, SCHEMA};
use crate::ui::safe;

/// The package for Python, which is put beside the sample: it runs without an installation.
const PYTHON: [(&str, &str); 8] = [
    (
        "__init__.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/__init__.py"),
    ),
    (
        "_fields.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_fields.py"),
    ),
    (
        "_files.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_files.py"),
    ),
    (
        "_handler.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_handler.py"),
    ),
    (
        "_run.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_run.py"),
    ),
    (
        "_server.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_server.py"),
    ),
    (
        "_types.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_types.py"),
    ),
    (
        "_wire.py",
        include_str!("../../../../../sdk/python/syncmgr_handler/_wire.py"),
    ),
];
const PYTHON_SAMPLE: &str = include_str!("../../../../../sdk/python/sample/handler.py");

const RUST_SAMPLE: &str = include_str!("../../../../syncmgr-sdk/examples/notes.rs");

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Python 3.9 or later; needs nothing else
    Python,
    /// Rust; needs a checkout of syncmgr
    Rust,
}

/// Make a handler of your own: a sample that works.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The language
    #[arg(value_enum)]
    language: Language,
    /// The folder, which is made; its name becomes the id of the handler
    dir: PathBuf,
    /// A checkout of syncmgr, for Rust: the crates are not published yet
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
}

/// Runs `handler new`.
pub(super) fn run(app: &App, args: &NewArgs) -> Done {
    let dir = std::path::absolute(&args.dir).map_err(|error| failed(&args.dir, &error))?;
    let name = dir
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let id = id_of(&name).ok_or_else(|| {
        CliError::usage(format!("no id can be made of the name `{}`", safe(&name)))
            .hint("name a folder with letters or digits, as `my-notes`")
    })?;
    if !is_free(&dir).map_err(|error| failed(&dir, &error))? {
        return Err(CliError::usage(format!(
            "`{}` is there and not empty; nothing was changed",
            safe(&dir.to_string_lossy())
        ))
        .hint("name a folder that does not exist yet"));
    }
    let command = match args.language {
        Language::Python => python(&dir, &id, &name),
        Language::Rust => rust(&dir, &id, &name, &checkout(args.sdk_path.as_deref())?),
    }
    .map_err(|error| failed(&dir, &error))?;
    told(app, &dir, &id, args.language, command);
    Ok(Exit::Done)
}

fn told(app: &App, dir: &Path, id: &str, language: Language, command: Vec<String>) {
    let folder = safe(&dir.to_string_lossy());
    app.ui.say(format!("Made the handler `{id}` in {folder}."));
    let words = command.iter().map(|word| quoted(word)).collect::<Vec<_>>();
    let words = words.join(" ");
    if language == Language::Rust {
        app.ui.say("Build it:");
        let file = dir.join("Cargo.toml").to_string_lossy().into_owned();
        let file = quoted(&file);
        app.ui
            .say(format!("  cargo build --release --manifest-path {file}"));
    }
    app.ui.say("Try it:");
    app.ui.say(format!("  syncmgr handler check {words}"));
    app.ui.say("Use it:");
    app.ui.say(format!("  syncmgr handler install {words}"));
    app.ui.json(&HandlerNewOutput {
        schema: SCHEMA,
        handler: id.to_owned(),
        folder,
        command,
    });
}

/// Makes an id of a name: small letters and digits, `-` for everything else.
fn id_of(name: &str) -> Option<String> {
    const ID_MAX: usize = 63;
    let small = name.to_lowercase();
    let plain = small.chars().map(|c| match c {
        'a'..='z' | '0'..='9' | '_' | '.' => c,
        _ => '-',
    });
    let id: String = plain
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(ID_MAX)
        .collect();
    let id = id.trim_end_matches(['-', '_', '.']);
    (!id.is_empty()).then(|| id.to_owned())
}

fn is_free(dir: &Path) -> io::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn python(dir: &Path, id: &str, name: &str) -> io::Result<Vec<String>> {
    let package = dir.join("syncmgr_handler");
    fs::create_dir_all(&package)?;
    for (file, text) in PYTHON {
        fs::write(package.join(file), text)?;
    }
    fs::write(package.join("py.typed"), "")?;
    let file = dir.join("handler.py");
    let text = PYTHON_SAMPLE
        .replace("id = \"sample\"", &format!("id = {}", python_text(id)))
        .replace(
            "name = \"Sample\"",
            &format!("name = {}", python_text(name)),
        );
    fs::write(&file, text)?;
    Ok(vec![
        "python3".to_owned(),
        file.to_string_lossy().into_owned(),
    ])
}

/// Returns the checkout that a project in Rust is built with.
fn checkout(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let Some(given) = given else {
        return Err(CliError::usage(
            "the crates of syncmgr are not published yet, so a handler in Rust is built with a \
             checkout of it",
        )
        .hint("name one with `--sdk-path DIR`; in Python none is needed"));
    };
    let dir = fs::canonicalize(given).map_err(|error| {
        let given = safe(&given.to_string_lossy());
        CliError::usage(format!("cannot use the checkout `{given}`: {error}"))
    })?;
    if dir.join("crates/syncmgr-sdk/Cargo.toml").is_file() {
        return Ok(dir);
    }
    Err(CliError::usage(format!(
        "`{}` is no checkout of syncmgr: it has no crates/syncmgr-sdk",
        safe(&dir.to_string_lossy())
    )))
}

fn rust(dir: &Path, id: &str, name: &str, checkout: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(dir.join("src"))?;
    let sdk = checkout.join("crates/syncmgr-sdk");
    // A name of a package has no dots, and begins with a letter.
    let package = format!("handler-{}", id.replace('.', "-"));
    let manifest = format!(
        "[package]\nname = {}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         syncmgr-sdk = {{ path = {} }}\n\n# Not a part of a workspace around it.\n[workspace]\n",
        toml_text(&package),
        toml_text(&sdk.to_string_lossy()),
    );
    fs::write(dir.join("Cargo.toml"), manifest)?;
    // The versions that the checkout was tested with.
    let lock = checkout.join("Cargo.lock");
    if lock.is_file() {
        fs::copy(lock, dir.join("Cargo.lock"))?;
    }
    let names = format!("Handler::new({id:?}, {name:?})");
    let text = RUST_SAMPLE.replace("Handler::new(\"notes\", \"My notes\")", &names);
    fs::write(dir.join("src/main.rs"), text)?;
    let program = dir.join("target/release").join(package);
    Ok(vec![program.to_string_lossy().into_owned()])
}

fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Writes a text as Python reads it; JSON is a part of that.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn failed(dir: &Path, error: &io::Error) -> CliError {
    let dir = safe(&dir.to_string_lossy());
    CliError::new(Exit::Failed, format!("cannot make `{dir}`: {error}"))
        .hint("what was made so far can be removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_the_name_of_a_folder() {
        for (name, id) in [
            ("my-notes", Some("my-notes")),
            ("My Notes!", Some("my-notes")),
            ("__x", Some("x")),
            ("Ärger", Some("rger")),
            ("…", None),
        ] {
            assert_eq!(id_of(name).as_deref(), id, "{name}");
        }
    }

    #[test]
    fn the_samples_are_renamed() {
        assert!(RUST_SAMPLE.contains("Handler::new(\"notes\", \"My notes\")"));
        assert!(PYTHON_SAMPLE.contains("id = \"sample\"\n    name = \"Sample\"\n"));
    }

    #[test]
    fn the_whole_package_is_carried() {
        let dir = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../sdk/python/syncmgr_handler"
        );
        let there = fs::read_dir(dir).unwrap();
        let mut there: Vec<String> = there
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".py"))
            .collect();
        there.sort();
        assert_eq!(there, PYTHON.map(|(file, _)| file));
    }
}
