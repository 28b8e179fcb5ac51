//! `list`: every sync there is.

use super::{Done, status};
use crate::app::App;
use crate::exit::Exit;

/// Runs `list`.
pub(crate) fn run(app: &mut App) -> Done {
    let items = app.known()?;
    let states = app.states(&items)?;
    status::json(app, &items, &states)?;
    if items.is_empty() {
        app.ui.talk("No syncs yet.");
        app.ui.hint("`syncmgr add NAME LEFT RIGHT` saves one");
    }
    status::print(app, &items, &states);
    Ok(Exit::Done)
}
