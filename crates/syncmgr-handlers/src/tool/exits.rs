//! What the exit code of a program means.

use std::collections::BTreeMap;

use super::process::Exit;

/// What an end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// All is well.
    Ok,
    /// Done, and something is worth knowing.
    Warning,
    /// Something waits for a person.
    Held,
    /// The work was not done, or not all of it.
    Failed,
    /// The other side cannot be reached; it is tried again.
    Disconnected,
}

impl Meaning {
    const ALL: [Self; 5] = [
        Self::Ok,
        Self::Warning,
        Self::Held,
        Self::Failed,
        Self::Disconnected,
    ];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Disconnected => "disconnected",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// The meanings of the codes of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExitMap(BTreeMap<i32, Meaning>);

impl ExitMap {
    /// Reads entries as `24=warning`; `0=ok` and everything else failed need not be said.
    ///
    /// # Errors
    /// The entry that is wrong, and what is wrong with it.
    pub fn new(entries: &[String]) -> Result<Self, (String, String)> {
        let mut map = BTreeMap::new();
        for entry in entries {
            let wrong = |why: String| (entry.clone(), why);
            let (code, word) = entry
                .split_once('=')
                .ok_or_else(|| wrong("it has no `=`, as in 24=warning".to_owned()))?;
            let code = code.trim().parse::<u8>();
            let code = code.map_err(|_| wrong("the code is no number from 0 to 255".to_owned()))?;
            let meaning = Meaning::parse(word.trim()).ok_or_else(|| {
                let words = Meaning::ALL.map(Meaning::as_str).join(", ");
                wrong(format!("the meaning is none of {words}"))
            })?;
            map.insert(i32::from(code), meaning);
        }
        Ok(Self(map))
    }

    /// Says what an end means.
    #[must_use]
    pub fn meaning(&self, exit: Exit) -> Meaning {
        match exit {
            Exit::Code(code) => self.0.get(&code).copied().unwrap_or(match code {
                0 => Meaning::Ok,
                _ => Meaning::Failed,
            }),
            Exit::Signal(_) => Meaning::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[&str]) -> Result<ExitMap, (String, String)> {
        let entries: Vec<_> = entries.iter().map(|&it| it.to_owned()).collect();
        ExitMap::new(&entries)
    }

    #[test]
    fn codes_have_meanings() {
        let map = map(&["24=warning", "25 = held", "1=ok"]).unwrap();
        for (exit, meaning) in [
            (Exit::Code(0), Meaning::Ok),
            (Exit::Code(1), Meaning::Ok),
            (Exit::Code(24), Meaning::Warning),
            (Exit::Code(25), Meaning::Held),
            (Exit::Code(2), Meaning::Failed),
            (Exit::Signal(9), Meaning::Failed),
        ] {
            assert_eq!(map.meaning(exit), meaning, "{exit:?}");
        }
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for bad in ["24", "x=ok", "256=ok", "-1=ok", "1=fine"] {
            let (entry, _) = map(&["0=ok", bad]).unwrap_err();
            assert_eq!(entry, bad);
        }
    }
}
