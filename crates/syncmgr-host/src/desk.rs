//! The desk of a handler: the one long-lived instance that answers questions and is told of changes
//! (spec 7), on a thread of its own.
//!
//! What is asked is answered in the order of the requests. The thread lives only while there is
//! something to do, so handlers that nobody asks cost no thread. One that hangs keeps its own desk
//! busy and nobody else. After a panic the instance is thrown away, and the next request gets a new
//! one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use syncmgr_model::hresult::Hresult;
use syncmgr_model::item::Item;
use syncmgr_sdk::{Handler, HandlerFactory};

use crate::in_process::lock;

/// What is done with the instance; an error when there is none. Says whether the instance may be
/// used again.
type Job = Box<dyn FnOnce(Result<&dyn Handler, Hresult>) -> bool + Send>;

/// Finds what makes the handler, or says that nobody knows it.
type Find = Arc<dyn Fn() -> Option<Arc<dyn HandlerFactory>> + Send + Sync>;

/// See the module.
#[derive(Clone)]
pub(crate) struct Desk {
    inner: Arc<Mutex<Inner>>,
    find: Find,
}

struct Inner {
    jobs: VecDeque<Job>,
    is_busy: bool,
    saved: Arc<[Item]>,
    /// The instance, when nobody works with it.
    instance: Option<Box<dyn Handler>>,
    /// The instance does not fit any more: the saved items are others, or it was to be made anew.
    is_stale: bool,
}

impl Desk {
    pub(crate) fn new(find: Find) -> Self {
        let inner = Inner {
            jobs: VecDeque::new(),
            is_busy: false,
            saved: Arc::from(Vec::new()),
            instance: None,
            is_stale: false,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            find,
        }
    }

    /// Sets the saved items every instance is made with. Other ones make a new instance necessary.
    pub(crate) fn set_saved(&self, saved: &[Item]) {
        let mut inner = lock(&self.inner);
        if *inner.saved != *saved {
            inner.saved = Arc::from(saved);
            inner.is_stale = true;
        }
    }

    /// Has the next request served by a new instance.
    pub(crate) fn renew(&self) {
        lock(&self.inner).is_stale = true;
    }

    /// Makes an instance apart from the one of the desk, for a session or something shown.
    pub(crate) fn create(&self) -> Result<Box<dyn Handler>, Hresult> {
        let saved = Arc::clone(&lock(&self.inner).saved);
        let factory = (self.find)().ok_or(Hresult::InvalidArgument)?;
        catch_unwind(AssertUnwindSafe(|| factory.create(&saved))).unwrap_or(Err(Hresult::Failed))
    }

    /// Asks the handler something; `answer` gets [`Hresult::Failed`] when it breaks down.
    pub(crate) fn ask<T: 'static>(
        &self,
        question: impl FnOnce(&dyn Handler) -> Result<T, Hresult> + Send + 'static,
        answer: impl FnOnce(Result<T, Hresult>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |handler| {
            let asked = catch_unwind(AssertUnwindSafe(|| handler.and_then(question)));
            let is_fine = asked.is_ok();
            answer(asked.unwrap_or(Err(Hresult::Failed)));
            is_fine
        });
        let mut inner = lock(&self.inner);
        inner.jobs.push_back(job);
        if inner.is_busy {
            return;
        }
        inner.is_busy = true;
        drop(inner);
        let desk = self.clone();
        let spawned = std::thread::Builder::new()
            .name("handler".to_owned())
            .spawn(move || desk.work());
        if spawned.is_err() {
            self.give_up();
        }
    }

    fn work(&self) {
        while let Some((job, kept)) = self.next() {
            match kept.map_or_else(|| self.create(), Ok) {
                Ok(instance) => {
                    if job(Ok(&*instance)) {
                        lock(&self.inner).instance = Some(instance);
                    }
                }
                Err(code) => {
                    job(Err(code));
                }
            }
        }
    }

    fn next(&self) -> Option<(Job, Option<Box<dyn Handler>>)> {
        let mut inner = lock(&self.inner);
        let Some(job) = inner.jobs.pop_front() else {
            inner.is_busy = false;
            return None;
        };
        let kept = inner.instance.take();
        let is_stale = std::mem::take(&mut inner.is_stale);
        Some((job, kept.filter(|_| !is_stale)))
    }

    /// No thread could be had.
    fn give_up(&self) {
        let jobs = {
            let mut inner = lock(&self.inner);
            inner.is_busy = false;
            std::mem::take(&mut inner.jobs)
        };
        for job in jobs {
            job(Err(Hresult::Failed));
        }
    }
}
