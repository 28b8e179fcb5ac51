//! Which folders of this machine remotes of rclone stand for: an alias of a folder is that folder,
//! and what is encrypted or put together lies in one. Reads the configuration only.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::chosen::Place;
use super::discover::{Config, config_file, read_config};
use crate::tool::Context;

/// Most remotes that lead to each other: rclone itself would not end otherwise.
const DEPTH_MAX: usize = 16;

/// Kinds of remotes that keep their files in another one, under other names.
const WRAPPING: [&str; 5] = ["crypt", "chunker", "compress", "hasher", "cache"];

/// The remotes of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Remotes {
    all: BTreeMap<String, BTreeMap<String, String>>,
}

impl Remotes {
    /// Reads a configuration, or the one that rclone takes by itself. One that cannot be read has
    /// no remotes: what they stand for is unknown then.
    pub(crate) fn load(ctx: &Context, file: Option<&Path>) -> Self {
        let file = file.map(Path::to_owned).or_else(|| config_file(ctx));
        let config = file.and_then(|file| read_config(ctx, &file).ok().flatten());
        match config {
            Some(Config::Plain(remotes)) => Self {
                all: remotes
                    .into_iter()
                    .map(|remote| (remote.name, remote.settings))
                    .collect(),
            },
            Some(Config::Encrypted) | None => Self::default(),
        }
    }

    /// Follows aliases: returns what rclone works on in the end.
    pub(super) fn resolve(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..DEPTH_MAX {
            let Some((remote, path)) = self.remote(&text) else {
                break;
            };
            match (remote.get("type").map(String::as_str), remote.get("remote")) {
                (Some("alias"), Some(to)) => text = joined(to, path),
                _ => break,
            }
        }
        text
    }

    /// Returns the settings of the remote of a place, and the path in it.
    fn remote<'t>(&self, text: &'t str) -> Option<(&BTreeMap<String, String>, &'t str)> {
        let (name, path) = text
            .split_once(':')
            .filter(|_| !text.starts_with(['/', ':']))?;
        // `remote,option=value:path`
        let name = name.split(',').next().unwrap_or(name);
        Some((self.all.get(name)?, path))
    }

    /// Returns the folder of this machine that a place is.
    pub(crate) fn folder(&self, ctx: &Context, text: &str) -> Option<PathBuf> {
        let text = self.resolve(text);
        let path = match self.remote(&text) {
            Some((remote, path)) => {
                let is_local = remote.get("type").is_some_and(|kind| kind == "local");
                is_local.then(|| path.to_owned())?
            }
            None => text.strip_prefix(":local:").unwrap_or(&text).to_owned(),
        };
        let path = ctx.place(&path);
        path.is_absolute().then(|| tidy(&path))
    }

    /// Returns all folders of this machine that a run with a place could work in.
    pub(super) fn folders(&self, ctx: &Context, place: &Place) -> Vec<PathBuf> {
        match place {
            Place::Local(path) => vec![path.clone()],
            Place::Remote(text) => {
                let mut found = Vec::new();
                self.reach(ctx, text, 0, &mut found);
                found
            }
        }
    }

    fn reach(&self, ctx: &Context, text: &str, depth: usize, found: &mut Vec<PathBuf>) {
        if let Some(folder) = self.folder(ctx, text) {
            found.push(folder);
            return;
        }
        let text = self.resolve(text);
        let Some((remote, path)) = self.remote(&text).filter(|_| depth < DEPTH_MAX) else {
            return;
        };
        let kind = remote.get("type").map_or("", String::as_str);
        if WRAPPING.contains(&kind)
            && let Some(within) = remote.get("remote")
        {
            // Names are other ones in there, so it is all of it.
            self.reach(ctx, within, depth + 1, found);
        }
        for upstream in remote.get("upstreams").into_iter().flat_map(|it| words(it)) {
            match kind {
                "union" => {
                    let plain = [":ro", ":nc", ":writeback"]
                        .iter()
                        .find_map(|end| upstream.strip_suffix(end));
                    let upstream = joined(plain.unwrap_or(&upstream), path);
                    self.reach(ctx, &upstream, depth + 1, found);
                }
                "combine" => {
                    let within = upstream.split_once('=').map_or("", |(_, within)| within);
                    self.reach(ctx, within, depth + 1, found);
                }
                _ => {}
            }
        }
    }
}

/// Splits a list of remotes, of which some may stand in quotes.
fn words(text: &str) -> Vec<String> {
    let mut is_quoted = false;
    let parts = text.split(|c: char| {
        is_quoted ^= c == '"';
        c.is_whitespace() && !is_quoted
    });
    parts
        .map(|part| part.replace('"', ""))
        .filter(|part| !part.is_empty())
        .collect()
}

/// Returns the place of a path below another one.
fn joined(root: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        root.to_owned()
    } else if root.ends_with([':', '/']) {
        format!("{root}{path}")
    } else {
        format!("{root}/{path}")
    }
}

/// Takes `..` out, as rclone does before it looks.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncmgr_engine::clock::SystemClock;

    use super::*;

    #[test]
    fn remotes_lead_to_folders() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rclone.conf");
        let text = "[ova]\ntype = alias\nremote = /ov/a\n[twice]\ntype = alias\nremote = ova:in\n\
                    [nas]\ntype = sftp\nhost = x\n[far]\ntype = alias\nremote = nas:b\n\
                    [here]\ntype = local\n[secret]\ntype = crypt\nremote = ova:enc\n\
                    [all]\ntype = union\nupstreams = /u/1 \"/u/2 b:ro\" nas:x\n\
                    [both]\ntype = combine\nupstreams = a=ova: b=/u/3\n\
                    [round]\ntype = alias\nremote = round:x\n";
        std::fs::write(&file, text).unwrap();
        let home = Some(PathBuf::from("/home/anna"));
        let ctx = Context::new(home, PathBuf::new(), [], Arc::new(SystemClock));
        let remotes = Remotes::load(&ctx, Some(&file));
        let check = |text: &str, expected: &[&str]| {
            let place = Place::Remote(text.to_owned());
            let found = remotes.folders(&ctx, &place);
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("ova:", &["/ov/a"]);
        check("ova:x/../y", &["/ov/a/y"]);
        check("ova,x=y:z", &["/ov/a/z"]);
        check("twice:x", &["/ov/a/in/x"]);
        check("here:/h", &["/h"]);
        check(":local:/h", &["/h"]);
        check("secret:x", &["/ov/a/enc"]);
        check("all:x", &["/u/1/x", "/u/2 b/x"]);
        check("both:a/x", &["/ov/a", "/u/3"]);
        check("nas:x", &[]);
        check("far:x", &[]);
        check("unknown:x", &[]);
        check("round:", &[]);
        assert_eq!(remotes.resolve("far:x"), "nas:b/x");
    }
}
