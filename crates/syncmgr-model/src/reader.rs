//! For whom words are made: in which language, and what can be done where they are read. A terminal
//! takes commands; a page has buttons, and a command there is something that nobody can type.
//!
//! It belongs to the thread as the [`Language`] does, and for the same reasons.
//!
//! Must not: be asked by anything that decides. Only words may differ.

use std::cell::Cell;

use crate::language::Language;

thread_local! {
    static IS_PAGE: Cell<bool> = const { Cell::new(false) };
}

/// Whoever reads the words of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reader {
    /// The language.
    pub language: Language,
    /// They are read on a page, not where commands are typed.
    pub is_page: bool,
}

/// Sets the reader of this thread back, also when the work in between panics.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        IS_PAGE.set(self.0);
    }
}

impl Reader {
    /// Returns for whom this thread makes words now.
    #[must_use]
    pub fn current() -> Self {
        Self {
            language: Language::current(),
            is_page: IS_PAGE.get(),
        }
    }

    /// Does something with the words of this thread made for this reader.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        let _before = Before(IS_PAGE.replace(self.is_page));
        self.language.during(work)
    }
}

/// How the texts of the catalogue bring in what is typed, in each language. They are our own, and a
/// test sees to it that nothing of it is left in any of them.
const TYPED: [&str; 2] = [" with ", " mit "];

/// Leaves out of an advice what only a terminal can use: `turn it on with ...` is `turn it on`.
pub(crate) fn without_commands(advice: &str) -> String {
    let mut left = advice.to_owned();
    for before in TYPED {
        let command = format!("{before}`syncmgr ");
        while let Some(at) = left.find(&command) {
            let inside = at + before.len() + 1;
            let Some(length) = left.get(inside..).and_then(|rest| rest.find('`')) else {
                break;
            };
            left.replace_range(at..=inside + length, "");
        }
        left = left.replace(&format!("{before}--exclude"), "");
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::notice;
    use crate::trouble::{Code, Trouble};

    #[track_caller]
    fn check(advice: &str, expected: &str) {
        assert_eq!(without_commands(advice), expected);
    }

    #[test]
    fn what_is_typed_is_left_out() {
        check("turn it on with `syncmgr on a b`", "turn it on");
        check(
            "see what there is with `syncmgr handler list`, and install it with `syncmgr x`",
            "see what there is, and install it",
        );
        check("schalte es mit `syncmgr on a` ein", "schalte es ein");
        check("leave them out with --exclude", "leave them out");
        check("with `syncmgr open", "with `syncmgr open");
        check("a with `syncmgr open", "a with `syncmgr open");
        check("sync again", "sync again");
    }

    #[test]
    fn no_advice_on_a_page_is_a_command_and_none_is_empty() {
        let sorts: [&[&str]; 6] = [
            &[],
            &["log"],
            &["wait"],
            &["handler"],
            &["value"],
            &["log", "wait"],
        ];
        for language in Language::ALL {
            let page = Reader {
                language,
                is_page: true,
            };
            for code in Code::ALL {
                for sort in sorts {
                    let trouble = sort
                        .iter()
                        .fold(Trouble::new(*code), |trouble, key| trouble.with(key, "7"));
                    for advice in page.during(|| notice(&trouble)).actions {
                        let is_typed = advice.contains("`syncmgr") || advice.contains("--");
                        assert!(!is_typed, "{code:?}: {advice}");
                        assert!(!advice.is_empty() || trouble.param("advice").is_empty());
                    }
                }
            }
        }
        assert_eq!(
            Reader::current(),
            Reader::default(),
            "it lasts as long as the work"
        );
    }
}
