//! Since form 2: what is known of an item is kept; before, it was found in its sessions each time.

use std::collections::BTreeMap;

use rusqlite::Connection;
use syncmgr_center::state::ItemMemory;
use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::WorkKind;
use syncmgr_model::trouble::Trouble;

use crate::history::{memory, read, row};

/// What the sessions of an item say about it.
struct Found {
    memory: ItemMemory,
    /// The session whose result it is.
    result_of: Option<SessionId>,
    /// The last session that ended in whatever way.
    last: Option<SessionId>,
}

/// Fills the memories of all items from their sessions, by the rules the center has for results.
pub(super) fn fill(db: &Connection) -> rusqlite::Result<()> {
    let mut known: BTreeMap<ItemKey, Found> = read::items(db)?
        .iter()
        .map(|item| {
            let found = Found::new(item);
            (found.memory.key.clone(), found)
        })
        .collect();
    let mut sessions = db.prepare("SELECT * FROM session WHERE ended IS NOT NULL ORDER BY id")?;
    let mut rows = sessions.query([])?;
    while let Some(row) = rows.next()? {
        let Some(record) = row::session(row, db)? else {
            continue;
        };
        let key = ItemKey {
            handler: record.handler.clone(),
            item: record.item().clone(),
        };
        if let Some(found) = known.get_mut(&key) {
            found.take(&record);
        }
    }
    for found in known.values_mut() {
        found.take_events(db)?;
        memory::save_item(db, &found.memory)?;
    }
    Ok(())
}

impl Found {
    fn new(item: &Item) -> Self {
        let mut memory = ItemMemory::new(ItemKey {
            handler: item.handler.clone(),
            item: item.id.clone(),
        });
        memory.name = item.label().to_owned();
        Self {
            memory,
            result_of: None,
            last: None,
        }
    }

    fn take(&mut self, record: &SessionRecord) {
        let memory = &mut self.memory;
        self.last = Some(record.id.clone());
        let Some(status) = record.status.filter(|s| *s != ProgressStatus::Canceled) else {
            return;
        };
        memory.last_session = Some(record.id.clone());
        match (&mut memory.result, record.kind, status) {
            // These look at a few paths: the rest is as the last whole run left it.
            (
                Some((_, known)),
                WorkKind::Resolve | WorkKind::Undo | WorkKind::Restore,
                ProgressStatus::Succeeded,
            ) => known.n_conflicts = record.summary.n_conflicts,
            (known, _, _) => {
                *known = Some((status, record.summary));
                self.result_of = Some(record.id.clone());
            }
        }
        if status == ProgressStatus::Succeeded && record.kind == WorkKind::Sync {
            memory.last_sync = record.ended;
        }
    }

    /// Counts the errors of the last session, and takes the first one of the session whose result
    /// it is as the reason why the item is not fine.
    fn take_events(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if let Some(session) = &self.last {
            self.memory.n_errors = errors(db, session)?.len() as u64;
        }
        if let Some(session) = &self.result_of {
            self.memory.reason = errors(db, session)?.into_iter().next();
        }
        Ok(())
    }
}

fn errors(db: &Connection, session: &SessionId) -> rusqlite::Result<Vec<Trouble>> {
    let mut statement =
        db.prepare_cached("SELECT * FROM event WHERE session = ?1 AND level >= 3 ORDER BY id")?;
    let rows = statement.query_map([session.as_str()], row::event)?;
    rows.filter_map(Result::transpose)
        .map(|event| event.map(|event| event.trouble))
        .collect()
}
