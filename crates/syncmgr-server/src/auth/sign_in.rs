//! How a browser signs in: a one-time code in the fragment of an address, which no server and no
//! log ever sees, is exchanged for a cookie (S4).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::secret::{Secret, SecretHash};

/// How long a code can be used: the time a browser takes to start.
const CODE_LIVES: Duration = Duration::from_secs(120);
/// Most codes that wait; an older one goes.
const CODES_MAX: usize = 8;
/// How long a browser stays signed in without asking anything.
const SIGNED_IN: Duration = Duration::from_secs(12 * 60 * 60);
/// Most browsers signed in; the one that asked least recently goes.
const BROWSERS_MAX: usize = 32;

/// The codes that wait, and the browsers that are signed in. Kept in memory only: a new start of
/// the daemon signs everybody out.
#[derive(Debug, Default)]
pub struct SignIn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    codes: Vec<(SecretHash, Instant)>,
    browsers: Vec<Browser>,
    n_opened: u64,
}

#[derive(Debug)]
struct Browser {
    id: u64,
    cookie: SecretHash,
    csrf: Secret,
    used: Instant,
}

/// What a browser gets.
#[derive(Debug)]
pub struct Opened {
    /// The value of its cookie.
    pub cookie: Secret,
    /// What it must send along with every write.
    pub csrf: Secret,
}

impl SignIn {
    /// Makes a code that can be used once, within two minutes.
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn code(&self) -> Result<Secret, getrandom::Error> {
        let code = Secret::new()?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.codes.len() >= CODES_MAX {
            state.codes.remove(0);
        }
        state.codes.push((code.hash(), Instant::now()));
        Ok(code)
    }

    /// Exchanges a code for a sign-in; `None` when there is no such code (any more).
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn exchange(&self, code: &str) -> Result<Option<Opened>, getrandom::Error> {
        let (hash, now) = (SecretHash::of(code), Instant::now());
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .codes
            .retain(|(_, made)| now.duration_since(*made) < CODE_LIVES);
        let Some(at) = state.codes.iter().position(|(kept, _)| kept.matches(&hash)) else {
            return Ok(None);
        };
        state.codes.remove(at);
        let opened = Opened {
            cookie: Secret::new()?,
            csrf: Secret::new()?,
        };
        if state.browsers.len() >= BROWSERS_MAX {
            let oldest = state.browsers.iter().enumerate();
            let oldest = oldest.min_by_key(|(_, browser)| browser.used);
            if let Some(at) = oldest.map(|(at, _)| at) {
                state.browsers.swap_remove(at);
            }
        }
        state.n_opened += 1;
        let browser = Browser {
            id: state.n_opened,
            cookie: opened.cookie.hash(),
            csrf: opened.csrf.clone(),
            used: now,
        };
        state.browsers.push(browser);
        Ok(Some(opened))
    }

    /// Finds the browser that has this cookie; returns its id and the secret of its writes.
    pub(crate) fn browser(&self, cookie: &str) -> Option<(u64, Secret)> {
        let (hash, now) = (SecretHash::of(cookie), Instant::now());
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .browsers
            .retain(|browser| now.duration_since(browser.used) < SIGNED_IN);
        let browser = state
            .browsers
            .iter_mut()
            .find(|browser| browser.cookie.matches(&hash))?;
        browser.used = now;
        Some((browser.id, browser.csrf.clone()))
    }

    /// Signs a browser out.
    pub(crate) fn leave(&self, id: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.browsers.retain(|browser| browser.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn s4_a_code_opens_once_and_not_late() {
        let sign_in = SignIn::default();
        let code = sign_in.code().unwrap();
        let opened = sign_in.exchange(code.expose()).unwrap().unwrap();
        assert!(sign_in.exchange(code.expose()).unwrap().is_none());
        let (id, csrf) = sign_in.browser(opened.cookie.expose()).unwrap();
        assert_eq!(csrf.expose(), opened.csrf.expose());
        assert!(sign_in.browser(opened.csrf.expose()).is_none());

        let late = sign_in.code().unwrap();
        tokio::time::advance(CODE_LIVES).await;
        assert!(sign_in.exchange(late.expose()).unwrap().is_none());

        sign_in.leave(id);
        assert!(sign_in.browser(opened.cookie.expose()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn s13_sign_ins_are_bounded_and_end() {
        let sign_in = SignIn::default();
        let mut cookies = Vec::new();
        for _ in 0..=BROWSERS_MAX {
            let code = sign_in.code().unwrap();
            cookies.push(sign_in.exchange(code.expose()).unwrap().unwrap().cookie);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(sign_in.browser(cookies[0].expose()).is_none());
        assert!(sign_in.browser(cookies[1].expose()).is_some());
        tokio::time::advance(SIGNED_IN).await;
        assert!(sign_in.browser(cookies[1].expose()).is_none());
    }
}
