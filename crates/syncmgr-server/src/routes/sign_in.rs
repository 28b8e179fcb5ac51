//! How a browser signs in and out (S4).

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, SET_COOKIE};
use syncmgr_api::problem::Problem;
use syncmgr_api::wire::Nothing;
use syncmgr_api::wire::sign_in::{Code, SignedIn};

use super::Shared;
use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::auth::Principal;
use crate::extract::{Json, json};
use crate::gate::{cookie, cookie_name};
use crate::listen::Peer;

/// Makes a code that signs a browser in. Only the owner can, over the Unix socket.
#[utoipa::path(post, path = "/api/v1/sign-in-codes", tag = "sign-in",
    request_body = Nothing,
    responses((status = 201, body = Code),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn make_code(
    State(shared): State<Shared>,
    Extension(who): Extension<Principal>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Response), Refusal> {
    if who != Principal::Owner {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "not-allowed",
            [
                "Only the owner can do that, over the Unix socket.",
                "Das kann nur der Besitzer, über den Unix-Socket.",
            ],
            NOTHING_CHANGED,
        )
        .with_action(["Run `syncmgr open`.", "Führe `syncmgr open` aus."]));
    }
    let code = shared.sign_in.code().map_err(|error| no_chance(&error))?;
    let code = Code {
        code: code.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, json(&code)))
}

/// Exchanges a code for a cookie.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "sign-in", request_body = Code,
    responses((status = 200, body = SignedIn),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn exchange(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    Json(code): Json<Code>,
) -> Result<Response, Refusal> {
    let Peer::Port(port) = peer else {
        return Err(not_a_browser());
    };
    let opened = shared.sign_in.exchange(&code.code);
    let opened = opened.map_err(|error| no_chance(&error))?.ok_or_else(|| {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "code-unknown",
            [
                "This code was used already, or is too old.",
                "Dieser Code wurde schon benutzt oder ist zu alt.",
            ],
            NOTHING_CHANGED,
        )
        .with_action([
            "Run `syncmgr open` again.",
            "Führe `syncmgr open` noch einmal aus.",
        ])
    })?;
    let mut response = json(&SignedIn {
        csrf: opened.csrf.expose().to_owned(),
    });
    set_cookie(&mut response, port, opened.cookie.expose(), "");
    Ok(response)
}

/// Gives a page that was loaded again what its writes need.
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "sign-in",
    responses((status = 200, body = SignedIn),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn look(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Peer::Port(port) = peer else {
        return Err(not_a_browser());
    };
    let found = cookie(&headers, port).and_then(|cookie| shared.sign_in.browser(&cookie));
    let (_, csrf) = found.ok_or_else(not_a_browser)?;
    Ok(json(&SignedIn {
        csrf: csrf.expose().to_owned(),
    }))
}

/// Signs a browser out.
#[utoipa::path(delete, path = "/api/v1/sign-in", tag = "sign-in",
    responses((status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn leave(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    Extension(who): Extension<Principal>,
) -> Result<Response, Refusal> {
    let (Principal::Browser { id }, Peer::Port(port)) = (who, peer) else {
        return Err(not_a_browser());
    };
    shared.sign_in.leave(id);
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    set_cookie(&mut response, port, "", "; Max-Age=0");
    Ok(response)
}

fn set_cookie(response: &mut Response, port: u16, value: &str, rest: &str) {
    let name = cookie_name(port);
    let text = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/{rest}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
}

fn not_a_browser() -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        "not-signed-in",
        [
            "Only browsers sign in and out.",
            "Nur Browser melden sich an und ab.",
        ],
        NOTHING_CHANGED,
    )
}

pub(super) fn no_chance(error: &getrandom::Error) -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no-chance",
        [
            "The system gives no random numbers.",
            "Das System liefert keine Zufallszahlen.",
        ],
        NOTHING_CHANGED,
    )
    .with_detail(error.to_string())
}
