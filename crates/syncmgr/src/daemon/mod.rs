//! The daemon: one center that stays, with a clock, watches, an API and a log.
//!
//! ```text
//!  signals, clock, watch of the settings          requests
//!        │                                            │
//!        ▼                                            ▼
//!     [run] ─────────► center (own thread) ◄──── server (this thread)
//!                        │        ▲
//!              [notices] ▼        │ [watch]
//!             log, alerts, stream, systemd
//! ```
//! Reading order: `run` (how it is put together and ends), `lock`, `sockets`, `time`, `machine`,
//! `watch` (what it hears), `notices`, `alerts`, `log` (what it says), `desk` (what the API asks
//! beside the center; `browse` and `ground` look at folders), `control` (start, stop and status, from outside), `install`.
//!
//! While nothing happens, nothing here wakes up: every thread waits for the system, and the center
//! for the next time that something is due.

pub(crate) mod alerts;
mod aside;
mod browse;
pub(crate) mod control;
pub(crate) mod desk;
mod ground;
pub(crate) mod install;
pub(crate) mod lock;
pub(crate) mod log;
mod machine;
mod notices;
mod run;
pub(crate) mod settings;
pub(crate) mod sockets;
mod time;
mod watch;

pub(crate) use run::run;
