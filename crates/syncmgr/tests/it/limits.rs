//! Limits of the system as the person at the command line meets them: exit codes, words, and the
//! next run when the limit is gone.

use std::process::{Command, Output};

use crate::harness::World;

/// Runs a sync in a shell that sets a limit first.
fn sync_under(world: &World, limit: &str) -> Output {
    let sync = world.command("sync ~/A ~/B");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")])
        .arg(sync.get_program())
        .args(sync.get_args())
        .current_dir(world.path(""))
        .env_clear();
    for (key, value) in sync.get_envs() {
        shell.env(key, value.unwrap());
    }
    shell.output().unwrap()
}

fn world() -> World {
    let world = World::without_daemon();
    world.put("A/large", "old");
    world.run("sync ~/A ~/B", 0);
    world.put("A/large", &"0123456789abcde\n".repeat(1 << 20));
    world.put("A/small", "small");
    world
}

#[test]
fn a_limit_on_file_sizes_is_12_and_names_the_file() {
    let world = world();
    let output = sync_under(&world, "trap '' XFSZ; ulimit -f 4096");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(12), "{said}");
    assert!(said.contains("large"), "{said}");
    assert_eq!(world.text("B/large"), "old");
    assert_eq!(world.text("B/small"), "small");
    world.run("sync ~/A ~/B", 0);
    assert_eq!(world.text("B/large"), world.text("A/large"));
}

#[test]
fn a_run_ended_by_that_limit_leaves_whole_files_and_needs_no_repair() {
    let world = world();
    let output = sync_under(&world, "ulimit -f 4096");
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(world.text("B/large"), "old");
    world.run("sync ~/A ~/B", 0);
    assert_eq!(world.text("B/large"), world.text("A/large"));
    assert!(!world.has("B/.syncmgr/stage"), "no litter");
}

#[test]
fn too_few_open_files_are_an_error_and_delete_nothing() {
    let world = World::without_daemon();
    for n in 0..60 {
        world.put(&format!("A/{n}/f"), "1");
    }
    world.run("sync ~/A ~/B", 0);
    world.put("A/7/f", "22");
    for limit in [6, 8, 10, 12, 14, 16, 20, 24] {
        let output = sync_under(&world, &format!("ulimit -n {limit}"));
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        let is_equal = world.text("B/7/f") == "22";
        assert!(
            code.is_some_and(|code| (code == 0) == is_equal),
            "{limit}: {code:?} {said}"
        );
        assert!(!said.contains("panicked"), "{limit}: {said}");
        assert!((0..60).all(|n| world.has(&format!("A/{n}/f"))), "{limit}");
        assert!((0..60).all(|n| world.has(&format!("B/{n}/f"))), "{limit}");
    }
    world.run("sync ~/A ~/B", 0);
    assert_eq!(world.text("B/7/f"), "22");
}
