//! Reads the profiles that a person wrote for Unison. Reads only: nothing is ever written there.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use syncmgr_model::escape::escape;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::Mask;

use crate::tool::settings::unusable;
use crate::tool::{Context, redact};

/// How deep profiles may include each other; deeper is a circle.
const DEPTH_MAX: usize = 8;
/// Most profiles that are looked at: nobody has more by hand.
pub(super) const PROFILES_MAX: usize = 200;
/// Largest profile: lists of thousands of patterns are smaller.
const SIZE_MAX: u64 = 1 << 20;

/// One of the two replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// As the profile says it.
    pub(super) text: String,
    /// The folder, when it is one of this machine.
    pub(super) local: Option<PathBuf>,
}

impl Root {
    fn read(text: &str, home: Option<&Path>) -> Self {
        let text = text.trim();
        let path = match text.strip_prefix("file://") {
            Some(path) => Some(path),
            None if text.contains("://") => None,
            None => Some(text),
        };
        let local = path.map(|path| match home {
            // Unison takes it from where it works, which is the home folder here.
            Some(home) => home.join(path),
            None => PathBuf::from(path),
        });
        Self {
            text: text.to_owned(),
            local,
        }
    }

    /// Returns it for people.
    pub(super) fn shown(&self, ctx: &Context) -> String {
        match &self.local {
            Some(path) => ctx.shown(path),
            None => redact(&escape(self.text.as_bytes()), &Mask::default()),
        }
    }

    /// Returns the name of the other machine, as people call it.
    pub(super) fn host(&self) -> &str {
        let rest = self.text.split("://").nth(1).unwrap_or(&self.text);
        let host = rest.split('/').next().unwrap_or(rest);
        host.rsplit('@').next().unwrap_or(host)
    }

    pub(super) fn is_ssh(&self) -> bool {
        self.text.starts_with("ssh://")
    }
}

/// A profile with all that it includes: keys and values in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Profile {
    values: Vec<(String, String)>,
}

impl Profile {
    /// Reads the profile with this name.
    pub(super) fn load(dir: &Path, name: &str) -> Result<Self, Trouble> {
        let bad = |detail: String| unusable("profile", name, detail);
        if let Some(why) = bad_profile(name) {
            return Err(bad(why.to_owned()));
        }
        let mut profile = Self::default();
        let mut n_read = 0;
        let file = format!("{name}.prf");
        read_into(dir, &file, 0, &mut n_read, &mut profile.values).map_err(bad)?;
        Ok(profile)
    }

    /// Returns the last value of a key: a later one counts.
    pub(super) fn last(&self, key: &str) -> Option<&str> {
        let mut all = self.values.iter().rev();
        let found = all.find(|(name, _)| name == key)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns both roots.
    pub(super) fn roots(&self, home: Option<&Path>) -> Option<[Root; 2]> {
        let mut roots = self.values.iter().filter(|(key, _)| key == "root");
        let (left, right) = (roots.next()?, roots.next()?);
        Some([Root::read(&left.1, home), Root::read(&right.1, home)])
    }
}

/// Says why a name cannot be that of a profile, if it cannot.
fn bad_profile(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.starts_with('-') {
        Some("it begins with `-`")
    } else if name.contains('/') || name.chars().any(char::is_control) {
        Some("it is the name of a profile without its folder and without .prf")
    } else {
        None
    }
}

fn read_into(
    dir: &Path,
    file: &str,
    depth: usize,
    n_read: &mut usize,
    values: &mut Vec<(String, String)>,
) -> Result<(), String> {
    *n_read += 1;
    if depth > DEPTH_MAX || *n_read > PROFILES_MAX {
        return Err("its profiles include each other without end".to_owned());
    }
    let path = dir.join(file);
    let mut bytes = Vec::new();
    fs::File::open(&path)
        .and_then(|file| file.take(SIZE_MAX).read_to_end(&mut bytes))
        .map_err(|e| format!("the file {} cannot be read ({e})", path.display()))?;
    for line in String::from_utf8_lossy(&bytes).lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            values.push((key.trim().to_owned(), value.trim().to_owned()));
            continue;
        }
        let Some((word, name)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let name = name.trim();
        let is_optional = word.ends_with('?');
        let included = match word.trim_end_matches('?') {
            // With `.prf`, or else as it stands.
            "include" if dir.join(format!("{name}.prf")).is_file() => format!("{name}.prf"),
            "include" | "source" => name.to_owned(),
            _ => continue,
        };
        if is_optional && !dir.join(&included).is_file() {
            continue;
        }
        read_into(dir, &included, depth + 1, n_read, values)?;
    }
    Ok(())
}

/// Returns the folder of the profiles.
pub(super) fn folder(ctx: &Context) -> Option<PathBuf> {
    match ctx.var("UNISON") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => Some(ctx.home()?.join(".unison")),
    }
}

/// Lists the names of the profiles, sorted.
pub(super) fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names: Vec<_> = fs::read_dir(dir)?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".prf").map(str::to_owned)
        })
        .filter(|name| bad_profile(name).is_none())
        .collect();
    names.sort();
    names.truncate(PROFILES_MAX);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_what_it_includes() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("common.prf", "sshargs = -p 22\nrepeat = 5\n");
        write("more", "ignore = Name *.tmp\n");
        write(
            "main.prf",
            "# mine\nroot = docs\n  root=ssh://anna@nas:23//data/docs \ninclude common\nsource more\ninclude? gone\nrepeat =\n",
        );
        let profile = Profile::load(dir.path(), "main").unwrap();
        let [left, right] = profile.roots(Some(Path::new("/home/anna"))).unwrap();
        assert_eq!(left.local.as_deref(), Some(Path::new("/home/anna/docs")));
        assert_eq!((right.local.as_ref(), right.host()), (None, "nas:23"));
        assert!(right.is_ssh() && !left.is_ssh());
        assert_eq!(profile.last("sshargs"), Some("-p 22"));
        assert_eq!(profile.last("repeat"), None, "a later value counts");
        assert_eq!(profile.last("ignore"), Some("Name *.tmp"));
        assert_eq!(names(dir.path()).unwrap(), ["common", "main"]);
    }

    #[test]
    fn a_circle_and_a_missing_profile_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.prf"), "include b\n").unwrap();
        fs::write(dir.path().join("b.prf"), "include a\n").unwrap();
        for name in ["a", "none", "", "-x", "../a"] {
            let trouble = Profile::load(dir.path(), name).unwrap_err();
            assert_eq!(trouble.param("key"), "profile", "{name}");
        }
    }
}
