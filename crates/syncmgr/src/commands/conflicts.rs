//! `conflicts`: list, show, compare. Deciding is `resolve`, reachable from here too.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use syncmgr_engine::path::display_bytes;
use syncmgr_model::conflict::{Conflict, Facts, Kind};
use syncmgr_model::format::{bytes, plural};
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::trouble::Trouble;

use super::{Done, resolve, sync};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ConflictJson, ConflictsOutput, ContentJson, DiffOutput, NoticeJson, SCHEMA};
use crate::ui::{Ui, notice, safe, when};

/// Largest text compared on a terminal.
const TEXT_MAX: usize = 4 << 20;

/// List, show and compare conflicts.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ConflictsArgs {
    /// Only those of this sync
    pub(crate) sync: Option<OsString>,
    /// What to do with them.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List them
    List {
        /// Only those of this sync
        sync: Option<OsString>,
    },
    /// Show one
    Show {
        /// The conflict, or NAME:ID
        id: String,
    },
    /// Compare its versions with what both sides last agreed on
    Diff {
        /// The conflict, or NAME:ID
        id: String,
    },
    /// Decide conflicts (the same as `syncmgr resolve`)
    Resolve(resolve::ResolveArgs),
}

/// Runs `conflicts`.
pub(crate) fn run(app: &mut App, args: &ConflictsArgs) -> Done {
    match &args.action {
        None => list(app, args.sync.as_ref()),
        Some(Action::List { sync }) => list(app, sync.as_ref()),
        Some(Action::Show { id }) => show(app, id),
        Some(Action::Diff { id }) => diff(app, id),
        Some(Action::Resolve(args)) => resolve::run(app, args),
    }
}

/// The conflicts of all syncs, and the syncs that could not be asked.
pub(crate) struct Found {
    /// Conflicts with their sync.
    pub(crate) conflicts: Vec<(Item, Conflict)>,
    /// Syncs that have conflicts, as far as is known, and could not be asked.
    pub(crate) silent: Vec<(Item, Trouble)>,
}

/// Collects the conflicts of one or all syncs.
pub(crate) fn collect(app: &mut App, only: Option<&OsString>) -> Result<Found, CliError> {
    let items = match only {
        Some(name) => vec![app.named(name)?],
        None => app.known()?,
    };
    let mut found = Found {
        conflicts: Vec::new(),
        silent: Vec::new(),
    };
    for item in items {
        let state = app.state(&item)?;
        let Some(last) = state.last else {
            // Never run: it cannot have any.
            continue;
        };
        let handler = app.handler(&item)?;
        let Some(store) = handler.conflicts() else {
            continue;
        };
        match store.list(&item) {
            Ok(list) => found
                .conflicts
                .extend(list.into_iter().map(|conflict| (item.clone(), conflict))),
            // A disk that is away matters only when something waits on it.
            Err(_) if last.summary.n_conflicts == 0 && only.is_none() => {}
            Err(trouble) => found.silent.push((item, trouble)),
        }
    }
    Ok(found)
}

fn list(app: &mut App, only: Option<&OsString>) -> Done {
    let found = collect(app, only)?;
    app.ui.json(&ConflictsOutput {
        schema: SCHEMA,
        conflicts: found
            .conflicts
            .iter()
            .map(|(item, conflict)| ConflictJson::of(item.id.as_str(), conflict))
            .collect(),
        notices: found
            .silent
            .iter()
            .map(|(_, trouble)| NoticeJson::from(trouble))
            .collect(),
    });
    let mut last = None;
    for (item, conflict) in &found.conflicts {
        if last != Some(&item.id) {
            app.ui.say(sync::heading(app, item));
            last = Some(&item.id);
        }
        let names = app.places(item);
        print(app, conflict, &names);
    }
    for (item, trouble) in &found.silent {
        app.ui
            .complain(format!("{} cannot be asked:", app.command_words(item)));
        notice::print(&app.ui, trouble);
    }
    if found.conflicts.is_empty() && found.silent.is_empty() {
        app.ui
            .say("No conflicts. If the same file changes in two places, you decide here.");
    } else if !found.conflicts.is_empty() {
        app.ui.hint(
            "compare with `syncmgr conflicts diff ID`; decide with `syncmgr resolve ID --keep left|right|newest|both`",
        );
    }
    Ok(Exit::Done)
}

fn print(app: &App, conflict: &Conflict, names: &PerSide<String>) {
    let within = match conflict.n_within {
        0 => String::new(),
        n => format!(", with {} beneath", plural(n, "change")),
    };
    app.ui.say(format!(
        "  {}  {}  {}{within}",
        app.ui.out.bold(&conflict.id),
        display_bytes(&conflict.path),
        app.ui.out.yellow(conflict.kind.words()),
    ));
    for side in Side::BOTH {
        app.ui.say(format!(
            "            {:<5} {}: {}",
            side.as_str(),
            names[side],
            facts(app, conflict, side)
        ));
    }
}

fn facts(app: &App, conflict: &Conflict, side: Side) -> String {
    let Facts::Present {
        kind,
        size,
        modified,
    } = conflict.sides[side]
    else {
        return match conflict.sides[side] {
            Facts::Unknown => "cannot be read".to_owned(),
            Facts::Missing | Facts::Present { .. } => "not there".to_owned(),
        };
    };
    let mut text = when(modified, app.now());
    text += ", ";
    text += &match kind {
        Kind::File => bytes(size),
        Kind::Folder | Kind::Link | Kind::Special => kind.as_str().to_owned(),
    };
    if let Facts::Present {
        size: other_size,
        modified: other_modified,
        ..
    } = conflict.sides[side.other()]
    {
        if modified > other_modified {
            text += ", newer";
        }
        if kind == Kind::File && size > other_size {
            text += ", larger";
        }
    }
    text
}

/// Finds a conflict by its id or `NAME:ID`.
pub(crate) fn find(app: &mut App, text: &str) -> Result<(Item, Conflict), CliError> {
    let (only, id) = match text.rsplit_once(':') {
        Some((name, id)) => (Some(OsString::from(name)), id),
        None => (None, text),
    };
    let found = collect(app, only.as_ref())?;
    let mut matching = found
        .conflicts
        .into_iter()
        .filter(|(_, conflict)| id.len() >= 4 && conflict.id.starts_with(id));
    let shown = safe(id);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(CliError::not_found(format!(
            "`{shown}` fits more than one conflict"
        ))
        .hint("type all of it, or put the sync before it: NAME:ID")),
        (None, _) => match found.silent.into_iter().next() {
            Some((_, trouble)) => Err(trouble.into()),
            None => Err(
                CliError::not_found(format!("there is no conflict `{shown}`"))
                    .hint("`syncmgr conflicts` lists them"),
            ),
        },
    }
}

fn show(app: &mut App, id: &str) -> Done {
    let (item, conflict) = find(app, id)?;
    app.ui.json(&ConflictsOutput {
        schema: SCHEMA,
        conflicts: vec![ConflictJson::of(item.id.as_str(), &conflict)],
        notices: Vec::new(),
    });
    app.ui.say(sync::heading(app, &item));
    print(app, &conflict, &app.places(&item));
    if let Some(since) = conflict.since {
        app.ui
            .say(format!("            found {}", when(since, app.now())));
    }
    Ok(Exit::Done)
}

fn diff(app: &mut App, id: &str) -> Done {
    let (item, conflict) = find(app, id)?;
    let handler = app.handler(&item)?;
    let contents = match handler.conflicts() {
        Some(store) => store.contents(&item, &conflict.id, TEXT_MAX)?,
        None => Contents::default(),
    };
    json_diff(&app.ui, &conflict.path, &contents);
    let names = app.places(&item);
    print(app, &conflict, &names);
    let base = "last agreed";
    match (&contents.base, &contents.left, &contents.right) {
        (None, Some(left), Some(right)) => {
            unified(&app.ui, (&names.left, left), (&names.right, right));
        }
        (Some(old), left, right) => {
            for (name, new) in [(&names.left, left), (&names.right, right)] {
                match new {
                    Some(new) => unified(&app.ui, (base, old), (name, new)),
                    None => app.ui.say(format!("{name}: no text to compare")),
                }
            }
        }
        (None, ..) => app.ui.say("There is no text to compare."),
    }
    Ok(Exit::Done)
}

/// Prints the JSON object of a comparison.
pub(crate) fn json_diff(ui: &Ui, path: &[u8], contents: &Contents) {
    ui.json(&DiffOutput {
        schema: SCHEMA,
        path: display_bytes(path),
        base: contents.base.as_ref().map(ContentJson::from),
        left: contents.left.as_ref().map(ContentJson::from),
        right: contents.right.as_ref().map(ContentJson::from),
    });
}

/// Prints what changed from one text to another. The texts come from files, so every line is made
/// harmless.
pub(crate) fn unified(ui: &Ui, (old_name, old): (&str, &[u8]), (new_name, new): (&str, &[u8])) {
    if old == new {
        return ui.say(format!("{new_name}: the same as {old_name}"));
    }
    let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) else {
        return ui.say(format!(
            "{new_name}: not text, and different from {old_name}"
        ));
    };
    if old.contains('\0') || new.contains('\0') {
        return ui.say(format!(
            "{new_name}: not text, and different from {old_name}"
        ));
    }
    ui.say(ui.out.bold(&format!("--- {old_name}")));
    ui.say(ui.out.bold(&format!("+++ {new_name}")));
    // The first two lines name the files, which was done above.
    for line in diffy::create_patch(old, new).to_string().lines().skip(2) {
        let text = harmless_line(line);
        ui.say(match line.as_bytes().first() {
            Some(b'+') => ui.out.green(&text),
            Some(b'-') => ui.out.red(&text),
            Some(b'@') => ui.out.dim(&text),
            Some(_) | None => text,
        });
    }
}

/// Makes a line of a file harmless. Backslashes and tabs are content here, not escapes.
fn harmless_line(line: &str) -> String {
    line.split('\t')
        .map(|part| part.split('\\').map(safe).collect::<Vec<_>>().join("\\"))
        .collect::<Vec<_>>()
        .join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_files_cannot_act_on_a_terminal() {
        let line = harmless_line("+a\tb\\c\x1b[31m\u{202e}\r");
        assert!(line.starts_with("+a\tb\\c"));
        assert!(line.chars().all(|c| c == '\t' || !c.is_control()));
        assert!(!line.contains('\u{202e}'));
    }
}
