//! A desktop of its own for a test: a bus and a keyring in a folder that goes away.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use syncmgr_vault::{Standing, Vault};
use tempfile::TempDir;

/// What has to be installed.
const PROGRAMS: [&str; 2] = ["dbus-daemon", "gnome-keyring-daemon"];

/// A bus with a keyring.
pub(crate) struct Desktop {
    home: TempDir,
    bus: Child,
    keyring: Option<Child>,
    address: String,
}

/// A session bus that starts no program by itself: the service that is asked is the one of the
/// test, and not another one that was quicker to take its name.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

impl Desktop {
    /// Starts one whose keyring is open; `None` where the programs are not installed, which only
    /// a person's own machine may be.
    #[expect(
        clippy::print_stderr,
        reason = "whoever reads the output of the tests is told why this one says nothing"
    )]
    pub(crate) fn start() -> Option<Self> {
        for program in PROGRAMS {
            let there = Command::new(program).arg("--version").output();
            if there.is_err() {
                assert!(
                    std::env::var_os("CI").is_none(),
                    "{program} is not installed"
                );
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("bus.conf");
        std::fs::write(&config, BUS).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address"])
            .arg(format!("--config-file={}", config.display()))
            .env("HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let mut desktop = Self {
            home,
            bus,
            keyring: None,
            address: address.trim().to_owned(),
        };
        desktop.start_keyring(true);
        desktop.wait_for(Standing::Open);
        Some(desktop)
    }

    fn start_keyring(&mut self, is_unlocked: bool) {
        let home = self.home.path();
        let run = home.join("run");
        std::fs::create_dir_all(&run).unwrap();
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(["--foreground", "--components=secrets"])
            .arg(format!("--control-directory={}", run.display()))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", &run)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if is_unlocked {
            command.arg("--unlock");
        } else {
            command.arg("--start");
        }
        let mut keyring = command.spawn().unwrap();
        let mut stdin = keyring.stdin.take().unwrap();
        if is_unlocked {
            stdin.write_all(b"password of the test").unwrap();
        }
        drop(stdin);
        self.keyring = Some(keyring);
    }

    /// Locks the keyring: its program begins anew and nobody says the password.
    pub(crate) fn lock(&mut self) {
        end(self.keyring.take());
        self.start_keyring(false);
        self.wait_for(Standing::Locked);
    }

    /// Returns a vault that uses this keyring.
    pub(crate) fn vault(&self, state: &Path) -> Vault {
        Vault::on_bus(state, Some(self.address.clone()))
    }

    #[track_caller]
    fn wait_for(&self, wanted: Standing) {
        let vault = self.vault(self.home.path());
        let mut last = Standing::Absent;
        for _ in 0..100 {
            last = vault.standing();
            if last == wanted {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the keyring is {last:?}, not {wanted:?}");
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        end(self.keyring.take());
        drop(self.bus.kill());
        drop(self.bus.wait());
    }
}

fn end(child: Option<Child>) {
    if let Some(mut child) = child {
        drop(child.kill());
        drop(child.wait());
    }
}
