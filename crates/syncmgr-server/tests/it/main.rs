//! The API as strangers, browsers and slow callers meet it: over real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside test functions are not exempt"
)]

mod center;
mod harness;

mod body;
mod language;
mod openapi;
mod outside;
mod overview;
mod page;
mod repeat;
mod resources;
mod slow;
mod stranger;
mod stream;
mod token;
