//! `spec [--report] [--verbose]`: which capabilities of `docs/spec.md` are shown by a test.
//!
//! Reading order: [`list`] (what the document asks for), [`claims`] (which tests name which lines),
//! [`numbers`] (how lines are written). Nothing is run here: that the tests pass is for the tests.

mod claims;
mod list;
mod numbers;

use anyhow::{Result, bail};

use self::claims::Claim;
use self::list::List;
use crate::args::Args;
use crate::shell;
use crate::tidy::{self, Text};

/// Prints what is covered and what is not.
///
/// # Errors
/// The list cannot be read, a test names a line that does not exist, or (without `--report`) a
/// line has no test that needs one, or a rule is not stated where the list says.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let mut args = Args::new(words);
    let is_report = args.switch("--report");
    let is_verbose = args.switch("--verbose");
    args.finish()?;
    let texts = tidy::texts(shell::root())?;
    let list = List::read(&texts)?;
    let claims = claims::claims(&texts)?;
    refuse_unknown(&list, &claims)?;
    let missing = missing(&list, &claims);
    let unstated = unstated(&list, &texts)?;
    if is_verbose {
        tell(&list, &claims);
    }
    println!("{}", summary(&list, &claims, &missing));
    for (number, path) in &unstated {
        println!("{path} is to state the rule of line {number} and does not say `spec {number}`");
    }
    if is_report || (missing.is_empty() && unstated.is_empty()) {
        return Ok(());
    }
    if missing.is_empty() {
        bail!(
            "{} rules are not stated where the list says",
            unstated.len()
        );
    }
    bail!(
        "{} lines have no test; --verbose says what they are about",
        missing.len()
    );
}

/// A claim for a line that is not in the list is a slip of the pen, and would hide a missing one.
fn refuse_unknown(list: &List, claims: &[Claim]) -> Result<()> {
    for claim in claims {
        for number in &claim.lines {
            if list.text(*number).is_none() {
                bail!(
                    "{} names line {number}, which {} does not have",
                    claim.place,
                    list::PATH
                );
            }
        }
    }
    Ok(())
}

/// The lines that need a test and have none.
fn missing(list: &List, claims: &[Claim]) -> Vec<u32> {
    list.numbers()
        .filter(|number| !list.is_excused(*number))
        .filter(|number| !is_covered(claims, *number))
        .collect()
}

/// The rules of our own that the file they are said to be in does not name.
fn unstated<'a>(list: &'a List, texts: &[Text]) -> Result<Vec<(u32, &'a str)>> {
    let mut unstated = Vec::new();
    for (number, path) in list.rules() {
        let body = texts.iter().find(|text| text.path == path);
        let named = claims::named(body.map_or("", |text| &text.body))?;
        if !named.contains(&number) {
            unstated.push((number, path));
        }
    }
    Ok(unstated)
}

fn is_covered(claims: &[Claim], number: u32) -> bool {
    claims.iter().any(|claim| claim.lines.contains(&number))
}

fn summary(list: &List, claims: &[Claim], missing: &[u32]) -> String {
    let n_covered = list.numbers().filter(|n| is_covered(claims, *n)).count();
    let n_excused = list.numbers().count() - n_covered - missing.len();
    let mut text = format!(
        "spec: {n_covered} of {} lines are covered by {} tests, {n_excused} wait for the page, {} are missing",
        list.numbers().count(),
        claims.len(),
        missing.len(),
    );
    if !missing.is_empty() {
        text.push_str("\nmissing: ");
        text.push_str(&numbers::write(missing));
    }
    text
}

fn tell(list: &List, claims: &[Claim]) {
    for number in list.numbers() {
        println!("{number:>3}  {}", list.text(number).unwrap_or_default());
        let mut places = claims
            .iter()
            .filter(|claim| claim.lines.contains(&number))
            .peekable();
        if places.peek().is_none() {
            println!(
                "       {}",
                if list.is_excused(number) {
                    "waits for the page"
                } else {
                    "MISSING"
                }
            );
        }
        for claim in places {
            println!("       {}", claim.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, body: &str) -> Text {
        Text {
            path: path.into(),
            body: body.into(),
        }
    }

    fn project(test: &str) -> (List, Vec<Claim>) {
        let paper =
            "Shown by the page: 3.\n\n| 1 | A | `a` |  |\n| 2 | B | `b` |  |\n| 3 | C | `c` |  |\n";
        let texts = [
            text("docs/spec.md", paper),
            text("crates/a/src/lib.rs", test),
        ];
        (List::read(&texts).unwrap(), claims::claims(&texts).unwrap())
    }

    #[test]
    fn a_line_without_a_test_is_missing_unless_only_a_page_can_show_it() {
        let (list, claims) = project("/// spec 1: a.\n#[test]\nfn a() {}\n");
        assert_eq!(missing(&list, &claims), [2]);
        assert_eq!(
            summary(&list, &claims, &[2]),
            "spec: 1 of 3 lines are covered by 1 tests, 1 wait for the page, 1 are missing\nmissing: 2"
        );
    }

    #[test]
    fn a_line_that_loses_its_test_is_missing_again() {
        let (list, claims) = project("/// spec 1, 2: a.\n#[test]\nfn a() {}\n");
        assert!(missing(&list, &claims).is_empty());
        let (list, claims) = project("/// spec 1, 2: a.\nfn a() {}\n");
        assert_eq!(missing(&list, &claims), [1, 2]);
    }

    #[test]
    fn a_line_that_does_not_exist_is_refused() {
        let (list, claims) = project("/// spec 4: a.\n#[test]\nfn a() {}\n");
        let error = refuse_unknown(&list, &claims).unwrap_err().to_string();
        assert!(
            error.starts_with("crates/a/src/lib.rs:3 a names line 4"),
            "{error}"
        );
    }

    #[test]
    fn a_rule_is_stated_in_the_file_that_the_list_names() {
        let paper = "| 1 | A | `a` | So ([code](../crates/a/src/lib.rs)) |\n";
        for (body, expected) in [
            ("/// Does so (spec 1).\nfn a() {}\n", vec![]),
            (
                "/// Does so.\nfn a() {}\n",
                vec![(1, "crates/a/src/lib.rs")],
            ),
        ] {
            let texts = [
                text("docs/spec.md", paper),
                text("crates/a/src/lib.rs", body),
            ];
            let list = List::read(&texts).unwrap();
            assert_eq!(unstated(&list, &texts).unwrap(), expected);
        }
    }
}
