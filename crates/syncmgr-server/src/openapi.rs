//! The description of the API, made from the code.

use axum::Router;
use axum::routing::get;
use hyper::header::{CONTENT_LANGUAGE, HeaderValue};
use utoipa::OpenApi;

use crate::center::Api;
use crate::extract::json;
use crate::routes::{Shared, center, own};

/// What the description says before the addresses.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "syncmgr",
        version = "1",
        description = "The sync center. Served on a Unix socket of its user, who needs no more, and \
                       on 127.0.0.1, where every request needs a token or a cookie. Errors are \
                       `application/problem+json`. Fields and addresses may be added within \
                       version 1; clients pass over fields they do not know. Words for people come in \
                       German where `Accept-Language` prefers it, otherwise in English; go by \
                       codes and states, not by words."
    ),
    security(("token" = []), ("cookie" = [])),
    components(schemas(syncmgr_api::problem::Problem)),
    modifiers(&Secrets)
)]
struct Description;

/// The ways to show who asks.
struct Secrets;

impl utoipa::Modify for Secrets {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme,
        };
        let components = openapi.components.get_or_insert_default();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKey::Cookie(ApiKeyValue::new("syncmgr-7962"));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// Returns the description.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut all = Description::openapi();
    all.merge(own().into_openapi());
    all.merge(center().into_openapi());
    all
}

/// Returns all routes, ready for a [`crate::Gate`]; without `api`, those of the daemon itself. The
/// description is made when it is asked for: it takes a megabyte that an idle daemon does not
/// need.
pub fn router(shared: Shared, api: Option<Api>) -> Router {
    let (router, _) = own().split_for_parts();
    let router = router
        .route(
            "/openapi.json",
            get(async || in_english(json(&description()))),
        )
        .with_state(shared);
    match api {
        Some(api) => router.merge(center().split_for_parts().0.with_state(api)),
        None => router,
    }
}

/// The description is for programmers, and has one language.
fn in_english(mut response: axum::response::Response) -> axum::response::Response {
    let tag = HeaderValue::from_static("en");
    response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    response
}
