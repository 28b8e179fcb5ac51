//! The list of capabilities in `docs/spec.md`: its numbered rows, and the lines that only a page
//! can show.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::numbers;
use crate::tidy::Text;

/// Where the list stands.
pub(super) const PATH: &str = "docs/spec.md";
/// What begins the sentence with the lines that may lack a test.
const EXCUSED: &str = "Shown by the page:";

/// What the document asks for.
#[derive(Debug)]
pub(super) struct List {
    rows: BTreeMap<u32, Row>,
    excused: Vec<u32>,
}

/// One line.
#[derive(Debug)]
struct Row {
    text: String,
    /// The file whose documentation states the rule, where the original has none; below the root.
    rule: Option<String>,
}

impl List {
    /// Finds the document among the texts and reads it.
    ///
    /// # Errors
    /// It is missing, a line has no text or source, its numbers do not run from 1 without a gap,
    /// or the sentence about the page cannot be read.
    pub(super) fn read(texts: &[Text]) -> Result<Self> {
        let text = texts
            .iter()
            .find(|text| text.path == PATH)
            .with_context(|| format!("{PATH} is missing"))?;
        let rows = rows(&text.body)?;
        let excused = excused(&text.body)?;
        if let Some(number) = excused.iter().find(|number| !rows.contains_key(number)) {
            bail!("{PATH}: line {number} is left to the page and is not in the list");
        }
        Ok(Self { rows, excused })
    }

    /// All line numbers, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.keys().copied()
    }

    /// What a line says; `None` when there is no such line.
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        self.rows.get(&number).map(|row| row.text.as_str())
    }

    /// The lines with a rule of our own, each with the file that has to state it.
    pub(super) fn rules(&self) -> impl Iterator<Item = (u32, &str)> {
        self.rows
            .iter()
            .filter_map(|(number, row)| Some((*number, row.rule.as_deref()?)))
    }

    /// Says whether a line may lack a test, because only a page can show it.
    pub(super) fn is_excused(&self, number: u32) -> bool {
        self.excused.contains(&number)
    }
}

/// The rows of all tables that begin with a number; each has to be one more than the one before.
fn rows(body: &str) -> Result<BTreeMap<u32, Row>> {
    let mut rows = BTreeMap::new();
    for line in body.lines() {
        let mut cells = line.trim().split('|').map(str::trim).skip(1);
        let Some(Ok(number)) = cells.next().map(str::parse::<u32>) else {
            continue;
        };
        let (text, from) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        if number != rows.len() as u32 + 1 {
            bail!("{PATH}: line {number} follows line {}", rows.len());
        }
        if text.is_empty() || from.is_empty() {
            bail!("{PATH}: line {number} says nothing, or not where it is from");
        }
        let rule = cells.next().and_then(target).map(str::to_owned);
        let text = text.to_owned();
        rows.insert(number, Row { text, rule });
    }
    if rows.is_empty() {
        bail!("{PATH}: has no numbered lines");
    }
    Ok(rows)
}

/// Where the link in a cell leads, seen from the root: the list is one folder below it.
fn target(cell: &str) -> Option<&str> {
    let (_, rest) = cell.split_once("](../")?;
    rest.split_once(')').map(|(target, _)| target)
}

fn excused(body: &str) -> Result<Vec<u32>> {
    let Some(rest) = body.lines().find_map(|line| line.strip_prefix(EXCUSED)) else {
        return Ok(Vec::new());
    };
    let (lines, rest) = numbers::read(rest.trim_start())?;
    if rest != "." {
        bail!("{PATH}: cannot read `{rest}` behind `{EXCUSED}`");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_bad(body: &str, expected: &str) {
        let text = Text {
            path: PATH.into(),
            body: body.into(),
        };
        let error = List::read(&[text]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_list_that_says_too_little_is_refused() {
        check_bad("# Nothing\n", "no numbered lines");
        check_bad(
            "| 1 | A | b | |\n| 3 | C | d | |\n",
            "line 3 follows line 1",
        );
        check_bad(
            "| 1 | A | b | |\n| 1 | C | d | |\n",
            "line 1 follows line 1",
        );
        check_bad("| 1 | | b | |\n", "line 1 says nothing");
        check_bad("| 1 | A | | |\n", "line 1 says nothing");
        check_bad(
            "Shown by the page: 2.\n| 1 | A | b | |\n",
            "line 2 is left to the page",
        );
        check_bad(
            "Shown by the page: 1 or so.\n| 1 | A | b | |\n",
            "cannot read",
        );
        assert!(List::read(&[]).is_err());
    }

    #[test]
    fn the_list_of_this_project_has_two_hundred_lines() {
        let texts = crate::tidy::texts(crate::shell::root()).unwrap();
        let list = List::read(&texts).unwrap();
        assert_eq!(list.numbers().count(), 200);
        assert_eq!(list.excused, [186, 187, 188, 192, 199]);
    }
}
