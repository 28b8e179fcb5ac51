//! `import`: a person whose tools are set up already, from nothing to everything on one screen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::World;
use crate::schema;

const CRONTAB: &str = "MAILTO=anna
*/15 * * * * mbsync -q work >/dev/null 2>&1
@daily vdirsyncer sync
30 2 * * * nice unison -batch photos
0 4 * * * rsync -a --delete ~/Photos/ ~/Copy/
0 5 * * * cd ~/Photos && for f in *; do rsync -a \"$f\" nas:x; done
0 6 * * * RESTIC_PASSWORD=geheim restic -r /x backup /home
0 7 * * * certbot renew
";

/// Makes a home as many people have it. The program `crontab` prints a file of that home, as the
/// real one prints one that only cron may read.
fn set_up(world: &World) {
    world.put(
        ".config/rclone/rclone.conf",
        "[nas]\ntype = alias\nremote = /mnt/nas\n",
    );
    world.put(
        ".unison/photos.prf",
        &format!(
            "root = {0}/Photos\nroot = {0}/Copy\n",
            world.path("").display()
        ),
    );
    world.put(
        ".mbsyncrc",
        "IMAPStore far\nHost mail.example.org\nUser anna\nPassCmd \"echo geheim\"\n\nMaildirStore near\nPath ~/Mail/\nInbox ~/Mail/Inbox\n\nChannel work\nFar :far:\nNear :near:\n\nChannel home\nFar :far:x\nNear :near:x\n\nGroup both work home\n",
    );
    world.put(
        ".config/vdirsyncer/config",
        "[general]\nstatus_path = \"~/.vdirsyncer/status\"\n\n[pair cal]\na = \"here\"\nb = \"there\"\ncollections = [\"from a\"]\n\n[storage here]\ntype = \"filesystem\"\npath = \"~/cal\"\nfileext = \".ics\"\n\n[storage there]\ntype = \"caldav\"\nurl = \"https://dav.example.org/\"\nusername = \"anna\"\npassword = \"geheim\"\n",
    );
    world.put(
        ".config/systemd/user/notes.timer",
        "[Timer]\nOnCalendar=hourly\n",
    );
    world.put(
        ".config/systemd/user/notes.service",
        "[Service]\nExecStart=/opt/bin/backup-notes %h/notes\n",
    );
    let wants = world.path(".config/systemd/user/timers.target.wants");
    fs::create_dir(&wants).unwrap();
    symlink("../notes.timer", wants.join("notes.timer")).unwrap();
    world.put("crontab.txt", CRONTAB);
    world.put(
        "bin/crontab",
        "#!/bin/sh\n[ \"$*\" = -l ] && cat \"$HOME/crontab.txt\"\n",
    );
    let program = world.path("bin/crontab");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the program with the `crontab` of this home on the search path.
fn run(world: &World, words: &str) -> Output {
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    world.command(words).env("PATH", path).output().unwrap()
}

#[track_caller]
fn json(world: &World, words: &str) -> Value {
    let output = run(world, &format!("{words} --json"));
    assert!(output.status.success(), "{output:?}");
    let value = serde_json::from_slice(&output.stdout).unwrap();
    schema::check(words, &value);
    value
}

/// Returns everything of the home that is the person's, with its content.
fn theirs(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![world.path("")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if is_ours(&path) {
            } else if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.display().to_string();
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

fn is_ours(path: &Path) -> bool {
    path.ends_with(".config/syncmgr") || path.ends_with(".local/state/syncmgr")
}

fn names(found: &Value) -> Vec<&str> {
    let list = found["found"].as_array().unwrap();
    list.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

fn one<'a>(found: &'a Value, name: &str) -> &'a Value {
    let list = found["found"].as_array().unwrap();
    let found = list.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {list:#?}"))
}

#[test]
fn from_nothing_to_everything_on_one_screen() {
    let world = World::new();
    set_up(&world);
    let before = theirs(&world);
    let found = json(&world, "import");
    let work = one(&found, "work");
    assert_eq!(
        (&work["handler"], &work["when"]),
        (
            &"mbsync".into(),
            &"Runs at the times of the cron line `*/15 * * * *`".into()
        )
    );
    assert_eq!(work["origin"], "~/.mbsyncrc, crontab, line 2");
    assert!(
        work["remarks"][0]
            .as_str()
            .unwrap()
            .contains("both would run")
    );
    assert_eq!(one(&found, "both")["usual"], false);
    assert_eq!(one(&found, "cal")["schedule"], "daily 00:00");
    assert_eq!(one(&found, "rsync-Copy")["settings"]["delete"], "yes");
    assert_eq!(one(&found, "notes")["schedule"], "cron 0 * * * *");
    let shell = one(&found, "line");
    assert_eq!(shell["can_be_added"], false);
    assert!(
        shell["remarks"][0]
            .as_str()
            .unwrap()
            .contains("syncmgr run --")
    );
    assert_eq!(one(&found, "restic-home")["can_be_added"], false);
    assert!(!found.to_string().contains("geheim"), "{found:#}");
    assert!(!found.to_string().contains("certbot"), "{found:#}");

    let done = run(&world, "import --all");
    assert!(done.status.success(), "{done:?}");
    let status = json(&world, "status");
    let syncs = status["items"].as_array().unwrap();
    let saved: Vec<_> = syncs.iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(!saved.contains(&"nas"), "nobody syncs it: {saved:?}");
    for name in ["work", "home", "cal", "rsync-Copy", "notes"] {
        assert!(saved.contains(&name), "{name}: {saved:?}");
    }
    let unison = names(&found)
        .into_iter()
        .find(|name| name.contains("photos"));
    assert!(saved.contains(&unison.unwrap()), "{saved:?}");
    let schedules = json(&world, "schedule show");
    let times = schedules["schedules"].as_array().unwrap();
    let times: Vec<_> = times
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert!(
        times.contains(&"work") && !times.contains(&"home"),
        "{times:?}"
    );

    // What is there already is not offered again, and nothing of the person's was touched.
    let again = json(&world, "import");
    assert!(
        again["found"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["usual"] == false),
        "{again:#}"
    );
    assert_eq!(theirs(&world), before);
}

#[test]
fn only_what_is_named_is_added() {
    let world = World::new();
    set_up(&world);
    let added = json(&world, "import --no-schedules --add work cal");
    assert_eq!(added["added"], serde_json::json!(["work", "cal"]));
    assert_eq!(
        json(&world, "schedule show")["schedules"],
        serde_json::json!([])
    );
    let unknown = run(&world, "import --add nothing");
    assert_eq!(unknown.status.code(), Some(21), "{unknown:?}");
    let shell = run(&world, "import --add line");
    assert!(!shell.status.success());
    let words = String::from_utf8(shell.stderr).unwrap();
    assert!(words.contains("syncmgr run --"), "{words}");
}

#[test]
fn nothing_is_found_where_nothing_is_set_up() {
    let world = World::new();
    let found = json(&world, "import");
    assert_eq!(found["found"], serde_json::json!([]));
    let words = run(&world, "import");
    let text = String::from_utf8(words.stdout).unwrap();
    assert!(text.contains("Nothing was found"), "{text}");
}

#[test]
fn a_crontab_that_cannot_be_read_is_said() {
    let world = World::new();
    set_up(&world);
    world.put(
        "bin/crontab",
        "#!/bin/sh\necho 'you are not allowed to use this program' >&2; exit 1\n",
    );
    let found = json(&world, "import");
    assert_eq!(found["silent"][0]["source"], "crontab");
    assert!(names(&found).contains(&"work"));
}

/// Runs `import` on a terminal, where a person answers the questions in their order.
fn ask(world: &World, answers: &[&str]) -> String {
    let answers: Vec<_> = answers
        .iter()
        .map(|it| ("? [y/N/all/quit]: ", it))
        .collect();
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/foreign/handlers/terminal.py"
    );
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    let program = world.command("import");
    let envs = program
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    let output = Command::new("/usr/bin/python3")
        .args(["-B", script, &serde_json::to_string(&answers).unwrap()])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(envs)
        .env("PATH", path)
        .current_dir(world.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_person_is_asked_for_each_entry() {
    let check = |answers: &[&str], expected: &dyn Fn(&[&str]) -> Vec<String>| {
        let world = World::new();
        set_up(&world);
        let found = json(&world, "import");
        let list = found["found"].as_array().unwrap();
        let can_be_added = list.iter().filter(|it| it["can_be_added"] == true);
        let names: Vec<_> = can_be_added
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let said = ask(&world, answers);
        let status = json(&world, "status");
        let syncs = status["items"].as_array().unwrap();
        let mut saved: Vec<_> = syncs.iter().filter_map(|it| it["name"].as_str()).collect();
        saved.retain(|name| names.contains(name));
        saved.sort_unstable();
        let mut expected = expected(&names);
        expected.sort_unstable();
        assert_eq!(saved, expected, "{answers:?}: {said}");
        for name in names.iter().take(2) {
            assert!(said.contains(&format!("Add {name}? ")), "{said}");
        }
    };
    // What is no answer is asked again.
    check(&["n", "perhaps", "YES", "quit"], &|names| {
        vec![names[1].to_owned()]
    });
    check(&["", "q"], &|_| Vec::new());
}

/// What would work on the folders of something else is told before and after it is added.
#[test]
fn folders_that_others_work_on_are_told() {
    let world = World::new();
    set_up(&world);
    for folder in ["Photos", "Copy", "Other"] {
        fs::create_dir(world.path(folder)).unwrap();
    }
    run(&world, "add album ~/Photos ~/Other");
    let found = json(&world, "import");
    let remarks = one(&found, "rsync-Copy")["remarks"].to_string();
    // The sync that is there, and the profile of Unison that is offered beside it.
    assert!(
        remarks.contains("Works on the folder of album, photos too: ~/Photos"),
        "{remarks}"
    );
    let cal = one(&found, "cal")["remarks"].to_string();
    assert!(!cal.contains("Works on the folder"), "{cal}");
    let added = run(&world, "import --add rsync-Copy");
    let said = String::from_utf8(added.stderr).unwrap();
    assert!(
        said.contains("rsync-Copy and album work on the same folder")
            || said.contains("album and rsync-Copy work on the same folder"),
        "{said}"
    );
    assert!(!said.contains("photos"), "{said}");
}

/// `rsync -a A B` copies A into B: what else is in B stays, also after the first sync.
#[test]
fn a_line_of_rsync_without_a_slash_leaves_the_rest_of_its_target_alone() {
    let world = World::new();
    set_up(&world);
    world.put("Music/a.mp3", "a");
    world.put("disk/Music/gone.mp3", "gone");
    world.put("disk/precious", "only here");
    world.put(
        "crontab.txt",
        "@daily rsync -a --delete ~/Music ~/disk\n@daily my-backup --password=geheim /x\n@daily sudo rsync -a /x/ /y\n",
    );
    let found = json(&world, "import");
    let music = one(&found, "rsync-disk");
    let target = world.path("disk/Music");
    assert_eq!(music["settings"]["target"], target.to_str().unwrap());
    assert_eq!(one(&found, "my-backup-x")["can_be_added"], false);
    let other = one(&found, "rsync-y")["remarks"][0].as_str().unwrap();
    assert!(other.contains("sudo"), "{other}");
    let all = run(&world, "import --all");
    assert!(all.status.success(), "{all:?}");
    let saved = fs::read_to_string(world.path(".config/syncmgr/config.toml")).unwrap();
    for text in [
        found.to_string(),
        saved,
        format!("{:?}", run(&world, "import")),
        format!("{all:?}"),
    ] {
        assert!(!text.contains("geheim"), "{text}");
    }
    let done = run(&world, "sync rsync-disk");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        fs::read_to_string(world.path("disk/precious")).unwrap(),
        "only here"
    );
    assert!(world.path("disk/Music/a.mp3").exists());
    assert!(!world.path("disk/Music/gone.mp3").exists());
}
