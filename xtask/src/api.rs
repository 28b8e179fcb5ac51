//! `api`: sends the API what its description allows, and much that it does not, and looks whether
//! every answer is one that the description promises.
//!
//! The daemon's own front, gate, routes and center answer; behind them is a handler that touches no
//! file. A real one would be asked to sync `/` with `/` sooner or later.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::args::Args;
use crate::shell;

/// Most seconds of trying; half of the cases come in the first ten.
const SECONDS: u32 = 60;
/// What is compared with the description, beside that the daemon makes no mistake.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,ignored_auth";
/// The stream does not end, and the tokens would be taken away from who tries.
const LEFT_OUT: [&str; 2] = ["/api/v1/stream", "/api/v1/tokens/{name}"];

pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let mut args = Args::new(words);
    let seconds = args.option("--seconds")?.unwrap_or(SECONDS);
    let seed: Option<String> = args.option("--seed")?;
    args.finish()?;
    let front = Front::start()?;
    let mut command = Command::new(program());
    command
        .env("PYTHONPATH", packages())
        .current_dir(shell::target())
        .arg("--config-file")
        .arg(shell::root().join("openapi/schemathesis.toml"))
        .arg("run")
        .arg(shell::root().join("openapi/syncmgr-v1.json"))
        .args(["--url", &front.address])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", front.token),
        ])
        .args(["--max-time", &seconds.to_string()])
        .args(["--phases", "coverage,fuzzing", "--checks", CHECKS]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    if let Some(seed) = &seed {
        command.args(["--seed", seed]);
    }
    // Its words hold the token, so they are not part of the message.
    let status = command
        .status()
        .context("cannot start schemathesis (`cargo xtask setup` installs it)")?;
    if !status.success() {
        bail!("the API and its description differ; the log above has the seed and the requests");
    }
    Ok(())
}

/// Where `setup` puts schemathesis and what it needs.
pub(crate) fn packages() -> PathBuf {
    shell::tools().join("schemathesis")
}

/// The program itself.
pub(crate) fn program() -> PathBuf {
    packages().join("bin/schemathesis")
}

/// The API, running; ends when this is dropped.
struct Front {
    child: Child,
    address: String,
    token: String,
}

impl Front {
    fn start() -> Result<Self> {
        let mut cargo = shell::cargo();
        cargo.args(["run", "--quiet", "--package", "syncmgr-server"]);
        cargo.args(["--example", "front"]);
        let mut child = cargo
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the API")?;
        let stdout = child.stdout.take().context("the API has no output")?;
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("the API does not say where it is")?;
        let Some((address, token)) = line.trim_end().split_once(' ') else {
            bail!("the API did not start");
        };
        Ok(Self {
            address: address.to_owned(),
            token: token.to_owned(),
            child,
        })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
