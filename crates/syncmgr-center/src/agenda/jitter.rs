//! Chance that is the same every time: many items of one schedule spread out, and each of them
//! always starts at its own moment.

use syncmgr_model::id::ItemId;
use syncmgr_model::schedule::Schedule;
use syncmgr_model::time::Timestamp;

/// Returns the seed of an item.
#[must_use]
pub fn seed_of(item: &ItemId) -> u64 {
    fnv(item.as_str().as_bytes(), FNV_START)
}

/// Returns by how many milliseconds an occurrence moves, `0..most_ms`.
pub(super) fn shift_ms(seed: u64, schedule: &str, at: Timestamp, most_ms: u64) -> u64 {
    if most_ms == 0 {
        return 0;
    }
    let mixed = fnv(&at.0.to_le_bytes(), fnv(schedule.as_bytes(), seed));
    spread(mixed) % most_ms
}

/// Returns a number that changes when the triggers or the zone do.
pub(super) fn fingerprint(schedule: &Schedule) -> u64 {
    let zone = fnv(schedule.zone.to_string().as_bytes(), FNV_START);
    schedule.triggers.iter().fold(zone, |sum, it| {
        fnv(b"\n", fnv(it.to_string().as_bytes(), sum))
    })
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every machine and in every release, which the standard hash does not
/// promise.
fn fnv(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The last step of SplitMix64: FNV alone leaves neighbouring times close together.
fn spread(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
