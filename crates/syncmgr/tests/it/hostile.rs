//! Names that try to act on a terminal come out as harmless text (S6).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::harness::World;

const NAMES: [&[u8]; 5] = [
    b"\x1b[31mred\x1b[0m",
    b"new\nline",
    b"\x1b]0;title\x07",
    b"bad\xff\xfeutf8",
    "gpj.\u{202e}exe".as_bytes(),
];

#[test]
fn no_output_carries_a_control_character() {
    let world = World::new();
    for name in NAMES {
        std::fs::write(world.path("A").join(OsStr::from_bytes(name)), "x").unwrap();
        std::fs::write(world.path("B").join(OsStr::from_bytes(name)), "yy").unwrap();
    }
    let commands = [
        ("preview ~/A ~/B --files", 0),
        ("sync ~/A ~/B", 11),
        ("conflicts", 0),
        ("conflicts --json", 0),
        ("resolve --all --keep both", 0),
        ("history", 0),
        ("versions list ~/A", 0),
    ];
    for (words, code) in commands {
        let output = world.output(words);
        assert_eq!(output.status.code(), Some(code), "{words}: {output:?}");
        for stream in [output.stdout, output.stderr] {
            let text = String::from_utf8(stream).expect("valid text");
            let bad = text
                .chars()
                .find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
            assert_eq!(bad, None, "{words}: {text:?}");
        }
    }
}

#[test]
fn colours_follow_the_environment() {
    let world = World::new();
    let has_color = |words: &str, key: &str| {
        let output = world.command(words).env(key, "1").output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(has_color("status --color always", "X"));
    assert!(has_color("status", "CLICOLOR_FORCE"));
    assert!(!has_color("status", "NO_COLOR"));
    assert!(!has_color("status", "X"));
}

#[test]
fn an_answer_that_cannot_be_written_is_not_a_success() {
    let world = World::new();
    let to = |place: &str| {
        let out = std::fs::File::options().write(true).open(place).unwrap();
        let mut command = world.command("version");
        command.stdout(out).output().unwrap().status.code()
    };
    assert_eq!(to("/dev/full"), Some(12));
    assert_eq!(to("/dev/null"), Some(0));
}
