//! A mail through an SMTP server. Each step gets what is left of the time for all of them.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, SmtpConnection, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;

use crate::channel::{Email, Login, Tls};
use crate::deadline::{CONNECT, Deadline, TOTAL};
use crate::error::{BadSetting, DeliveryError};
use crate::http::{is_here, untrusted};
use crate::message::Message;
use crate::secret;
use crate::text::line;

/// Sends a mail.
pub(crate) fn send(email: &Email, message: &Message) -> Result<(), DeliveryError> {
    send_within(email, message, TOTAL)
}

/// Works on a thread of its own, because asking for the address of a name has no time limit, and
/// a server that says one letter at a time is never late. Such a thread is left to itself; its
/// line ends when one wait is too long.
fn send_within(email: &Email, message: &Message, total: Duration) -> Result<(), DeliveryError> {
    let place = place(email);
    let mail = write(email, message)?;
    let credentials = email.login.as_ref().map(credentials).transpose()?;
    if credentials.is_some() && email.tls == Tls::None && !is_here(&email.server) {
        return Err(DeliveryError::Unencrypted {
            place,
            detail: "a password goes only over an encrypted line",
        });
    }
    let deadline = Deadline::after(total);
    let (sender, outcome) = mpsc::channel();
    let email = email.clone();
    thread::spawn(move || {
        // Nobody listens any more when it took too long.
        drop(sender.send(converse(&email, &mail, credentials.as_ref(), deadline)));
    });
    outcome
        .recv_timeout(total)
        .unwrap_or(Err(DeliveryError::TimedOut { place }))
}

fn place(email: &Email) -> String {
    format!("{}:{}", line(&email.server), email.port)
}

fn converse(
    email: &Email,
    mail: &lettre::Message,
    credentials: Option<&Credentials>,
    deadline: Deadline,
) -> Result<(), DeliveryError> {
    let place = place(email);
    let mut line_to = connect(email, &place, deadline)?;
    if let Some(credentials) = credentials {
        limit(&mut line_to, deadline);
        line_to
            .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
            .map_err(|err| sign_in(&place, &err))?;
    }
    limit(&mut line_to, deadline);
    line_to
        .send(mail.envelope(), &mail.formatted())
        .map_err(|err| failure(&place, &err))?;
    // It was taken; how the server says good-bye changes nothing.
    drop(line_to.quit());
    Ok(())
}

/// Reads an address as people write it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn mailbox(key: &str, text: &str) -> Result<Mailbox, BadSetting> {
    text.parse().map_err(|err| {
        BadSetting::new(
            key,
            format!("`{}` is not a mail address: {err}", line(text)),
        )
    })
}

/// Writes the mail. The title is one line by now, and the library encodes what is not ASCII.
fn write(email: &Email, message: &Message) -> Result<lettre::Message, DeliveryError> {
    let mut builder: MessageBuilder = lettre::Message::builder()
        .from(mailbox("from", &email.from)?)
        .subject(message.title())
        .message_id(None)
        .header(ContentType::TEXT_PLAIN);
    for to in &email.to {
        builder = builder.to(mailbox("to", to)?);
    }
    let mut mail = builder
        .body(message.text())
        .map_err(|err| BadSetting::new("to", err.to_string()))?;
    // Nobody's holiday notice answers it (RFC 3834).
    mail.headers_mut().insert_raw(HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    ));
    Ok(mail)
}

fn credentials(login: &Login) -> Result<Credentials, DeliveryError> {
    let password = secret::read(&login.password_file)?;
    Ok(Credentials::new(
        login.user.clone(),
        password.reveal().to_owned(),
    ))
}

fn connect(
    email: &Email,
    place: &str,
    deadline: Deadline,
) -> Result<SmtpConnection, DeliveryError> {
    let hello = ClientId::default();
    let tls = tls(email)?;
    let from_start = (email.tls == Tls::Tls).then_some(&tls);
    let mut last = DeliveryError::Unreachable {
        place: place.to_owned(),
        detail: "there is no server of this name".to_owned(),
    };
    for address in addresses(email, place)? {
        match SmtpConnection::connect(address, Some(step(deadline)), &hello, from_start, None) {
            Ok(mut line_to) => {
                if email.tls == Tls::StartTls {
                    protect(&mut line_to, &tls, &hello, place, deadline)?;
                }
                return Ok(line_to);
            }
            Err(err) => last = failure(place, &err),
        }
        // Another address of the same server will not have another certificate.
        if deadline.left().is_zero() || matches!(last, DeliveryError::Untrusted { .. }) {
            break;
        }
    }
    Err(last)
}

fn addresses(email: &Email, place: &str) -> Result<Vec<SocketAddr>, DeliveryError> {
    let found = (email.server.as_str(), email.port).to_socket_addrs();
    found
        .map(Iterator::collect)
        .map_err(|err| DeliveryError::Unreachable {
            place: place.to_owned(),
            detail: err.to_string(),
        })
}

/// Never goes on without protection: who sits in between could take the offer out of the server's
/// words.
fn protect(
    line_to: &mut SmtpConnection,
    tls: &TlsParameters,
    hello: &ClientId,
    place: &str,
    deadline: Deadline,
) -> Result<(), DeliveryError> {
    if !line_to.can_starttls() {
        return Err(DeliveryError::Unencrypted {
            place: place.to_owned(),
            detail: "the server does not offer STARTTLS",
        });
    }
    limit(line_to, deadline);
    line_to
        .starttls(tls, hello)
        .map_err(|err| failure(place, &err))
}

fn tls(email: &Email) -> Result<TlsParameters, DeliveryError> {
    let mut builder = TlsParameters::builder(email.server.clone());
    if let Some(path) = &email.ca_file {
        let bad = |_: SmtpError| DeliveryError::File {
            path: path.clone(),
            detail: "a certificate in it cannot be read".to_owned(),
        };
        let text = secret::certificates(path)?;
        let certificate = Certificate::from_pem(text.as_bytes()).map_err(bad)?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|_| BadSetting::new("server", "no encrypted line to it can be prepared").into())
}

fn step(deadline: Deadline) -> Duration {
    // Zero would mean no limit at all.
    deadline.left().clamp(Duration::from_millis(1), CONNECT)
}

fn limit(line_to: &mut SmtpConnection, deadline: Deadline) {
    // A line that takes no limit has its old one.
    drop(line_to.set_timeout(Some(step(deadline))));
}

fn sign_in(place: &str, err: &SmtpError) -> DeliveryError {
    if err.is_permanent() || err.is_client() {
        DeliveryError::SignIn {
            place: place.to_owned(),
            answer: answer(err),
        }
    } else {
        failure(place, err)
    }
}

fn failure(place: &str, err: &SmtpError) -> DeliveryError {
    let place = place.to_owned();
    if let Some(detail) = untrusted(err) {
        return DeliveryError::Untrusted { place, detail };
    }
    if is_time_out(err) {
        return DeliveryError::TimedOut { place };
    }
    if err.is_permanent() || err.is_transient() || err.is_client() {
        return DeliveryError::Refused {
            place,
            answer: answer(err),
            may_pass: err.is_transient(),
        };
    }
    DeliveryError::Unreachable {
        place,
        detail: answer(err),
    }
}

/// A socket with a time limit says "would block" on some systems and "timed out" on others.
fn is_time_out(err: &SmtpError) -> bool {
    let mut next = std::error::Error::source(err);
    while let Some(err) = next {
        if let Some(err) = err.downcast_ref::<std::io::Error>() {
            return matches!(
                err.kind(),
                std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock
            );
        }
        next = err.source();
    }
    false
}

/// The words of the server, or of the system.
fn answer(err: &SmtpError) -> String {
    let words = std::error::Error::source(err).map_or_else(|| err.to_string(), ToString::to_string);
    let words = words.trim();
    match err.status() {
        Some(code) => line(&format!("{code} {words}")),
        None => line(words),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use syncmgr_model::time::Timestamp;

    use super::*;

    /// Sends to a server that greets with these letters, one every 20 ms, for as long as the line
    /// holds.
    fn send_to_slow_server(greeting: &'static [u8]) -> Result<(), DeliveryError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ended, end) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut letters = greeting.iter().cycle();
            while end.recv_timeout(Duration::from_millis(20))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                if let Some(&letter) = letters.next() {
                    drop(stream.write_all(&[letter]));
                }
            }
        });
        let email = Email {
            server: "127.0.0.1".to_owned(),
            port,
            tls: Tls::None,
            login: None,
            from: "a@example.org".to_owned(),
            to: vec!["b@example.org".to_owned()],
            ca_file: None,
        };
        let message = Message::test("desk", Timestamp(0));
        let outcome = send_within(&email, &message, Duration::from_millis(300));
        drop(ended);
        server.join().unwrap();
        outcome
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for() {
        let err = send_to_slow_server(b"").unwrap_err();
        assert!(matches!(err, DeliveryError::TimedOut { .. }), "{err}");
    }

    #[test]
    fn a_server_that_dawdles_is_not_waited_for() {
        let err = send_to_slow_server(b"2").unwrap_err();
        assert!(matches!(err, DeliveryError::TimedOut { .. }), "{err}");
    }
}
