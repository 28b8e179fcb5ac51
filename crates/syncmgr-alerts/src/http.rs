//! Requests: a webhook with our JSON, and the JSON form of publishing to ntfy.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use syncmgr_model::alarm::AlarmKind;
use ureq::http::{HeaderName, HeaderValue, StatusCode, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::channel::{Ntfy, Webhook};
use crate::deadline::{CONNECT, TOTAL};
use crate::error::{BadSetting, DeliveryError};
use crate::message::Message;
use crate::secret::{self, Secret};
use crate::text::{cut, place};

/// ntfy turns longer texts into attachments; its limit is 4,096 bytes.
const NTFY_TEXT_MAX: usize = 4000;

/// Sends to a webhook.
pub(crate) fn webhook(webhook: &Webhook, message: &Message) -> Result<(), DeliveryError> {
    let target = Target::new(
        secret::url(&webhook.url)?,
        webhook.token_file.as_deref(),
        webhook.ca_file.as_deref(),
    )?;
    target.post(&webhook.headers, &message.to_json())
}

/// Publishes to a topic. As JSON, and not as headers and a body: a title of any letters goes
/// through as it is, and no name can become a header.
pub(crate) fn ntfy(ntfy: &Ntfy, message: &Message) -> Result<(), DeliveryError> {
    let url = secret::url(&ntfy.url)?;
    let (server, topic) = topic_of(url.reveal()).ok_or_else(|| {
        BadSetting::new(
            "url",
            "it has to be the server and the topic, as https://ntfy.sh/TOPIC",
        )
    })?;
    let body = json!({
        "topic": topic,
        "title": message.title(),
        "message": cut(&message.text(), NTFY_TEXT_MAX),
        "priority": ntfy.priority.unwrap_or_else(|| priority(message.kind())),
        "tags": ["syncmgr", message.kind().as_str()],
    });
    let server = Secret::from(server);
    let target = Target::new(server, ntfy.token_file.as_deref(), ntfy.ca_file.as_deref())?;
    target.post(&[], &body)
}

/// Splits the address of a topic.
pub(crate) fn topic_of(url: &str) -> Option<(String, String)> {
    let (server, topic) = url.trim_end_matches('/').rsplit_once('/')?;
    let is_topic = !topic.is_empty()
        && topic
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let has_host = server
        .split_once("://")
        .is_some_and(|(_, it)| !it.is_empty());
    (is_topic && has_host).then(|| (format!("{server}/"), topic.to_owned()))
}

/// 4 rings on most phones, 3 is the usual, 2 is silent.
fn priority(kind: AlarmKind) -> u8 {
    match kind {
        AlarmKind::Held | AlarmKind::SignIn | AlarmKind::Failed | AlarmKind::TooOld => 4,
        AlarmKind::Overdue | AlarmKind::Conflicts | AlarmKind::Test | AlarmKind::RunFailed => 3,
        AlarmKind::Recovered | AlarmKind::RunStarted | AlarmKind::RunSucceeded => 2,
    }
}

/// Where a request goes, and who says so.
struct Target {
    uri: Uri,
    token: Option<Secret>,
    roots: RootCerts,
    /// What may be said of it in public.
    place: String,
}

impl Target {
    fn new(
        url: Secret,
        token_file: Option<&Path>,
        ca_file: Option<&Path>,
    ) -> Result<Self, DeliveryError> {
        let uri = check_url(url.reveal())?;
        let target = Self {
            place: place(url.reveal()),
            token: token_file.map(secret::read).transpose()?,
            roots: ca_file.map_or(Ok(RootCerts::WebPki), roots)?,
            uri,
        };
        if target.token.is_some() && !target.is_private() {
            return Err(DeliveryError::Unencrypted {
                place: target.place,
                detail: "a token goes only over https",
            });
        }
        Ok(target)
    }

    /// Says whether nobody can listen: an encrypted line, or this machine.
    fn is_private(&self) -> bool {
        self.uri.scheme_str() == Some("https") || self.is_here()
    }

    fn is_here(&self) -> bool {
        is_here(self.uri.host().unwrap_or_default())
    }

    fn post(&self, headers: &[(String, String)], body: &Value) -> Result<(), DeliveryError> {
        let mut config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TOTAL))
            .http_status_as_error(false)
            // The token and the words are for this address, and for none it points to.
            .max_redirects(0)
            .user_agent(concat!("syncmgr/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(self.roots.clone()).build());
        if self.is_here() {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        let mut request = agent.post(&self.uri).content_type("application/json");
        for (name, value) in headers {
            let (name, value) = header(name, value)?;
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            let (name, mut value) = header("authorization", &format!("Bearer {}", token.reveal()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let answer = request
            .send(body.to_string())
            .map_err(|err| failure(&self.place, &err))?;
        verdict(&self.place, answer.status())
    }
}

/// Says whether a host is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Reads an address.
///
/// # Errors
/// What is wrong with it, without the address.
pub(crate) fn check_url(url: &str) -> Result<Uri, BadSetting> {
    let bad = |detail| Err(BadSetting::new("url", detail));
    let Ok(uri) = url.parse::<Uri>() else {
        return bad("it is not a web address");
    };
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return bad("it has to begin with https:// or http://");
    }
    match uri.authority() {
        Some(it) if it.as_str().contains('@') => {
            bad("it holds a name or a password; put a token into token_file")
        }
        Some(it) if !it.host().is_empty() => Ok(uri),
        Some(_) | None => bad("it names no server"),
    }
}

/// Reads a header.
///
/// # Errors
/// It would not be one header.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BadSetting> {
    let detail = format!("`{}` is not a header", crate::text::line(name));
    let bad = || BadSetting::new("headers", detail.clone());
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let value = HeaderValue::from_str(value).map_err(|_| bad())?;
    Ok((name, value))
}

fn roots(path: &Path) -> Result<RootCerts, DeliveryError> {
    let text = secret::certificates(path)?;
    let certificates: Result<Vec<_>, _> = ureq::tls::parse_pem(text.as_bytes())
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(err) => Some(Err(err)),
        })
        .collect();
    let certificates = certificates.map_err(|_| DeliveryError::File {
        path: path.to_owned(),
        detail: "a certificate in it cannot be read".to_owned(),
    })?;
    Ok(RootCerts::from(certificates))
}

fn verdict(place: &str, status: StatusCode) -> Result<(), DeliveryError> {
    if status.is_success() {
        return Ok(());
    }
    let (place, answer) = (place.to_owned(), status.to_string());
    if matches!(status.as_u16(), 401 | 403 | 407) {
        return Err(DeliveryError::SignIn { place, answer });
    }
    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(DeliveryError::Refused {
        place,
        answer,
        may_pass,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may add errors, and the texts of its others may hold the address"
)]
fn failure(place: &str, err: &ureq::Error) -> DeliveryError {
    let place = place.to_owned();
    let unreachable = |place, detail: &str| DeliveryError::Unreachable {
        place,
        detail: crate::text::line(detail),
    };
    match err {
        ureq::Error::Timeout(_) => DeliveryError::TimedOut { place },
        ureq::Error::Io(err) => match untrusted(err) {
            Some(detail) => DeliveryError::Untrusted { place, detail },
            None if err.kind() == io::ErrorKind::TimedOut => DeliveryError::TimedOut { place },
            None => unreachable(place, &err.to_string()),
        },
        ureq::Error::Rustls(err) => match untrusted(err) {
            Some(detail) => DeliveryError::Untrusted { place, detail },
            None => unreachable(place, &err.to_string()),
        },
        ureq::Error::HostNotFound => unreachable(place, "there is no server of this name"),
        _ => unreachable(place, "the connection failed"),
    }
}

/// Returns what is wrong with a certificate, if that is why something failed.
pub(crate) fn untrusted(err: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(err);
    while let Some(err) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = err.downcast_ref::<rustls::Error>() {
            return Some(certificate_words(why));
        }
        // An I/O error shows the error within it not as its source, but as itself.
        let within = err
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|it| it as &(dyn StdError + 'static));
        next = within.or_else(|| err.source());
    }
    None
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may add reasons; its own words do for the rare ones"
)]
fn certificate_words(why: &rustls::CertificateError) -> String {
    use rustls::CertificateError as C;
    match why {
        C::UnknownIssuer => "nobody we know has signed it".to_owned(),
        C::Expired | C::ExpiredContext { .. } => "it has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "it is for another server".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_last_part_of_its_address() {
        let check = |url: &str, expected: Option<(&str, &str)>| {
            let got = topic_of(url);
            let got = got.as_ref().map(|(a, b)| (a.as_str(), b.as_str()));
            assert_eq!(got, expected, "{url}");
        };
        check("https://ntfy.sh/mine", Some(("https://ntfy.sh/", "mine")));
        check("http://h:8/a_b-C/", Some(("http://h:8/", "a_b-C")));
        check("https://ntfy.sh", None);
        check("https://ntfy.sh/a b", None);
    }

    #[test]
    fn an_address_is_for_the_web_and_holds_no_password() {
        assert!(check_url("https://h.example/x?y=1").is_ok());
        for bad in ["ftp://h/x", "https://u:p@h/x", "h/x", "https://", "a\nb"] {
            assert!(check_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_loopback() {
        assert!(is_here("127.0.0.1") && is_here("[::1]") && is_here("localhost"));
        assert!(!is_here("localhost.example") && !is_here("10.0.0.1"));
    }

    #[test]
    fn an_answer_says_whether_to_try_again() {
        use syncmgr_model::catalogue::Retry;
        let retry = |code| {
            let status = StatusCode::from_u16(code).unwrap();
            verdict("x", status).map_err(|err| (err.cause(), err.retry()))
        };
        assert_eq!(retry(204), Ok(()));
        assert_eq!(retry(301), Err(("refused", Retry::Never)));
        assert_eq!(retry(401), Err(("sign-in", Retry::Never)));
        assert_eq!(retry(404), Err(("refused", Retry::Never)));
        assert_eq!(retry(429), Err(("refused", Retry::Later)));
        assert_eq!(retry(503), Err(("refused", Retry::Later)));
    }
}
