//! Text from outside on its way out: names of syncs and files may hold line breaks, escape
//! sequences and marks that turn the direction of writing.

/// Most characters of a one-line text. A subject longer than this is cut by every reader.
const LINE_LEN_MAX: usize = 200;

/// Makes one harmless line: what controls a terminal or a protocol becomes visible as `\u{..}`,
/// and what is too long ends with `…`.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == LINE_LEN_MAX {
            out.push('…');
            break;
        }
        if is_harmful(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Cuts a text to a number of bytes, at the border of a character.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns scheme, host and port of an address: what may stand in a message about it.
pub(crate) fn place(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "the address".to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    line(&format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_second_header() {
        assert_eq!(line("a\r\nBcc: x"), "a\\r\\nBcc: x");
        assert_eq!(line("\u{1b}[31m\u{202e}é"), "\\u{1b}[31m\\u{202e}é");
        assert_eq!(line(&"x".repeat(500)).chars().count(), LINE_LEN_MAX + 1);
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 9), "aé");
    }

    #[test]
    fn a_place_is_no_secret() {
        assert_eq!(
            place("https://u:p@h.example:8/x?t=1"),
            "https://h.example:8"
        );
        assert_eq!(place("nonsense"), "the address");
    }
}
