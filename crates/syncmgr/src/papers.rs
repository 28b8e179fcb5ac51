//! The pages of `docs/reference` that are made from the program (`UPDATE_EXPECT=1 cargo test -p
//! syncmgr`), so that they cannot say anything else.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect_file;
use syncmgr_engine::clock::SystemClock;
use syncmgr_handlers::files::SPECS;
use syncmgr_handlers::tool::Context;
use syncmgr_model::catalogue;
use syncmgr_model::item::{SettingKind, SettingSpec};
use syncmgr_model::trouble::{Code, Trouble};

use crate::exit::Exit;

const MADE: &str = "<!-- Made from the program by `UPDATE_EXPECT=1 cargo test -p syncmgr`. -->\n";

fn check(name: &str, title: &str, text: &str) {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
    let page = format!("# {title}\n\n{MADE}\n{text}");
    expect_file![format!("{dir}/{name}.md")].assert_eq(&page);
}

#[test]
fn exit_codes() {
    let mut text = "A number keeps its meaning for good.\nWhen several apply to a run, 13 comes \
                    before 12, 12 before 11, and 11 before 10.\n\n| Code | Meaning |\n|---|---|\n"
        .to_owned();
    for exit in Exit::ALL {
        writeln!(text, "| {} | {} |", exit.code(), exit.meaning()).unwrap();
    }
    text += "\nPipes, sockets and devices, which no tool can sync, are warnings: a run that leaves \
             only these ends with 0, or with 10 when `--strict` was given.\n";
    check("exit-codes", "Exit codes", &text);
}

/// Lists settings.
fn table(specs: &[SettingSpec]) -> String {
    let mut text = "| Key | Value | Meaning (default) |\n|---|---|---|\n".to_owned();
    for spec in specs {
        let value = match spec.kind {
            SettingKind::Text => "text".to_owned(),
            SettingKind::Folder => "a folder".to_owned(),
            SettingKind::Word(words) => format!("`{}`", words.join("`, `")),
            SettingKind::Number => "a whole number".to_owned(),
            SettingKind::Bytes => "bytes, as `500k`, `10M`, `2GiB`".to_owned(),
            SettingKind::List => "a list of texts".to_owned(),
            SettingKind::Secret => "a secret".to_owned(),
        };
        let needed = if spec.is_required { "; needed" } else { "" };
        let help = spec.help.replace('|', "\\|");
        writeln!(text, "| `{}` | {value}{needed} | {help} |", spec.key).unwrap();
    }
    text
}

#[test]
fn settings() {
    let mut text = "Saved syncs stand in `config.toml`, one table `[sync.NAME]` each, in \
                    `$SYNCMGR_CONFIG_DIR`, or `$XDG_CONFIG_HOME/syncmgr`, or `~/.config/syncmgr`.\n\
                    `syncmgr add`, `set`, `rename` and `remove` change the file and leave comments \
                    and order alone; you may edit it yourself.\n`id` names the memory of the sync; \
                    leave it as it is.\n`handler` says who syncs it; without one it is two folders \
                    (`files`).\nSecrets never stand in the file: `syncmgr secret set NAME KEY` \
                    keeps them.\n\n```toml\n[sync.docs]\nid = \"files-fbc2e0bbebd98fb0\"\nleft = \
                    \"/home/anna/Documents\"\nright = \"/media/stick/Documents\"\nexclude = \
                    [\"*.tmp\", \"/cache/\"]\nkeep_days = 90\n```\n\nA mistake in the file is named \
                    with its line, and nothing is synced until it is mended.\n\n## files\n\nTwo \
                    folders. Options of `sync` and `preview` go before these settings, for one \
                    run.\n\n"
        .to_owned();
    text += &table(SPECS);
    let nobody = Context::new(None, PathBuf::new(), [], Arc::new(SystemClock));
    let mut handlers = syncmgr_handlers::all(nobody);
    handlers.sort_by(|a, b| a.id().cmp(b.id()));
    for handler in handlers {
        write!(text, "\n## {}\n\n", handler.id()).unwrap();
        text += &match handler.settings() {
            [] => "It finds its syncs by itself; they have no settings here.\n".to_owned(),
            specs => table(specs),
        };
    }
    check("settings", "Settings", &text);
}

#[test]
fn messages() {
    let mut text = "Every message says what happened, what it means for your files, and what you \
                    can do.\nIts code stands in brackets behind it, and in `code` of the JSON \
                    output; codes stay.\n"
        .to_owned();
    for &code in Code::ALL {
        let mut trouble = Trouble::new(code);
        for (key, value) in [
            ("folder", "FOLDER"),
            ("empty", "FOLDER"),
            ("kept", "OTHER FOLDER"),
            ("inner", "FOLDER"),
            ("outer", "OTHER FOLDER"),
            ("aside", "PATH"),
            ("path", "PATH"),
            ("detail", "CAUSE"),
            ("key", "KEY"),
            ("value", "VALUE"),
            ("what", "run"),
            ("name", "NAME"),
            ("plan", "PLAN"),
            ("now", "PLAN"),
            ("pid", "PID"),
            ("handler", "HANDLER"),
            ("channel", "CHANNEL"),
            ("place", "PLACE"),
            ("ended", "failed"),
            ("n", "14"),
            ("n_files", "8412"),
            ("n_deletions", "1920"),
            ("n_changes", "5000"),
        ] {
            trouble = trouble.with(key, value);
        }
        let notice = catalogue::notice(&trouble);
        write!(
            text,
            "\n## {}\n\n> {}\n\n{}\n\n",
            code.as_str(),
            notice.what,
            notice.meaning
        )
        .unwrap();
        for action in notice.actions {
            writeln!(text, "- {action}").unwrap();
        }
    }
    check("messages", "Messages", &text);
}
