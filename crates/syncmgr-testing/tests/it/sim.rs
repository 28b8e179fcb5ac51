//! A short dose of the simulator; `cargo xtask sim` has the long one.

use syncmgr_testing::sim::{SimOptions, check_repeatable, crash_everywhere, run_many, run_seed};

/// Seeds of the dose: a few seconds of an unoptimised build.
const N_SEEDS: u64 = 24;

#[test]
fn no_invariant_breaks_in_a_short_dose() {
    // From 1, so that no seed of the dose also crashes everywhere.
    if let Err(failure) = run_many(1, N_SEEDS) {
        panic!("{failure}");
    }
}

#[test]
fn a_crash_at_every_step_leaves_what_no_crash_would() {
    // Scenarios that once broke: renames, directories that come back, files that become folders.
    for seed in [125, 5002, 5060] {
        if let Err(failure) = crash_everywhere(seed) {
            panic!("{failure}");
        }
    }
}

#[test]
fn a_seed_repeats_byte_for_byte() {
    let options = SimOptions::default();
    for seed in 1..6 {
        let done =
            run_seed(seed, &options).and_then(|first| check_repeatable(seed, &options, &first));
        if let Err(failure) = done {
            panic!("{failure}");
        }
    }
}

#[test]
fn what_once_broke_stays_whole() {
    // Racy clocks, damaged states, names that fold, killed runs by a clock that was set back.
    for seed in [
        181, 223, 376, 726, 1264, 1375, 20331, 21297, 21703, 100_835, 104_697, 401_175, 615_017,
    ] {
        if let Err(failure) = run_seed(seed, &SimOptions::default()) {
            panic!("{failure}");
        }
    }
}
