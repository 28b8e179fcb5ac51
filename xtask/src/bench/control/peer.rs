//! The programs that stay and answer: how each is set up with many syncs, started and asked.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::http::{Address, Connection, Place};
use crate::bench::prepare;
use crate::bench::tools::Tool;
use crate::shell;

/// The key of syncthing's API here; nobody else can reach it.
const KEY: &str = "benchmark";

/// A program with an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Syncmgr,
    /// `rclone rcd`.
    Rclone,
    Syncthing,
}

/// All of them.
pub(crate) const ALL: [Peer; 3] = [Peer::Syncmgr, Peer::Rclone, Peer::Syncthing];

/// A directory with the settings of one program for a number of syncs.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) peer: Peer,
    pub(crate) dir: PathBuf,
    pub(crate) n_items: usize,
    port: u16,
}

impl Peer {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Syncmgr => "syncmgr",
            Self::Rclone => "rclone",
            Self::Syncthing => "syncthing",
        }
    }

    pub(crate) fn find(id: &str) -> Option<Self> {
        ALL.into_iter().find(|peer| peer.id() == id)
    }

    /// Where the program is, if it is installed.
    pub(crate) fn program(self) -> Option<PathBuf> {
        match self {
            Self::Syncmgr => Tool::Syncmgr.program(),
            Self::Rclone => Tool::Rclone.program(),
            Self::Syncthing => shell::find("syncthing"),
        }
    }

    /// What it says when asked for its version, first line only.
    pub(crate) fn version(self) -> Option<String> {
        let argument = match self {
            Self::Rclone => "version",
            Self::Syncmgr | Self::Syncthing => "--version",
        };
        let text = shell::capture(Command::new(self.program()?).arg(argument)).ok()?;
        text.lines().next().map(str::to_owned)
    }

    /// Makes the home of a program with `n_items` syncs of two empty folders each. Nothing of an
    /// earlier one is left.
    ///
    /// # Errors
    /// The disk, or syncthing cannot make its key.
    pub(crate) fn settle(self, dir: &Path, n_items: usize) -> Result<Home> {
        let dir = dir.join(self.id());
        prepare::remove(&dir)?;
        let home = Home {
            peer: self,
            port: free_port()?,
            n_items,
            dir,
        };
        fs::create_dir_all(home.dir.join("state"))?;
        for item in 0..n_items {
            for side in ["left", "right"] {
                fs::create_dir_all(home.folder(side, item))?;
            }
        }
        match self {
            Self::Syncmgr => home.settle_syncmgr()?,
            Self::Rclone => home.settle_rclone()?,
            Self::Syncthing => home.settle_syncthing()?,
        }
        Ok(home)
    }
}

impl Home {
    /// Returns a folder of a sync.
    pub(crate) fn folder(&self, side: &str, item: usize) -> PathBuf {
        self.dir.join("data").join(format!("{item:06}")).join(side)
    }

    /// Returns the id of a sync of syncmgr.
    pub(crate) fn item(&self, item: usize) -> String {
        format!("files-{item:06}")
    }

    fn settle_syncmgr(&self) -> Result<()> {
        let mut text = String::new();
        for item in 0..self.n_items {
            let (left, right) = (self.folder("left", item), self.folder("right", item));
            let id = self.item(item);
            writeln!(text, "[sync.s{item:06}]\nid = \"{id}\"")?;
            writeln!(text, "left = {left:?}\nright = {right:?}\n")?;
        }
        fs::create_dir_all(self.dir.join("config"))?;
        Ok(fs::write(self.dir.join("config/config.toml"), text)?)
    }

    fn settle_rclone(&self) -> Result<()> {
        let mut text = String::new();
        for item in 0..self.n_items {
            let left = self.folder("left", item);
            writeln!(
                text,
                "[s{item:06}]\ntype = alias\nremote = {}\n",
                left.display()
            )?;
        }
        Ok(fs::write(self.dir.join("rclone.conf"), text)?)
    }

    /// syncthing makes its key and settings itself; the folders are added, and all that would ask
    /// other machines is turned off.
    fn settle_syncthing(&self) -> Result<()> {
        let mut command = self.program_with(&["generate", "--no-default-folder", "--home"])?;
        shell::capture(command.arg(self.dir.join("state")))?;
        let path = self.dir.join("state/config.xml");
        let text = fs::read_to_string(&path)?;
        let own = between(&text, "<device id=\"", "\"").context("syncthing made no key")?;
        let mut folders = String::new();
        for item in 0..self.n_items {
            let left = self.folder("left", item);
            fs::create_dir_all(left.join(".stfolder"))?;
            let path = left.display();
            writeln!(
                folders,
                "<folder id=\"s{item:06}\" path=\"{path}\" type=\"sendreceive\">\
                 <device id=\"{own}\"></device></folder>"
            )?;
        }
        let mut text = text.replacen("<device id=", &format!("{folders}<device id="), 1);
        for name in [
            "globalAnnounceEnabled",
            "localAnnounceEnabled",
            "relaysEnabled",
        ] {
            text = off(&text, name);
        }
        for name in ["natEnabled", "crashReportingEnabled"] {
            text = off(&text, name);
        }
        text = text.replace("<urAccepted>0<", "<urAccepted>-1<");
        text = text.replace(
            "<listenAddress>default<",
            "<listenAddress>tcp://127.0.0.1:0<",
        );
        Ok(fs::write(path, text)?)
    }

    fn program_with(&self, words: &[&str]) -> Result<Command> {
        let program = self.peer.program().context("not installed")?;
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.dir);
        // Whatever it keeps, it keeps here.
        command.env("HOME", self.dir.join("state"));
        Ok(command)
    }

    /// Returns the command that stays and answers.
    ///
    /// # Errors
    /// It is not installed.
    pub(crate) fn command(&self) -> Result<Command> {
        let at = format!("127.0.0.1:{}", self.port);
        let mut command;
        match self.peer {
            Peer::Syncmgr => {
                command = self.program_with(&["daemon", "run"])?;
                command.env("SYNCMGR_STATE_DIR", self.dir.join("state"));
                command.env("SYNCMGR_CONFIG_DIR", self.dir.join("config"));
                command.env("SYNCMGR_RUNTIME_DIR", self.dir.join("run"));
                command.env("SYNCMGR_DAEMON_LISTEN", self.port.to_string());
                command.env_remove("NOTIFY_SOCKET");
            }
            Peer::Rclone => {
                command = self.program_with(&["rcd", "--rc-no-auth", "--rc-addr", &at])?;
                command.env("RCLONE_CONFIG", self.dir.join("rclone.conf"));
                command.env("RCLONE_CACHE_DIR", self.dir.join("state"));
            }
            Peer::Syncthing => {
                command = self.program_with(&["serve", "--no-browser", "--no-restart"])?;
                command.args(["--no-upgrade", "--gui-apikey", KEY]);
                command.arg("--gui-address").arg(format!("http://{at}"));
                command.arg("--home").arg(self.dir.join("state"));
                command.env("STNODEFAULTFOLDER", "1");
            }
        }
        Ok(command)
    }

    /// Returns where it answers first.
    pub(crate) fn address(&self) -> Address {
        let tcp = Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        match self.peer {
            Peer::Syncmgr => Address {
                place: Place::Unix(self.dir.join("run/syncmgr.sock")),
                headers: Vec::new(),
            },
            Peer::Rclone => Address {
                place: tcp,
                headers: Vec::new(),
            },
            Peer::Syncthing => Address {
                place: tcp,
                headers: vec![("X-API-Key".to_owned(), KEY.to_owned())],
            },
        }
    }

    /// Asks something small that needs the whole program; `true` when it was answered.
    pub(crate) fn probe(&self, connection: &mut Connection) -> bool {
        let answer = match self.peer {
            Peer::Syncmgr => connection.get("/api/v1/items?limit=1"),
            Peer::Rclone => connection.post("/rc/noop", "{}"),
            Peer::Syncthing => connection.get("/rest/system/ping"),
        };
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Looks whether it knows all the syncs it was set up with.
    ///
    /// # Errors
    /// It knows another number of them.
    pub(crate) fn check(&self, connection: &mut Connection) -> Result<()> {
        let n = match self.peer {
            Peer::Syncmgr => self.count_items(connection)?,
            Peer::Rclone => {
                let answer = connection.post("/config/listremotes", "{}")?.json()?;
                answer["remotes"].as_array().map_or(0, Vec::len)
            }
            Peer::Syncthing => {
                let answer = connection.get("/rest/config/folders")?.json()?;
                answer.as_array().map_or(0, Vec::len)
            }
        };
        if n != self.n_items {
            bail!("{} knows {n} of {} syncs", self.peer.id(), self.n_items);
        }
        Ok(())
    }

    fn count_items(&self, connection: &mut Connection) -> Result<usize> {
        let mut n = 0;
        let mut path = "/api/v1/items?limit=1000".to_owned();
        loop {
            let page = connection.get(&path)?.json()?;
            n += page["items"].as_array().map_or(0, Vec::len);
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/api/v1/items?limit=1000&cursor={cursor}"),
                None => return Ok(n),
            }
        }
    }
}

/// Asks the system for a port that nobody uses. Somebody may take it before the program does; then
/// that start fails and says so.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn off(xml: &str, name: &str) -> String {
    xml.replace(&format!("<{name}>true<"), &format!("<{name}>false<"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_cut_out_and_turned_off() {
        assert_eq!(between("<device id=\"AB\" x>", "id=\"", "\""), Some("AB"));
        assert_eq!(between("nothing", "id=\"", "\""), None);
        assert_eq!(off("<a><x>true</x></a>", "x"), "<a><x>false</x></a>");
    }
}
