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

/// Brings a database up to date. Does nothing but read one number when it is.
///
/// # Errors
/// The cause, in words; a database of a newer program is refused, not changed.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), String> {
    let text = |e: rusqlite::Error| e.to_string();
    match version(db)? {
        n if n == STEPS.len() => return Ok(()),
        n if n > STEPS.len() => {
            return Err(format!(
                "it was written by a newer syncmgr (form {n}, this one knows {})",
                STEPS.len()
            ));
        }
        _ => {}
    }
    // Immediate, and the number read again inside: two programs may start at once.
    let tx = db
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(text)?;
    for (sql, rest) in STEPS.iter().skip(version(&tx)?) {
        tx.execute_batch(sql).map_err(text)?;
        rest(&tx).map_err(text)?;
    }
    let newest = i64::try_from(STEPS.len()).unwrap_or(0);
    tx.pragma_update(None, "user_version", newest)
        .map_err(text)?;
    tx.commit().map_err(text)
}

/// Returns the form of a database; 0 is an empty file.
///
/// # Errors
/// The cause, in words.
pub(crate) fn version(db: &Connection) -> Result<usize, String> {
    db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map_err(|e| e.to_string())
        .and_then(|n| usize::try_from(n).map_err(|e| e.to_string()))
}
