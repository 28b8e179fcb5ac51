//! The secrets that a handler was given, so that they are masked in whatever it says.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;
use syncmgr_model::item::{Item, SettingKind, SettingSpec};
use syncmgr_protocol::RpcError;
use syncmgr_sdk::{Mask, MaskedStream};

use crate::in_process::lock;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Masks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    mask: Mask,
    /// Ids of items and sessions: they are the host's own words, and lead to what is meant.
    names: BTreeSet<String>,
}

impl Masks {
    /// Notes what an item hands over.
    pub(super) fn learn(&self, item: &Item, specs: &[SettingSpec]) {
        let mut known = lock(&self.0);
        known.names.insert(item.id.to_string());
        let secrets = specs.iter().filter(|it| it.kind == SettingKind::Secret);
        for secret in secrets.filter_map(|spec| item.settings.text(spec.key)) {
            known.mask.add(secret);
        }
    }

    /// Notes the id of a session.
    pub(super) fn name(&self, session: &str) {
        lock(&self.0).names.insert(session.to_owned());
    }

    /// Forgets the id of a session.
    pub(super) fn forget(&self, session: &str) {
        lock(&self.0).names.remove(session);
    }

    /// Masks a text.
    pub(super) fn text(&self, text: &mut String) {
        lock(&self.0).text(text);
    }

    /// Masks every text of a message.
    pub(super) fn value(&self, value: &mut Value) {
        let known = lock(&self.0);
        if !known.mask.is_empty() {
            known.value(value);
        }
    }

    /// Masks a refusal.
    pub(super) fn refusal(&self, error: &mut RpcError) {
        let known = lock(&self.0);
        known.text(&mut error.message);
        if let Some(data) = &mut error.data {
            known.value(data);
        }
    }

    /// Masks a piece of its log.
    pub(super) fn piece(&self, stream: &mut MaskedStream, piece: &[u8]) -> Vec<u8> {
        stream.push(&lock(&self.0).mask, piece)
    }
}

impl Known {
    fn text(&self, text: &mut String) {
        if self.names.contains(text) {
            return;
        }
        if let Some(masked) = self.mask.text(text) {
            *text = masked;
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|it| self.value(it)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|it| self.value(it));
                let is_odd = |name: &String| self.mask.text(name).is_some();
                if fields.keys().any(is_odd) {
                    let all = std::mem::take(fields).into_iter();
                    *fields = all
                        .map(|(name, it)| (self.mask.text(&name).unwrap_or(name), it))
                        .collect();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
