//! Plays one case to one handler.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{After, Begin, Case, Step};
use super::child::{Child, Line};
use super::pattern::{filled, fits, short};
use super::rules::Rules;
use super::{Check, Verdict, fixture};

/// Until `initialize` has to be answered.
const START_MS: u64 = 10_000;
/// Until a ping has to be answered at the end of a case, and until it has to have ended.
const END_MS: u64 = 10_000;
/// What handlers answer to a message that is no message.
const PARSE_CODES: [i64; 2] = [-32700, -32600];

/// What a handler says about itself.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) id: String,
    capabilities: Value,
    form: Option<Value>,
    own: Vec<Value>,
}

impl About {
    fn read(hello: &Value) -> Self {
        let form = hello.get("settings").cloned();
        let has_fields = |form: &Value| {
            let properties = form.get("properties").and_then(Value::as_object);
            properties.is_some_and(|properties| !properties.is_empty())
        };
        Self {
            id: hello["handler"]["id"].as_str().unwrap_or("").to_owned(),
            capabilities: hello.get("capabilities").cloned().unwrap_or_default(),
            form: form.filter(has_fields),
            own: Vec::new(),
        }
    }

    /// Returns what a case needs and this handler does not offer, in words.
    pub(super) fn lacks(&self, case: &Case) -> Option<String> {
        let missing = case.needs.iter().find(|need| !self.has(need))?;
        Some(match missing.strip_prefix('!') {
            Some(offered) => format!("only for handlers without {offered}"),
            None => format!("not offered: {missing}"),
        })
    }

    fn has(&self, need: &str) -> bool {
        if let Some(unwanted) = need.strip_prefix('!') {
            return !self.has(unwanted);
        }
        let n_items = if self.form.is_some() {
            2
        } else {
            self.own.len()
        };
        match need {
            "items" => n_items > 0,
            "two items" => n_items > 1,
            "sync" => n_items > 0 && !self.has("legacy"),
            "settings" => self.form.is_some(),
            "required settings" => self
                .form
                .as_ref()
                .and_then(|form| form.get("required"))
                .and_then(Value::as_array)
                .is_some_and(|required| !required.is_empty()),
            _ => self.offers(need),
        }
    }

    fn offers(&self, capability: &str) -> bool {
        let (outer, inner) = match capability.split_once('.') {
            Some((outer, inner)) => (outer, Some(inner)),
            None => (capability, None),
        };
        let value = self.capabilities.get(outer);
        match (value, inner) {
            (None, _) => false,
            (Some(Value::Array(list)), Some(inner)) => list.iter().any(|one| one == inner),
            (Some(value), Some(inner)) => value.get(inner) == Some(&Value::Bool(true)),
            (Some(Value::Bool(is_offered)), None) => *is_offered,
            (Some(Value::Array(list)), None) => !list.is_empty(),
            (Some(value), None) => value.is_object(),
        }
    }
}

/// Starts the handler once and asks who it is.
///
/// # Errors
/// Why that was not possible.
pub(super) fn probe(check: &Check) -> Result<About, String> {
    let mut play = Play::start(check, "probe", None)?;
    play.about().map_err(|why| play_words(&why, &play))
}

fn play_words(why: &str, play: &Play<'_>) -> String {
    match play.child.last_words() {
        Some(words) => format!("{why}; the last line of its log: {words}"),
        None => why.to_owned(),
    }
}

/// Plays a case.
pub(super) fn play(check: &Check, number: usize, case: &Case, about: &About) -> Verdict {
    let folder = format!("case-{number:03}");
    let mut play = match Play::start(check, &folder, Some(about)) {
        Ok(play) => play,
        Err(why) => return Verdict::Failed(why),
    };
    let result = play.whole(case);
    match result {
        Ok(()) => Verdict::Passed,
        Err(Stop::Skip(why)) => Verdict::Skipped(why),
        Err(Stop::Fail(why)) => Verdict::Failed(play_words(&why, &play)),
    }
}

/// Why a case ended early.
enum Stop {
    /// The handler broke a rule.
    Fail(String),
    /// The rest of the case needs something that is not there.
    Skip(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Fail(why)
    }
}

/// A request that was sent.
struct Request {
    id: Value,
    method: String,
    session: Option<String>,
    answer: Option<Value>,
}

struct Play<'a> {
    check: &'a Check,
    child: Child,
    rules: Rules,
    items: Vec<Value>,
    data_dir: PathBuf,
    requests: BTreeMap<String, Request>,
    kept: BTreeMap<String, Value>,
    orphans: Vec<i64>,
    next_id: u64,
    /// Something was sent that is no message, so an answer without an id is in order.
    was_rude: bool,
    has_ended: bool,
}

impl<'a> Play<'a> {
    fn start(check: &'a Check, folder: &str, about: Option<&About>) -> Result<Self, String> {
        let folder = check.scratch.join(folder);
        let data_dir = folder.join("data");
        fs::create_dir_all(&data_dir).map_err(|error| unmade(&data_dir, &error))?;
        let items = match about.map(|about| (&about.form, &about.own)) {
            None => Vec::new(),
            Some((Some(form), _)) => fixture::items(form, &check.settings, &folder)
                .map_err(|error| unmade(&folder, &error))?,
            Some((None, own)) => own.iter().map(as_item).collect(),
        };
        let child = Child::start(&check.argv, &data_dir).map_err(|error| {
            let program = check.argv.first().map_or("", String::as_str);
            format!("`{program}` cannot be started: {error}")
        })?;
        let may_open = about.is_some_and(|about| about.has("concurrent_sessions"));
        let ids: Vec<Value> = items.iter().map(|item| item["id"].clone()).collect();
        let kept = BTreeMap::from([
            ("items".to_owned(), Value::from(items.clone())),
            (
                "item".to_owned(),
                items.first().cloned().unwrap_or_default(),
            ),
            (
                "item_id".to_owned(),
                ids.first().cloned().unwrap_or_default(),
            ),
            ("hello".to_owned(), hello(&data_dir)),
        ]);
        Ok(Self {
            check,
            child,
            rules: Rules::new(may_open),
            items,
            data_dir,
            requests: BTreeMap::new(),
            kept,
            orphans: Vec::new(),
            next_id: 0,
            was_rude: false,
            has_ended: false,
        })
    }

    fn about(&mut self) -> Result<About, String> {
        let mut about = self.initialize()?;
        if about.form.is_none() {
            self.notify("initialized", &json!({}));
            self.request("list", "items/list", json!({"saved": []}), None);
            let list = self.result_of("list", START_MS)?;
            about.own = list["items"].as_array().cloned().unwrap_or_default();
        }
        Ok(about)
    }

    fn whole(&mut self, case: &Case) -> Result<(), Stop> {
        if case.begin == Begin::Ready {
            self.get_ready()?;
        }
        self.steps(&case.steps)?;
        match case.after {
            After::Any => Ok(()),
            After::Alive => Ok(self.farewell()?),
        }
    }

    fn get_ready(&mut self) -> Result<(), String> {
        self.initialize()?;
        self.notify("initialized", &json!({}));
        self.request("items", "items/list", json!({"saved": self.saved()}), None);
        self.result_of("items", END_MS).map(drop)
    }

    fn restart(&mut self) -> Result<(), String> {
        self.child = Child::start(&self.check.argv, &self.data_dir)
            .map_err(|error| format!("it cannot be started again: {error}"))?;
        self.has_ended = false;
        self.requests.clear();
        self.get_ready()
    }

    /// Saved items are those that were made up; a handler without a form has none.
    fn saved(&self) -> Vec<Value> {
        let has_settings = |item: &&Value| item.get("settings").is_some_and(|it| it != &json!({}));
        self.items.iter().filter(has_settings).cloned().collect()
    }

    fn initialize(&mut self) -> Result<About, String> {
        let params = self.kept["hello"].clone();
        self.request("initialize", "initialize", params, None);
        let hello = self.result_of("initialize", START_MS)?;
        fits(Some(&hello), &json!("$shape:hello"), "result")
            .map_err(|why| format!("the answer to `initialize`: {why}"))?;
        Ok(About::read(&hello))
    }

    /// It has to be alive, and to end as it should.
    fn farewell(&mut self) -> Result<(), String> {
        self.request("at the end", "ping", json!({}), None);
        self.result_of("at the end", END_MS)
            .map_err(|why| format!("after the case: {why}"))?;
        self.all_answered()?;
        self.request("shutdown at the end", "shutdown", json!({}), None);
        self.result_of("shutdown at the end", END_MS)
            .map_err(|why| format!("after the case: {why}"))?;
        self.notify("exit", &json!({}));
        self.exit(Some(0), END_MS)
            .map_err(|why| format!("after the case: {why}"))
    }

    /// Of two requests with one id it is enough to answer one.
    fn all_answered(&mut self) -> Result<(), String> {
        let open = |play: &Self| -> Option<String> {
            let is_answered = |id: &Value| {
                let mut all = play.requests.values();
                all.any(|other| other.id == *id && other.answer.is_some())
            };
            let mut all = play.requests.values();
            let open = all.find(|request| !is_answered(&request.id))?;
            Some(open.method.clone())
        };
        self.pump(END_MS, |play| open(play).is_none())?;
        match open(self) {
            None => Ok(()),
            Some(method) => Err(format!("it never answered `{method}`")),
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Stop> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Request {
                method,
                params,
                name,
                id,
            } => {
                let params = self.fill(params);
                let name = name.clone().unwrap_or_else(|| method.clone());
                self.request(&name, method, params, id.clone());
            }
            Step::Notify { method, params } => {
                let params = self.fill(params);
                self.notify(method, &params);
            }
            Step::Raw {
                text,
                times,
                before,
                after,
            } => {
                self.was_rude = true;
                let line = format!("{before}{}{after}\n", text.repeat(*times));
                self.child.send(line.into_bytes());
            }
            Step::Start {
                session,
                items,
                work,
                intent,
                more,
                id,
            } => {
                let params = self.start_params(session, items, work, intent, more);
                self.request(session, "session/start", params, id.clone());
            }
            Step::Answer {
                of,
                result,
                errors,
                within_ms,
            } => self.answer(of, result.as_ref(), errors, *within_ms)?,
            Step::Orphan {
                errors,
                within_ms,
                or_end,
            } => self.orphan(errors, *within_ms, *or_end)?,
            Step::Reports {
                session,
                count,
                within_ms,
            } => {
                let id = self.session_id(session);
                let count = self.fill(count).as_u64().unwrap_or(1);
                self.pump(*within_ms, |play| {
                    play.rules
                        .sessions
                        .get(&id)
                        .is_none_or(|seen| seen.is_over || seen.n_reports as u64 >= count)
                })?;
            }
            Step::Ended {
                session,
                statuses,
                errors,
                within_ms,
            } => self.ended(session, statuses, errors, *within_ms)?,
            Step::Sent {
                method,
                params,
                if_any,
                keep,
                name,
            } => {
                let found = self.sent(method, params, *if_any)?;
                if let (Some(found), Some(at), Some(name)) = (found, keep, name) {
                    let value = found.pointer(at).cloned().unwrap_or_default();
                    self.kept.insert(name.clone(), value);
                }
            }
            Step::Keep {
                of,
                at,
                name,
                or_skip,
            } => self.keep(of, at, name, or_skip)?,
            Step::Deaf { ms } => {
                self.child.set_deaf(true);
                std::thread::sleep(Duration::from_millis(*ms));
                self.child.set_deaf(false);
            }
            Step::Rest { ms } => drop(self.pump(*ms, |_| false)?),
            Step::Restart {} => self.restart()?,
            Step::HangUp {} => self.child.hang_up(),
            Step::Exit { code, within_ms } => self.exit(*code, *within_ms)?,
            Step::Repeat { times, steps } => {
                for round in 0..*times {
                    self.kept.insert("round".to_owned(), json!(round));
                    self.steps(steps)?;
                }
            }
        }
        Ok(())
    }

    // Sending

    fn send(&self, message: &Value) {
        self.child.send(format!("{message}\n").into_bytes());
    }

    fn fill(&self, value: &Value) -> Value {
        if value.is_null() {
            return json!({});
        }
        filled(value, &self.kept)
    }

    fn request(&mut self, name: &str, method: &str, params: Value, id: Option<Value>) {
        let id = id.unwrap_or_else(|| {
            self.next_id += 1;
            json!(self.next_id)
        });
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let session = params.get("session_id").and_then(Value::as_str);
        let request = Request {
            id,
            method: method.to_owned(),
            session: session
                .filter(|_| method == "session/start")
                .map(str::to_owned),
            answer: None,
        };
        if let Some(before) = self.requests.insert(name.to_owned(), request) {
            // Its answer still has to come.
            self.requests
                .insert(format!("{name} before {}", self.next_id), before);
        }
    }

    fn notify(&self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// In repeated steps every round has sessions of its own.
    fn session_id(&self, name: &str) -> String {
        match self.kept.get("round") {
            Some(round) => format!("check-{name}-{round}"),
            None => format!("check-{name}"),
        }
    }

    fn start_params(
        &mut self,
        name: &str,
        items: &Value,
        work: &Value,
        intent: &str,
        more: &Value,
    ) -> Value {
        let session = self.session_id(name);
        let items: Vec<Value> = match items.as_str() {
            Some("first") => self.items.iter().take(1).cloned().collect(),
            Some(_) => self.items.clone(),
            None => self.fill(items).as_array().cloned().unwrap_or_default(),
        };
        let ids: Vec<String> = items
            .iter()
            .filter_map(|item| item["id"].as_str().map(str::to_owned))
            .collect();
        self.rules.begin(&session, &ids);
        let mut params = json!({
            "session_id": session,
            "items": items,
            "work": self.fill(work),
            "intent": intent,
            "may_ask": false,
        });
        if let (Some(params), Value::Object(more)) = (params.as_object_mut(), self.fill(more)) {
            params.extend(more);
        }
        self.kept.insert(name.to_owned(), json!(session));
        params
    }

    // Receiving

    /// Takes what comes until something is true; returns whether it is.
    fn pump(&mut self, within_ms: u64, is_done: impl Fn(&Self) -> bool) -> Result<bool, String> {
        let end = self.check.clock.elapsed_ms() + within_ms;
        loop {
            if is_done(self) {
                return Ok(true);
            }
            let left = end.saturating_sub(self.check.clock.elapsed_ms());
            if left == 0 || self.has_ended {
                return Ok(false);
            }
            match self.child.next(Duration::from_millis(left)) {
                None => {}
                Some(Line::End) => self.has_ended = true,
                Some(Line::Broken(why)) => return Err(why.to_owned()),
                Some(Line::Message(line)) => self.take(&line)?,
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let message: Value = serde_json::from_slice(line).map_err(|_| {
            let shown = String::from_utf8_lossy(line);
            format!(
                "it wrote a line that is no JSON: {}",
                short(&Value::from(shown.as_ref()))
            )
        })?;
        if message.get("jsonrpc") != Some(&json!("2.0")) {
            return Err(format!(
                "it wrote a message without \"jsonrpc\": \"2.0\": {}",
                short(&message)
            ));
        }
        match message.get("method").map(Value::as_str) {
            Some(Some(method)) => self.take_call(method, &message),
            Some(None) => Err(format!("a method is no text: {}", short(&message))),
            None => self.take_answer(message),
        }
    }

    fn take_call(&mut self, method: &str, message: &Value) -> Result<(), String> {
        let params = message.get("params").cloned().unwrap_or(json!({}));
        let answer = self.rules.take(method, &params)?;
        match message.get("id") {
            None => Ok(()),
            Some(id) if id.is_u64() || id.as_str().is_some_and(|id| id.len() <= 64) => {
                self.send(&match answer {
                    Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                    Err((code, words)) => json!({
                        "jsonrpc": "2.0", "id": id, "error": {"code": code, "message": words},
                    }),
                });
                Ok(())
            }
            Some(id) => Err(format!(
                "it sent `{method}` with an id that is neither a number nor a short text: {}",
                short(id)
            )),
        }
    }

    fn take_answer(&mut self, message: Value) -> Result<(), String> {
        let error = message.get("error");
        if error.is_some() == message.get("result").is_some() {
            return Err(format!(
                "an answer has either a result or an error: {}",
                short(&message)
            ));
        }
        if let Some(error) = error {
            let pattern = json!({"code": "$number", "message": "$text"});
            fits(Some(error), &pattern, "error")?;
        }
        let id = message.get("id").cloned().unwrap_or_default();
        if id.is_null() {
            let code = message["error"]["code"].as_i64().unwrap_or(0);
            if self.was_rude && PARSE_CODES.contains(&code) {
                self.orphans.push(code);
                return Ok(());
            }
            return Err(format!("an answer has no id: {}", short(&message)));
        }
        let is_error = error.is_some();
        let is_whole = |request: &Request| {
            let session = request.session.as_ref();
            let seen = session.and_then(|session| self.rules.sessions.get(session));
            seen.is_none_or(|seen| seen.items.values().all(Option::is_some))
        };
        // Of two requests with one id, an error, or an answer that comes too early for a session,
        // belongs to the one that is no session.
        let name = self
            .requests
            .iter()
            .filter(|(_, request)| request.id == id && request.answer.is_none())
            .max_by_key(|(_, request)| {
                let is_session = request.session.is_some();
                is_session == (!is_error && is_whole(request))
            })
            .map(|(name, _)| name.clone());
        let request = name.and_then(|name| self.requests.get_mut(&name));
        let Some(request) = request else {
            return Err(format!(
                "it answered a request that was not asked, or was answered: {}",
                short(&message)
            ));
        };
        request.answer = Some(message);
        if let Some(session) = request.session.clone() {
            // A second start of a session that runs is refused, and ends nothing.
            let n_open = self.requests.values();
            let is_running = n_open
                .filter(|other| other.session.as_deref() == Some(&session))
                .any(|other| other.answer.is_none());
            if !is_running || !is_error {
                self.rules.answered(&session, is_error)?;
            }
        }
        Ok(())
    }

    // Expecting

    fn message_of(&mut self, name: &str, within_ms: u64) -> Result<Value, String> {
        let has = |play: &Self| {
            let request = play.requests.get(name);
            request.is_some_and(|request| request.answer.is_some())
        };
        let came = self.pump(within_ms, has)?;
        let request = self.requests.get(name);
        let request = request.ok_or_else(|| format!("the case never asked `{name}`"))?;
        match &request.answer {
            Some(answer) => Ok(answer.clone()),
            None if !came && self.has_ended => {
                Err(format!("it ended and never answered `{}`", request.method))
            }
            None => Err(format!(
                "it did not answer `{}` within {}",
                request.method,
                seconds(within_ms)
            )),
        }
    }

    fn result_of(&mut self, name: &str, within_ms: u64) -> Result<Value, String> {
        let message = self.message_of(name, within_ms)?;
        match message.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(format!(
                "it answered `{}` with an error: {}",
                self.requests[name].method,
                short(&message["error"])
            )),
        }
    }

    fn answer(
        &mut self,
        of: &str,
        result: Option<&Value>,
        errors: &[i64],
        within_ms: u64,
    ) -> Result<(), String> {
        let message = self.message_of(of, within_ms)?;
        let method = self.requests[of].method.clone();
        if let Some(code) = message["error"]["code"].as_i64() {
            if errors.contains(&code) {
                return Ok(());
            }
            return Err(format!(
                "it answered `{method}` with an error: {}",
                short(&message["error"])
            ));
        }
        match result {
            Some(pattern) => {
                let pattern = self.fill(pattern);
                fits(message.get("result"), &pattern, "result")
                    .map_err(|why| format!("the answer to `{method}`: {why}"))
            }
            None => Err(format!(
                "it answered `{method}` with a result, where an error {errors:?} is right"
            )),
        }
    }

    fn orphan(&mut self, errors: &[i64], within_ms: u64, or_end: bool) -> Result<(), String> {
        let came = self.pump(within_ms, |play| !play.orphans.is_empty())?;
        if !came {
            return if or_end && self.has_ended {
                Ok(())
            } else if self.has_ended {
                Err("it ended where it has to answer with an error".to_owned())
            } else {
                Err(format!(
                    "it did not say within {} that it could not read a message",
                    seconds(within_ms)
                ))
            };
        }
        let code = self.orphans.remove(0);
        if errors.contains(&code) {
            Ok(())
        } else {
            Err(format!("it answered {code}, where {errors:?} is right"))
        }
    }

    fn ended(
        &mut self,
        name: &str,
        statuses: &[String],
        errors: &[i64],
        within_ms: u64,
    ) -> Result<(), String> {
        let message = self.message_of(name, within_ms)?;
        if let Some(code) = message["error"]["code"].as_i64() {
            if errors.contains(&code) {
                return Ok(());
            }
            return Err(format!(
                "it refused the session: {}",
                short(&message["error"])
            ));
        }
        let session = self.session_id(name);
        let seen = self.rules.sessions.get(&session);
        for (item, status) in seen.into_iter().flat_map(|seen| &seen.items) {
            match status {
                Some(status) if !statuses.contains(status) => {
                    return Err(format!(
                        "the item `{item}` ended as `{status}`, where {} is right",
                        statuses.join(" or ")
                    ));
                }
                // The rules said already whether it may be without one.
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Returns the last that looks so.
    fn sent(
        &mut self,
        method: &str,
        params: &Value,
        if_any: bool,
    ) -> Result<Option<Value>, String> {
        let pattern = self.fill(params);
        let (mut found, mut why) = (None, None);
        for one in self.rules.sent.iter().filter(|one| one.method == method) {
            match fits(Some(&one.params), &pattern, "params") {
                Ok(()) => found = Some(one.params.clone()),
                Err(wrong) => why = Some(wrong),
            }
        }
        match (found, why) {
            (found, None) if if_any => Ok(found),
            (Some(found), _) if !if_any => Ok(Some(found)),
            (_, Some(why)) => Err(format!("it sent `{method}`, but {why}")),
            (_, None) => Err(format!("it never sent `{method}`")),
        }
    }

    fn keep(&mut self, of: &str, at: &str, name: &str, or_skip: &str) -> Result<(), Stop> {
        let answer = self.requests.get(of).and_then(|one| one.answer.as_ref());
        let value = answer.and_then(|answer| answer["result"].pointer(at));
        match value {
            Some(value) => {
                self.kept.insert(name.to_owned(), value.clone());
                Ok(())
            }
            None => Err(Stop::Skip(or_skip.to_owned())),
        }
    }

    fn exit(&mut self, code: Option<i32>, within_ms: u64) -> Result<(), String> {
        // What it still says has to be read, or it could not end.
        self.pump(within_ms, |play| play.has_ended)?;
        let status = self.child.wait(Duration::from_millis(within_ms));
        let Some(status) = status else {
            return Err(format!("it did not end within {}", seconds(within_ms)));
        };
        match code {
            Some(code) if status.code() != Some(code) => Err(format!(
                "it ended with {status}, where code {code} is right"
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// What the host says first.
fn hello(data_dir: &Path) -> Value {
    json!({
        "protocol_versions": ["1"],
        "host": {"name": "syncmgr", "version": env!("CARGO_PKG_VERSION")},
        "locale": "en",
        "data_dir": data_dir,
        "sandbox": "none",
    })
}

fn as_item(info: &Value) -> Value {
    json!({"id": info["id"], "name": info["name"], "settings": {}, "is_enabled": true})
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms as f64 / 1000.0)
}

fn unmade(path: &Path, error: &std::io::Error) -> String {
    format!("cannot make `{}`: {error}", path.display())
}
