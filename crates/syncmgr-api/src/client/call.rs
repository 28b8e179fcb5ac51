//! The calls of the API by name.

use hyper::Method;

use super::connection::percent;
use super::{Answer, Client, ClientError, With};
use crate::page::Page;
use crate::wire::center::{DaemonSettings, SettingsChange};
use crate::wire::item::SecretNew;
use crate::wire::run::{ItemPreview, OpenRun, Report, RunState, RunsAccepted};
use crate::wire::sign_in::Code;
use crate::wire::version::Restore;
use crate::wire::{
    Cancel, CenterState, Conflict, Contents, Event, Explanation, Handler, ItemChange, ItemNew,
    ItemView, ListedConflict, NextRuns, Nothing, Pause, Resolve, ResolveAnswer, Run, RunNew,
    Schedule, ScheduleRules, Seen, Version,
};

/// Rows asked for at once.
const ROWS: &str = "1000";

/// The path of a resource below the root of the API.
pub(super) fn path(parts: &[&str]) -> String {
    let mut path = "/api/v1".to_owned();
    for part in parts {
        path.push('/');
        path.push_str(&percent(part));
    }
    path
}

/// Every call fails with [`ClientError`]: `Refused` has the words of the daemon.
impl Client {
    /// Reads every part of a list.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn all<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ClientError> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", ROWS));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page: Page<T> = self.get(path, &query)?.body;
            rows.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Returns the headline and counts.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn status(&mut self) -> Result<CenterState, ClientError> {
        Ok(self.get(&path(&["status"]), &[])?.body)
    }

    /// Returns all syncs with their states.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn items(&mut self) -> Result<Vec<ItemView>, ClientError> {
        self.all(&path(&["items"]), &[])
    }

    /// Returns one sync, with the version of its settings.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn item(&mut self, id: &str) -> Result<Answer<ItemView>, ClientError> {
        self.get(&path(&["items", id]), &[])
    }

    /// Saves a sync.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn create_item(&mut self, new: &ItemNew) -> Result<ItemView, ClientError> {
        Ok(self.post(&path(&["items"]), new)?.body)
    }

    /// Changes a sync; with `etag`, only if it still is that version.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn change_item(
        &mut self,
        id: &str,
        change: &ItemChange,
        etag: Option<&str>,
    ) -> Result<ItemView, ClientError> {
        let with = With { if_match: etag };
        let path = path(&["items", id]);
        Ok(self.write(&Method::PATCH, &path, change, with)?.body)
    }

    /// Removes a saved sync; no file is touched.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn remove_item(&mut self, id: &str) -> Result<(), ClientError> {
        let path = path(&["items", id]);
        let done = self.write::<()>(&Method::DELETE, &path, &Nothing {}, With::default());
        done.map(drop)
    }

    /// Sets a secret of a sync.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn set_secret(
        &mut self,
        id: &str,
        key: &str,
        secret: &SecretNew,
    ) -> Result<(), ClientError> {
        let path = path(&["items", id, "secrets", key]);
        let done = self.write::<()>(&Method::PUT, &path, secret, With::default());
        done.map(drop)
    }

    /// Removes a secret of a sync.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn remove_secret(&mut self, id: &str, key: &str) -> Result<(), ClientError> {
        let path = path(&["items", id, "secrets", key]);
        let done = self.write::<()>(&Method::DELETE, &path, &Nothing {}, With::default());
        done.map(drop)
    }

    /// Pauses a sync.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn pause(&mut self, id: &str, pause: &Pause) -> Result<ItemView, ClientError> {
        Ok(self.post(&path(&["items", id, "pause"]), pause)?.body)
    }

    /// Lets a sync run by itself again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn resume(&mut self, id: &str) -> Result<ItemView, ClientError> {
        let path = path(&["items", id, "resume"]);
        Ok(self.post(&path, &Nothing {})?.body)
    }

    /// Asks for runs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn start(&mut self, new: &RunNew) -> Result<RunsAccepted, ClientError> {
        Ok(self.post(&path(&["sessions"]), new)?.body)
    }

    /// Returns runs that began, newest first, at most so many (1 to 1000).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn runs(&mut self, item: Option<&str>, n_most: u32) -> Result<Vec<Run>, ClientError> {
        let limit = n_most.to_string();
        let mut query = vec![("limit", &*limit)];
        query.extend(item.map(|item| ("item", item)));
        let page: Page<Run> = self.get(&path(&["sessions"]), &query)?.body;
        Ok(page.items)
    }

    /// Returns the runs that wait or work.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open_runs(&mut self) -> Result<Vec<OpenRun>, ClientError> {
        let page: Page<OpenRun> = self.get(&path(&["sessions", "open"]), &[])?.body;
        Ok(page.items)
    }

    /// Returns one run, wherever it is in its life.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn run(&mut self, id: &str) -> Result<RunState, ClientError> {
        Ok(self.get(&path(&["sessions", id]), &[])?.body)
    }

    /// Returns what a run did, in full.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn report(&mut self, id: &str) -> Result<Report, ClientError> {
        Ok(self.get(&path(&["sessions", id, "report"]), &[])?.body)
    }

    /// Returns what a run would do; refused with `still-running` until that is known.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn preview(&mut self, id: &str) -> Result<Vec<ItemPreview>, ClientError> {
        let path = path(&["sessions", id, "preview"]);
        let page: Page<ItemPreview> = self.get(&path, &[])?.body;
        Ok(page.items)
    }

    /// Asks a run to stop.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn cancel(&mut self, id: &str, cancel: &Cancel) -> Result<RunState, ClientError> {
        Ok(self.post(&path(&["sessions", id, "cancel"]), cancel)?.body)
    }

    /// Takes a run back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn undo(&mut self, id: &str) -> Result<RunsAccepted, ClientError> {
        let path = path(&["sessions", id, "undo"]);
        Ok(self.post(&path, &Nothing {})?.body)
    }

    /// Returns the newest results that fit the filters (`item`, `handler`, `run`, `level`,
    /// `since`, `limit`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn results(&mut self, query: &[(&str, &str)]) -> Result<Vec<Event>, ClientError> {
        let page: Page<Event> = self.get(&path(&["events"]), query)?.body;
        Ok(page.items)
    }

    /// Marks results as seen.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn seen(&mut self, seen: &Seen) -> Result<(), ClientError> {
        self.post::<()>(&path(&["events", "seen"]), seen).map(drop)
    }

    /// Returns the conflicts about files, of one sync or of all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn conflicts(&mut self, item: Option<&str>) -> Result<Vec<Conflict>, ClientError> {
        let query: Vec<_> = item.map(|item| ("item", item)).into_iter().collect();
        let all = self.listed_conflicts(&query)?;
        Ok(all.into_iter().filter_map(|listed| listed.file).collect())
    }

    /// Returns the conflicts of every handler that fit the filters (`item`, `handler`, `where`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn listed_conflicts(
        &mut self,
        query: &[(&str, &str)],
    ) -> Result<Vec<ListedConflict>, ClientError> {
        self.all(&path(&["conflicts"]), query)
    }

    /// Returns the contents of a conflict.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn contents(&mut self, item: &str, conflict: &str) -> Result<Contents, ClientError> {
        let path = path(&["conflicts", item, conflict, "contents"]);
        Ok(self.get(&path, &[])?.body)
    }

    /// Decides conflicts.
    ///
    /// # Errors
    /// [`ClientError`]; `state-changed` when a conflict is not what was seen.
    pub fn resolve(&mut self, resolve: &Resolve) -> Result<ResolveAnswer, ClientError> {
        Ok(self.post(&path(&["conflicts", "resolve"]), resolve)?.body)
    }

    /// Returns the handlers.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn handlers(&mut self) -> Result<Vec<Handler>, ClientError> {
        let page: Page<Handler> = self.get(&path(&["handlers"]), &[])?.body;
        Ok(page.items)
    }

    /// Returns the schedules.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn schedules(&mut self) -> Result<Vec<Schedule>, ClientError> {
        let page: Page<Schedule> = self.get(&path(&["schedules"]), &[])?.body;
        Ok(page.items)
    }

    /// Makes or replaces a schedule.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn put_schedule(
        &mut self,
        name: &str,
        rules: &ScheduleRules,
    ) -> Result<Schedule, ClientError> {
        let path = path(&["schedules", name]);
        let done = self.write(&Method::PUT, &path, rules, With::default());
        Ok(done?.body)
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn remove_schedule(&mut self, name: &str) -> Result<(), ClientError> {
        let path = path(&["schedules", name]);
        let done = self.write::<()>(&Method::DELETE, &path, &Nothing {}, With::default());
        done.map(drop)
    }

    /// Returns the coming runs of a schedule, at most so many (1 to 100).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn next_runs(&mut self, name: &str, n_most: u32) -> Result<NextRuns, ClientError> {
        let limit = n_most.to_string();
        let path = path(&["schedules", name, "next"]);
        Ok(self.get(&path, &[("limit", &limit)])?.body)
    }

    /// Returns the kept versions of what is at `place` or below, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn versions(&mut self, item: &str, place: &str) -> Result<Vec<Version>, ClientError> {
        self.all(&path(&["versions"]), &[("item", item), ("path", place)])
    }

    /// Brings a version back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn restore(&mut self, restore: &Restore) -> Result<RunsAccepted, ClientError> {
        Ok(self.post(&path(&["versions", "restore"]), restore)?.body)
    }

    /// Says why a path is, or is not, in sync.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn why(&mut self, item: &str, place: &str) -> Result<Explanation, ClientError> {
        let query = [("item", item), ("path", place)];
        Ok(self.get(&path(&["why"]), &query)?.body)
    }

    /// Returns the settings of the daemon.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn settings(&mut self) -> Result<DaemonSettings, ClientError> {
        Ok(self.get(&path(&["settings"]), &[])?.body)
    }

    /// Changes settings of the daemon.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn change_settings(
        &mut self,
        change: &SettingsChange,
    ) -> Result<DaemonSettings, ClientError> {
        let path = path(&["settings"]);
        let done = self.write(&Method::PATCH, &path, change, With::default());
        Ok(done?.body)
    }

    /// Makes a code that signs a browser in, once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn sign_in_code(&mut self) -> Result<Code, ClientError> {
        Ok(self.post(&path(&["sign-in-codes"]), &Nothing {})?.body)
    }
}
