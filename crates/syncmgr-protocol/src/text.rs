//! Texts of handlers, made harmless and short before anybody sees them.

use syncmgr_model::escape::is_misleading;

/// Most characters of a line that is shown while something runs (spec 101).
pub const SHOWN_MAX: usize = 259;

/// Most characters of the name of a trouble.
pub const NAME_MAX: usize = 1_000;

/// Most characters of a longer text, as the description of a trouble: a screen full, and it has to
/// fit into a row of history.
pub const TEXT_MAX: usize = 8_000;

/// Makes characters visible that would change how the text around them is shown, and cuts the text
/// after `max` characters.
#[must_use]
pub fn harmless(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for (n, c) in text.chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_misleading(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_made_visible_and_long_texts_are_cut() {
        assert_eq!(harmless("a\x1b[31m\nb\\", 99), "a\\u{1b}[31m b\\");
        assert_eq!(harmless("x\u{202e}y", 99), "x\\u{202e}y");
        assert_eq!(harmless("abc", 2), "ab…");
        assert_eq!(harmless("abc", 3), "abc");
    }
}
