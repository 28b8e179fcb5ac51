//! The handlers that wrap tools, with the real tools and with real servers on this machine.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests of processes measure real time, and say why they cannot run"
)]

mod harness;
mod server;
mod sshd;

mod command;
mod found;
mod git;
mod mbsync;
mod rclone;
mod restic;
mod rsync;
mod syncthing;
mod unison;
mod vdirsyncer;
