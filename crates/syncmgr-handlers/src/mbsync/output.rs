//! Understands what mbsync says with `-Ds`: boxes and messages as they come, and what went wrong.
//!
//! Its progress counters exist on a terminal only; what it tells about its sync (`-Ds`) says the
//! same, one line for each message and without anything of its content.

use syncmgr_model::escape::escape;
use syncmgr_model::record::Tally;

/// Most things that went wrong which are told one by one.
const TROUBLES_MAX: usize = 50;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The mailbox that is worked on; harmless text.
    pub(super) mailbox: String,
    /// Messages that will be copied, as far as known; grows with every mailbox.
    pub(super) n_total: u64,
    /// Messages copied.
    pub(super) n_done: u64,
    /// Messages looked at on the far side.
    pub(super) n_seen_far: u64,
    /// Messages looked at on the near side.
    pub(super) n_seen_near: u64,
    /// What was done on the far side.
    pub(super) far: Tally,
    /// What was done on the near side.
    pub(super) near: Tally,
    /// What went wrong, in order.
    pub(super) faults: Vec<Fault>,
    n_faults: u64,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A server cannot be reached; what mbsync said.
    Unreachable(String),
    /// A server does not let us in, or the command for the password failed.
    SignIn(String),
    /// The certificate of a server is not trusted.
    Certificate(String),
    /// Another mbsync works on these mailboxes.
    Locked(String),
    /// A mailbox was removed on one side, and there is mail in it on the other.
    NotEmpty {
        /// The side without it: far or near.
        gone: String,
        /// The mailbox.
        mailbox: String,
    },
    /// A mailbox is not what it was: its numbers changed.
    Renumbered(String),
    /// A mailbox is not there, and the settings do not allow to make it.
    NoMailbox(String),
    /// The configuration is wrong.
    Config(String),
    /// The disk, or the state on it.
    Disk(String),
    /// A message that is passed over, or something else that does not stop the rest.
    Warning(String),
    /// Anything else.
    Other(String),
}

/// What a line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Where the work stands.
    Progress,
    /// Something about a single message that nobody needs again.
    Detail,
    /// Anything else.
    Else,
}

impl Reading {
    /// Takes a line.
    pub(super) fn line(&mut self, line: &str) -> Said {
        if let Some(rest) = line.strip_prefix("-> log: ") {
            return self.log(rest);
        }
        if let Some(rest) = line.strip_prefix("Opening ") {
            if let Some((_, mailbox)) = rest.split_once(" box ") {
                self.mailbox = escape(mailbox.trim_end_matches("...").as_bytes());
            }
            return Said::Progress;
        }
        if let Some((side, n)) = loaded(line) {
            match side {
                "far" => self.n_seen_far += n,
                _ => self.n_seen_near += n,
            }
            return Said::Progress;
        }
        if let Some(rest) = line.strip_prefix("Creating ")
            && let Some((side, _)) = rest.split_once(" side box ")
        {
            self.side(side).n_folders_made += 1;
            return Said::Progress;
        }
        if let Some(rest) = line.strip_prefix("Deleting ")
            && let Some((side, _)) = rest.split_once(" side box ")
        {
            self.side(side).n_folders_removed += 1;
            return Said::Progress;
        }
        if line.starts_with("new message ") {
            self.n_total += 1;
            return Said::Progress;
        }
        const DETAILS: [&str; 4] = ["pair (", "  entry (", "  pushing ", "  pulling "];
        if DETAILS.iter().any(|detail| line.starts_with(detail)) {
            return Said::Detail;
        }
        if let Some(fault) = fault(line) {
            self.fault(fault);
        }
        Said::Else
    }

    fn log(&mut self, rest: &str) -> Said {
        let side = if rest.contains("(pushed ") {
            &mut self.far
        } else if rest.contains("(pulled ") {
            &mut self.near
        } else {
            return Said::Detail;
        };
        if rest.contains(" deletion") {
            side.n_deleted += 1;
        } else if rest.contains(" flags") {
            side.n_attributes += 1;
        } else {
            side.n_copied += 1;
            self.n_done += 1;
            // A message that an interrupted run left over was never announced.
            self.n_total = self.n_total.max(self.n_done);
        }
        Said::Progress
    }

    fn side(&mut self, name: &str) -> &mut Tally {
        match name {
            "far" => &mut self.far,
            _ => &mut self.near,
        }
    }

    fn fault(&mut self, fault: Fault) {
        // mbsync tells a thing at every place it meets it.
        if self.faults.contains(&fault) {
            return;
        }
        self.n_faults += 1;
        if self.faults.len() < TROUBLES_MAX {
            self.faults.push(fault);
        }
    }

    /// Returns how many things went wrong, also those not kept.
    pub(super) fn n_faults(&self) -> u64 {
        self.n_faults
    }
}

/// Reads `near side: 5 messages, 2 recent`.
fn loaded(line: &str) -> Option<(&str, u64)> {
    let (side, rest) = line.split_once(" side: ")?;
    let (n, _) = rest.split_once(" messages, ")?;
    matches!(side, "far" | "near").then_some((side, n.parse().ok()?))
}

/// Beginnings of what is said about the disk and about messages that are passed over.
const DISK: [&str; 3] = ["Maildir error:", "Error: cannot", "Error: incomplete"];

fn fault(line: &str) -> Option<Fault> {
    let text = escape(line.trim().as_bytes());
    let has = |part: &str| line.contains(part);
    let starts = |part: &str| line.starts_with(part);
    Some(if has("is not empty.") && starts("Warning: channel ") {
        let (gone, mailbox) = removed(line)?;
        Fault::NotEmpty {
            gone: gone.to_owned(),
            mailbox: escape(mailbox.as_bytes()),
        }
    } else if starts("SSL error") || has("certificate") && starts("Error") {
        Fault::Certificate(text)
    } else if has("returned an error") && (has("AUTHENTICATE") || has("LOGIN"))
        || has("AUTHENTICATIONFAILED")
        || starts("Skipping account ")
        || starts("Skipping IMAP account ")
        || starts("Error performing SASL")
        || has("no acceptable authentication mechanism")
    {
        Fault::SignIn(text)
    } else if starts("Cannot connect to ")
        || starts("Error: Cannot resolve server")
        || starts("Socket error")
        || starts("IMAP error: unexpected EOF")
        || starts("IMAP error: unexpected BYE")
    {
        Fault::Unreachable(text)
    } else if starts("No working address found") {
        return None;
    } else if has(" is locked") && starts("Error: channel ") {
        Fault::Locked(text)
    } else if has("UIDVALIDITY") && starts("Error: channel ") {
        Fault::Renumbered(text)
    } else if starts("Error: channel ") && has("cannot be opened") {
        Fault::NoMailbox(text)
    } else if has("No channel or group named") || is_of_config(line) {
        Fault::Config(text)
    } else if starts("No channel specified") {
        return None;
    } else if DISK.iter().any(|part| starts(part)) {
        Fault::Disk(text)
    } else if starts("Warning:") || starts("Maildir warning:") || starts("IMAP warning:") {
        Fault::Warning(text)
    } else if starts("Error") || starts("IMAP error") || starts("IMAP command") || starts("Fatal") {
        Fault::Other(text)
    } else {
        return None;
    })
}

/// Reads `Warning: channel C: near side box X cannot be opened and far side box X is not empty.`
fn removed(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once(" side box ")?;
    let gone = before.rsplit(' ').next()?;
    let (mailbox, _) = rest.split_once(" cannot be opened and ")?;
    Some((gone, mailbox))
}

/// Says whether a line is `FILE:NUMBER: …`, about the configuration.
fn is_of_config(line: &str) -> bool {
    let mut parts = line.split(':');
    let (file, number) = (parts.next(), parts.next());
    let is_number =
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()));
    is_number
        && file.is_some_and(|it| !it.contains(' '))
        && parts.next().is_some()
        && !line.contains("Notice:")
        || line.starts_with("Cannot open config file")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What mbsync 1.4.4 said for a mailbox with changes on both sides.
    const RUN: &str = "Opening far side box INBOX...
Opening near side box INBOX...
Loading far side box...
near side: 3 messages, 2 recent
far side: 5 messages, 1 recent
pair (2,2)
  pushing flags: +S -
new message 6
-> log: + 6 0 (fresh)
-> log: # 6 0 WpH8syumR5Wr (pulling message)
-> log: * 2 2 16 (pushed flags; were 0)
-> log: > 3 3 0 (pushed deletion)
-> log: > 6 0 6 (pulled message)
Creating far side box Sub\u{1b}...
";

    #[test]
    fn a_run_is_counted() {
        let mut reading = Reading::default();
        for line in RUN.lines() {
            reading.line(line);
        }
        assert_eq!((reading.n_done, reading.n_total), (1, 1));
        assert_eq!((reading.n_seen_far, reading.n_seen_near), (5, 3));
        assert_eq!(reading.near.n_copied, 1);
        assert_eq!((reading.far.n_deleted, reading.far.n_attributes), (1, 1));
        assert_eq!(reading.far.n_folders_made, 1);
        assert_eq!(reading.mailbox, "INBOX");
        assert!(reading.faults.is_empty());
    }

    #[test]
    fn what_went_wrong_is_known_by_its_words() {
        let check = |line: &str, expected: fn(String) -> Fault| {
            let mut reading = Reading::default();
            reading.line(line);
            assert_eq!(reading.faults, [expected(line.to_owned())], "{line}");
        };
        check(
            "Cannot connect to 127.0.0.1 (127.0.0.1:1): Connection refused",
            Fault::Unreachable,
        );
        check(
            "Error: Cannot resolve server 'x': Name or service not known",
            Fault::Unreachable,
        );
        check(
            "IMAP command 'AUTHENTICATE PLAIN <authdata>' returned an error: NO [AUTHENTICATIONFAILED] no",
            Fault::SignIn,
        );
        check(
            "IMAP command 'LOGIN <user> <pass>' returned an error: NO x",
            Fault::SignIn,
        );
        check(
            "Skipping account work, PassCmd exited with status 1",
            Fault::SignIn,
        );
        check(
            "SSL error connecting localhost (127.0.0.1:1): self-signed certificate",
            Fault::Certificate,
        );
        check(
            "Error, certificate owner does not match hostname x",
            Fault::Certificate,
        );
        check("Error: channel :a:b-:c:d is locked", Fault::Locked);
        check(
            "Error: channel a: both far side x and near side y cannot be opened.",
            Fault::NoMailbox,
        );
        check(
            "Error: channel a, far side box x: Unable to recover from UIDVALIDITY change.",
            Fault::Renumbered,
        );
        check(
            "rc:1: 'Foo' is not a recognized section-starting or global keyword",
            Fault::Config,
        );
        check("No channel or group named 'foo' defined.", Fault::Config);
        check("Maildir error: cannot write x. Disk full?", Fault::Disk);
        check(
            "Warning: message 1 from far side is too big after conversion; skipping.",
            Fault::Warning,
        );
        check("IMAP error: bogus FETCH response", Fault::Other);
    }

    #[test]
    fn a_removed_mailbox_with_mail_is_named() {
        let mut reading = Reading::default();
        let line = "Warning: channel work: near side box Sub cannot be opened and far side box Sub is not empty.";
        reading.line(line);
        reading.line(line);
        let fault = Fault::NotEmpty {
            gone: "near".to_owned(),
            mailbox: "Sub".to_owned(),
        };
        assert_eq!(reading.faults, [fault]);
    }
}
