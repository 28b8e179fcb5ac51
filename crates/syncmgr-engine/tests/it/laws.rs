//! What holds for every base and whatever two people did to it.
//!
//! A case is a tree and a list of edits for each side, drawn from so few names that deletions,
//! renames, changes of kind and equal changes keep meeting each other. `PROPTEST_CASES` sets how
//! many cases are tried; a failure prints the smallest case as Rust, to be kept as a named test in
//! `tables`.

mod case;
mod part;
mod safety;
mod whole;

use proptest::test_runner::Config;

/// Cases of each law, unless `PROPTEST_CASES` says otherwise.
const N_CASES: u32 = 256;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok();
    Config {
        cases: cases.and_then(|n| n.parse().ok()).unwrap_or(N_CASES),
        // What is found becomes a named table, which a reader can understand.
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    }
}
