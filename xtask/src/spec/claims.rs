//! Which tests name which lines of the list.
//!
//! A source is read line by line. Documentation and attributes are gathered until the function that
//! they stand above; if one of the attributes makes it a test, the lines named in the
//! documentation or in the name of the function are claimed. The bodies of `proptest!` have the same
//! form and need no rule of their own; tests that are switched off are not a case, `tidy` has none.
//! Tests of the page say their lines in their names: `test('… (spec 186)', …`.

use anyhow::{Context as _, Result};

use super::numbers;
use crate::tidy::Text;

/// Where tests may stand.
const ROOT: &str = "crates/";
/// Where the tests of the page stand.
const PAGE: &str = "web/tests/";

/// A test and the lines it says it shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// File, line and name, for people.
    pub(super) place: String,
    /// Ascending, never empty.
    pub(super) lines: Vec<u32>,
}

/// What stands above a function, as far as it has been read.
#[derive(Debug, Default)]
struct Above {
    docs: String,
    /// All attributes one behind the other.
    attributes: String,
}

impl Above {
    fn is_test(&self) -> bool {
        // `#[test]`, `#[tokio::test]`, `#[tokio::test(...)]`.
        let is_test = |attribute: &str| {
            let path = attribute.split(['(', ']']).next().unwrap_or("").trim();
            path.rsplit("::").next() == Some("test")
        };
        self.attributes.split("#[").any(is_test)
    }

    /// Says whether an attribute has begun that has not ended.
    fn is_open(&self) -> bool {
        let count = |bracket| self.attributes.matches(bracket).count();
        count('[') > count(']')
    }
}

/// Reads all sources.
///
/// # Errors
/// A test names lines in a way that cannot be read; the error says which test.
pub(super) fn claims(texts: &[Text]) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for text in texts {
        if text.path.starts_with(ROOT) && text.path.ends_with(".rs") {
            claims.extend(claims_of(text)?);
        } else if text.path.starts_with(PAGE) && text.path.ends_with(".e2e.ts") {
            claims.extend(claims_of_page(text)?);
        }
    }
    Ok(claims)
}

fn claims_of(text: &Text) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    let mut above = Above::default();
    for (at, line) in text.body.lines().enumerate() {
        let line = line.trim();
        if above.is_open() || line.starts_with("#[") {
            above.attributes.push_str(line);
        } else if let Some(docs) = line.strip_prefix("///") {
            above.docs.push_str(docs);
            above.docs.push('\n');
        } else if !line.is_empty() && !line.starts_with("//") {
            let above = std::mem::take(&mut above);
            let Some(name) = function(line).filter(|_| above.is_test()) else {
                continue;
            };
            let place = format!("{}:{} {name}", text.path, at + 1);
            let lines = lines(&above.docs, name).with_context(|| place.clone())?;
            if !lines.is_empty() {
                claims.push(Claim { place, lines });
            }
        }
    }
    Ok(claims)
}

fn claims_of_page(text: &Text) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (at, line) in text.body.lines().enumerate() {
        let Some(rest) = line.trim().strip_prefix("test('") else {
            continue;
        };
        let name = rest.split('\'').next().unwrap_or_default();
        let place = format!("{}:{} {name}", text.path, at + 1);
        let lines = named(name).with_context(|| place.clone())?;
        if !lines.is_empty() {
            claims.push(Claim { place, lines });
        }
    }
    Ok(claims)
}

/// The name of the function that a line of code begins to define.
fn function(line: &str) -> Option<&str> {
    let (before, behind) = line.split_once("fn ")?;
    let is_plain = before.split_whitespace().all(|word| {
        matches!(word, "async" | "const" | "unsafe" | "extern") || word.starts_with("pub")
    });
    let end = behind.find(|character: char| !is_of_name(character))?;
    (is_plain && end > 0).then(|| &behind[..end])
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// All lines that the documentation and the name of a test name.
fn lines(docs: &str, name: &str) -> Result<Vec<u32>> {
    let mut lines = named(docs)?;
    lines.extend(line_of_name(name)?);
    lines.sort_unstable();
    lines.dedup();
    Ok(lines)
}

/// All lines that a text names.
///
/// # Errors
/// It names them in a way that cannot be read.
pub(super) fn named(text: &str) -> Result<Vec<u32>> {
    // A line break is a blank: a list of numbers may go on behind it.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = Vec::new();
    for (at, word) in words.match_indices("spec ") {
        if !words[..at].ends_with(is_of_name) {
            lines.extend(numbers::read(&words[at + word.len()..])?.0);
        }
    }
    Ok(lines)
}

/// The first number behind `spec_` in a name; a second one might be part of the sentence.
fn line_of_name(name: &str) -> Result<Vec<u32>> {
    let mut words = name.split('_').skip_while(|word| *word != "spec").skip(1);
    match words.next() {
        Some(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => Ok(numbers::read(word)?.0),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[u32]) {
        let text = Text {
            path: "crates/a/tests/it/b.rs".into(),
            body: body.into(),
        };
        let lines: Vec<_> = claims(&[text])
            .unwrap()
            .into_iter()
            .flat_map(|claim| claim.lines)
            .collect();
        assert_eq!(lines, expected, "{body}");
    }

    #[test]
    fn the_documentation_of_a_test_is_read() {
        check("/// spec 86: says.\n#[test]\nfn a() {}\n", &[86]);
        check(
            "    /// spec 86, 97: says.\n    #[test]\n    fn a() {}\n",
            &[86, 97],
        );
        check("/// spec 3–5: says.\n#[test]\nfn a() {}\n", &[3, 4, 5]);
        check(
            "/// Says (spec 86; spec 97).\n#[test]\nfn a() {}\n",
            &[86, 97],
        );
        check(
            "/// Says what is in spec 86,\n/// 97.\n#[test]\nfn a() {}\n",
            &[86, 97],
        );
        check("#[test]\n/// spec 86.\n// why\n\nfn a() {}\n", &[86]);
    }

    #[test]
    fn tests_of_the_page_say_it_in_their_names() {
        let page = |path: &str, body: &str| {
            let text = Text {
                path: path.into(),
                body: body.into(),
            };
            let claims = claims(&[text]).unwrap();
            claims
                .into_iter()
                .flat_map(|claim| claim.lines)
                .collect::<Vec<_>>()
        };
        let body =
            "// spec 1.\ntest('shows all (spec 186, 188)', async () => {\n  test2('spec 3');\n";
        assert_eq!(page("web/tests/a.e2e.ts", body), [186, 188]);
        assert_eq!(page("web/tests/shots.ts", body), [0; 0]);
    }

    #[test]
    fn the_name_of_a_test_is_read() {
        check("#[test]\nfn spec_86_says() {}\n", &[86]);
        check("#[test]\nfn says_spec_86() {}\n", &[86]);
        check("#[test]\nfn spec_86_3_of_4() {}\n", &[86]);
        check("#[test]\nfn spec_says_86() {}\n", &[]);
        check("/// spec 97.\n#[test]\nfn spec_86_says() {}\n", &[86, 97]);
    }

    #[test]
    fn every_kind_of_test_counts() {
        check("/// spec 1.\n#[tokio::test]\nasync fn a() {}\n", &[1]);
        check(
            "/// spec 1.\n#[tokio::test(flavor = \"x\")]\nasync fn a() {}\n",
            &[1],
        );
        check(
            "/// spec 1.\n#[test]\n#[cfg(unix)]\npub(crate) fn a() {}\n",
            &[1],
        );
        check(
            "/// spec 1.\n#[cfg(\n    unix\n)]\n#[test]\nfn a() {}\n",
            &[1],
        );
        check(
            "proptest! {\n    /// spec 1.\n    #[test]\n    fn a(x in 0..9) {}\n}\n",
            &[1],
        );
        check("/// spec 1.\n#[test] // why\nfn a() {}\n", &[1]);
    }

    #[test]
    fn what_is_no_test_does_not_count() {
        check("/// spec 86.\nfn a() {}\n", &[]);
        check("/// spec 86.\nstruct A;\n#[test]\nfn a() {}\n", &[]);
        check("/// spec 86.\n#[cfg(test)]\nfn a() {}\n", &[]);
        check("// spec 86.\n#[test]\nfn a() {}\n", &[]);
        check("//! spec 86.\n#[test]\nfn a() {}\n", &[]);
        check("#[test]\nfn a() {\n    // spec 86\n}\n", &[]);
        check(
            "/// aspec 86 and spec eighty and respec 3.\n#[test]\nfn a() {}\n",
            &[],
        );
    }

    #[test]
    fn only_sources_of_the_product_are_read() {
        let body = "/// spec 86.\n#[test]\nfn a() {}\n";
        for path in ["xtask/src/a.rs", "crates/a/README.md"] {
            let text = Text {
                path: path.into(),
                body: body.into(),
            };
            assert_eq!(claims(&[text]).unwrap(), []);
        }
    }
}
