//! What a file of the repository may hold.

use super::Text;

/// Ways to say "later" in a source file. Written in two parts, or this file would complain about
/// itself.
const LATER: [&str; 4] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
];

/// Names of places on the machines where this is written; they mean nothing to a reader.
const PLACES: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("farm", "-"),
    concat!(".lib", "rary"),
];

/// Files that are made by programs, or that quote others word for word.
const NOT_OURS: [&str; 3] = ["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT"];

/// Looks at every file.
pub(super) fn check(texts: &[Text]) -> Vec<String> {
    texts
        .iter()
        .filter(|text| !NOT_OURS.contains(&text.path.as_str()))
        .flat_map(check_one)
        .collect()
}

fn check_one(text: &Text) -> Vec<String> {
    let is_rust = text.path.ends_with(".rs");
    let mut complaints = Vec::new();
    if is_rust && !text.body.starts_with("//!") {
        complaints.push(format!("{}: begins without `//!`", text.path));
    }
    if !text.body.is_empty() && !text.body.ends_with('\n') {
        complaints.push(format!("{}: ends without a line break", text.path));
    }
    for (at, line) in text.body.split('\n').enumerate() {
        let found = if is_rust { in_rust(line) } else { None };
        if let Some(what) = found.or_else(|| in_any(line)) {
            complaints.push(format!("{}:{}: {what}", text.path, at + 1));
        }
    }
    complaints
}

fn in_rust(line: &str) -> Option<String> {
    let later = LATER.iter().find(|word| line.contains(**word))?;
    Some(format!("holds `{later}`"))
}

fn in_any(line: &str) -> Option<String> {
    if let Some(character) = line.chars().find(|character| character.is_control()) {
        return Some(match character {
            '\t' => "holds a tab".to_owned(),
            '\r' => "ends like a line of Windows".to_owned(),
            other => format!("holds the control character {:#x}", other as u32),
        });
    }
    if line.ends_with(' ') {
        return Some("ends with a space".to_owned());
    }
    let place = PLACES.iter().find(|place| names(line, place))?;
    Some(format!("names a place of the workshop, `{place}`"))
}

/// Says whether a line holds a word that does not begin in the middle of another.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || "_~}".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, body: &str, expected: &[&str]) {
        let text = Text {
            path: path.to_owned(),
            body: body.to_owned(),
        };
        assert_eq!(check_one(&text), expected);
    }

    #[test]
    fn a_tidy_file_is_left_alone() {
        check_text("a.rs", "//! Says why.\nfn main() {}\n", &[]);
        check_text("a.md", "# Title\n", &[]);
        check_text("empty.txt", "", &[]);
    }

    #[test]
    fn a_source_file_says_what_it_is_for() {
        check_text("a.rs", "fn main() {}\n", &["a.rs: begins without `//!`"]);
    }

    #[test]
    fn later_is_not_now() {
        let body = format!("//! x\n{}\n", concat!("    todo", "!()"));
        check_text("a.rs", &body, &[concat!("a.rs:2: holds `todo", "!(`")]);
    }

    #[test]
    fn invisible_characters_are_found() {
        check_text("a.md", "x \n", &["a.md:1: ends with a space"]);
        check_text("a.md", "x\ty\n", &["a.md:1: holds a tab"]);
        check_text(
            "a.md",
            "x\u{1b}\n",
            &["a.md:1: holds the control character 0x1b"],
        );
        check_text("a.md", "x", &["a.md: ends without a line break"]);
    }

    #[test]
    fn places_are_found_only_as_whole_words() {
        assert!(names(concat!("see /wo", "rk/x"), PLACES[0]));
        assert!(!names(concat!("~/wo", "rk/x"), PLACES[0]));
        assert!(!names(concat!("home/wo", "rk/x"), PLACES[0]));
    }
}
