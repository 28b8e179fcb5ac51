//! Takes a line that a shell would run apart, when that can be done without a shell.
//!
//! Only what has one meaning without running anything is read: quotes, `~/`, `$HOME`, assignments
//! in front, output that goes nowhere. Everything else is the shell's to do, and the line stays a
//! line.

/// A line as it would be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// One program with its arguments.
    Plain(Plain),
    /// It needs a shell.
    Shell,
}

/// A program with its arguments, and what the line said beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plain {
    /// The program and its arguments.
    pub(super) argv: Vec<String>,
    /// Assignments in front of it.
    pub(super) env: Vec<(String, String)>,
    /// The folder it was started in, by a `cd FOLDER &&` in front.
    pub(super) folder: Option<String>,
    /// Its output goes into a file, which only a shell can do.
    pub(super) writes_output: bool,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    /// `&&`
    And,
    /// Output to this file; the word follows or is attached.
    Output(String),
}

/// Reads a line of `sh`. `home` stands for `~` and `$HOME`.
pub(super) fn read(line: &str, home: &str) -> Line {
    match pieces(line, home).and_then(arrange) {
        Some(plain) => Line::Plain(plain),
        None => Line::Shell,
    }
}

/// Puts pieces together; `None` when they need a shell.
fn arrange(pieces: Vec<Piece>) -> Option<Plain> {
    let mut plain = Plain::default();
    for piece in pieces {
        match piece {
            Piece::Word(word) => plain.argv.push(word),
            Piece::Output(file) => plain.writes_output |= file != "/dev/null",
            Piece::And => match plain.argv.as_slice() {
                [cd, folder] if cd == "cd" && plain.folder.is_none() => {
                    plain.folder = Some(folder.clone());
                    plain.argv.clear();
                }
                _ => return None,
            },
        }
    }
    while let Some((name, value)) = plain.argv.first().and_then(|word| assignment(word)) {
        // Here a shell reads `~` behind a `:` too.
        if value.starts_with('~') || value.contains(":~") {
            return None;
        }
        plain.env.push((name.to_owned(), value.to_owned()));
        plain.argv.remove(0);
    }
    (!plain.argv.is_empty()).then_some(plain)
}

/// Splits `NAME=value`.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

fn pieces(line: &str, home: &str) -> Option<Vec<Piece>> {
    let mut out = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("&&") {
            out.push(Piece::And);
            rest = after;
        } else if let Some(after) = output(rest) {
            let after = after.trim_start();
            if let Some(after) = after.strip_prefix("&1").or(after.strip_prefix("&2")) {
                out.push(Piece::Output("/dev/null".to_owned()));
                rest = after;
            } else {
                let (file, after) = word(after, home)?;
                out.push(Piece::Output(file));
                rest = after;
            }
        } else {
            let (text, after) = word(rest, home)?;
            out.push(Piece::Word(text));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Some(out)
}

/// Takes the sign of an output off the front.
fn output(text: &str) -> Option<&str> {
    const SIGNS: [&str; 7] = ["&>>", "&>", "1>>", "2>>", "1>", "2>", ">>"];
    let sign = SIGNS.iter().find_map(|sign| text.strip_prefix(sign));
    sign.or_else(|| text.strip_prefix('>'))
}

/// Takes one word off the front; `None` when only a shell can tell what it is.
fn word<'a>(text: &'a str, home: &str) -> Option<(String, &'a str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().peekable();
    if text.starts_with("~/") || text == "~" || text.starts_with("~ ") {
        out.push_str(home);
        chars.next();
    } else if text.starts_with('~') {
        // The home of somebody else, or a folder of this name.
        return None;
    }
    let mut is_quoted = false;
    while let Some((at, c)) = chars.next() {
        match c {
            c if c.is_whitespace() => return Some((out, &text[at..])),
            '\'' => {
                is_quoted = true;
                loop {
                    match chars.next()? {
                        (_, '\'') => break,
                        (_, c) => out.push(c),
                    }
                }
            }
            '"' => {
                is_quoted = true;
                loop {
                    match chars.next()? {
                        (_, '"') => break,
                        (_, '\\') => match chars.next()? {
                            (_, c @ ('"' | '\\' | '$' | '`')) => out.push(c),
                            (_, c) => out.extend(['\\', c]),
                        },
                        (at, '$') => skip_home(&text[at..], &mut chars, &mut out, home)?,
                        (_, '`') => return None,
                        (_, c) => out.push(c),
                    }
                }
            }
            '\\' => out.push(chars.next()?.1),
            '$' => skip_home(&text[at..], &mut chars, &mut out, home)?,
            '&' if text[at..].starts_with("&&") => {
                return (!out.is_empty() || is_quoted).then_some((out, &text[at..]));
            }
            '>' => return (!out.is_empty()).then_some((out, &text[at..])),
            '|' | '&' | ';' | '<' | '(' | ')' | '`' | '*' | '?' | '[' | '{' | '}' | '!' => {
                return None;
            }
            '#' if out.is_empty() && !is_quoted => return None,
            c => out.push(c),
        }
    }
    (!out.is_empty() || is_quoted).then_some((out, ""))
}

/// Puts the home folder for `$HOME` or `${HOME}`; `None` for anything else a `$` begins.
fn skip_home(
    at: &str,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    out: &mut String,
    home: &str,
) -> Option<()> {
    let name = ["$HOME", "${HOME}"]
        .into_iter()
        .find(|name| at.starts_with(name))?;
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name == "$HOME" && at[name.len()..].starts_with(goes_on) {
        return None;
    }
    for _ in 1..name.len() {
        chars.next();
    }
    out.push_str(home);
    Some(())
}

/// A program that runs another one.
struct Wrapper {
    name: &'static str,
    /// Its options that take a word.
    with_word: &'static [&'static str],
    /// How many words of its own come before the program.
    n_words: usize,
    layer: Layer,
}

/// What a program in front of another one changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// Nothing of what is done: only how fast, or what is printed.
    Thin,
    /// Whether or how it is done: only the whole line is the same.
    Thick,
    /// Who does it, which is not for syncmgr to start.
    Foreign,
}

const fn wrapper(
    name: &'static str,
    with_word: &'static [&'static str],
    n_words: usize,
    layer: Layer,
) -> Wrapper {
    Wrapper {
        name,
        with_word,
        n_words,
        layer,
    }
}

const WRAPPERS: [Wrapper; 18] = [
    wrapper("nice", &["-n", "--adjustment"], 0, Layer::Thin),
    wrapper(
        "ionice",
        &["-c", "-n", "--class", "--classdata"],
        0,
        Layer::Thin,
    ),
    wrapper("chronic", &[], 0, Layer::Thin),
    wrapper("nohup", &[], 0, Layer::Thin),
    wrapper("setsid", &[], 0, Layer::Thin),
    wrapper("systemd-cat", &["-t", "-p"], 0, Layer::Thin),
    wrapper("env", &["-u", "--unset", "-C", "--chdir"], 0, Layer::Thick),
    wrapper("caffeinate", &["-t", "-w"], 0, Layer::Thick),
    wrapper(
        "systemd-inhibit",
        &["--what", "--who", "--why", "--mode"],
        0,
        Layer::Thick,
    ),
    wrapper(
        "timeout",
        &["-k", "-s", "--kill-after", "--signal"],
        1,
        Layer::Thick,
    ),
    wrapper(
        "flock",
        &["-w", "-E", "--timeout", "--wait", "--conflict-exit-code"],
        1,
        Layer::Thick,
    ),
    wrapper("sshpass", &["-f", "-d", "-p", "-P"], 0, Layer::Thick),
    wrapper("trickle", &["-u", "-d", "-w", "-t", "-l"], 0, Layer::Thick),
    wrapper("sudo", &["-u", "-g", "-h", "-p", "-C"], 0, Layer::Foreign),
    wrapper("doas", &["-u", "-C"], 0, Layer::Foreign),
    wrapper("pkexec", &["--user"], 0, Layer::Foreign),
    wrapper("runuser", &["-u", "-g", "-G"], 0, Layer::Foreign),
    wrapper("su", &["-s", "-g", "-G"], 0, Layer::Foreign),
];

/// Returns the program that does the work, without those in front that run it, and the most that
/// any of them changes.
pub(super) fn unwrap(argv: &[String]) -> (&[String], Layer) {
    let (mut rest, mut layer) = (argv, Layer::Thin);
    // A line wraps a handful of times at most.
    for _ in 0..WRAPPERS.len() {
        let Some(program) = rest.first().map(|word| base(word)) else {
            break;
        };
        let Some(wrapper) = WRAPPERS.iter().find(|it| it.name == program) else {
            break;
        };
        let mut at = 1;
        while let Some(word) = rest.get(at) {
            if wrapper.with_word.contains(&word.as_str()) {
                at += 2;
            } else if word.starts_with('-') || (program == "env" && assignment(word).is_some()) {
                at += 1;
            } else {
                break;
            }
        }
        let Some(inner) = rest
            .get(at + wrapper.n_words..)
            .filter(|inner| !inner.is_empty())
        else {
            break;
        };
        (rest, layer) = (inner, layer.max(wrapper.layer));
    }
    (rest, layer)
}

/// Returns the name of a program without its folder.
pub(super) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn plain(line: &str, expected: &[&str]) {
        match read(line, "/home/anna") {
            Line::Plain(plain) => assert_eq!(plain.argv, expected, "{line}"),
            Line::Shell => panic!("{line}: needs a shell"),
        }
    }

    #[test]
    fn lines_with_one_meaning_are_taken_apart() {
        plain("mbsync -a", &["mbsync", "-a"]);
        plain(
            "rsync -a '/a b/' ~/c",
            &["rsync", "-a", "/a b/", "/home/anna/c"],
        );
        plain(
            r#"rsync "$HOME/x\"y" ${HOME}/z"#,
            &["rsync", "/home/anna/x\"y", "/home/anna/z"],
        );
        plain(r"a b\ c ''", &["a", "b c", ""]);
        plain("LANG=C mbsync -q x >/dev/null 2>&1", &["mbsync", "-q", "x"]);
        plain("cd ~/src && git pull", &["git", "pull"]);
        plain("a '~b' c~d", &["a", "~b", "c~d"]);
    }

    #[test]
    fn what_a_shell_does_stays_the_shells() {
        for line in [
            "a | b",
            "a; b",
            "a && b",
            "a || b",
            "a $X",
            "a `b`",
            "a $(b)",
            "a *",
            "a <b",
            "a 'b",
            "a $HOMEX",
            "(a)",
            "a & b",
            "[ -e x ] && a",
            "",
            "# a",
            "cd x && cd y && a",
            "a ~b/c",
            "X=~/b a",
        ] {
            assert_eq!(read(line, "/home/anna"), Line::Shell, "{line}");
        }
    }

    #[test]
    fn where_the_output_goes_is_noted() {
        let writes = |line| match read(line, "/h") {
            Line::Plain(plain) => plain.writes_output,
            Line::Shell => panic!("{line}"),
        };
        assert!(writes("a >> /var/log/a 2>&1"));
        assert!(writes("a >log"));
        assert!(!writes("a > /dev/null 2>&1"));
        assert!(!writes("a &>/dev/null"));
    }

    #[test]
    fn wrappers_are_looked_through() {
        let check = |line: &str, expected: &str, layer: Layer| {
            let argv: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let (inner, found) = unwrap(&argv);
            assert_eq!((inner.join(" ").as_str(), found), (expected, layer));
        };
        check(
            "nice -n 10 ionice -c3 rclone sync a b",
            "rclone sync a b",
            Layer::Thin,
        );
        check(
            "nice /usr/bin/flock -n /tmp/l timeout 1h /usr/bin/mbsync -a",
            "/usr/bin/mbsync -a",
            Layer::Thick,
        );
        check("env A=b chronic x", "x", Layer::Thick);
        check("sudo -u root rsync a b", "rsync a b", Layer::Foreign);
        check("nice", "nice", Layer::Thin);
        check("rsync a b", "rsync a b", Layer::Thin);
    }
}
