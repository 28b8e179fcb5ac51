//! Says what looks like a secret, at one place: in the output of tools, before it is kept or shown,
//! and in command lines, before they are shown or written anywhere.

use std::sync::LazyLock;

use regex::Regex;
use syncmgr_sdk::Mask;

/// What stands in the place of a secret.
pub const GONE: &str = "***";

/// What looks like one, with what stays before and after it.
static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // A password in an address.
        r"(?P<before>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:)[^\s/]+(?P<after>@)",
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

/// Options whose word signs in without their name saying so, with their programs.
const SIGNING_IN: [(&str, &str); 12] = [
    ("curl", "-u"),
    ("curl", "-U"),
    ("curl", "--user"),
    ("curl", "--proxy-user"),
    ("lftp", "-u"),
    ("lftp", "--user"),
    ("ncftpput", "-p"),
    ("smbclient", "-U"),
    ("sshpass", "-p"),
    ("mysql", "-p"),
    ("mysqldump", "-p"),
    ("ldapsearch", "-w"),
];

/// Takes secrets out of the words of a command line. `None`: there is none in them.
///
/// Nobody can know what a word of a foreign program is, so this is on the safe side: it takes more
/// for a secret than is one.
#[must_use]
pub fn without_secrets<S: AsRef<str>>(words: &[S]) -> Option<Vec<String>> {
    of_program("", words)
}

/// As [`without_secrets`], within words of this program.
fn of_program<S: AsRef<str>>(program: &str, words: &[S]) -> Option<Vec<String>> {
    let mut program = program;
    let mut is_value = false;
    let mut was_any = false;
    let mut out = Vec::new();
    for word in words {
        let word = word.as_ref();
        let bare = word.trim_matches(['"', '\'']);
        let base = bare.rsplit('/').next().unwrap_or(bare);
        let masked = if std::mem::take(&mut is_value) && !is_option(bare) && !is_switch(bare) {
            Some(GONE.to_owned())
        } else {
            masked(program, word)
        };
        if SIGNING_IN.iter().any(|(name, _)| *name == base) {
            program = base;
        }
        is_value = takes_secret(program, bare);
        was_any |= masked.is_some();
        out.push(masked.unwrap_or_else(|| word.to_owned()));
    }
    was_any.then_some(out)
}

/// Takes secrets out of a line for a shell. `None`: there is none in it.
#[must_use]
pub fn line_without_secrets(line: &str) -> Option<String> {
    Some(without_secrets(&split(line))?.join(" "))
}

/// Says whether a variable or an option of this name holds a secret, and not the name of a file or
/// of a program that knows it.
fn names_secret(name: &str) -> bool {
    const PARTS: [&str; 18] = [
        "pass",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pw",
        "token",
        "secret",
        "key",
        "apikey",
        "credential",
        "credentials",
        "auth",
        "authorization",
        "bearer",
        "cookie",
        "pem",
        "pin",
    ];
    const ENDS: [&str; 6] = [
        "password",
        "passwd",
        "passphrase",
        "token",
        "secret",
        "apikey",
    ];
    const ELSEWHERE: [&str; 10] = [
        "file", "path", "dir", "sock", "socket", "command", "cmd", "fd", "type", "hint",
    ];
    let lower = name.trim_start_matches('-').to_ascii_lowercase();
    let parts = || {
        lower
            .split(['-', '_', '.', ':'])
            .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    let is_elsewhere = parts()
        .next_back()
        .is_some_and(|last| ELSEWHERE.contains(&last));
    !is_elsewhere
        && parts().any(|part| PARTS.contains(&part) || ENDS.iter().any(|end| part.ends_with(end)))
}

fn is_option(word: &str) -> bool {
    word.starts_with('-') && word.len() > 1
}

/// Words that turn something on or off.
fn is_switch(word: &str) -> bool {
    matches!(
        word,
        "" | "true" | "false" | "yes" | "no" | "none" | "on" | "off"
    )
}

/// Says whether the word after this one is a secret.
fn takes_secret(program: &str, word: &str) -> bool {
    SIGNING_IN.contains(&(program, word))
        || (word.starts_with("--") && !word.contains('=') && names_secret(word))
}

/// Masks what one word holds by itself. `None`: nothing.
fn masked(program: &str, word: &str) -> Option<String> {
    // A line within a word, as of `sh -c`.
    if word.contains(char::is_whitespace)
        && let within = split(word.trim_matches(['"', '\'']))
        && within.len() > 1
        && let Some(masked) = of_program(program, &within)
    {
        return Some(masked.join(" "));
    }
    if let Some((name, value)) = word.split_once('=') {
        if is_option(name) && is_switch(value) {
            return None;
        }
        let bare = name.trim_matches(['"', '\'']);
        let names = SIGNING_IN.contains(&(program, name)) || names_secret(bare);
        let is_name = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.:\"'".contains(c));
        if names && is_name && !value.is_empty() {
            return Some(format!("{name}={GONE}"));
        }
    }
    if let Some((_, short)) = SIGNING_IN.iter().find(|(name, short)| {
        *name == program && word.starts_with(short) && !word.starts_with("--")
    }) && word.len() > short.len()
    {
        return Some(format!("{short}{GONE}"));
    }
    let redacted = redact(word, &Mask::default());
    if redacted == word {
        return None;
    }
    // Where a value ends is known in an address only.
    match redacted.find(GONE) {
        Some(at) if !redacted[at..].starts_with("***@") => {
            Some(redacted[..at + GONE.len()].to_owned())
        }
        _ => Some(redacted),
    }
}

/// Splits a line for a shell into words, with their quotes, as far as it can be done by looking.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => {
                word.push(c);
                word.extend(chars.next());
            }
            (c, Some(end)) => {
                word.push(c);
                if c == end {
                    quote = None;
                }
            }
            ('"' | '\'', None) => {
                word.push(c);
                quote = Some(c);
            }
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, None) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_stay_in_command_lines() {
        let check = |line: &str, expected: &str| {
            let masked = line_without_secrets(line);
            assert_eq!(masked.as_deref(), Some(expected), "{line}");
        };
        check(
            "rclone sync /a :webdav,url=https://x,pass=hunter2:b",
            "rclone sync /a :webdav,url=https://x,pass=***",
        );
        check(
            "restic -r rest:http://anna:hun@ter2@nas:8000/ backup /a",
            "restic -r rest:http://anna:***@nas:8000/ backup /a",
        );
        check("tool --password=hunter2 x", "tool --password=*** x");
        check("tool --token hunter2 x", "tool --token *** x");
        check("tool --password1 'hunter 2' x", "tool --password1 *** x");
        check("lftp -u anna,hunter2 ftp.x", "lftp -u *** ftp.x");
        check("lftp -uanna,hunter2 ftp.x", "lftp -u*** ftp.x");
        check("curl -T a --user anna:hunter2 x", "curl -T a --user *** x");
        check(
            "/usr/bin/sshpass -p hunter2 rsync a b",
            "/usr/bin/sshpass -p *** rsync a b",
        );
        check(
            "PGPASSWORD='hunter 2' pg_dump x | gzip",
            "PGPASSWORD=*** pg_dump x | gzip",
        );
        check(
            "sh -c 'MYSQL_PWD=hunter2 mysqldump x'",
            "sh -c MYSQL_PWD=*** mysqldump x",
        );
        check(
            "lftp -e 'open -u anna,hunter2 x; mirror'",
            "lftp -e open -u *** x; mirror",
        );
        check(
            "curl -H 'X-Api-Key: hunter2' x",
            "curl -H 'X-Api-Key: *** x",
        );
        check(
            "env RCLONE_CONFIG_NAS_PASS=hunter2 rclone",
            "env RCLONE_CONFIG_NAS_PASS=*** rclone",
        );
        check("aws --secret-key=\"a b\" x", "aws --secret-key=*** x");
    }

    #[test]
    fn ordinary_command_lines_have_no_secret() {
        for line in [
            "rsync -a -u nas:photos/ /b",
            "rclone sync -u nas:a /b --password-command 'pass show x'",
            "restic --password-file /home/a/.pw backup /x",
            "SSH_AUTH_SOCK=/run/x RESTIC_PASSWORD_FILE=/x restic backup",
            "rclone sync /a nas:b --ask-password=false",
            "tool --keep-daily 7 --author x --passive",
            "tar czf /b/a.tgz --exclude=keys /home",
        ] {
            assert_eq!(line_without_secrets(line), None, "{line}");
        }
    }

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
