//! How routes read requests: a field that is unknown, missing or unusable is named.

use axum::extract::{FromRequest, FromRequestParts, Request};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{ETAG, HeaderMap, HeaderValue, IF_MATCH};
use hyper::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Refusal;

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::field("", "unusable", "the body broke off"))?;
        read(&bytes).map(Self)
    }
}

/// Reads a body.
///
/// # Errors
/// A [`Refusal`] with the path of the field.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        blame(&path, &error.inner().to_string())
    })?;
    json.end()
        .map_err(|error| Refusal::field("", "unusable", error.to_string()))?;
    Ok(value)
}

/// Makes the refusal of one field out of the words of serde, which name it when it is unknown or
/// missing.
fn blame(path: &str, words: &str) -> Refusal {
    let at = if path == "." { "" } else { path };
    let named = words.split('`').nth(1);
    let below = |name: &str| {
        // An unknown field is already the end of the path.
        let is_end = at == name || at.ends_with(&format!(".{name}"));
        match at {
            "" => name.to_owned(),
            _ if is_end => at.to_owned(),
            _ => format!("{at}.{name}"),
        }
    };
    match named {
        Some(name) if words.starts_with("unknown field") => {
            Refusal::field(&below(name), "unknown", "this field is not known")
        }
        Some(name) if words.starts_with("missing field") => {
            Refusal::field(&below(name), "missing", "this field is needed")
        }
        _ => Refusal::field(at, "unusable", words),
    }
}

/// The parameters of an address.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(error) => {
                let words = std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string);
                // `limit: invalid digit …`: the name comes first.
                let (name, rest) = words.split_once(": ").unwrap_or(("", &words));
                Err(blame(name, rest))
            }
        }
    }
}

/// Writes an answer as JSON.
pub fn json(value: &impl Serialize) -> axum::response::Response {
    axum::response::IntoResponse::into_response(axum::Json(value))
}

/// Names a version of a resource by its content, so that equal states have equal names.
#[must_use]
pub fn etag(value: &impl Serialize) -> Option<HeaderValue> {
    let bytes = serde_json::to_vec(value).ok()?;
    let hash = blake3::hash(&bytes).to_hex();
    HeaderValue::from_str(&format!("\"{}\"", &hash[..32])).ok()
}

/// Writes an answer as JSON with the name of its version.
pub fn versioned(value: &impl Serialize) -> axum::response::Response {
    let mut response = json(value);
    if let Some(etag) = etag(value) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Checks that a change is meant for the version there is.
///
/// # Errors
/// 412 when `If-Match` names another version. Without the header every version is meant.
pub fn check_match(headers: &HeaderMap, now: &impl Serialize) -> Result<(), Refusal> {
    let wanted: Vec<_> = headers.get_all(IF_MATCH).iter().collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let now = etag(now);
    let is_meant = wanted.iter().any(|list| {
        let mut list = list.to_str().unwrap_or_default().split(',').map(str::trim);
        list.any(|tag| tag == "*" || now.as_ref().is_some_and(|now| now == tag))
    });
    if is_meant {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "changed-meanwhile",
        [
            "Somebody else changed this meanwhile.",
            "Jemand anderes hat das inzwischen geändert.",
        ],
        [
            "Nothing was changed by this request.",
            "Diese Anfrage hat nichts geändert.",
        ],
    )
    .with_action([
        "Read it again and repeat the change.",
        "Lies es neu und wiederhole die Änderung.",
    ]))
}

#[cfg(test)]
mod tests {
    use syncmgr_api::wire::{ItemNew, RunNew};

    use super::*;

    #[track_caller]
    fn check<T: DeserializeOwned + std::fmt::Debug>(body: &str, field: &str, code: &str) {
        let refusal = read::<T>(body.as_bytes()).unwrap_err();
        let error = &refusal.0.errors[0];
        assert_eq!((&*error.field, &*error.code), (field, code), "{error:?}");
    }

    #[test]
    fn s10_the_wrong_field_is_named() {
        check::<ItemNew>(r#"{"name":"a","colour":1}"#, "colour", "unknown");
        check::<ItemNew>(r#"{"settings":{}}"#, "name", "missing");
        check::<ItemNew>(r#"{"name":7}"#, "name", "unusable");
        check::<RunNew>(r#"{"items":["a",1]}"#, "items[1]", "unusable");
        check::<RunNew>(r#"{"items":["a"]} x"#, "", "unusable");
        check::<RunNew>("", "", "unusable");
    }

    #[test]
    fn a_change_is_for_the_version_that_was_read() {
        let tagged = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, tag.parse().unwrap());
            headers
        };
        let now = etag(&1).unwrap();
        let now = now.to_str().unwrap();
        assert!(check_match(&HeaderMap::new(), &1).is_ok());
        assert!(check_match(&tagged("*"), &1).is_ok());
        assert!(check_match(&tagged(&format!("\"x\", {now}")), &1).is_ok());
        assert_eq!(check_match(&tagged(now), &2).unwrap_err().0.status, 412);
    }
}
