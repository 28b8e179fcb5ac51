//! The file as people write it, and what edits leave of it.

use syncmgr_model::item::{SettingKind, Value};
use syncmgr_model::schedule::text::parse_moment;
use syncmgr_model::schedule::{CatchUp, ScheduleItems, SystemEvent, Trigger, Zone};

use super::*;

const SPECS: &[SettingSpec] = &[
    SettingSpec {
        key: "left",
        kind: SettingKind::Folder,
        is_required: true,
        help: "",
    },
    SettingSpec {
        key: "mode",
        kind: SettingKind::Word(&["two-way", "mirror"]),
        is_required: false,
        help: "",
    },
    SettingSpec {
        key: "exclude",
        kind: SettingKind::List,
        is_required: false,
        help: "",
    },
];

const TEXT: &str = r#"# my syncs

[sync.photos] # the big one
id = "files-1"
left = "~/Photos" # here
# why: raw files are huge
exclude = ["*.raw"]
"#;

fn config(text: &str) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap();
    (dir, config)
}

fn specs(_: &HandlerId) -> Option<&'static [SettingSpec]> {
    Some(SPECS)
}

#[test]
fn comments_survive_a_change() {
    let (dir, mut config) = config(TEXT);
    let mut item = config.items(&specs).unwrap().remove(0);
    item.settings.set("left", Value::Text("/new".into()));
    item.settings.set("mode", Value::Text("mirror".into()));
    config.replace(&item).unwrap();
    let text = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
    let expected = TEXT.replace("\"~/Photos\"", "\"/new\"") + "mode = \"mirror\"\n";
    assert_eq!(text, expected);
    assert_eq!(config.items(&specs).unwrap(), [item]);
}

#[test]
fn a_sync_can_be_added_renamed_and_removed() {
    let (dir, mut config) = config(TEXT);
    let mut item = config.items(&specs).unwrap().remove(0);
    item.name = Some("copy".into());
    let same = config.add(&item);
    assert!(matches!(same, Err(ConfigError::Exists(name)) if name == "photos"));
    item.id = syncmgr_model::id::ItemId::new("files-2").unwrap();
    config.add(&item).unwrap();
    assert!(matches!(config.add(&item), Err(ConfigError::Exists(_))));
    config.rename("copy", "other").unwrap();
    let names: Vec<_> = config.items(&specs).unwrap();
    assert_eq!(names[1].name.as_deref(), Some("other"));
    config.remove("other").unwrap();
    let text = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
    assert_eq!(text, TEXT);
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let (_dir, config) = config(text);
    let error = config.items(&specs).unwrap_err().to_string();
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn mistakes_name_line_and_key() {
    check(
        "[sync.a]\nid = \"x\"\nleft = \"/a\"\nmdoe = \"mirror\"\n",
        "config.toml:4: unknown key `mdoe`; known: id, handler, enabled, max-age, retry, retry-most, retries, change-quiet, change-wait, change-gap, priority, left, mode, exclude",
    );
    check(
        "[sync.a]\nid = \"x\"\nleft = 1\n",
        ":3: `left` must be the path of a folder",
    );
    check(
        "[sync.a]\nid = \"x\"\nleft = \"/a\"\nmode = \"up\"",
        ":4: `mode` must be one of two-way, mirror",
    );
    check("\n[sync.a]\nid = \"x\"\n", ":2: `sync.a` has no `left`");
    check("[snyc.a]\n", ":1: unknown key `snyc`");
}

const CHANNEL: &[SettingSpec] = &[
    SettingSpec {
        key: "kind",
        kind: SettingKind::Word(&["ntfy"]),
        is_required: true,
        help: "",
    },
    SettingSpec {
        key: "url_file",
        kind: SettingKind::Text,
        is_required: false,
        help: "",
    },
];

fn channels(kind: &str) -> Option<&'static [SettingSpec]> {
    (kind == "ntfy").then_some(CHANNEL)
}

fn checks() -> Checks<'static> {
    Checks {
        handlers: &specs,
        alerts: &channels,
        general: &[],
        meaning: &|_| Ok(()),
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[track_caller]
fn check_whole(text: &str, expected: &str) {
    let (_dir, config) = config(text);
    let error = config.check(&checks()).unwrap_err().to_string();
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_sync_without_an_id_gets_one_that_stays() {
    let text = "[sync.a]\nleft = \"/a\"\n\n[sync.b]\nid = \"x\"\nleft = \"/b\"\n";
    let (_dir, mut config) = config(text);
    let first = config.items(&specs).unwrap();
    assert_eq!(config.items(&specs).unwrap(), first);
    assert_eq!(first[1].id.as_str(), "x");
    config.rename("a", "c").unwrap();
    let later = config.items(&specs).unwrap();
    let renamed = later.iter().find(|item| item.label() == "c").unwrap();
    assert_eq!(renamed.id, first[0].id);
    assert!(config.text().contains(renamed.id.as_str()));
}

#[test]
fn two_syncs_cannot_have_one_memory() {
    check(
        "[sync.a]\nid = \"x\"\nleft = \"/a\"\n[sync.b]\nid = \"x\"\nleft = \"/b\"\n",
        ":5: `sync.b` has the `id` of `sync.a`; leave it out to get a new one",
    );
}

#[test]
fn a_sync_can_be_turned_on_again() {
    let (_dir, mut config) = config(TEXT);
    let mut item = config.items(&specs).unwrap().remove(0);
    for is_enabled in [false, true] {
        item.is_enabled = is_enabled;
        config.replace(&item).unwrap();
        assert_eq!(config.items(&specs).unwrap(), [item.clone()]);
    }
}

#[test]
fn defaults_hold_for_all_and_are_not_repeated() {
    let text = "[defaults]\nexclude = [\"*.tmp\"] # everywhere\nmax-age = \"1d\"\n\n\
                [sync.a]\nid = \"x\"\nleft = \"/a\"\n\n\
                [sync.b]\nid = \"y\"\nleft = \"/b\"\nexclude = []\nmax_age = \"2h\"\n";
    let (_dir, mut config) = config(text);
    let items = config.items(&specs).unwrap();
    assert_eq!(items[0].settings.list("exclude"), ["*.tmp"]);
    assert!(items[1].settings.list("exclude").is_empty());
    let ages: Vec<_> = config.policies().unwrap();
    assert_eq!(ages[0].1.max_age_ms, Some(86_400_000));
    assert_eq!(ages[1].1.max_age_ms, Some(7_200_000));
    for item in &items {
        config.replace(item).unwrap();
    }
    assert_eq!(config.text(), text);
    check_whole(
        "[defaults]\nid = \"x\"\n",
        ":2: `id` is no key that can be set for all syncs",
    );
}

const NIGHTLY: &str = r#"# at night
[schedule.nightly] # all of it
syncs = ["a", "b"]
every = "1d"
start = "2026-01-31 08:00"
at = ["18:00", "06:30"]
days = "mon-fri"
on = ["change", "idle 10m"]
after = "a"
triggers = ["sat 10:00"]
zone = "Europe/Prague"
windows = ["mon-fri 08:00-18:00"]
jitter = "5m" # not all at once
catch-up = "skip"
when = ["idle 10m", "power", "connection home"]
stop-when = ["power-lost"]
"#;

#[test]
fn a_schedule_is_read_and_written_back_with_its_comments() {
    let (_dir, mut config) = config(NIGHTLY);
    let mut all = config.schedules().unwrap();
    let schedule = &mut all[0];
    assert_eq!(
        schedule.items,
        ScheduleItems::Named(vec!["a".into(), "b".into()])
    );
    assert_eq!(schedule.triggers.len(), 6);
    assert!(matches!(
        &schedule.triggers[0],
        Trigger::Every { start: Some(at), .. } if *at == parse_moment("2026-01-31 08:00").unwrap()
    ));
    assert_eq!(schedule.triggers[2], Trigger::OnChange);
    assert!(matches!(
        schedule.triggers[3],
        Trigger::OnEvent(SystemEvent::Idle {
            after_ms: 600_000,
            ..
        })
    ));
    assert_eq!(schedule.zone, Zone::Named("Europe/Prague".into()));
    assert_eq!(schedule.jitter_ms, 300_000);
    assert_eq!(schedule.catch_up, CatchUp::Skip);
    assert_eq!(schedule.conditions.on_connection.as_deref(), Some("home"));
    assert!(schedule.stop_when.power_lost && !schedule.stop_when.idle_ends);

    config.put_schedule(schedule).unwrap();
    let all = config.schedules().unwrap();
    assert_eq!(&all[0], schedule);
    schedule.jitter_ms = 60_000;
    schedule.conditions = syncmgr_model::schedule::Conditions::default();
    config.put_schedule(schedule).unwrap();
    assert_eq!(&config.schedules().unwrap()[0], schedule);
    assert!(config.text().contains("jitter = \"1m\" # not all at once"));
    assert!(
        config
            .text()
            .starts_with("# at night\n[schedule.nightly] # all of it\n")
    );
    assert!(!config.text().contains("when = [\"idle"));

    let every = Schedule {
        triggers: vec!["every 15m".parse().unwrap(), "every 1w".parse().unwrap()],
        ..Schedule::new("often")
    };
    config.put_schedule(&every).unwrap();
    assert_eq!(config.schedules().unwrap()[1], every);
    config.remove_schedule("often").unwrap();
    assert!(matches!(
        config.remove_schedule("often"),
        Err(ConfigError::NoSuch { .. })
    ));
}

#[test]
fn mistakes_in_other_tables_name_line_and_key() {
    check_whole("[schedule.x]\nevry = \"1d\"\n", "ask");
    check_whole(
        "[schedule.x]\n\nat = [\"25:00\"]\n",
        ":3: `at`: cannot read `25:00`: expected a time of day, as `18:00`",
    );
    check_whole(
        "[schedule.x]\ndays = \"sat\"\n",
        ":2: `days` (sat) goes with `at`; say at what time",
    );
    check_whole(
        "[schedule.x]\nsyncs = [\"gone\"]\n",
        ":2: there is no sync `gone`",
    );
    check_whole("[alert.x]\n", ":1: `alert.x` has no `kind`");
    check_whole(
        "[alert.x]\nkind = \"pigeon\"\n",
        ":2: there is no kind of alert `pigeon`",
    );
    check_whole("[alerts]\nx = 1\n", ":2: unknown key `x`; known: ");
    check_whole(
        "[daemon]\nlisten = \"0.0.0.0\"\n",
        ":2: `listen` must be a port of this computer, 0 (any free one) to 65535, or \"off\"",
    );
    check_whole(
        "[daemon]\nmax-running = 0\n",
        ":2: `max-running` must be a whole number, 1 to 64",
    );
    check_whole(
        "[sync.a]\nleft = \"/a\"\nmax-age = \"soon\"\n",
        ":3: `max-age` must be a duration, as \"90s\", \"15m\", \"1h30m\" or \"2d\"",
    );
}

#[test]
fn alerts_are_checked_by_their_kind() {
    let (_dir, mut config) = config("");
    let mut settings = Settings::default();
    settings.set("kind", Value::Text("ntfy".into()));
    settings.set("url_file", Value::Text("~/ntfy".into()));
    config.put_alert("phone", &settings).unwrap();
    let alerts = config.alerts(&channels).unwrap();
    assert_eq!(
        (alerts[0].name.as_str(), alerts[0].kind.as_str()),
        ("phone", "ntfy")
    );
    assert_eq!(alerts[0].settings, settings);
    config.remove_alert("phone").unwrap();
    assert!(config.alerts(&channels).unwrap().is_empty());
}

#[test]
fn the_environment_goes_before_the_file() {
    let (_dir, config) = config("[daemon]\nlisten = \"off\"\nmax_running = 2\ngrace = \"5s\"\n");
    let env = |name: &str| match name {
        "SYNCMGR_DAEMON_LISTEN" => Some("8000".to_owned()),
        "SYNCMGR_DAEMON_GRACE" => Some("7s".to_owned()),
        _ => None,
    };
    let daemon = config.daemon(&env).unwrap();
    assert_eq!(daemon.listen, Listen::Port(8000));
    assert_eq!(daemon.limits.grace_ms, 7000);
    assert_eq!(daemon.limits.max_running, 2);
    assert_eq!(daemon.history_days, 90);
    let error = config.daemon(&|_| Some("x".to_owned())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("SYNCMGR_DAEMON_LISTEN: `listen`")
    );
}

#[test]
fn a_value_says_where_it_comes_from() {
    let text = "[defaults]\nexclude = [\"a\"]\n[daemon]\ngrace = \"5s\" # short\n\
                [sync.\"a.b\"]\nleft = \"/a\"\n";
    let (_dir, config) = config(text);
    let check = |place: &str, value: Option<&str>, source: Source| {
        let found = config.explain(place, &nothing).unwrap();
        assert_eq!(
            (found.value.as_deref(), found.source),
            (value, source),
            "{place}"
        );
    };
    check("daemon.grace", Some("\"5s\""), Source::Line(4));
    check("daemon.max_running", Some("4"), Source::Default);
    check("sync.\"a.b\".left", Some("\"/a\""), Source::Line(6));
    check("sync.\"a.b\".exclude", Some("[\"a\"]"), Source::Defaults(2));
    check("sync.\"a.b\".max-age", None, Source::Default);
    let env = |_: &str| Some("9".to_owned());
    let found = config.explain("daemon.max-running", &env).unwrap();
    let variable = "SYNCMGR_DAEMON_MAX_RUNNING".to_owned();
    assert_eq!(found.source, Source::Environment(variable));
    for bad in ["daemon.x", "x", "daemon", "a..b", "sync.\"a.b\".nonsense"] {
        assert!(config.explain(bad, &nothing).is_err(), "{bad}");
    }
}

#[test]
fn a_value_is_set_only_when_the_file_stays_right() {
    let (dir, mut config) = config(TEXT);
    config.set("daemon.grace", "5s", &checks()).unwrap();
    config.set("sync.photos.mode", "mirror", &checks()).unwrap();
    let before = config.text().to_owned();
    assert!(before.starts_with(TEXT));
    for (place, value) in [
        ("daemon.grace", "soon"),
        ("sync.photos.mode", "up"),
        ("sync.gone.mode", "mirror"),
        ("demon.grace", "5s"),
    ] {
        assert!(config.set(place, value, &checks()).is_err(), "{place}");
    }
    assert!(
        config.unset("sync.photos.left", &checks()).is_err(),
        "required"
    );
    assert_eq!(
        std::fs::read_to_string(dir.path().join("config.toml")).unwrap(),
        before
    );
    config.unset("daemon.grace", &checks()).unwrap();
    assert!(config.unset("daemon.grace", &checks()).is_err());
    assert!(!config.text().contains("grace"));
}

#[test]
fn an_edit_for_another_file_is_not_made() {
    let (dir, mut config) = config(TEXT);
    config.expect(&config.etag());
    config.set("daemon.grace", "5s", &checks()).unwrap();
    config.set("daemon.grace", "6s", &checks()).unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, TEXT).unwrap();
    let error = config.remove("photos").unwrap_err();
    assert!(matches!(error, ConfigError::Changed(_)), "{error}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), TEXT);
}

#[test]
fn a_renamed_sync_is_renamed_in_schedules() {
    let text = format!("{TEXT}\n[schedule.x]\nsyncs = [\"photos\"]\nafter = \"photos\"\n");
    let (_dir, mut config) = config(&text);
    config.rename("photos", "pictures").unwrap();
    let schedule = &config.schedules().unwrap()[0];
    assert_eq!(
        schedule.items,
        ScheduleItems::Named(vec!["pictures".into()])
    );
    assert_eq!(schedule.triggers, [Trigger::After("pictures".into())]);
    config.check(&checks()).unwrap();
}
