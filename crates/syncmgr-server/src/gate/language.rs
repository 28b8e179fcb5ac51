//! In which language a request is answered: that of its `Accept-Language`.

use std::future::{Future, poll_fn};
use std::pin::pin;

use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};
use syncmgr_model::language::Language;
use syncmgr_model::reader::Reader;

/// Returns the language a request prefers.
pub(super) fn preferred(headers: &HeaderMap) -> Language {
    let accept = headers.get(ACCEPT_LANGUAGE);
    let accept = accept.and_then(|value| value.to_str().ok());
    Language::preferred(accept.unwrap_or_default())
}

/// Does something with all words made for this reader: the reader is that of a thread, and the work
/// may go on on another one after each wait. Work that is handed to others takes it along itself.
pub(super) async fn speaking<F: Future>(reader: Reader, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| reader.during(|| work.as_mut().poll(context))).await
}
