//! What the API needs beside the center: questions to handlers, and the settings that people edit.
//! The program implements it, because it knows both.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncmgr_api::wire::ListedConflict;
use syncmgr_api::wire::doctor::{Alert, Check};
use syncmgr_api::wire::handler::HandlerProcess;
use syncmgr_api::wire::{Folders, SettingKey};
pub use syncmgr_center::desk::Places;
use syncmgr_center::desk::{Batch, Decided};
use syncmgr_model::conflict::{Address, Card, Conflict, Content};
use syncmgr_model::folder::{Child, Covered};
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{self, Item, SettingSpec, Settings, Value};
use syncmgr_model::outside::Subject;
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::resolution::{Abilities, Pick};
use syncmgr_model::schedule::Schedule;
use syncmgr_model::side::PerSide;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

/// A sync to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Whose it will be.
    pub handler: HandlerId,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: Settings,
}

/// A sync that might be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whose it would be.
    pub handler: HandlerId,
    /// Its name, if it has one already.
    pub name: Option<String>,
    /// Its settings.
    pub settings: Settings,
    /// The saved sync that would change.
    pub of: Option<ItemId>,
}

/// A change of a saved sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemEdit {
    /// Another name.
    pub name: Option<String>,
    /// Settings to set; `None` takes one back to its default.
    pub settings: BTreeMap<String, Option<Value>>,
    /// Turned on or off.
    pub is_enabled: Option<bool>,
}

/// A conflict as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What a list shows.
    pub card: Card,
    /// The contents that disagree.
    pub contents: Vec<Content>,
    /// What can be decided.
    pub abilities: Abilities,
    /// What each side has, when it is about a file.
    pub file: Option<Conflict>,
    /// Names the state of the contents: what was decided on another state is not carried out. Empty
    /// in a list until [`Desk::complete`] has looked at them.
    pub state: String,
}

impl Found {
    /// Returns how it is listed, with a name for its state and for all that is shown of it.
    #[must_use]
    pub fn listed(&self) -> ListedConflict {
        let file = self.file.as_ref();
        let mut listed = ListedConflict::of(&self.card, &self.contents, self.abilities, file);
        let mut shown = serde_json::to_vec(&listed).unwrap_or_default();
        shown.extend_from_slice(self.state.as_bytes());
        listed.seen = blake3::hash(&shown).to_hex()[..32].to_owned();
        listed
    }
}

/// A conflict that is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which one.
    pub address: Address,
    /// The state in which it was seen ([`Found::state`]).
    pub state: String,
    /// What was chosen; `None`: what an earlier one applies to all.
    pub pick: Option<Pick>,
}

/// The contents in conflict, each up to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// By side, with what both last agreed on.
    pub contents: Contents,
    /// By index; `None`: it is in no file that may be read, or is too large.
    pub by_index: Vec<Option<Vec<u8>>>,
}

/// Whose conflicts are not known now, and why.
pub type Silent = (HandlerId, Option<ItemId>, Trouble);

/// A sync that could be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What was found.
    pub found: item::Found,
    /// When it would run, in words.
    pub when: Option<String>,
    /// It can be added.
    pub can_be_added: bool,
    /// Whoever adds everything adds it too.
    pub is_usual: bool,
}

/// What could be added, and what could not be looked through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offers {
    /// What was found and is no sync yet.
    pub offers: Vec<Offered>,
    /// A handler or `crontab`, and why.
    pub silent: Vec<(String, Trouble)>,
}

/// Carries out the decisions of one item in one run, or says why it does not begin.
pub type Runs<'a> = dyn FnMut(&Batch) -> Result<(), Trouble> + 'a;

/// Answers questions and keeps settings. Every method may read files and take its time; it is
/// called on a thread that may wait, several at once.
///
/// A change is complete when its method returns: it is in the file that people edit, and the
/// center was told of it ([`syncmgr_center::command::Control::Configure`]). After an error nothing
/// has changed.
pub trait Desk: Send + Sync {
    /// Returns how the folders of an item are written; empty where it has none. Asks nobody.
    fn folders(&self, item: &Item) -> PerSide<String>;

    /// Returns how a path is written. Asks nobody.
    fn place(&self, path: &[u8]) -> String {
        syncmgr_model::escape::escape(path)
    }

    /// Returns the settings that syncs of a handler have. Asks nobody.
    fn settings_of(&self, handler: &HandlerId) -> Vec<SettingSpec>;

    /// Says whether runs of a handler can be taken back. Asks nobody.
    fn can_undo(&self, _handler: &HandlerId) -> bool {
        false
    }

    /// Returns the process of a handler; `None` for a built-in one. Asks nobody.
    fn process_of(&self, _handler: &HandlerId) -> Option<HandlerProcess> {
        None
    }

    /// Has an installed handler start anew when it is needed, also one that stopped too often.
    ///
    /// # Errors
    /// `handler-unknown` for one that has no process of its own.
    fn restart(&self, handler: &HandlerId) -> Result<(), Trouble> {
        Err(Trouble::new(Code::HandlerUnknown).with("handler", handler))
    }

    /// Returns the last part of the log of an installed handler, at most so many bytes of it, as
    /// harmless lines.
    ///
    /// # Errors
    /// `handler-unknown`, or why it cannot be read.
    fn log_of(&self, handler: &HandlerId, _most: u64) -> Result<Vec<String>, Trouble> {
        Err(Trouble::new(Code::HandlerUnknown).with("handler", handler))
    }

    /// Returns the conflicts of all these handlers, in any order, and who could not be asked. One
    /// that keeps none is no mistake. No content is looked at: their states are left out.
    fn find_conflicts(&self, _places: &Places) -> (Vec<Found>, Vec<Silent>) {
        (Vec::new(), Vec::new())
    }

    /// Looks at the contents of conflicts that were found, and names their states.
    fn complete(&self, _places: &Places, _found: &mut [Found]) {}

    /// Finds one conflict again, by its address.
    ///
    /// # Errors
    /// `not-found`, or why it cannot be looked at.
    fn find_conflict(&self, _places: &Places, _address: &Address) -> Result<Found, Trouble> {
        Err(Trouble::new(Code::NotFound).with("what", "conflict"))
    }

    /// Decides conflicts, one after the other in this order, as was chosen beforehand; one without
    /// a choice is left unless an earlier one applies to all. What sessions carry out goes to
    /// `runs`. With `is_preview` nothing else is carried out. Returns what became of each.
    ///
    /// # Errors
    /// `not-found` when one of them is gone, `state-changed` when one is not what it was; nothing was
    /// carried out then.
    fn decide(
        &self,
        _places: &Places,
        _chosen: &[Chosen],
        _is_preview: bool,
        _runs: &mut Runs<'_>,
    ) -> Result<Vec<Decided>, Trouble> {
        let detail = "there is nobody who decides conflicts";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Returns the contents of a conflict, each up to `limit` bytes.
    ///
    /// # Errors
    /// `not-found`, or why they cannot be read.
    fn compare(
        &self,
        places: &Places,
        address: &Address,
        limit: usize,
    ) -> Result<Compared, Trouble>;

    /// Lists the kept versions of what is at `path` or below.
    ///
    /// # Errors
    /// Why they cannot be listed.
    fn versions(&self, item: &Item, path: &[u8]) -> Result<Vec<Version>, Trouble>;

    /// Returns the contents of a version and of what is there now, each up to `limit` bytes.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn version_contents(
        &self,
        item: &Item,
        version: &Version,
        limit: usize,
    ) -> Result<Contents, Trouble>;

    /// Returns what a run did, step by step.
    ///
    /// # Errors
    /// Why it cannot be told.
    fn steps(&self, item: &Item, run: &SessionId) -> Result<Vec<Step>, Trouble>;

    /// Says why a path is, or is not, in sync.
    ///
    /// # Errors
    /// Why it cannot be said.
    fn why(&self, item: &Item, path: &[u8]) -> Result<Explanation, Trouble>;

    /// Looks into one folder of an item, bytes below its folders, as it is now. Costs as much as that
    /// folder.
    ///
    /// # Errors
    /// `not-found`, or why it cannot be looked at.
    fn folder(&self, _item: &Item, _path: &[u8]) -> Result<Vec<Child>, Trouble> {
        let detail = "there is nobody who looks into folders";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Says what these exclusions would cover beside the ones of the item.
    ///
    /// # Errors
    /// `setting-unusable` for a pattern that is none, or why it cannot be said.
    fn covered(&self, _item: &Item, _patterns: &[String]) -> Result<Covered, Trouble> {
        let detail = "there is nobody who looks into folders";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Finds the sync that a program outside works on, or makes it. One that cannot be saved is
    /// returned all the same: then it is known by its runs alone.
    ///
    /// # Errors
    /// `not-possible` where such programs are not listened to.
    fn subject(&self, _subject: &Subject) -> Result<Item, Trouble> {
        let detail = "runs of other programs are not recorded here";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Saves a sync.
    ///
    /// # Errors
    /// `setting-unusable` with `key`, `name-taken`, or why it cannot be saved.
    fn add(&self, new: NewItem) -> Result<Item, Trouble>;

    /// Returns all that would be said of a sync before it is saved: errors with which it cannot be
    /// saved or run, and what to know. Nothing is saved.
    ///
    /// # Errors
    /// The settings cannot be read.
    fn check(&self, _draft: &Draft) -> Result<Vec<Trouble>, Trouble> {
        Ok(Vec::new())
    }

    /// Shows a folder of this machine to somebody who chooses one; the home folder when none is
    /// named. Opens no file and follows no link in it.
    ///
    /// # Errors
    /// `setting-unusable` with `key`, or why it cannot be read.
    fn browse(&self, _path: Option<&str>) -> Result<Folders, Trouble> {
        let detail = "no folders are shown here";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Looks for what the tools, the crontab and the timers of the person sync already, and is no
    /// sync yet. Changes nothing.
    ///
    /// # Errors
    /// The settings cannot be read.
    fn offers(&self) -> Result<Offers, Trouble> {
        Ok(Offers::default())
    }

    /// Saves syncs that [`Self::offers`] names, with their schedules if that is wanted.
    ///
    /// # Errors
    /// `not-found` or `not-possible` for one of the names: then none is saved.
    fn import(&self, _names: &[String], _with_schedules: bool) -> Result<Vec<Item>, Trouble> {
        let detail = "there is nobody who looks for syncs";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }

    /// Changes a saved sync.
    ///
    /// # Errors
    /// As [`Self::add`]; `not-found` when it is not saved.
    fn edit(&self, id: &ItemId, edit: ItemEdit) -> Result<Item, Trouble>;

    /// Removes a saved sync; no file in its folders is touched.
    ///
    /// # Errors
    /// `not-found` when it is not saved, or why it cannot be removed.
    fn remove(&self, id: &ItemId) -> Result<(), Trouble>;

    /// Returns the keys of the secrets of an item that are set; reads none of them.
    ///
    /// # Errors
    /// It cannot be known now.
    fn secrets_of(&self, _item: &Item) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }

    /// Keeps a secret of an item.
    ///
    /// # Errors
    /// `not-found` when its handler has no such secret, or why it cannot be kept.
    fn set_secret(&self, _item: &Item, _key: &str, _value: &str) -> Result<(), Trouble> {
        Err(Trouble::new(Code::NotPossible).with("detail", "no secrets are kept here"))
    }

    /// Removes a secret of an item; returns whether there was one.
    ///
    /// # Errors
    /// Why it cannot be removed.
    fn remove_secret(&self, _item: &Item, _key: &str) -> Result<bool, Trouble> {
        Err(Trouble::new(Code::NotPossible).with("detail", "no secrets are kept here"))
    }

    /// Lists the schedules.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn schedules(&self) -> Result<Vec<Schedule>, Trouble>;

    /// Makes or replaces the schedule of this name.
    ///
    /// # Errors
    /// `setting-unusable` with `key`, or why it cannot be saved.
    fn put_schedule(&self, schedule: Schedule) -> Result<(), Trouble>;

    /// Says when a schedule would start runs after `now`, at most `n_most` times, were it put. Nothing
    /// is saved.
    ///
    /// # Errors
    /// As [`Self::put_schedule`].
    fn check_schedule(
        &self,
        schedule: &Schedule,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble>;

    /// Removes a schedule; returns whether there was one.
    ///
    /// # Errors
    /// Why it cannot be removed.
    fn remove_schedule(&self, name: &str) -> Result<bool, Trouble>;

    /// Returns when a schedule starts runs after `now`, at most `n_most` times.
    ///
    /// # Errors
    /// `not-found`.
    fn next_runs(
        &self,
        name: &str,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble>;

    /// Returns the schedules that are on and a time, with when they start runs later than `after`
    /// and not later than `until`: the earliest `n_most`, in order. None where nobody keeps time.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn planned(
        &self,
        _after: Timestamp,
        _until: Timestamp,
        _n_most: usize,
    ) -> Result<Vec<(Timestamp, Arc<Schedule>)>, Trouble> {
        Ok(Vec::new())
    }

    /// Checks this installation.
    ///
    /// # Errors
    /// Why it cannot be looked at.
    fn doctor(&self) -> Result<Vec<Check>, Trouble> {
        Ok(Vec::new())
    }

    /// Returns a report to be sent to somebody who helps, without secrets and contents.
    ///
    /// # Errors
    /// Why there is none.
    fn report(&self) -> Result<String, Trouble> {
        Err(Trouble::new(Code::NotPossible).with("detail", "no reports are made here"))
    }

    /// Returns the ways on which a person is told something.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn alerts(&self) -> Result<Vec<Alert>, Trouble> {
        Ok(Vec::new())
    }

    /// Sends a test notice on one of them; returns why it did not arrive.
    ///
    /// # Errors
    /// `not-found`, or why it cannot be sent.
    fn test_alert(&self, name: &str) -> Result<Option<Trouble>, Trouble> {
        Err(Trouble::new(Code::NotFound)
            .with("what", "alert")
            .with("name", name))
    }

    /// Returns the settings of the daemon, with their defaults.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn settings(&self) -> Result<Settings, Trouble>;

    /// Returns what the settings of the daemon take.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn setting_keys(&self) -> Result<Vec<SettingKey>, Trouble> {
        Ok(Vec::new())
    }

    /// Changes settings of the daemon; `None` takes one back to its default.
    ///
    /// # Errors
    /// `setting-unusable` with `key`, or why they cannot be saved.
    fn change_settings(
        &self,
        changes: BTreeMap<String, Option<Value>>,
    ) -> Result<Settings, Trouble>;

    /// Returns the whole file of settings, syncs and schedules included; it holds no secrets.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn settings_file(&self) -> Result<String, Trouble> {
        Err(Trouble::new(Code::NotFound)
            .with("what", "file of settings")
            .with("name", "config.toml"))
    }

    /// Reads the settings anew, after a change of the file by another program, and has the center
    /// take them over.
    ///
    /// # Errors
    /// What is wrong with them, then the ones from before stay in force; `not-possible` where
    /// changes are only noticed by themselves.
    fn reload(&self) -> Result<(), Trouble> {
        let detail = "changes of the file are taken over when they are noticed";
        Err(Trouble::new(Code::NotPossible).with("detail", detail))
    }
}
