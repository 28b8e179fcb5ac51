//! Whether the screen of one session is locked, from two sources that overlap.
//!
//! logind passes on the wish to lock (signals `Lock`, `Unlock`), and most lockers then say that they
//! did (`LockedHint`). Some never say so, and most locks and unlocks come without a wish. Each lock
//! and unlock is told once, whichever source knew of it first.

use syncmgr_model::schedule::SystemEvent;

/// The screen of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// What the locker says.
    is_locked: bool,
    /// What was told because of a wish and the locker has not confirmed.
    told: Option<bool>,
}

impl Screen {
    /// Begins with what the locker says now: that is a state, and not news.
    pub(crate) fn new(is_locked: bool) -> Self {
        Self {
            is_locked,
            told: None,
        }
    }

    /// Takes the wish to lock or unlock; returns what there is to tell.
    pub(crate) fn asked(&mut self, lock: bool) -> Option<SystemEvent> {
        let is_locked = self.told.unwrap_or(self.is_locked);
        // A locker that confirms nothing also unlocks without a word: locked twice is two locks.
        if is_locked == lock && self.is_locked == lock {
            return None;
        }
        self.told = Some(lock);
        Some(event(lock))
    }

    /// Takes what the locker says; returns what there is to tell.
    pub(crate) fn says(&mut self, is_locked: bool) -> Option<SystemEvent> {
        if self.is_locked == is_locked {
            return None;
        }
        self.is_locked = is_locked;
        let was_told = self.told.take() == Some(is_locked);
        (!was_told).then(|| event(is_locked))
    }
}

fn event(is_locked: bool) -> SystemEvent {
    if is_locked {
        SystemEvent::Lock
    } else {
        SystemEvent::Unlock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `L`/`U` (wishes) and `l`/`u` (what the locker says); returns what is told.
    #[track_caller]
    fn check(story: &str, expected: &str) {
        let mut screen = Screen::new(false);
        let told = story.chars().filter_map(|it| match it {
            'L' => screen.asked(true),
            'U' => screen.asked(false),
            'l' => screen.says(true),
            _ => screen.says(false),
        });
        let told: String = told
            .map(|it| if it == SystemEvent::Lock { 'L' } else { 'U' })
            .collect();
        assert_eq!(told, expected, "{story}");
    }

    #[test]
    fn each_lock_is_told_once() {
        check("Ll", "L");
        check("lL", "L");
        check("Lluu", "LU");
        check("LlUu", "LU");
        check("luluLlu", "LULULU");
    }

    #[test]
    fn a_locker_that_confirms_nothing_is_heard() {
        check("LU", "LU");
        check("LL", "LL");
        check("LULU", "LULU");
    }

    #[test]
    fn an_unlocked_screen_is_not_unlocked() {
        check("U", "");
        check("uU", "");
    }
}
