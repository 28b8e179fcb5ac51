//! Takes in runs of other programs that are over, each exactly once.
//!
//! Whoever keeps such a report gives it away only after [`Handle::take_in`] returned, so it may come
//! a second time after a crash in between. Then history has it already, with the same end, and
//! nothing is done. What history has of a run without that end (begun, interrupted) is completed.

use std::sync::{Mutex, PoisonError};

use syncmgr_model::item::Item;
use syncmgr_model::outside::Reported;
use syncmgr_model::trouble::{Code, Trouble};

use crate::center::{Gone, Handle};
use crate::command::{Answer, Control, Past};
use crate::port::{EventQuery, Store, StoreError};

/// Looking and writing down are two steps; two reports of one run must not meet between them.
static TAKING: Mutex<()> = Mutex::new(());

/// A report could not be taken in; whoever has it keeps it.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The memory cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The center is gone.
    #[error("{0}")]
    Gone(#[from] Gone),
    /// The center refused it.
    #[error("{0}")]
    Refused(Trouble),
}

/// Returns what history does not have of a run that is over; `None`: it has all of it.
///
/// # Errors
/// [`StoreError`].
pub fn news(
    store: &mut dyn Store,
    item: &Item,
    reported: &Reported,
) -> Result<Option<Past>, StoreError> {
    let end = &reported.end;
    let mut past = Past {
        session: reported.session.clone(),
        item: item.clone(),
        began: reported.began,
        ended: end.at.max(reported.began),
        status: end.status,
        summary: end.summary,
        events: reported.events.clone(),
        replaces: Vec::new(),
    };
    let Some(record) = store.session(&reported.session)? else {
        return Ok(Some(past));
    };
    if record.ended == Some(past.ended) && record.status == Some(end.status) {
        return Ok(None);
    }
    let known = store.events(&EventQuery {
        session: Some(reported.session.clone()),
        ..EventQuery::default()
    })?;
    // It was not interrupted: nobody could hear it.
    let is_wrong = |code| code == Code::Interrupted;
    past.replaces = known
        .iter()
        .filter(|event| is_wrong(event.trouble.code))
        .map(|event| event.id)
        .collect();
    past.events.retain(|(_, trouble)| {
        is_wrong(trouble.code) || !known.iter().any(|event| event.trouble == *trouble)
    });
    Ok(Some(past))
}

impl Handle {
    /// Takes in a run that is over; returns whether anything was new. When this returns, it is
    /// written down.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take_in(&self, item: &Item, reported: &Reported) -> Result<bool, NotTaken> {
        let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let (item, reported) = (item.clone(), reported.clone());
        let news = self.read(move |_, store, _| news(store, &item, &reported))??;
        let Some(past) = news else {
            return Ok(false);
        };
        match self.control(Control::TakeIn(Box::new(past)))? {
            Answer::Refused(refusal) => Err(NotTaken::Refused(refusal.trouble)),
            Answer::Accepted(_)
            | Answer::Outcome(_)
            | Answer::Done
            | Answer::Declined
            | Answer::Raised
            | Answer::Follow(_)
            | Answer::Schedule(..)
            | Answer::Call(_) => Ok(true),
        }
    }
}
