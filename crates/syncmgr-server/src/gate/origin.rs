//! Which page a request comes from, before anything else is looked at (S2, S3).
//!
//! A page of a stranger can make a browser send requests to 127.0.0.1, and can have its own name
//! point there (rebinding). Such a request carries the stranger's name as its host or origin.

use hyper::header::{HOST, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::single;
use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::listen::Peer;
use crate::page::is_page;

/// Checks host, origin, the browser's own word on it, and the method.
pub(super) fn check(peer: Peer, head: &Parts) -> Result<(), Refusal> {
    match peer {
        // No browser reaches the Unix socket by itself; when a page does, somebody tunnels it.
        Peer::User(_) => check_no_page(head)?,
        Peer::Port(port) => {
            check_host(port, head)?;
            if !is_visit(head) {
                check_page(port, head)?;
            }
        }
    }
    if [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ]
    .contains(&head.method)
    {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        [
            "This cannot be done to this address.",
            "Das geht mit dieser Adresse nicht.",
        ],
        NOTHING_CHANGED,
    ))
}

/// Says whether a text names this daemon and nothing else: the loopback addresses and `localhost`
/// with the port, letter by letter. A trailing dot, another spelling of the address or a user name
/// before it are other names.
fn is_own(authority: &str, port: u16) -> bool {
    let Some(name) = authority.strip_suffix(&format!(":{port}")) else {
        return false;
    };
    matches!(name, "127.0.0.1" | "[::1]" | "localhost")
}

fn check_host(port: u16, head: &Parts) -> Result<(), Refusal> {
    let host = single(&head.headers, HOST.as_str()).unwrap_or_default();
    let target = head
        .uri
        .authority()
        .map(hyper::http::uri::Authority::as_str);
    if is_own(host, port) && target.is_none_or(|target| is_own(target, port)) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::MISDIRECTED_REQUEST,
        "wrong-host",
        [
            "This request is meant for another machine.",
            "Diese Anfrage ist für einen anderen Computer bestimmt.",
        ],
        [
            "Nothing was changed. The daemon answers only to 127.0.0.1, [::1] and localhost with its \
             port.",
            "Es wurde nichts geändert. Der Dienst antwortet nur auf 127.0.0.1, [::1] und localhost \
             mit seinem Port.",
        ],
    ))
}

/// Says whether a person follows a link to our page, as from a mail: what is given out then is the
/// same for everybody, and no page of a stranger can look at it.
fn is_visit(head: &Parts) -> bool {
    let is = |name, value| single(&head.headers, name) == Some(value);
    is_page(head) && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

fn check_page(port: u16, head: &Parts) -> Result<(), Refusal> {
    let is_fine = match head.headers.contains_key(ORIGIN) {
        false => true,
        true => single(&head.headers, ORIGIN.as_str())
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|authority| is_own(authority, port)),
    };
    let site = "sec-fetch-site";
    let is_same = match head.headers.contains_key(site) {
        false => true,
        true => matches!(single(&head.headers, site), Some("same-origin" | "none")),
    };
    if is_fine && is_same {
        Ok(())
    } else {
        Err(foreign_page())
    }
}

fn check_no_page(head: &Parts) -> Result<(), Refusal> {
    if head.headers.contains_key(ORIGIN) || head.headers.contains_key("sec-fetch-site") {
        return Err(foreign_page());
    }
    Ok(())
}

fn foreign_page() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "foreign-page",
        [
            "This request comes from a page of somebody else.",
            "Diese Anfrage kommt von einer fremden Seite.",
        ],
        NOTHING_CHANGED,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: &str, expected: bool) {
        assert_eq!(is_own(authority, 7962), expected, "{authority}");
    }

    #[test]
    fn s2_only_our_names_with_our_port_are_ours() {
        check("127.0.0.1:7962", true);
        check("[::1]:7962", true);
        check("localhost:7962", true);
        for foreign in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.:7962",
            "localhost.:7962",
            "localhost:07962",
            "localhost:7962.",
            "LOCALHOST:7962",
            "[::1].:7962",
            "::1:7962",
            "[::ffff:127.0.0.1]:7962",
            "[0:0:0:0:0:0:0:1]:7962",
            "[::1%lo]:7962",
            "0.0.0.0:7962",
            "127.0.0.2:7962",
            "127.1:7962",
            "2130706433:7962",
            "0x7f.1:7962",
            "evil.example:7962",
            "localhost.evil.example:7962",
            "127.0.0.1.nip.io:7962",
            "evil@localhost:7962",
            "localhost:7962@evil",
            " localhost:7962",
        ] {
            check(foreign, false);
        }
    }
}
