//! Names that differ only in case or Unicode form, on stores that take them for one.

use syncmgr_engine::replica::Capabilities;

/// Letters with their composed and decomposed form: enough to tell whether code mixes the forms up,
/// far from the whole standard.
const FORMS: &[(char, &str)] = &[
    ('à', "a\u{300}"),
    ('á', "a\u{301}"),
    ('ä', "a\u{308}"),
    ('å', "a\u{30a}"),
    ('ç', "c\u{327}"),
    ('è', "e\u{300}"),
    ('é', "e\u{301}"),
    ('ñ', "n\u{303}"),
    ('ö', "o\u{308}"),
    ('ü', "u\u{308}"),
    ('À', "A\u{300}"),
    ('Á', "A\u{301}"),
    ('Ä', "A\u{308}"),
    ('Å', "A\u{30a}"),
    ('Ç', "C\u{327}"),
    ('È', "E\u{300}"),
    ('É', "E\u{301}"),
    ('Ñ', "N\u{303}"),
    ('Ö', "O\u{308}"),
    ('Ü', "U\u{308}"),
];

/// Which differences a store does not see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fold {
    case: bool,
    unicode: bool,
}

impl Fold {
    pub(super) fn of(capabilities: &Capabilities) -> Self {
        Self {
            case: capabilities.folds_case,
            unicode: capabilities.folds_unicode,
        }
    }

    /// Returns what equal names have in common. Bytes that are no UTF-8 stay as they are.
    pub(super) fn key(self, name: &[u8]) -> Box<[u8]> {
        let mut out = Vec::with_capacity(name.len());
        for chunk in name.utf8_chunks() {
            let mut text = chunk.valid().to_owned();
            if self.unicode {
                text = decompose(&text);
            }
            if self.case {
                text = text.to_lowercase();
            }
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        out.into_boxed_slice()
    }
}

fn decompose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match FORMS.iter().find(|(composed, _)| *composed == c) {
            Some((_, decomposed)) => out.push_str(decomposed),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(case: bool, unicode: bool, a: &str, b: &str) -> bool {
        let fold = Fold { case, unicode };
        fold.key(a.as_bytes()) == fold.key(b.as_bytes())
    }

    #[test]
    fn only_what_the_store_folds_is_folded() {
        assert!(same(true, false, "Readme", "README"));
        assert!(!same(false, true, "Readme", "README"));
        assert!(same(false, true, "caf\u{e9}", "cafe\u{301}"));
        assert!(!same(true, false, "caf\u{e9}", "cafe\u{301}"));
        assert!(same(true, true, "CAF\u{c9}", "cafe\u{301}"));
    }

    #[test]
    fn undecodable_bytes_stay() {
        let fold = Fold {
            case: true,
            unicode: true,
        };
        assert_eq!(&*fold.key(b"A\xff\xfeB"), b"a\xff\xfeb");
    }
}
