//! Numbered steps from an empty file to the newest form of the database. A step is never changed
//! once it was released; a new form is a new step.

mod memories;

use rusqlite::Connection;

/// A step: statements, then what only a program can say.
type Step = (&'static str, fn(&Connection) -> rusqlite::Result<()>);

/// The steps; the number of those done is `PRAGMA user_version`.
const STEPS: &[Step] = &[
    (include_str!("schema/1.sql"), nothing),
    (include_str!("schema/2.sql"), memories::fill),
    (include_str!("schema/3.sql"), nothing),
];

fn nothing(_: &Connection) -> rusqlite::Result<()> {
    Ok(())
}

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
    for (sql, rest) in STEPS.iter().skip(version(&tx)?) {
        tx.execute_batch(sql)?;
        rest(&tx)?;
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
