//! `resolve`: carries out decisions on conflicts of any handler, at the one desk.

use clap::Args;
use syncmgr_api::wire::conflict::Keep;
use syncmgr_api::wire::desk::Resolved;
use syncmgr_api::wire::{Content, Decision, ListedConflict};
use syncmgr_handlers::files;
use syncmgr_model::format::plural;
use syncmgr_model::item::Item;
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::trouble::Trouble;

use super::sync::{Answer, How, carry_out, say, say_preview};
use super::{Done, conflicts};
use crate::app::{App, Carried, Case};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ResolveOutput, SCHEMA};
use crate::ui::{notice, safe};

/// Largest merged file taken: what is merged by hand is text.
const MERGED_MAX: u64 = 64 << 20;

/// Decide conflicts.
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The conflicts, as `syncmgr conflicts` names them
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// All conflicts
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    /// Of these, only those that fit, as 'path~*.log and kind=both-changed', 'handler=unison' or
    /// 'sync=photos'
    #[arg(long = "where", value_name = "FILTER", requires = "all")]
    pub(crate) filter: Option<String>,
    /// What to keep: left, right, newest, both, merge, skip or `merged FILE`; of more than two 1, 2,
    /// 3 or all; where it is; or remove: it is not synced any more
    #[arg(long, required = true, num_args = 1..=2, value_names = ["WHAT", "FILE"])]
    pub(crate) keep: Vec<String>,
    /// Say what would be done; change nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

/// What a person wants kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Left,
    Right,
    Newest,
    Both,
    All,
    Merge,
    Merged(Vec<u8>),
    Remove,
    Skip,
    /// The contents with these numbers, from 1.
    Numbers(Vec<usize>),
    /// What is at this place.
    Place(String),
}

/// Runs `resolve`.
pub(crate) fn run(app: &mut App, args: &ResolveArgs) -> Done {
    let (wanted, more_ids) = wanted(&args.keep)?;
    let chosen = choose(app, args, more_ids)?;
    let mut output = ResolveOutput {
        schema: SCHEMA,
        chosen: chosen.len() as u64,
        runs: Vec::new(),
        previews: Vec::new(),
        outcomes: Vec::new(),
    };
    let exit = if wanted == Wanted::Skip {
        let n = plural(output.chosen, "conflict");
        app.ui.say(format!("Skipped {n}: nothing was changed."));
        if chosen.is_empty() {
            Exit::Done
        } else {
            Exit::Conflicts
        }
    } else if let (Wanted::Place(word), true) = (&wanted, chosen.is_empty()) {
        return Err(
            CliError::usage(format!("--keep: unknown word `{}`", safe(word))).hint(
                "one of left, right, newest, both, merge, remove, skip, merged FILE, or a number",
            ),
        );
    } else if chosen.is_empty() {
        app.ui.say("No conflict fits; nothing was changed.");
        Exit::Done
    } else {
        decide(app, chosen, &wanted, args, &mut output)?
    };
    app.ui.json(&output);
    Ok(exit)
}

fn decide(
    app: &mut App,
    chosen: Vec<Case>,
    wanted: &Wanted,
    args: &ResolveArgs,
    output: &mut ResolveOutput,
) -> Done {
    let mut exit = Exit::Done;
    let mut picks = Vec::with_capacity(chosen.len());
    let mut refused = Vec::new();
    for case in chosen {
        match decision(app, wanted, &case.listed) {
            Ok(decision) => picks.push((case, decision)),
            Err(error) => refused.push(error),
        }
    }
    // Of those that were named, all can be decided so, or none is.
    if !args.all || picks.is_empty() {
        if let Some(error) = refused.into_iter().next() {
            return Err(error);
        }
    } else if !refused.is_empty() {
        for error in &refused {
            app.ui.print_error(error);
        }
        let n = plural(refused.len() as u64, "conflict");
        app.ui.complain(format!("{n} left as they are."));
        exit = Exit::Conflicts;
    }
    let is_dry = args.dry_run;
    let how = How {
        is_dry,
        ..How::default()
    };
    let counts = counts(app, &picks);
    let mut worst = Exit::Done;
    let mut n_in_runs = 0;
    let mut carry = |app: &mut App, carried: Carried<'_>| {
        let item = match &carried {
            Carried::Work(item, _) | Carried::Begun(item, _) => *item,
        };
        let words = app.command_words(item);
        let n = counts
            .iter()
            .find(|(it, _)| *it == words)
            .map_or(0, |(_, n)| *n);
        n_in_runs += n;
        let verb = if is_dry { "Would decide" } else { "Deciding" };
        app.ui
            .talk(format!("{verb} {} in {words}", plural(n, "conflict")));
        let (one, answer) = done(app, carried, how)?;
        match answer {
            Answer::Run(run) => output.runs.push(*run),
            Answer::Preview(preview) => output.previews.push(*preview),
            // Decisions are waited for.
            Answer::Accepted(_) => {}
        }
        if one != Exit::Done {
            worst = one;
        }
        Ok(())
    };
    let outcomes = app.decide(&picks, is_dry, &mut carry)?;
    if is_dry {
        for ((case, decision), outcome) in picks.iter().zip(&outcomes) {
            say_effect(app, &case.listed, decision.keep, outcome);
        }
    }
    if worst != Exit::Done {
        exit = worst;
    }
    let n_done = outcomes.iter().filter(|it| it.outcome == "done").count() as u64;
    // Those that a run carried out were told with it.
    let n_at_once = n_done.saturating_sub(n_in_runs);
    if n_at_once > 0 {
        let n = plural(n_at_once, "conflict");
        app.ui.say(if is_dry {
            format!("Would decide {n}.")
        } else {
            format!("Decided {n}.")
        });
    }
    for outcome in &outcomes {
        if let Some(trouble) = outcome
            .notice
            .as_ref()
            .and_then(|it| Trouble::try_from(it).ok())
        {
            notice::print(&app.ui, &trouble);
            exit = Exit::of_trouble(&trouble);
        }
    }
    output.outcomes = outcomes;
    if is_dry {
        app.ui.hint("run again without --dry-run to apply");
    }
    Ok(exit)
}

/// Says what a decision would keep and replace: what each content is was shown in the list.
fn say_effect(app: &App, listed: &ListedConflict, keep: Keep, outcome: &Resolved) {
    if outcome.outcome != "done" {
        return;
    }
    app.ui.say(format!(
        "  {}  {}",
        app.ui.out.bold(&conflicts::short_id(listed)),
        safe(&listed.name)
    ));
    let lines = |word: &str, indexes: &[u16]| {
        for at in indexes.iter().map(|at| usize::from(*at)) {
            let Some(version) = listed.versions.get(at) else {
                continue;
            };
            app.ui.say(format!(
                "            {word:<8} {:<5} {}: {}",
                index_word(at, listed.versions.len()),
                safe(&version.location),
                conflicts::version_facts(app, version, &listed.versions)
            ));
        }
    };
    lines("keep", &outcome.keeps);
    lines("replace", &outcome.replaces);
    if outcome.keeps.is_empty() && outcome.replaces.is_empty() {
        app.ui.say(if keep == Keep::Nothing {
            "            replace  nothing: it is not synced any more"
        } else {
            "            which one is the newest, only the handler can tell"
        });
    }
}

/// Runs, or waits for, what decides the conflicts of one sync.
fn done(app: &mut App, carried: Carried<'_>, how: How) -> Result<(Exit, Answer), CliError> {
    match carried {
        Carried::Work(item, work) => carry_out(app, item, work, how),
        Carried::Begun(item, begun) if how.is_dry => {
            let preview = app.previewed(item, begun)?;
            let preview = say_preview(app, item, &preview, false, how);
            Ok((Exit::Done, Answer::Preview(Box::new(preview))))
        }
        Carried::Begun(item, begun) => {
            app.ui.set_sides(app.sides(item));
            let work = Work::Resolve(Vec::new());
            let waited = app.wait(item, &work, Intent::Apply, how.wish, begun)?;
            Ok(say(app, item, waited, true, how))
        }
    }
}

/// Counts the conflicts of each sync.
fn counts(app: &App, picks: &[(Case, Decision)]) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = Vec::new();
    let items = picks.iter().filter_map(|(case, _)| case.item.as_ref());
    for words in items.map(|item: &Item| app.command_words(item)) {
        match counts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, n)) => *n += 1,
            None => counts.push((words, 1)),
        }
    }
    counts
}

/// Returns what can be kept of a conflict, as it is typed after `--keep`.
#[must_use]
pub(crate) fn offers(listed: &ListedConflict) -> Vec<String> {
    let n = listed.versions.len();
    let can = |word: &str| listed.can.iter().any(|it| it == word);
    let mut words: Vec<String> = (0..n).map(|at| index_word(at, n)).collect();
    let mut add = |is_offered: bool, word: &str| {
        if is_offered {
            words.push(word.to_owned());
        }
    };
    add(can("newest"), "newest");
    add(can("several"), if n == 2 { "both" } else { "all" });
    // Whether another handler merges by itself, only a try can tell.
    add(can("other") && listed.handler == files::ID, "merge");
    add(can("other"), "merged FILE");
    add(can("nothing"), "remove");
    add(true, "skip");
    words
}

/// Returns what a content is called after `--keep`: of two, left and right; otherwise its number.
#[must_use]
pub(crate) fn index_word(at: usize, n: usize) -> String {
    match (at, n) {
        (0, 2) => "left".to_owned(),
        (1, 2) => "right".to_owned(),
        _ => (at + 1).to_string(),
    }
}

/// Turns what is wanted into a decision this conflict can have.
fn decision(app: &App, wanted: &Wanted, listed: &ListedConflict) -> Result<Decision, CliError> {
    let n = listed.versions.len();
    let can = |word: &str| listed.can.iter().any(|it| it == word);
    let bare = |keep| Decision {
        keep,
        content: None,
        items: Vec::new(),
    };
    let items = |indexes: &[usize]| {
        let is_offered = !indexes.is_empty()
            && indexes.iter().all(|at| *at < n)
            && (indexes.len() == 1 || can("several"));
        let indexes = indexes.iter().map(|at| u16::try_from(*at).ok());
        let items = indexes.collect::<Option<_>>().filter(|_| is_offered)?;
        Some(Decision {
            items,
            ..bare(Keep::Items)
        })
    };
    let found = match wanted {
        Wanted::Left => (n == 2).then(|| bare(Keep::Left)),
        Wanted::Right => (n == 2).then(|| bare(Keep::Right)),
        Wanted::Newest => can("newest").then(|| bare(Keep::Newest)),
        Wanted::Both => (n == 2 && can("several")).then(|| bare(Keep::Both)),
        Wanted::All => items(&(0..n).collect::<Vec<_>>()),
        Wanted::Merge => can("other").then(|| bare(Keep::Merge)),
        Wanted::Merged(merged) => can("other").then(|| Decision {
            content: Some(Content::from(merged)),
            ..bare(Keep::Content)
        }),
        Wanted::Remove => can("nothing").then(|| bare(Keep::Nothing)),
        Wanted::Skip => Some(bare(Keep::Skip)),
        Wanted::Numbers(numbers) => {
            let indexes: Vec<_> = numbers.iter().filter_map(|n| n.checked_sub(1)).collect();
            items(&indexes).filter(|_| indexes.len() == numbers.len())
        }
        Wanted::Place(text) => place(app, text, listed).and_then(|at| items(&[at])),
    };
    found.ok_or_else(|| {
        CliError::usage(format!(
            "`{}` cannot be decided with `--keep {}`",
            safe(&listed.name),
            word_of(wanted)
        ))
        .hint(format!("it offers {}", offers(listed).join(", ")))
    })
}

/// Finds the one content that is at a place.
fn place(app: &App, text: &str, listed: &ListedConflict) -> Option<usize> {
    let shown = app.shown(std::path::Path::new(text));
    let is_there = |place: &str| {
        let last = place.trim_end_matches('/').rsplit('/').next();
        place == text || place == shown || last == Some(text)
    };
    let places = listed.versions.iter().map(|version| &*version.place);
    let mut at = places.enumerate().filter(|(_, place)| is_there(place));
    match (at.next(), at.next()) {
        (Some((at, _)), None) => Some(at),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn word_of(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Left => "left".to_owned(),
        Wanted::Right => "right".to_owned(),
        Wanted::Newest => "newest".to_owned(),
        Wanted::Both => "both".to_owned(),
        Wanted::All => "all".to_owned(),
        Wanted::Merge => "merge".to_owned(),
        Wanted::Merged(_) => "merged".to_owned(),
        Wanted::Remove => "remove".to_owned(),
        Wanted::Skip => "skip".to_owned(),
        Wanted::Numbers(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            numbers.join(",")
        }
        Wanted::Place(text) => safe(text),
    }
}

/// Reads `--keep`. What follows any word but `merged` is an id that stood behind it.
fn wanted(keep: &[String]) -> Result<(Wanted, &[String]), CliError> {
    let (word, rest) = keep
        .split_first()
        .ok_or_else(|| CliError::usage("--keep needs a word"))?;
    let wanted = match word.as_str() {
        "left" => Wanted::Left,
        "right" => Wanted::Right,
        "newest" => Wanted::Newest,
        "both" => Wanted::Both,
        "all" => Wanted::All,
        "merge" => Wanted::Merge,
        "remove" => Wanted::Remove,
        "skip" => Wanted::Skip,
        "merged" => {
            let file = rest.first().ok_or_else(|| {
                CliError::usage("--keep merged needs the file with the result")
                    .hint("as `--keep merged result.txt`")
            })?;
            return Ok((Wanted::Merged(read_merged(file)?), &[]));
        }
        other => match numbers(other) {
            Some(numbers) => Wanted::Numbers(numbers),
            None => Wanted::Place(other.to_owned()),
        },
    };
    Ok((wanted, rest))
}

/// Reads `2`, or `1,3`.
fn numbers(text: &str) -> Option<Vec<usize>> {
    let read = |part: &str| part.parse().ok().filter(|n| *n > 0);
    text.split(',').map(read).collect()
}

fn read_merged(file: &str) -> Result<Vec<u8>, CliError> {
    let failed = |detail: String| {
        CliError::usage(format!(
            "--keep merged: cannot read `{}`: {detail}",
            safe(file)
        ))
    };
    let meta = std::fs::metadata(file).map_err(|e| failed(e.to_string()))?;
    if meta.len() > MERGED_MAX {
        return Err(failed("it is larger than 64 MiB".to_owned()));
    }
    std::fs::read(file).map_err(|e| failed(e.to_string()))
}

fn choose(app: &mut App, args: &ResolveArgs, more_ids: &[String]) -> Result<Vec<Case>, CliError> {
    if args.all {
        return Ok(conflicts::fitting(app, None, args.filter.as_deref())?.cases);
    }
    if args.ids.is_empty() && more_ids.is_empty() {
        return Err(
            CliError::usage("name a conflict, or --all").hint("`syncmgr conflicts` lists them")
        );
    }
    let mut chosen: Vec<Case> = Vec::new();
    for id in args.ids.iter().chain(more_ids) {
        let case = conflicts::find_seen(app, id)?;
        let address = &case.listed.address;
        if chosen.iter().all(|known| known.listed.address != *address) {
            chosen.push(case);
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_behind_the_word_is_an_id() {
        let keep = ["left".to_owned(), "1a2b".to_owned()];
        let (wanted, ids) = wanted(&keep).unwrap();
        assert_eq!(wanted, Wanted::Left);
        assert_eq!(ids, ["1a2b".to_owned()]);
    }

    #[test]
    fn numbers_count_from_one() {
        assert_eq!(numbers("2"), Some(vec![2]));
        assert_eq!(numbers("1,3"), Some(vec![1, 3]));
        for bad in ["0", "1,", "one", "", "-1"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }
}
