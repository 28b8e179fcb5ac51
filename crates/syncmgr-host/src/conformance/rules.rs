//! What has to hold in every case: the shape of what a handler sends, and the rules about sessions
//! and final statuses. Also plays the host's part: what is asked gets an answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pattern::{fits, shape, short};

/// What is known of a session.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The final status of each item.
    pub(super) items: BTreeMap<String, Option<String>>,
    /// Messages about it.
    pub(super) n_reports: usize,
    /// It was answered, or closed.
    pub(super) is_over: bool,
}

/// What a handler sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) params: Value,
}

/// The host's side of the conversation.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) sessions: BTreeMap<String, Seen>,
    pub(super) sent: Vec<Sent>,
    may_open: bool,
    n_opened: usize,
}

/// What was sent and is kept, so that a case can look at it; a case that gets more has seen enough.
const SENT_MAX: usize = 10_000;

impl Rules {
    /// Begins; `may_open` says whether the handler may open sessions itself.
    pub(super) fn new(may_open: bool) -> Self {
        Self {
            may_open,
            ..Self::default()
        }
    }

    /// Makes a session known that is about to be started.
    pub(super) fn begin(&mut self, session: &str, items: &[String]) {
        let items = items.iter().map(|id| (id.clone(), None)).collect();
        let seen = Seen {
            items,
            ..Seen::default()
        };
        // A session that runs already keeps what is known of it.
        self.sessions.entry(session.to_owned()).or_insert(seen);
    }

    /// Takes a request or a notification of the handler; returns what the host answers.
    ///
    /// # Errors
    /// The rule that was broken, in plain words.
    pub(super) fn take(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Result<Value, (i64, &'static str)>, String> {
        let Some(pattern) = shape("sent", method) else {
            return Err(format!(
                "it sent `{}`, which is no method of the protocol",
                short(&Value::from(method))
            ));
        };
        fits(Some(params), pattern, "params")
            .map_err(|why| format!("it sent `{method}` wrongly: {why}"))?;
        if self.sent.len() < SENT_MAX {
            self.sent.push(Sent {
                method: method.to_owned(),
                params: params.clone(),
            });
        }
        if method == "session/open" {
            return self.open(params);
        }
        if let Some(session) = params.get("session_id").and_then(Value::as_str) {
            self.about(method, session, params)?;
        }
        Ok(answer(method))
    }

    fn open(&mut self, params: &Value) -> Result<Result<Value, (i64, &'static str)>, String> {
        if !self.may_open {
            return Err("it sent `session/open` without `concurrent_sessions`".to_owned());
        }
        self.n_opened += 1;
        let session = format!("opened-{}", self.n_opened);
        let items: Vec<String> = params["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect();
        self.begin(&session, &items);
        Ok(Ok(json!({"session_id": session})))
    }

    fn about(&mut self, method: &str, session: &str, params: &Value) -> Result<(), String> {
        let Some(seen) = self.sessions.get_mut(session) else {
            return Err(format!(
                "it sent `{method}` for a session that was never started"
            ));
        };
        if seen.is_over {
            return Err(format!("it sent `{method}` for a session that was over"));
        }
        seen.n_reports += 1;
        if method == "session/close" {
            seen.is_over = true;
            return unfinished(seen, false);
        }
        let Some(item) = params.get("item").and_then(Value::as_str) else {
            return Ok(());
        };
        if method == "session/add_item" || method == "item/commit" {
            return Ok(());
        }
        let Some(ended) = seen.items.get_mut(item) else {
            return Err(format!(
                "it sent `{method}` for an item that is not in the session"
            ));
        };
        let status = params.get("status").and_then(Value::as_str);
        if method != "session/progress" {
            return Ok(());
        }
        match (ended.as_deref(), status) {
            (Some(before), Some(now)) if now != "failed" => Err(format!(
                "it reported `{now}` for an item after its final status `{before}`"
            )),
            (_, Some(now @ ("succeeded" | "failed" | "canceled" | "disconnected"))) => {
                *ended = Some(now.to_owned());
                Ok(())
            }
            (_, Some(_) | None) => Ok(()),
        }
    }

    /// Notes that a session was answered.
    ///
    /// # Errors
    /// It succeeded although items have no final status.
    pub(super) fn answered(&mut self, session: &str, is_error: bool) -> Result<(), String> {
        let Some(seen) = self.sessions.get_mut(session) else {
            return Ok(());
        };
        seen.is_over = true;
        if is_error {
            return Ok(());
        }
        unfinished(seen, self.may_open)
    }
}

/// An answer without any report means that it works elsewhere, and opens a session of its own;
/// which only a handler can that may.
fn unfinished(seen: &Seen, may_work_elsewhere: bool) -> Result<(), String> {
    let open = seen.items.iter().find(|(_, status)| status.is_none());
    match open {
        Some((item, _)) if seen.n_reports > 0 || !may_work_elsewhere => Err(format!(
            "the session was over, and the item `{item}` had no final status"
        )),
        Some(_) | None => Ok(()),
    }
}

/// Answers as a host that offers nothing beyond the session itself.
fn answer(method: &str) -> Result<Value, (i64, &'static str)> {
    match method {
        "session/progress" => Ok(json!({"cancel": "none", "a_member_of_later": [1]})),
        "session/text" => Ok(json!({"cancel": "none"})),
        "session/event" => Ok(json!({"event_id": 1})),
        "session/can_continue" => Ok(json!({"go_on": true})),
        "session/add_item" | "session/add_token" => Err((-32012, "it does not wait")),
        "legacy/progress" => Ok(json!({"cancel": "none"})),
        "legacy/enable_modeless" => Ok(json!({"may_show": false})),
        _ => Ok(json!({})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Rules {
        let mut rules = Rules::new(false);
        rules.begin("s", &["a".to_owned(), "b".to_owned()]);
        rules
    }

    fn progress(rules: &mut Rules, item: &str, status: &str) -> Result<(), String> {
        let params = json!({"session_id": "s", "item": item, "status": status});
        rules.take("session/progress", &params).map(drop)
    }

    #[test]
    fn after_a_final_status_only_failed_is_taken() {
        let mut rules = started();
        progress(&mut rules, "a", "updating").unwrap();
        progress(&mut rules, "a", "succeeded").unwrap();
        progress(&mut rules, "a", "failed").unwrap();
        assert_eq!(
            progress(&mut rules, "a", "updating").unwrap_err(),
            "it reported `updating` for an item after its final status `failed`"
        );
    }

    #[test]
    fn a_session_that_reported_ends_every_item() {
        let mut rules = started();
        progress(&mut rules, "a", "succeeded").unwrap();
        assert_eq!(
            rules.answered("s", false).unwrap_err(),
            "the session was over, and the item `b` had no final status"
        );
        let mut rules = started();
        rules.may_open = true;
        rules.answered("s", false).unwrap();
        assert_eq!(
            progress(&mut rules, "a", "updating").unwrap_err(),
            "it sent `session/progress` for a session that was over"
        );
    }

    #[test]
    fn what_is_sent_has_its_shape() {
        let mut rules = started();
        let unknown = rules.take("session/nonsense", &json!({})).unwrap_err();
        assert!(unknown.contains("no method of the protocol"), "{unknown}");
        let wrong = progress(&mut rules, "a", "done").unwrap_err();
        assert!(wrong.contains("`params.status` is \"done\""), "{wrong}");
        assert_eq!(
            progress(&mut rules, "c", "updating").unwrap_err(),
            "it sent `session/progress` for an item that is not in the session"
        );
        let open = rules.take("session/open", &json!({"items": ["a"]}));
        assert!(open.unwrap_err().contains("concurrent_sessions"));
    }
}
