//! The help is part of the contract: every change of a flag shows here.

use expect_test::expect_file;

use crate::harness::World;

#[test]
fn help_of_every_command() {
    let world = World::new();
    let mut all = world.run("--help", 0);
    for command in [
        "sync",
        "preview",
        "add",
        "list",
        "show",
        "set",
        "rename",
        "remove",
        "conflicts",
        "conflicts diff",
        "resolve",
        "history",
        "history show",
        "undo",
        "versions list",
        "versions restore",
        "versions diff",
        "why",
        "doctor",
        "demo",
        "completions",
        "man",
    ] {
        let help = world.run(&format!("{command} -h"), 0);
        all.extend(["\n$ syncmgr ", command, " -h\n", &help]);
    }
    expect_file!["help.txt"].assert_eq(&all);
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
