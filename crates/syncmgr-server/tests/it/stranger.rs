//! Other users of the machine. These tests become somebody else in a child process, which only
//! root can (CI is); for others there is nothing to try.

use std::io::Read as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use syncmgr_api::Client;
use syncmgr_api::client::ClientError;

use crate::harness::Front;

/// What the child is to do; without it, [`role`] does nothing.
const ROLE: &str = "SYNCMGR_TEST_ROLE";
/// Where it is to do it.
const PLACE: &str = "SYNCMGR_TEST_PLACE";

#[expect(
    clippy::print_stdout,
    reason = "this is how the child tells its parent"
)]
fn say(words: &str) {
    println!("{words}");
}

/// What the child process does as another user. As a test of its own it has nothing to do.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let place = std::env::var(PLACE).unwrap();
    let heard = match &*role {
        "ask-socket" => UnixStream::connect(&place).map(|stream| ask(stream, "localhost")),
        "ask-port" => TcpStream::connect(&place).map(|stream| ask(stream, &place)),
        "listen" => listen(Path::new(&place)),
        _ => panic!("{role}"),
    };
    say(&format!("heard {:?}", heard.unwrap()));
}

fn ask(mut stream: impl std::io::Read + std::io::Write, host: &str) -> String {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // Whoever does not want to talk to us may hang up at any moment.
    drop(stream.write_all(request.as_bytes()));
    drop(stream.read_to_end(&mut answer));
    let line = answer
        .split(|&byte| byte == b'\r')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Takes the place of a daemon, says so, and tells what came.
fn listen(path: &Path) -> std::io::Result<String> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    say("ready");
    let (mut stream, _) = listener.accept()?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Runs this program as the user `nobody`; `None` when this process cannot become somebody else.
fn as_nobody(role: &str, place: &str) -> Option<(Child, tempfile::TempDir)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    // Where it was built, nobody else may be able to read it.
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), 0o755);
    let program = dir.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let child = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "stranger::role", "--nocapture"])
        .env(ROLE, role)
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Some((child, dir))
}

fn heard(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains("heard "));
    line.map(str::to_owned).unwrap_or(text)
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn s1_another_user_gets_no_answer_over_the_unix_socket() {
    let front = Front::start();
    // Even when somebody opened the folders and the socket.
    open(front.dir.path(), 0o755);
    open(&front.dir.path().join("run"), 0o755);
    open(&front.socket(), 0o666);
    if let Some((child, _dir)) = as_nobody("ask-socket", front.socket().to_str().unwrap()) {
        let heard = heard(child);
        assert!(heard.ends_with("heard \"\""), "{heard}");
    }
    assert_eq!(front.owner("GET /healthz", &[], "").status, 200);
}

#[test]
fn s4_another_user_on_the_port_needs_a_token() {
    let front = Front::start();
    if let Some((child, _dir)) = as_nobody("ask-port", &format!("127.0.0.1:{}", front.port)) {
        let heard = heard(child);
        assert!(
            heard.ends_with("heard \"HTTP/1.1 401 Unauthorized\""),
            "{heard}"
        );
    }
}

#[test]
fn s5_a_client_tells_a_stranger_nothing() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), 0o777);
    let path = dir.path().join("s.sock");
    let Some((mut child, _dir)) = as_nobody("listen", path.to_str().unwrap()) else {
        return;
    };
    let mut said = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    while !said.contains("ready") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    let refused = Client::connect(&path);
    assert!(
        matches!(refused, Err(ClientError::Stranger { uid: 65534, .. })),
        "{refused:?}"
    );
    drop(refused);
    let heard = heard(child);
    assert!(heard.ends_with("heard \"\""), "{heard}");
}

#[test]
fn a_client_says_when_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Client::connect(&dir.path().join("a\x1b[31m"));
    let Err(error @ ClientError::NotRunning { .. }) = missing else {
        panic!("{missing:?}")
    };
    // S6: a hostile name comes out harmless.
    assert!(error.to_string().contains("a\\u{1b}[31m"));
}
