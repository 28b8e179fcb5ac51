//! `conflicts`: list, show, compare those of every handler. Deciding is `resolve`, reachable from
//! here too.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use syncmgr_api::wire::desk::ConflictVersion;
use syncmgr_api::wire::{Conflict, Facts, ListedConflict};
use syncmgr_center::desk::{About, Filter};
use syncmgr_engine::path::display_bytes;
use syncmgr_model::conflict::ConflictKind;
use syncmgr_model::escape::unescape;
use syncmgr_model::format::{bytes, plural};
use syncmgr_model::record::Contents;
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::{Done, resolve, sync};
use crate::app::{App, Case, Cases};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{CaseJson, ConflictsOutput, ContentJson, DiffOutput, NoticeJson, SCHEMA};
use crate::ui::{Ui, notice, safe, when};

/// Letters of an id that is made for a conflict whose own is none that anybody could type.
const SHORT_LEN: usize = 8;
/// Most letters of an id that is typed as it is.
const ID_LEN_MAX: usize = 24;
/// Least letters that name a conflict.
const ID_LEN_MIN: usize = 4;

/// List, show and compare conflicts.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ConflictsArgs {
    /// What is meant.
    #[command(flatten)]
    pub(crate) which: Which,
    /// What to do with them.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

/// Which conflicts are meant.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Which {
    /// Only those of this sync
    pub(crate) sync: Option<OsString>,
    /// Only those that fit, as 'path~*.log and kind=both-changed', 'handler=unison' or 'sync=photos'
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
}

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List them
    List(Which),
    /// Show one
    Show {
        /// The conflict, or NAME:ID
        id: String,
    },
    /// Compare its contents, where they are text
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
        None => list(app, &args.which),
        Some(Action::List(which)) => list(app, which),
        Some(Action::Show { id }) => show(app, id),
        Some(Action::Diff { id }) => diff(app, id),
        Some(Action::Resolve(args)) => resolve::run(app, args),
    }
}

/// Collects the conflicts that fit.
pub(crate) fn fitting(
    app: &mut App,
    only: Option<&OsString>,
    filter: Option<&str>,
) -> Result<Cases, CliError> {
    let filter = read_filter(app, filter.unwrap_or_default())?;
    let mut found = app.conflicts(only)?;
    found.cases.retain(|case| fits(&filter, case));
    Ok(found)
}

/// Reads conditions. People name a sync by its name, which is put as its handler and its id.
fn read_filter(app: &mut App, text: &str) -> Result<Filter, CliError> {
    let mut parts = Vec::new();
    for part in text.split(" and ").map(str::trim) {
        match part.strip_prefix("sync=") {
            Some(name) => {
                let item = app.named(&OsString::from(name))?;
                parts.push(format!("handler={} and item={}", item.handler, item.id));
            }
            None => parts.push(part.to_owned()),
        }
    }
    Filter::parse(&parts.join(" and ")).map_err(|unfit| {
        CliError::usage(format!("--where: cannot read `{}`", safe(&unfit.0))).hint(
            "conditions are path~PATTERN, text~WORDS, kind=WORD, handler=HANDLER, sync=NAME, since=TIME and until=TIME, joined by `and`",
        )
    })
}

fn fits(filter: &Filter, case: &Case) -> bool {
    let listed = &case.listed;
    let Some(address) = syncmgr_model::conflict::Address::parse(&listed.address) else {
        return false;
    };
    let path = match &listed.file {
        Some(file) => unescape(&file.path),
        None => listed.name.clone().into_bytes(),
    };
    let name = case.item.as_ref().and_then(|item| item.name.as_deref());
    filter.fits(&About {
        address: &address,
        kind: &listed.kind,
        path: &path,
        sync: name.unwrap_or_default(),
        found: listed.found.as_deref().and_then(Timestamp::parse_rfc3339),
    })
}

fn json(app: &App, found: &Cases) {
    let cases = || found.cases.iter().map(|case| &case.listed);
    app.ui.json(&ConflictsOutput {
        schema: SCHEMA,
        conflicts: cases().filter_map(|it| it.file.clone()).collect(),
        notices: found
            .silent
            .iter()
            .map(|(_, trouble)| NoticeJson::from(trouble))
            .collect(),
        all: cases()
            .map(|listed| CaseJson {
                id: short_id(listed),
                keep: resolve::offers(listed),
                conflict: listed.clone(),
            })
            .collect(),
    });
}

fn list(app: &mut App, which: &Which) -> Done {
    let found = fitting(app, which.sync.as_ref(), which.filter.as_deref())?;
    json(app, &found);
    let mut last = None;
    for case in &found.cases {
        let whose = heading(app, case);
        if last.as_ref() != Some(&whose) {
            app.ui.say(&whose);
            last = Some(whose);
        }
        print(app, case);
    }
    for (words, trouble) in &found.silent {
        app.ui.complain(format!("{words} cannot be asked:"));
        notice::print(&app.ui, trouble);
    }
    if found.cases.is_empty() && found.silent.is_empty() {
        app.ui
            .say(if which.filter.is_some() || which.sync.is_some() {
                "No conflict fits."
            } else {
                "No conflicts. If the same file changes in two places, you decide here."
            });
    } else if !found.cases.is_empty() {
        let keep = common_offers(&found);
        app.ui.hint(format!(
            "compare with `syncmgr conflicts diff ID`; decide with `syncmgr resolve ID --keep {keep}`"
        ));
    }
    Ok(Exit::Done)
}

/// Returns what can be kept of all of them, as it is typed.
fn common_offers(found: &Cases) -> String {
    let mut offers = found.cases.iter().map(|case| resolve::offers(&case.listed));
    let mut common = offers.next().unwrap_or_default();
    for other in offers {
        common.retain(|word| other.contains(word));
    }
    // What needs more words, or does nothing, is in the help.
    common.retain(|word| !matches!(&**word, "skip" | "merge" | "merged FILE"));
    if common.is_empty() {
        "WHAT".to_owned()
    } else {
        common.join("|")
    }
}

fn heading(app: &App, case: &Case) -> String {
    match &case.item {
        Some(item) => sync::heading(app, item),
        None => app.ui.out.bold(&safe(&case.listed.handler)),
    }
}

/// Returns what names a conflict in a command line, in the state in which it is listed.
#[must_use]
pub(crate) fn short_id(listed: &ListedConflict) -> String {
    let Name { name, mark, state } = name_of(listed);
    format!("{name}{mark}{state}")
}

/// What is typed for a conflict: what names it, and what names its state.
struct Name {
    name: String,
    /// What stands between both.
    mark: &'static str,
    state: String,
}

fn name_of(listed: &ListedConflict) -> Name {
    let state = |id: &str| Name {
        name: String::new(),
        mark: "",
        state: id.to_owned(),
    };
    if let Some(file) = &listed.file {
        // The ids of pairs are made of their states, those of tools end with them.
        return match file.id.split_at_checked(SHORT_LEN) {
            Some((name, rest)) if rest.len() == SHORT_LEN => Name {
                name: name.to_owned(),
                ..state(rest)
            },
            Some(_) | None => state(&file.id),
        };
    }
    let id = own_id(listed);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = if (ID_LEN_MIN..=ID_LEN_MAX).contains(&id.len()) && id.chars().all(is_plain) {
        id
    } else {
        let hash = blake3::hash(listed.address.as_bytes()).to_hex();
        hash[..SHORT_LEN].to_owned()
    };
    Name {
        name,
        mark: "@",
        state: listed.seen.get(..SHORT_LEN).unwrap_or_default().to_owned(),
    }
}

/// What is said of a conflict by what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It is meant, in the state in which it is.
    Whole,
    /// It is meant, and was seen in another state.
    Stale,
    /// It is meant, and the state is not said.
    Short,
    /// Another one is meant.
    None,
}

fn fit(listed: &ListedConflict, text: &str) -> Fit {
    let Name { name, mark, state } = name_of(listed);
    if listed.address == text {
        // Of those that are no files, the address stays the same in every state.
        return if listed.file.is_some() {
            Fit::Whole
        } else {
            Fit::Short
        };
    }
    let seen = match mark {
        "" => text.strip_prefix(&*name),
        mark => text.rsplit_once(mark).and_then(|(before, seen)| {
            (before == name || before == listed.address || before == own_id(listed)).then_some(seen)
        }),
    };
    match seen {
        Some(seen) if seen.len() >= ID_LEN_MIN && state.starts_with(seen) => Fit::Whole,
        // One that is made of its state alone is another one in another state.
        Some(seen) if seen.len() >= ID_LEN_MIN && !(name.is_empty() && mark.is_empty()) => {
            Fit::Stale
        }
        Some(_) | None => {
            let is_short = text.len() >= ID_LEN_MIN && short_id(listed).starts_with(text);
            if is_short || own_id(listed) == text {
                Fit::Short
            } else {
                Fit::None
            }
        }
    }
}

/// Returns the id that the handler of a conflict gave it, as text.
fn own_id(listed: &ListedConflict) -> String {
    let address = syncmgr_model::conflict::Address::parse(&listed.address);
    address.map_or_else(String::new, |address| display_bytes(&address.id))
}

fn print(app: &App, case: &Case) {
    let listed = &case.listed;
    let id = app.ui.out.bold(&short_id(listed));
    if let (Some(file), Some(item)) = (&listed.file, &case.item)
        && let Some(places) = app.sides(item)
    {
        return print_file(app, &id, file, &places);
    }
    let about = match &*listed.description {
        "" => &listed.kind,
        text => text,
    };
    app.ui.say(format!(
        "  {id}  {}  {}",
        safe(&listed.name),
        app.ui.out.yellow(&safe(about)),
    ));
    for (at, version) in listed.versions.iter().enumerate() {
        app.ui.say(format!(
            "            {:<5} {}: {}",
            resolve::index_word(at, listed.versions.len()),
            safe(&version.place),
            version_facts(app, version, &listed.versions)
        ));
    }
    app.ui.say(format!(
        "            keep: {}",
        resolve::offers(listed).join(", ")
    ));
}

fn print_file(app: &App, id: &str, file: &Conflict, names: &PerSide<String>) {
    let within = match file.within {
        0 => String::new(),
        n => format!(", with {} beneath", plural(n, "change")),
    };
    let known = ConflictKind::parse(&file.kind);
    let kind = known.map_or_else(|| file.kind.clone(), |kind| kind.words().to_owned());
    app.ui.say(format!(
        "  {id}  {}  {}{within}",
        file.path,
        app.ui.out.yellow(&kind),
    ));
    for (side, mine, other) in [
        (Side::Left, &file.sides.left, &file.sides.right),
        (Side::Right, &file.sides.right, &file.sides.left),
    ] {
        app.ui.say(format!(
            "            {:<5} {}: {}",
            side.as_str(),
            names[side],
            facts(app, mine, other)
        ));
    }
}

fn facts(app: &App, mine: &Facts, other: &Facts) -> String {
    let modified = time(mine.modified.as_ref());
    let (Some(modified), Some(kind)) = (modified, mine.kind.as_deref()) else {
        return match &*mine.state {
            "unknown" => "cannot be read".to_owned(),
            _ => "not there".to_owned(),
        };
    };
    let mut text = when(modified, app.now());
    text += ", ";
    let size = mine.size.unwrap_or_default();
    if kind == "file" {
        text += &bytes(size);
    } else {
        text += kind;
    }
    if other.state == "present" {
        if time(other.modified.as_ref()).is_some_and(|it| modified > it) {
            text += ", newer";
        }
        if kind == "file" && size > other.size.unwrap_or_default() {
            text += ", larger";
        }
    }
    text
}

pub(crate) fn version_facts(
    app: &App,
    version: &ConflictVersion,
    all: &[ConflictVersion],
) -> String {
    if version.deleted {
        return "deleted".to_owned();
    }
    let mut parts = Vec::new();
    let modified = time(version.modified.as_ref());
    if let Some(modified) = modified {
        parts.push(when(modified, app.now()));
    }
    if let Some(size) = version.size {
        parts.push(bytes(size));
    }
    let others = || {
        all.iter()
            .filter(|it| !std::ptr::eq(*it, version) && !it.deleted)
    };
    let is_newer = |it: &ConflictVersion| time(it.modified.as_ref()) < modified;
    if modified.is_some() && others().count() > 0 && others().all(is_newer) {
        parts.push("newer".to_owned());
    }
    if version.size.is_some() && others().count() > 0 && others().all(|it| it.size < version.size) {
        parts.push("larger".to_owned());
    }
    if parts.is_empty() {
        safe(&version.location)
    } else {
        parts.join(", ")
    }
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text?)
}

/// Finds a conflict by its id, by `NAME:ID`, or by its address, whatever its state is.
fn find(app: &mut App, text: &str) -> Result<Case, CliError> {
    found(app, text).map(|(case, _)| case)
}

/// Finds a conflict that is to be decided: what was typed says in which state it was seen.
///
/// # Errors
/// `state-changed` with what it is now, when it was seen in another state.
pub(crate) fn find_seen(app: &mut App, text: &str) -> Result<Case, CliError> {
    let (case, fit) = found(app, text)?;
    let id = short_id(&case.listed);
    match fit {
        Fit::Whole => Ok(case),
        Fit::Short => Err(CliError::usage(format!(
            "`{}` does not say what you saw of the conflict",
            safe(text)
        ))
        .hint(format!(
            "look at it, then type all of `{id}`: its end stands for what it is now"
        ))),
        Fit::Stale | Fit::None => Err(stale(app, &case)),
    }
}

/// Says that a conflict is not what was seen any more, and what it is now.
pub(crate) fn stale(app: &App, case: &Case) -> CliError {
    let listed = &case.listed;
    let versions = listed.versions.iter().enumerate();
    let versions: Vec<_> = versions
        .map(|(at, version)| {
            format!(
                "{} {}: {}",
                resolve::index_word(at, listed.versions.len()),
                safe(&version.place),
                version_facts(app, version, &listed.versions)
            )
        })
        .collect();
    let trouble = Trouble::new(Code::StateChanged).with("path", safe(&listed.name));
    CliError::from(trouble).hint(format!(
        "it is `{}` now: {}",
        short_id(listed),
        versions.join("; ")
    ))
}

fn found(app: &mut App, text: &str) -> Result<(Case, Fit), CliError> {
    let is_address = text.contains("://");
    let (only, id) = match text.rsplit_once(':') {
        Some((name, id)) if !is_address => (Some(OsString::from(name)), id),
        Some(_) | None => (None, text),
    };
    let found = app.conflicts(only.as_ref())?;
    let fits = found.cases.into_iter().map(|case| {
        let fit = fit(&case.listed, id);
        (case, fit)
    });
    let mut matching = fits.filter(|(_, fit)| *fit != Fit::None);
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
    let found = Cases {
        cases: vec![find(app, id)?],
        silent: Vec::new(),
    };
    json(app, &found);
    for case in &found.cases {
        app.ui.say(heading(app, case));
        print(app, case);
        let is_sided = case.item.as_ref().is_some_and(App::is_sided);
        for version in case.listed.versions.iter().filter(|_| !is_sided) {
            app.ui
                .say(format!("            at {}", safe(&version.location)));
        }
        if let Some(found) = time(case.listed.found.as_ref()) {
            app.ui
                .say(format!("            found {}", when(found, app.now())));
        }
        app.ui.say(format!("            {}", case.listed.address));
    }
    Ok(Exit::Done)
}

fn diff(app: &mut App, id: &str) -> Done {
    let case = find(app, id)?;
    let compared = app.compare(&case.listed)?;
    let path = match &case.listed.file {
        Some(file) => unescape(&file.path),
        None => case.listed.name.clone().into_bytes(),
    };
    json_diff(&app.ui, &path, &compared.contents, &compared.by_index);
    print(app, &case);
    let names = match &case.item {
        Some(item) if App::is_sided(item) => {
            let places = app.places(item);
            vec![places.left, places.right]
        }
        Some(_) | None => {
            let place = |version: &ConflictVersion| safe(&version.place);
            case.listed.versions.iter().map(place).collect()
        }
    };
    let texts: Vec<_> = names
        .iter()
        .map(String::as_str)
        .zip(&compared.by_index)
        .collect();
    match (&compared.contents.base, texts.as_slice()) {
        (None, [(left_name, Some(left)), (right_name, Some(right))]) => {
            unified(&app.ui, (left_name, left), (right_name, right));
        }
        (Some(old), texts) => {
            for (name, new) in texts {
                match new {
                    Some(new) => unified(&app.ui, ("last agreed", old), (name, new)),
                    None => app.ui.say(format!("{name}: no text to compare")),
                }
            }
        }
        // Of three and more, each is held against the first that can be read.
        (None, texts) => {
            let mut there = texts
                .iter()
                .filter_map(|(name, it)| Some((*name, it.as_ref()?)));
            let first = there.next();
            let mut n_compared = 0;
            for (name, new) in there {
                if let Some((old_name, old)) = first {
                    n_compared += 1;
                    unified(&app.ui, (old_name, old), (name, new));
                }
            }
            if n_compared == 0 {
                app.ui.say("There is no text to compare.");
            }
        }
    }
    Ok(Exit::Done)
}

/// Prints the JSON object of a comparison.
pub(crate) fn json_diff(ui: &Ui, path: &[u8], contents: &Contents, by_index: &[Option<Vec<u8>>]) {
    ui.json(&DiffOutput {
        schema: SCHEMA,
        path: display_bytes(path),
        base: contents.base.as_ref().map(ContentJson::from),
        left: contents.left.as_ref().map(ContentJson::from),
        right: contents.right.as_ref().map(ContentJson::from),
        contents: by_index
            .iter()
            .map(|content| content.as_ref().map(ContentJson::from))
            .collect(),
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
