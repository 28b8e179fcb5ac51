//! The arrows between our crates, as they are and as ARCHITECTURE.md allows them.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell;

/// Everything in the workspace may use these for its tests.
const FOR_TESTS: &str = "syncmgr-testing";

/// Which of our crates each of our crates may use. A new arrow is a decision: it belongs in
/// ARCHITECTURE.md and in the message of the commit that adds it here.
const ALLOWED: [(&str, &[&str]); 18] = [
    ("syncmgr-model", &[]),
    ("syncmgr-engine", &[]),
    ("syncmgr-protocol", &["syncmgr-model"]),
    ("syncmgr-sdk", &["syncmgr-model", "syncmgr-protocol"]),
    (
        "syncmgr-handlers",
        &["syncmgr-model", "syncmgr-sdk", "syncmgr-engine"],
    ),
    ("syncmgr-center", &["syncmgr-model"]),
    ("syncmgr-store", &["syncmgr-model", "syncmgr-center"]),
    ("syncmgr-vault", &["syncmgr-model"]),
    (
        "syncmgr-host",
        &[
            "syncmgr-model",
            "syncmgr-center",
            "syncmgr-sdk",
            "syncmgr-protocol",
        ],
    ),
    ("syncmgr-api", &["syncmgr-model"]),
    (
        "syncmgr-server",
        &["syncmgr-model", "syncmgr-center", "syncmgr-api"],
    ),
    ("syncmgr-calendar", &["syncmgr-model", "syncmgr-center"]),
    ("syncmgr-watch", &[]),
    ("syncmgr-alerts", &["syncmgr-model"]),
    ("syncmgr-desktop", &["syncmgr-model", "syncmgr-center"]),
    (
        "syncmgr-testing",
        &[
            "syncmgr-model",
            "syncmgr-engine",
            "syncmgr-sdk",
            "syncmgr-center",
            "syncmgr-host",
        ],
    ),
    (
        "syncmgr",
        &[
            "syncmgr-model",
            "syncmgr-engine",
            "syncmgr-sdk",
            "syncmgr-protocol",
            "syncmgr-handlers",
            "syncmgr-center",
            "syncmgr-store",
            "syncmgr-host",
            "syncmgr-api",
            "syncmgr-server",
            "syncmgr-calendar",
            "syncmgr-watch",
            "syncmgr-alerts",
            "syncmgr-desktop",
            "syncmgr-vault",
        ],
    ),
    (
        "xtask",
        &[
            FOR_TESTS,
            "syncmgr-engine",
            "syncmgr-watch",
            "syncmgr-center",
            "syncmgr-host",
            "syncmgr-model",
            "syncmgr-sdk",
            "syncmgr-protocol",
            "syncmgr-server",
            "syncmgr-store",
        ],
    ),
];

/// Compares what cargo knows with what is allowed.
///
/// # Errors
/// Cargo cannot be asked.
pub(super) fn check() -> Result<Vec<String>> {
    let mut cargo = shell::cargo();
    cargo.args(["metadata", "--no-deps", "--format-version=1"]);
    let text = shell::capture(&mut cargo)?;
    let metadata: Value = serde_json::from_str(&text).context("cannot read cargo's metadata")?;
    Ok(judge(&metadata))
}

fn judge(metadata: &Value) -> Vec<String> {
    let packages = list(metadata, "packages");
    let names: Vec<_> = packages
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let mut complaints = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
            complaints.push(format!("{name}: a crate that no list of arrows knows"));
            continue;
        };
        for arrow in list(package, "dependencies") {
            let to = arrow["name"].as_str().unwrap_or_default();
            let is_for_tests = arrow["kind"].as_str() == Some("dev");
            let is_fine = allowed.contains(&to) || (is_for_tests && to == FOR_TESTS);
            if names.contains(&to) && !is_fine {
                complaints.push(format!("{name}: must not depend on {to}"));
            }
        }
    }
    complaints
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(from: &str, to: &str, kind: Option<&str>) -> Value {
        json!({"packages": [
            {"name": from, "dependencies": [{"name": to, "kind": kind}, {"name": "anyhow"}]},
            {"name": to, "dependencies": []},
        ]})
    }

    #[test]
    fn arrows_point_inward() {
        assert!(judge(&metadata("syncmgr-center", "syncmgr-model", None)).is_empty());
        let complaints = judge(&metadata("syncmgr-model", "syncmgr-center", None));
        assert_eq!(
            complaints,
            ["syncmgr-model: must not depend on syncmgr-center"]
        );
    }

    #[test]
    fn helpers_for_tests_are_for_tests_only() {
        assert!(judge(&metadata("syncmgr-engine", FOR_TESTS, Some("dev"))).is_empty());
        assert_eq!(judge(&metadata("syncmgr-engine", FOR_TESTS, None)).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert_eq!(
            judge(&metadata("syncmgr-new", "syncmgr-model", None)).len(),
            1
        );
    }
}
