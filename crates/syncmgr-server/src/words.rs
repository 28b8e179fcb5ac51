//! Copies of the center's state, as the wire has them.

use std::collections::BTreeMap;

use syncmgr_api::wire::item::write_settings;
use syncmgr_api::wire::run::{Dropped, OpenItem, OpenRun, RunAccepted};
use syncmgr_api::wire::{
    Handler, Item, ItemState, ItemView, Notice, Progress, Run, SettingHelp, Sides,
};
use syncmgr_center::command::{Accepted, Taken};
use syncmgr_center::state;
use syncmgr_model::catalogue::phrase;
use syncmgr_model::escape::escape;
use syncmgr_model::request::Intent;
use syncmgr_model::status::{Status, headline};
use syncmgr_model::time::Timestamp;

use crate::center::Shown;
use crate::desk::Desk;

/// What a pause without an end is called.
const FOREVER: &str = "forever";

/// Writes a sync.
fn item(view: &state::ItemView, desk: &dyn Desk) -> Item {
    let (item, memory) = (&view.item, &view.memory);
    let title = item.name.as_ref().unwrap_or(&memory.name);
    Item {
        id: item.id.to_string(),
        name: item.name.clone(),
        folders: Sides::of(&desk.folders(item), String::clone),
        title: escape(title.as_bytes()),
        summary: phrase(&escape(memory.comment.as_bytes())).into_owned(),
        paths: view.paths.iter().map(|path| desk.place(path)).collect(),
    }
}

/// Writes a sync with its state.
pub(crate) fn item_view(shown: &Shown, desk: &dyn Desk) -> ItemView {
    let (view, last) = (&shown.view, shown.last.as_ref());
    ItemView {
        state: ItemState {
            sync: item(view, desk),
            handler: view.item.handler.to_string(),
            enabled: view.memory.is_enabled,
            status: view.status.as_str().to_owned(),
            reason: view.reason.as_ref().map(Notice::from),
            last_run: last.map(Run::from),
            settings: write_settings(&view.item.settings),
        },
        words: view.words.clone(),
        saved: view.is_saved,
        hidden: view.memory.is_hidden,
        paused_until: view.memory.paused_until.map(|until| match until {
            Timestamp(i64::MAX) => FOREVER.to_owned(),
            until => until.rfc3339(),
        }),
        next_run: view.next_due.map(Timestamp::rfc3339),
        progress: view.facts.running.as_ref().map(Progress::from),
        running: view.running.iter().map(ToString::to_string).collect(),
        queued: view.queued.iter().map(ToString::to_string).collect(),
        unseen: shown.n_errors,
        conflicts: shown.n_conflicts,
        recent: None,
    }
}

/// Writes a run that has not ended.
pub(crate) fn open_run(view: &state::SessionView) -> OpenRun {
    OpenRun {
        run: view.id.to_string(),
        handler: view.handler.to_string(),
        kind: view.kind.as_str().to_owned(),
        preview: view.intent == Intent::Preview,
        origin: view.origin.parts().0.to_owned(),
        asked: view.asked_at.rfc3339(),
        started: view.started.map(Timestamp::rfc3339),
        items: view
            .items
            .iter()
            .map(|(item, status, progress)| OpenItem {
                item: item.to_string(),
                status: status.map(|status| status.as_str().to_owned()),
                progress: progress.into(),
            })
            .collect(),
        stopping: view.is_stopping,
        external: view.is_external,
        waits_for: view.waits_for.as_ref().map(Notice::from),
    }
}

/// Writes how a start was taken.
pub(crate) fn accepted(accepted: &Accepted) -> RunAccepted {
    let taken = match accepted.taken {
        Taken::Started => "started",
        Taken::Queued => "queued",
        Taken::Joined => "joined",
        Taken::Nothing => "nothing",
    };
    RunAccepted {
        run: accepted.session.to_string(),
        taken: taken.to_owned(),
        dropped: accepted
            .dropped
            .iter()
            .map(|(item, trouble)| Dropped {
                item: item.to_string(),
                notice: trouble.into(),
            })
            .collect(),
    }
}

/// Writes a handler.
pub(crate) fn handler(view: &state::HandlerView, n_conflicts: u64, desk: &dyn Desk) -> Handler {
    let memory = &view.memory;
    let settings = desk.settings_of(&memory.id);
    Handler {
        id: memory.id.to_string(),
        name: phrase(&memory.name).into_owned(),
        kind: memory.kind.as_str().to_owned(),
        text: phrase(&view.text).into_owned(),
        active: memory.is_active,
        enabled: memory.is_enabled,
        connected: memory.is_connected,
        silent: view.is_silent,
        running: view.running.iter().map(ToString::to_string).collect(),
        settings: settings.iter().map(SettingHelp::from).collect(),
        unseen: view.n_errors,
        conflicts: n_conflicts,
        can_undo: desk.can_undo(&memory.id),
        process: desk.process_of(&memory.id),
    }
}

/// Writes the state of the whole center.
pub(crate) fn center(
    statuses: &[Status],
    unseen: u64,
    conflicts: u64,
) -> syncmgr_api::wire::CenterState {
    let worst = statuses
        .iter()
        .filter(|status| status.severity().is_some())
        .min_by_key(|status| status.severity());
    let mut counts = BTreeMap::new();
    for status in statuses {
        *counts.entry(status.as_str().to_owned()).or_default() += 1;
    }
    syncmgr_api::wire::CenterState {
        status: worst.copied().unwrap_or(Status::Ok).as_str().to_owned(),
        summary: headline(statuses),
        counts,
        unseen,
        conflicts,
        needs: statuses.iter().filter(|it| it.needs_person()).count() as u64,
    }
}
