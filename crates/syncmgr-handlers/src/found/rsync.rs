//! Reads a line of rsync: as a sync of its handler where that does exactly the same, and as a
//! command otherwise.
//!
//! The handler copies what is in the source. `rsync -a A/ B` says that; `rsync -a A B` copies the
//! folder A itself, so its target is `B/A`. That holds for one folder of this machine only: a file,
//! a link, or something elsewhere without a `/` at its end may be anything.

use std::path::{Component, Path};

use syncmgr_model::item::{Settings, Value};

use super::tools::{Ground, Runs, Spot, text};

/// Options that only change what is printed, or what is left of a run that broke off.
const SILENT: [&str; 7] = [
    "--verbose",
    "--quiet",
    "--progress",
    "--stats",
    "--human-readable",
    "--partial",
    "--itemize-changes",
];

/// Options that delete what is not in the source; they differ in when.
const DELETING: [&str; 6] = [
    "--delete",
    "--del",
    "--delete-before",
    "--delete-during",
    "--delete-delay",
    "--delete-after",
];

/// Options that the handler passes on as they are.
const KEPT: [&str; 7] = [
    "--compress",
    "--update",
    "--one-file-system",
    "--hard-links",
    "--xattrs",
    "--acls",
    "--checksum",
];

/// A line, read.
#[derive(Debug, Default)]
struct Read<'a> {
    places: Vec<&'a str>,
    options: Vec<String>,
    exclude: Vec<String>,
    is_archive: bool,
    deletes: bool,
}

pub(super) fn runs(args: &[&str], ground: &Ground<'_>) -> Runs {
    if args.contains(&"--daemon") {
        return Runs::Daemon;
    }
    match read(args).and_then(|read| settings(read, ground)) {
        Some(settings) => Runs::New("rsync", settings),
        None => Runs::Command,
    }
}

/// Reads the words; `None` for an option that no setting stands for.
fn read<'a>(args: &[&'a str]) -> Option<Read<'a>> {
    let mut read = Read::default();
    let mut left = args.iter().copied();
    while let Some(arg) = left.next() {
        match arg {
            "" | "-" => return None,
            "--archive" => read.is_archive = true,
            "--exclude" => read.exclude.push(left.next()?.to_owned()),
            arg if DELETING.contains(&arg) => read.deletes = true,
            arg if KEPT.contains(&arg) => read.options.push(arg.to_owned()),
            arg if SILENT.contains(&arg) || arg.starts_with("--info=") => {}
            arg if arg.starts_with("--") => {
                read.exclude
                    .push(arg.strip_prefix("--exclude=")?.to_owned());
            }
            arg if arg.starts_with('-') => {
                for letter in arg[1..].chars() {
                    match letter {
                        'a' => read.is_archive = true,
                        'v' | 'q' | 'h' | 'P' | 'i' => {}
                        'z' | 'u' | 'x' | 'H' | 'A' | 'X' | 'c' => {
                            read.options.push(format!("-{letter}"));
                        }
                        _ => return None,
                    }
                }
            }
            arg => read.places.push(arg),
        }
    }
    Some(read)
}

fn settings(read: Read<'_>, ground: &Ground<'_>) -> Option<Settings> {
    let [source, target] = read.places.as_slice() else {
        return None;
    };
    // They clear or turn around what the others say.
    let is_rule = |it: &String| it == "!" || it.starts_with("+ ") || it.starts_with("- ");
    if !read.is_archive || read.exclude.iter().any(is_rule) {
        return None;
    }
    let target = match name_in_target(source, ground)? {
        None => known_place(target)?.to_owned(),
        Some(name) => {
            // Rules are about what is copied, and here that begins one folder further up.
            if read.exclude.iter().any(|it| !is_same_below(it, name)) {
                return None;
            }
            let target = within(known_place(target)?, name);
            // A link of that name would become a folder, and the handler would follow it.
            if target.starts_with('/') && (ground.spot)(Path::new(&target)) == Spot::Other {
                return None;
            }
            target
        }
    };
    let mut settings = Settings::default();
    text(&mut settings, "source", source);
    text(&mut settings, "target", &target);
    if read.deletes {
        text(&mut settings, "delete", "yes");
    }
    for (key, list) in [("options", read.options), ("exclude", read.exclude)] {
        if !list.is_empty() {
            settings.set(key, Value::List(list));
        }
    }
    Some(settings)
}

/// Returns the name that the source gets in the target; `Some(None)` when what is in it lands there,
/// and `None` when that cannot be told.
fn name_in_target<'a>(source: &'a str, ground: &Ground<'_>) -> Option<Option<&'a str>> {
    let source = known_place(source)?;
    let path = path_of(source);
    if path.is_empty() || path == "." || path.ends_with('/') || path.ends_with("/.") {
        return Some(None);
    }
    let is_folder = source.starts_with('/') && (ground.spot)(Path::new(source)) == Spot::Folder;
    is_folder.then_some(Some(path.rsplit('/').next().unwrap_or(path)))
}

/// Returns a place that means the same in a line and in settings: a whole path, or one elsewhere.
fn known_place(place: &str) -> Option<&str> {
    // A shell elsewhere or the settings could read them in their own way.
    let is_odd = |c: char| c.is_control() || c == '\\';
    let is_odd_elsewhere = |c: char| c.is_whitespace() || "*?[]{}$`'\"!;&|<>()#".contains(c);
    if place.contains(is_odd) || goes_up(place) {
        return None;
    }
    if place.starts_with('/') {
        return Some(place);
    }
    let (host, _) = place.split_once(':')?;
    let is_remote = !host.is_empty() && !host.contains('/') && !place.starts_with('-');
    (is_remote && !place.contains(is_odd_elsewhere)).then_some(place)
}

fn goes_up(place: &str) -> bool {
    let mut parts = Path::new(place).components();
    parts.any(|part| part == Component::ParentDir) || path_of(place).starts_with("..")
}

/// Returns the path of a place; of a module of a server, the path within it.
fn path_of(place: &str) -> &str {
    let module = place
        .strip_prefix("rsync://")
        .map(|rest| rest.split_once('/').map_or("", |(_, rest)| rest))
        .or_else(|| {
            let (host, rest) = place.split_once(':')?;
            rest.strip_prefix(':').filter(|_| !host.contains('/'))
        });
    match module {
        Some(module) => module.split_once('/').map_or("", |(_, path)| path),
        None if place.starts_with('/') => place,
        None => place.split_once(':').map_or(place, |(_, path)| path),
    }
}

/// Returns the place of this name within another one.
fn within(place: &str, name: &str) -> String {
    if place.ends_with('/') || place.ends_with(':') {
        format!("{place}{name}")
    } else {
        format!("{place}/{name}")
    }
}

/// Says whether a pattern means the same when what is copied begins with the folder `name`, and when
/// it begins within it.
fn is_same_below(pattern: &str, name: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    if pattern.contains('/') || pattern.contains("**") {
        return false;
    }
    // The folder itself must not be meant. What stands before and behind the wild part tells enough.
    let is_wild = |c: char| "*?[\\".contains(c);
    let could_mean = match (pattern.find(is_wild), pattern.rfind(is_wild)) {
        (Some(first), Some(last)) => {
            let end = match pattern[last..].chars().next() {
                // What a class or an escape ends with is not looked into.
                Some('[' | '\\') => "",
                _ => &pattern[last + 1..],
            };
            name.starts_with(&pattern[..first]) && name.ends_with(end)
        }
        (_, _) => pattern == name,
    };
    !could_mean
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders are `/a`, `/b` and what is in `/home/a`; `/b/link` is a link.
    fn of(line: &str) -> Runs {
        let spot = |path: &Path| match path.to_str() {
            Some("/a" | "/b" | "/home/a/Music") => Spot::Folder,
            Some("/b/link" | "/a/link" | "/a/file") => Spot::Other,
            _ => Spot::Missing,
        };
        let ground = Ground {
            folder: "/home/a",
            spot: &spot,
        };
        let words: Vec<_> = line.split(' ').skip(1).collect();
        runs(&words, &ground)
    }

    #[track_caller]
    fn check(line: &str, source: &str, target: &str) {
        match of(line) {
            Runs::New("rsync", settings) => assert_eq!(
                (settings.text("source"), settings.text("target")),
                (Some(source), Some(target)),
                "{line}"
            ),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn without_a_slash_the_folder_itself_is_copied() {
        check(
            "rsync -a --delete /home/a/Music /b",
            "/home/a/Music",
            "/b/Music",
        );
        check("rsync -a /home/a/Music /b/", "/home/a/Music", "/b/Music");
        check("rsync -a /home/a/Music nas:", "/home/a/Music", "nas:Music");
        check(
            "rsync -a /home/a/Music me@nas:b",
            "/home/a/Music",
            "me@nas:b/Music",
        );
        check(
            "rsync -a /home/a/Music nas::m",
            "/home/a/Music",
            "nas::m/Music",
        );
        check("rsync -a /home/a/Music/ /b", "/home/a/Music/", "/b");
        check("rsync -a /home/a/Music/. /b", "/home/a/Music/.", "/b");
        check("rsync -a nas:Music/ /b", "nas:Music/", "/b");
        check("rsync -a nas: /b", "nas:", "/b");
        check("rsync -a nas::mod /b", "nas::mod", "/b");
        check(
            "rsync -a rsync://nas:873/mod /b",
            "rsync://nas:873/mod",
            "/b",
        );
    }

    #[test]
    fn what_cannot_be_said_exactly_stays_a_command() {
        for line in [
            // What it is cannot be seen, or it is no folder.
            "rsync -a nas:Music /b",
            "rsync -a nas::mod/Music /b",
            "rsync -a /gone /b",
            "rsync -a /a/file /b",
            "rsync -a /a/link /b",
            "rsync -a Music/ /b",
            "rsync -a /a/../a/ /b",
            "rsync -a /a/ b",
            "rsync -a nas:*/ /b",
            "rsync -a /a/ /home/a/Music /b",
            "rsync -a /a",
            // Rules that are read from one folder further up.
            "rsync -a --exclude=/Music/x /home/a/Music /b",
            "rsync -a --exclude=x/y /home/a/Music /b",
            "rsync -a --exclude=M* /home/a/Music /b",
            "rsync -a --exclude Music /home/a/Music /b",
            "rsync -a --exclude=! /a/ /b",
            // Options that change what is done.
            "rsync -an /a/ /b",
            "rsync -a --dry-run /a/ /b",
            "rsync -aR /a/ /b",
            "rsync -aL /a/ /b",
            "rsync -rt /a/ /b",
            "rsync -a --remove-source-files /a/ /b",
            "rsync -a --delete-excluded /a/ /b",
            "rsync -a --link-dest=/b/old /a/ /b",
            "rsync -a --log-file=/l /a/ /b",
            "rsync -a --files-from=/l /a/ /b",
            "rsync -a --filter=merge /a/ /b",
            "rsync -aF /a/ /b",
            "rsync -a --include=x --exclude=* /a/ /b",
            "rsync -a --exclude-from=/x /a/ /b",
            "rsync -a --max-delete=3 --delete /a/ /b",
            "rsync -a --no-perms /a/ /b",
            "rsync -a -- /a/ /b",
            "rsync -a -e ssh /a/ nas:b",
            "rsync -a --backup /a/ /b",
            "rsync -a --inplace /a/ /b",
        ] {
            assert_eq!(of(line), Runs::Command, "{line}");
        }
        assert_eq!(of("rsync --daemon"), Runs::Daemon);
    }

    #[test]
    fn rules_that_mean_the_same_are_taken_over() {
        for pattern in ["*.tmp", "cache", "cache/", ".Trash-*", "x?y"] {
            check(
                &format!("rsync -a --exclude={pattern} /home/a/Music /b"),
                "/home/a/Music",
                "/b/Music",
            );
        }
    }
}
