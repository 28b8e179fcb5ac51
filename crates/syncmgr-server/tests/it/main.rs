//! The API as strangers, browsers and slow callers meet it: over real sockets.

mod body;
mod harness;
mod openapi;
mod page;
mod repeat;
mod slow;
mod stranger;
mod stream;
mod token;
