//! Automation of the workspace: one file per verb. `cargo xtask` without a verb lists them.
//!
//! Must not: be needed by the product. Nothing under `crates/` depends on this program.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person at the terminal and has no other output"
)]

mod api;
mod args;
mod bench;
mod ci;
mod clock;
mod kill;
mod measure;
mod page;
mod setup;
mod shell;
mod sim;
mod spec;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask VERB

  setup                       install what tests and benchmarks need, where missing
  ci                          everything that continuous integration runs
  tidy                        rules about the repository that no compiler checks
  spec   [--report] [--verbose]
                              which capabilities of docs/spec.md have a test
  sim    [--center] --seeds N [--from S]
                              run the simulator over N seeds
  kill   [--rounds N] [--files N] [--seed S] [--dir DIR] [--program FILE]
                              kill real runs at random moments and look at what is left
  api    [--seconds N] [--seed S]
                              send the API what its description allows and forbids
  page check|test [--smoke] [--only NAME]|shots [--readme] [--dir DIR]
                              the page: types and rules; in a browser; its pictures
  bench  [--only W1,W2] [--tools syncmgr,rsync] [--runs N] [--scale 0.1] [--smoke]
         [--dir DIR] [--image] [--keep] [--json FILE]
                              compare with other tools on the workloads W0 to W7, and
                              measure runs after a watch (W2w, W10)
  bench control [--only start,idle,sessions,progress,events,list] [--tools syncmgr,rclone]
         [--runs N] [--scale 0.1] [--smoke] [--dir DIR] [--image] [--json FILE]
                              the daemon beside rclone rcd and syncthing
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    match run(&verb, words.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {verb}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &str, words: Vec<String>) -> Result<()> {
    match verb {
        "setup" => setup::run(),
        "ci" => ci::run(),
        "tidy" => tidy::run(),
        "spec" => spec::run(words),
        "sim" => sim::run(words),
        "kill" => kill::run(words),
        "api" => api::run(words),
        "page" => page::run(words),
        "bench" => bench::run(words),
        "measure" => measure::run(words),
        "" | "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("there is no verb `{other}`\n\n{HELP}"),
    }
}
