//! `add`: saves a sync under a name: two folders, or what another handler syncs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use clap::Args;
use syncmgr_engine::path::display_bytes;
use syncmgr_handlers::files;
use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Settings, Value, bad_name};
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_vault::Secret;

use super::{Done, secret, show, sync};
use crate::app::{self, App, apply, setting};
use crate::cli::SettingArgs;
use crate::daemon::desk::new_id;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::{notice, safe};

/// How often a setting is asked for until there is an answer.
const ASK_MAX: u32 = 3;

/// Save a sync with a name: two folders, or what a handler syncs.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What to call it
    pub(crate) name: String,
    /// Two folders; or the settings of the handler, as remote=nas:photos
    #[arg(value_name = "LEFT RIGHT|KEY=VALUE")]
    pub(crate) values: Vec<OsString>,
    /// Who syncs it, as `syncmgr handler list` names it (files)
    #[arg(long, value_name = "HANDLER")]
    pub(crate) handler: Option<String>,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// Runs `add`.
pub(crate) fn run(app: &mut App, args: &AddArgs) -> Done {
    if let Some(why) = bad_name(&args.name) {
        let name = safe(&args.name);
        return Err(CliError::usage(format!("`{name}` cannot be a name: {why}")));
    }
    let handler = handler(app, args.handler.as_deref())?;
    let item = if handler.as_str() == files::ID {
        two_folders(app, args)?
    } else {
        of_handler(app, args, handler)?
    };
    let given = ask_secrets(app, &item)?;
    check(app, &item, &given)?;
    app.config()?.add(&item)?;
    // Before anybody can run it.
    let kept = keep(app, &item, &given);
    app.settings_changed()?;
    let shared = app.shared(&item)?;
    show::json_with(app, &item, &shared)?;
    app.ui.say(format!("Saved: {}", sync::heading(app, &item)));
    for trouble in &shared {
        notice::print(&app.ui, trouble);
    }
    kept?;
    for spec in secrets(app, &item) {
        if given.iter().all(|(key, _)| *key != spec.key) {
            app.ui.hint(format!(
                "it needs a secret, {}: `syncmgr secret set {} {}`",
                spec.help,
                item.label(),
                spec.key
            ));
        }
    }
    app.ui.hint(format!(
        "see what it would do with `syncmgr preview {0}`, then `syncmgr sync {0}`",
        item.label()
    ));
    Ok(Exit::Done)
}

/// Finds the handler that was named; the one for two folders when none was.
fn handler(app: &App, name: Option<&str>) -> Result<HandlerId, CliError> {
    let name = name.unwrap_or(files::ID);
    let known = HandlerId::new(name).ok();
    let known = known.filter(|id| app.specs(id).is_some());
    known.ok_or_else(|| {
        let unknown = Trouble::new(Code::HandlerUnknown).with("handler", safe(name));
        CliError {
            hints: vec!["`syncmgr handler list` shows those there are".to_owned()],
            ..CliError::from(unknown)
        }
    })
}

/// Makes the sync of two folders. It takes over what they agreed on when they were synced before.
fn two_folders(app: &mut App, args: &AddArgs) -> Result<Item, CliError> {
    let handler = HandlerId::new(files::ID).expect("the id of a built-in handler is valid");
    let specs = app.specs(&handler).unwrap_or_default();
    let (settings, mut folders): (Vec<_>, Vec<_>) =
        args.values.iter().partition(|word| is_setting(specs, word));
    let mut item = bare(&args.name, handler)?;
    for text in settings {
        setting::set_one(app, &mut item, &text.to_string_lossy())?;
    }
    let mut given = Vec::new();
    for key in ["left", "right"] {
        given.extend(item.settings.text(key).map(OsString::from));
    }
    folders.extend(&given);
    let [left, right] = folders.as_slice() else {
        let n = folders.len();
        return Err(CliError::usage(format!(
            "two folders are needed, and {n} {} given",
            if n == 1 { "was" } else { "were" }
        ))
        .hint("as `syncmgr add photos ~/Photos /mnt/nas/Photos`")
        .hint("`--handler` saves a sync of another kind; `syncmgr handler list` shows which"));
    };
    let pair = app.new_pair(&args.name, left, right)?;
    item.id = pair.id;
    for key in ["left", "right"] {
        if let Some(value) = pair.settings.0.get(key) {
            item.settings.set(key, value.clone());
        }
    }
    apply(&mut item.settings, &args.settings)?;
    Ok(item)
}

/// Makes the sync of another handler from its settings; asks for those that must be there.
fn of_handler(app: &mut App, args: &AddArgs, handler: HandlerId) -> Result<Item, CliError> {
    let specs = app.specs(&handler).unwrap_or_default();
    if specs.is_empty() {
        return Err(
            CliError::usage(format!("the handler {handler} finds its syncs by itself"))
                .hint(format!("`syncmgr list --handler {handler}` shows them")),
        );
    }
    let mut item = bare(&args.name, handler)?;
    let mut options = Settings::default();
    apply(&mut options, &args.settings)?;
    for (key, value) in options.0 {
        let Some(spec) = setting::find(specs, &key) else {
            return Err(
                CliError::usage(format!("the handler {} has no `{key}`", item.handler))
                    .hint(known(specs)),
            );
        };
        item.settings.set(spec.key, value);
    }
    for word in &args.values {
        if !word.as_bytes().contains(&b'=') {
            let shown = display_bytes(word.as_bytes());
            return Err(CliError::usage(format!("`{shown}` is not KEY=VALUE")).hint(known(specs)));
        }
        setting::set_one(app, &mut item, &word.to_string_lossy())?;
    }
    let is_missing = |item: &Item, spec: &&SettingSpec| {
        spec.is_required
            && spec.kind != SettingKind::Secret
            && !item.settings.0.contains_key(spec.key)
    };
    let missing: Vec<_> = specs.iter().filter(|it| is_missing(&item, it)).collect();
    if !missing.is_empty() && !app.ui.can_ask {
        let names: Vec<_> = missing
            .iter()
            .map(|spec| format!("`{}`", spec.key))
            .collect();
        let mut error = CliError::usage(format!(
            "the handler {} needs {}",
            item.handler,
            names.join(" and ")
        ));
        for spec in missing {
            error = error.hint(format!("{}=VALUE: {}", spec.key, setting::help(spec)));
        }
        return Err(error);
    }
    for spec in missing {
        ask(app, spec, &mut item)?;
    }
    Ok(item)
}

/// Asks for a setting until there is one that it can have.
fn ask(app: &App, spec: &SettingSpec, item: &mut Item) -> Result<(), CliError> {
    for _ in 0..ASK_MAX {
        let answer = app
            .ui
            .ask(&format!("{} ({})", spec.key, setting::help(spec)))?;
        if answer.is_empty() {
            continue;
        }
        match setting::read(spec, &answer, item) {
            Ok(value) => {
                item.settings.set(spec.key, value);
                return Ok(());
            }
            Err(error) => app.ui.print_error(&error),
        }
    }
    Err(CliError::usage(format!(
        "`{}` is needed, and was not answered; nothing was saved",
        spec.key
    )))
}

fn bare(name: &str, handler: HandlerId) -> Result<Item, CliError> {
    Ok(Item {
        id: new_id()?,
        handler,
        name: Some(name.to_owned()),
        settings: Settings::default(),
        is_enabled: true,
    })
}

/// Says whether a word sets something: a folder may have a `=` in its name too.
fn is_setting(specs: &[SettingSpec], word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    text.split_once('=')
        .is_some_and(|(key, _)| setting::find(specs, key).is_some())
}

/// Asks for the secrets that a sync cannot do without, where somebody can be asked; an empty answer
/// leaves one for later.
fn ask_secrets(app: &App, item: &Item) -> Result<Vec<(&'static str, Secret)>, CliError> {
    let mut given = Vec::new();
    if !app.ui.can_ask {
        return Ok(given);
    }
    for spec in secrets(app, item) {
        let question = format!("{} ({}; Enter: later): ", spec.key, safe(spec.help));
        let answer = secret::ask(&question)
            .map_err(|error| CliError::new(Exit::Failed, format!("cannot ask for it: {error}")))?;
        let answer = answer.ok_or_else(|| CliError::new(Exit::Interrupted, "nothing was saved"))?;
        if !answer.expose().is_empty() {
            given.push((spec.key, answer));
        }
    }
    Ok(given)
}

/// Checks a new sync together with the secrets that were given for it.
fn check(app: &mut App, item: &Item, given: &[(&'static str, Secret)]) -> Result<(), CliError> {
    let mut whole = item.clone();
    for (key, secret) in given {
        let secret = secret.expose().to_owned();
        whole.settings.set(key, Value::Text(secret));
    }
    let needed = secrets(app, item);
    let is_whole = needed.len() == given.len();
    app.check_new(&whole).map_err(|error| {
        if is_whole {
            return error;
        }
        error.hint("it may want its secret for this: at a terminal `syncmgr add` asks for it")
    })
}

/// Keeps the secrets of a sync that was saved.
fn keep(app: &App, item: &Item, given: &[(&'static str, Secret)]) -> Result<(), CliError> {
    for (key, secret) in given {
        let set = app.vault().set(&app::key(item), key, secret, None);
        set.map_err(|error| {
            CliError::from(error).hint(format!(
                "the sync is saved; set it with `syncmgr secret set {} {key}`",
                item.label()
            ))
        })?;
    }
    Ok(())
}

/// Returns the secrets that a sync cannot do without.
fn secrets(app: &App, item: &Item) -> Vec<SettingSpec> {
    let specs = app.specs(&item.handler).unwrap_or_default();
    let is_needed = |spec: &&SettingSpec| spec.is_required && spec.kind == SettingKind::Secret;
    specs.iter().filter(is_needed).copied().collect()
}

fn known(specs: &[SettingSpec]) -> String {
    let names: Vec<_> = specs.iter().map(|spec| spec.key).collect();
    format!("known: {}", names.join(", "))
}
