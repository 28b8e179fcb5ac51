//! The language in which words are made: that of whoever asks.
//!
//! It belongs to the thread, and is English unless somebody set another one for a while with
//! [`Language::during`]. So what makes words needs no argument that every caller would have to hand
//! on, and what is stored stays codes and facts, told in the language of each reader. The
//! alternative, an argument, went through a hundred signatures to arrive where it was English.
//!
//! Must not: be asked by anything that decides. Only words may differ.

use std::cell::Cell;

/// A language the words come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, which everything that is not asked for otherwise comes in.
    #[default]
    English,
    /// German, with "du".
    German,
}

thread_local! {
    static CURRENT: Cell<Language> = const { Cell::new(Language::English) };
}

/// Sets the language of this thread back, also when the work in between panics.
struct Before(Language);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the language in which this thread makes words now.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Does something with the words of this thread in this language.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(self));
        work()
    }

    /// Returns the tag of the language (RFC 5646).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Returns the language a person prefers, out of the value of `Accept-Language`: German when the
    /// most wanted one is German, English for every other, and for what cannot be read.
    #[must_use]
    pub fn preferred(accept: &str) -> Self {
        let mut best = ("", 0);
        for part in accept.split(',') {
            let (range, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = thousandths(weight);
            // Of equals the first one wins.
            if weight > best.1 {
                best = (range.trim(), weight);
            }
        }
        let primary = best.0.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case(Self::German.tag()) {
            Self::German
        } else {
            Self::English
        }
    }
}

/// Reads a weight as `q=0.8`, in thousandths; none is 1, and what is no weight counts nothing.
fn thousandths(weight: &str) -> u16 {
    let weight = weight.trim();
    if weight.is_empty() {
        return 1000;
    }
    let value = weight.strip_prefix(['q', 'Q']).map(str::trim_start);
    let value = value.and_then(|rest| rest.strip_prefix('='));
    let Some((whole, part)) = value.map(|it| it.trim().split_once('.').unwrap_or((it.trim(), "")))
    else {
        return 0;
    };
    match (whole, format!("{part:0<3}").parse()) {
        ("1", Ok(0)) => 1000,
        ("0", Ok(part)) if part < 1000 => part,
        _ => 0,
    }
}

/// Chooses between the two texts by the language of this thread.
#[must_use]
pub fn say<T>(english: T, german: T) -> T {
    match Language::current() {
        Language::English => english,
        Language::German => german,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: Language) {
        assert_eq!(Language::preferred(accept), expected, "{accept}");
    }

    #[test]
    fn the_most_wanted_language_wins() {
        check("de", Language::German);
        check("DE-at", Language::German);
        check("de-DE,de;q=0.9,en;q=0.8", Language::German);
        check("en;q=0.7, de;q=0.75", Language::German);
        check("de, en", Language::German);
        check("en, de", Language::English);
        check("fr, de;q=0.9", Language::English);
        check("de;q=0, en;q=0.1", Language::English);
        for odd in [
            "",
            "*",
            "den",
            "de;q=x",
            "de;q=2",
            ";;,",
            "d\u{e9}",
            "de;q=0.1234567",
        ] {
            check(odd, Language::English);
        }
    }

    #[test]
    fn a_language_lasts_as_long_as_the_work() {
        Language::German.during(|| {
            assert_eq!(say("a", "b"), "b");
            Language::English.during(|| assert_eq!(say("a", "b"), "a"));
            let other = std::thread::spawn(Language::current).join();
            assert_eq!(
                other.unwrap(),
                Language::English,
                "it belongs to the thread"
            );
            assert_eq!(Language::current(), Language::German);
        });
        let broken = std::panic::catch_unwind(|| Language::German.during(|| panic!("a mistake")));
        assert!(broken.is_err());
        assert_eq!(Language::current(), Language::English);
    }
}
