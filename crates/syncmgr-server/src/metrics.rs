//! Counters of the daemon, as Prometheus reads them. Off unless the settings turn them on.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted. Each number only grows.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Answers by the first digit of their status; index 0 is `1xx`.
    answers: [AtomicU64; 5],
    turned_away: AtomicU64,
}

impl Metrics {
    /// Counts an answer by its status.
    pub(crate) fn answered(&self, status: u16) {
        if let Some(counter) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a connection from a stranger.
    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes them as text, version 0.0.4. `n_listening` reads the stream now.
    #[must_use]
    pub fn text(&self, n_listening: usize) -> String {
        let mut out = String::from(
            "# HELP syncmgr_http_answers_total Answers of the API by class of status.\n\
             # TYPE syncmgr_http_answers_total counter\n",
        );
        out.extend(self.answers.iter().enumerate().map(|(n, counter)| {
            let (class, value) = (n + 1, counter.load(Ordering::Relaxed));
            format!("syncmgr_http_answers_total{{class=\"{class}xx\"}} {value}\n")
        }));
        let strangers = self.turned_away.load(Ordering::Relaxed);
        out + "# HELP syncmgr_http_strangers_total Connections of other users.\n\
             # TYPE syncmgr_http_strangers_total counter\n\
             syncmgr_http_strangers_total "
            + &strangers.to_string()
            + "\n# HELP syncmgr_http_listeners Readers of the live messages.\n\
             # TYPE syncmgr_http_listeners gauge\n\
             syncmgr_http_listeners "
            + &n_listening.to_string()
            + "\n"
    }
}
