//! The way of the routes to the center and to the desk, without ever blocking the thread that
//! serves everybody.

use std::sync::Arc;

use hyper::StatusCode;
use syncmgr_center::center::{Gone, Handle, NotStarted};
use syncmgr_center::command::{Accepted, Answer, Control};
use syncmgr_center::port::{Store, StoreError};
use syncmgr_center::state::{ItemView, State};
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::reader::Reader;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::desk::{Desk, Places};
use crate::hub::Hub;
use crate::previews::Previews;

/// What the routes of the center share.
#[derive(Clone)]
pub struct Api {
    /// The center.
    pub center: Handle,
    /// Questions to handlers, and settings.
    pub desk: Arc<dyn Desk>,
    /// The previews that were asked for.
    pub previews: Arc<Previews>,
    /// The live messages.
    pub hub: Arc<Hub>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// Runs what may wait on a thread that may, for who asks.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let reader = Reader::current();
    match tokio::task::spawn_blocking(move || reader.during(work)).await {
        Ok(result) => result,
        Err(panicked) => match panicked.try_into_panic() {
            // Into the net that turns it into an answer.
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(_) => Err(gone(Gone)),
        },
    }
}

impl Api {
    /// Looks at the state and the store.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State, &mut dyn Store, Timestamp) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let center = self.center.clone();
        let reader = Reader::current();
        // The center looks on a thread of its own.
        let look = move |state: &State, store: &mut dyn Store, now| {
            reader.during(|| look(state, store, now))
        };
        aside(move || center.read(look).map_err(gone)?).await
    }

    /// Looks into the store beside the center, which goes on meanwhile.
    pub(crate) async fn look_back<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let center = self.center.clone();
        aside(move || {
            let reader = center.read(|_, store, _| store.reader()).map_err(gone)?;
            let mut reader = reader.map_err(|error| broken(&error))?;
            look(&mut *reader).map_err(|error| broken(&error))
        })
        .await
    }

    /// Asks the center for something and waits for the answer.
    pub(crate) async fn control(&self, control: Control) -> Result<Answer, Refusal> {
        let center = self.center.clone();
        aside(move || {
            let answer = center.control(control).map_err(gone)?;
            if let Answer::Refused(refusal) = &answer {
                return Err(refused(&refusal.trouble));
            }
            Ok(answer)
        })
        .await
    }

    /// Asks for a start.
    pub(crate) async fn start(&self, control: Control) -> Result<Accepted, Refusal> {
        let center = self.center.clone();
        aside(move || {
            let pending = center.start(control).map_err(|error| not_started(&error))?;
            // History has the outcome.
            Ok(pending.accepted)
        })
        .await
    }

    /// Asks the desk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Desk) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Refusal> {
        let desk = Arc::clone(&self.desk);
        aside(move || question(&*desk).map_err(|trouble| refused(&trouble))).await
    }

    /// Finds the item with this id.
    pub(crate) async fn item(&self, id: &str) -> Result<Item, Refusal> {
        let id = id.to_owned();
        let look = move |state: &State, _: &mut dyn Store, now| {
            let key = find(state, &id)?;
            let view = state.item(&key, now).ok_or_else(|| missing("sync", &id))?;
            Ok(view.item)
        };
        self.read(look).await
    }
}

/// Finds the key of an item by its id, or by `HANDLER/ID` where two handlers have the same.
pub(crate) fn find(state: &State, id: &str) -> Result<ItemKey, Refusal> {
    let whole = ItemKey::parse(id);
    let is_it = |key: &&ItemKey| match &whole {
        Some(whole) => *key == whole,
        None => key.item.as_str() == id,
    };
    let found = state.item_keys().find(is_it);
    found.cloned().ok_or_else(|| missing("sync", id))
}

/// What is shown of an item.
#[derive(Debug)]
pub(crate) struct Shown {
    /// What it is, and its state.
    pub(crate) view: ItemView,
    /// The last run that says something of it.
    pub(crate) last: Option<syncmgr_model::record::SessionRecord>,
    /// Errors that count, those in stores of its handler too.
    pub(crate) n_errors: u64,
    /// Conflicts that wait.
    pub(crate) n_conflicts: u64,
}

/// Reads what is shown of an item.
pub(crate) fn view(
    state: &State,
    store: &mut dyn Store,
    key: &ItemKey,
    now: Timestamp,
) -> Result<Shown, Refusal> {
    let view = state
        .item(key, now)
        .ok_or_else(|| missing("sync", key.item.as_str()))?;
    let last = match &view.memory.last_session {
        Some(id) => store.session(id).map_err(|error| broken(&error))?,
        None => None,
    };
    Ok(Shown {
        n_errors: state.n_errors(&key.handler, Some(&key.item)),
        n_conflicts: state.n_conflicts(&key.handler, Some(&key.item)),
        view,
        last,
    })
}

/// Returns the handlers that are asked for conflicts, with all their items.
pub(crate) fn places(state: &State, store: &mut dyn Store) -> Result<Places, Refusal> {
    syncmgr_center::desk::places(state, store).map_err(|error| broken(&error))
}

/// Reads the id of a run.
pub(crate) fn session_id(id: &str) -> Result<SessionId, Refusal> {
    SessionId::new(id).map_err(|_| missing("run", id))
}

/// Reads the id of an item.
pub(crate) fn item_id(id: &str) -> Result<ItemId, Refusal> {
    ItemId::new(id).map_err(|_| missing("sync", id))
}

/// Reads the id of a handler.
pub(crate) fn handler_id(id: &str) -> Result<HandlerId, Refusal> {
    HandlerId::new(id).map_err(|_| missing("handler", id))
}

/// The refusal when something that was named is not there.
pub(crate) fn missing(what: &str, name: &str) -> Refusal {
    let name = syncmgr_model::escape::escape(name.as_bytes());
    let trouble = Trouble::new(Code::NotFound)
        .with("what", what)
        .with("name", name);
    Refusal::of(StatusCode::NOT_FOUND, &trouble)
}

/// The refusal when the memory fails.
pub(crate) fn broken(error: &StoreError) -> Refusal {
    let trouble = Trouble::new(Code::HistoryUnusable).with("detail", error);
    refused(&trouble)
}

pub(crate) fn gone(_: Gone) -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "stopping",
        ["The daemon is stopping.", "Der Dienst hält gerade an."],
        NOTHING_CHANGED,
    )
}

pub(crate) fn not_started(error: &NotStarted) -> Refusal {
    match error {
        NotStarted::Refused(refusal) => refused(&refusal.trouble),
        NotStarted::Gone => gone(Gone),
    }
}

/// The refusal for a message of the center, a handler or the settings.
pub(crate) fn refused(trouble: &Trouble) -> Refusal {
    use Code::{
        HandlerUnknown, HistoryUnusable, NotFound, SettingUnusable, StateDamaged, StateUnusable,
    };
    let is = |codes: &[Code]| codes.contains(&trouble.code);
    let status = if is(&[NotFound, HandlerUnknown]) {
        StatusCode::NOT_FOUND
    } else if is(&[SettingUnusable]) {
        StatusCode::BAD_REQUEST
    } else if is(&[HistoryUnusable, StateUnusable, StateDamaged]) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        // The state of things is against it: it runs, is off, has changed, is not there now.
        StatusCode::CONFLICT
    };
    let mut refusal = Refusal::of(status, trouble);
    if trouble.code == SettingUnusable {
        let field = format!("settings.{}", trouble.param("key"));
        refusal = refusal.with_error(&field, "unusable", trouble.param("detail"));
    }
    refusal
}
