//! Capabilities and policies: lists of words here, bits in the model. A word that nobody knows is
//! passed over, so that a newer handler works with an older host.

use syncmgr_model::capability::{HandlerPolicies, ItemCapabilities, ItemPolicies};
use syncmgr_model::legacy;

/// The words of the policies of a handler.
pub const HANDLER_POLICIES: &[(&str, HandlerPolicies)] = &[
    ("prevent-activate", HandlerPolicies::PREVENT_ACTIVATE),
    ("prevent-deactivate", HandlerPolicies::PREVENT_DEACTIVATE),
    ("prevent-enable", HandlerPolicies::PREVENT_ENABLE),
    ("prevent-disable", HandlerPolicies::PREVENT_DISABLE),
    ("prevent-start-sync", HandlerPolicies::PREVENT_START_SYNC),
    ("prevent-stop-sync", HandlerPolicies::PREVENT_STOP_SYNC),
    ("disable-enable", HandlerPolicies::DISABLE_ENABLE),
    ("disable-disable", HandlerPolicies::DISABLE_DISABLE),
    ("disable-start-sync", HandlerPolicies::DISABLE_START_SYNC),
    ("disable-stop-sync", HandlerPolicies::DISABLE_STOP_SYNC),
    ("disable-browse", HandlerPolicies::DISABLE_BROWSE),
    ("disable-schedule", HandlerPolicies::DISABLE_SCHEDULE),
    ("hidden-by-default", HandlerPolicies::HIDDEN_BY_DEFAULT),
];

/// The words of the capabilities of an item.
pub const ITEM_CAPABILITIES: &[(&str, ItemCapabilities)] = &[
    ("can-delete", ItemCapabilities::CAN_DELETE),
    ("can-browse", ItemCapabilities::CAN_BROWSE_CONTENT),
    ("conflicts", ItemCapabilities::CONFLICT_STORE),
    ("events", ItemCapabilities::EVENT_STORE),
    ("query-before-enable", ItemCapabilities::QUERY_BEFORE_ENABLE),
    (
        "query-before-disable",
        ItemCapabilities::QUERY_BEFORE_DISABLE,
    ),
    ("query-before-delete", ItemCapabilities::QUERY_BEFORE_DELETE),
];

/// The words of the policies of an item.
pub const ITEM_POLICIES: &[(&str, ItemPolicies)] = &[
    ("prevent-enable", ItemPolicies::PREVENT_ENABLE),
    ("prevent-disable", ItemPolicies::PREVENT_DISABLE),
    ("prevent-start-sync", ItemPolicies::PREVENT_START_SYNC),
    ("prevent-stop-sync", ItemPolicies::PREVENT_STOP_SYNC),
    ("disable-enable", ItemPolicies::DISABLE_ENABLE),
    ("disable-disable", ItemPolicies::DISABLE_DISABLE),
    ("disable-start-sync", ItemPolicies::DISABLE_START_SYNC),
    ("disable-stop-sync", ItemPolicies::DISABLE_STOP_SYNC),
    ("disable-browse", ItemPolicies::DISABLE_BROWSE),
    ("disable-delete", ItemPolicies::DISABLE_DELETE),
    ("hidden-by-default", ItemPolicies::HIDDEN_BY_DEFAULT),
];

/// Writes bits as words.
#[must_use]
pub fn words<F: bitflags::Flags + Copy>(flags: F, table: &[(&str, F)]) -> Vec<String> {
    let set = table.iter().filter(|(_, flag)| flags.contains(*flag));
    set.map(|(word, _)| (*word).to_owned()).collect()
}

/// Reads words as bits.
#[must_use]
pub fn bits<F: bitflags::Flags + Copy>(words: &[String], table: &[(&str, F)]) -> F {
    let mut flags = F::empty();
    for (word, flag) in table {
        if words.iter().any(|own| own == word) {
            flags.insert(*flag);
        }
    }
    flags
}

/// Writes what a handler of the older family is and may.
#[must_use]
pub fn legacy_handler_words(flags: legacy::HandlerFlags) -> Vec<String> {
    let table = [
        (flags.has_properties, "has-properties"),
        (flags.may_establish_connection, "may-establish-connection"),
        (flags.is_always_listed, "always-listed"),
        (flags.is_hidden, "hidden"),
    ];
    chosen(&table)
}

/// Reads what a handler of the older family is and may.
#[must_use]
pub fn legacy_handler_flags(words: &[String]) -> legacy::HandlerFlags {
    let has = |word: &str| words.iter().any(|own| own == word);
    legacy::HandlerFlags {
        has_properties: has("has-properties"),
        may_establish_connection: has("may-establish-connection"),
        is_always_listed: has("always-listed"),
        is_hidden: has("hidden"),
    }
}

/// Writes what an item of the older family is and may.
#[must_use]
pub fn legacy_item_words(flags: legacy::ItemFlags) -> Vec<String> {
    let table = [
        (flags.has_properties, "has-properties"),
        (flags.is_temporary, "temporary"),
        (flags.is_of_roaming_user, "roaming-user"),
        (flags.has_update_time, "update-time"),
        (flags.may_be_deleted, "may-be-deleted"),
        (flags.is_hidden, "hidden"),
    ];
    chosen(&table)
}

/// Reads what an item of the older family is and may.
#[must_use]
pub fn legacy_item_flags(words: &[String]) -> legacy::ItemFlags {
    let has = |word: &str| words.iter().any(|own| own == word);
    legacy::ItemFlags {
        has_properties: has("has-properties"),
        is_temporary: has("temporary"),
        is_of_roaming_user: has("roaming-user"),
        has_update_time: has("update-time"),
        may_be_deleted: has("may-be-deleted"),
        is_hidden: has("hidden"),
    }
}

fn chosen(table: &[(bool, &str)]) -> Vec<String> {
    let set = table.iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, word)| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bit that is not told in another way has a word, and comes back by it.
    #[test]
    fn all_bits_have_words() {
        let all = HandlerPolicies::all();
        assert_eq!(bits(&words(all, HANDLER_POLICIES), HANDLER_POLICIES), all);
        let all = ItemPolicies::all();
        assert_eq!(bits(&words(all, ITEM_POLICIES), ITEM_POLICIES), all);
        let all = ItemCapabilities::all() - ItemCapabilities::PROVIDES_ICON;
        let own = words(ItemCapabilities::all(), ITEM_CAPABILITIES);
        assert_eq!(bits(&own, ITEM_CAPABILITIES), all);
        for bit in 0..=legacy::ItemFlags::MASK {
            let flags = legacy::ItemFlags::from_bits(bit);
            assert_eq!(legacy_item_flags(&legacy_item_words(flags)), flags);
            let flags = legacy::HandlerFlags::from_bits(bit);
            assert_eq!(legacy_handler_flags(&legacy_handler_words(flags)), flags);
        }
    }

    #[test]
    fn an_unknown_word_is_passed_over() {
        let own = ["prevent-gravity".to_owned(), "disable-browse".to_owned()];
        assert_eq!(
            bits(&own, HANDLER_POLICIES),
            HandlerPolicies::DISABLE_BROWSE
        );
    }
}
