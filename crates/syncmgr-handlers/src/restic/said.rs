//! Understands the objects that restic prints with `--json`, one in each line.

use std::collections::BTreeMap;

use serde::Deserialize;
use syncmgr_model::escape::escape;
use syncmgr_model::progress::{Phase, ProgressStatus};
use syncmgr_sdk::ItemProgress;

/// Something restic says.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
pub(super) enum Said {
    /// How far it is.
    Status(Status),
    /// What it does with a file; asked for in a look.
    VerboseStatus {
        #[serde(default)]
        action: String,
        #[serde(default)]
        item: String,
        #[serde(default)]
        data_size: u64,
    },
    /// It could not read a file.
    Error {
        #[serde(default)]
        item: String,
        error: Reason,
    },
    /// It is done.
    Summary(Summary),
    /// Why it ends, since 0.17.
    ExitError {
        #[serde(default)]
        message: String,
    },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// Why a file could not be read: an object of Go, or since 0.17 one with a message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    message: String,
    #[serde(rename = "Op")]
    op: String,
    #[serde(rename = "Err")]
    err: serde_json::Value,
}

/// How far it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    total_files: u64,
    files_done: u64,
    total_bytes: u64,
    bytes_done: u64,
    current_files: Vec<String>,
}

/// What a backup did.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) files_new: u64,
    pub(super) files_changed: u64,
    pub(super) dirs_new: u64,
    pub(super) data_added: u64,
}

impl Said {
    /// Reads a line; `None` when it is no object of restic.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Status {
    /// Returns it as a report. While it still counts, the end moves.
    pub(super) fn report(&self) -> (ProgressStatus, ItemProgress<'_>) {
        let is_known = self.total_files > 0;
        let progress = ItemProgress {
            phase: Phase::Copying,
            n_done: self.files_done,
            n_total: is_known.then_some(self.total_files.max(self.files_done)),
            bytes_done: self.bytes_done,
            bytes_total: is_known.then_some(self.total_bytes.max(self.bytes_done)),
            current: self.current_files.first().map(String::as_bytes),
            ..ItemProgress::default()
        };
        let status = match is_known {
            true => ProgressStatus::Updating,
            false => ProgressStatus::UpdatingIndeterminate,
        };
        (status, progress)
    }
}

impl Reason {
    /// Returns it in words.
    pub(super) fn words(&self) -> String {
        let number = self.err.as_i64().and_then(|n| i32::try_from(n).ok());
        let text = match number {
            _ if !self.message.is_empty() => self.message.clone(),
            Some(number) => format!(
                "{} ({})",
                std::io::Error::from_raw_os_error(number),
                self.op
            ),
            None => "it cannot be read".to_owned(),
        };
        escape(text.as_bytes())
    }
}

/// Files that could not be read, by why.
pub(super) type Unread = BTreeMap<String, Vec<String>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_restic_says_is_understood() {
        let status = br#"{"message_type":"status","percent_done":0.5,"total_files":2,"files_done":1,"total_bytes":30,"bytes_done":15,"current_files":["/src/a"]}"#;
        let Some(Said::Status(status)) = Said::read(status) else {
            panic!();
        };
        let (_, progress) = status.report();
        assert_eq!((progress.n_done, progress.bytes_total), (1, Some(30)));
        assert_eq!(progress.current, Some(&b"/src/a"[..]));

        let old = br#"{"message_type":"error","error":{"Op":"open","Path":"/x","Err":13},"during":"archival","item":"/x"}"#;
        let new = br#"{"message_type":"error","error":{"message":"open /x: permission denied"},"during":"archival","item":"/x"}"#;
        for (line, words) in [
            (&old[..], "Permission denied (os error 13) (open)"),
            (&new[..], "open /x: permission denied"),
        ] {
            let Some(Said::Error { item, error }) = Said::read(line) else {
                panic!();
            };
            assert_eq!((item.as_str(), error.words().as_str()), ("/x", words));
        }
        assert!(matches!(
            Said::read(br#"{"message_type":"new one"}"#),
            Some(Said::Other)
        ));
        assert!(Said::read(b"Fatal: wrong password").is_none());
    }
}
