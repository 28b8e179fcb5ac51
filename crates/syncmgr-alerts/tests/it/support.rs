//! Messages, channels, servers, and certificates made for one test.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value as Json;
use syncmgr_alerts::channel::Channel;
use syncmgr_alerts::message::Message;
use syncmgr_model::alarm::{Alarm, AlarmKind, AlarmSubject};
use syncmgr_model::id::ItemId;
use syncmgr_model::item::{Settings, Value};
use syncmgr_model::time::Timestamp;

/// How long a server may take to say something before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A message about a sync of this name.
pub(crate) fn message_about(name: &str, kind: AlarmKind) -> Message {
    let subject = AlarmSubject {
        item: ItemId::new("files-1").unwrap(),
        name: name.to_owned(),
        run: None,
    };
    let alarm = Alarm::of_run(kind, subject, None, Timestamp::from_secs(1_795_189_501));
    Message::new(vec![alarm], "desk").unwrap()
}

pub(crate) fn message() -> Message {
    message_about("docs", AlarmKind::Held)
}

/// A channel from settings; a number as `#5`, a list as `[a|b]`.
pub(crate) fn channel(pairs: &[(&str, &str)]) -> Channel {
    let mut settings = Settings::default();
    for (key, value) in pairs {
        let value = if let Some(number) = value.strip_prefix('#') {
            Value::Number(number.parse().unwrap())
        } else if let Some(list) = value.strip_prefix('[') {
            let list = list.strip_suffix(']').unwrap().split('|');
            Value::List(list.map(str::to_owned).collect())
        } else {
            Value::Text((*value).to_owned())
        };
        settings.set(key, value);
    }
    Channel::from_settings(&settings, None).unwrap()
}

/// A file for its owner alone.
pub(crate) fn secret_file(dir: &Path, name: &str, content: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A request as it came in.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Json,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| {
            let (key, value) = header.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A listener that gives these answers (status lines), one for each connection.
pub(crate) struct Web {
    pub(crate) port: u16,
    requests: Receiver<Request>,
}

impl Web {
    pub(crate) fn answering(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let Some(request) = serve(stream, answer) else {
                    continue;
                };
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { port, requests }
    }

    #[track_caller]
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.requests.recv_timeout(PATIENCE).is_err()
    }
}

fn serve(stream: TcpStream, answer: &str) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut request = Request {
        line: lines.remove(0),
        headers: lines,
        body: Json::Null,
    };
    let length = request.header("content-length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = serde_json::from_slice(&body).unwrap();
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes()).ok()?;
    Some(request)
}

/// A server written in Python, ended with the test. It says `port N` first.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    output: Receiver<String>,
}

impl Server {
    /// Starts a script beside the tests.
    #[track_caller]
    pub(crate) fn start(script: &str, args: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it")
            .join(script);
        let mut child = Command::new("python3")
            .arg(path)
            .args(args)
            .env("PYTHONPATH", python_packages())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It complains about refused certificates, which is what is tested.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = lines(child.stdout.take().unwrap());
        let first = output.recv_timeout(PATIENCE).unwrap();
        let port = first.strip_prefix("port ").unwrap().parse().unwrap();
        Self {
            child,
            port,
            output,
        }
    }

    /// The next thing it got.
    #[track_caller]
    pub(crate) fn got(&self) -> Json {
        let line = self.output.recv_timeout(PATIENCE).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Where `cargo xtask setup` puts packages.
fn python_packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools/python")
}

/// Says whether there is a mail server to send to; a machine of CI has no excuse.
pub(crate) fn has_mail_server() -> bool {
    let is_there = python_packages().join("aiosmtpd").is_dir();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        is_there || !is_ci,
        "no mail server: run `cargo xtask setup`"
    );
    if !is_there {
        println!("not run: no mail server, install it with `cargo xtask setup`");
    }
    is_there
}

/// An authority that nobody knows, and a certificate for `localhost` it has signed.
pub(crate) struct Papers {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Papers {
    #[track_caller]
    pub(crate) fn make(dir: &Path) -> Self {
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let papers = Self {
            authority: path("ca.pem"),
            certificate: path("cert.pem"),
            key: path("key.pem"),
        };
        let ca_key = path("ca.key");
        let common = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ];
        let rest = ["-nodes", "-days", "2"];
        openssl(
            &common,
            &rest,
            &[
                "-keyout",
                &ca_key,
                "-out",
                &papers.authority,
                "-subj",
                "/CN=Test authority",
            ],
        );
        openssl(
            &common,
            &rest,
            &[
                "-keyout",
                &papers.key,
                "-out",
                &papers.certificate,
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-CA",
                &papers.authority,
                "-CAkey",
                &ca_key,
            ],
        );
        papers
    }
}

#[track_caller]
fn openssl(common: &[&str], rest: &[&str], own: &[&str]) {
    let output = Command::new("openssl")
        .args(common)
        .args(rest)
        .args(own)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
