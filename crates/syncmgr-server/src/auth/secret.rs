//! A secret: made by the system's chance, kept as a hash, compared in constant time (S4, S12).

use std::fmt;

use subtle::ConstantTimeEq as _;

/// Bytes of chance in a secret: 256 bits.
const LEN: usize = 32;

/// A secret in clear, to be handed over once. Its debug form shows nothing.
#[derive(Clone)]
pub struct Secret(String);

/// What is kept of a secret. 256 bits of chance need no slow hash: there is nothing to guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretHash([u8; blake3::OUT_LEN]);

impl Secret {
    /// Makes a new one.
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; LEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    /// Returns the text: 64 hexadecimal digits. It goes into an answer or a header, never into a
    /// log, an address or the arguments of a program.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Makes another secret of this one: who has only that one cannot get back.
    pub(crate) fn derive(text: &str, purpose: &str) -> Self {
        Self(hex(&blake3::derive_key(purpose, text.as_bytes())))
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretHash {
    /// Hashes what somebody says is a secret.
    pub(crate) fn of(text: &str) -> Self {
        Self(*blake3::hash(text.as_bytes()).as_bytes())
    }

    /// Compares in a time that does not tell how much is equal.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn hex(self) -> String {
        hex(&self.0)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text)
            .ok()
            .map(|h| Self(*h.as_bytes()))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Writes bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_a_secret_is_long_and_shows_itself_nowhere() {
        let (one, two) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(one.expose().len(), 2 * LEN);
        assert!(!one.hash().matches(&two.hash()));
        assert!(one.hash().matches(&SecretHash::of(one.expose())));
        let shown = format!("{one:?} {:?}", one.hash());
        assert!(!shown.contains(&one.expose()[..4]));
        assert!(!shown.contains(&one.hash().hex()[..4]));
    }
}
