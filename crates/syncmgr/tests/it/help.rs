//! The help is part of the contract: every change of a flag shows here.

use expect_test::expect_file;

use crate::harness::World;

#[test]
fn help_of_every_command() {
    let world = World::new();
    let start = "# Commands\n\n<!-- Made from the program by `UPDATE_EXPECT=1 cargo test -p syncmgr`. -->\n";
    let mut all = start.to_owned();
    for command in [
        "",
        "status",
        "sync",
        "preview",
        "stop",
        "pause",
        "resume",
        "watch",
        "add",
        "list",
        "show",
        "set",
        "rename",
        "on",
        "off",
        "schedule",
        "schedule show",
        "schedule set",
        "schedule clear",
        "schedule next",
        "remove",
        "conflicts",
        "conflicts list",
        "conflicts show",
        "conflicts diff",
        "resolve",
        "results",
        "history",
        "history show",
        "undo",
        "versions",
        "versions list",
        "versions restore",
        "versions diff",
        "why",
        "daemon",
        "daemon run",
        "daemon start",
        "daemon stop",
        "daemon restart",
        "daemon status",
        "daemon logs",
        "daemon install",
        "daemon uninstall",
        "open",
        "handler",
        "handler list",
        "handler show",
        "handler on",
        "handler off",
        "alert",
        "alert test",
        "config",
        "config path",
        "config get",
        "config set",
        "config edit",
        "config check",
        "config explain",
        "config export",
        "config import",
        "hide",
        "unhide",
        "doctor",
        "demo",
        "version",
        "completions",
        "man",
    ] {
        let words = format!("{command} -h");
        let words = words.trim_start();
        let help = world.run(words, 0).replace("--\n", "");
        let title = if command.is_empty() {
            "syncmgr"
        } else {
            command
        };
        all.extend(["\n## ", title, "\n\n```console\n$ syncmgr ", words, "\n"]);
        all.extend([&*help, "```\n"]);
    }
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/commands.md"
    );
    expect_file![page].assert_eq(&all);
}

#[test]
fn a_mistyped_command_gets_a_suggestion() {
    let world = World::new();
    let text = world.run("snyc a b", 2);
    assert!(text.contains("sync"), "{text}");
}

#[test]
fn completions_and_manual_are_made() {
    let world = World::new();
    for words in [
        "completions bash",
        "completions zsh",
        "completions fish",
        "man",
        "version",
    ] {
        assert!(world.run(words, 0).len() > 10, "{words}");
    }
}

#[test]
fn the_manual_is_one_a_formatter_understands() {
    let world = World::new();
    let page = world.json("man", 0)["text"].as_str().unwrap().to_owned();
    for name in ["sync", "conflicts diff", "versions restore", "undo"] {
        assert!(page.contains(&format!(".SH \"syncmgr {name}\"")), "{name}");
    }
    let known = [
        ".TH", ".SH", ".SS", ".TP", ".PP", ".br", ".RS", ".RE", ".IP", ".ie", ".el",
    ];
    for line in page.lines().filter(|line| line.starts_with('.')) {
        let word = line.split(' ').next().unwrap();
        assert!(known.contains(&word), "{line}");
    }
}
