//! Outboxes: tries, pauses, order, limits, ends.

use std::sync::mpsc;
use std::time::Duration;

use syncmgr_alerts::channel::Channel;
use syncmgr_alerts::error::DeliveryError;
use syncmgr_alerts::outbox::{Outbox, Report, WAITING_MAX};
use syncmgr_model::alarm::AlarmKind;

use crate::support::{PATIENCE, Web, channel, message, message_about};

fn start(channel: Channel, pauses: &[Duration]) -> (Outbox, mpsc::Receiver<Report>) {
    let (sender, reports) = mpsc::channel();
    let outbox = Outbox::start("chat", channel, pauses.to_vec(), move |report| {
        drop(sender.send(report));
    });
    (outbox.unwrap(), reports)
}

fn webhook(port: u16) -> Channel {
    let url = format!("http://127.0.0.1:{port}/");
    channel(&[("kind", "webhook"), ("url", &url)])
}

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(1000);

#[test]
fn it_tries_again_until_it_arrives_and_keeps_the_order() {
    let web = Web::answering(&["503 Busy", "429 Slowly", "200 OK", "200 OK"]);
    let (outbox, reports) = start(webhook(web.port), &[SHORT; 3]);
    outbox.send(message_about("a", AlarmKind::Held)).unwrap();
    outbox.send(message_about("b", AlarmKind::Held)).unwrap();
    let names: Vec<_> = (0..4)
        .map(|_| web.request().body["alarms"][0]["sync"].clone())
        .collect();
    assert_eq!(names, ["a", "a", "a", "b"]);
    let first = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!((first.n_tries, first.outcome), (3, Some(Ok(()))));
    let second = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!((second.n_tries, second.outcome), (1, Some(Ok(()))));
    outbox.close();
}

#[test]
fn it_gives_up_and_says_so_when_trying_again_is_no_use() {
    let web = Web::answering(&["401 Who", "503 Busy", "503 Busy"]);
    let (outbox, reports) = start(webhook(web.port), &[SHORT]);
    outbox.send(message()).unwrap();
    outbox.send(message()).unwrap();
    let refused = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!(refused.n_tries, 1);
    let err = refused.outcome.unwrap().unwrap_err();
    assert!(matches!(err, DeliveryError::SignIn { .. }), "{err}");
    assert_eq!(err.trouble(&refused.channel).param("channel"), "chat");
    let busy = reports.recv_timeout(PATIENCE).unwrap();
    assert_eq!(busy.n_tries, 2);
    assert!(busy.outcome.unwrap().is_err());
}

#[test]
fn closing_does_not_wait_for_a_pause_and_reports_what_was_left() {
    let web = Web::answering(&["503 Busy"]);
    let (outbox, reports) = start(webhook(web.port), &[LONG]);
    outbox.send(message()).unwrap();
    outbox.send(message()).unwrap();
    drop(web.request());
    outbox.close();
    let reports: Vec<_> = reports.iter().collect();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0].n_tries, 1);
    assert_eq!((reports[1].n_tries, &reports[1].outcome), (0, &None));
}

#[test]
fn it_takes_only_so_many() {
    let web = Web::answering(&["503 Busy"]);
    let (outbox, _reports) = start(webhook(web.port), &[LONG]);
    outbox.send(message()).unwrap();
    // The first one is out of the queue from here on, and in its pause.
    drop(web.request());
    for _ in 0..WAITING_MAX {
        outbox.send(message()).unwrap();
    }
    assert!(outbox.send(message()).is_err());
    outbox.close();
}
