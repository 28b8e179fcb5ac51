//! A handful of threads that share one stack of work. Work found last is done first, which keeps
//! the stack as short as the tree is deep times the width of a directory.

use std::sync::{Condvar, Mutex, PoisonError};

struct Shared<T> {
    stack: Vec<T>,
    /// Workers that hold a piece of work and may still find more.
    n_busy: usize,
    /// Set when a worker failed: the others stop taking work.
    is_over: bool,
}

/// What a worker uses to hand in work it found.
pub(crate) struct Found<T>(Vec<T>);

impl<T> Found<T> {
    pub(crate) fn push(&mut self, work: T) {
        self.0.push(work);
    }

    /// Returns how much was handed in for this piece of work (with a single worker: and waits).
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Returns the number of threads for a wish, 0 meaning one per core.
pub(crate) fn n_threads(wish: usize) -> usize {
    if wish > 0 {
        return wish;
    }
    // More than eight threads only queue up at the kernel's directory locks.
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, 8)
}

/// Works off `first` and all that comes of it, and returns the workers. Each worker is used by one
/// thread; with a single worker no thread is started and the order is fixed.
///
/// # Errors
/// The first error any worker returned; remaining work is dropped.
pub(crate) fn run<W: Send, T: Send, E: Send>(
    mut workers: Vec<W>,
    first: Vec<T>,
    step: impl Fn(&mut W, T, &mut Found<T>) -> Result<(), E> + Sync,
) -> Result<Vec<W>, E> {
    if workers.len() == 1 {
        let mut found = Found(first);
        while let Some(work) = found.0.pop() {
            step(&mut workers[0], work, &mut found)?;
        }
        return Ok(workers);
    }
    let shared = Mutex::new(Shared {
        stack: first,
        n_busy: 0,
        is_over: false,
    });
    let wake = Condvar::new();
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for worker in &mut workers {
            scope.spawn(|| {
                let _over = EndsOnPanic(&shared, &wake);
                while let Some(work) = take(&shared, &wake) {
                    let mut found = Found(Vec::new());
                    let result = step(worker, work, &mut found);
                    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    state.n_busy -= 1;
                    if let Err(error) = result {
                        state.is_over = true;
                        failure
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                    let n_found = found.0.len();
                    state.stack.append(&mut found.0);
                    let is_idle = state.stack.is_empty() && state.n_busy == 0;
                    if n_found > 0 || is_idle || state.is_over {
                        wake.notify_all();
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(workers),
    }
}

/// Lets the other workers end when one panics; the scope then passes the panic on.
struct EndsOnPanic<'a, T>(&'a Mutex<Shared<T>>, &'a Condvar);

impl<T> Drop for EndsOnPanic<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_over = true;
            self.1.notify_all();
        }
    }
}

fn take<T>(shared: &Mutex<Shared<T>>, wake: &Condvar) -> Option<T> {
    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if state.is_over {
            return None;
        }
        if let Some(work) = state.stack.pop() {
            state.n_busy += 1;
            return Some(work);
        }
        if state.n_busy == 0 {
            return None;
        }
        state = wake.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the leaves of a binary tree of work.
    fn count(n_workers: usize) -> u64 {
        let done = run(vec![0_u64; n_workers], vec![10_u32], |sum, depth, found| {
            if depth == 0 {
                *sum += 1;
            } else {
                found.push(depth - 1);
                found.push(depth - 1);
            }
            Ok::<_, ()>(())
        });
        done.unwrap().into_iter().sum()
    }

    #[test]
    fn all_work_is_done_once() {
        assert_eq!([1, 2, 5].map(count), [1024; 3]);
    }

    #[test]
    fn the_first_error_ends_all() {
        let result = run(vec![(); 3], vec![0], |(), n: u64, found| {
            found.push(n + 1);
            if n == 100 { Err(n) } else { Ok(()) }
        });
        assert_eq!(result.unwrap_err(), 100);
    }
}
