//! Capabilities as text, so that what was found out once can be remembered.

use std::fmt::Write as _;

use crate::replica::Capabilities;

impl Capabilities {
    /// Writes them as `key=value` lines in a fixed order.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Every field by name: a new one must not be forgotten here.
        let Self {
            folds_case,
            folds_unicode,
            symlinks,
            modes,
            mtime_step_ns,
            clock_granule_ns,
            atomic_no_replace,
            exchange,
            stable_ids,
            name_max,
        } = self;
        let mut text = String::new();
        let fields: [(&str, &dyn std::fmt::Display); 10] = [
            ("folds-case", folds_case),
            ("folds-unicode", folds_unicode),
            ("symlinks", symlinks),
            ("modes", modes),
            ("mtime-step-ns", mtime_step_ns),
            ("clock-granule-ns", clock_granule_ns),
            ("atomic-no-replace", atomic_no_replace),
            ("exchange", exchange),
            ("stable-ids", stable_ids),
            ("name-max", name_max),
        ];
        for (key, value) in fields {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "{key}={value}");
        }
        text
    }

    /// Reads what [`Self::to_text`] wrote. `None` when a key is missing or unknown or a value
    /// cannot be read: then they are found out anew, never half believed.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut next = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix('=');
        let read = Self {
            folds_case: next("folds-case")?.parse().ok()?,
            folds_unicode: next("folds-unicode")?.parse().ok()?,
            symlinks: next("symlinks")?.parse().ok()?,
            modes: next("modes")?.parse().ok()?,
            mtime_step_ns: next("mtime-step-ns")?.parse().ok()?,
            clock_granule_ns: next("clock-granule-ns")?.parse().ok()?,
            atomic_no_replace: next("atomic-no-replace")?.parse().ok()?,
            exchange: next("exchange")?.parse().ok()?,
            stable_ids: next("stable-ids")?.parse().ok()?,
            name_max: next("name-max")?.parse().ok()?,
        };
        lines.next().is_none().then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_whole_or_not_at_all() {
        let caps = Capabilities {
            folds_case: true,
            mtime_step_ns: 2_000_000_000,
            ..Capabilities::posix()
        };
        let text = caps.to_text();
        assert_eq!(Capabilities::from_text(&text), Some(caps));
        for damaged in [
            "".to_owned(),
            text.replace("true", "yes"),
            text.replace("folds-case", "folds"),
            text[..text.len() - 4].to_owned() + "x\n",
            format!("{text}more=1\n"),
            text.lines().skip(1).collect(),
        ] {
            assert_eq!(Capabilities::from_text(&damaged), None, "{damaged}");
        }
    }
}
