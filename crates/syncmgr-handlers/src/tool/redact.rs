//! Takes what looks like a secret out of the output of tools, before it is kept or shown.

use std::sync::LazyLock;

use regex::Regex;
use syncmgr_sdk::Mask;

/// What stands in the place of a secret.
const GONE: &str = "***";

/// What looks like one, with what stays before and after it.
static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // A password in an address.
        r"(?P<before>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:)[^\s@/]+(?P<after>@)",
        // A header that signs in.
        r"(?i)(?P<before>authorization:\s*(?:bearer|basic|token)?\s*)[^\s,;]+",
        r"(?i)(?P<before>\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}",
        // A word that says so, and its value.
        r#"(?i)(?P<before>\b[a-z0-9_-]*(?:passw(?:or)?d|passphrase|pass|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)["']?\s*[=:]\s*["']?)[^\s"',;&]+"#,
        // Tokens known by their form: GitHub, GitLab, Slack, AWS, JWT.
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\b",
    ]
    .into_iter()
    .map(|pattern| Regex::new(pattern).expect("the patterns are constants, and a test uses each"))
    .collect()
});

/// Takes out what looks like a secret, and known ones.
#[must_use]
pub fn redact(text: &str, known: &Mask) -> String {
    let mut text = known.text(text).unwrap_or_else(|| text.to_owned());
    for pattern in PATTERNS.iter() {
        let names: Vec<_> = pattern.capture_names().flatten().collect();
        let with = match (names.contains(&"before"), names.contains(&"after")) {
            (true, true) => format!("${{before}}{GONE}${{after}}"),
            (true, false) => format!("${{before}}{GONE}"),
            (false, _) => GONE.to_owned(),
        };
        text = pattern.replace_all(&text, with.as_str()).into_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_stay_in_output() {
        let check = |text: &str, expected: &str| {
            assert_eq!(redact(text, &Mask::of(["hunter22"])), expected);
        };
        check(
            "open rest:http://me:s3cr3t@nas:8000/: refused",
            "open rest:http://me:***@nas:8000/: refused",
        );
        check("Authorization: Basic bWU6eA==", "Authorization: Basic ***");
        check("curl -H 'Bearer abcdefgh12345'", "curl -H 'Bearer ***'");
        check("RESTIC_PASSWORD=abc def", "RESTIC_PASSWORD=*** def");
        check(r#"{"pass": "abc", "x": 1}"#, r#"{"pass": "***", "x": 1}"#);
        check("token ghp_0123456789abcdefghijABCDEFGHIJ", "token ***");
        check("wrong password hunter22", "wrong password ***");
        check("key AKIAIOSFODNN7EXAMPLE used", "key *** used");
        check("eyJhbGciOiJI.eyJzdWIi.c2ln", "***");
    }

    #[test]
    fn ordinary_output_stays_as_it_is() {
        for text in [
            "Photos/2026/passport.jpg: copied",
            "rsync: [sender] link_stat \"/x\" failed: No such file or directory (2)",
            "https://nas.example/path@2x.png",
            "Transferred: 1.2 MiB / 3 MiB, 40%, 1 MiB/s, ETA 2s",
            "Fatal: wrong password or no key found",
        ] {
            assert_eq!(redact(text, &Mask::default()), text);
        }
    }
}
