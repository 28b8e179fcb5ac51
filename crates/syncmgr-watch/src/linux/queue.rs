//! The queue of events that the system keeps for us.

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::dirs::Watch;

/// Bytes read at once: some hundred events.
const BUFFER: usize = 32 << 10;

/// About so many events are taken at once, however fast more of them come: they are held in memory.
const EVENTS_MAX: usize = 16 << 10;

/// What the directories of a root are watched for. Opening and reading are not among it: looking
/// at a tree must not look like a change of it.
const CHANGES: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::EXCL_UNLINK)
    .union(WatchFlags::DONT_FOLLOW)
    .union(WatchFlags::ONLYDIR);

/// What a directory above a root is watched for: only that it goes away itself.
const GOING: WatchFlags = WatchFlags::DELETE_SELF
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Why a directory is not watched.
#[derive(Debug)]
pub(crate) enum NotWatched {
    /// The system's limit is reached.
    Full,
    /// It is gone, no directory, or not readable: what is in it is nobody's concern here.
    NotThere,
    /// Anything else.
    Failed(io::Error),
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event<'e> {
    pub(crate) watch: Watch,
    pub(crate) what: ReadFlags,
    /// The name in the watched directory; empty when it is about the directory itself.
    pub(crate) name: &'e [u8],
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    fd: OwnedFd,
}

impl Queue {
    pub(crate) fn new() -> Result<Self, Errno> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self { fd })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn add(&self, path: &Path, flags: WatchFlags) -> Result<Watch, NotWatched> {
        inotify::add_watch(&self.fd, path, flags).map_err(|errno| match errno {
            Errno::NOSPC => NotWatched::Full,
            Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::LOOP => NotWatched::NotThere,
            other => NotWatched::Failed(other.into()),
        })
    }

    /// Watches a directory of a root. The same directory gives the same number again.
    pub(crate) fn watch(&self, dir: &Path) -> Result<Watch, NotWatched> {
        self.add(dir, CHANGES)
    }

    /// Watches a directory above a root; with `for_names`, also for names that appear in it.
    pub(crate) fn watch_above(&self, dir: &Path, for_names: bool) -> Result<Watch, NotWatched> {
        let names = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        self.add(dir, if for_names { GOING | names } else { GOING })
    }

    /// Stops watching; what is not watched any more anyway is no error.
    pub(crate) fn stop(&self, watch: Watch) {
        let _gone = inotify::remove_watch(&self.fd, watch);
    }

    /// Hands the events that are there to `take`, but not much more than [`EVENTS_MAX`].
    pub(crate) fn read(&self, mut take: impl FnMut(Event<'_>)) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let mut n_taken = 0;
        loop {
            // What was read into the buffer has left the queue, so it is taken in any case.
            if n_taken >= EVENTS_MAX && reader.is_buffer_empty() {
                return Ok(());
            }
            n_taken += 1;
            match reader.next() {
                Ok(event) => take(Event {
                    watch: event.wd(),
                    what: event.events(),
                    name: event.file_name().map_or(&[], |name| name.to_bytes()),
                }),
                Err(Errno::WOULDBLOCK) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Reads one of the system's limits.
pub(crate) fn limit(name: &str) -> Option<u64> {
    let path = Path::new("/proc/sys/fs/inotify").join(name);
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
