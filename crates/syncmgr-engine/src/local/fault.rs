//! The errors of system calls, in the words of the port. One table for all of them.

use std::io;

use rustix::io::Errno;

use crate::path::RelPath;
use crate::replica::{Fault, FaultKind};

/// Says what kind of trouble an error is.
pub(super) fn kind_of(errno: Errno) -> FaultKind {
    match errno {
        Errno::NOENT | Errno::NOTDIR => FaultKind::NotFound,
        Errno::EXIST => FaultKind::Exists,
        Errno::NOTEMPTY => FaultKind::NotEmpty,
        Errno::ACCESS | Errno::PERM => FaultKind::Denied,
        Errno::ROFS => FaultKind::ReadOnly,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => FaultKind::NoSpace,
        Errno::MFILE | Errno::NFILE | Errno::TXTBSY | Errno::BUSY | Errno::AGAIN | Errno::NOMEM => {
            FaultKind::Busy
        }
        Errno::NAMETOOLONG | Errno::ILSEQ => FaultKind::BadName,
        Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::NODEV => FaultKind::WrongKind,
        Errno::XDEV => FaultKind::Elsewhere,
        Errno::NOSYS | Errno::OPNOTSUPP => FaultKind::Unsupported,
        _ => FaultKind::Io,
    }
}

/// Builds the fault of a failed system call.
pub(super) fn fault(errno: Errno, step: &'static str, path: &RelPath) -> Fault {
    with_kind(kind_of(errno), errno, step, path)
}

/// As [`fault`], for steps that give a file a new name: some stores refuse characters by `EINVAL`.
pub(super) fn naming_fault(errno: Errno, step: &'static str, path: &RelPath) -> Fault {
    let kind = if errno == Errno::INVAL {
        FaultKind::BadName
    } else {
        kind_of(errno)
    };
    with_kind(kind, errno, step, path)
}

/// Builds a fault of a kind that the step knows better than the table.
pub(super) fn with_kind(
    kind: FaultKind,
    errno: Errno,
    step: &'static str,
    path: &RelPath,
) -> Fault {
    Fault::new(kind, step, path, io::Error::from(errno).to_string())
}

/// Returns the number behind an error of the standard library.
pub(super) fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
