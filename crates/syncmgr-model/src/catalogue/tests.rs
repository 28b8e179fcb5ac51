//! What every message keeps, in each language.

use std::fmt::Write as _;

use expect_test::expect_file;

use super::*;

#[test]
fn every_code_has_words_and_an_action() {
    // What a handler says is said in its own words.
    let own = Code::ALL.iter().filter(|&&code| code != Code::HandlerSays);
    for &code in own {
        for n in [1, 14] {
            let notice = notice(&Trouble::new(code).with("n", n));
            assert!(notice.what.ends_with('.'), "{code:?}: {}", notice.what);
            assert!(notice.meaning.ends_with('.'), "{code:?}");
            assert!(!notice.actions.is_empty(), "{code:?}");
            let text = format!("{} {}", notice.what, notice.meaning).to_lowercase();
            for never in ["!", "error occurred", "invalid", "(s)", "provider", " job"] {
                assert!(!text.contains(never), "{code:?} says {never}: {text}");
            }
        }
        assert_eq!(Code::parse(code.as_str()), Some(code));
    }
}

#[test]
fn words_carry_the_facts() {
    let held = Trouble::new(Code::TooManyDeletions)
        .with("folder", "~/Photos")
        .with("n_deletions", 1920)
        .with("n_files", 8412);
    assert_eq!(
        notice(&held).what,
        "This run would delete 1,920 of 8,412 files in ~/Photos."
    );
}

/// Facts as the messages have them; each text among them is found again in the words.
const FACTS: &[(&str, &str)] = &[
    ("side", "ESIDE"),
    ("folder", "~/Fotos"),
    ("empty", "~/Leer"),
    ("kept", "~/Voll"),
    ("inner", "~/a/b"),
    ("outer", "~/a"),
    ("aside", "~/beiseite"),
    ("n", "14"),
    ("n_files", "8412"),
    ("n_deletions", "1920"),
    ("n_changes", "1920"),
    ("age_ms", "180000"),
    ("detail", "EDETAIL"),
    ("pid", "4711"),
    ("key", "rule"),
    ("value", "EVALUE"),
    ("what", "EWHAT"),
    ("name", "fotos"),
    ("plan", "a1b2"),
    ("now", "c3d4"),
    ("path", "a/b.txt"),
    ("handler", "rclone"),
    ("seconds", "30"),
    ("description", "EDESCRIPTION"),
    ("until", "2026-12-24T18:00:00Z"),
    ("comment", "ECOMMENT"),
    ("at", "2026-12-23T18:00:00Z"),
    ("channel", "mail"),
    ("cause", "secret"),
    ("place", "nas"),
    ("ended", "failed overdue"),
    ("tool", "rsync"),
    ("package", "rsync-deb"),
    ("exit", "23"),
    ("advice", "EADVICE"),
    ("speaks", "2"),
    ("needed", "1"),
    ("other", "filme"),
];

/// The trouble with all facts, with one of everything that is counted, and without any.
fn samples(code: Code) -> [Trouble; 3] {
    let mut all = Trouble::new(code);
    for (key, value) in FACTS {
        all = all.with(key, value);
    }
    let one = ["n", "n_files", "n_deletions", "n_changes"]
        .into_iter()
        .fold(all.clone(), |trouble, key| trouble.with(key, 1));
    [all, one, Trouble::new(code)]
}

fn german(trouble: &Trouble) -> Notice {
    Language::German.during(|| notice(trouble))
}

#[test]
fn every_code_has_german_words() {
    let own = Code::ALL.iter().filter(|&&code| code != Code::HandlerSays);
    for &code in own {
        for trouble in samples(code) {
            let (english, german) = (notice(&trouble), german(&trouble));
            assert_ne!(english.what, german.what, "{code:?}");
            assert_ne!(english.meaning, german.meaning, "{code:?}");
            assert!(german.what.ends_with('.'), "{code:?}: {}", german.what);
            assert!(german.meaning.ends_with('.'), "{code:?}");
            assert_eq!(english.actions.len(), german.actions.len(), "{code:?}");
            for (english, german) in english.actions.iter().zip(&german.actions) {
                let is_given = trouble.params.get("advice") == Some(english);
                assert!(is_given || english != german, "{code:?}: {german}");
                if !trouble.params.is_empty() {
                    assert_eq!(commands(english), commands(german), "{code:?}");
                }
            }
            let text = format!(
                "{} {} {}",
                german.what,
                german.meaning,
                german.actions.join(" ")
            );
            for never in ["!", "Ihnen", "unknown", "(s)"] {
                assert!(!text.contains(never), "{code:?} says {never}: {text}");
            }
        }
    }
}

/// A handler made by others has words of its own, in both languages.
#[test]
fn a_handler_of_others_has_a_log_and_is_no_bug_of_ours() {
    let stopped = Trouble::new(Code::HandlerStopped)
        .with("handler", "notes")
        .with("log", "notes")
        .with("detail", "it ended by itself with code 3");
    let waits = stopped.clone().with("wait", 34);
    let ended = Trouble::new(Code::HandlerAbandoned)
        .with("handler", "notes")
        .with("log", "notes")
        .with("seconds", 10);
    let off = Trouble::new(Code::TurnedOff)
        .with("handler", "csvrows")
        .with("name", "CSV rows");
    for (trouble, command) in [
        (stopped, "syncmgr handler logs notes"),
        (waits.clone(), "syncmgr handler restart notes"),
        (ended, "syncmgr handler logs notes"),
        (off, "syncmgr handler on csvrows"),
    ] {
        let (english, german) = (notice(&trouble), german(&trouble));
        for (english, german) in english.actions.iter().zip(&german.actions) {
            assert_ne!(english, german);
            assert_eq!(commands(english), commands(german));
            assert!(
                !english.contains("doctor") && !english.contains("lets go"),
                "{english}"
            );
        }
        assert_eq!(commands(&english.actions[0]), [command]);
        assert_eq!(english.actions.len(), german.actions.len());
    }
    assert!(notice(&waits).what.contains("in 34 seconds"));
    assert!(german(&waits).what.contains("in 34 Sekunden"));
}

/// Returns what stands between backticks.
fn commands(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn german_words_carry_the_same_facts() {
    for &code in Code::ALL {
        let [all, ..] = samples(code);
        let (english, german) = (notice(&all), german(&all));
        let text = |it: &Notice| format!("{} {}", it.what, it.actions.join(" "));
        let (english, german) = (text(&english), text(&german));
        for (key, value) in FACTS {
            assert_eq!(
                has(&english, value),
                has(&german, value),
                "{code:?}: {key} in {german}"
            );
        }
        let numbers = [("1,920", "1.920"), ("8,412", "8.412"), ("3 min", "3 min")];
        for (in_english, in_german) in numbers {
            assert_eq!(
                english.contains(in_english),
                german.contains(in_german),
                "{code:?}: {german}"
            );
        }
    }
}

/// Finds a word that is not a part of a longer one.
fn has(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

#[test]
fn the_german_catalogue_is_this() {
    let mut out = String::new();
    for &code in Code::ALL {
        let [all, one, none] = samples(code);
        let notice = german(&all);
        writeln!(out, "{}", code.as_str()).unwrap();
        let others = [german(&one).what, german(&none).what];
        let more = others.iter().filter(|what| **what != notice.what);
        for what in [&notice.what].into_iter().chain(more) {
            writeln!(out, "  {what}").unwrap();
        }
        writeln!(out, "  = {}", notice.meaning).unwrap();
        for action in &notice.actions {
            writeln!(out, "  - {action}").unwrap();
        }
    }
    expect_file!["german/snapshot.txt"].assert_eq(&out);
}

#[test]
fn reasons_are_told_in_german() {
    let said = Language::German.during(|| reason("new-on-left", "~/a", "~/b"));
    assert_eq!(said, "neu in ~/a");
    for word in [
        "new-on-left",
        "changed-on-right",
        "deleted-on-left",
        "kind-changed-on-left",
        "attributes-changed",
        "rule-chose-left",
        "rule-merged",
        "rule-kept-both",
        "mirror-of-left",
        "never-deletes",
        "resolved",
        "undone",
        "already-equal",
    ] {
        let german = Language::German.during(|| reason(word, "a", "b"));
        assert_ne!(german, reason(word, "a", "b"), "{word}");
    }
}

#[test]
fn logs_stay_english() {
    let trouble = Trouble::new(Code::SameFolder);
    let said = Language::German.during(|| trouble.to_string());
    assert_eq!(said, "Both sides are the same folder. [same-folder]");
}
