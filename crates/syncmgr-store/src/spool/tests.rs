//! A report in the spool is taken in once, whole, wherever it was cut off.

use std::os::unix::fs::PermissionsExt as _;

use syncmgr_model::id::ItemId;
use syncmgr_model::outside::{ReportedEnd, Subject};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::{Code, Trouble};

use super::*;

fn session(n: u16) -> SessionId {
    SessionId::at(Timestamp(1_795_189_501_123), n)
}

fn subject() -> Subject {
    Subject {
        handler: None,
        item: "backup".to_owned(),
        id: Some(ItemId::new("run-1").unwrap()),
        command: Some("rsync -a …".to_owned()),
        max_age_ms: Some(1000),
    }
}

fn end() -> ReportedEnd {
    ReportedEnd {
        at: Timestamp(30),
        status: ProgressStatus::Succeeded,
        summary: Summary::default(),
    }
}

fn trouble() -> Trouble {
    Trouble::new(Code::ToolFailed).with("tool", "rsync")
}

/// Takes all in and returns the reports.
fn all(spool: &Spool) -> (Vec<Reported>, Taken) {
    let mut reports = Vec::new();
    let taken = spool.take_in(Timestamp(0), |report| {
        reports.push(report.clone());
        Ok(())
    });
    (reports, taken)
}

/// The lines of version 1: a change of what is written is a new version.
#[test]
fn the_lines_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let mut writer = spool.begin(&session(1), &subject(), Timestamp(10)).unwrap();
    writer.event(Timestamp(20), &trouble()).unwrap();
    writer.end(&end()).unwrap();
    let path = dir.path().join(format!("spool/{}.jsonl", session(1)));
    let text = std::fs::read_to_string(&path).unwrap();
    let tally = r#"{"attributes":0,"bytes":0,"copied":0,"deleted":0,"folders_made":0,"folders_removed":0,"renamed":0,"updated":0}"#;
    let expected = [
        r#"{"begin":{"at":10,"command":"rsync -a …","handler":null,"id":"run-1","item":"backup","max_age_ms":1000,"run":"20261120-154501123-0001"},"v":1}"#.to_owned(),
        r#"{"event":{"at":20,"trouble":{"code":"tool-failed","level":3,"params":{"tool":"rsync"},"paths":[]}}}"#.to_owned(),
        format!(r#"{{"end":{{"at":30,"status":"succeeded","summary":{{"conflicts":0,"failures":0,"held":0,"left":{tally},"right":{tally},"warnings":0}}}}}}"#),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&path), mode(&dir.path().join("spool"))),
        (0o600, 0o700)
    );
    let (reports, taken) = all(&spool);
    assert_eq!((reports.len(), taken.n_taken), (1, 1));
    assert_eq!(reports[0].subject, subject());
    assert_eq!(reports[0].events, [(Timestamp(20), trouble())]);
    assert_eq!(reports[0].end, end());
    assert!(spool.is_empty());
}

#[test]
fn a_file_belongs_to_its_program_as_long_as_that_lives() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let writer = spool.begin(&session(1), &subject(), Timestamp(10)).unwrap();
    let (reports, taken) = all(&spool);
    assert_eq!((reports.len(), taken.n_alive), (0, 1));
    // Killed: the lock goes, and no last line comes.
    drop(writer);
    let (reports, _) = all(&spool);
    assert_eq!(reports[0].end.status, ProgressStatus::Failed);
    assert_eq!(reports[0].events[0].1.code, Code::Interrupted);
    assert!(spool.is_empty());
}

#[test]
fn what_could_not_be_taken_stays() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path());
    for n in [2, 1] {
        let writer = spool.begin(&session(n), &subject(), Timestamp(10)).unwrap();
        writer.end(&end()).unwrap();
    }
    let taken = spool.take_in(Timestamp(0), |_| Err(()));
    assert_eq!((taken.n_taken, taken.n_left), (0, 2));
    let (reports, _) = all(&spool);
    let ids: Vec<_> = reports.iter().map(|it| it.session.clone()).collect();
    assert_eq!(ids, [session(1), session(2)]);
}

#[test]
fn a_file_of_a_later_version_and_a_foreign_one_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path());
    std::fs::create_dir(dir.path().join("spool")).unwrap();
    let later = dir.path().join(format!("spool/{}.jsonl", session(1)));
    std::fs::write(&later, "{\"v\":2,\"begin\":{}}\n").unwrap();
    let other = dir.path().join("spool/notes.txt");
    std::fs::write(&other, "mine").unwrap();
    let link = dir.path().join(format!("spool/{}.jsonl", session(2)));
    std::os::unix::fs::symlink(&other, &link).unwrap();
    let (reports, taken) = all(&spool);
    assert_eq!((reports.len(), taken.n_left), (0, 2));
    assert!(later.exists() && other.exists());
}

#[test]
fn there_is_an_end_to_files_and_to_results() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path());
    let mut writer = spool.begin(&session(0), &subject(), Timestamp(10)).unwrap();
    for n in 0..2000 {
        writer.event(Timestamp(n), &trouble()).unwrap();
    }
    writer.end(&end()).unwrap();
    let (reports, _) = all(&spool);
    assert_eq!(reports[0].events.len(), write::EVENTS_MAX);
    assert_eq!(reports[0].end, end());
    for n in 0..FILES_MAX {
        std::fs::write(dir.path().join(format!("spool/{n}")), "").unwrap();
    }
    assert!(spool.begin(&session(1), &subject(), Timestamp(10)).is_err());
}
