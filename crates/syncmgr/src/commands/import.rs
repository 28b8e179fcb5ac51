//! `import`: what the tools, the crontab and the timers of this machine sync already.

use clap::Args;
use syncmgr_handlers::found::Offer;

use super::Done;
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::found::{self, Looked};
use crate::json::{FoundJson, ImportOutput, NoticeJson, SCHEMA, SilentJson};
use crate::ui::{notice, safe};

/// Add what your tools, your crontab and your timers sync already.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Add these
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "all")]
    pub(crate) add: Vec<String>,
    /// Add everything that can be added
    #[arg(long)]
    pub(crate) all: bool,
    /// Without their schedules: they run only when you start them
    #[arg(long)]
    pub(crate) no_schedules: bool,
}

/// Runs `import`.
pub(crate) fn run(app: &mut App, args: &ImportArgs) -> Done {
    let looked = app.look_for_syncs()?;
    let chosen: Vec<&Offer> = if args.all {
        looked
            .offers
            .iter()
            .filter(|it| it.is_usual && it.can_be_added)
            .collect()
    } else {
        named(&looked, &args.add)?
    };
    if args.all || !args.add.is_empty() {
        return save(app, &looked, &chosen, !args.no_schedules);
    }
    for offer in &looked.offers {
        print(app, offer);
    }
    complain(app, &looked);
    if app.ui.can_ask && looked.offers.iter().any(|it| it.can_be_added) {
        let chosen = ask(app, &looked)?;
        return save(app, &looked, &chosen, !args.no_schedules);
    }
    json(app, &looked, &[]);
    if looked.offers.is_empty() {
        app.ui.say("Nothing was found that is not a sync already.");
        app.ui
            .hint("`syncmgr add NAME LEFT RIGHT` saves two folders; `--handler` something else");
    } else {
        app.ui.hint(
            "add all of it with `syncmgr import --all`, or some with `syncmgr import --add NAME…`",
        );
    }
    Ok(Exit::Done)
}

fn named<'a>(looked: &'a Looked, names: &[String]) -> Result<Vec<&'a Offer>, CliError> {
    let find = |name: &String| {
        found::choose(&looked.offers, name)?;
        let mut offers = looked.offers.iter();
        Ok(offers.find(|it| it.found.name == *name))
    };
    let all: Result<Vec<_>, CliError> = names.iter().map(find).collect();
    all.map(|all| all.into_iter().flatten().collect())
        .map_err(|error| error.hint("`syncmgr import` shows what was found, with its names"))
}

/// Asks for each whether it is wanted.
fn ask<'a>(app: &App, looked: &'a Looked) -> Result<Vec<&'a Offer>, CliError> {
    let mut chosen = Vec::new();
    let mut rest = None;
    for offer in looked.offers.iter().filter(|it| it.can_be_added) {
        let is_wanted = match rest {
            Some(is_wanted) => is_wanted && offer.is_usual,
            None => loop {
                let question = format!("Add {}? [y/N/all/quit]", offer.found.name);
                match app.ui.ask(&question)?.to_ascii_lowercase().as_str() {
                    "y" | "yes" => break true,
                    "" | "n" | "no" => break false,
                    "a" | "all" => {
                        rest = Some(true);
                        break true;
                    }
                    "q" | "quit" => {
                        rest = Some(false);
                        break false;
                    }
                    _ => {}
                }
            },
        };
        if is_wanted {
            chosen.push(offer);
        }
    }
    Ok(chosen)
}

/// Prints one that was found.
fn print(app: &App, offer: &Offer) {
    let found = &offer.found;
    let name = app.ui.out.bold(&safe(&found.name));
    app.ui
        .say(format!("{name}  {}  {}", found.handler, found.summary));
    let when = found::when(found).map_or_else(String::new, |when| format!(", {}", lower(&when)));
    app.ui
        .say(format!("  found in {}{}", found.origin, safe(&when)));
    for remark in &found.remarks {
        app.ui.say(format!("  {remark}"));
    }
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// Says where it could not be looked.
fn complain(app: &App, looked: &Looked) {
    for (_, trouble) in &looked.silent {
        notice::print(&app.ui, trouble);
    }
}

fn json(app: &App, looked: &Looked, added: &[String]) {
    app.ui.json(&ImportOutput {
        schema: SCHEMA,
        found: looked
            .offers
            .iter()
            .map(|it| {
                FoundJson::of(
                    &it.found,
                    it.can_be_added,
                    it.is_usual,
                    found::when(&it.found),
                )
            })
            .collect(),
        added: added.to_vec(),
        silent: looked
            .silent
            .iter()
            .map(|(who, trouble)| SilentJson {
                source: who.clone(),
                notice: NoticeJson::from(trouble),
            })
            .collect(),
    });
}

/// Says which of those that were added work on the folder of another sync.
fn tell_shared(app: &mut App, added: &[String]) -> Result<(), CliError> {
    let added: Vec<_> = added.iter().map(|name| safe(name)).collect();
    let is_new = |name: &str| added.iter().any(|it| it == name);
    for trouble in app.all_shared()? {
        if is_new(trouble.param("name")) || is_new(trouble.param("other")) {
            notice::print(&app.ui, &trouble);
        }
    }
    Ok(())
}

fn save(app: &mut App, looked: &Looked, chosen: &[&Offer], with_schedules: bool) -> Done {
    let mut config = app.config()?;
    let mut added = Vec::new();
    let mut n_scheduled = 0;
    for offer in chosen {
        let item = found::add(&mut config, &offer.found, with_schedules)?;
        n_scheduled += usize::from(with_schedules && offer.found.schedule.is_some());
        added.push(item.label().to_owned());
        app.ui.say(format!(
            "Saved: {}  {}",
            app.ui.out.bold(&safe(item.label())),
            offer.found.summary
        ));
    }
    if !added.is_empty() {
        app.settings_changed()?;
    }
    complain(app, looked);
    json(app, looked, &added);
    if !added.is_empty() {
        tell_shared(app, &added)?;
    }
    let is_double = |offer: &&&Offer| {
        offer
            .found
            .remarks
            .iter()
            .any(|it| it.contains("both would run"))
    };
    let doubles: Vec<_> = chosen
        .iter()
        .filter(is_double)
        .map(|it| safe(&it.found.name))
        .collect();
    if added.is_empty() {
        app.ui.say("Nothing was added.");
    } else if with_schedules && !doubles.is_empty() {
        app.ui.talk(format!(
            "note: cron or systemd goes on running {} too; turn that off there, syncmgr does not touch it",
            doubles.join(", ")
        ));
    }
    if n_scheduled > 0 && !app.has_daemon()? {
        app.ui
            .hint("they run by themselves while the daemon runs: `syncmgr daemon start`");
    }
    if let Some(first) = added.first() {
        app.ui.hint(format!(
            "see them all with `syncmgr status`, run one with `syncmgr sync {}`",
            safe(first)
        ));
    }
    Ok(Exit::Done)
}
