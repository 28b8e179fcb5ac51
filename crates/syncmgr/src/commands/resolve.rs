//! `resolve`: carries out decisions on conflicts.

use std::path::Path;

use clap::Args;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use syncmgr_model::conflict::{Conflict, ConflictKind};
use syncmgr_model::format::plural;
use syncmgr_model::item::Item;
use syncmgr_model::request::{Choice, Work};
use syncmgr_model::side::Side;

use super::sync::{Answer, How, carry_out};
use super::{Done, conflicts};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{ResolveOutput, SCHEMA};
use crate::ui::safe;

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
    /// Of these, only those that fit, as 'path~*.log and kind=both-changed'
    #[arg(long = "where", value_name = "FILTER", requires = "all")]
    pub(crate) filter: Option<String>,
    /// What to keep: left, right, newest, both, merge, skip, or `merged FILE`
    #[arg(long, required = true, num_args = 1..=2, value_names = ["WHAT", "FILE"])]
    pub(crate) keep: Vec<String>,
    /// Say what would be done; change nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

/// Runs `resolve`.
pub(crate) fn run(app: &mut App, args: &ResolveArgs) -> Done {
    let (choice, more_ids) = choice(&args.keep)?;
    let chosen = choose(app, args, more_ids)?;
    let mut output = ResolveOutput {
        schema: SCHEMA,
        chosen: chosen.len() as u64,
        runs: Vec::new(),
        previews: Vec::new(),
    };
    let exit = match choice {
        None => {
            let n = plural(output.chosen, "conflict");
            app.ui.say(format!("Skipped {n}: nothing was changed."));
            if chosen.is_empty() {
                Exit::Done
            } else {
                Exit::Conflicts
            }
        }
        Some(_) if chosen.is_empty() => {
            app.ui.say("No conflict fits; nothing was changed.");
            Exit::Done
        }
        Some(choice) => decide(app, chosen, &choice, args.dry_run, &mut output)?,
    };
    app.ui.json(&output);
    Ok(exit)
}

fn decide(
    app: &mut App,
    chosen: Vec<(Item, Conflict)>,
    choice: &Choice,
    is_dry: bool,
    output: &mut ResolveOutput,
) -> Done {
    let mut exit = Exit::Done;
    let how = How {
        is_dry,
        ..How::default()
    };
    for (item, ids) in by_item(chosen) {
        let n = plural(ids.len() as u64, "conflict");
        let verb = if is_dry { "Would decide" } else { "Deciding" };
        app.ui
            .talk(format!("{verb} {n} in {}", app.command_words(&item)));
        let choices = ids.into_iter().map(|id| (id, choice.clone())).collect();
        let (one, answer) = carry_out(app, &item, Work::Resolve(choices), how)?;
        match answer {
            Answer::Run(run) => output.runs.push(*run),
            Answer::Preview(preview) => output.previews.push(*preview),
            // Decisions are waited for.
            Answer::Accepted(_) => {}
        }
        if one != Exit::Done {
            exit = one;
        }
    }
    if is_dry {
        app.ui.hint("run again without --dry-run to apply");
    }
    Ok(exit)
}

/// Reads `--keep`; `None` is skip. What follows any word but `merged` is an id that stood behind it.
fn choice(keep: &[String]) -> Result<(Option<Choice>, &[String]), CliError> {
    let (word, rest) = keep
        .split_first()
        .ok_or_else(|| CliError::usage("--keep needs a word"))?;
    let choice = match word.as_str() {
        "left" => Some(Choice::Keep(Side::Left)),
        "right" => Some(Choice::Keep(Side::Right)),
        "newest" => Some(Choice::KeepNewest),
        "both" => Some(Choice::KeepBoth),
        "merge" => Some(Choice::MergeText),
        "skip" => None,
        "merged" => {
            let file = rest.first().ok_or_else(|| {
                CliError::usage("--keep merged needs the file with the result")
                    .hint("as `--keep merged result.txt`")
            })?;
            return Ok((Some(Choice::Merged(read_merged(file)?)), &[]));
        }
        other => {
            return Err(
                CliError::usage(format!("--keep: unknown word `{}`", safe(other)))
                    .hint("one of left, right, newest, both, merge, skip, merged FILE"),
            );
        }
    };
    Ok((choice, rest))
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

fn choose(
    app: &mut App,
    args: &ResolveArgs,
    more_ids: &[String],
) -> Result<Vec<(Item, Conflict)>, CliError> {
    if !args.all {
        if args.ids.is_empty() && more_ids.is_empty() {
            return Err(
                CliError::usage("name a conflict, or --all").hint("`syncmgr conflicts` lists them")
            );
        }
        return args
            .ids
            .iter()
            .chain(more_ids)
            .map(|id| conflicts::find(app, id))
            .collect();
    }
    let filter = Filter::parse(args.filter.as_deref().unwrap_or(""))?;
    let found = conflicts::collect(app, None)?;
    let mut chosen = found.conflicts;
    chosen.retain(|(_, conflict)| filter.fits(conflict));
    Ok(chosen)
}

fn by_item(chosen: Vec<(Item, Conflict)>) -> Vec<(Item, Vec<String>)> {
    let mut groups: Vec<(Item, Vec<String>)> = Vec::new();
    for (item, conflict) in chosen {
        match groups.iter_mut().find(|(known, _)| known.id == item.id) {
            Some((_, ids)) => ids.push(conflict.id),
            None => groups.push((item, vec![conflict.id])),
        }
    }
    groups
}

/// Which conflicts are meant: conditions joined by `and`.
#[derive(Debug, Default)]
struct Filter {
    paths: Vec<Gitignore>,
    kinds: Vec<ConflictKind>,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, CliError> {
        let mut filter = Self::default();
        let bad = |part: &str| {
            CliError::usage(format!("--where: cannot read `{}`", safe(part))).hint(
                "conditions are path~PATTERN and kind=both-changed|changed-and-deleted|both-new|kinds-differ, joined by `and`",
            )
        };
        for part in text.split(" and ").map(str::trim).filter(|p| !p.is_empty()) {
            if let Some(pattern) = part.strip_prefix("path~") {
                let mut builder = GitignoreBuilder::new("/");
                builder.add_line(None, pattern).map_err(|_| bad(part))?;
                filter.paths.push(builder.build().map_err(|_| bad(part))?);
            } else if let Some(kind) = part.strip_prefix("kind=") {
                filter
                    .kinds
                    .push(ConflictKind::parse(kind).ok_or_else(|| bad(part))?);
            } else {
                return Err(bad(part));
            }
        }
        Ok(filter)
    }

    fn fits(&self, conflict: &Conflict) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(&conflict.path));
        self.kinds.iter().all(|kind| *kind == conflict.kind)
            && self
                .paths
                .iter()
                .all(|paths| paths.matched(path, false).is_ignore())
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_model::conflict::Facts;
    use syncmgr_model::side::PerSide;

    use super::*;

    #[test]
    fn filters_pick_by_path_and_kind() {
        let conflict = |path: &str, kind| Conflict {
            id: "12345678".into(),
            path: path.as_bytes().to_vec(),
            kind,
            sides: PerSide {
                left: Facts::Missing,
                right: Facts::Missing,
            },
            n_within: 0,
            since: None,
        };
        let check = |filter: &str, path: &str, expected: bool| {
            let filter = Filter::parse(filter).unwrap();
            let conflict = conflict(path, ConflictKind::BothChanged);
            assert_eq!(filter.fits(&conflict), expected, "{path}");
        };
        check("", "a", true);
        check("path~*.log", "x/a.log", true);
        check("path~*.log", "x/a.txt", false);
        check("path~*.log and kind=both-changed", "a.log", true);
        check("path~*.log and kind=both-new", "a.log", false);
        assert!(Filter::parse("size>3").is_err());
        assert!(Filter::parse("kind=what").is_err());
    }

    #[test]
    fn an_id_behind_the_word_is_an_id() {
        let keep = ["left".to_owned(), "1a2b".to_owned()];
        let (choice, ids) = choice(&keep).unwrap();
        assert_eq!(choice, Some(Choice::Keep(Side::Left)));
        assert_eq!(ids, ["1a2b".to_owned()]);
    }
}
