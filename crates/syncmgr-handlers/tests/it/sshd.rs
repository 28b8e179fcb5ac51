//! A real ssh server on the loopback, with keys of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Machine, have};
use crate::server::Server;

/// The server, and how to reach it.
pub(crate) struct Sshd {
    _server: Server,
    pub(crate) port: u16,
    dir: PathBuf,
}

impl Sshd {
    /// Starts it. `set_env` are variables that programs started through it get.
    pub(crate) fn start(machine: &Machine, set_env: &[(&str, &Path)]) -> Option<Self> {
        let (sshd, keygen) = (have("sshd")?, have("ssh-keygen")?);
        have("ssh")?;
        let dir = machine.dir("sshd");
        for key in ["host", "user", "stranger"] {
            let made = Command::new(&keygen)
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(dir.join(key))
                .status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        // Only root needs it, and Debian makes it with its own service.
        drop(std::fs::create_dir_all("/run/sshd"));
        let at = |name: &str| dir.join(name).display().to_string();
        let set_env: Vec<_> = set_env
            .iter()
            .map(|(name, value)| format!("{name}={}", value.display()))
            .collect();
        let mut config = format!(
            "ListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\n",
            at("host"),
            at("authorized")
        );
        if !set_env.is_empty() {
            config += "SetEnv ";
            config += &set_env.join(" ");
            config += "\n";
        }
        let config_file = dir.join("sshd_config");
        std::fs::write(&config_file, config).unwrap();
        let config = config_file.display().to_string();
        let server = Server::start(
            &sshd,
            |port| {
                let words = ["-D", "-f", &config, "-p", &port.to_string()];
                words.map(str::to_owned).to_vec()
            },
            &[],
        );
        let port = server.port;
        let host_key = std::fs::read_to_string(dir.join("host.pub")).unwrap();
        let known = format!("[127.0.0.1]:{port} {host_key}");
        std::fs::write(dir.join("known"), known).unwrap();
        let this = Self {
            _server: server,
            port,
            dir,
        };
        this.write_config("user");
        Some(this)
    }

    /// Returns the configuration of the client, for `ssh -F`.
    pub(crate) fn client_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    /// Lets the client sign in with this key: `user`, or `stranger`, whom the server does not know.
    pub(crate) fn write_config(&self, key: &str) {
        let text = format!(
            "Host *\n  Port {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  \
             GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n",
            self.port,
            self.dir.join(key).display(),
            self.dir.join("known").display()
        );
        std::fs::write(self.client_config(), text).unwrap();
    }
}
