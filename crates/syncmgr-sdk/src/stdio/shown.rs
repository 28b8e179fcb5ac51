//! What the objects of a handler say, as messages.

use std::sync::Arc;

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::hresult::Hresult;
use syncmgr_protocol::conflict::{ABILITIES, Conflict, Content};
use syncmgr_protocol::flags::{HANDLER_POLICIES, ITEM_CAPABILITIES, ITEM_POLICIES, words};
use syncmgr_protocol::form::Form;
use syncmgr_protocol::item::ItemInfo;
use syncmgr_protocol::life::{
    Capabilities, ConflictCapabilities, HandlerInfo, Identity, Initialized, OPERATIONS,
};
use syncmgr_protocol::path::PathText;
use syncmgr_protocol::{RpcError, VERSIONS};

use crate::{ConflictView, Handler, HandlerFactory, SyncItem};

/// What the server says about the program beside what the handler says about itself.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    pub(super) version: String,
    pub(super) has_no_preview: bool,
}

/// The answer to `initialize`.
pub(super) fn initialized(
    factory: &dyn HandlerFactory,
    handler: &dyn Handler,
    about: &About,
) -> Result<Initialized, RpcError> {
    let now = info(handler, about)?;
    let properties = handler.handler_info().ok();
    let icon = handler.icon().ok();
    let icon = icon.or_else(|| factory.icon().map(<[u8]>::to_vec));
    let svg = icon.and_then(|bytes| String::from_utf8(bytes).ok());
    let specs = factory.settings();
    Ok(Initialized {
        protocol_version: VERSIONS.first().copied().unwrap_or_default().to_owned(),
        handler: Identity {
            id: factory.id().to_string(),
            name: now.name,
            version: about.version.clone(),
            kind: properties
                .and_then(|info| info.kind().ok())
                .unwrap_or_default()
                .into(),
            type_label: properties
                .and_then(|info| info.type_label().ok())
                .unwrap_or_default(),
            comment: now.comment.unwrap_or_default(),
            icon_svg: svg.filter(|text| text.trim_start().starts_with('<')),
        },
        capabilities: now.capabilities.unwrap_or_default(),
        policies: now.policies.unwrap_or_default(),
        settings: (!specs.is_empty()).then(|| Form::of(specs)),
    })
}

/// The handler as it is now.
pub(super) fn info(handler: &dyn Handler, about: &About) -> Result<HandlerInfo, RpcError> {
    let properties = handler.handler_info().ok();
    let flags = handler.capabilities().unwrap_or_default();
    let is_active = properties.and_then(|info| info.is_active().ok());
    let is_enabled = properties.and_then(|info| info.is_enabled().ok());
    let policies = handler.policies().unwrap_or_default();
    Ok(HandlerInfo {
        name: handler.name()?,
        comment: properties.and_then(|info| info.comment().ok()),
        is_active,
        is_enabled,
        is_connected: properties.and_then(|info| info.is_connected().ok()),
        last_sync_time: properties.and_then(|info| Some(info.last_sync_time().ok()?.0)),
        capabilities: Some(Capabilities {
            preview: !about.has_no_preview,
            concurrent_sessions: flags.contains(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS),
            conflicts: flags
                .contains(HandlerCapabilities::CONFLICT_STORE)
                .then_some(ConflictCapabilities {
                    // Each conflict says what of this it can.
                    keep_recent: true,
                    keep_multiple: true,
                    keep_other: true,
                    remove_from_sync_set: true,
                    remove: true,
                }),
            events: flags.contains(HandlerCapabilities::EVENT_STORE),
            discover: true,
            validate: true,
            activate: is_active.is_some(),
            enable: is_enabled.is_some(),
            delete: true,
            operations: words(flags, OPERATIONS),
            legacy: false,
        }),
        policies: Some(words(policies, HANDLER_POLICIES)),
    })
}

/// An item.
pub(super) fn item(item: &dyn SyncItem) -> Result<ItemInfo, Hresult> {
    let properties = item.item_info().ok();
    let capabilities = item.capabilities().unwrap_or_default();
    Ok(ItemInfo {
        id: item.id()?,
        name: item.name()?,
        type_label: properties.and_then(|info| info.type_label().ok()),
        comment: properties.and_then(|info| info.comment().ok()),
        paths: item
            .paths()
            .iter()
            .map(|path| PathText::of_path(path))
            .collect(),
        is_enabled: properties.and_then(|info| info.is_enabled().ok()),
        is_connected: properties.and_then(|info| info.is_connected().ok()),
        last_sync_time: properties.and_then(|info| Some(info.last_sync_time().ok()?.0)),
        capabilities: words(capabilities, ITEM_CAPABILITIES),
        policies: words(item.policies().unwrap_or_default(), ITEM_POLICIES),
    })
}

/// All items; one without an id or a name is not shown (spec 30, 31).
pub(super) fn items(handler: &dyn Handler) -> Result<Vec<Arc<dyn SyncItem>>, Hresult> {
    let mut items = handler.items()?;
    let mut all = Vec::with_capacity(items.count());
    while let Some(item) = items.next(1)? {
        all.push(item);
    }
    Ok(all)
}

/// A conflict.
pub(super) fn conflict(
    view: &dyn ConflictView,
    handler: &dyn HandlerFactory,
) -> Result<Conflict, RpcError> {
    let card = view.card(handler.id());
    let contents = view
        .contents()
        .map_err(|trouble| RpcError::from(&trouble))?;
    let abilities = view.resolution().abilities().unwrap_or_default();
    Ok(Conflict {
        id: PathText::of(&card.address.id).0,
        item: card.address.item.map(|item| item.to_string()),
        kind: card.kind,
        name: card.name,
        description: Some(card.description).filter(|text| !text.is_empty()),
        found_at: card.found_at.map(|at| at.0),
        abilities: Some(words(abilities, ABILITIES)),
        contents: contents.iter().map(Content::of).collect(),
    })
}

/// Says whether an item keeps conflicts.
pub(super) fn has_conflicts(item: &dyn SyncItem) -> bool {
    let capabilities = item.capabilities().unwrap_or_default();
    capabilities.contains(ItemCapabilities::CONFLICT_STORE)
}
