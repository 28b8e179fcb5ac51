//! What must never come in as a dependency, read from the lock file, so that it holds on machines
//! without `cargo deny` too.

use super::Text;

/// C libraries for encryption: a second copy of the system's, or an hour of building.
const BANNED: [&str; 6] = [
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "aws-lc-fips-sys",
];

/// Looks for banned crates, and for crates from anywhere but the registry.
pub(super) fn check(texts: &[Text]) -> Vec<String> {
    match texts.iter().find(|text| text.path == "Cargo.lock") {
        Some(lock) => judge(&lock.body),
        None => vec!["Cargo.lock: is missing, and belongs to the repository".to_owned()],
    }
}

fn judge(lock: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in lock.lines() {
        if let Some(name) = value(line, "name")
            && BANNED.contains(&name)
        {
            complaints.push(format!("Cargo.lock: {name} is banned, see deny.toml"));
        }
        if let Some(source) = value(line, "source")
            && !source.starts_with("registry+")
        {
            complaints.push(format!("Cargo.lock: {source} is not the registry"));
        }
    }
    complaints
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(key)?.strip_prefix(" = \"")?;
    rest.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_crates_and_foreign_sources_are_found() {
        let lock = "[[package]]\nname = \"openssl-sys\"\nsource = \"git+ssh\"\n";
        assert_eq!(judge(lock).len(), 2);
        let lock = "[[package]]\nname = \"anyhow\"\nsource = \"registry+here\"\n\
                    dependencies = [\n \"openssl-probe\",\n]\n";
        assert!(judge(lock).is_empty());
    }
}
