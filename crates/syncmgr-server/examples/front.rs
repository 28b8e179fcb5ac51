//! The API over a real center with a memory of its own and one obedient handler, for programs that
//! try what an API can be sent. Writes its address and a token to standard output, and ends when
//! standard input does.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "it is made of what the tests are made of, and uses a part of that"
)]

use std::io::{Read as _, Write as _};

use syncmgr_server::auth::Scope;

#[path = "../tests/it/center.rs"]
mod center;
#[path = "../tests/it/harness.rs"]
mod harness;

fn main() {
    let front = harness::Front::start();
    let token = front.token(Scope::Admin);
    // Something to ask about; `openapi/schemathesis.toml` knows the ids, which are always the same.
    let body = r#"{"name":"photos","settings":{"left":"/a","right":"/b"}}"#;
    let made = front.owner("POST /api/v1/items", &[], body).json();
    let body = format!(r#"{{"items":[{}]}}"#, made["id"]);
    let taken = front.owner("POST /api/v1/sessions", &[], &body).json();
    assert_eq!(taken["runs"][0]["run"], "20261120-120000000-0000");
    assert_eq!(made["id"], "i237582748");
    println!("http://127.0.0.1:{} {token}", front.port);
    std::io::stdout().flush().unwrap();
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).unwrap();
}
