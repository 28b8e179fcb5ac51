//! Network connections that handlers of the older family asked for: shared, and closed together
//! (`EstablishConnection`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::legacy::Failure;

/// What opens and closes connections.
pub trait Dialer: Send + Sync {
    /// Opens a connection by its name, or the usual one; one that is open stays so.
    ///
    /// # Errors
    /// A [`Failure`] when there is none of that name, or it cannot be opened.
    fn open(&self, name: Option<&str>) -> Result<(), Failure>;

    /// Closes a connection that [`Self::open`] opened. What goes wrong is nobody's to mend.
    fn close(&self, name: Option<&str>);
}

/// The dialer of a machine whose network is there or not without our doing: opening the usual
/// connection does nothing, and there are no others.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysOn;

impl Dialer for AlwaysOn {
    fn open(&self, name: Option<&str>) -> Result<(), Failure> {
        match name {
            None => Ok(()),
            Some(name) => Err(Failure::new(
                Failure::INVALID,
                format!("there is no connection `{}`", name.escape_debug()),
            )),
        }
    }

    fn close(&self, _name: Option<&str>) {}
}

/// The connections that are open because somebody asked. One value serves all handlers of a
/// process.
pub struct Connections {
    dialer: Box<dyn Dialer>,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    n_seats: usize,
    open: BTreeSet<Option<String>>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl Connections {
    /// Makes a pool without connections.
    #[must_use]
    pub fn new(dialer: Box<dyn Dialer>) -> Self {
        Self {
            dialer,
            pool: Mutex::default(),
        }
    }

    /// Says that a handler begins; connections stay open until the last seat is dropped.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        self.lock().n_seats += 1;
        Seat(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right of a running handler to connections.
#[derive(Debug)]
pub(super) struct Seat(Arc<Connections>);

impl Seat {
    /// Opens a connection if nobody has yet.
    ///
    /// # Errors
    /// Those of the dialer.
    pub(super) fn establish(&self, name: Option<&str>) -> Result<(), Failure> {
        let key = name.map(str::to_owned);
        if self.0.lock().open.contains(&key) {
            return Ok(());
        }
        // Dialing takes long, so it is done without the lock; two may open the same connection at
        // once, which a dialer takes for one.
        self.0.dialer.open(name)?;
        self.0.lock().open.insert(key);
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut pool = self.0.lock();
        pool.n_seats -= 1;
        if pool.n_seats > 0 {
            return;
        }
        let open = std::mem::take(&mut pool.open);
        drop(pool);
        for name in &open {
            self.0.dialer.close(name.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Phone(Arc<Mutex<Vec<String>>>);

    impl Phone {
        fn said(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Dialer for Phone {
        fn open(&self, name: Option<&str>) -> Result<(), Failure> {
            self.0.lock().unwrap().push(format!("open {name:?}"));
            Ok(())
        }

        fn close(&self, name: Option<&str>) {
            self.0.lock().unwrap().push(format!("close {name:?}"));
        }
    }

    /// spec 181: a connection is opened once for all who ask, and closed when all are through.
    #[test]
    fn connections_are_shared_and_closed_when_all_are_through() {
        let phone = Phone::default();
        let pool = Arc::new(Connections::new(Box::new(phone.clone())));
        let (mail, news) = (pool.seat(), pool.seat());
        mail.establish(None).unwrap();
        news.establish(None).unwrap();
        news.establish(Some("office")).unwrap();
        assert_eq!(phone.said(), ["open None", "open Some(\"office\")"]);
        drop(mail);
        assert!(phone.said().is_empty(), "the other one still works");
        drop(news);
        assert_eq!(phone.said(), ["close None", "close Some(\"office\")"]);
        pool.seat().establish(None).unwrap();
        assert_eq!(phone.said(), ["open None", "close None"]);
    }

    #[test]
    fn a_machine_that_is_always_on_has_one_connection() {
        assert_eq!(AlwaysOn.open(None), Ok(()));
        assert_eq!(AlwaysOn.open(Some("x")).unwrap_err().code, Failure::INVALID);
    }
}
