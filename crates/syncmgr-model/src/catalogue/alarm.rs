//! The words of alarms: what lasts and has no trouble of its own, and what went wrong with telling.

use super::Words;
use crate::alarm::AlarmKind;
use crate::event::EventLevel;
use crate::format::{duration, plural};
use crate::trouble::{Code, Trouble};

/// Says how loud an alarm is.
#[must_use]
pub fn level(kind: AlarmKind) -> EventLevel {
    match kind {
        AlarmKind::Held
        | AlarmKind::SignIn
        | AlarmKind::Failed
        | AlarmKind::TooOld
        | AlarmKind::RunFailed => EventLevel::Error,
        AlarmKind::Overdue | AlarmKind::Conflicts => EventLevel::Warning,
        AlarmKind::Recovered
        | AlarmKind::Test
        | AlarmKind::RunStarted
        | AlarmKind::RunSucceeded => EventLevel::Information,
    }
}

/// Builds the trouble of an alarm for which nobody said more.
#[must_use]
pub fn plain(kind: AlarmKind) -> Trouble {
    let code = match kind {
        AlarmKind::Held => Code::ChangesWait,
        AlarmKind::SignIn => Code::SignInNeeded,
        AlarmKind::Failed | AlarmKind::RunFailed => Code::RunFailed,
        AlarmKind::TooOld => Code::TooOld,
        AlarmKind::Overdue => Code::RunsMissed,
        AlarmKind::Conflicts => Code::ConflictsWait,
        AlarmKind::Recovered => Code::Recovered,
        AlarmKind::Test => Code::AlertTest,
        AlarmKind::RunStarted => Code::RunStarted,
        AlarmKind::RunSucceeded => Code::RunSucceeded,
    };
    Trouble::new(code).at_level(level(kind))
}

/// Builds the trouble of a test notice.
#[must_use]
pub fn test() -> Trouble {
    plain(AlarmKind::Test)
}

/// Builds the trouble of an end: `ended` names what is over.
#[must_use]
pub fn recovered(ended: &[AlarmKind]) -> Trouble {
    let words: Vec<_> = ended.iter().map(|kind| kind.as_str()).collect();
    plain(AlarmKind::Recovered).with("ended", words.join(" "))
}

/// The words of the codes above.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`words` sends only the codes of alarms here, and matches every one"
)]
pub(super) fn words(t: &Trouble) -> Words {
    let one = |text: &str| vec![text.to_owned()];
    match t.code {
        Code::AlertFailed => (
            format!(
                "A notice could not be sent through {}: {}.",
                t.param("channel"),
                t.param("detail")
            ),
            "Your files are not affected, but nobody was told.",
            vec![mend(t.param("cause")).to_owned()],
        ),
        Code::AlertTest => (
            "This is a test notice.".to_owned(),
            "Nothing is the matter: notices arrive here.",
            one("there is nothing to do"),
        ),
        Code::SignInNeeded => (
            match t.params.get("place") {
                Some(place) => format!("{place} asks you to sign in again."),
                None => "A place of this sync asks you to sign in again.".to_owned(),
            },
            "Nothing is synced until then; both sides keep their files.",
            one("sign in, then sync again"),
        ),
        Code::ChangesWait => (
            match t.number("n") {
                0 => "Changes wait for your OK.".to_owned(),
                1 => "1 change waits for your OK.".to_owned(),
                n => format!("{} wait for your OK.", plural(n, "change")),
            },
            "They were not carried out.",
            one("review the list, then allow exactly these changes if they are right"),
        ),
        Code::ConflictsWait => (
            match t.number("n") {
                0 => "Conflicts wait for your decision.".to_owned(),
                1 => "1 conflict waits for your decision.".to_owned(),
                n => format!("{} wait for your decision.", plural(n, "conflict")),
            },
            "Both versions stay as they are; everything else is synced.",
            one("look at them with `syncmgr conflicts`, then decide"),
        ),
        Code::RunFailed => (
            "The run failed.".to_owned(),
            "Finished files are complete; what was left is done by the next run that succeeds.",
            one("look at the results of the run, and at its sync with `syncmgr status`"),
        ),
        Code::RunsMissed => (
            "A run should have taken place, and did not.".to_owned(),
            "The two sides may differ by what changed since.",
            one("see what it waits for with `syncmgr status`, or sync now"),
        ),
        Code::TooOld => (
            match t.number("age_ms") {
                0 => "The last good run is longer ago than you allow.".to_owned(),
                age => format!(
                    "The last good run was {} ago, longer than you allow.",
                    duration(age)
                ),
            },
            "The two sides may differ by what changed since.",
            one("see what it waits for with `syncmgr status`, or sync now"),
        ),
        Code::RunStarted => (
            "A run began.".to_owned(),
            "Nothing is the matter.",
            one("there is nothing to do"),
        ),
        Code::RunSucceeded => (
            "A run ended well.".to_owned(),
            "Both sides are in sync.",
            one("there is nothing to do"),
        ),
        _ => (
            over(t),
            "What you were told before does not hold any more.",
            one("there is nothing to do"),
        ),
    }
}

/// Says what is over, one sentence for each kind.
fn over(t: &Trouble) -> String {
    let sentences: Vec<_> = t
        .param("ended")
        .split(' ')
        .filter_map(AlarmKind::parse)
        .filter_map(|kind| match kind {
            AlarmKind::Held => Some("Nothing waits for your OK any more."),
            AlarmKind::SignIn => Some("Signing in works again."),
            AlarmKind::Failed => Some("Runs succeed again."),
            AlarmKind::TooOld => Some("It was synced again."),
            AlarmKind::Overdue => Some("Runs take place again."),
            AlarmKind::Conflicts => Some("No conflict is left."),
            AlarmKind::Recovered
            | AlarmKind::Test
            | AlarmKind::RunStarted
            | AlarmKind::RunSucceeded
            | AlarmKind::RunFailed => None,
        })
        .collect();
    if sentences.is_empty() {
        "All is well again.".to_owned()
    } else {
        sentences.join(" ")
    }
}

/// Says how to mend a channel, by the stable word of the cause.
fn mend(cause: &str) -> &'static str {
    match cause {
        "secret" => "make the file readable for you alone (`chmod 600`), then send a test notice",
        "certificate" => {
            "check the server's name; if it has a certificate of its own authority, name that \
             authority's certificate in `ca_file`"
        }
        "unencrypted" => "choose an encrypted connection, or send without a password",
        "sign-in" => "check the user and the password or token, then send a test notice",
        "unreachable" => "check the address and the connection, then send a test notice",
        "command" => "try the command by hand, then send a test notice",
        _ => "check the settings of this channel, then send a test notice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::notice;

    #[test]
    fn an_end_says_what_is_over() {
        let words = notice(&recovered(&[AlarmKind::Failed, AlarmKind::Overdue]));
        assert_eq!(words.what, "Runs succeed again. Runs take place again.");
        assert_eq!(notice(&recovered(&[])).what, "All is well again.");
    }

    #[test]
    fn a_failed_notice_says_how_to_mend_it() {
        let trouble = Trouble::new(Code::AlertFailed)
            .with("channel", "mail")
            .with("detail", "the server's certificate is not trusted")
            .with("cause", "certificate");
        let words = notice(&trouble);
        assert_eq!(
            words.what,
            "A notice could not be sent through mail: the server's certificate is not trusted."
        );
        assert!(words.actions[0].contains("ca_file"));
    }
}
