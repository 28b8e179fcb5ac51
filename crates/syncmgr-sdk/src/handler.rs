//! The contract of a handler.

use std::sync::Arc;

use syncmgr_model::capability::{HandlerCapabilities, HandlerPolicies, HandlerType};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Found, Item, SettingSpec};
use syncmgr_model::request::{Dirty, Intent, Token, Work};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use crate::{
    ConflictPresenter, ConflictStore, EventStore, Explain, ItemEnumerator, Journal, Operation,
    SessionCreator, SyncItem, UiOperation, VersionStore,
};

/// Makes instances of one handler.
///
/// One instance answers questions about properties; every sync and every operation that shows
/// something gets an instance of its own, on a thread of its own (spec 7, 8). What has to outlive
/// an instance lies outside of it.
pub trait HandlerFactory: Send + Sync {
    /// Returns the id of the handler. Never changes.
    fn id(&self) -> &HandlerId;

    /// Returns the settings of its items, when people make its items: checks, help and forms are
    /// made from it. Empty for a handler that finds its items itself.
    fn settings(&self) -> &'static [SettingSpec] {
        &[]
    }

    /// Says whether its runs can be taken back ([`syncmgr_model::request::Work::Undo`]).
    fn can_undo(&self) -> bool {
        false
    }

    /// Returns the icon it is registered with, as an SVG or PNG image; used unless an instance
    /// provides one of its own (spec 27).
    fn icon(&self) -> Option<&[u8]> {
        None
    }

    /// Makes an instance. `saved` are the items of this handler that people saved, in the order of
    /// their file.
    ///
    /// # Errors
    /// When it cannot be made; the handler is then silent until it is loaded again.
    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult>;

    /// Learns that a session of this handler was given up, because it did not end when it was asked
    /// to. What it says later does not count; a handler in a process of its own is ended.
    fn abandon(&self, _session: &SessionId) {}

    /// Says whether the handler was made by others and has a process of its own, which
    /// [`Self::abandon`] ends.
    fn is_apart(&self) -> bool {
        false
    }

    /// Says what is not installed that its items need, unless they name another one. Starts nothing.
    fn missing(&self) -> Option<Trouble> {
        None
    }

    /// Learns that a person asked for a session, which begins now: a handler that waits after an
    /// unexpected end before it is started again is not to wait any longer.
    fn wanted_now(&self) {}
}

/// Handlers that come and go together, as the devices of one program (spec 2).
pub trait HandlerCollection: Send + Sync {
    /// Returns the id of the collection.
    fn id(&self) -> &str;

    /// Lists the handlers that are there now.
    ///
    /// # Errors
    /// When they cannot be listed; those known stay as they were.
    fn handlers(&self) -> Result<Vec<HandlerId>, Hresult>;

    /// Returns a handler, also one that was not listed before (spec 3).
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an id it does not know.
    fn bind(&self, id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Hresult>;

    /// Returns a handler of the older family; asked when [`Self::bind`] failed (spec 4).
    ///
    /// # Errors
    /// As [`Self::bind`].
    fn bind_legacy(&self, _id: &HandlerId) -> Result<Arc<dyn HandlerFactory>, Hresult> {
        Err(Hresult::NotImplemented)
    }
}

/// The properties of a handler (`ISyncMgrHandlerInfo`). Read when the handler is loaded; an error
/// has the meaning given at each method.
pub trait HandlerInfo {
    /// Returns the type; an error means unspecified.
    ///
    /// # Errors
    /// When it cannot be told.
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns the model of the device or the like; an error means none.
    ///
    /// # Errors
    /// When it cannot be told.
    fn type_label(&self) -> Result<String, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns a summary shown while nothing runs, at most 127 characters; an error means none.
    ///
    /// # Errors
    /// When it cannot be told.
    fn comment(&self) -> Result<String, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns the end of the last sync; an error leaves what was known.
    ///
    /// # Errors
    /// When it cannot be told.
    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Says whether it is set up. [`Hresult::NotImplemented`] leaves that to the center; any other
    /// error leaves what was known.
    ///
    /// # Errors
    /// As said.
    fn is_active(&self) -> Result<bool, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Says whether it is turned on; errors as [`Self::is_active`].
    ///
    /// # Errors
    /// As said.
    fn is_enabled(&self) -> Result<bool, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Says whether it can be reached; an error counts as yes.
    ///
    /// # Errors
    /// When it cannot be told.
    fn is_connected(&self) -> Result<bool, Hresult> {
        Err(Hresult::NotImplemented)
    }
}

/// What a handler is asked to do in one call of [`Handler::synchronize`].
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// The items, exactly those that were asked for (spec 67).
    pub items: Vec<Item>,
    /// What to do with each of them.
    pub work: Work,
    /// Do, or only say.
    pub intent: Intent,
    /// What the one who asked passed along; the center does not look at it.
    pub token: Option<Token>,
    /// A person sits at the screen and may be asked something.
    pub may_ask: bool,
    /// Where something changed since an earlier run, for a request on one item: only these places
    /// need a look. `None`: look at everything.
    pub dirty: Option<Dirty>,
}

/// Something that can sync items of one kind (`ISyncMgrHandler`).
///
/// **Threads.** An instance is used from one thread at a time, but not always the same one.
/// [`Self::synchronize`] runs on a thread of its own with an instance of its own.
///
/// **State.** A handler may be dropped or killed at any moment. What it keeps must need no repair
/// at the next start, and no file of a person may be half written.
pub trait Handler: Send {
    /// Returns what it is called, at most 127 characters; longer names are cut. Without a name, or
    /// with an error, the handler is not listed and never used (spec 12).
    ///
    /// # Errors
    /// When it has none.
    fn name(&self) -> Result<String, Hresult>;

    /// Returns its properties; an error leaves all of them at their defaults (spec 13).
    ///
    /// # Errors
    /// As said.
    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns what it can do.
    ///
    /// # Errors
    /// Counts as nothing.
    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(HandlerCapabilities::empty())
    }

    /// Returns what it forbids.
    ///
    /// # Errors
    /// Counts as nothing.
    fn policies(&self) -> Result<HandlerPolicies, Hresult> {
        Ok(HandlerPolicies::empty())
    }

    /// Is told that a person set it up or took it down. [`Hresult::NotImplemented`] counts as done.
    ///
    /// # Errors
    /// When it refuses; the state then stays.
    fn activate(&self, _is_active: bool) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Is told that a person turned it on or off. [`Hresult::NotImplemented`] counts as done.
    ///
    /// # Errors
    /// When it refuses; the state then stays.
    fn enable(&self, _is_enabled: bool) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Lists its items.
    ///
    /// # Errors
    /// When they cannot be listed; nothing is concluded about them then.
    fn items(&self) -> Result<ItemEnumerator, Hresult>;

    /// Returns one item, also without listing them first.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an id it does not know (spec 29).
    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult>;

    /// Returns an icon, as an SVG or PNG image; asked only with
    /// [`HandlerCapabilities::PROVIDES_ICON`].
    ///
    /// # Errors
    /// When it has none.
    fn icon(&self) -> Result<Vec<u8>, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns something that is shown to a person; asked only with the capability of that
    /// operation, except [`Operation::EventLink`], which has none.
    ///
    /// # Errors
    /// [`Hresult::NotImplemented`] when it does not offer it; [`Hresult::InvalidArgument`] is
    /// understood alike (spec 38).
    fn operation(&self, _operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns the events it keeps itself.
    fn event_store(&self) -> Option<&dyn EventStore> {
        None
    }

    /// Looks for what its tool has been set up to sync outside of syncmgr. Reads, and changes
    /// nothing; what is an item already may be among it.
    ///
    /// # Errors
    /// A [`Trouble`] when the set-up of the tool cannot be read. A tool that is not set up is no
    /// error: nothing is found.
    fn discover(&self) -> Result<Vec<Found>, Trouble> {
        Ok(Vec::new())
    }

    /// Checks the settings of an item that a person makes, without looking at its data.
    ///
    /// # Errors
    /// A [`Trouble`] that names the setting and what is wrong with it.
    fn check(&self, _item: &Item) -> Result<(), Trouble> {
        Ok(())
    }

    /// Works on items.
    ///
    /// In the foreground it returns when all is done: `creator.create_session` once, before the
    /// first change to anything; then any number of reports; then exactly one final status for each
    /// item. With [`Intent::Preview`] nothing is written to the data of any side, and the preview
    /// is reported before the status. In the background it tells another program to work and
    /// returns at once without a session; that program opens one of its own (spec 75).
    ///
    /// **Cancellation.** When a callback answers that an item or the session is cancelled, or a
    /// function given to [`crate::SyncCallback::on_cancel`] is called, the handler finishes or
    /// undoes the step at hand, reports `Canceled` and returns, within two seconds. One that takes
    /// longer than the grace of the center is abandoned: its session ends as failed and nothing it
    /// reports later counts.
    ///
    /// # Errors
    /// A [`Trouble`] when the work could not be done. The center then records it and takes every
    /// item without a final status for failed (spec 76). After an error the items may be used
    /// again.
    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble>;

    /// Returns the conflicts, if the handler keeps any.
    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        None
    }

    /// Makes what shows its conflicts, if it brings its own (spec 160); otherwise the usual
    /// presenter does.
    fn presenter(&self) -> Option<Box<dyn ConflictPresenter>> {
        None
    }

    /// Returns the kept versions, if the handler keeps any.
    fn versions(&self) -> Option<&dyn VersionStore> {
        None
    }

    /// Returns the record of steps, if the handler keeps one.
    fn journal(&self) -> Option<&dyn Journal> {
        None
    }

    /// Returns what explains single paths, if the handler can.
    fn explain(&self) -> Option<&dyn Explain> {
        None
    }
}
