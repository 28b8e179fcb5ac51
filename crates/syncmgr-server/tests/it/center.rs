//! A real center with a memory that lasts as long as the process, one handler that does as it is
//! told, and a desk over both.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use syncmgr_center::agenda::Calendar;
use syncmgr_center::center::{Handle, Parts, start};
use syncmgr_center::command::{
    Call, CallId, CallReply, Change, Command, Control, Dispatch, Limits, Operation, OperationId,
    Remembered, Save,
};
use syncmgr_center::desk::{Batch, By, Carried, Case, Decided, Known, Presenter, Resolver};
use syncmgr_center::port::{
    Clock, EventQuery, Handlers, Removed, SessionQuery, Store, StoreError, Unwatched,
};
use syncmgr_model::capability::{ControlFlags, HandlerCapabilities};
use syncmgr_model::conflict::{
    Address, Card, Conflict, ConflictKind, Content, ContentKind, Facts, Kind,
};
use syncmgr_model::event::{Event, EventLevel, Link, NewEvent};
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::{Item, SettingKind, SettingSpec, Settings, Value};
use syncmgr_model::outside::Subject;
use syncmgr_model::progress::{Progress, ProgressStatus};
use syncmgr_model::record::{Contents, Explanation, SessionRecord, Step, Summary, Version};
use syncmgr_model::request::{Choice, Intent, Work};
use syncmgr_model::resolution::{
    Abilities, Decision, Feedback, Pick, PresenterChoice, Proceed, ResolveInfo,
};
use syncmgr_model::schedule::{Schedule, Trigger, Window, Zone};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_server::center::Api;
use syncmgr_server::desk::{
    Chosen, Compared, Desk, Found, ItemEdit, NewItem, Offered, Offers, Places, Runs, Silent,
};
use syncmgr_server::feed::Feed;
use syncmgr_server::hub::Hub;

/// The id of the one handler.
const FILES: &str = "files";

fn files() -> HandlerId {
    HandlerId::new(FILES).unwrap()
}

/// What the store keeps.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    sessions: BTreeMap<SessionId, SessionRecord>,
    events: BTreeMap<EventId, Event>,
}

impl Store for Memory {
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        Ok(Remembered::default())
    }

    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap();
        for change in changes {
            match change {
                Save::Began(record) | Save::Ended(record) => {
                    kept.sessions.insert(record.id.clone(), record.clone());
                }
                Save::Withdrawn(record) => drop(kept.sessions.remove(&record.id)),
                Save::Event(event) => drop(kept.events.insert(event.id, event.clone())),
                Save::EventsGone(ids) => kept.events.retain(|id, _| !ids.contains(id)),
                Save::Item(_)
                | Save::Handler(_)
                | Save::HandlerGone(_)
                | Save::Memory(_)
                | Save::Agenda(..)
                | Save::Alarms(_)
                | Save::ItemGone(_) => {}
            }
        }
        Ok(())
    }

    fn items(&mut self) -> Result<Vec<Item>, StoreError> {
        Ok(Vec::new())
    }

    fn sessions(&mut self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let kept = self.0.lock().unwrap();
        let found = kept.sessions.values().rev().filter(|it| query.fits(it));
        Ok(found.take(limit(query.limit)).cloned().collect())
    }

    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.0.lock().unwrap().sessions.get(id).cloned())
    }

    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let kept = self.0.lock().unwrap();
        let found = kept.events.values().rev().filter(|it| query.fits(it));
        Ok(found.take(limit(query.limit)).cloned().collect())
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.clone()))
    }
}

fn limit(limit: u32) -> usize {
    match limit {
        0 => usize::MAX,
        n => usize::try_from(n).unwrap(),
    }
}

/// A handler that succeeds at once, and reports one result. With the setting `stays`, it works
/// until it is asked to stop.
#[derive(Debug, Clone)]
struct Obedient {
    staying: Arc<Mutex<BTreeMap<SessionId, Vec<ItemId>>>>,
    to: Arc<Mutex<Option<Sender<Command>>>>,
    /// What it keeps itself was removed.
    is_emptied: Arc<Mutex<bool>>,
}

impl Obedient {
    fn end(&self, session: &SessionId, items: &[ItemId], status: ProgressStatus) {
        let to = self.to.lock().unwrap();
        let to = to.as_ref().unwrap();
        for item in items {
            let progress = Box::new(Progress::default());
            drop(to.send(Command::Progress(
                session.clone(),
                item.clone(),
                status,
                progress,
            )));
        }
        drop(to.send(Command::Returned(session.clone(), Ok(()))));
    }
}

impl Handlers for Obedient {
    fn installed(&self) -> Vec<HandlerId> {
        vec![files()]
    }

    fn load(&self, id: &HandlerId, saved: &[Item], to: &Sender<Command>) {
        let no = Hresult::NotImplemented;
        let item = |item: &Item| ItemFacts {
            id: Ok(item.id.to_string()),
            name: Ok(item.label().to_owned()),
            info: Ok(ItemInfoFacts {
                type_label: Err(no),
                comment: Err(no),
                last_sync: Err(no),
                is_enabled: Ok(item.is_enabled),
                is_connected: Ok(true),
            }),
            capabilities: Ok(0),
            policies: Ok(0),
            paths: Vec::new(),
            saved: Some(item.clone()),
        };
        let facts = HandlerFacts {
            is_apart: false,
            id: id.clone(),
            name: Ok("Files".to_owned()),
            info: Ok(HandlerInfoFacts {
                kind: Ok(3),
                type_label: Err(no),
                comment: Ok("Two folders.".to_owned()),
                last_sync: Err(no),
                is_active: Err(no),
                is_enabled: Err(no),
                is_connected: Ok(true),
            }),
            capabilities: Ok(0x10 | HandlerCapabilities::EVENT_STORE.bits()),
            policies: Ok(0),
            items: Ok(saved.iter().map(item).collect()),
        };
        *self.to.lock().unwrap() = Some(to.clone());
        drop(to.send(Command::Loaded(id.clone(), Ok(Box::new(facts)))));
    }

    fn collections(&self) -> Vec<String> {
        Vec::new()
    }

    fn load_item(&self, key: &ItemKey, to: &Sender<Command>) {
        let nothing = Err(Hresult::NotImplemented);
        drop(to.send(Command::ItemLoaded(key.clone(), nothing)));
    }

    fn load_collection(&self, id: &str, to: &Sender<Command>) {
        drop(to.send(Command::CollectionLoaded(id.to_owned(), Ok(Vec::new()))));
    }

    fn run(&self, dispatch: Dispatch, to: &Sender<Command>) {
        *self.to.lock().unwrap() = Some(to.clone());
        let session = dispatch.session.clone();
        let call = |call| drop(to.send(Command::Call(CallId(0), session.clone(), call)));
        let ids: Vec<_> = dispatch.items.iter().map(|item| item.id.clone()).collect();
        call(Call::Create(dispatch.handler.clone(), ids.clone()));
        if dispatch
            .items
            .iter()
            .any(|item| item.settings.text("stays").is_some())
        {
            self.staying.lock().unwrap().insert(session, ids);
            return;
        }
        for id in &ids {
            if dispatch.intent == Intent::Preview {
                call(Call::Preview(id.clone(), Box::default()));
            } else {
                let code = match dispatch.work {
                    Work::Sync { .. } => Code::Unsyncable,
                    Work::Resolve(_) | Work::Undo(_) | Work::Restore(_) => Code::ChangedSince,
                };
                let trouble = Trouble::new(code)
                    .at_level(EventLevel::Warning)
                    .with("n", 1);
                call(Call::Event(Box::new(NewEvent {
                    item: Some(id.clone()),
                    trouble,
                    link: Link::default(),
                    context: None,
                })));
                let summary = Summary {
                    n_conflicts: 1,
                    ..Summary::default()
                };
                call(Call::Summary(id.clone(), summary));
            }
        }
        self.end(&session, &ids, ProgressStatus::Succeeded);
    }

    fn cancel(&self, session: &SessionId, _item: Option<&ItemId>) {
        let staying = self.staying.lock().unwrap().remove(session);
        if let Some(items) = staying {
            self.end(session, &items, ProgressStatus::Canceled);
        }
    }

    fn abandon(&self, _session: &SessionId) {}

    fn tell(
        &self,
        id: OperationId,
        _handler: &HandlerId,
        _item: Option<&ItemId>,
        _change: Change,
        to: &Sender<Command>,
    ) {
        drop(to.send(Command::Told(id, Ok(()))));
    }

    fn show(
        &self,
        id: OperationId,
        _handler: &HandlerId,
        _item: Option<&ItemId>,
        _operation: Operation,
        to: &Sender<Command>,
    ) {
        drop(to.send(Command::Shown(id, Err(Hresult::NotImplemented))));
    }

    fn raise(&self, _id: OperationId) {}

    fn load_events(&self, handler: &HandlerId, stores: &[Option<ItemId>], to: &Sender<Command>) {
        let own = Event {
            id: EventId(7).of_store().unwrap(),
            handler: handler.clone(),
            session: None,
            item: None,
            at: Timestamp(0),
            trouble: Trouble::new(Code::HandlerSays)
                .with("name", "Battery")
                .with("description", "It is low.")
                .at_level(EventLevel::Error),
            link: Link::default(),
            context: None,
        };
        let kept = if *self.is_emptied.lock().unwrap() {
            Vec::new()
        } else {
            vec![own]
        };
        let read = stores.iter().map(|store| (store.clone(), Ok(kept.clone())));
        drop(to.send(Command::EventsLoaded(handler.clone(), read.collect())));
    }

    fn count_conflicts(
        &self,
        handler: &HandlerId,
        _items: Vec<Item>,
        _scope: Vec<Option<ItemId>>,
        to: &Sender<Command>,
    ) {
        drop(to.send(Command::ConflictsCounted(handler.clone(), Vec::new())));
    }

    fn remove_conflicts(&self, id: OperationId, _which: Removed, to: &Sender<Command>) {
        drop(to.send(Command::ConflictsRemoved(id, Ok(()))));
    }

    fn remove_events(&self, _handler: &HandlerId, _events: &[EventId]) {
        *self.is_emptied.lock().unwrap() = true;
    }

    fn reply(&self, _call: CallId, _answer: Result<CallReply, Hresult>) {}
}

/// It is always noon, and every timed rule comes an hour later.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_176_000_000)
    }
    fn elapsed_ms(&self) -> u64 {
        0
    }
}

impl Calendar for Noon {
    fn next(
        &self,
        trigger: &Trigger,
        _zone: &Zone,
        after: Timestamp,
        _anchor: Timestamp,
    ) -> Option<Timestamp> {
        trigger
            .is_timed()
            .then_some(Timestamp(after.0.saturating_add(3_600_000)))
    }

    fn next_open(&self, _: &[Window], _: &Zone, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }
}

fn of_file(item: &Item, conflict: Conflict) -> Found {
    let content = |name: &str| Content {
        display_name: name.to_owned(),
        original_name: None,
        alternate_name: None,
        short_location: name.to_owned(),
        full_location: name.to_owned(),
        kind: ContentKind::Updated,
        size: Some(1),
        modified: None,
        path: None,
    };
    Found {
        card: Card {
            address: Address {
                handler: files(),
                item: Some(item.id.clone()),
                id: conflict.id.clone().into_bytes(),
            },
            extra: None,
            kind: conflict.kind.as_str().to_owned(),
            name: syncmgr_model::escape::escape(&conflict.path),
            description: "both changed".to_owned(),
            found_at: conflict.since,
        },
        contents: vec![content("left"), content("right")],
        abilities: Abilities::all(),
        file: Some(conflict),
        state: String::new(),
    }
}

/// A conflict that is about no file, and of no item.
fn of_handler() -> Found {
    Found {
        card: Card {
            address: Address {
                handler: files(),
                item: None,
                id: b"a card".to_vec(),
            },
            extra: None,
            kind: "contact".to_owned(),
            name: "Ada".to_owned(),
            description: "two numbers".to_owned(),
            found_at: None,
        },
        contents: Vec::new(),
        abilities: Abilities::REMOVE_FROM_SYNC_SET,
        file: None,
        state: String::new(),
    }
}

/// Shows what was chosen beforehand.
struct Shows<'a>(&'a [(Address, Option<Pick>)]);

impl Presenter for Shows<'_> {
    fn present(&mut self, index: usize, _: By, info: &mut ResolveInfo) -> Result<(), Trouble> {
        match &self.0[index].1 {
            Some(pick) => {
                info.set_choice(pick.choice.clone(), pick.applies_to_all);
                info.set_item_choices(&pick.items);
            }
            None => info.set_choice(PresenterChoice::Skip, false),
        }
        Ok(())
    }

    fn failed(&mut self, _: usize, _: &Trouble) -> Proceed {
        Proceed::Skip
    }
}

/// Carries out: in runs what is about files, and at once what is not.
struct Hands<'a, 'b> {
    picks: &'a [(Address, Option<Pick>)],
    is_preview: bool,
    runs: &'a mut Runs<'b>,
}

impl Resolver for Hands<'_, '_> {
    fn look(&mut self, index: usize) -> Result<Known, Trouble> {
        let is_file = self.picks[index].0.item.is_some();
        Ok(Known {
            abilities: Abilities::all(),
            n_contents: if is_file { 2 } else { 0 },
            has_own: false,
        })
    }

    fn carry_out(&mut self, index: usize, decision: &Decision) -> Result<Carried, Trouble> {
        if self.picks[index].0.item.is_some() {
            return Ok(Carried::Later(Choice::KeepNewest, "s".to_owned()));
        }
        assert!(!self.is_preview, "{decision:?}");
        Ok(Carried::Now(Feedback::Continue))
    }

    fn carry_out_all(&mut self, batch: &Batch) -> Result<(), Trouble> {
        (self.runs)(batch)
    }
}

/// Keeps what people set, in memory.
struct Table {
    center: Handle,
    saved: Mutex<Vec<Item>>,
    schedules: Mutex<BTreeMap<String, Schedule>>,
    settings: Mutex<Settings>,
    secret: Mutex<Option<String>>,
}

const SPECS: [SettingSpec; 4] = [
    SettingSpec {
        key: "left",
        kind: SettingKind::Folder,
        is_required: true,
        help: "One folder",
    },
    SettingSpec {
        key: "right",
        kind: SettingKind::Folder,
        is_required: true,
        help: "The other folder",
    },
    SettingSpec {
        key: "stays",
        kind: SettingKind::Text,
        is_required: false,
        help: "Works until it is stopped",
    },
    SettingSpec {
        key: "password",
        kind: SettingKind::Secret,
        is_required: false,
        help: "The password",
    },
];

fn apply(settings: &mut Settings, changes: BTreeMap<String, Option<Value>>) {
    for (key, value) in changes {
        match value {
            Some(value) => settings.set(&key, value),
            None => drop(settings.0.remove(&key)),
        }
    }
}

fn next_of(schedule: &Schedule, now: Timestamp, n_most: usize) -> Vec<Timestamp> {
    let Some(trigger) = schedule.triggers.first() else {
        return Vec::new();
    };
    let next = |at: &Timestamp| Noon.next(trigger, &schedule.zone, *at, now);
    std::iter::successors(next(&now), next)
        .take(n_most)
        .collect()
}

fn not_found(what: &str, name: &str) -> Trouble {
    Trouble::new(Code::NotFound)
        .with("what", what)
        .with("name", name)
}

fn check(settings: &Settings) -> Result<(), Trouble> {
    let bad = |key: &str, detail: &str| {
        let trouble = Trouble::new(Code::SettingUnusable).with("key", key);
        trouble.with("value", "").with("detail", detail)
    };
    for key in ["left", "right"] {
        settings
            .text(key)
            .ok_or_else(|| bad(key, "it is missing"))?;
    }
    for key in settings.0.keys() {
        if SPECS.iter().all(|spec| spec.key != key) {
            return Err(bad(
                &syncmgr_model::escape::escape(key.as_bytes()),
                "unknown",
            ));
        }
    }
    Ok(())
}

impl Table {
    fn configure(&self, items: Vec<Item>) {
        *self.saved.lock().unwrap() = items.clone();
        drop(self.center.control(Control::Configure(items)));
        let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
        drop(self.center.control(Control::UpdateHandler(files(), flags)));
    }
}

fn conflicts_of() -> Vec<Conflict> {
    let present = |size| Facts::Present {
        kind: Kind::File,
        size,
        modified: Timestamp(0),
    };
    vec![Conflict {
        id: "c1".to_owned(),
        path: b"<img src=x onerror=alert(1)>\x1b[31m\xff".to_vec(),
        kind: ConflictKind::BothChanged,
        sides: PerSide {
            left: present(1),
            right: present(2),
        },
        n_within: 0,
        since: Some(Timestamp(0)),
    }]
}

/// Something that was found.
fn offered(name: &str, can_be_added: bool) -> Offered {
    let mut settings = Settings::default();
    settings.set("left", Value::Text("/a".to_owned()));
    settings.set("right", Value::Text("/b".to_owned()));
    Offered {
        found: syncmgr_model::item::Found {
            handler: files(),
            name: name.to_owned(),
            settings,
            summary: "/a <-> /b".to_owned(),
            origin: "crontab, line 3".to_owned(),
            schedule: Some("daily 18:00".to_owned()),
            remarks: vec!["Runs from cron already.".to_owned()],
        },
        when: Some("Runs every day at 18:00".to_owned()),
        can_be_added,
        is_usual: can_be_added,
    }
}

impl Desk for Table {
    fn subject(&self, subject: &Subject) -> Result<Item, Trouble> {
        Ok(Item {
            id: ItemId::new(&subject.item)
                .map_err(|bad| Trouble::new(Code::NotPossible).with("detail", bad))?,
            handler: files(),
            name: None,
            settings: Settings::default(),
            is_enabled: true,
        })
    }

    fn secrets_of(&self, _: &Item) -> Result<Vec<String>, Trouble> {
        let is_set = self.secret.lock().unwrap().is_some();
        Ok(is_set.then(|| "password".to_owned()).into_iter().collect())
    }

    fn set_secret(&self, _: &Item, _: &str, value: &str) -> Result<(), Trouble> {
        *self.secret.lock().unwrap() = Some(value.to_owned());
        Ok(())
    }

    fn remove_secret(&self, _: &Item, _: &str) -> Result<bool, Trouble> {
        Ok(self.secret.lock().unwrap().take().is_some())
    }

    fn folders(&self, item: &Item) -> PerSide<String> {
        let text = |key| item.settings.text(key).unwrap_or_default().to_owned();
        PerSide {
            left: text("left"),
            right: text("right"),
        }
    }

    fn settings_of(&self, _handler: &HandlerId) -> Vec<SettingSpec> {
        SPECS.to_vec()
    }

    fn offers(&self) -> Result<Offers, Trouble> {
        Ok(Offers {
            offers: vec![offered("found", true), offered("line", false)],
            silent: vec![("crontab".to_owned(), Trouble::new(Code::ToolFailed))],
        })
    }

    fn import(&self, names: &[String], _with_schedules: bool) -> Result<Vec<Item>, Trouble> {
        let offers = self.offers()?.offers;
        let one = |name: &String| {
            let found = offers
                .iter()
                .find(|it| it.found.name == *name && it.can_be_added);
            let found = found.ok_or_else(|| not_found("sync to add", name))?;
            self.add(NewItem {
                handler: files(),
                name: name.clone(),
                settings: found.found.settings.clone(),
            })
        };
        names.iter().map(one).collect()
    }

    fn find_conflicts(&self, places: &Places) -> (Vec<Found>, Vec<Silent>) {
        let mut found = Vec::new();
        for item in places.values().flatten() {
            let list = conflicts_of();
            found.extend(list.into_iter().map(|conflict| of_file(item, conflict)));
        }
        found.push(of_handler());
        (found, Vec::new())
    }

    fn can_undo(&self, handler: &HandlerId) -> bool {
        *handler == files()
    }

    fn find_conflict(&self, places: &Places, address: &Address) -> Result<Found, Trouble> {
        let (found, _) = self.find_conflicts(places);
        let mut found = found.into_iter();
        let one = found.find(|it| it.card.address == *address);
        one.ok_or_else(|| not_found("conflict", "c"))
    }

    fn decide(
        &self,
        places: &Places,
        chosen: &[Chosen],
        is_preview: bool,
        runs: &mut Runs<'_>,
    ) -> Result<Vec<Decided>, Trouble> {
        let cases = chosen.iter().map(|it| {
            let found = self.find_conflict(places, &it.address)?;
            Ok(Case {
                address: it.address.clone(),
                kind: found.card.kind,
            })
        });
        let cases = cases.collect::<Result<_, Trouble>>()?;
        let picks: Vec<_> = chosen
            .iter()
            .map(|it| (it.address.clone(), it.pick.clone()))
            .collect();
        let picks = picks.as_slice();
        let mut hands = Hands {
            picks,
            is_preview,
            runs,
        };
        let mut shows = Shows(picks);
        Ok(syncmgr_center::desk::resolve(cases, &mut shows, &mut hands))
    }

    fn compare(&self, _: &Places, address: &Address, _: usize) -> Result<Compared, Trouble> {
        if address.id != b"c1" {
            let id = syncmgr_model::escape::escape(&address.id);
            return Err(not_found("conflict", &id));
        }
        Ok(Compared {
            contents: Contents {
                base: None,
                left: Some(b"a".to_vec()),
                right: Some(vec![0xff]),
            },
            by_index: vec![Some(b"a".to_vec()), Some(vec![0xff])],
        })
    }

    fn versions(&self, _item: &Item, _path: &[u8]) -> Result<Vec<Version>, Trouble> {
        Ok(vec![Version {
            run: SessionId::new("20261120-120000000-0000").unwrap(),
            replaced_at: Timestamp(0),
            side: Side::Left,
            path: b"a.txt".to_vec(),
            kind: Kind::File,
            size: 3,
            modified: Timestamp(0),
            was_deleted: false,
            kept_at: b"/kept/a.txt".to_vec(),
        }])
    }

    fn version_contents(&self, _: &Item, _: &Version, _: usize) -> Result<Contents, Trouble> {
        Ok(Contents {
            base: Some(b"old".to_vec()),
            ..Contents::default()
        })
    }

    fn steps(&self, _item: &Item, run: &SessionId) -> Result<Vec<Step>, Trouble> {
        Err(not_found("run", run.as_str()))
    }

    fn why(&self, _item: &Item, _path: &[u8]) -> Result<Explanation, Trouble> {
        Ok(Explanation::InSync)
    }

    fn add(&self, new: NewItem) -> Result<Item, Trouble> {
        check(&new.settings)?;
        if new.handler != files() {
            return Err(Trouble::new(Code::HandlerUnknown).with("handler", &new.handler));
        }
        let mut items = self.saved.lock().unwrap().clone();
        if items
            .iter()
            .any(|item| item.name.as_ref() == Some(&new.name))
        {
            return Err(Trouble::new(Code::NotPossible).with("detail", "the name is taken"));
        }
        let hash = new
            .name
            .bytes()
            .fold(7u64, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
        let item = Item {
            id: ItemId::new(format!("i{hash:x}")).unwrap(),
            handler: new.handler,
            name: Some(new.name),
            settings: new.settings,
            is_enabled: true,
        };
        items.push(item.clone());
        self.configure(items);
        Ok(item)
    }

    fn edit(&self, id: &ItemId, edit: ItemEdit) -> Result<Item, Trouble> {
        let mut items = self.saved.lock().unwrap().clone();
        let item = items.iter_mut().find(|item| item.id == *id);
        let item = item.ok_or_else(|| not_found("sync", id.as_str()))?;
        apply(&mut item.settings, edit.settings);
        check(&item.settings)?;
        item.name = edit.name.or(item.name.take());
        item.is_enabled = edit.is_enabled.unwrap_or(item.is_enabled);
        let changed = item.clone();
        self.configure(items);
        Ok(changed)
    }

    fn remove(&self, id: &ItemId) -> Result<(), Trouble> {
        let mut items = self.saved.lock().unwrap().clone();
        items.retain(|item| item.id != *id);
        self.configure(items);
        Ok(())
    }

    fn schedules(&self) -> Result<Vec<Schedule>, Trouble> {
        Ok(self.schedules.lock().unwrap().values().cloned().collect())
    }

    fn put_schedule(&self, schedule: Schedule) -> Result<(), Trouble> {
        let mut schedules = self.schedules.lock().unwrap();
        schedules.insert(schedule.name.clone(), schedule);
        Ok(())
    }

    fn remove_schedule(&self, name: &str) -> Result<bool, Trouble> {
        Ok(self.schedules.lock().unwrap().remove(name).is_some())
    }

    fn next_runs(
        &self,
        name: &str,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        let schedules = self.schedules.lock().unwrap();
        let shown = syncmgr_model::escape::escape(name.as_bytes());
        let schedule = schedules
            .get(name)
            .ok_or_else(|| not_found("schedule", &shown))?;
        Ok(next_of(schedule, now, n_most))
    }

    fn check_schedule(
        &self,
        schedule: &Schedule,
        now: Timestamp,
        n_most: usize,
    ) -> Result<Vec<Timestamp>, Trouble> {
        if schedule.triggers.is_empty() {
            return Err(Trouble::new(Code::SettingUnusable)
                .with("key", "triggers")
                .with("detail", "there is none"));
        }
        Ok(next_of(schedule, now, n_most))
    }

    fn planned(
        &self,
        after: Timestamp,
        until: Timestamp,
        n_most: usize,
    ) -> Result<Vec<(Timestamp, Arc<Schedule>)>, Trouble> {
        let mut all = Vec::new();
        for schedule in self.schedules()? {
            let times = self.next_runs(&schedule.name, after, n_most)?;
            let times = times.into_iter().take_while(|at| *at <= until);
            let schedule = Arc::new(schedule);
            all.extend(times.map(|at| (at, Arc::clone(&schedule))));
        }
        all.sort_by_key(|(at, _)| *at);
        all.truncate(n_most);
        Ok(all)
    }

    fn settings(&self) -> Result<Settings, Trouble> {
        Ok(self.settings.lock().unwrap().clone())
    }

    fn change_settings(
        &self,
        changes: BTreeMap<String, Option<Value>>,
    ) -> Result<Settings, Trouble> {
        let mut settings = self.settings.lock().unwrap();
        apply(&mut settings, changes);
        Ok(settings.clone())
    }
}

/// Starts the center and the desk.
pub(crate) fn center(hub: Arc<Hub>) -> Api {
    let handle = start(Parts {
        store: Box::new(Memory::default()),
        handlers: Box::new(Obedient {
            staying: Arc::default(),
            to: Arc::default(),
            is_emptied: Arc::default(),
        }),
        clock: Arc::new(Noon),
        notifier: Box::new(Feed(Arc::clone(&hub))),
        saved: Vec::new(),
        random: 0,
        limits: Limits::default(),
        calendar: Arc::new(Noon),
        watches: Box::new(Unwatched),
        schedules: Vec::new(),
        policies: BTreeMap::new(),
        keeps_time: false,
    })
    .unwrap();
    let flags = ControlFlags::WAIT | ControlFlags::NO_UI;
    drop(handle.control(Control::Activate(true, files(), flags)));
    let desk = Table {
        center: handle.clone(),
        saved: Mutex::default(),
        schedules: Mutex::default(),
        settings: Mutex::default(),
        secret: Mutex::default(),
    };
    Api {
        center: handle,
        desk: Arc::new(desk),
        previews: Arc::default(),
        hub,
    }
}
