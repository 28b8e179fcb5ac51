//! What a person chose for two folders.

use std::path::{Path, PathBuf};

use syncmgr_engine::entry::Side;
use syncmgr_engine::pair::{Options, VersionPolicy};
use syncmgr_engine::rules::{ConflictRule, Excludes, Mode};
use syncmgr_model::format::parse_bytes;
use syncmgr_model::item::{SettingKind, SettingSpec, Settings};
use syncmgr_model::trouble::{Code, Trouble};

use super::place;

/// Seconds a day has.
const DAY_SECS: u64 = 24 * 60 * 60;

const fn spec(key: &'static str, kind: SettingKind, help: &'static str) -> SettingSpec {
    SettingSpec {
        key,
        kind,
        is_required: false,
        help,
    }
}

/// The settings of a pair of folders.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        key: "left",
        kind: SettingKind::Folder,
        is_required: true,
        help: "one folder",
    },
    SettingSpec {
        key: "right",
        kind: SettingKind::Folder,
        is_required: true,
        help: "the other folder",
    },
    spec(
        "mode",
        SettingKind::Word(&["two-way", "mirror", "mirror-back", "add-only"]),
        "how the folders relate (two-way)",
    ),
    spec(
        "rule",
        SettingKind::Word(&["ask", "newest", "left", "right", "both", "merge"]),
        "what to do when both changed (ask)",
    ),
    spec(
        "exclude",
        SettingKind::List,
        "what to leave out, gitignore syntax",
    ),
    spec(
        "bandwidth",
        SettingKind::Bytes,
        "most bytes copied per second (no limit)",
    ),
    spec(
        "keep_days",
        SettingKind::Number,
        "days a replaced or deleted version is kept (30)",
    ),
    spec(
        "keep_bytes",
        SettingKind::Bytes,
        "bytes of versions kept on each side (10GiB)",
    ),
];

/// The settings, read.
#[derive(Debug)]
pub struct Chosen {
    /// One folder, absolute.
    pub left: PathBuf,
    /// The other folder, absolute.
    pub right: PathBuf,
    /// How to sync them.
    pub options: Options,
}

impl Chosen {
    /// Returns the folder of a side.
    #[must_use]
    pub fn folder(&self, side: Side) -> &Path {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub(super) fn read(settings: &Settings, home: Option<&Path>) -> Result<Self, Trouble> {
        let left = folder(settings, "left", home)?;
        let right = folder(settings, "right", home)?;
        let exclude = settings.list("exclude");
        let excludes =
            Excludes::new(exclude).map_err(|bad| unusable("exclude", &bad.pattern, &bad.detail))?;
        let versions = VersionPolicy::default();
        let options = Options {
            mode: mode(settings)?,
            rule: rule(settings)?,
            excludes,
            is_full: false,
            bandwidth: bytes(settings, "bandwidth")?.filter(|&n| n > 0),
            versions: VersionPolicy {
                keep_secs: settings
                    .number("keep_days")
                    .map_or(versions.keep_secs, |days| days.saturating_mul(DAY_SECS)),
                budget_bytes: bytes(settings, "keep_bytes")?.unwrap_or(versions.budget_bytes),
            },
            n_threads: 0,
            names: place::names(&left, &right),
        };
        Ok(Self {
            left,
            right,
            options,
        })
    }
}

fn unusable(key: &str, value: &str, detail: &str) -> Trouble {
    let safe = |text: &str| syncmgr_engine::path::display_bytes(text.as_bytes());
    Trouble::new(Code::SettingUnusable)
        .with("key", key)
        .with("value", safe(value))
        .with("detail", safe(detail))
}

fn folder(settings: &Settings, key: &str, home: Option<&Path>) -> Result<PathBuf, Trouble> {
    let text = settings
        .text(key)
        .ok_or_else(|| unusable(key, "", "it is not set"))?;
    let path = place::read(text, home);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(unusable(
            key,
            text,
            "it must be an absolute path or begin with ~/",
        ))
    }
}

fn mode(settings: &Settings) -> Result<Mode, Trouble> {
    match settings.text("mode").unwrap_or("two-way") {
        "two-way" => Ok(Mode::TwoWay),
        "mirror" => Ok(Mode::Mirror(Side::Left)),
        "mirror-back" => Ok(Mode::Mirror(Side::Right)),
        "add-only" => Ok(Mode::AddOnly),
        other => Err(unusable(
            "mode",
            other,
            "it is none of two-way, mirror, mirror-back, add-only",
        )),
    }
}

fn rule(settings: &Settings) -> Result<ConflictRule, Trouble> {
    match settings.text("rule").unwrap_or("ask") {
        "ask" => Ok(ConflictRule::Ask),
        "newest" => Ok(ConflictRule::Newest),
        "left" => Ok(ConflictRule::Prefer(Side::Left)),
        "right" => Ok(ConflictRule::Prefer(Side::Right)),
        "both" => Ok(ConflictRule::Both),
        "merge" => Ok(ConflictRule::Merge),
        other => Err(unusable(
            "rule",
            other,
            "it is none of ask, newest, left, right, both, merge",
        )),
    }
}

fn bytes(settings: &Settings, key: &str) -> Result<Option<u64>, Trouble> {
    settings
        .text(key)
        .map(|text| {
            parse_bytes(text).ok_or_else(|| unusable(key, text, "it is no number of bytes, as 10M"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use syncmgr_model::item::Value;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Chosen, Trouble> {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            settings.set(key, Value::Text((*value).to_owned()));
        }
        Chosen::read(&settings, Some(Path::new("/home/me")))
    }

    #[test]
    fn every_offered_word_is_understood() {
        for spec in SPECS {
            if let SettingKind::Word(words) = spec.kind {
                for word in words {
                    let sides = [("left", "/a"), ("right", "~/b"), (spec.key, word)];
                    assert!(read(&sides).is_ok(), "{} = {word}", spec.key);
                }
            }
        }
    }

    #[test]
    fn a_relative_folder_is_refused() {
        let trouble = read(&[("left", "a"), ("right", "/b")]).unwrap_err();
        assert_eq!(trouble.code, Code::SettingUnusable);
        assert_eq!(trouble.param("key"), "left");
    }
}
