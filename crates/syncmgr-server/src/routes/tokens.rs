//! The tokens of programs.

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::StatusCode;
use syncmgr_api::page::Page;
use syncmgr_api::problem::Problem;
use syncmgr_api::wire::sign_in::{Token, TokenMade, TokenNew, TokenScope};
use syncmgr_model::catalogue::phrase;

use super::Shared;
use crate::answer::{NOTHING_CHANGED, Refusal};
use crate::auth::{Scope, TokenError, TokenInfo};
use crate::extract::{Json, json};

/// Lists the tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "sign-in",
    responses((status = 200, body = Page<Token>),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(shared): State<Shared>) -> Response {
    let items = shared.tokens.list().iter().map(wire).collect();
    // There are never more than fit into one part.
    json(&Page {
        items,
        next_cursor: None,
    })
}

/// Makes a token; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "sign-in", request_body = TokenNew,
    responses((status = 201, body = TokenMade),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn make(
    State(shared): State<Shared>,
    Json(new): Json<TokenNew>,
) -> Result<(StatusCode, Response), Refusal> {
    if new.scopes.is_empty() {
        return Err(Refusal::field("scopes", "missing", "at least one"));
    }
    let scopes: Vec<_> = new.scopes.iter().map(scope).collect();
    let now = shared.clock.0.now();
    let secret = shared
        .tokens
        .make(&new.name, &scopes, now)
        .map_err(|error| refusal(&error))?;
    let made = TokenMade {
        name: new.name,
        secret: secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, json(&made)))
}

/// Takes a token back: from now on it opens nothing.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "sign-in",
    params(("name" = String, Path, min_length = 1, max_length = 64)),
    responses((status = 204),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn revoke(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    match shared.tokens.revoke(&name) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not-found",
            [
                "There is no token of this name.",
                "Ein Token mit diesem Namen gibt es nicht.",
            ],
            NOTHING_CHANGED,
        )),
        Err(error) => Err(refusal(&error)),
    }
}

fn wire(info: &TokenInfo) -> Token {
    let words = info.scopes.words();
    Token {
        name: info.name.clone(),
        scopes: words.into_iter().map(str::to_owned).collect(),
        made: info.made.rfc3339(),
    }
}

fn scope(scope: &TokenScope) -> Scope {
    match scope {
        TokenScope::Read => Scope::Read,
        TokenScope::Sync => Scope::Sync,
        TokenScope::Resolve => Scope::Resolve,
        TokenScope::Admin => Scope::Admin,
    }
}

fn refusal(error: &TokenError) -> Refusal {
    match error {
        TokenError::BadName(_) => Refusal::field(
            "name",
            "unusable",
            "1 to 64 letters, digits, spaces, `-`, `_` or `.`",
        ),
        TokenError::NameTaken(_) | TokenError::TooMany => Refusal::new(
            StatusCode::CONFLICT,
            "token-refused",
            ["The token was not made.", "Das Token wurde nicht angelegt."],
            NOTHING_CHANGED,
        )
        .with_detail(phrase(&error.to_string())),
        TokenError::NoChance(error) => super::sign_in::no_chance(error),
        TokenError::Io { .. } | TokenError::Exposed(_) | TokenError::Damaged { .. } => {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "tokens-unusable",
                [
                    "The file of tokens cannot be used.",
                    "Die Datei mit den Token kann nicht benutzt werden.",
                ],
                NOTHING_CHANGED,
            )
            .with_detail(phrase(&error.to_string()))
        }
    }
}
