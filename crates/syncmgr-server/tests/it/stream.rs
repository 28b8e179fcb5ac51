//! The live messages, as the typed client hears them.

use std::time::Duration;

use syncmgr_api::Client;
use syncmgr_api::stream::Message;

use crate::harness::Front;

const SOON: Duration = Duration::from_secs(60);

fn handler(name: &str) -> Message {
    Message::Handler {
        handler: name.to_owned(),
    }
}

#[test]
fn messages_arrive_and_are_caught_up_with() {
    let front = Front::start();
    let client = Client::connect(&front.socket()).unwrap();
    let mut events = client.events(None).unwrap();
    while front.hub.n_listening() == 0 {
        std::thread::yield_now();
    }
    front.hub.publish(&handler("a"));
    assert_eq!(events.next_within(SOON).unwrap(), Some(handler("a")));
    assert_eq!(events.next_within(Duration::ZERO).unwrap(), None);
    let last = events.last();
    drop(events);
    front.hub.publish(&handler("b"));
    let mut events = client.events(last).unwrap();
    assert_eq!(events.next_within(SOON).unwrap(), Some(handler("b")));
    let mut events = client.events(Some(u64::MAX)).unwrap();
    assert_eq!(events.next_within(SOON).unwrap(), Some(Message::Reset));
}

#[test]
fn a_client_reads_answers_and_refusals() {
    let front = Front::start();
    let mut client = Client::connect(&front.socket()).unwrap();
    for _ in 0..3 {
        let health = client.get::<syncmgr_api::wire::Health>("/healthz", &[]);
        assert_eq!(health.unwrap().body.status, "ok");
    }
    let missing = client.get::<serde_json::Value>("/api/nowhere", &[]);
    let Err(syncmgr_api::client::ClientError::Refused(problem)) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!((problem.status, &*problem.code), (404, "not-found"));
    assert_eq!(problem.instance, "/api/nowhere");
}
