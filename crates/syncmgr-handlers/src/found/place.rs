//! Says whether two syncs are about the same: what they sync counts, not how.

use std::path::PathBuf;

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Settings, Value};

use crate::rclone::Remotes;
use crate::tool::Context;

/// Settings that say what is synced.
const WHAT: [&str; 13] = [
    "source",
    "target",
    "left",
    "right",
    "profile",
    "pair",
    "collection",
    "channel",
    "config",
    "folder",
    "clones",
    "repository",
    "command",
];

/// Settings without which another one means something else.
const NARROWING: [&str; 2] = ["config", "collection"];

/// Reads places as the handlers do.
pub(super) struct Places<'a> {
    ctx: &'a Context,
    remotes: Remotes,
}

impl<'a> Places<'a> {
    pub(super) fn new(ctx: &'a Context) -> Self {
        Self {
            ctx,
            remotes: Remotes::load(ctx, None),
        }
    }

    /// Says whether a sync of these settings works on all that one of the first settings would.
    pub(super) fn covers(&self, handler: &HandlerId, new: &Settings, there: &Settings) -> bool {
        let same = |key: &String, value: &Value| {
            let other = there.0.get(key);
            other.is_some_and(|other| self.is_same(handler, value, other))
        };
        let is_what = |key: &str| WHAT.contains(&key);
        if !new.0.keys().any(|key| is_what(key)) {
            return new.0.iter().all(|(key, value)| same(key, value));
        }
        let is_narrower = |key: &&str| there.0.contains_key(*key) && !new.0.contains_key(*key);
        !NARROWING.iter().any(is_narrower)
            && new
                .0
                .iter()
                .filter(|(key, _)| is_what(key))
                .all(|(key, value)| same(key, value))
    }

    /// As [`Self::covers`], and both go the same way.
    pub(super) fn is_one(&self, handler: &HandlerId, new: &Settings, there: &Settings) -> bool {
        let mode = |settings: &Settings| settings.text("mode").map(str::to_owned);
        mode(new) == mode(there) && self.covers(handler, new, there)
    }

    fn is_same(&self, handler: &HandlerId, one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Text(one), Value::Text(other)) => self.is_same_text(handler, one, other),
            (Value::List(one), Value::List(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other)
                        .all(|(one, other)| self.is_same_text(handler, one, other))
            }
            (Value::Number(one), Value::Number(other)) => one == other,
            (_, _) => false,
        }
    }

    fn is_same_text(&self, handler: &HandlerId, one: &str, other: &str) -> bool {
        one == other
            || match (self.folder(handler, one), self.folder(handler, other)) {
                (Some(one), Some(other)) => one == other,
                (None, None) if handler.as_str() != "command" => {
                    one.trim_end_matches('/') == other.trim_end_matches('/')
                }
                (_, _) => false,
            }
    }

    /// Returns the folder of this machine that a text names, if it names one.
    fn folder(&self, handler: &HandlerId, text: &str) -> Option<PathBuf> {
        let path = match handler.as_str() {
            "command" => return None,
            "rclone" => self.remotes.folder(self.ctx, text),
            _ => Some(self.ctx.place(text)).filter(|path| path.is_absolute()),
        }?;
        // A link to a folder is that folder; without a `/` at the end, and without `.`.
        let plain: PathBuf = path.components().collect();
        Some(plain.canonicalize().unwrap_or(plain))
    }
}
