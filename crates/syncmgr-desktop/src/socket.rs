//! Waits until the socket of the bus is there, without asking again and again.

use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::inotify;
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

/// Where the socket of the system bus always is (D-Bus specification, "System message bus").
const USUAL: &str = "/run/dbus/system_bus_socket";

/// Returns where the socket of a bus is; none when it is no file.
pub(crate) fn path(address: Option<&str>) -> Option<PathBuf> {
    let own = std::env::var("DBUS_SYSTEM_BUS_ADDRESS");
    let address = address.map_or_else(|| own.ok(), |it| Some(it.to_owned()));
    let Some(address) = address else {
        return Some(PathBuf::from(USUAL));
    };
    let rest = address.strip_prefix("unix:path=")?;
    let end = rest.find([',', ';']).unwrap_or(rest.len());
    Some(PathBuf::from(rest.get(..end)?))
}

/// Waits until the socket, or the nearest folder above it that is not there yet, is made. Returns
/// at once when the socket came just now, so `was_there` tells whether it was there at the last
/// attempt. Without a file system that says so it waits for ever.
pub(crate) async fn appears(path: Option<&Path>, was_there: bool) {
    let waited = match path {
        Some(path) => next_name(path, was_there).await,
        None => None,
    };
    if waited.is_none() {
        std::future::pending::<()>().await;
    }
}

async fn next_name(path: &Path, was_there: bool) -> Option<()> {
    let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
    let watch = inotify::init(flags).ok()?;
    let dir = path.ancestors().skip(1).find(|it| it.is_dir())?;
    let name = path.strip_prefix(dir).ok()?.iter().next()?;
    let wanted = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, dir, wanted | inotify::WatchFlags::ONLYDIR).ok()?;
    if !was_there && path.exists() {
        return Some(());
    }
    #[expect(
        deprecated,
        reason = "its successor is `unsafe`; an `OwnedFd` keeps what that asks for"
    )]
    let watch = AsyncFd::new(watch).ok()?;
    loop {
        let mut ready = watch.readable().await.ok()?;
        if is_named(watch.get_ref(), name)? {
            return Some(());
        }
        ready.clear_ready();
    }
}

/// Reads all there is; says whether this name is among it, and none when it cannot be read.
fn is_named(watch: &OwnedFd, name: &OsStr) -> Option<bool> {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut events = inotify::Reader::new(watch, &mut buffer);
    loop {
        match events.next() {
            Ok(event) => {
                let is_it = |it: &CStr| it.to_bytes() == name.as_bytes();
                if event.file_name().is_some_and(is_it) {
                    return Some(true);
                }
            }
            Err(Errno::AGAIN) => return Some(false),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_in_the_address() {
        let path = |it| path(Some(it)).map(|it| it.display().to_string());
        assert_eq!(path("unix:path=/a/b").as_deref(), Some("/a/b"));
        assert_eq!(path("unix:path=/a,guid=1;tcp:").as_deref(), Some("/a"));
        assert_eq!(path("unix:abstract=/a"), None);
        assert_eq!(path("tcp:host=localhost"), None);
    }
}
