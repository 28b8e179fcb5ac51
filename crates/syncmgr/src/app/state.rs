//! In what state the syncs are: as the center sees it, here or there, in the same words.

use syncmgr_api::wire::ItemView;
use syncmgr_center::port::{SessionQuery, Store, StoreError};
use syncmgr_center::state::State;
use syncmgr_model::id::ItemKey;
use syncmgr_model::item::Item;
use syncmgr_model::progress::{Phase, Progress};
use syncmgr_model::record::SessionRecord;
use syncmgr_model::status::{self, Facts, Status};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::there::by_id;
use super::{App, Core};
use crate::error::CliError;

/// The state of one item.
#[derive(Debug, Clone)]
pub(crate) struct ItemState {
    /// Its status.
    pub(crate) status: Status,
    /// The status in words.
    pub(crate) words: String,
    /// The last session that counts.
    pub(crate) last: Option<SessionRecord>,
    /// Why it is not fine, when a session said so.
    pub(crate) reason: Option<Trouble>,
    /// When it runs by itself next; only a daemon knows.
    pub(crate) next: Option<Timestamp>,
    /// Until when nothing of it begins by itself.
    pub(crate) paused_until: Option<Timestamp>,
    /// Where its run stands.
    pub(crate) progress: Option<Progress>,
    /// Its results that nobody has looked at.
    pub(crate) n_unseen: u64,
    /// It may run.
    pub(crate) is_enabled: bool,
    /// Lists leave it out.
    pub(crate) is_hidden: bool,
}

/// The key of an item.
pub(crate) fn key(item: &Item) -> ItemKey {
    ItemKey {
        handler: item.handler.clone(),
        item: item.id.clone(),
    }
}

impl App {
    /// Returns the state of an item, as the center sees it.
    ///
    /// # Errors
    /// When the center cannot be asked.
    pub(crate) fn state(&mut self, item: &Item) -> Result<ItemState, CliError> {
        if let Core::There(there) = self.core()? {
            let view = there.item(&key(item))?;
            return self.of_daemon(item, view.as_ref());
        }
        self.state_here(item)
    }

    /// Returns the states of several items.
    ///
    /// # Errors
    /// When the center cannot be asked.
    pub(crate) fn states(&mut self, items: &[Item]) -> Result<Vec<ItemState>, CliError> {
        if let Core::There(there) = self.core()? {
            let views = by_id(there.items()?);
            return items
                .iter()
                .map(|item| self.of_daemon(item, views.get(&key(item).to_string())))
                .collect();
        }
        items.iter().map(|item| self.state_here(item)).collect()
    }

    fn of_daemon(&mut self, item: &Item, view: Option<&ItemView>) -> Result<ItemState, CliError> {
        let Some(view) = view else {
            return self.as_in_history(item);
        };
        let state = &view.state;
        let status = Status::parse(&state.status).unwrap_or(Status::Unknown);
        let time = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse_rfc3339);
        let paused_until = match view.paused_until.as_deref() {
            Some("forever") => Some(Timestamp(i64::MAX)),
            _ => time(&view.paused_until),
        };
        let last = state.last_run.as_ref().map(SessionRecord::try_from);
        Ok(ItemState {
            status,
            words: crate::ui::safe(&view.words),
            last: last
                .transpose()
                .map_err(syncmgr_api::client::ClientError::from)?,
            reason: state
                .reason
                .as_ref()
                .and_then(|notice| Trouble::try_from(notice).ok()),
            next: time(&view.next_run),
            paused_until,
            progress: view
                .progress
                .as_ref()
                .and_then(|progress| Progress::try_from(progress).ok()),
            n_unseen: view.unseen,
            is_enabled: state.enabled,
            is_hidden: view.hidden,
        })
    }

    /// What history alone says of a sync that the daemon does not know (yet).
    fn as_in_history(&mut self, item: &Item) -> Result<ItemState, CliError> {
        let newest = SessionQuery {
            item: Some(key(item)),
            limit: 1,
            ..SessionQuery::default()
        };
        let last = self.sessions(newest)?.into_iter().next();
        let facts = Facts {
            last: last
                .as_ref()
                .and_then(|last| Some((last.status?, last.summary))),
            ..Facts::default()
        };
        let status = status::of(&facts);
        Ok(ItemState {
            status,
            words: status.words(&facts),
            last,
            reason: None,
            next: None,
            paused_until: None,
            progress: None,
            n_unseen: 0,
            is_enabled: item.is_enabled,
            is_hidden: false,
        })
    }

    fn state_here(&mut self, item: &Item) -> Result<ItemState, CliError> {
        let key = key(item);
        let newest = SessionQuery {
            item: Some(key.clone()),
            limit: 1,
            ..SessionQuery::default()
        };
        let look = move |state: &State, store: &mut dyn Store, now| {
            let view = state.item(&key, now);
            let last = match view
                .as_ref()
                .and_then(|view| view.memory.last_session.as_ref())
            {
                Some(id) => store.session(id)?,
                None => None,
            };
            let newest = store.sessions(&newest)?.into_iter().next();
            Ok::<_, StoreError>((view, last, newest))
        };
        let Core::Here(center) = self.core()? else {
            return self.as_in_history(item);
        };
        let (view, last, newest) = center.read(look)??;
        let memory = view.as_ref().map(|view| &view.memory);
        let paused_until = memory.and_then(|memory| memory.paused_until);
        let n_unseen = memory.map_or(0, |memory| memory.n_errors);
        let is_enabled = memory.is_none_or(|memory| memory.is_enabled);
        let is_hidden = memory.is_some_and(|memory| memory.is_hidden);
        // One that the center does not know yet was begun by another process.
        let (known, said, next, mut facts) = match view {
            Some(view) => (Some(view.status), view.reason, view.next_due, view.facts),
            None => (None, None, None, Facts::default()),
        };
        if facts.running.is_none() && newest.is_some_and(|session| session.ended.is_none()) {
            // Another process runs it; where it stands is known there.
            facts.running = Some(Progress {
                phase: Phase::Copying,
                ..Progress::default()
            });
        }
        let status = status::of(&facts);
        Ok(ItemState {
            status,
            words: status.words(&facts),
            last,
            reason: said.filter(|_| Some(status) == known),
            next,
            paused_until,
            progress: None,
            n_unseen,
            is_enabled,
            is_hidden,
        })
    }
}
