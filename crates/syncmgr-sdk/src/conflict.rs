//! Conflicts, as handlers keep and show them, and how they are decided.

use std::sync::Arc;

use syncmgr_model::conflict::{
    Address, Card, Conflict, ConflictId, Content, KEY_DESCRIPTION, KEY_FOUND, KEY_NAME, Property,
};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::record::Contents;
use syncmgr_model::request::Choice;
use syncmgr_model::resolution::{
    Abilities, Decision, Feedback, KeptItem, Proceed, ResolveInfo, Substitute,
};
use syncmgr_model::trouble::{Code, Trouble};

/// Which conflicts are meant; `None` means any (spec 136).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConflictFilter {
    /// Of this handler.
    pub handler: Option<HandlerId>,
    /// Of this item.
    pub item: Option<ItemId>,
}

impl ConflictFilter {
    /// Says whether a conflict of this handler and item fits.
    #[must_use]
    pub fn fits(&self, handler: &HandlerId, item: Option<&ItemId>) -> bool {
        self.handler.as_ref().is_none_or(|wanted| wanted == handler)
            && self.item.as_ref().is_none_or(|wanted| Some(wanted) == item)
    }
}

/// The conflicts of a handler and its items, or of one item (`ISyncMgrConflictStore`, spec 135). A
/// conflict exists until it is not listed any more: nobody may conclude that it is gone because a
/// resolution succeeded. Whoever changes what is in the store tells the center by
/// `UpdateConflicts`, or by the counts a session reports.
pub trait ConflictStore {
    /// Lists the conflicts that fit, always in the same order.
    ///
    /// # Errors
    /// When they cannot be listed; nothing is concluded about them then.
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble>;

    /// Counts the conflicts that fit, exactly those that would be listed (spec 137).
    ///
    /// # Errors
    /// As [`Self::enumerate`].
    fn count(&self, filter: &ConflictFilter) -> Result<u64, Trouble> {
        self.enumerate(filter).map(|all| all.len() as u64)
    }

    /// Finds a conflict again (spec 138). The default looks through all of them.
    ///
    /// # Errors
    /// `not-found`, or as [`Self::enumerate`].
    fn bind(&self, id: &ConflictId) -> Result<Arc<dyn ConflictView>, Trouble> {
        let all = self.enumerate(&ConflictFilter::default())?;
        all.into_iter()
            .find(|conflict| conflict.id() == *id)
            .ok_or_else(|| not_found(&id.id))
    }

    /// Says whether [`Self::remove`] does anything. The default says no, as the default of that.
    fn can_remove(&self) -> bool {
        false
    }

    /// Removes conflicts from the list, because a person does not want them there (spec 158). What
    /// is in conflict stays as it is.
    ///
    /// # Errors
    /// `not-possible` when it does not offer that; those still listed stay.
    fn remove(&self, _ids: &[ConflictId]) -> Result<(), Trouble> {
        Err(not_offered("its conflicts go away when they are decided"))
    }

    /// Returns the conflicts of an item by their paths, sorted; for a store whose conflicts are
    /// about files on two sides.
    ///
    /// # Errors
    /// `not-possible` for another kind of store; a [`Trouble`] when they cannot be listed.
    fn list(&self, _item: &Item) -> Result<Vec<Conflict>, Trouble> {
        Err(not_offered("its conflicts are not about files"))
    }

    /// Returns the contents in conflict, each of at most `limit` bytes; for such a store.
    ///
    /// # Errors
    /// `not-found`, or a [`Trouble`] when a content that is there cannot be read.
    fn contents(&self, _item: &Item, _id: &str, _limit: usize) -> Result<Contents, Trouble> {
        Err(not_offered("its conflicts are not about files"))
    }
}

/// A conflict (`ISyncMgrConflict`): a look at one that its store listed.
pub trait ConflictView: Send + Sync {
    /// Returns what names it within its store.
    fn id(&self) -> ConflictId;

    /// Returns the item it belongs to; `None`: the handler itself.
    fn item(&self) -> Option<ItemId>;

    /// Returns the kind, a stable word of the handler. A decision that applies to all applies to
    /// those of the same kind and handler (spec 152).
    fn kind(&self) -> String;

    /// Returns a property, by the name of its key; [`Property::Empty`] for one it does not have or
    /// does not know (spec 140).
    fn property(&self, key: &str) -> Property;

    /// Returns the contents that disagree (`GetItemsArray`, spec 141).
    ///
    /// # Errors
    /// When they cannot be told.
    fn contents(&self) -> Result<Vec<Content>, Trouble>;

    /// Resolves itself, with what its handler shows for it: what was chosen goes into `info`
    /// (spec 159). It exists until its store says that it is gone (spec 155).
    ///
    /// # Errors
    /// [`Hresult::NotImplemented`] when it has nothing to show: a presenter does it then.
    fn resolve(&self, _info: &mut ResolveInfo) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns what carries decisions out.
    fn resolution(&self) -> &dyn ResolutionHandler;

    /// Returns what a list shows of it.
    fn card(&self, handler: &HandlerId) -> Card {
        let text = |key| self.property(key).text().unwrap_or_default().to_owned();
        let ConflictId { id, extra } = self.id();
        Card {
            address: Address {
                handler: handler.clone(),
                item: self.item(),
                id,
            },
            extra,
            kind: self.kind(),
            name: text(KEY_NAME),
            description: text(KEY_DESCRIPTION),
            found_at: self.property(KEY_FOUND).time(),
        }
    }
}

/// Carries decisions on one conflict out (`ISyncMgrResolutionHandler`). Only what
/// [`Self::abilities`] names is asked for, and always to keep one (spec 143).
pub trait ResolutionHandler {
    /// Returns what can be done.
    ///
    /// # Errors
    /// Counts as nothing but keeping one.
    fn abilities(&self) -> Result<Abilities, Trouble>;

    /// Returns the decision as work of a session, when that is how this handler carries it out: all
    /// such decisions on one item become one session. `None`: one of the other methods is called.
    ///
    /// # Errors
    /// `not-possible` when it cannot be carried out in this way.
    fn as_work(&self, _decision: &Decision) -> Result<Option<Choice>, Trouble> {
        Ok(None)
    }

    /// Says whether a session of [`Self::as_work`] can say beforehand what it would do.
    fn can_rehearse(&self) -> bool {
        false
    }

    /// Keeps one content, or several under names of their own (spec 144, 145). One that has no
    /// name keeps its own, or gets the alternate one where another has that already.
    ///
    /// # Errors
    /// When it failed; the conflict then is as it was.
    fn keep_items(&self, _items: &[KeptItem]) -> Result<Feedback, Trouble> {
        Err(not_offered("it cannot keep one of the contents by itself"))
    }

    /// Keeps the content modified last (spec 146).
    ///
    /// # Errors
    /// As [`Self::keep_items`].
    fn keep_recent(&self) -> Result<Feedback, Trouble> {
        Err(not_offered("it cannot keep the most recent content"))
    }

    /// Keeps another content, as a merged one (spec 146).
    ///
    /// # Errors
    /// As [`Self::keep_items`].
    fn keep_other(&self, _other: &Substitute) -> Result<Feedback, Trouble> {
        Err(not_offered("it cannot keep another content"))
    }

    /// Stops syncing the content; the conflict is to go away (spec 147).
    ///
    /// # Errors
    /// As [`Self::keep_items`].
    fn remove_from_sync_set(&self) -> Result<Feedback, Trouble> {
        Err(not_offered(
            "it cannot take a content out of what is synced",
        ))
    }

    /// Carries a decision out by the method that belongs to it.
    ///
    /// # Errors
    /// As the methods.
    fn carry_out(&self, decision: &Decision) -> Result<Feedback, Trouble> {
        match decision {
            Decision::KeepItems(items) => self.keep_items(items),
            Decision::KeepRecent => self.keep_recent(),
            Decision::KeepOther(other) => self.keep_other(other),
            Decision::RemoveFromSyncSet => self.remove_from_sync_set(),
        }
    }
}

/// Shows a conflict and takes the choice (`ISyncMgrConflictPresenter`). A handler may bring its own
/// (spec 160). Used from the thread that resolves, which may wait for a person.
pub trait ConflictPresenter {
    /// Shows a conflict and fills `info` in. It may carry the choice out itself, by
    /// [`ConflictView::resolution`], and then says so by [`ResolveInfo::set_carried_out`].
    ///
    /// # Errors
    /// When it could not be shown, or what it did failed.
    fn present(
        &mut self,
        conflict: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble>;

    /// Shows what went wrong and asks how to go on (spec 154). Asked of the usual presenter only.
    fn failed(&mut self, _conflict: &dyn ConflictView, _trouble: &Trouble) -> Proceed {
        Proceed::Skip
    }
}

fn not_offered(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}

fn not_found(id: &[u8]) -> Trouble {
    Trouble::new(Code::NotFound)
        .with("what", "conflict")
        .with("name", id.escape_ascii())
}
