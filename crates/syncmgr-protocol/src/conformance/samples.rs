//! A sample of each message, with every member it may have.

use serde_json::{Value, json};

fn item() -> Value {
    json!({
        "id": "diary",
        "name": "Diary",
        "settings": {"folder": "/home/anna/Diary", "limit": 10, "skip": ["*.tmp"]},
        "is_enabled": true,
    })
}

fn item_info() -> Value {
    json!({
        "id": "diary",
        "name": "Diary",
        "type_label": "Notebook",
        "comment": "12 notes",
        "paths": ["/home/anna/Diary", "/home/anna/caf\\xe9"],
        "is_enabled": true,
        "is_connected": true,
        "last_sync_time": 1_795_189_501_123_i64,
        "capabilities": ["can-delete", "conflicts"],
        "policies": ["prevent-disable"],
    })
}

fn trouble() -> Value {
    json!({
        "level": "warning",
        "name": "2 notes have no title",
        "description": "They are synced under their numbers. Give them a title to change that.",
        "retry": "never",
        "paths": ["a.md", "caf\\xe9.md"],
    })
}

fn coded() -> Value {
    json!({
        "level": "error",
        "code": "tool-missing",
        "params": {"tool": "notesd", "package": "notes"},
    })
}

fn link() -> Value {
    json!({"text": "Show the notes", "reference": "notes://untitled"})
}

fn capabilities() -> Value {
    json!({
        "preview": true,
        "concurrent_sessions": true,
        "conflicts": {
            "keep_recent": true,
            "keep_multiple": true,
            "keep_other": true,
            "remove_from_sync_set": true,
            "remove": true,
        },
        "events": true,
        "discover": true,
        "validate": true,
        "activate": true,
        "enable": true,
        "delete": true,
        "operations": ["browse", "event-link"],
    })
}

fn stored_event() -> Value {
    json!({
        "id": 12,
        "item": "diary",
        "at": 1_795_189_501_123_i64,
        "trouble": trouble(),
        "link": link(),
        "context": "untitled",
    })
}

fn settings() -> Value {
    json!({
        "type": "object",
        "properties": {
            "folder": {"type": "string", "format": "folder", "description": "where the notes are"},
            "mode": {"type": "string", "enum": ["all", "new"], "description": "which notes"},
            "password": {"type": "string", "format": "secret", "description": "of the account"},
            "limit": {"type": "integer", "minimum": 0, "description": "how many notes"},
            "largest": {"type": "integer", "format": "bytes", "description": "largest note"},
            "skip": {"type": "array", "items": {"type": "string"}, "description": "what stays"},
        },
        "required": ["folder"],
    })
}

const GUID: &str = "{6295df40-35ee-11d1-8707-00c04fd93327}";

pub(super) fn error() -> Value {
    json!({"code": -32020, "message": "`notesd` is not installed", "data": coded()})
}

/// Returns the params and the result of a method.
pub(super) fn of(method: &str) -> (Value, Value) {
    let nothing = || json!({});
    let session = || json!({"session_id": "20261120-154501123-3f9a"});
    let with = |mut base: Value, more: Value| {
        let members = more.as_object().unwrap().clone();
        base.as_object_mut().unwrap().extend(members);
        base
    };
    let of_item = |more: Value| with(with(session(), json!({"item": "diary"})), more);
    let instance = |more: Value| with(json!({"instance": 3}), more);
    match method {
        "initialize" => (
            json!({
                "protocol_versions": ["1"],
                "host": {"name": "syncmgr", "version": "0.1.0"},
                "locale": "en",
                "data_dir": "/home/anna/.local/state/syncmgr/handlers/notes",
                "sandbox": "landlock",
            }),
            json!({
                "protocol_version": "1",
                "handler": {
                    "id": "notes",
                    "name": "My notes",
                    "version": "1.2.0",
                    "type": "application",
                    "type_label": "Notes",
                    "comment": "On this machine and on the server",
                    "icon_svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                },
                "capabilities": capabilities(),
                "policies": ["prevent-disable"],
                "settings": settings(),
            }),
        ),
        "initialized" | "ping" | "shutdown" | "exit" | "handler/changed" | "events/changed"
        | "operation/schedule" => (nothing(), nothing()),
        "handler/info" => (
            nothing(),
            json!({
                "name": "My notes",
                "comment": "12 notes",
                "is_active": true,
                "is_enabled": true,
                "is_connected": false,
                "last_sync_time": 1_795_189_501_123_i64,
                "capabilities": capabilities(),
                "policies": [],
            }),
        ),
        "handler/activate" => (json!({"is_active": true}), nothing()),
        "handler/enable" => (json!({"is_enabled": false}), nothing()),
        "items/list" => (json!({"saved": [item()]}), json!({"items": [item_info()]})),
        "items/get" => (json!({"id": "diary", "saved": item()}), item_info()),
        "items/discover" => (
            nothing(),
            json!({"found": [{
                "name": "diary",
                "settings": {"folder": "/home/anna/Diary"},
                "summary": "~/Diary <-> notes.example",
                "origin": "~/.config/notes.toml",
                "schedule": "every 1h",
                "remarks": ["Its own timer stays on."],
            }]}),
        ),
        "items/validate" => (json!({"item": item()}), nothing()),
        "items/enable" => (json!({"id": "diary", "is_enabled": true}), nothing()),
        "items/delete" => (json!({"id": "diary"}), nothing()),
        "session/start" => (
            with(
                session(),
                json!({
                    "items": [item()],
                    "work": {"kind": "sync", "is_full": true, "release": "5d41402a"},
                    "intent": "apply",
                    "may_ask": true,
                    "token": "from the toolbar",
                }),
            ),
            nothing(),
        ),
        "session/cancel" => (of_item(nothing()), nothing()),
        "conflicts/list" => (
            json!({"item": "diary"}),
            json!({"conflicts": [{
                "id": "2026-11-20",
                "item": "diary",
                "kind": "both-changed",
                "name": "20 November",
                "description": "Both sides changed this note.",
                "found_at": 1_795_189_501_123_i64,
                "abilities": ["keep-recent", "keep-other"],
                "contents": [
                    {
                        "display_name": "20 November",
                        "original_name": "2026-11-20.md",
                        "alternate_name": "2026-11-20 (server).md",
                        "short_location": "This machine",
                        "full_location": "/home/anna/Diary/2026-11-20.md",
                        "kind": "updated",
                        "size": 1_200,
                        "modified": 1_795_189_400_000_i64,
                        "path": "/home/anna/Diary/2026-11-20.md",
                    },
                    {
                        "display_name": "20 November",
                        "short_location": "Server",
                        "full_location": "notes.example/2026-11-20",
                        "kind": "deleted",
                    },
                ],
            }]}),
        ),
        "conflicts/resolve" => (
            json!({
                "id": "2026-11-20",
                "item": "diary",
                "decision": {"kind": "keep", "items": [{"index": 0, "name": "2026-11-20.md"}]},
            }),
            json!({"feedback": "continue"}),
        ),
        "conflicts/remove" => (json!({"ids": ["2026-11-20"]}), nothing()),
        "events/list" => (
            json!({"item": "diary"}),
            json!({"events": [stored_event()]}),
        ),
        "events/remove" => (json!({"ids": [12]}), nothing()),
        "operation/run" => (
            json!({
                "operation": "event-link",
                "item": "diary",
                "window": {"owner": 77, "display": ":0"},
                "event": stored_event(),
            }),
            json!({"answer": true}),
        ),
        "operation/raise" => (json!({"operation": "browse", "item": "diary"}), nothing()),
        "$/cancel" => (json!({"id": 7}), nothing()),
        "session/progress" => (
            of_item(json!({
                "status": "updating",
                "phase": "copying",
                "n_done": 3,
                "n_total": 12,
                "bytes_done": 4_096,
                "bytes_total": 20_000,
                "n_seen_left": 12,
                "n_seen_right": 11,
                "current": "2026-11-20.md",
            })),
            json!({"cancel": "none"}),
        ),
        "session/text" => (
            with(session(), json!({"text": "Signing in"})),
            json!({"cancel": "all"}),
        ),
        "session/event" => (
            of_item(json!({"trouble": trouble(), "link": link(), "context": "untitled"})),
            json!({"event_id": 4_711}),
        ),
        "session/summary" => {
            let tally = json!({
                "n_copied": 1,
                "n_updated": 2,
                "n_deleted": 3,
                "n_folders_made": 4,
                "n_folders_removed": 5,
                "n_renamed": 6,
                "n_attributes": 7,
                "bytes": 8,
            });
            let summary = json!({
                "left": tally,
                "right": {"n_copied": 9},
                "n_conflicts": 1,
                "n_held": 2,
                "n_failures": 3,
                "n_warnings": 4,
            });
            (of_item(json!({"summary": summary})), nothing())
        }
        "session/preview" => (
            of_item(json!({"preview": {
                "id": "8c7dd922",
                "changes": [
                    {
                        "path": "new name.md",
                        "side": "right",
                        "action": "rename",
                        "from": "old name.md",
                        "bytes": 1_200,
                        "reason": "renamed here",
                        "is_held": true,
                    },
                    {"path": "caf\\xe9", "side": "left", "action": "new folder"},
                ],
                "troubles": [trouble()],
                "held_id": "5d41402a",
                "is_first": true,
            }})),
            nothing(),
        ),
        "session/can_continue" => (of_item(nothing()), json!({"go_on": true})),
        "session/additional_items" => (
            session(),
            json!({"items": ["letters"], "tokens": ["from the toolbar"]}),
        ),
        "session/add_item" => (of_item(nothing()), item()),
        "session/add_token" => (
            with(session(), json!({"token": "from the toolbar"})),
            nothing(),
        ),
        "item/propose" => (with(session(), json!({"item": item_info()})), nothing()),
        "item/commit" => (of_item(nothing()), nothing()),
        "session/manual" => (session(), nothing()),
        "session/open" => (json!({"items": ["diary"]}), session()),
        "session/close" => (with(session(), json!({"trouble": coded()})), nothing()),
        "items/changed" => (json!({"items": ["diary"]}), nothing()),
        "conflicts/changed" => (json!({"item": "diary"}), nothing()),
        "log" => (
            json!({"level": "information", "text": "Looking for notes"}),
            nothing(),
        ),
        "legacy/initialize" => (
            instance(json!({
                "job": "invoke",
                "cookie": "Zm9vYg==",
                "is_settings": true,
                "may_ask": true,
            })),
            json!({"takes_part": true, "flags": ["has-properties"]}),
        ),
        "legacy/items" => (
            instance(nothing()),
            json!({
                "items": [{
                    "id": GUID,
                    "name": "Offline pages",
                    "flags": ["update-time"],
                    "is_checked": true,
                    "last_update": 1_795_189_501_123_i64,
                }],
                "is_complete": true,
            }),
        ),
        "legacy/prepare" => (instance(json!({"items": [GUID]})), json!({"started": true})),
        "legacy/synchronize" | "legacy/release" => (instance(nothing()), nothing()),
        "legacy/set_item_status" => (
            instance(json!({"item": GUID, "status": "skipped"})),
            nothing(),
        ),
        "legacy/show_error" => (instance(json!({"error": GUID})), nothing()),
        "legacy/show_properties" => (instance(json!({"item": GUID})), nothing()),
        "legacy/progress" => (
            instance(json!({
                "item": GUID,
                "text": "Page 3",
                "status": "updating",
                "value": 3,
                "max": 12,
            })),
            json!({"cancel": "item"}),
        ),
        "legacy/log_error" => (
            instance(json!({
                "level": "error",
                "text": "A page is gone.",
                "is_link": true,
                "error": GUID,
                "item": GUID,
            })),
            nothing(),
        ),
        "legacy/delete_log_error" => (instance(json!({"error": GUID})), nothing()),
        "legacy/enable_modeless" => (
            instance(json!({"is_wanted": true})),
            json!({"may_show": true}),
        ),
        "legacy/establish_connection" => (instance(json!({"name": "Office"})), nothing()),
        "legacy/prepare_completed" | "legacy/synchronize_completed" => (
            instance(json!({"code": 2_147_500_037_u32, "text": "The server is away."})),
            nothing(),
        ),
        "legacy/show_error_completed" => (instance(json!({"retry": [GUID]})), nothing()),
        "legacy/show_properties_completed" => (
            instance(json!({"is_deleted": true, "list_again": true})),
            nothing(),
        ),
        method => panic!("{method} has no sample"),
    }
}
