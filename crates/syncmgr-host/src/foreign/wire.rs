//! What stands in answers and reports, as the host uses it: the types are the protocol's, the limits
//! and what belongs to this machine (folders below the home of a person, who is asked) are added
//! here. What does not fit is an error that names it: nothing a handler says is guessed at.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::conflict::Content;
use syncmgr_model::escape::unescape;
use syncmgr_model::event::{Event, NewEvent};
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec};
use syncmgr_model::request::{Choice, Work};
use syncmgr_model::resolution::Feedback;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::conflict::{Conflict, Conflicts, Decision, Resolved};
use syncmgr_protocol::event::Events;
use syncmgr_protocol::form::Form;
use syncmgr_protocol::item::{Discovered, ITEMS_MAX, ItemInfo, Items};
use syncmgr_protocol::life::{Capabilities, HandlerInfo, Initialized};
use syncmgr_protocol::session::{Decided, Start};
use syncmgr_protocol::text::{SHOWN_MAX, harmless};
use syncmgr_protocol::words::Phase;
use syncmgr_protocol::{PathText, VERSIONS, Wrong, item, report, session};
use syncmgr_sdk::SyncRequest;

/// Most bytes of an icon.
const ICON_MAX: usize = 64 * 1024;

/// Reads a value.
///
/// # Errors
/// What does not fit, as text that harms nobody.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| harmless(&error.to_string(), SHOWN_MAX))
}

/// Writes a value.
pub(super) fn write(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("messages have texts as keys and no numbers that are none")
}

fn wrong(wrong: &Wrong) -> String {
    harmless(&wrong.to_string(), SHOWN_MAX)
}

/// Reads the id of an item.
///
/// # Errors
/// It is none.
pub(super) fn item_id(text: &str) -> Result<ItemId, String> {
    ItemId::new(text).map_err(|error| error.to_string())
}

/// What a handler said at its start.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) kind: HandlerType,
    pub(super) type_label: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) icon: Option<Vec<u8>>,
    pub(super) capabilities: HandlerCapabilities,
    pub(super) policies: HandlerPolicies,
    pub(super) offers: Capabilities,
    pub(super) settings: Option<Form>,
}

/// The version a handler chose, which was not offered.
pub(super) struct OtherVersion(pub(super) String);

/// Reads the answer to `initialize`.
///
/// # Errors
/// What does not fit.
pub(super) fn hello(value: Value) -> Result<Result<Hello, OtherVersion>, String> {
    let chosen = value.get("protocol_version").and_then(Value::as_str);
    if let Some(chosen) = chosen.filter(|chosen| !VERSIONS.contains(chosen)) {
        return Ok(Err(OtherVersion(harmless(chosen, SHOWN_MAX))));
    }
    let said: Initialized = read(value)?;
    let (mut capabilities, policies) = (said.capabilities(), said.policies());
    let handler = said.handler;
    let text = |text: String| (!text.is_empty()).then(|| harmless(&text, SHOWN_MAX));
    let icon = handler.icon_svg.filter(|icon| icon.len() <= ICON_MAX);
    capabilities.set(HandlerCapabilities::PROVIDES_ICON, icon.is_some());
    Ok(Ok(Hello {
        id: handler.id,
        name: handler.name,
        version: text(handler.version),
        kind: handler.kind.into(),
        type_label: text(handler.type_label),
        comment: text(handler.comment),
        icon: icon.map(String::into_bytes),
        capabilities,
        policies,
        offers: said.capabilities,
        settings: said.settings,
    }))
}

/// What a handler says of itself now.
#[derive(Debug, Clone, Default)]
pub(super) struct Now {
    pub(super) name: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) is_active: Option<bool>,
    pub(super) is_enabled: Option<bool>,
    pub(super) is_connected: Option<bool>,
    pub(super) last_sync: Option<Timestamp>,
    pub(super) capabilities: Option<HandlerCapabilities>,
    pub(super) policies: Option<HandlerPolicies>,
}

/// Reads the answer to `handler/info`.
///
/// # Errors
/// What does not fit.
pub(super) fn now(value: Value) -> Result<Now, String> {
    let said: HandlerInfo = read(value)?;
    Ok(Now {
        policies: said.policies.map(|words| {
            syncmgr_protocol::flags::bits(&words, syncmgr_protocol::flags::HANDLER_POLICIES)
        }),
        name: Some(said.name),
        comment: said.comment,
        is_active: said.is_active,
        is_enabled: said.is_enabled,
        is_connected: said.is_connected,
        last_sync: said.last_sync_time.map(Timestamp),
        capabilities: said.capabilities.map(|can| can.bits()),
    })
}

/// An item, as its handler describes it.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) id: ItemId,
    pub(super) name: String,
    pub(super) type_label: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) paths: Vec<PathBuf>,
    pub(super) is_enabled: Option<bool>,
    pub(super) is_connected: Option<bool>,
    pub(super) last_sync: Option<Timestamp>,
    pub(super) capabilities: ItemCapabilities,
    pub(super) policies: ItemPolicies,
}

impl TryFrom<ItemInfo> for Described {
    type Error = String;

    fn try_from(said: ItemInfo) -> Result<Self, String> {
        said.check().map_err(|it| wrong(&it))?;
        Ok(Self {
            id: said.item_id().map_err(|it| wrong(&it))?,
            capabilities: said.capabilities(),
            policies: said.policies(),
            paths: said.paths.iter().map(PathText::path).collect(),
            name: said.name,
            type_label: said.type_label,
            comment: said.comment,
            is_enabled: said.is_enabled,
            is_connected: said.is_connected,
            last_sync: said.last_sync_time.map(Timestamp),
        })
    }
}

/// Reads the answer to `items/get`.
///
/// # Errors
/// What does not fit.
pub(super) fn described(value: Value) -> Result<Described, String> {
    read::<ItemInfo>(value)?.try_into()
}

/// Reads the answer to `items/list`.
///
/// # Errors
/// What does not fit.
pub(super) fn items(value: Value) -> Result<Vec<Described>, String> {
    let items = read::<Items>(value)?.items;
    bounded(items.len())?;
    items.into_iter().map(Described::try_from).collect()
}

fn bounded(n: usize) -> Result<(), String> {
    if n > ITEMS_MAX {
        return Err(format!("a list has {n} entries, {ITEMS_MAX} are possible"));
    }
    Ok(())
}

/// Reads the folder that a person set, wherever their home is.
pub(super) fn folder(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(unescape(text)));
    let path = match (path.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        (Ok(_), None) | (Err(_), _) => path,
    };
    path.is_absolute().then_some(path)
}

/// Writes an item; folders are written whole, because a handler does not know whose home `~` is.
pub(super) fn item(item: &Item, specs: &[SettingSpec], home: Option<&Path>) -> item::Item {
    let mut wire = item::Item::of(item, specs);
    wire.name = Some(item.label().to_owned());
    let folders = specs
        .iter()
        .filter(|spec| matches!(spec.kind, SettingKind::Folder));
    for spec in folders {
        let text = item.settings.text(spec.key);
        if let Some(path) = text.and_then(|text| folder(text, home)) {
            let text = item::Value::Text(PathText::of_path(&path).0);
            wire.settings.insert(spec.key.to_owned(), text);
        }
    }
    wire
}

/// Writes what is to be done.
///
/// # Errors
/// The protocol has no words for it.
pub(super) fn start(
    session: &str,
    request: &SyncRequest,
    items: Vec<item::Item>,
) -> Result<Start, Trouble> {
    let not_offered = |what: &str| Trouble::new(Code::NotPossible).with("detail", what);
    let work = match &request.work {
        Work::Sync { is_full, release } => session::Work::Sync {
            is_full: *is_full,
            release: release.clone(),
        },
        Work::Resolve(choices) => {
            let decisions = choices.iter().map(|it| {
                let decision = match it.choice {
                    Choice::KeepNewest => Decision::KeepRecent,
                    Choice::MergeText => Decision::Merge,
                    Choice::Keep(_) | Choice::KeepBoth | Choice::Merged(_) => {
                        return Err(not_offered("the handler cannot decide a conflict so"));
                    }
                };
                let id = it.conflict.clone();
                Ok(Decided { id, decision })
            });
            let decisions = decisions.collect::<Result<_, Trouble>>()?;
            session::Work::Resolve { decisions }
        }
        Work::Undo(_) => return Err(not_offered("this handler cannot take a run back")),
        Work::Restore(_) => return Err(not_offered("this handler keeps no versions")),
    };
    Ok(Start {
        session_id: session.to_owned(),
        items,
        work,
        intent: request.intent.into(),
        may_ask: request.may_ask,
        token: request.token.as_ref().map(|token| token.0.to_string()),
    })
}

/// Returns the part of a run a report is about; without one it is the longest.
pub(super) fn phase(said: &report::Progress) -> syncmgr_model::progress::Phase {
    said.phase.unwrap_or(Phase::Copying).into()
}

/// Reads a result.
///
/// # Errors
/// What does not fit.
pub(super) fn event(said: report::Event) -> Result<NewEvent, String> {
    let item = said.item.as_deref().map(item_id).transpose()?;
    Ok(NewEvent {
        item,
        trouble: said.trouble.to_model().map_err(|it| wrong(&it))?,
        link: said.link.unwrap_or_default().to_model(),
        context: said.context,
    })
}

/// Reads what a session that ended has to say.
///
/// # Errors
/// What does not fit.
pub(super) fn trouble(said: &syncmgr_protocol::trouble::Trouble) -> Result<Trouble, String> {
    said.to_model().map_err(|it| wrong(&it))
}

/// Reads what would be done.
///
/// # Errors
/// What does not fit.
pub(super) fn preview(
    said: &syncmgr_protocol::preview::Preview,
) -> Result<syncmgr_model::preview::Preview, String> {
    said.to_model().map_err(|it| wrong(&it))
}

/// A conflict, as it was listed.
#[derive(Debug, Clone)]
pub(super) struct InConflict {
    pub(super) item: Option<ItemId>,
    pub(super) contents: Vec<Content>,
    pub(super) said: Conflict,
}

/// Reads the answer to `conflicts/list`.
///
/// # Errors
/// What does not fit.
pub(super) fn conflicts(value: Value) -> Result<Vec<InConflict>, String> {
    let all = read::<Conflicts>(value)?.conflicts;
    bounded(all.len())?;
    let each = |said: Conflict| {
        said.check().map_err(|it| wrong(&it))?;
        let item = said.item_id().map_err(|it| wrong(&it))?;
        let mut contents = said.contents();
        for content in &mut contents {
            // A path that hangs on the folder the reader is in names nothing.
            content.path = content.path.take().filter(|path| path.starts_with(b"/"));
        }
        Ok(InConflict {
            item,
            contents,
            said,
        })
    };
    all.into_iter().map(each).collect()
}

/// Reads the answer to `conflicts/resolve`.
///
/// # Errors
/// What does not fit.
pub(super) fn feedback(value: Value) -> Result<Feedback, String> {
    Ok(read::<Resolved>(value)?.feedback.into())
}

/// Reads the answer to `events/list`.
///
/// # Errors
/// What does not fit.
pub(super) fn events(handler: &HandlerId, value: Value) -> Result<Vec<Event>, String> {
    let all = read::<Events>(value)?.events;
    bounded(all.len())?;
    let each = |event: &syncmgr_protocol::event::StoredEvent| event.to_model(handler);
    let all: Result<_, _> = all.iter().map(each).collect();
    all.map_err(|it| wrong(&it))
}

/// Reads the answer to `items/discover`.
///
/// # Errors
/// What does not fit.
pub(super) fn found(
    handler: &HandlerId,
    specs: &[SettingSpec],
    value: Value,
) -> Result<Vec<Found>, String> {
    let all = read::<Discovered>(value)?.found;
    bounded(all.len())?;
    let each = |found: &item::Found| found.to_model(handler, specs);
    let all: Result<_, _> = all.iter().map(each).collect();
    all.map_err(|it| wrong(&it))
}
