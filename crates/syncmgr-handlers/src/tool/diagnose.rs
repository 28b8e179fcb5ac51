//! Understands what programs say when the world is not as it should be. The messages of the system
//! and of ssh are the same whichever tool prints them.

use syncmgr_model::trouble::{Code, Trouble};

use super::process::Ended;
use super::{Tail, job};

/// What went wrong, as far as its words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The other side cannot be reached.
    Unreachable,
    /// The other side does not let us in.
    SignIn,
    /// The key of the other side is unknown, or another one than before.
    HostKey,
    /// There is no space.
    NoSpace,
    /// A file or folder may not be read or written.
    Denied,
    /// A file system takes no changes.
    ReadOnly,
}

/// What is looked for, the more special first.
const WORDS: &[(Cause, &[&str])] = &[
    (
        Cause::HostKey,
        &[
            "Host key verification failed",
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
        ],
    ),
    (
        Cause::SignIn,
        &[
            "Permission denied (publickey",
            "Permission denied (password",
            "Permission denied (keyboard",
            "Too many authentication failures",
            "unable to authenticate",
            "401 Unauthorized",
            "403 Forbidden",
            "Unauthorized (401)",
            "invalid_grant",
            "token expired",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "authentication failed",
            "Authentication failed",
            "AUTHENTICATIONFAILED",
            "couldn't fetch token",
        ],
    ),
    (
        Cause::Unreachable,
        &[
            "Connection refused",
            "connection refused",
            "Could not resolve hostname",
            "Temporary failure in name resolution",
            "Name or service not known",
            "no such host",
            "No route to host",
            "no route to host",
            "Network is unreachable",
            "network is unreachable",
            "Connection timed out",
            "connection timed out",
            "i/o timeout",
            "Connection reset by",
            "connection reset by peer",
            "Connection closed by",
            "Operation timed out",
            "TLS handshake timeout",
            "Host is down",
            "lost connection",
        ],
    ),
    (
        Cause::NoSpace,
        &[
            "No space left on device",
            "no space left on device",
            "Disk quota exceeded",
            "disk quota exceeded",
            "insufficient storage",
            "Insufficient Storage",
            "storageQuotaExceeded",
        ],
    ),
    (
        Cause::ReadOnly,
        &["Read-only file system", "read-only file system"],
    ),
    (
        Cause::Denied,
        &[
            "Permission denied",
            "permission denied",
            "Operation not permitted",
            "operation not permitted",
        ],
    ),
];

/// Says what a text means.
#[must_use]
pub fn cause(text: &str) -> Option<Cause> {
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| text.contains(word)))
        .map(|(cause, _)| *cause)
}

/// Says what the output of a tool means: the first of its lines that tells.
#[must_use]
pub fn cause_of(output: &Tail) -> Option<Cause> {
    output.lines().find_map(cause)
}

/// Returns the trouble for a cause. `place` is what people call the side it happened at.
#[must_use]
pub fn trouble(cause: Cause, place: &str, ended: &Ended) -> Trouble {
    let trouble = match cause {
        Cause::Unreachable => Trouble::new(Code::Disconnected).with("name", place),
        Cause::SignIn => Trouble::new(Code::SignInNeeded).with("place", place),
        Cause::HostKey => Trouble::new(Code::ToolFailed)
            .with("tool", "ssh")
            .with(
                "detail",
                format!("the host key of {place} is not the one it knows"),
            )
            .with(
                "advice",
                "connect once by hand with `ssh` and compare the key with the one of the server",
            ),
        Cause::NoSpace => Trouble::new(Code::DiskFull)
            .with("folder", place)
            .with("n", 1),
        Cause::Denied => Trouble::new(Code::PermissionDenied)
            .with("folder", place)
            .with("n", 1),
        Cause::ReadOnly => Trouble::new(Code::ReadOnly)
            .with("folder", place)
            .with("n", 1),
    };
    job::with_output(trouble.with("detail", job::detail(ended)), &ended.output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_understood() {
        for (text, expected) in [
            (
                "ssh: connect to host nas port 22: Connection refused",
                Some(Cause::Unreachable),
            ),
            (
                "ssh: Could not resolve hostname nas: Name or service not known",
                Some(Cause::Unreachable),
            ),
            (
                "dial tcp: lookup nas: no such host",
                Some(Cause::Unreachable),
            ),
            (
                "me@nas: Permission denied (publickey).",
                Some(Cause::SignIn),
            ),
            ("Host key verification failed.", Some(Cause::HostKey)),
            (
                "write failed on \"/x\": No space left on device (28)",
                Some(Cause::NoSpace),
            ),
            ("open /x: permission denied", Some(Cause::Denied)),
            (
                "mkdir failed: Read-only file system (30)",
                Some(Cause::ReadOnly),
            ),
            ("everything is fine", None),
        ] {
            assert_eq!(cause(text), expected, "{text}");
        }
    }
}
