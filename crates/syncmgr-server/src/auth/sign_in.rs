//! How a browser signs in: a one-time code in the fragment of an address, which no server and no
//! log ever sees, is exchanged for a cookie (S4).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use syncmgr_center::port::Clock;
use syncmgr_model::time::Timestamp;
use tokio::time::Instant;

use super::private;
use super::secret::{Secret, SecretHash};

/// How long a code can be used: the time a browser takes to start.
const CODE_LIVES: Duration = Duration::from_secs(120);
/// Most codes that wait; an older one goes.
const CODES_MAX: usize = 8;
/// How long a browser stays signed in without asking anything.
const SIGNED_IN: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a browser stays signed in at most, from one start of the daemon to the next.
const SIGNED_IN_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Most browsers signed in; the one that asked least recently goes.
const BROWSERS_MAX: usize = 32;
/// So old may be what the file says of the last request of a browser: a write for each request
/// would wait for the disk each time.
const NOTED: Duration = Duration::from_secs(10 * 60);
/// What the secret of writes is derived for; nothing else may be derived with these words.
const CSRF: &str = "syncmgr 2026 secret of the writes of a browser";

/// The codes that wait, and the browsers that are signed in. Codes are kept in memory only. What is
/// kept of a browser is a hash of its cookie, and the secret of its writes is made from the cookie
/// whenever it is shown, so that the file lets nobody in.
#[derive(Default)]
pub struct SignIn {
    state: Mutex<State>,
    kept: Option<Kept>,
}

/// Where sign-ins are kept from one start to the next.
struct Kept {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    codes: Vec<(SecretHash, Instant)>,
    browsers: Vec<Browser>,
    n_opened: u64,
    /// When the file was written.
    noted: Option<Instant>,
}

#[derive(Debug)]
struct Browser {
    id: u64,
    cookie: SecretHash,
    /// When it signed in.
    made: Timestamp,
    /// How long it had asked nothing at a moment, and that moment.
    idle: (Duration, Instant),
}

impl Browser {
    fn is_over(&self, now: Instant, today: Option<Timestamp>) -> bool {
        let (before, since) = self.idle;
        let age = today.map_or(0, |today| today.ms_since(self.made));
        before + now.duration_since(since) >= SIGNED_IN
            || u128::from(age) >= SIGNED_IN_MAX.as_millis()
    }
}

/// The file, version 1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    version: u32,
    browsers: Vec<BrowserOnDisk>,
}

/// A browser in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrowserOnDisk {
    blake3: String,
    made: String,
    used: String,
}

/// What a browser gets.
#[derive(Debug)]
pub struct Opened {
    /// The value of its cookie.
    pub cookie: Secret,
    /// What it must send along with every write.
    pub csrf: Secret,
}

/// Makes what a browser must send along with every write.
fn csrf(cookie: &str) -> Secret {
    Secret::derive(cookie, CSRF)
}

impl SignIn {
    /// Takes up the browsers that are signed in, and keeps them in a file that only the owner can
    /// read. A file that others could have written, or that is damaged, signs nobody in.
    #[must_use]
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Self {
        let (now, today) = (Instant::now(), clock.now());
        let text = private::read(path).ok().flatten();
        let on_disk = text.and_then(|text| serde_json::from_str::<OnDisk>(&text).ok());
        let on_disk = on_disk.filter(|on_disk| on_disk.version == 1);
        let mut state = State::default();
        for one in on_disk.into_iter().flat_map(|it| it.browsers) {
            state.n_opened += 1;
            let read = one.read(state.n_opened, now, today);
            state
                .browsers
                .extend(read.filter(|browser| !browser.is_over(now, Some(today))));
        }
        state.browsers.truncate(BROWSERS_MAX);
        Self {
            state: Mutex::new(state),
            kept: Some(Kept {
                path: path.to_owned(),
                clock,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn today(&self) -> Option<Timestamp> {
        self.kept.as_ref().map(|kept| kept.clock.now())
    }

    /// Writes down who is signed in. When that fails, they are until the daemon ends.
    fn note(&self, state: &mut State, now: Instant) {
        let Some(kept) = &self.kept else { return };
        state.noted = Some(now);
        let today = kept.clock.now();
        let on_disk = OnDisk {
            version: 1,
            browsers: state
                .browsers
                .iter()
                .map(|browser| BrowserOnDisk::of(browser, now, today))
                .collect(),
        };
        if let Ok(text) = serde_json::to_vec_pretty(&on_disk) {
            drop(private::replace(&kept.path, &text));
        }
    }

    /// Makes a code that can be used once, within two minutes.
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn code(&self) -> Result<Secret, getrandom::Error> {
        let code = Secret::new()?;
        let mut state = self.state();
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
        let mut state = self.state();
        state
            .codes
            .retain(|(_, made)| now.duration_since(*made) < CODE_LIVES);
        let Some(at) = state.codes.iter().position(|(kept, _)| kept.matches(&hash)) else {
            return Ok(None);
        };
        state.codes.remove(at);
        let cookie = Secret::new()?;
        let opened = Opened {
            csrf: csrf(cookie.expose()),
            cookie,
        };
        if state.browsers.len() >= BROWSERS_MAX {
            let oldest = state.browsers.iter().enumerate();
            let oldest = oldest.max_by_key(|(_, browser)| {
                let (before, since) = browser.idle;
                before + now.duration_since(since)
            });
            if let Some(at) = oldest.map(|(at, _)| at) {
                state.browsers.swap_remove(at);
            }
        }
        state.n_opened += 1;
        let browser = Browser {
            id: state.n_opened,
            cookie: opened.cookie.hash(),
            made: self.today().unwrap_or_default(),
            idle: (Duration::ZERO, now),
        };
        state.browsers.push(browser);
        self.note(&mut state, now);
        Ok(Some(opened))
    }

    /// Finds the browser that has this cookie; returns its id and the secret of its writes.
    pub(crate) fn browser(&self, cookie: &str) -> Option<(u64, Secret)> {
        let (hash, now) = (SecretHash::of(cookie), Instant::now());
        let mut state = self.state();
        let today = self.today();
        let browsers = &mut state.browsers;
        browsers.retain(|browser| !browser.is_over(now, today));
        let browser = browsers
            .iter_mut()
            .find(|browser| browser.cookie.matches(&hash))?;
        browser.idle = (Duration::ZERO, now);
        let id = browser.id;
        if state.noted.is_none_or(|at| now.duration_since(at) >= NOTED) {
            self.note(&mut state, now);
        }
        Some((id, csrf(cookie)))
    }

    /// Signs a browser out.
    pub(crate) fn leave(&self, id: u64) {
        let mut state = self.state();
        state.browsers.retain(|browser| browser.id != id);
        self.note(&mut state, Instant::now());
    }
}

impl BrowserOnDisk {
    fn of(browser: &Browser, now: Instant, today: Timestamp) -> Self {
        let (before, since) = browser.idle;
        let idle_ms = (before + now.duration_since(since)).as_millis();
        let idle_ms = i64::try_from(idle_ms).unwrap_or(i64::MAX);
        Self {
            blake3: browser.cookie.hex(),
            made: browser.made.rfc3339(),
            used: Timestamp(today.0.saturating_sub(idle_ms)).rfc3339(),
        }
    }

    fn read(&self, id: u64, now: Instant, today: Timestamp) -> Option<Browser> {
        let used = Timestamp::parse_rfc3339(&self.used)?;
        Some(Browser {
            id,
            cookie: SecretHash::parse(&self.blake3)?,
            made: Timestamp::parse_rfc3339(&self.made)?,
            idle: (Duration::from_millis(today.ms_since(used)), now),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that is set by hand.
    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
        fn elapsed_ms(&self) -> u64 {
            0
        }
    }

    #[tokio::test(start_paused = true)]
    async fn s4_a_browser_is_still_signed_in_after_a_new_start_and_the_file_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sign-ins.json");
        let clock = Arc::new(Hand::default());
        let open = || SignIn::open(&path, Arc::<Hand>::clone(&clock));
        let first = open();
        let sign = |at: &SignIn| {
            let code = at.code().unwrap();
            at.exchange(code.expose()).unwrap().unwrap()
        };
        let (one, two) = (sign(&first), sign(&first));
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in [&one.cookie, &one.csrf, &two.cookie, &two.csrf] {
            assert!(!text.contains(secret.expose()));
        }
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);

        let second = open();
        let (id, csrf) = second.browser(one.cookie.expose()).unwrap();
        assert_eq!(csrf.expose(), one.csrf.expose());
        second.leave(id);
        assert!(second.browser(two.cookie.expose()).is_some());
        let third = open();
        assert!(third.browser(one.cookie.expose()).is_none(), "it left");
        assert!(third.browser(two.cookie.expose()).is_some());

        let idle = i64::try_from(SIGNED_IN.as_millis()).unwrap();
        clock.0.store(idle, Ordering::Relaxed);
        assert!(
            open().browser(two.cookie.expose()).is_none(),
            "too long ago"
        );
        clock.0.store(1, Ordering::Relaxed);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            open().browser(two.cookie.expose()).is_none(),
            "not believed"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn s13_a_sign_in_ends_however_often_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hand::default());
        let path = dir.path().join("sign-ins.json");
        let sign_in = SignIn::open(&path, Arc::<Hand>::clone(&clock));
        let code = sign_in.code().unwrap();
        let opened = sign_in.exchange(code.expose()).unwrap().unwrap();
        assert!(sign_in.browser(opened.cookie.expose()).is_some());
        let end = i64::try_from(SIGNED_IN_MAX.as_millis()).unwrap();
        clock.0.store(end, Ordering::Relaxed);
        assert!(sign_in.browser(opened.cookie.expose()).is_none());
    }

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
