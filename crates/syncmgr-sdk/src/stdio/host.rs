//! What a handler tells the host outside of a session.

use std::sync::Arc;

use syncmgr_model::event::EventLevel;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::SettingSpec;
use syncmgr_model::trouble::Trouble;
use syncmgr_protocol::life::{Empty, Log};
use syncmgr_protocol::{event, item, method, session, trouble};

use super::ask::Asker;
use super::callback::Remote;
use super::sessions::Open;
use crate::SyncCallback;

/// The host, for what happens outside of a session. A clone is the same host. What is told before
/// the host is there, or after it went, is passed over.
#[derive(Clone)]
pub struct Host {
    pub(super) asker: Arc<Asker>,
    pub(super) open: Arc<Open>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// Says that properties of the handler changed.
    pub fn handler_changed(&self) {
        drop(self.asker.tell::<method::HandlerChanged>(&Empty {}));
    }

    /// Says that properties of items changed, or with `None` the list of items.
    pub fn items_changed(&self, items: Option<&[ItemId]>) {
        let items = items.map(|items| items.iter().map(ToString::to_string).collect());
        let changed = item::ItemsChanged { items };
        drop(self.asker.tell::<method::ItemsChanged>(&changed));
    }

    /// Says that the events that the handler keeps changed.
    pub fn events_changed(&self) {
        drop(self.asker.tell::<method::EventsChanged>(&Empty {}));
    }

    /// Says that conflicts of an item changed, or with `None` of any.
    pub fn conflicts_changed(&self, item: Option<&ItemId>) {
        let item = item.map(ToString::to_string);
        drop(
            self.asker
                .tell::<method::ConflictsChanged>(&event::ListOf { item }),
        );
    }

    /// Writes a line into the log of the handler.
    pub fn log(&self, level: EventLevel, text: &str) {
        let log = Log {
            level: level.into(),
            text: text.to_owned(),
        };
        drop(self.asker.tell::<method::Log>(&log));
    }

    /// Opens a session for work that began by itself (spec 75); only for a handler with
    /// `SUPPORTS_CONCURRENT_SESSIONS`. [`Self::close_session`] ends it.
    ///
    /// # Errors
    /// As [`crate::SessionCreator::create_session`].
    pub fn open_session(
        &self,
        (handler, specs): (&HandlerId, &'static [SettingSpec]),
        items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        let asked = session::Open {
            items: items.iter().map(ToString::to_string).collect(),
        };
        let answer = self.asker.ask::<method::SessionOpen>(&asked);
        let id = answer.map_err(|error| error.hresult())?.session_id;
        let remote = Remote::new(&id, items, (handler, specs), &self.asker);
        let remote = Arc::new(remote);
        self.open.add(&id, &remote);
        Ok(remote)
    }

    /// Ends a session that was opened by [`Self::open_session`].
    ///
    /// # Errors
    /// [`Hresult::Failed`] when the host does not know it.
    pub fn close_session(
        &self,
        session: &dyn SyncCallback,
        trouble: Option<&Trouble>,
    ) -> Result<(), Hresult> {
        self.open.remove(session.run_id());
        let close = session::Close {
            session_id: session.run_id().to_owned(),
            trouble: trouble.map(trouble::Trouble::of),
        };
        let answer = self.asker.ask::<method::SessionClose>(&close);
        self.open.answered();
        answer.map(drop).map_err(|error| error.hresult())
    }
}
