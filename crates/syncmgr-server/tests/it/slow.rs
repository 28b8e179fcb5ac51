//! Callers that take their time, and many of them (S13).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use syncmgr_server::auth::Scope;

use crate::harness::{Front, read};

#[test]
fn s13_a_full_port_does_not_shut_the_owner_out() {
    let front = Front::start();
    // More than are taken at once; none of them ever says a whole line.
    let idlers: Vec<_> = (0..150)
        .map(|_| {
            let mut stream = front.tcp();
            stream.write_all(b"GET /").unwrap();
            stream
        })
        .collect();
    assert_eq!(front.owner("GET /healthz", &[], "").status, 200);
    drop(idlers);
    let token = front.token(Scope::Read);
    assert_eq!(front.ask_as(&token, "GET /healthz", &[], "").status, 200);
}

/// Connects and says something that is not all.
fn begun(port: u16, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let text = text.replace("PORT", &port.to_string());
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[test]
fn s13_a_head_that_does_not_end_is_given_up() {
    let (_front, stream) = Front::hurried(|port| begun(port, "GET /healthz HTTP/1.1\r\nHost"));
    assert_eq!(read(stream).body, "");
}

#[test]
fn s13_a_body_that_does_not_end_is_given_up() {
    let head = "POST /api/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let (_front, stream) = Front::hurried(|port| begun(port, head));
    let reply = read(stream);
    assert_eq!((reply.status, &*reply.code()), (408, "too-slow"));
}

#[test]
fn s13_a_long_head_is_cut_off() {
    let front = Front::start();
    let mut stream = front.tcp();
    let line = format!("X-A: {}\r\n", "a".repeat(1000));
    drop(stream.write_all(b"GET /healthz HTTP/1.1\r\n"));
    for _ in 0..100 {
        if stream.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    assert!(matches!(read(stream).status, 0 | 431));
}

#[test]
fn a_stop_ends_idle_connections_and_streams() {
    let front = Front::start();
    let mut idle = front.unix();
    let request = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stream = front.unix();
    stream.write_all(request).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    drop(front);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(idle.read(&mut start).unwrap(), 0);
}
