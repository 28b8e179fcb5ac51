//! The watch on Linux: one inotify queue and one thread per [`Watcher`].

mod dirs;
mod guard;
mod mounts;
mod queue;
mod thread;
mod walk;
mod watcher;

pub use watcher::Watcher;
