//! What a start passes along for a handler of the older family, as one text.
//!
//! A start of today has an opaque argument where the older family has an event and a cookie. The
//! text `legacy:invoke:00ff` carries both; any other text is the cookie of a program that knows
//! nothing of the older family.

use super::Event;

/// What begins a text that was made here.
const PREFIX: &str = "legacy:";
/// The word for another go.
const RETRY: &str = "retry";

/// Why a handler of the older family is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Something happened; the cookie belongs to [`Event::Invoke`].
    Event(Event, Option<Vec<u8>>),
    /// An instance that is still there asked for another go, and is known by this number.
    Retry(u64),
}

impl Errand {
    /// Writes the text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Event(event, None) => format!("{PREFIX}{}", word(*event)),
            Self::Event(event, Some(cookie)) => format!("{PREFIX}{}:{}", word(*event), hex(cookie)),
            Self::Retry(number) => format!("{PREFIX}{RETRY}:{number}"),
        }
    }

    /// Reads a text; never fails, because every text is a cookie.
    #[must_use]
    pub fn read(text: &str) -> Self {
        known(text).unwrap_or_else(|| Self::Event(Event::Invoke, Some(text.as_bytes().to_vec())))
    }
}

/// Reads a text that was made here.
fn known(text: &str) -> Option<Errand> {
    let rest = text.strip_prefix(PREFIX)?;
    let (first, second) = match rest.split_once(':') {
        Some((first, second)) => (first, Some(second)),
        None => (rest, None),
    };
    if first == RETRY {
        return Some(Errand::Retry(second?.parse().ok()?));
    }
    let event = EVENTS.into_iter().find(|event| word(*event) == first)?;
    match second {
        Some(digits) => Some(Errand::Event(event, Some(bytes(digits)?))),
        None => Some(Errand::Event(event, None)),
    }
}

const EVENTS: [Event; 6] = [
    Event::Connect,
    Event::PendingDisconnect,
    Event::Manual,
    Event::Idle,
    Event::Invoke,
    Event::Scheduled,
];

fn word(event: Event) -> &'static str {
    match event {
        Event::Connect => "connect",
        Event::PendingDisconnect => "pending-disconnect",
        Event::Manual => "manual",
        Event::Idle => "idle",
        Event::Invoke => "invoke",
        Event::Scheduled => "scheduled",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |character: u8| char::from(character).to_digit(16);
        u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
    };
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(errand: Errand, text: &str) {
        assert_eq!(errand.text(), text);
        assert_eq!(Errand::read(text), errand);
    }

    #[test]
    fn event_and_cookie_survive_as_a_text() {
        check(Errand::Event(Event::Idle, None), "legacy:idle");
        check(Errand::Event(Event::Invoke, None), "legacy:invoke");
        let cookie = Some(vec![0, 15, 255]);
        check(Errand::Event(Event::Invoke, cookie), "legacy:invoke:000fff");
        check(
            Errand::Event(Event::Invoke, Some(Vec::new())),
            "legacy:invoke:",
        );
        check(Errand::Retry(7), "legacy:retry:7");
    }

    #[test]
    fn every_other_text_is_a_cookie() {
        for text in [
            "",
            "x",
            "legacy:",
            "legacy:invoke:0",
            "legacy:invoke:é0",
            "legacy:retry:",
        ] {
            let cookie = Some(text.as_bytes().to_vec());
            assert_eq!(Errand::read(text), Errand::Event(Event::Invoke, cookie));
        }
    }
}
