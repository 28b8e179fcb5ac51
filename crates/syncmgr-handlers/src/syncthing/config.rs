//! Reads the configuration of Syncthing: its folders, the devices they are shared with, and where
//! its REST interface listens. The key is read each time and kept nowhere.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::trouble::{Code, Trouble};

use super::xml::{self, Element};
use crate::tool::{Context, Secret};

/// Largest configuration that is read.
const SIZE_MAX: u64 = 32 << 20;

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) path: PathBuf,
    pub(super) is_paused: bool,
    /// The devices it is shared with, this one too.
    pub(super) devices: Vec<String>,
}

impl Folder {
    /// Returns what people call it.
    pub(super) fn name(&self) -> &str {
        if self.label.is_empty() {
            &self.id
        } else {
            &self.label
        }
    }
}

/// Where the REST interface is, and what lets us in.
#[derive(Debug, Clone)]
pub(super) struct Gui {
    /// As `http://127.0.0.1:8384`.
    pub(super) base: String,
    pub(super) is_loopback: bool,
    pub(super) key: Secret,
}

/// The configuration.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) file: PathBuf,
    pub(super) folders: Vec<Folder>,
    /// Ids and names.
    devices: Vec<(String, String)>,
    gui: Result<Gui, &'static str>,
}

impl Config {
    /// Returns what people call a device; also for the beginning of its id.
    pub(super) fn device<'a>(&'a self, id: &'a str) -> &'a str {
        let found = self.devices.iter().find(|(it, _)| it.starts_with(id));
        match found {
            Some((_, name)) if !name.is_empty() => name,
            _ => id.get(..7).unwrap_or(id),
        }
    }

    pub(super) fn folder(&self, id: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.id == id)
    }

    /// Returns how to reach it.
    pub(super) fn gui(&self, ctx: &Context) -> Result<&Gui, Trouble> {
        self.gui.as_ref().map_err(|why| {
            Trouble::new(Code::ToolFailed)
                .with("tool", "Syncthing")
                .with("detail", format!("{why}, says {}", ctx.shown(&self.file)))
                .with(
                    "advice",
                    "turn the page of Syncthing on, at an address of this machine",
                )
        })
    }
}

/// Returns where the configuration may lie, the first that is there first.
pub(super) fn places(ctx: &Context) -> Vec<PathBuf> {
    let below = |dir: Option<PathBuf>| dir.map(|dir| dir.join("syncthing"));
    // Version 2, and 1.27 for new installations, keep it with their state.
    [below(ctx.user_state_dir()), below(ctx.config_dir())]
        .into_iter()
        .flatten()
        .collect()
}

/// Reads the configuration of a folder, or of the first place that has one; `None`: there is none.
pub(super) fn load(ctx: &Context, dir: Option<&Path>) -> Result<Option<Config>, Trouble> {
    let dirs = match dir {
        Some(dir) => vec![dir.to_owned()],
        None => places(ctx),
    };
    for dir in dirs {
        let file = dir.join("config.xml");
        let mut bytes = Vec::new();
        let read = fs::File::open(&file).and_then(|it| it.take(SIZE_MAX).read_to_end(&mut bytes));
        match read {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(unreadable(ctx, &file, &e.to_string())),
        }
        let text = String::from_utf8_lossy(&bytes);
        let all = xml::parse(&text).map_err(|why| unreadable(ctx, &file, why))?;
        return Ok(Some(read_config(ctx, file, &all)));
    }
    Ok(None)
}

fn unreadable(ctx: &Context, file: &Path, why: &str) -> Trouble {
    Trouble::new(Code::ToolFailed)
        .with("tool", "Syncthing")
        .with(
            "detail",
            format!(
                "its configuration {} cannot be read ({})",
                ctx.shown(file),
                escape(why.as_bytes())
            ),
        )
        .with("advice", "see whether Syncthing starts, then sync again")
}

fn read_config(ctx: &Context, file: PathBuf, all: &Element) -> Config {
    let is_yes = |element: &Element, name: &str| element.text_of(name) == Some("true");
    let folders = all.all("folder").filter_map(|folder| {
        let text = |name: &str| folder.attribute(name).unwrap_or_default().to_owned();
        let id = text("id");
        (!id.is_empty()).then(|| Folder {
            label: text("label"),
            path: ctx.place(&text("path")),
            is_paused: is_yes(folder, "paused"),
            devices: folder
                .all("device")
                .filter_map(|device| device.attribute("id").map(str::to_owned))
                .collect(),
            id,
        })
    });
    let devices = all.all("device").filter_map(|device| {
        let name = device.attribute("name").unwrap_or_default();
        Some((device.attribute("id")?.to_owned(), name.to_owned()))
    });
    Config {
        folders: folders.collect(),
        devices: devices.collect(),
        gui: read_gui(all),
        file,
    }
}

fn read_gui(all: &Element) -> Result<Gui, &'static str> {
    let gui = all.child("gui").ok_or("it has no page")?;
    if gui.attribute("enabled") == Some("false") {
        return Err("its page is turned off");
    }
    let key = gui.text_of("apikey").filter(|key| !key.is_empty());
    let key = key.ok_or("it has no key for programs")?;
    let address = gui.text_of("address").unwrap_or_default();
    if address.starts_with('/') || address.starts_with("unix:") {
        return Err("its page is at a socket, which syncmgr does not reach");
    }
    let (host, port) = address.rsplit_once(':').ok_or("its page has no address")?;
    if port.parse::<u16>().is_err() {
        return Err("its page has no fixed port");
    }
    // One that listens everywhere is reached from here.
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    let is_loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let scheme = match gui.attribute("tls") {
        Some("true") => "https",
        _ => "http",
    };
    Ok(Gui {
        base: format!("{scheme}://{host}:{port}"),
        is_loopback,
        key: Secret::new(key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gui(text: &str) -> Result<(String, bool), &'static str> {
        let all = xml::parse(text).unwrap();
        read_gui(&all).map(|gui| (gui.base, gui.is_loopback))
    }

    #[test]
    fn where_the_page_is() {
        let check = |attributes: &str, address: &str, expected: Result<(&str, bool), ()>| {
            let text = format!(
                "<c><gui {attributes}><address>{address}</address><apikey>k</apikey></gui></c>"
            );
            let found = gui(&text).map_err(|_| ());
            assert_eq!(
                found,
                expected.map(|(base, is)| (base.to_owned(), is)),
                "{text}"
            );
        };
        check(
            "enabled='true'",
            "127.0.0.1:8384",
            Ok(("http://127.0.0.1:8384", true)),
        );
        check("tls='true'", "0.0.0.0:1", Ok(("https://127.0.0.1:1", true)));
        check("", "[::]:8384", Ok(("http://[::1]:8384", true)));
        check(
            "",
            "192.168.1.2:8384",
            Ok(("http://192.168.1.2:8384", false)),
        );
        check("enabled='false'", "127.0.0.1:8384", Err(()));
        check("", "/run/st.sock", Err(()));
        check("", "127.0.0.1:dynamic", Err(()));
    }
}
