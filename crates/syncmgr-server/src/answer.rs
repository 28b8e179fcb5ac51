//! Every refusal is a problem document (RFC 9457), whoever refuses.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use syncmgr_api::problem::{MEDIA_TYPE, Problem};
use syncmgr_model::trouble::Trouble;

/// What a page of ours may do, and others with it (S6).
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Finds a request in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request that is not carried out.
#[derive(Debug, Clone)]
pub struct Refusal(pub Box<Problem>);

impl Refusal {
    /// Makes a refusal: the status, a stable code, what happened, what it means.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(status.as_u16(), code, title, detail)))
    }

    /// Makes a refusal out of a message of the catalogue.
    #[must_use]
    pub fn of(status: StatusCode, trouble: &Trouble) -> Self {
        Self(Box::new(Problem::of(status.as_u16(), trouble)))
    }

    /// Makes a refusal because of one field.
    #[must_use]
    pub fn field(field: &str, code: &str, detail: impl Into<String>) -> Self {
        let problem = Problem::new(
            400,
            "request-unusable",
            "The request cannot be used.",
            "Nothing was changed.",
        );
        Self(Box::new(problem.with_error(field, code, detail)))
    }

    /// Adds what can be done.
    #[must_use]
    pub fn with_action(self, action: &str) -> Self {
        Self(Box::new(self.0.with_action(action)))
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
    if let Some(allow) = old.get(ALLOW) {
        headers.insert(ALLOW, allow.clone());
    }
    response
}

/// The words for a status that somebody below set without a problem.
fn plain(status: StatusCode) -> Problem {
    let (code, title, detail) = match status.as_u16() {
        400 => (
            "request-unusable",
            "The request cannot be used.",
            "Nothing was changed.",
        ),
        404 => (
            "not-found",
            "There is nothing under this address.",
            "Nothing was changed.",
        ),
        405 => (
            "method-not-allowed",
            "This cannot be done to this address.",
            "Nothing was changed.",
        ),
        413 => (
            "too-large",
            "The request is too long.",
            "Nothing was changed.",
        ),
        415 => (
            "media-type",
            "The request has to be JSON.",
            "Nothing was changed.",
        ),
        500.. => (
            "internal",
            "The daemon made a mistake.",
            "What was asked may or may not have been done. Files are not affected.",
        ),
        _ => (
            "refused",
            "The request was refused.",
            "Nothing was changed.",
        ),
    };
    Problem::new(status.as_u16(), code, title, detail)
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
