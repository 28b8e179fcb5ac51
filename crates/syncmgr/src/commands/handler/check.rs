//! `handler check`: plays the conformance kit to a handler.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;
use syncmgr_host::conformance::{Check, Outcome, Report, Verdict, cases};

use crate::app::App;
use crate::clock::MachineClock;
use crate::commands::Done;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{CheckCaseJson, HandlerCheckOutput, SCHEMA};
use crate::ui::safe;

/// Try whether a handler keeps the protocol.
///
/// The program is started once for each case, with an empty environment, in folders that are made
/// for it and removed afterwards. It is not put into a sandbox.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Play only this case (may be given several times)
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Give the items of the cases this setting instead of a made-up one
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write the outcome to this file, as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    argv: Vec<String>,
}

/// Runs `handler check`.
pub(super) fn run(app: &App, args: &CheckArgs) -> Done {
    for name in &args.only {
        if !cases().iter().any(|case| case.name == *name) {
            return Err(
                CliError::not_found(format!("there is no case `{}`", safe(name)))
                    .hint("without `--only` all cases are played, each with its name"),
            );
        }
    }
    let scratch = tempfile::Builder::new()
        .prefix("syncmgr-check-")
        .tempdir()
        .map_err(|error| CliError::new(Exit::Failed, format!("cannot make a folder: {error}")))?;
    let check = Check {
        argv: args.argv.iter().map(|word| absolute(word)).collect(),
        only: args.only.clone(),
        settings: settings(&args.set)?,
        scratch: scratch.path().to_owned(),
        clock: Arc::new(MachineClock::start()),
    };
    let report = check.run(|outcome| show(app, outcome)).map_err(|why| {
        CliError::new(
            Exit::Failed,
            format!("the handler cannot be checked: {}", safe(&why)),
        )
    })?;
    if let Some(file) = &args.junit {
        fs::write(file, report.junit()).map_err(|error| {
            let file = file.display().to_string();
            CliError::new(
                Exit::Failed,
                format!("cannot write `{}`: {error}", safe(&file)),
            )
        })?;
    }
    app.ui.json(&json(&report));
    app.ui.say(report.headline());
    Ok(if report.has_passed() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The program is started in another folder: a word that names a file means the one that is here.
fn absolute(word: &str) -> String {
    let names_file = word.contains('/') || PathBuf::from(word).is_file();
    if !names_file || word.starts_with('-') {
        return word.to_owned();
    }
    match std::path::absolute(word) {
        Ok(path) if path.exists() => path.to_string_lossy().into_owned(),
        Ok(_) | Err(_) => word.to_owned(),
    }
}

fn settings(words: &[String]) -> Result<BTreeMap<String, Value>, CliError> {
    let read = |word: &String| match word.split_once('=') {
        Some((key, value)) => {
            let number = value.parse::<u64>().map(Value::from);
            Ok((key.to_owned(), number.unwrap_or_else(|_| value.into())))
        }
        None => Err(CliError::usage(format!(
            "`{}` is not KEY=VALUE",
            safe(word)
        ))),
    };
    words.iter().map(read).collect()
}

fn show(app: &App, outcome: &Outcome) {
    let name = safe(&outcome.name);
    match &outcome.verdict {
        Verdict::Passed => app.ui.say(format!("  pass  {name}")),
        Verdict::Skipped(why) => app.ui.say(format!("  skip  {name}: {}", safe(why))),
        Verdict::Failed(why) => {
            app.ui.say(format!("  FAIL  {name}: {}", safe(why)));
            app.ui.say(format!("        asked: {}", outcome.about));
        }
    }
}

fn json(report: &Report) -> HandlerCheckOutput {
    HandlerCheckOutput {
        schema: SCHEMA,
        handler: safe(&report.handler),
        passed: report.has_passed(),
        headline: report.headline(),
        cases: report.outcomes.iter().map(case).collect(),
    }
}

fn case(outcome: &Outcome) -> CheckCaseJson {
    let (result, reason) = match &outcome.verdict {
        Verdict::Passed => ("passed", None),
        Verdict::Failed(why) => ("failed", Some(safe(why))),
        Verdict::Skipped(why) => ("skipped", Some(safe(why))),
    };
    CheckCaseJson {
        name: outcome.name.clone(),
        about: outcome.about.clone(),
        result,
        reason,
        elapsed_ms: outcome.elapsed_ms,
    }
}
