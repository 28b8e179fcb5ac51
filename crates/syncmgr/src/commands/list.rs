//! `list`: every sync there is.

use clap::Args;
use syncmgr_model::format::plural;
use syncmgr_model::status::Status;

use super::{Done, status};
use crate::app::App;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::safe;

/// List the syncs.
#[derive(Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// Only those of this handler
    #[arg(long, value_name = "HANDLER")]
    pub(crate) handler: Option<String>,
    /// Only those in this state, as ok, failed or conflicts
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Only those that are hidden; they are left out otherwise
    #[arg(long)]
    pub(crate) hidden: bool,
}

/// Runs `list`.
pub(crate) fn run(app: &mut App, args: &ListArgs) -> Done {
    let state = args.state.as_deref().map(state).transpose()?;
    let mut items = app.known()?;
    if let Some(handler) = &args.handler {
        items.retain(|item| item.handler.as_str() == handler);
        let is_known = !items.is_empty() || app.handlers()?.iter().any(|it| it.id == *handler);
        if !is_known {
            let handler = safe(handler);
            return Err(
                CliError::not_found(format!("there is no handler `{handler}`"))
                    .hint("`syncmgr handler list` shows those there are"),
            );
        }
    }
    let states = app.states(&items)?;
    let fits = items
        .into_iter()
        .zip(states)
        .filter(|(_, it)| state.is_none_or(|wanted| it.status == wanted));
    let (shown, others): (Vec<_>, Vec<_>) = fits.partition(|(_, it)| it.is_hidden == args.hidden);
    let (items, states): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
    let n_hidden = if args.hidden { 0 } else { others.len() };
    status::json(app, &items, &states)?;
    if items.is_empty() && args.handler.is_none() && state.is_none() && others.is_empty() {
        app.ui.talk("No syncs yet.");
        app.ui.hint("`syncmgr add NAME LEFT RIGHT` saves one");
    } else if items.is_empty() && n_hidden == 0 {
        app.ui.talk("No sync fits.");
    }
    status::print(app, &items, &states);
    if n_hidden > 0 {
        let verb = if n_hidden == 1 { "is" } else { "are" };
        let hidden = plural(n_hidden as u64, "sync");
        app.ui.talk(format!("{hidden} {verb} hidden."));
        app.ui.hint("`syncmgr list --hidden` shows what is hidden");
    }
    Ok(Exit::Done)
}

fn state(text: &str) -> Result<Status, CliError> {
    Status::parse(text).ok_or_else(|| {
        let words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        CliError::usage(format!("--state: unknown word `{}`", safe(text)))
            .hint(format!("one of {}", words.join(", ")))
    })
}
