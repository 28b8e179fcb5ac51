//! What the documents promise: that links lead somewhere, that every crate is on the map, that
//! every invariant is guarded by a test which exists.

use std::collections::BTreeSet;

use super::Text;

/// The table of invariants.
const INVARIANTS: &str = "docs/invariants.md";
/// The invariants that must have a row there.
const N_INVARIANTS: u32 = 19;

/// Looks at every document.
pub(super) fn check(texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    for text in texts.iter().filter(|text| text.path.ends_with(".md")) {
        complaints.extend(broken_links(text, texts));
    }
    complaints.extend(with(texts, "ARCHITECTURE.md", |text| map(text, texts)));
    complaints.extend(with(texts, "CHANGELOG.md", changelog));
    complaints.extend(with(texts, INVARIANTS, |text| invariants(text, texts)));
    complaints
}

fn with(texts: &[Text], path: &str, check: impl Fn(&Text) -> Vec<String>) -> Vec<String> {
    match texts.iter().find(|text| text.path == path) {
        Some(text) => check(text),
        None => vec![format!("{path}: is missing")],
    }
}

fn changelog(text: &Text) -> Vec<String> {
    if text.body.lines().any(|line| line == "## [Unreleased]") {
        return Vec::new();
    }
    vec![format!("{}: has no `## [Unreleased]`", text.path)]
}

/// Every crate has a row `| name | duty | must not | uses |` with something in each of the first
/// three cells.
fn map(text: &Text, texts: &[Text]) -> Vec<String> {
    let rows = rows(&text.body);
    let is_on_map = |name: &str| {
        rows.iter().any(|(_, cells)| {
            cells
                .first()
                .is_some_and(|cell| cell == &format!("`{name}`"))
                && cells.len() >= 3
                && cells[1..3].iter().all(|cell| !cell.is_empty())
        })
    };
    crates(texts)
        .into_iter()
        .filter(|name| !is_on_map(name))
        .map(|name| format!("{}: `{name}` has no row with duty and must-not", text.path))
        .collect()
}

fn crates(texts: &[Text]) -> BTreeSet<&str> {
    texts
        .iter()
        .filter_map(|text| text.path.strip_suffix("/Cargo.toml"))
        .filter_map(|dir| dir.rsplit('/').next())
        .collect()
}

/// Every invariant has a row whose last cell names its tests, and all of them exist.
fn invariants(text: &Text, texts: &[Text]) -> Vec<String> {
    let rows = rows(&text.body);
    let mut complaints = Vec::new();
    for number in 1..=N_INVARIANTS {
        let id = format!("I{number}");
        let row = rows.iter().find(|(_, cells)| cells.first() == Some(&id));
        let Some((line, cells)) = row else {
            complaints.push(format!("{}: {id} has no row", text.path));
            continue;
        };
        let tests: Vec<_> = cells.last().map_or(Vec::new(), |cell| quoted(cell));
        if tests.is_empty() {
            complaints.push(format!("{}:{line}: {id} names no test", text.path));
        }
        for test in tests.into_iter().filter(|test| !exists(test, texts)) {
            complaints.push(format!("{}:{line}: there is no test `{test}`", text.path));
        }
    }
    complaints
}

/// Says whether a function of that name is defined in a source file; in `a::b::name` the modules
/// must be the names of directories or of the file.
fn exists(test: &str, texts: &[Text]) -> bool {
    let (modules, name) = test.rsplit_once("::").unwrap_or(("", test));
    let definition = format!("fn {name}(");
    let is_in = |path: &str| {
        let mut parts = path.trim_end_matches(".rs").split('/');
        let modules = modules.split("::").filter(|module| !module.is_empty());
        // In their order, with anything in between.
        modules
            .into_iter()
            .all(|module| parts.any(|part| part == module))
    };
    texts
        .iter()
        .filter(|text| text.path.ends_with(".rs") && is_in(&text.path))
        .any(|text| text.body.contains(&definition))
}

/// The rows of all tables: line number (from 1) and trimmed cells.
fn rows(body: &str) -> Vec<(usize, Vec<String>)> {
    body.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
            let cells = inner.split('|').map(|cell| cell.trim().to_owned());
            Some((at + 1, cells.collect()))
        })
        .collect()
}

/// The parts of a cell between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn broken_links(text: &Text, texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (at, line) in text.body.lines().enumerate() {
        for target in links(line) {
            if !resolves(text, target, texts) {
                complaints.push(format!(
                    "{}:{}: `{target}` leads nowhere",
                    text.path,
                    at + 1
                ));
            }
        }
    }
    complaints
}

/// Targets of `[text](target)`.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .collect()
}

fn resolves(from: &Text, target: &str, texts: &[Text]) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        from.path.clone()
    } else {
        join(&from.path, path)
    };
    let directory = format!("{path}/");
    if anchor.is_empty() && texts.iter().any(|text| text.path.starts_with(&directory)) {
        return true;
    }
    texts
        .iter()
        .find(|text| text.path == path)
        .is_some_and(|text| anchor.is_empty() || has_heading(&text.body, anchor))
}

/// Resolves a relative path against the file it stands in.
fn join(from: &str, target: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn has_heading(body: &str, anchor: &str) -> bool {
    body.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| slug(line.trim_start_matches('#').trim()) == anchor)
}

/// The anchor that the usual viewers make of a heading.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'))
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, body: &str) -> Text {
        Text {
            path: path.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn links_lead_to_files_directories_and_headings() {
        let texts = [
            text("README.md", "# A title\n"),
            text("docs/guide/first.md", "## What is held, and why\n"),
        ];
        let from = &texts[1];
        for good in [
            "../../README.md",
            "#what-is-held-and-why",
            "../guide",
            "https://x.org",
        ] {
            assert!(resolves(from, good, &texts), "{good}");
        }
        for bad in ["README.md", "#what", "../../README.md#b-title"] {
            assert!(!resolves(from, bad, &texts), "{bad}");
        }
    }

    #[test]
    fn an_invariant_names_a_test_that_exists() {
        let mut table: String = (1..=N_INVARIANTS)
            .map(|n| format!("| I{n} | words | `it::here` |\n"))
            .collect();
        let source = text("crates/x/tests/it/a.rs", "//! x\nfn here() {}\n");
        assert!(invariants(&text(INVARIANTS, &table), &[source]).is_empty());
        table = table.replace("| I3 | words | `it::here` |\n", "| I3 | words | later |\n");
        let elsewhere = text("crates/x/src/a.rs", "//! x\nfn here() {}\n");
        assert_eq!(
            invariants(&text(INVARIANTS, &table), &[elsewhere]).len(),
            19
        );
        let source = text("crates/x/tests/it/a.rs", "//! x\nfn here() {}\n");
        let complaints = invariants(&text(INVARIANTS, &table), &[source]);
        assert_eq!(complaints, ["docs/invariants.md:3: I3 names no test"]);
        assert_eq!(invariants(&text(INVARIANTS, ""), &[]).len(), 19);
    }

    #[test]
    fn every_crate_is_on_the_map() {
        let texts = [text("crates/one/Cargo.toml", ""), text("Cargo.toml", "")];
        let good = text("ARCHITECTURE.md", "| `one` | does | never | – |\n");
        assert!(map(&good, &texts).is_empty());
        let bad = text("ARCHITECTURE.md", "| `one` | does | | – |\n");
        assert_eq!(map(&bad, &texts).len(), 1);
    }
}
