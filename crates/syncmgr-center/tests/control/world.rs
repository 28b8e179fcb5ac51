//! A center without a host: handlers are what a test says they are, and all that happens is written
//! as one line each.

use std::collections::BTreeMap;

use syncmgr_center::command::{
    Answer, Change, Command, Control, Effect, Limits, Opening, Operation, OperationId, Remembered,
    Save, Scope, StartOptions, Ticket,
};
use syncmgr_center::state::{HandlerMemory, ItemMemory, ItemView, State, handle};
use syncmgr_model::capability::{
    ControlFlags, HandlerCapabilities, HandlerPolicies, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::event::Event;
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::time::Timestamp;

/// Answer when it is done.
pub(crate) const WAIT: ControlFlags = ControlFlags::WAIT;
/// Answer at once.
pub(crate) const NOWAIT: ControlFlags = ControlFlags::empty();

pub(crate) fn h(id: &str) -> HandlerId {
    HandlerId::new(id).expect("a handler id")
}

pub(crate) fn i(id: &str) -> ItemId {
    ItemId::new(id).expect("an item id")
}

/// Reads `handler/item`.
pub(crate) fn k(text: &str) -> ItemKey {
    let (handler, item) = text.split_once('/').expect("handler/item");
    ItemKey {
        handler: h(handler),
        item: i(item),
    }
}

/// A handler that is set up, with these items, and nothing special about it.
pub(crate) fn handler(id: &str, items: &[&str]) -> HandlerFacts {
    HandlerFacts {
        is_apart: false,
        id: h(id),
        name: Ok(format!("The {id}")),
        info: Ok(HandlerInfoFacts {
            kind: Ok(3),
            type_label: Ok("Things".to_owned()),
            comment: Ok("all is well".to_owned()),
            last_sync: Ok(Timestamp(7)),
            is_active: Ok(true),
            is_enabled: Err(Hresult::NotImplemented),
            is_connected: Ok(true),
        }),
        capabilities: Ok(0),
        policies: Ok(0),
        items: Ok(items.iter().map(|id| item(id)).collect()),
    }
}

pub(crate) fn item(id: &str) -> ItemFacts {
    ItemFacts {
        id: Ok(id.to_owned()),
        name: Ok(format!("Item {id}")),
        info: Ok(ItemInfoFacts {
            type_label: Ok("Thing".to_owned()),
            comment: Ok("12 things".to_owned()),
            last_sync: Ok(Timestamp(8)),
            is_enabled: Err(Hresult::NotImplemented),
            is_connected: Ok(true),
        }),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: Vec::new(),
        saved: None,
    }
}

/// Changes to facts, so that a test says only what matters to it.
pub(crate) trait With: Sized {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl With for HandlerFacts {}
impl With for ItemFacts {}

pub(crate) fn can(facts: HandlerFacts, bits: HandlerCapabilities) -> HandlerFacts {
    facts.with(|f| f.capabilities = Ok(bits.bits()))
}

pub(crate) fn forbids(facts: HandlerFacts, bits: HandlerPolicies) -> HandlerFacts {
    facts.with(|f| f.policies = Ok(bits.bits()))
}

/// A handler with one item `a` that can and forbids this.
pub(crate) fn with_item(id: &str, can: ItemCapabilities, forbids: ItemPolicies) -> HandlerFacts {
    let one = item("a").with(|f| {
        f.capabilities = Ok(can.bits());
        f.policies = Ok(forbids.bits());
    });
    handler(id, &[]).with(|f| f.items = Ok(vec![one]))
}

pub(crate) fn info(facts: &mut HandlerFacts) -> &mut HandlerInfoFacts {
    facts.info.as_mut().expect("info")
}

pub(crate) fn item_info(facts: &mut ItemFacts) -> &mut ItemInfoFacts {
    facts.info.as_mut().expect("info")
}

/// See the module.
pub(crate) struct World {
    pub(crate) state: State,
    /// What handlers say when they are read; one that is not in it cannot be read.
    pub(crate) facts: BTreeMap<HandlerId, HandlerFacts>,
    /// What collections say; one that is not in it does not exist.
    pub(crate) collections: BTreeMap<String, Vec<HandlerId>>,
    /// Readings are answered at once.
    pub(crate) answers: bool,
    /// Readings that are not answered yet.
    pub(crate) unread: Vec<Effect>,
    open: BTreeMap<String, OperationId>,
    /// What the store would remember.
    pub(crate) handlers: BTreeMap<HandlerId, HandlerMemory>,
    pub(crate) items: BTreeMap<ItemKey, ItemMemory>,
    pub(crate) events: Vec<Event>,
    log: Vec<String>,
    next_ticket: u64,
}

const NOW: Timestamp = Timestamp(1_795_000_000_000);

impl World {
    /// A center with these handlers installed and read.
    pub(crate) fn new(facts: impl IntoIterator<Item = HandlerFacts>) -> Self {
        let facts: Vec<_> = facts.into_iter().collect();
        let installed = facts.iter().map(|f| f.id.clone()).collect();
        Self::begin(facts, installed, Remembered::default())
    }

    /// A center that begins with what is remembered.
    pub(crate) fn begin(
        facts: Vec<HandlerFacts>,
        installed: Vec<HandlerId>,
        remembered: Remembered,
    ) -> Self {
        let mut world = Self {
            state: State::default(),
            facts: facts.into_iter().map(|f| (f.id.clone(), f)).collect(),
            collections: BTreeMap::new(),
            answers: true,
            unread: Vec::new(),
            open: BTreeMap::new(),
            handlers: remembered
                .handlers
                .iter()
                .map(|m| (m.id.clone(), m.clone()))
                .collect(),
            items: remembered
                .items
                .iter()
                .map(|m| (m.key.clone(), m.clone()))
                .collect(),
            events: Vec::new(),
            log: Vec::new(),
            next_ticket: 0,
        };
        world.tell(Command::Open(Box::new(Opening {
            remembered,
            installed,
            saved: Vec::new(),
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            keeps_time: false,
            random: 0,
            limits: Limits::default(),
        })));
        world
    }

    /// Starts the center anew with what was written down; these handlers can be read.
    pub(crate) fn restart(&self, facts: Vec<HandlerFacts>, installed: &[&str]) -> Self {
        let remembered = Remembered {
            handlers: self.handlers.values().cloned().collect(),
            items: self.items.values().cloned().collect(),
            ..Remembered::default()
        };
        Self::begin(
            facts,
            installed.iter().map(|id| h(id)).collect(),
            remembered,
        )
    }

    /// Changes what a handler says, without telling the center.
    pub(crate) fn set(&mut self, facts: HandlerFacts) {
        self.facts.insert(facts.id.clone(), facts);
    }

    /// Changes what a handler says and has it read.
    pub(crate) fn reread(&mut self, facts: HandlerFacts) {
        let id = facts.id.clone();
        self.set(facts);
        assert_eq!(
            self.ask(Control::UpdateHandler(id, WAIT))
                .last()
                .expect("an answer"),
            "done"
        );
    }

    /// Tells the center something and returns what came of it.
    pub(crate) fn tell(&mut self, command: Command) -> Vec<String> {
        let mut waiting = vec![command];
        while !waiting.is_empty() {
            let mut next = Vec::new();
            for command in waiting {
                for effect in handle(&mut self.state, command, NOW) {
                    self.note(&effect);
                    next.extend(self.answer(effect));
                }
            }
            waiting = next;
        }
        std::mem::take(&mut self.log)
    }

    /// Asks for something and returns what came of it.
    pub(crate) fn ask(&mut self, control: Control) -> Vec<String> {
        self.next_ticket += 1;
        self.tell(Command::Control(Ticket(self.next_ticket), control))
    }

    /// Asks for a sync of one item, and says whether it runs.
    pub(crate) fn syncs(&mut self, item: &str) -> bool {
        let key = k(item);
        let scope = Scope::Items(key.handler, vec![key.item]);
        let start = Control::Start(scope, Box::default());
        self.ask(start).iter().any(|line| line.starts_with("run "))
    }

    /// The handler that was told last answers.
    pub(crate) fn told(&mut self, what: &str, result: Result<(), Hresult>) -> Vec<String> {
        let id = self.open[what];
        self.tell(Command::Told(id, result))
    }

    /// Something that is shown is done.
    pub(crate) fn shown(&mut self, what: &str, result: Result<bool, Hresult>) -> Vec<String> {
        let id = self.open[what];
        self.tell(Command::Shown(id, result))
    }

    /// Something begins to be shown.
    pub(crate) fn showing(&mut self, what: &str, wizard: Option<&str>) -> Vec<String> {
        let id = self.open[what];
        self.tell(Command::Showing(id, wizard.map(h)))
    }

    /// Answers the readings that wait.
    pub(crate) fn read_all(&mut self) -> Vec<String> {
        self.answers = true;
        let unread = std::mem::take(&mut self.unread);
        let mut log = Vec::new();
        for effect in unread {
            for command in self.answer(effect) {
                log.extend(self.tell(command));
            }
        }
        log
    }

    pub(crate) fn item(&self, item: &str) -> ItemView {
        self.state.item(&k(item), NOW).expect("an item")
    }

    /// The items that are shown, in one line.
    pub(crate) fn shown_items(&self, with_hidden: bool) -> String {
        let keys: Vec<_> = self
            .state
            .shown_items(with_hidden)
            .map(ToString::to_string)
            .collect();
        keys.join(" ")
    }

    pub(crate) fn property(&self, subject: &str, name: &str) -> syncmgr_model::property::Value {
        let (handler, item) = match subject.split_once('/') {
            Some((handler, item)) => (h(handler), Some(i(item))),
            None => (h(subject), None),
        };
        let value = self.state.property(&handler, item.as_ref(), name, NOW);
        value.expect("a subject")
    }

    fn answer(&mut self, effect: Effect) -> Vec<Command> {
        let is_reading = matches!(
            effect,
            Effect::Load(..) | Effect::LoadItem(_) | Effect::LoadCollection(_)
        );
        if is_reading && !self.answers {
            self.unread.push(effect);
            return Vec::new();
        }
        match effect {
            Effect::Load(id, _) => {
                let facts = self.facts.get(&id).cloned().map(Box::new);
                vec![Command::Loaded(id, facts.ok_or(Hresult::InvalidArgument))]
            }
            Effect::LoadItem(key) => {
                let items = self.facts.get(&key.handler).map(|f| f.items.clone());
                let facts = items.unwrap_or(Err(Hresult::Failed)).and_then(|items| {
                    let known = items.into_iter().find(|f| f.id == Ok(key.item.to_string()));
                    known.map(Box::new).ok_or(Hresult::InvalidArgument)
                });
                vec![Command::ItemLoaded(key, facts)]
            }
            Effect::LoadCollection(id) => {
                let handlers = self.collections.get(&id).cloned();
                vec![Command::CollectionLoaded(
                    id,
                    handlers.ok_or(Hresult::InvalidArgument),
                )]
            }
            _ => Vec::new(),
        }
    }

    fn note(&mut self, effect: &Effect) {
        let line = match effect {
            Effect::Save(saves) => return saves.iter().for_each(|save| self.keep(save)),
            Effect::Load(id, _) => format!("load {id}"),
            Effect::LoadItem(key) => format!("load {key}"),
            Effect::LoadCollection(id) => format!("collection {id}"),
            Effect::Run(dispatch) => {
                let items: Vec<_> = dispatch.items.iter().map(|it| it.id.as_str()).collect();
                format!("run {} {}", dispatch.handler, items.join(" "))
            }
            Effect::Tell(id, handler, item, change) => {
                let what = format!("tell {} {}", subject(handler, item.as_ref()), word(*change));
                self.open.insert(what.clone(), *id);
                what
            }
            Effect::Show(id, handler, item, operation) => {
                let what = format!(
                    "show {} {}",
                    subject(handler, item.as_ref()),
                    name(operation)
                );
                self.open.insert(what.clone(), *id);
                what
            }
            Effect::Raise(id) => {
                let what = self.open.iter().find(|(_, open)| *open == id);
                format!("raise: {}", what.expect("it is open").0)
            }
            Effect::Cancel(..) => "cancel".to_owned(),
            Effect::Answer(_, answer) => words(answer),
            _ => return,
        };
        self.log.push(line);
    }

    fn keep(&mut self, save: &Save) {
        match save {
            Save::Handler(memory) => {
                self.handlers.insert(memory.id.clone(), memory.clone());
            }
            Save::HandlerGone(id) => {
                self.handlers.remove(id);
            }
            Save::Memory(memory) => {
                self.items.insert(memory.key.clone(), (**memory).clone());
            }
            Save::ItemGone(key) => {
                self.items.remove(key);
            }
            Save::Event(event) => self.events.push(event.clone()),
            _ => {}
        }
    }
}

/// Starts everything of a scope, as a person does.
pub(crate) fn start(scope: Scope) -> Control {
    Control::Start(scope, Box::<StartOptions>::default())
}

fn subject(handler: &HandlerId, item: Option<&ItemId>) -> String {
    item.map_or_else(|| handler.to_string(), |item| format!("{handler}/{item}"))
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Activate(true) => "activate",
        Change::Activate(false) => "deactivate",
        Change::Enable(true) => "enable",
        Change::Enable(false) => "disable",
        Change::Delete => "delete",
    }
}

fn name(operation: &Operation) -> String {
    match operation {
        Operation::Browse => "browse".to_owned(),
        Operation::ShowSchedule => "schedule".to_owned(),
        Operation::QueryBeforeActivate => "before-activate".to_owned(),
        Operation::QueryBeforeDeactivate => "before-deactivate".to_owned(),
        Operation::QueryBeforeEnable => "before-enable".to_owned(),
        Operation::QueryBeforeDisable => "before-disable".to_owned(),
        Operation::QueryBeforeDelete => "before-delete".to_owned(),
        Operation::EventLink(event) => format!("link-{}", event.id.0),
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Accepted(_) => "accepted".to_owned(),
        Answer::Outcome(outcome) => format!("outcome {}", outcome.status.as_str()),
        Answer::Done => "done".to_owned(),
        Answer::Declined => "declined".to_owned(),
        Answer::Raised => "raised".to_owned(),
        Answer::Follow(reference) => format!("follow {reference}"),
        Answer::Schedule(handler, item) => format!("edit {}", subject(handler, item.as_ref())),
        Answer::Call(_) => "call".to_owned(),
        Answer::Refused(refusal) => format!("refused {}", refusal.code),
    }
}
