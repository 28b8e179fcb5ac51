//! Every refusal is a problem document (RFC 9457), whoever refuses.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use syncmgr_api::problem::{MEDIA_TYPE, Problem};
use syncmgr_model::catalogue::phrase;
use syncmgr_model::language::{Language, say};
use syncmgr_model::trouble::Trouble;

/// What a page of ours may do, and others with it (S6).
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Finds a request in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A text in English and in German.
pub type Both<'a> = [&'a str; 2];

/// What most refusals mean.
pub const NOTHING_CHANGED: Both<'_> = ["Nothing was changed.", "Es wurde nichts geändert."];

/// Chooses the text in the language of the request.
fn told([english, german]: Both<'_>) -> &str {
    say(english, german)
}

/// A request that is not carried out.
#[derive(Debug, Clone)]
pub struct Refusal(pub Box<Problem>);

impl Refusal {
    /// Makes a refusal: the status, a stable code, what happened, what it means.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: Both<'_>, detail: Both<'_>) -> Self {
        let problem = Problem::new(status.as_u16(), code, told(title), told(detail));
        Self(Box::new(problem))
    }

    /// Says what it means with words that are made here and now.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Makes a refusal out of a message of the catalogue.
    #[must_use]
    pub fn of(status: StatusCode, trouble: &Trouble) -> Self {
        Self(Box::new(Problem::of(status.as_u16(), trouble)))
    }

    /// Makes a refusal because of one field. The detail is a set phrase, or the words of a parser,
    /// which are English.
    #[must_use]
    pub fn field(field: &str, code: &str, detail: impl Into<String>) -> Self {
        let refusal = Self::new(
            StatusCode::BAD_REQUEST,
            "request-unusable",
            [
                "The request cannot be used.",
                "Die Anfrage ist nicht zu gebrauchen.",
            ],
            NOTHING_CHANGED,
        );
        refusal.with_error(field, code, &detail.into())
    }

    /// Adds what is wrong with a field.
    #[must_use]
    pub fn with_error(self, field: &str, code: &str, detail: &str) -> Self {
        let problem = self.0.with_error(field, code, phrase(detail));
        Self(Box::new(problem))
    }

    /// Adds what can be done.
    #[must_use]
    pub fn with_action(self, action: Both<'_>) -> Self {
        Self(Box::new(self.0.with_action(told(action))))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        // The gate writes it, once it knows the id of the request.
        response.extensions_mut().insert(*self.0);
        response
    }
}

/// Gives an answer its last form: refusals become problem documents, and the headers of S6 come
/// with everything.
pub(crate) fn finish(mut response: Response, id: &str, path: &str) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let problem = response
            .extensions_mut()
            .remove::<Problem>()
            .unwrap_or_else(|| plain(status));
        response = document(problem, id, path, response.headers());
    }
    let headers = response.headers_mut();
    if is_told(headers) {
        headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
        headers
            .entry(CONTENT_LANGUAGE)
            .or_insert(HeaderValue::from_static(Language::current().tag()));
    }
    let mut set = |name, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    // Only files of the page, which hold nothing of a person, may be kept.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Notes in which language the words of an answer were made, before it is kept for later.
pub(crate) fn in_this_language(mut response: Response) -> Response {
    let tag = HeaderValue::from_static(Language::current().tag());
    response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    response
}

/// Says whether an answer has words: files of the page and counters are the same for everybody.
fn is_told(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json") || kind == MEDIA_TYPE)
}

fn document(mut problem: Problem, id: &str, path: &str, old: &HeaderMap) -> Response {
    id.clone_into(&mut problem.request_id);
    path.clone_into(&mut problem.instance);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    for name in [ALLOW, CONTENT_LANGUAGE] {
        if let Some(value) = old.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    response
}

/// The words for a status that somebody below set without a problem.
fn plain(status: StatusCode) -> Problem {
    let (code, title, detail) = match status.as_u16() {
        400 => (
            "request-unusable",
            [
                "The request cannot be used.",
                "Die Anfrage ist nicht zu gebrauchen.",
            ],
            NOTHING_CHANGED,
        ),
        404 => (
            "not-found",
            [
                "There is nothing under this address.",
                "Unter dieser Adresse gibt es nichts.",
            ],
            NOTHING_CHANGED,
        ),
        405 => (
            "method-not-allowed",
            [
                "This cannot be done to this address.",
                "Das geht mit dieser Adresse nicht.",
            ],
            NOTHING_CHANGED,
        ),
        413 => (
            "too-large",
            ["The request is too long.", "Die Anfrage ist zu lang."],
            NOTHING_CHANGED,
        ),
        415 => (
            "media-type",
            ["The request has to be JSON.", "Die Anfrage muss JSON sein."],
            NOTHING_CHANGED,
        ),
        500.. => (
            "internal",
            [
                "The daemon made a mistake.",
                "Der Dienst hat einen Fehler gemacht.",
            ],
            [
                "What was asked may or may not have been done. Files are not affected.",
                "Was gefragt war, ist vielleicht getan, vielleicht nicht. Dateien sind nicht \
                 betroffen.",
            ],
        ),
        _ => (
            "refused",
            ["The request was refused.", "Die Anfrage wurde abgelehnt."],
            NOTHING_CHANGED,
        ),
    };
    *Refusal::new(status, code, title, detail).0
}

impl utoipa::IntoResponses for Refusal {
    fn responses() -> std::collections::BTreeMap<
        String,
        utoipa::openapi::RefOr<utoipa::openapi::response::Response>,
    > {
        use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
        let answer = |words: &str| {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            ResponseBuilder::new()
                .description(words)
                .content(MEDIA_TYPE, content)
                .build()
                .into()
        };
        [
            ("4XX".to_owned(), answer("Why it was not done.")),
            ("5XX".to_owned(), answer("What went wrong in the daemon.")),
        ]
        .into()
    }
}
