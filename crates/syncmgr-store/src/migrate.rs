//! Numbered steps from an empty file to the newest form of the database. A step is never changed
//! once it was released; a new form is a new step.

mod memories;

use rusqlite::Connection;

/// The steps; the number of those done is `PRAGMA user_version`.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// From this form on, what is known of an item is kept beside its sessions.
const WITH_MEMORIES: usize = 2;

/// The newest form.
pub(crate) const NEWEST: usize = STEPS.len();

/// Why a database cannot be brought up to date.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A newer program wrote it; in words.
    Newer(String),
    /// A statement failed; nothing was changed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Brings a database up to date. Does nothing but read one number when it is.
///
/// # Errors
/// A database of a newer program is refused, not changed.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), Fault> {
    match version(db)? {
        NEWEST => return Ok(()),
        n if n > NEWEST => {
            return Err(Fault::Newer(format!(
                "it was written by a newer syncmgr (form {n}, this one knows {NEWEST})"
            )));
        }
        _ => {}
    }
    // Immediate, and the number read again inside: two programs may start at once.
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = version(&tx)?;
    for sql in STEPS.iter().skip(found) {
        tx.execute_batch(sql)?;
    }
    // After all steps, because it reads and writes rows of the newest form.
    if found < WITH_MEMORIES {
        memories::fill(&tx)?;
    }
    let newest = i64::try_from(NEWEST).unwrap_or(i64::MAX);
    tx.pragma_update(None, "user_version", newest)?;
    tx.commit()?;
    Ok(())
}

/// Returns the form of a database; 0 is an empty file.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn version(db: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // A number below zero is nobody's; it is refused like one of a newer program.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}
