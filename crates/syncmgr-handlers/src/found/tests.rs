//! What is put together from set-ups, crontabs and saved syncs.

use std::sync::Arc;

use syncmgr_engine::clock::SystemClock;
use syncmgr_model::id::ItemId;

use super::*;

fn ctx() -> Context {
    let home = PathBuf::from("/home/anna");
    Context::new(
        Some(home),
        PathBuf::from("/state"),
        [],
        Arc::new(SystemClock),
    )
}

fn found(handler: &str, name: &str, settings: &[(&str, &str)]) -> Found {
    let mut all = Settings::default();
    for (key, value) in settings {
        all.set(key, Value::Text((*value).to_owned()));
    }
    Found {
        handler: tools::handler(handler),
        name: name.to_owned(),
        settings: all,
        summary: String::new(),
        origin: "its set-up".to_owned(),
        schedule: None,
        remarks: Vec::new(),
    }
}

fn together(found: Vec<Found>, crontab: &str, saved: &[Item]) -> Vec<Offer> {
    let jobs = of_crontab(&ctx(), crontab);
    let fits = |found: &Found| found.handler.as_str() != "rclone";
    together_of(&ctx(), found, &jobs, saved, &fits)
}

/// Every path below `/home/anna` is a folder.
fn together_of(
    ctx: &Context,
    found: Vec<Found>,
    jobs: &[Job],
    saved: &[Item],
    fits: &dyn Fn(&Found) -> bool,
) -> Vec<Offer> {
    let spot = |path: &Path| match path.starts_with("/home/anna") {
        true => Spot::Folder,
        false => Spot::Missing,
    };
    put_together_at(ctx, found, jobs, saved, (fits, &spot))
}

fn saved(handler: &str, settings: Settings) -> Item {
    Item {
        id: ItemId::new("x").unwrap(),
        handler: tools::handler(handler),
        name: Some("saved".to_owned()),
        settings,
        is_enabled: true,
    }
}

fn one(found: Vec<Found>, crontab: &str) -> Offer {
    let mut offers = together(found, crontab, &[]);
    assert_eq!(offers.len(), 1, "{offers:?}");
    offers.remove(0)
}

#[test]
fn a_line_gives_the_sync_it_runs_its_time() {
    let offer = one(
        vec![found("unison", "photos", &[("profile", "photos")])],
        "30 2 * * * nice /usr/bin/unison -batch photos >/dev/null 2>&1\n",
    );
    assert_eq!(offer.found.schedule.as_deref(), Some("daily 02:30"));
    assert_eq!(offer.found.origin, "its set-up, crontab, line 1");
    assert!(offer.found.remarks[0].contains("both would run"));
    assert!(offer.can_be_added && offer.is_usual);
}

#[test]
fn a_line_without_a_known_sync_is_a_command() {
    let offer = one(
        Vec::new(),
        "@daily LANG=C /opt/my backup '/a b'\n0 1 * * * certbot renew\n@daily LANG=C unison work\n@reboot syncthing\n",
    );
    assert_eq!(offer.found.handler.as_str(), "command");
    let expected = ["env", "LANG=C", "unison", "work"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(offer.found.settings.list("command"), expected);
    assert_eq!(offer.found.name, "unison-work");
}

#[test]
fn a_handler_that_does_not_take_the_settings_leaves_a_command() {
    let offer = one(Vec::new(), "0 * * * * rclone sync /a nas:b\n");
    assert_eq!(offer.found.handler.as_str(), "command");
    let offer = one(Vec::new(), "0 * * * * rsync -a ~/a nas:b\n");
    assert_eq!(offer.found.handler.as_str(), "rsync");
    assert_eq!(offer.found.settings.text("source"), Some("/home/anna/a"));
}

#[test]
fn what_needs_a_shell_is_shown_and_stays() {
    let offer = one(Vec::new(), "0 1 * * * cd /x; rsync -a * nas:x\n");
    assert!(!offer.can_be_added);
    assert!(offer.found.remarks[0].contains("syncmgr run --"));
    let offer = one(Vec::new(), "0 1 * * * rsync -a a b%input\n");
    assert!(!offer.can_be_added);
}

/// Whatever runs a known tool is shown, with the reason why it stays.
#[test]
fn what_stays_says_why() {
    for (line, why) in [
        ("tar c /x | ssh nas 'cat > x.tar'", "needs a shell"),
        ("scp $X nas:", "needs a shell"),
        ("curl -T /x https://nas/x", "is not known here"),
        ("ssh nas backup-now", "is not known here"),
        ("sudo rsync -a /x/ /y", "somebody else (`sudo`)"),
        ("su - nobody -c 'rsync -a /x/ /y'", "somebody else (`su`)"),
        ("tar c /x > /y/x.tar", "goes into a file"),
        ("/opt/backup.sh >> /var/log/x", "goes into a file"),
    ] {
        let offer = one(Vec::new(), &format!("@daily {line}\n"));
        assert!(!offer.can_be_added && !offer.is_usual, "{offer:?}");
        assert_eq!(offer.found.settings, Settings::default());
        let remark = offer.found.remarks.last().unwrap();
        assert!(
            remark.contains(why) && remark.contains("syncmgr run --"),
            "{line}: {remark}"
        );
        assert_eq!(offer.found.summary, line);
    }
    assert_eq!(
        together(
            Vec::new(),
            "@daily df | mail anna\n@daily sudo reboot\n",
            &[]
        ),
        []
    );
}

/// A lock, a limit of time or a variable in front is part of what is done.
#[test]
fn a_line_is_kept_with_all_its_words() {
    for line in [
        "flock -n /tmp/l mbsync work",
        "timeout 1h mbsync work",
        "systemd-inhibit --what=sleep mbsync work",
        "env HOME=/x mbsync work",
        "nice flock /tmp/l mbsync work",
        "mbsync --pull work",
        "mbsync work other",
    ] {
        let work = found("mbsync", "work", &[("channel", "work")]);
        let offers = together(vec![work], &format!("@daily {line}\n"), &[]);
        assert_eq!(offers.len(), 2, "{line}: {offers:?}");
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(offers[1].found.settings.list("command"), words);
        assert_eq!(offers[1].found.settings.text("dir"), Some("/home/anna"));
        assert_eq!(offers[1].found.schedule.as_deref(), Some("daily 00:00"));
        assert!(offers[1].is_usual && offers[1].can_be_added);
        // It would run twice.
        let is_left_out = line != "mbsync --pull work";
        assert_eq!(offers[0].is_usual, !is_left_out, "{line}");
        assert_eq!(offers[0].found.schedule, None);
    }
    // What only changes how fast it is, or what is printed, is none.
    for line in [
        "nice ionice -c3 mbsync -q work",
        "chronic mbsync work",
        "LANG=C mbsync work",
    ] {
        let work = found("mbsync", "work", &[("channel", "work")]);
        let offer = one(vec![work], &format!("@daily {line}\n"));
        assert_eq!(offer.found.handler.as_str(), "mbsync", "{line}");
        assert!(offer.found.schedule.is_some());
    }
}

#[test]
fn what_the_crontab_sets_above_a_line_belongs_to_it() {
    let text =
        "MAILTO=anna\nRSYNC_RSH=ssh -p 22\nRESTIC_PASSWORD_FILE=/x\n@daily rsync -a ~/a/ nas:b\n";
    let offer = one(Vec::new(), text);
    let words = [
        "env",
        "RSYNC_RSH=ssh -p 22",
        "RESTIC_PASSWORD_FILE=/x",
        "rsync",
        "-a",
        "/home/anna/a/",
        "nas:b",
    ];
    assert_eq!(
        offer.found.settings.list("command"),
        words.map(str::to_owned)
    );
    // What is for another tool changes nothing, and is not taken over.
    let offer = one(
        Vec::new(),
        "RESTIC_PASSWORD=geheim\n@daily rsync -a ~/a/ nas:b\n",
    );
    assert_eq!(offer.found.handler.as_str(), "rsync");
    assert!(!format!("{offer:?}").contains("geheim"));
    let offer = one(
        Vec::new(),
        "RESTIC_PASSWORD=geheim\n@daily restic backup /x\n",
    );
    assert!(!offer.can_be_added && !format!("{offer:?}").contains("geheim"));
}

#[test]
fn a_folder_is_copied_into_its_target_or_what_is_in_it() {
    let places = |line: &str| {
        let offer = one(Vec::new(), &format!("@daily {line}\n"));
        let text = |key| {
            offer
                .found
                .settings
                .text(key)
                .unwrap_or_default()
                .to_owned()
        };
        (
            text("source"),
            text("target"),
            offer.found.remarks.join(" "),
        )
    };
    let (source, target, _) = places("rsync -a --delete ~/Music ~/disk");
    assert_eq!(
        (&*source, &*target),
        ("/home/anna/Music", "/home/anna/disk/Music")
    );
    let (_, target, remarks) = places("rsync -a --delete ~/Music/ /mnt/disk");
    assert_eq!(target, "/mnt/disk");
    assert!(remarks.contains("/mnt/disk has to be there"), "{remarks}");
}

fn timer(files: &[(&str, &str)]) -> Vec<Offer> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = dir.path().join(".config/systemd/user").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let home = Some(dir.path().to_owned());
    let ctx = Context::new(home, PathBuf::new(), [], Arc::new(SystemClock));
    let work = found("mbsync", "work", &[("channel", "work")]);
    together_of(&ctx, vec![work], &of_timers(&ctx), &[], &|_| true)
}

#[test]
fn a_timer_that_is_turned_off_gives_no_time() {
    let timer_text = "[Timer]\nOnCalendar=daily\n";
    let service = "[Service]\nExecStart=mbsync work\n";
    let files = [("a.timer", timer_text), ("a.service", service)];
    let offers = timer(&files);
    assert_eq!((offers.len(), &offers[0].found.schedule), (1, &None));
    let remarks = &offers[0].found.remarks;
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("not turned on"), "{remarks:?}");
    let offers = timer(&[files[0], files[1], ("timers.target.wants/a.timer", "")]);
    assert_eq!(offers[0].found.schedule.as_deref(), Some("daily 00:00"));
}

#[test]
fn a_unit_that_does_more_stays() {
    let service = "[Service]\nExecStartPre=mount /m\nExecStart=mbsync work\n";
    let offers = timer(&[
        ("a.timer", "[Timer]\nOnCalendar=daily\n"),
        ("a.service", service),
        ("timers.target.wants/a.timer", ""),
    ]);
    assert_eq!(offers.len(), 2, "{offers:?}");
    assert!(offers[0].is_usual && offers[0].found.schedule.is_none());
    assert!(!offers[1].can_be_added);
    let why = offers[1].found.remarks.last().unwrap();
    assert!(why.contains("ExecStartPre"), "{why}");
}

#[test]
fn one_pair_that_is_found_twice_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(home.join(".config/rclone")).unwrap();
    let text = format!("[nas]\ntype = alias\nremote = {}/nas\n", home.display());
    std::fs::write(home.join(".config/rclone/rclone.conf"), text).unwrap();
    let ctx = Context::new(
        Some(home.clone()),
        PathBuf::new(),
        [],
        Arc::new(SystemClock),
    );
    let left = format!("{}/Notes", home.display());
    let pair = [
        ("mode", "bisync"),
        ("left", left.as_str()),
        ("right", "~/nas/notes"),
    ];
    let line = "@daily rclone bisync ~/Notes nas:notes --exclude '*.tmp' --transfers=2\n";
    let spot = |_: &Path| Spot::Folder;
    let look = |saved: &[Item]| {
        let jobs = of_crontab(&ctx, line);
        let pair = found("rclone", "notes", &pair);
        put_together_at(&ctx, vec![pair], &jobs, saved, (&|_| true, &spot))
    };
    let offers = look(&[]);
    assert_eq!(offers.len(), 1, "{offers:?}");
    let it = &offers[0].found;
    assert_eq!(it.schedule.as_deref(), Some("daily 00:00"));
    assert_eq!(it.settings.text("right"), Some("~/nas/notes"));
    assert_eq!(it.settings.list("exclude"), ["*.tmp".to_owned()]);
    // Saved under either name, it is not offered again.
    for right in ["nas:notes/", "~/nas/notes"] {
        let settings = found(
            "rclone",
            "",
            &[("mode", "bisync"), ("left", "~/Notes/"), ("right", right)],
        )
        .settings;
        assert_eq!(look(&[saved("rclone", settings)]), [], "{right}");
    }
}

#[test]
fn a_folder_that_a_sync_has_is_not_offered_again() {
    let mut offer = found("git", "git-src", &[("folder", "~/src")]);
    offer.settings.set("depth", Value::Number(2));
    for folder in ["~/src", "/home/anna/src/", "~/src/."] {
        let there = found("git", "", &[("folder", folder), ("push", "yes")]).settings;
        let offers = together(vec![offer.clone()], "", &[saved("git", there)]);
        assert_eq!(offers, [], "{folder}");
    }
    let other = found("git", "", &[("folder", "~/code")]).settings;
    assert_eq!(together(vec![offer], "", &[saved("git", other)]).len(), 1);
}

#[test]
fn secrets_of_a_line_are_not_taken_over() {
    let offer = one(
        Vec::new(),
        "0 1 * * * RESTIC_PASSWORD=geheim restic backup /x\n",
    );
    assert!(!offer.can_be_added);
    assert!(!format!("{:?}", offer.found.settings).contains("geheim"));
    assert!(
        !offer.found.summary.contains("geheim"),
        "{}",
        offer.found.summary
    );
}

/// Wherever it stands in a line, a secret is neither saved nor shown.
#[test]
fn secrets_in_words_are_not_taken_over() {
    for line in [
        "rclone sync ~/a :webdav,url=https://x,user=anna,pass=geheim:b",
        "restic -r rest:http://anna:geheim@nas backup /x",
        "my-backup --password=geheim /x",
        "my-backup --token geheim",
        "lftp -u anna,geheim -e mirror x",
        "env PGPASSWORD=geheim my-backup",
        "sh -c 'PGPASSWORD=geheim pg_dump x | ssh nas'",
        "PGPASSWORD=geheim pg_dump x | ssh nas",
        "curl -u anna:geheim -T /x https://nas",
        "sshpass -p geheim rsync -a ~/a/ nas:b",
        "flock -n /l my-backup --secret-key \"ge geheim\"",
        "mbsync --x work my-sync --pass geheim",
    ] {
        let offer = one(Vec::new(), &format!("@daily {line}\n"));
        let remark = offer.found.remarks.last().unwrap();
        assert!(
            !offer.can_be_added && remark.contains("secret"),
            "{line}: {offer:?}"
        );
        assert!(
            !format!("{offer:?}").contains("geheim"),
            "{line}: {offer:?}"
        );
        assert!(offer.found.summary.contains("***"), "{line}: {offer:?}");
    }
}

#[test]
fn names_are_legal_and_unique() {
    let all = vec![
        found("unison", "my photos:x", &[("profile", "a")]),
        found("rclone", "my photos:x", &[("source", "b")]),
        found("rclone", "my photos:x", &[("source", "c")]),
        found("rclone", "--", &[("source", "d")]),
        found("rclone", "\u{202e}evil\n", &[("source", "e")]),
    ];
    let offers = together(all, "", &[]);
    let names: Vec<_> = offers.iter().map(|it| it.found.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "my-photos-x",
            "my-photos-x-rclone",
            "my-photos-x-2",
            "rclone",
            "evil"
        ]
    );
    assert!(names.iter().all(|name| bad_name(name).is_none()));
}

#[test]
fn what_is_saved_is_not_offered_again() {
    let mut settings = Settings::default();
    settings.set("profile", Value::Text("photos".to_owned()));
    settings.set("more", Value::Number(1));
    let mut saved = saved("unison", settings);
    saved.name = Some("work".to_owned());
    let all = vec![
        found("unison", "photos", &[("profile", "photos")]),
        found("unison", "work", &[("profile", "work")]),
    ];
    let offers = together(all, "@daily unison photos\n", &[saved]);
    let names: Vec<_> = offers.iter().map(|it| it.found.name.as_str()).collect();
    assert_eq!(names, ["work-unison"]);
}

#[test]
fn a_group_and_its_channels_are_not_both_taken() {
    let all = || {
        let mut group = found("mbsync", "all", &[("channel", "all")]);
        group
            .remarks
            .push("Runs the channels work, home.".to_owned());
        vec![
            found("mbsync", "work", &[("channel", "work")]),
            found("mbsync", "home", &[("channel", "home")]),
            group,
        ]
    };
    let usual = |crontab| {
        let offers = together(all(), crontab, &[]);
        let usual = offers.into_iter().filter(|it| it.is_usual);
        usual.map(|it| it.found.name).collect::<Vec<_>>()
    };
    assert_eq!(usual(""), ["work", "home"]);
    assert_eq!(usual("@daily mbsync -a\n"), ["work", "home"]);
    assert_eq!(usual("@daily mbsync all\n"), ["all"]);
}

/// A remote that nobody syncs is offered, and not among everything.
#[test]
fn a_plain_remote_is_left_out_of_all() {
    let remote = || {
        let settings = [("mode", "copy"), ("source", "nas:"), ("target", "~/nas")];
        found("rclone", "nas", &settings)
    };
    let pair = found(
        "rclone",
        "photos",
        &[("mode", "bisync"), ("left", "nas:photos"), ("right", "/p")],
    );
    let offers = together(vec![remote(), pair], "", &[]);
    let usual: Vec<_> = offers
        .iter()
        .map(|it| (&*it.found.name, it.is_usual))
        .collect();
    assert_eq!(usual, [("nas", false), ("photos", true)]);
    assert!(offers.iter().all(|it| it.can_be_added));
    let why = offers[0].found.remarks.last().unwrap();
    assert!(why.contains("`--all` leaves it out"), "{why}");
    // A line that runs it is somebody.
    let offer = one(vec![remote()], "@daily rclone copy nas: ~/nas\n");
    assert!(
        offer.is_usual && offer.found.schedule.is_some(),
        "{offer:?}"
    );
}
