//! Takes known secrets out of what a tool or a handler says, before it is kept or shown.
//!
//! Must not: guess. What only looks like a secret is for others to find.

/// What stands in the place of a secret.
const GONE: &[u8] = b"***";

/// Shortest secret that is looked for: a shorter one would take half of a text along.
const SECRET_MIN: usize = 4;

/// Shortest part of an encoded secret that is looked for where it begins in the middle of other
/// encoded text.
const PART_MIN: usize = 8;

/// Known secrets in the forms in which they come back: as they are, encoded for an address, in
/// base64, also in the middle of other text, and escaped for JSON. Secrets of fewer than four bytes
/// are not masked.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that a part of a form is not taken for a shorter one.
    forms: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask")
            .field("n_forms", &self.forms.len())
            .finish()
    }
}

impl Mask {
    /// Makes a mask for these secrets.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut mask = Self::default();
        for secret in secrets {
            mask.add(secret);
        }
        mask
    }

    /// Adds a secret.
    pub fn add(&mut self, secret: &str) {
        // Programs read a secret from a file or a line, and say it without the end of the line.
        for secret in [secret, secret.trim()] {
            if secret.len() < SECRET_MIN {
                continue;
            }
            for form in forms(secret) {
                if !self.forms.contains(&form) {
                    self.forms.push(form);
                }
            }
        }
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Says whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Takes the secrets out of a text; `None` when there are none in it.
    #[must_use]
    pub fn text(&self, text: &str) -> Option<String> {
        // A form is whole characters, so what is left is too.
        let masked = self.bytes(text.as_bytes())?;
        Some(String::from_utf8_lossy(&masked).into_owned())
    }

    /// Takes the secrets out of bytes; `None` when there are none in them.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked = Vec::new();
        let mut rest = bytes;
        let mut has_any = false;
        while let Some((at, len)) = self.first(rest) {
            has_any = true;
            masked.extend_from_slice(&rest[..at]);
            masked.extend_from_slice(GONE);
            rest = &rest[at + len..];
        }
        masked.extend_from_slice(rest);
        has_any.then_some(masked)
    }

    /// Finds the first secret, and the longest that begins there.
    fn first(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        (0..bytes.len()).find_map(|at| {
            let rest = &bytes[at..];
            let form = self.forms.iter().find(|form| rest.starts_with(form))?;
            Some((at, form.len()))
        })
    }

    /// Returns how many bytes at the end could be the beginning of a secret that goes on.
    fn n_open(&self, bytes: &[u8]) -> usize {
        let most = self.forms.first().map_or(0, |longest| longest.len() - 1);
        let begins = |n: &usize| {
            let end = &bytes[bytes.len() - n..];
            self.forms
                .iter()
                .any(|form| form.len() > *n && form.starts_with(end))
        };
        (1..=most.min(bytes.len()))
            .rev()
            .find(begins)
            .unwrap_or_default()
    }
}

/// Masks what comes in pieces that end anywhere.
#[derive(Debug, Default)]
pub struct MaskedStream {
    held: Vec<u8>,
}

impl MaskedStream {
    /// Takes a piece and returns what can be kept of it; the beginning of what may become a secret
    /// waits for the next one.
    pub fn push(&mut self, mask: &Mask, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let masked = mask.bytes(&self.held);
        let mut all = masked.unwrap_or_else(|| std::mem::take(&mut self.held));
        let open = all.len() - mask.n_open(&all);
        self.held = all.split_off(open);
        all
    }

    /// Returns what waited, when nothing more comes.
    pub fn finish(self) -> Vec<u8> {
        self.held
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let escaped = json(secret);
    let mut forms = vec![
        bytes.to_vec(),
        escaped.replace('/', "\\/").into_bytes(),
        escaped.into_bytes(),
        json_ascii(secret).into_bytes(),
    ];
    for (is_upper, plain) in [true, false]
        .into_iter()
        .flat_map(|it| PLAIN.map(|set| (it, set)))
    {
        forms.push(percent(bytes, is_upper, plain, "%20"));
        forms.push(percent(bytes, is_upper, plain, "+"));
    }
    for alphabet in [STANDARD, FOR_ADDRESSES] {
        for before in 0..3 {
            let part = base64(bytes, before, alphabet);
            if before == 0 {
                forms.push(padded(bytes, alphabet));
            }
            if part.len() >= if before == 0 { SECRET_MIN } else { PART_MIN } {
                forms.push(part);
            }
        }
    }
    forms
}

/// Escapes a text for JSON as little as is allowed.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Escapes a text for JSON as those do who write ASCII only.
fn json_ascii(text: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii() {
            return c.to_string();
        }
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect()
    };
    json(text).chars().map(escape).collect()
}

/// What stays as it is in an address, beside letters and digits: by the rules of addresses, in a
/// path, and in a browser.
const PLAIN: [&[u8]; 3] = [b"-_.~", b"-_.~/", b"-_.~!*'()"];

/// Encodes bytes for an address.
fn percent(bytes: &[u8], is_upper: bool, plain: &[u8], space: &str) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len());
    for byte in bytes {
        let is_plain = byte.is_ascii_alphanumeric() || plain.contains(byte);
        match byte {
            b' ' => encoded.extend_from_slice(space.as_bytes()),
            byte if is_plain => encoded.push(*byte),
            byte if is_upper => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            byte => encoded.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    encoded
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_ADDRESSES: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns the letters of base64 that these bytes alone decide when `n_before` others stand before
/// them.
fn base64(bytes: &[u8], n_before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |at: usize| at >= 8 * n_before && at < 8 * (n_before + bytes.len());
    let value = |at: usize| {
        let byte = bytes[at / 8 - n_before];
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let n_letters = (8 * (n_before + bytes.len())).div_ceil(6);
    let whole = (0..n_letters).filter(|letter| (0..6).all(|n| bit(letter * 6 + n)));
    whole
        .map(|letter| {
            let index = (0..6).fold(0, |index, n| index << 1 | value(letter * 6 + n));
            alphabet[index]
        })
        .collect()
}

/// Returns all of base64, as it is when nothing stands before or behind.
fn padded(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let n_letters = (8 * bytes.len()).div_ceil(6);
    let mut filled = bytes.to_vec();
    filled.push(0);
    let mut all = base64(&filled, 0, alphabet);
    all.truncate(n_letters);
    all.resize(n_letters.div_ceil(4) * 4, b'=');
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: &str, text: &str, expected: &str) {
        let masked = Mask::of([secret]).text(text);
        assert_eq!(masked.as_deref().unwrap_or(text), expected);
    }

    #[test]
    fn a_secret_is_masked_in_every_form() {
        check(
            "hunter22",
            "wrong password hunter22!",
            "wrong password ***!",
        );
        check(
            "a b/c&d",
            "?p=a%20b%2Fc%26d&q=a+b%2fc%26d&r=a%20b/c%26d",
            "?p=***&q=***&r=***",
        );
        check("say \"hi\"", r#"{"p": "say \"hi\""}"#, r#"{"p": "***"}"#);
        check("übung/1", r"\u00fcbung/1 übung\/1", "*** ***");
        // base64 of `hunter22`, of `me:hunter22` and of `bob:hunter22`.
        check("hunter22", "aHVudGVyMjI=", "***");
        check("hunter22", "Basic bWU6aHVudGVyMjI=", "Basic bWU6***");
        check("hunter22", "Basic Ym9iOmh1bnRlcjIy", "Basic Ym9iOm***");
        check("hunter22\n", "it was hunter22", "it was ***");
    }

    #[test]
    fn a_short_secret_and_an_ordinary_text_stay() {
        check("abc", "abc", "abc");
        check("hunter22", "hunter2", "hunter2");
        assert!(Mask::of(["", "abc"]).is_empty());
    }

    #[test]
    fn a_secret_that_comes_in_pieces_is_masked() {
        let mask = Mask::of(["hunter22"]);
        let text = b"it is hunter22 and hunter2 and hunt";
        for size in 1..text.len() {
            let mut stream = MaskedStream::default();
            let mut all = Vec::new();
            for piece in text.chunks(size) {
                all.extend(stream.push(&mask, piece));
            }
            all.extend(stream.finish());
            assert_eq!(all, b"it is *** and hunter2 and hunt", "{size}");
        }
    }

    #[test]
    fn what_cannot_become_a_secret_does_not_wait() {
        let mut stream = MaskedStream::default();
        let mask = Mask::of(["hunter22"]);
        assert_eq!(stream.push(&mask, b"ready\n"), b"ready\n");
        assert_eq!(stream.push(&mask, b"hun"), b"");
        assert_eq!(stream.push(&mask, b"dred"), b"hundred");
    }
}
