//! What a request has to pass before any route sees it.
//!
//! In this order: host and origin (S2, S3), who asks (S4), what he may do, length, depth and kind
//! of the body (S10), repetition; all of it in the language that the request prefers. What passes here is from somebody who may, whole, and small.

mod body;
mod language;
mod origin;
mod repeat;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, COOKIE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use subtle::ConstantTimeEq as _;
use syncmgr_model::language::say;
use syncmgr_model::reader::Reader;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use self::language::speaking;
use self::repeat::{Repeats, Turn};
use crate::answer::{NOTHING_CHANGED, Refusal, finish, in_this_language};
use crate::auth::{Principal, Scope, SignIn, Tokens, needed};
use crate::hub::Hub;
use crate::listen::Peer;
use crate::metrics::Metrics;
use crate::page;

/// The name of the cookie of a browser.
pub const COOKIE_NAME: &str = "syncmgr";
/// The header with which a browser shows that a write comes from our page.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Where a code is exchanged for a cookie: the only address that needs no secret.
pub const SIGN_IN: &str = "/api/v1/sign-in";

/// Stands before the routes.
#[derive(Debug)]
pub struct Gate {
    app: Router,
    tokens: Arc<Tokens>,
    sign_in: Arc<SignIn>,
    hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    repeats: Repeats,
    ids: Ids,
}

/// Names requests: a part by chance, so that no two starts of the daemon give the same, and a
/// number.
#[derive(Debug)]
struct Ids {
    prefix: String,
    n: AtomicU64,
}

impl Ids {
    fn next(&self) -> String {
        format!("{}-{}", self.prefix, self.n.fetch_add(1, Ordering::Relaxed))
    }
}

impl Gate {
    /// Puts a gate before `app`. Routes find who asks as [`Principal`] among the extensions of a
    /// request, and from where as [`Peer`].
    ///
    /// # Errors
    /// The system has no chance to give.
    pub fn new(
        app: Router,
        tokens: Arc<Tokens>,
        sign_in: Arc<SignIn>,
        hub: Arc<Hub>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self {
            // A mistake in one route must not end the connection, let alone the daemon.
            app: app.layer(CatchPanicLayer::new()),
            tokens,
            sign_in,
            hub,
            metrics,
            repeats: Repeats::default(),
            ids: Ids {
                prefix: format!("{:08x}", getrandom::u32()?),
                n: AtomicU64::new(1),
            },
        })
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers a request; always with an answer.
    pub(crate) async fn answer(&self, peer: Peer, request: Request<Incoming>) -> Response {
        let reader = Reader {
            language: language::preferred(request.headers()),
            is_page: false,
        };
        speaking(reader, async {
            let id = self.ids.next();
            let path = request.uri().path().to_owned();
            let response = match self.admit(peer, request).await {
                Ok(response) => response,
                Err(refusal) => refusal.into_response(),
            };
            self.metrics.answered(response.status().as_u16());
            finish(response, &id, &path)
        })
        .await
    }

    async fn admit(&self, peer: Peer, request: Request<Incoming>) -> Result<Response, Refusal> {
        let (head, incoming) = request.into_parts();
        origin::check(peer, &head)?;
        if page::is_page(&head) {
            return page::answer(&head);
        }
        let who = self.who(peer, &head)?;
        if let Some(who) = &who {
            check_scope(who, &head)?;
        }
        let reader = Reader {
            is_page: matches!(who, Some(Principal::Browser { .. })),
            ..Reader::current()
        };
        speaking(reader, self.admitted(peer, who, head, incoming)).await
    }

    async fn admitted(
        &self,
        peer: Peer,
        who: Option<Principal>,
        mut head: Parts,
        incoming: Incoming,
    ) -> Result<Response, Refusal> {
        let bytes = body::read(incoming).await?;
        body::check(&head, &bytes)?;
        head.extensions.insert(peer);
        let Some(who) = who else {
            return Ok(self.pass(head, bytes).await);
        };
        let caller = who.key();
        head.extensions.insert(who);
        match self.repeats.turn(&caller, &head, &bytes)? {
            Turn::Unkeyed => Ok(self.pass(head, bytes).await),
            Turn::Again(response) => Ok(response),
            Turn::First(place) => {
                // Once begun it is carried through, also when the caller hangs up: he will ask
                // again with the same key.
                let request = Request::from_parts(head, Body::from(bytes));
                let work = self.app.clone().oneshot(request);
                let done = tokio::spawn(speaking(Reader::current(), async move {
                    let Ok(response) = work.await;
                    place.keep(in_this_language(response)).await
                }));
                Ok(done
                    .await
                    .unwrap_or_else(|_panicked| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
            }
        }
    }

    async fn pass(&self, head: Parts, bytes: Bytes) -> Response {
        let request = Request::from_parts(head, Body::from(bytes));
        let Ok(response) = self.app.clone().oneshot(request).await;
        response
    }

    /// Finds out who asks; `None` for the exchange of a code, which is how one becomes somebody.
    fn who(&self, peer: Peer, head: &Parts) -> Result<Option<Principal>, Refusal> {
        let port = match peer {
            Peer::User(_) => return Ok(Some(Principal::Owner)),
            Peer::Port(port) => port,
        };
        if head.uri.path() == SIGN_IN && head.method == Method::POST {
            return Ok(None);
        }
        if let Some(value) = single(&head.headers, AUTHORIZATION.as_str()) {
            let token = value.strip_prefix("Bearer ");
            return token
                .and_then(|token| self.tokens.principal(token))
                .map(Some)
                .ok_or_else(unknown);
        }
        let cookie = cookie(&head.headers, port).ok_or_else(unknown)?;
        let (id, csrf) = self.sign_in.browser(&cookie).ok_or_else(unknown)?;
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        let sent = single(&head.headers, CSRF_HEADER).unwrap_or_default();
        let is_ours: bool = sent.as_bytes().ct_eq(csrf.expose().as_bytes()).into();
        if !is_read && !is_ours {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "not-our-page",
                [
                    "This request does not come from the page of syncmgr.",
                    "Diese Anfrage kommt nicht von der Seite von syncmgr.",
                ],
                NOTHING_CHANGED,
            ));
        }
        Ok(Some(Principal::Browser { id }))
    }
}

/// Returns the value of a header that must not come twice.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// Returns the name of the cookie on a port: cookies are shared between the ports of a machine,
/// and two daemons must not sign each other's browsers out.
#[must_use]
pub fn cookie_name(port: u16) -> String {
    format!("{COOKIE_NAME}-{port}")
}

pub(crate) fn cookie(headers: &HeaderMap, port: u16) -> Option<String> {
    let name = cookie_name(port);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
}

fn unknown() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "sign-in-needed",
        [
            "The daemon does not know who asks.",
            "Der Dienst weiß nicht, wer fragt.",
        ],
        NOTHING_CHANGED,
    )
    .with_action([
        "Run `syncmgr open` to sign in with a browser.",
        "Melde dich mit `syncmgr open` in einem Browser an.",
    ])
    .with_action([
        "Send an API token in the header `Authorization: Bearer …`.",
        "Sende ein API-Token im Header `Authorization: Bearer …`.",
    ])
}

fn check_scope(who: &Principal, head: &Parts) -> Result<(), Refusal> {
    let scope: Scope = needed(&head.method, head.uri.path());
    if who.may(scope) {
        return Ok(());
    }
    let needs = scope.as_str();
    let mut refusal = Refusal::new(
        StatusCode::FORBIDDEN,
        "not-allowed",
        [
            "This token may not do that.",
            "Dieses Token darf das nicht.",
        ],
        NOTHING_CHANGED,
    )
    .with_detail(say(
        format!("It needs the scope `{needs}`. Nothing was changed."),
        format!("Es braucht das Recht `{needs}`. Es wurde nichts geändert."),
    ));
    refusal
        .0
        .params
        .insert("scope".to_owned(), needs.to_owned());
    Err(refusal)
}
