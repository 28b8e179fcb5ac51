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
    put_together(&ctx(), found, &jobs, saved, &fits)
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
    let saved = Item {
        id: ItemId::new("x").unwrap(),
        handler: tools::handler("unison"),
        name: Some("work".to_owned()),
        settings,
        is_enabled: true,
    };
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
    let offer = one(vec![remote()], "@daily rclone copy nas: '~/nas'\n");
    assert!(
        offer.is_usual && offer.found.schedule.is_some(),
        "{offer:?}"
    );
}
