//! What a person chose for the items of a handler: the check marks of the older family, which are
//! the enabled state of today.

use std::collections::BTreeMap;

use crate::legacy::{Failure, Guid, LegacyItem, LegacyItems};

/// Check marks that a person set, by item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices(pub BTreeMap<Guid, bool>);

impl Choices {
    /// Says whether an item is synced: what the person chose, otherwise what the handler proposed.
    #[must_use]
    pub fn is_checked(&self, item: &LegacyItem) -> bool {
        self.0.get(&item.id).copied().unwrap_or(item.is_checked)
    }

    /// Takes note of a choice.
    pub fn choose(&mut self, id: Guid, is_checked: bool) {
        self.0.insert(id, is_checked);
    }

    /// Takes note of a list of items and says whether that changed anything: choices for items that
    /// a complete list does not have are forgotten, an incomplete list takes nothing away.
    pub fn listed(&mut self, list: &LegacyItems) -> bool {
        if !list.is_complete {
            return false;
        }
        let n_before = self.0.len();
        self.0.retain(|id, _| list.find(*id).is_some());
        self.0.len() != n_before
    }
}

/// Where choices are kept beyond the life of the process. Neither call may wait for the center, which
/// may be reading the handler.
pub trait ChoiceStore: Send + Sync {
    /// Returns what was kept for a handler; nothing if there was nothing.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot be read. The items are then as their handler proposes, and
    /// nothing is written over what could not be read.
    fn load(&self, handler: Guid) -> Result<Choices, Failure>;

    /// Keeps the choices for a handler in place of those before.
    ///
    /// # Errors
    /// A [`Failure`] when they cannot be kept; the choice then holds until the process ends.
    fn save(&self, handler: Guid, choices: &Choices) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::ItemFlags;

    fn item(number: u8, is_checked: bool) -> LegacyItem {
        LegacyItem {
            id: Guid([number; 16]),
            name: "item".into(),
            flags: ItemFlags::default(),
            is_checked,
            last_update: None,
        }
    }

    /// spec 172: the default of the handler counts until the person chooses, and then the choice.
    #[test]
    fn a_choice_beats_the_default() {
        let mut choices = Choices::default();
        assert!(choices.is_checked(&item(1, true)));
        assert!(!choices.is_checked(&item(2, false)));
        choices.choose(Guid([1; 16]), false);
        choices.choose(Guid([2; 16]), true);
        assert!(!choices.is_checked(&item(1, true)));
        assert!(choices.is_checked(&item(2, false)));
    }

    /// spec 171: an incomplete list keeps the choices for items it does not have, a complete one
    /// forgets them.
    #[test]
    fn only_a_complete_list_forgets() {
        let mut choices = Choices::default();
        choices.choose(Guid([1; 16]), false);
        choices.choose(Guid([2; 16]), false);
        let mut list = LegacyItems {
            items: vec![item(1, true)],
            is_complete: false,
        };
        assert!(!choices.listed(&list));
        assert_eq!(choices.0.len(), 2);
        list.is_complete = true;
        assert!(choices.listed(&list));
        assert_eq!(
            choices.0.keys().copied().collect::<Vec<_>>(),
            [Guid([1; 16])]
        );
    }
}
