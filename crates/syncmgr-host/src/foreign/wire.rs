//! What stands in messages, turned into the words of the model and back. What does not fit is an
//! error that names it: nothing a handler says is guessed at.

use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::conflict::{Content, ContentKind};
use syncmgr_model::escape::{escape, unescape};
use syncmgr_model::event::{Event, EventLevel, Link};
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::{Found, Item, SettingKind, SettingSpec, Settings, Value as Setting};
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_model::record::{Summary, Tally};
use syncmgr_model::request::{Choice, Intent, Work};
use syncmgr_model::resolution::{Abilities, Decision, Feedback, Substitute};
use syncmgr_model::side::{PerSide, Side};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, PATHS_MAX, Trouble};
use syncmgr_sdk::SyncRequest;

/// Most items, conflicts, results or finds of one handler: a list longer than this is not read by
/// anybody, and 1 MiB holds no more than a few of these.
const LIST_MAX: usize = 20_000;

/// Most characters of a name or title of a handler.
const NAME_MAX: usize = 259;

/// Most characters of a description.
const TEXT_MAX: usize = 4096;

/// Most bytes of an icon.
const ICON_MAX: usize = 64 * 1024;

/// Reads parameters or a result as one of the types below.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| escape(error.to_string().as_bytes()))
}

/// Makes a text of a handler harmless and short.
fn shown(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    escape(cut.as_bytes())
}

fn id(text: &str) -> Result<ItemId, String> {
    ItemId::new(text).map_err(|error| error.to_string())
}

fn flags<T>(words: &[String], all: &[(&str, T)], mut add: impl FnMut(&T)) {
    for word in words {
        // One that a later version knows is passed over.
        if let Some((_, flag)) = all.iter().find(|(known, _)| known == word) {
            add(flag);
        }
    }
}

/// What a handler can do beside what the model has bits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offers {
    pub(super) has_preview: bool,
    pub(super) has_discover: bool,
    pub(super) has_validate: bool,
    pub(super) has_activate: bool,
    pub(super) has_enable: bool,
    pub(super) has_delete: bool,
    pub(super) is_legacy: bool,
    pub(super) is_concurrent: bool,
    pub(super) has_events: bool,
    /// What can be done about conflicts; `None` when it keeps none.
    pub(super) conflicts: Option<Offered>,
}

/// What can be done about conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) abilities: Abilities,
    pub(super) can_remove: bool,
}

/// What a handler says of itself at its start.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) kind: Option<HandlerType>,
    pub(super) type_label: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) icon: Option<Vec<u8>>,
    pub(super) capabilities: HandlerCapabilities,
    pub(super) policies: HandlerPolicies,
    pub(super) offers: Offers,
    pub(super) operations: Vec<String>,
    pub(super) settings: Option<Value>,
}

#[derive(Deserialize)]
struct WireHello {
    protocol_version: String,
    handler: WireHandler,
    #[serde(default)]
    capabilities: Map<String, Value>,
    #[serde(default)]
    policies: Vec<String>,
    settings: Option<Value>,
}

#[derive(Deserialize)]
struct WireHandler {
    id: String,
    name: String,
    version: Option<String>,
    r#type: Option<String>,
    type_label: Option<String>,
    comment: Option<String>,
    icon_svg: Option<String>,
}

/// Which versions of the protocol a handler speaks instead of ours.
pub(super) struct OtherVersion(pub(super) String);

/// Reads the answer to `initialize`.
pub(super) fn hello(value: Value) -> Result<Result<Hello, OtherVersion>, String> {
    let WireHello {
        protocol_version,
        handler,
        capabilities,
        policies,
        settings,
    } = read(value)?;
    if protocol_version != "1" {
        return Ok(Err(OtherVersion(shown(&protocol_version, NAME_MAX))));
    }
    let (bits, offers, operations) = read_capabilities(&capabilities);
    let icon = handler.icon_svg.filter(|icon| icon.len() <= ICON_MAX);
    let mut bits = bits;
    bits.set(HandlerCapabilities::PROVIDES_ICON, icon.is_some());
    Ok(Ok(Hello {
        id: handler.id,
        name: handler.name,
        version: handler.version.map(|text| shown(&text, NAME_MAX)),
        kind: handler.r#type.map(|word| {
            let mut all = HandlerType::ALL.into_iter();
            all.find(|kind| kind.as_str() == word).unwrap_or_default()
        }),
        type_label: handler.type_label,
        comment: handler.comment,
        icon: icon.map(String::into_bytes),
        capabilities: bits,
        policies: read_policies(&policies),
        offers,
        operations,
        settings,
    }))
}

fn read_capabilities(wire: &Map<String, Value>) -> (HandlerCapabilities, Offers, Vec<String>) {
    let has = |name: &str| wire.get(name).and_then(Value::as_bool) == Some(true);
    let conflicts = wire.get("conflicts").and_then(Value::as_object);
    let operations: Vec<String> = wire
        .get("operations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect();
    let offers = Offers {
        has_preview: has("preview"),
        has_discover: has("discover"),
        has_validate: has("validate"),
        has_activate: has("activate"),
        has_enable: has("enable"),
        has_delete: has("delete"),
        is_legacy: has("legacy"),
        is_concurrent: has("concurrent_sessions"),
        has_events: has("events"),
        conflicts: conflicts.map(|can| {
            let can = |name: &str| can.get(name).and_then(Value::as_bool) == Some(true);
            let mut abilities = Abilities::KEEP_SINGLE;
            abilities.set(Abilities::KEEP_RECENT, can("keep_recent"));
            abilities.set(Abilities::KEEP_MULTIPLE, can("keep_multiple"));
            abilities.set(Abilities::KEEP_OTHER, can("keep_other"));
            abilities.set(Abilities::REMOVE_FROM_SYNC_SET, can("remove_from_sync_set"));
            Offered {
                abilities,
                can_remove: can("remove"),
            }
        }),
    };
    let mut bits = HandlerCapabilities::empty();
    bits.set(HandlerCapabilities::EVENT_STORE, offers.has_events);
    bits.set(
        HandlerCapabilities::CONFLICT_STORE,
        offers.conflicts.is_some(),
    );
    bits.set(
        HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS,
        offers.is_concurrent,
    );
    let known = [
        ("browse", HandlerCapabilities::CAN_BROWSE_CONTENT),
        ("show-schedule", HandlerCapabilities::CAN_SHOW_SCHEDULE),
        (
            "query-before-activate",
            HandlerCapabilities::QUERY_BEFORE_ACTIVATE,
        ),
        (
            "query-before-deactivate",
            HandlerCapabilities::QUERY_BEFORE_DEACTIVATE,
        ),
        (
            "query-before-enable",
            HandlerCapabilities::QUERY_BEFORE_ENABLE,
        ),
        (
            "query-before-disable",
            HandlerCapabilities::QUERY_BEFORE_DISABLE,
        ),
    ];
    flags(&operations, &known, |flag| bits |= *flag);
    (bits, offers, operations)
}

fn read_policies(words: &[String]) -> HandlerPolicies {
    let mut bits = HandlerPolicies::empty();
    let known = [
        ("prevent-activate", HandlerPolicies::PREVENT_ACTIVATE),
        ("prevent-deactivate", HandlerPolicies::PREVENT_DEACTIVATE),
        ("prevent-enable", HandlerPolicies::PREVENT_ENABLE),
        ("prevent-disable", HandlerPolicies::PREVENT_DISABLE),
        ("prevent-start-sync", HandlerPolicies::PREVENT_START_SYNC),
        ("prevent-stop-sync", HandlerPolicies::PREVENT_STOP_SYNC),
        ("disable-enable", HandlerPolicies::DISABLE_ENABLE),
        ("disable-disable", HandlerPolicies::DISABLE_DISABLE),
        ("disable-start-sync", HandlerPolicies::DISABLE_START_SYNC),
        ("disable-stop-sync", HandlerPolicies::DISABLE_STOP_SYNC),
        ("disable-browse", HandlerPolicies::DISABLE_BROWSE),
        ("disable-schedule", HandlerPolicies::DISABLE_SCHEDULE),
        ("hidden-by-default", HandlerPolicies::HIDDEN_BY_DEFAULT),
    ];
    flags(words, &known, |flag| bits |= *flag);
    bits
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
pub(super) fn now(value: Value) -> Result<Now, String> {
    #[derive(Deserialize)]
    struct Wire {
        name: Option<String>,
        comment: Option<String>,
        is_active: Option<bool>,
        is_enabled: Option<bool>,
        is_connected: Option<bool>,
        last_sync_time: Option<i64>,
        capabilities: Option<Map<String, Value>>,
        policies: Option<Vec<String>>,
    }
    let wire: Wire = read(value)?;
    Ok(Now {
        name: wire.name,
        comment: wire.comment,
        is_active: wire.is_active,
        is_enabled: wire.is_enabled,
        is_connected: wire.is_connected,
        last_sync: wire.last_sync_time.map(Timestamp),
        capabilities: wire.capabilities.map(|it| read_capabilities(&it).0),
        policies: wire.policies.map(|it| read_policies(&it)),
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

#[derive(Deserialize)]
struct WireItem {
    id: String,
    name: String,
    type_label: Option<String>,
    comment: Option<String>,
    #[serde(default)]
    paths: Vec<String>,
    is_enabled: Option<bool>,
    is_connected: Option<bool>,
    last_sync_time: Option<i64>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    policies: Vec<String>,
}

impl TryFrom<WireItem> for Described {
    type Error = String;

    fn try_from(wire: WireItem) -> Result<Self, String> {
        let mut capabilities = ItemCapabilities::empty();
        let known = [
            ("can-delete", ItemCapabilities::CAN_DELETE),
            ("can-browse", ItemCapabilities::CAN_BROWSE_CONTENT),
            ("conflicts", ItemCapabilities::CONFLICT_STORE),
            ("events", ItemCapabilities::EVENT_STORE),
            ("query-before-enable", ItemCapabilities::QUERY_BEFORE_ENABLE),
            (
                "query-before-disable",
                ItemCapabilities::QUERY_BEFORE_DISABLE,
            ),
            ("query-before-delete", ItemCapabilities::QUERY_BEFORE_DELETE),
        ];
        flags(&wire.capabilities, &known, |flag| capabilities |= *flag);
        let mut policies = ItemPolicies::empty();
        let known = [
            ("prevent-enable", ItemPolicies::PREVENT_ENABLE),
            ("prevent-disable", ItemPolicies::PREVENT_DISABLE),
            ("prevent-start-sync", ItemPolicies::PREVENT_START_SYNC),
            ("prevent-stop-sync", ItemPolicies::PREVENT_STOP_SYNC),
            ("disable-enable", ItemPolicies::DISABLE_ENABLE),
            ("disable-disable", ItemPolicies::DISABLE_DISABLE),
            ("disable-start-sync", ItemPolicies::DISABLE_START_SYNC),
            ("disable-stop-sync", ItemPolicies::DISABLE_STOP_SYNC),
            ("disable-browse", ItemPolicies::DISABLE_BROWSE),
            ("disable-delete", ItemPolicies::DISABLE_DELETE),
            ("hidden-by-default", ItemPolicies::HIDDEN_BY_DEFAULT),
        ];
        flags(&wire.policies, &known, |flag| policies |= *flag);
        let paths = wire.paths.iter().map(|text| path(text));
        Ok(Self {
            id: id(&wire.id)?,
            name: wire.name,
            type_label: wire.type_label,
            comment: wire.comment,
            paths: paths.collect::<Result<_, _>>()?,
            is_enabled: wire.is_enabled,
            is_connected: wire.is_connected,
            last_sync: wire.last_sync_time.map(Timestamp),
            capabilities,
            policies,
        })
    }
}

/// Reads one item.
pub(super) fn described(value: Value) -> Result<Described, String> {
    read::<WireItem>(value)?.try_into()
}

/// Reads the answer to `items/list`.
pub(super) fn items(value: Value) -> Result<Vec<Described>, String> {
    #[derive(Deserialize)]
    struct Wire {
        items: Vec<WireItem>,
    }
    let items = read::<Wire>(value)?.items;
    bounded(items.len())?;
    items.into_iter().map(Described::try_from).collect()
}

fn bounded(n: usize) -> Result<(), String> {
    if n > LIST_MAX {
        return Err(format!("a list has {n} entries, {LIST_MAX} are possible"));
    }
    Ok(())
}

/// Reads an absolute path.
fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(std::ffi::OsString::from_vec(unescape(text)));
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!(
            "the path `{}` is not absolute",
            shown(text, NAME_MAX)
        ))
    }
}

/// Writes a path.
pub(super) fn path_text(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}

/// Returns the folder that a setting names, absolute.
pub(super) fn folder(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let path = PathBuf::from(std::ffi::OsString::from_vec(unescape(text)));
    let path = match (path.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        (Ok(_), None) | (Err(_), _) => path,
    };
    path.is_absolute().then_some(path)
}

/// Writes an item as the handler gets it: folders are whole paths.
pub(super) fn item(item: &Item, specs: &[SettingSpec], home: Option<&Path>) -> Value {
    let is_folder = |key: &str| {
        let spec = specs.iter().find(|spec| spec.key == key);
        spec.is_some_and(|spec| matches!(spec.kind, SettingKind::Folder))
    };
    let settings = item.settings.0.iter().map(|(key, value)| {
        let value = match value {
            Setting::Text(text) if is_folder(key) => {
                json!(folder(text, home).map_or_else(|| text.clone(), |path| path_text(&path)))
            }
            Setting::Text(text) => json!(text),
            Setting::Number(number) => json!(number),
            Setting::List(list) => json!(list),
        };
        (key.clone(), value)
    });
    json!({
        "id": item.id.as_str(),
        "name": item.label(),
        "settings": settings.collect::<Map<_, _>>(),
        "is_enabled": item.is_enabled,
    })
}

/// Writes what is to be done.
pub(super) fn start(
    session: &str,
    request: &SyncRequest,
    items: Vec<Value>,
    decisions: impl Fn(&str, &Choice) -> Option<Value>,
) -> Result<Value, Trouble> {
    let not_offered = |what: &str| Trouble::new(Code::NotPossible).with("detail", what);
    let work = match &request.work {
        Work::Sync { is_full, release } => {
            json!({"kind": "sync", "is_full": is_full, "release": release})
        }
        Work::Resolve(choices) => {
            let decisions = choices.iter().map(|(id, choice)| {
                let decision = decisions(id, choice)
                    .ok_or_else(|| not_offered("the handler cannot decide a conflict so"))?;
                Ok(json!({"id": id, "decision": decision}))
            });
            json!({"kind": "resolve", "decisions": decisions.collect::<Result<Vec<_>, Trouble>>()?})
        }
        Work::Undo(_) => return Err(not_offered("this handler cannot take a run back")),
        Work::Restore(_) => return Err(not_offered("this handler keeps no versions")),
    };
    let mut params = json!({
        "session_id": session,
        "items": items,
        "work": work,
        "intent": match request.intent {
            Intent::Apply => "apply",
            Intent::Preview => "preview",
        },
        "may_ask": request.may_ask,
    });
    if let Some(token) = &request.token {
        params["token"] = json!(&*token.0);
    }
    Ok(params)
}

/// Where the work on an item stands, or how it ended.
#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    pub(super) item: String,
    status: String,
    phase: Option<String>,
    #[serde(default)]
    pub(super) n_done: u64,
    pub(super) n_total: Option<u64>,
    #[serde(default)]
    pub(super) bytes_done: u64,
    pub(super) bytes_total: Option<u64>,
    #[serde(default)]
    pub(super) n_seen_left: u64,
    #[serde(default)]
    pub(super) n_seen_right: u64,
    pub(super) current: Option<String>,
}

impl Progress {
    pub(super) fn item(&self) -> Result<ItemId, String> {
        id(&self.item)
    }

    pub(super) fn status(&self) -> Result<ProgressStatus, String> {
        ProgressStatus::parse(&self.status)
            .ok_or_else(|| format!("`{}` is no status", shown(&self.status, NAME_MAX)))
    }

    /// A phase that a later version knows counts as copying.
    pub(super) fn phase(&self) -> Phase {
        let phase = self.phase.as_deref();
        phase.map_or(Phase::Copying, |word| {
            Phase::parse(word).unwrap_or(Phase::Copying)
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct WireTrouble {
    level: Option<String>,
    name: Option<String>,
    description: Option<String>,
    code: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default)]
    paths: Vec<String>,
}

impl WireTrouble {
    /// Reads what a person is told.
    pub(super) fn read(self) -> Result<Trouble, String> {
        let level = match self.level.as_deref() {
            None => EventLevel::Error,
            Some(word) => EventLevel::parse(word)
                .ok_or_else(|| format!("`{}` is no level", shown(word, NAME_MAX)))?,
        };
        let code = self.code.as_deref().and_then(Code::parse);
        let mut trouble = match (code, self.name, self.code) {
            (Some(code), _, _) => {
                let mut trouble = Trouble::new(code);
                for (key, value) in &self.params {
                    let text = match value {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    trouble = trouble.with(key, shown(&text, TEXT_MAX));
                }
                trouble
            }
            (None, Some(name), _) | (None, None, Some(name)) => Trouble::new(Code::HandlerSays)
                .with("name", shown(&name, NAME_MAX))
                .with(
                    "description",
                    shown(&self.description.unwrap_or_default(), TEXT_MAX),
                ),
            (None, None, None) => {
                return Err("a trouble has neither a name nor a code".to_owned());
            }
        };
        trouble.paths = self
            .paths
            .iter()
            .take(PATHS_MAX)
            .map(|path| escape(&unescape(path)))
            .collect();
        Ok(trouble.at_level(level))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct WireLink {
    text: Option<String>,
    reference: Option<String>,
}

impl WireLink {
    pub(super) fn read(self) -> Link {
        Link {
            text: self.text.map(|text| shown(&text, NAME_MAX)),
            reference: self.reference.map(|text| shown(&text, TEXT_MAX)),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireTally {
    n_copied: u64,
    n_updated: u64,
    n_deleted: u64,
    n_folders_made: u64,
    n_folders_removed: u64,
    n_renamed: u64,
    n_attributes: u64,
    bytes: u64,
}

impl From<WireTally> for Tally {
    fn from(wire: WireTally) -> Self {
        Self {
            n_copied: wire.n_copied,
            n_updated: wire.n_updated,
            n_deleted: wire.n_deleted,
            n_folders_made: wire.n_folders_made,
            n_folders_removed: wire.n_folders_removed,
            n_renamed: wire.n_renamed,
            n_attributes: wire.n_attributes,
            bytes: wire.bytes,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireSummary {
    left: WireTally,
    right: WireTally,
    n_conflicts: u64,
    n_held: u64,
    n_failures: u64,
    n_warnings: u64,
}

impl From<WireSummary> for Summary {
    fn from(wire: WireSummary) -> Self {
        Self {
            done: PerSide {
                left: wire.left.into(),
                right: wire.right.into(),
            },
            n_conflicts: wire.n_conflicts,
            n_held: wire.n_held,
            n_failures: wire.n_failures,
            n_warnings: wire.n_warnings,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct WirePreview {
    id: String,
    #[serde(default)]
    changes: Vec<WireChange>,
    #[serde(default)]
    troubles: Vec<WireTrouble>,
    held_id: Option<String>,
    #[serde(default)]
    is_first: bool,
}

#[derive(Debug, Deserialize)]
struct WireChange {
    path: String,
    side: String,
    action: String,
    from: Option<String>,
    #[serde(default)]
    bytes: u64,
    reason: Option<String>,
    #[serde(default)]
    is_held: bool,
}

impl WirePreview {
    pub(super) fn read(self) -> Result<Preview, String> {
        let changes = self.changes.into_iter().map(|change| {
            let odd = |what: &str, word: &str| format!("`{}` is no {what}", shown(word, NAME_MAX));
            Ok(PlannedChange {
                path: unescape(&change.path),
                side: [Side::Left, Side::Right]
                    .into_iter()
                    .find(|side| side.as_str() == change.side)
                    .ok_or_else(|| odd("side", &change.side))?,
                action: Action::parse(&change.action)
                    .ok_or_else(|| odd("action", &change.action))?,
                from: change.from.map(|path| unescape(&path)),
                bytes: change.bytes,
                reason: shown(&change.reason.unwrap_or_default(), NAME_MAX).into(),
                is_held: change.is_held,
            })
        });
        let troubles = self.troubles.into_iter().map(WireTrouble::read);
        Ok(Preview {
            id: shown(&self.id, NAME_MAX),
            changes: changes.collect::<Result<_, String>>()?,
            troubles: troubles.collect::<Result<_, _>>()?,
            held_id: self.held_id.map(|id| shown(&id, NAME_MAX)),
            is_first: self.is_first,
            ..Preview::default()
        })
    }
}

/// A conflict, as its handler lists it.
#[derive(Debug, Clone)]
pub(super) struct InConflict {
    pub(super) id: String,
    pub(super) item: Option<ItemId>,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) found_at: Option<Timestamp>,
    pub(super) abilities: Option<Vec<String>>,
    pub(super) contents: Vec<Content>,
}

/// Reads the answer to `conflicts/list`.
pub(super) fn conflicts(value: Value) -> Result<Vec<InConflict>, String> {
    #[derive(Deserialize)]
    struct Wire {
        conflicts: Vec<WireConflict>,
    }
    #[derive(Deserialize)]
    struct WireConflict {
        id: String,
        item: Option<String>,
        kind: String,
        name: String,
        description: Option<String>,
        found_at: Option<i64>,
        abilities: Option<Vec<String>>,
        #[serde(default)]
        contents: Vec<WireContent>,
    }
    #[derive(Deserialize)]
    struct WireContent {
        display_name: String,
        original_name: Option<String>,
        alternate_name: Option<String>,
        #[serde(default)]
        short_location: String,
        #[serde(default)]
        full_location: String,
        kind: String,
        size: Option<u64>,
        modified: Option<i64>,
        path: Option<String>,
    }
    let content = |wire: WireContent| {
        let name = |text: String| shown(&text, NAME_MAX);
        Ok::<_, String>(Content {
            display_name: name(wire.display_name),
            original_name: wire.original_name.map(name),
            alternate_name: wire.alternate_name.map(name),
            short_location: shown(&wire.short_location, NAME_MAX),
            full_location: shown(&wire.full_location, TEXT_MAX),
            kind: match wire.kind.as_str() {
                "updated" => ContentKind::Updated,
                "deleted" => ContentKind::Deleted,
                other => {
                    return Err(format!(
                        "`{}` is no kind of content",
                        shown(other, NAME_MAX)
                    ));
                }
            },
            size: wire.size,
            modified: wire.modified.map(Timestamp),
            path: wire
                .path
                .map(|path| unescape(&path))
                .filter(|path| path.starts_with(b"/")),
        })
    };
    let all = read::<Wire>(value)?.conflicts;
    bounded(all.len())?;
    all.into_iter()
        .map(|wire| {
            if wire.id.is_empty() || wire.id.len() > syncmgr_model::conflict::CONFLICT_ID_LEN_MAX {
                return Err("a conflict has an id that is empty or too long".to_owned());
            }
            Ok(InConflict {
                item: wire.item.as_deref().map(id).transpose()?,
                id: wire.id,
                kind: shown(&wire.kind, NAME_MAX),
                name: shown(&wire.name, NAME_MAX),
                description: shown(&wire.description.unwrap_or_default(), TEXT_MAX),
                found_at: wire.found_at.map(Timestamp),
                abilities: wire.abilities,
                contents: wire
                    .contents
                    .into_iter()
                    .map(content)
                    .collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Reads the abilities of one conflict.
pub(super) fn abilities(words: &[String]) -> Abilities {
    let mut bits = Abilities::KEEP_SINGLE;
    let known = [
        ("keep-recent", Abilities::KEEP_RECENT),
        ("keep-multiple", Abilities::KEEP_MULTIPLE),
        ("keep-other", Abilities::KEEP_OTHER),
        ("remove-from-sync-set", Abilities::REMOVE_FROM_SYNC_SET),
        ("keep_recent", Abilities::KEEP_RECENT),
        ("keep_multiple", Abilities::KEEP_MULTIPLE),
        ("keep_other", Abilities::KEEP_OTHER),
        ("remove_from_sync_set", Abilities::REMOVE_FROM_SYNC_SET),
    ];
    flags(words, &known, |flag| bits |= *flag);
    bits
}

/// Writes a decision; `other` is the file with the bytes that take the place of all.
pub(super) fn decision(decision: &Decision, other: Option<&Path>) -> Value {
    match decision {
        Decision::KeepItems(items) => {
            let items = items
                .iter()
                .map(|item| json!({"index": item.index, "name": item.name}));
            json!({"kind": "keep", "items": items.collect::<Vec<_>>()})
        }
        Decision::KeepRecent => json!({"kind": "keep-recent"}),
        Decision::KeepOther(Substitute::Merge) => json!({"kind": "merge"}),
        Decision::KeepOther(Substitute::Bytes(_)) => {
            json!({"kind": "keep-other", "path": other.map(path_text)})
        }
        Decision::RemoveFromSyncSet => json!({"kind": "remove-from-sync-set"}),
    }
}

/// Reads the answer to `conflicts/resolve`.
pub(super) fn feedback(value: Value) -> Result<Feedback, String> {
    #[derive(Deserialize)]
    struct Wire {
        feedback: String,
    }
    match read::<Wire>(value)?.feedback.as_str() {
        "continue" => Ok(Feedback::Continue),
        "refresh" => Ok(Feedback::Refresh),
        "cancel" => Ok(Feedback::Cancel),
        other => Err(format!("`{}` is no feedback", shown(other, NAME_MAX))),
    }
}

/// Reads the answer to `events/list`.
pub(super) fn events(handler: &HandlerId, value: Value) -> Result<Vec<Event>, String> {
    #[derive(Deserialize)]
    struct Wire {
        events: Vec<WireEvent>,
    }
    #[derive(Deserialize)]
    struct WireEvent {
        id: u64,
        item: Option<String>,
        at: i64,
        trouble: WireTrouble,
        link: Option<WireLink>,
        context: Option<String>,
    }
    let all = read::<Wire>(value)?.events;
    bounded(all.len())?;
    all.into_iter()
        .map(|wire| {
            Ok(Event {
                id: EventId(wire.id),
                handler: handler.clone(),
                item: wire.item.as_deref().map(id).transpose()?,
                session: None,
                at: Timestamp(wire.at),
                trouble: wire.trouble.read()?,
                link: wire.link.map(WireLink::read).unwrap_or_default(),
                context: wire.context,
            })
        })
        .collect()
}

/// Reads the answer to `items/discover`.
pub(super) fn found(handler: &HandlerId, value: Value) -> Result<Vec<Found>, String> {
    #[derive(Deserialize)]
    struct Wire {
        found: Vec<WireFound>,
    }
    #[derive(Deserialize)]
    struct WireFound {
        name: String,
        #[serde(default)]
        settings: Map<String, Value>,
        summary: String,
        origin: String,
        schedule: Option<String>,
        #[serde(default)]
        remarks: Vec<String>,
    }
    let all = read::<Wire>(value)?.found;
    bounded(all.len())?;
    all.into_iter()
        .map(|wire| {
            if let Some(bad) = syncmgr_model::item::bad_name(&wire.name) {
                let name = shown(&wire.name, NAME_MAX);
                return Err(format!("it found something named `{name}`: {bad}"));
            }
            Ok(Found {
                handler: handler.clone(),
                name: wire.name,
                settings: settings(wire.settings)?,
                summary: shown(&wire.summary, TEXT_MAX),
                origin: shown(&wire.origin, TEXT_MAX),
                schedule: wire.schedule,
                remarks: wire
                    .remarks
                    .iter()
                    .map(|text| shown(text, TEXT_MAX))
                    .collect(),
            })
        })
        .collect()
}

fn settings(wire: Map<String, Value>) -> Result<Settings, String> {
    let mut settings = Settings::default();
    for (key, value) in wire {
        let odd = || {
            format!(
                "the setting `{}` has a value that none has",
                shown(&key, NAME_MAX)
            )
        };
        let value = match value {
            Value::String(text) => Setting::Text(text),
            Value::Number(number) => Setting::Number(number.as_u64().ok_or_else(odd)?),
            Value::Array(list) => {
                let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
                Setting::List(texts.collect::<Option<_>>().ok_or_else(odd)?)
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => return Err(odd()),
        };
        settings.set(&key, value);
    }
    Ok(settings)
}
