//! Understands what git prints for programs.

/// Where a clone stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Status {
    /// The branch; `None`: none is checked out.
    pub(super) branch: Option<String>,
    /// What it follows, as `origin/main`.
    pub(super) upstream: Option<String>,
    /// Commits that only this clone has, and that only the other side has; `None` when the branch
    /// that it follows is not there.
    pub(super) ahead_behind: Option<(u64, u64)>,
    /// Nothing was ever committed.
    pub(super) is_empty: bool,
    /// Files that are changed and not committed.
    pub(super) n_dirty: u64,
}

/// Reads the output of `git status --porcelain=v2 --branch`, line by line.
pub(super) fn take(status: &mut Status, line: &str) {
    let Some(header) = line.strip_prefix("# branch.") else {
        if line.starts_with(['1', '2', 'u']) {
            status.n_dirty += 1;
        }
        return;
    };
    let (key, value) = header.split_once(' ').unwrap_or((header, ""));
    match key {
        "oid" => status.is_empty = value == "(initial)",
        "head" => status.branch = (value != "(detached)").then(|| value.to_owned()),
        "upstream" => status.upstream = Some(value.to_owned()),
        "ab" => {
            let number = |text: &str| text[1..].parse::<u64>().ok();
            let mut words = value.split(' ').filter(|word| word.len() > 1);
            let ahead = words.next().and_then(number);
            let behind = words.next().and_then(number);
            status.ahead_behind = ahead.zip(behind);
        }
        _ => {}
    }
}

/// Reads `Receiving objects:  45% (45/100), 1.20 MiB | 1 MiB/s`.
pub(super) fn percent(line: &str) -> Option<u64> {
    let (what, rest) = line.rsplit_once(": ")?;
    let is_known = [
        "Receiving objects",
        "Resolving deltas",
        "Updating files",
        "Writing objects",
    ]
    .iter()
    .any(|it| what.ends_with(it));
    let (number, _) = rest.split_once('%')?;
    is_known.then(|| number.trim().parse().ok())?
}

/// Says whether a setting of a repository lets git start a program, or read settings from
/// elsewhere.
pub(super) fn starts_programs(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let (section, name) = (
        key.split('.').next().unwrap_or_default(),
        key.rsplit('.').next().unwrap_or_default(),
    );
    match section {
        "filter" => matches!(name, "clean" | "smudge" | "process"),
        "core" => matches!(
            name,
            "sshcommand"
                | "gitproxy"
                | "askpass"
                | "fsmonitor"
                | "alternaterefscommand"
                | "worktree"
        ),
        "credential" => name == "helper",
        "remote" => matches!(name, "uploadpack" | "receivepack" | "vcs"),
        "include" | "includeif" => true,
        "protocol" => name == "allow",
        "merge" | "diff" => matches!(name, "driver" | "command" | "textconv" | "external"),
        "gpg" => name == "program",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_clone_stands() {
        let mut status = Status::default();
        for line in [
            "# branch.oid 1234",
            "# branch.head main",
            "# branch.upstream origin/main",
            "# branch.ab +2 -13",
            "1 .M N... 100644 100644 100644 a b file",
        ] {
            take(&mut status, line);
        }
        assert_eq!(
            status,
            Status {
                branch: Some("main".to_owned()),
                upstream: Some("origin/main".to_owned()),
                ahead_behind: Some((2, 13)),
                is_empty: false,
                n_dirty: 1,
            }
        );
        take(&mut status, "# branch.head (detached)");
        assert_eq!(status.branch, None);
    }

    #[test]
    fn progress_of_a_transfer() {
        assert_eq!(percent("Receiving objects:  45% (45/100), 1 MiB"), Some(45));
        assert_eq!(percent("remote: Counting objects: 100% (5/5), done."), None);
    }

    #[test]
    fn settings_that_start_programs() {
        for key in [
            "filter.x.smudge",
            "core.sshCommand",
            "remote.origin.uploadpack",
            "include.path",
            "credential.https://x.helper",
        ] {
            assert!(starts_programs(key), "{key}");
        }
        for key in [
            "core.bare",
            "remote.origin.url",
            "branch.main.merge",
            "user.name",
        ] {
            assert!(!starts_programs(key), "{key}");
        }
    }
}
