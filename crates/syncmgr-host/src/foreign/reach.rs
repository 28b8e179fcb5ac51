//! What a handler may reach in its sandbox, and what of our environment it sees.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncmgr_model::item::{Item, SettingKind, SettingSpec};

use super::launch::{FOLDERS_MAX, Reach};
use super::manifest::Manifest;
use super::wire;

/// Variables of our environment that a handler sees, beside those that begin with one of
/// [`KEPT_BEGINNINGS`]. What is not here may be a secret.
const KEPT: &[&str] = &["PATH", "HOME", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME"];

/// See [`KEPT`].
const KEPT_BEGINNINGS: &[&str] = &["LC_", "XDG_"];

/// Returns the environment of a handler.
pub(super) fn environment(data_dir: &Path) -> Vec<(String, OsString)> {
    let kept = |name: &str| {
        KEPT.contains(&name) || KEPT_BEGINNINGS.iter().any(|start| name.starts_with(start))
    };
    let mut all: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| kept(name))
        .collect();
    all.push(("TMPDIR".to_owned(), temporary(data_dir).into()));
    all
}

/// Where a handler puts what it needs for a short time: the usual place belongs to everybody.
pub(super) fn temporary(data_dir: &Path) -> PathBuf {
    data_dir.join("tmp")
}

/// Returns the folders that people set for items.
pub(super) fn folders(
    items: &[Item],
    specs: &[SettingSpec],
    home: Option<&Path>,
) -> BTreeSet<PathBuf> {
    let folders = specs
        .iter()
        .filter(|spec| matches!(spec.kind, SettingKind::Folder));
    let of_item = |item: &Item| -> Vec<PathBuf> {
        let texts = folders
            .clone()
            .filter_map(|spec| item.settings.text(spec.key));
        texts.filter_map(|text| wire::folder(text, home)).collect()
    };
    items.iter().flat_map(of_item).collect()
}

/// Returns all that a handler may reach, when these are the folders of its items.
///
/// # Errors
/// There are more folders than a sandbox can be made for.
pub(super) fn reach(
    manifest: &Manifest,
    folders: &BTreeSet<PathBuf>,
    home: Option<&Path>,
) -> Result<Reach, String> {
    let mut write: Vec<PathBuf> = manifest.allow.clone();
    write.extend(folders.iter().cloned());
    let mut read = manifest.allow_read.clone();
    read.extend(own_places(&manifest.command, home));
    let reach = Reach {
        write: outermost(write),
        read: outermost(read),
        has_sockets: manifest.has_sockets,
    };
    let n = reach.write.len() + reach.read.len();
    if n > FOLDERS_MAX {
        return Err(format!(
            "it has {n} folders, and can be kept to {FOLDERS_MAX} at most"
        ));
    }
    Ok(reach)
}

/// Says whether everything that is wanted can be reached.
pub(super) fn covers(reach: &Reach, wanted: &Reach) -> bool {
    let within = |path: &PathBuf, places: &[PathBuf]| places.iter().any(|it| path.starts_with(it));
    wanted.write.iter().all(|path| within(path, &reach.write))
        && wanted.read.iter().all(|path| within(path, &reach.read))
}

/// Leaves out what lies within another one.
fn outermost(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}

/// Returns the places of the program itself: it, what stands beside it, and its libraries. Of a
/// program in the home folder itself only the file: the rest of that folder is a person's.
#[must_use]
pub fn own_places(command: &[String], home: Option<&Path>) -> Vec<PathBuf> {
    let mut places = Vec::new();
    // The program, and the script that it runs; other words may name what is not for it to read.
    let script = command.iter().skip(1).position(|word| is_file(word));
    let words = [Some(0), script.map(|at| at + 1)];
    for at in words.into_iter().flatten() {
        let Some(path) = command.get(at).map(Path::new) else {
            continue;
        };
        if !path.is_absolute() || !path.exists() {
            continue;
        }
        places.push(path.to_owned());
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        for file in [path, real.as_path()] {
            let Some(folder) = file.parent().filter(|_| real.is_file()) else {
                continue;
            };
            if is_narrow(folder, home) {
                places.push(folder.to_owned());
            }
            if at == 0 && folder.file_name().is_some_and(|name| name == "bin") {
                places.extend(libraries(folder));
            }
        }
        places.push(real);
    }
    let is_python = command.first().is_some_and(|program| {
        let name = Path::new(program).file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("python")
    });
    if let Some(home) = home.filter(|_| is_python) {
        // Where pip puts what a person installs.
        places.push(home.join(".local/lib"));
    }
    places
}

fn is_file(word: &str) -> bool {
    let path = Path::new(word);
    path.is_absolute() && path.is_file()
}

/// A folder that is a program's own, and not one where people keep everything.
pub(super) fn is_narrow(folder: &Path, home: Option<&Path>) -> bool {
    let holds_home = home.is_some_and(|home| home.starts_with(folder));
    let is_shared = ["/", "/tmp", "/var/tmp", "/mnt", "/media", "/srv", "/home"]
        .iter()
        .any(|shared| folder == Path::new(shared));
    !holds_home && !is_shared
}

/// What belongs to programs in a folder `bin`: of a virtual environment, or a tree of one's own.
fn libraries(bin: &Path) -> Vec<PathBuf> {
    let Some(tree) = bin.parent() else {
        return Vec::new();
    };
    ["lib", "lib64", "libexec", "pyvenv.cfg"]
        .iter()
        .map(|name| tree.join(name))
        .filter(|path| path.exists())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_the_home_folder_opens_nothing_else_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        std::fs::write(home.join("notes.py"), "").unwrap();
        std::fs::create_dir(home.join("mine")).unwrap();
        std::fs::write(home.join("mine/notes.py"), "").unwrap();
        let places = |name: &str| {
            let command = ["/bin/sh".to_owned(), home.join(name).display().to_string()];
            own_places(&command, Some(home))
        };
        assert!(!places("notes.py").contains(&home.to_owned()));
        assert!(places("notes.py").contains(&home.join("notes.py")));
        assert!(places("mine/notes.py").contains(&home.join("mine")));
        assert!(!places("mine/notes.py").contains(&home.to_owned()));
    }

    #[test]
    fn inner_folders_add_nothing() {
        let paths = ["/a/b", "/a", "/ab", "/c/d"].map(PathBuf::from).to_vec();
        let expected = ["/a", "/ab", "/c/d"].map(PathBuf::from);
        assert_eq!(outermost(paths), expected);
        let reach = |write: &[&str]| Reach {
            write: write.iter().map(PathBuf::from).collect(),
            ..Reach::default()
        };
        assert!(covers(&reach(&["/a"]), &reach(&["/a/b"])));
        assert!(!covers(&reach(&["/a"]), &reach(&["/ab"])));
    }
}
