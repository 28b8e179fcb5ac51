//! A small HTTP/1.1 client: one connection, one request after the other, no thread of its own, so
//! that what is measured is the server.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Longer than any answer may take; a server that hangs must not hang the benchmark.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest answer that is read, in bytes.
const BODY_LEN_MAX: usize = 256 << 20;

/// Where a server listens, and what to show it.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) place: Place,
    /// Headers of every request: a token, for example.
    pub(crate) headers: Vec<(String, String)>,
}

/// A socket.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// It is none, or the status is not one of success.
    pub(crate) fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            let said = String::from_utf8_lossy(&self.body);
            bail!("answered {}: {}", self.status, said.trim_end());
        }
        serde_json::from_slice(&self.body).context("the answer is no JSON")
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// An open connection.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    /// All headers that never change, ready to be sent.
    headers: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) fn open(address: &Address) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match &address.place {
            Place::Tcp(at) => {
                let stream = TcpStream::connect(at)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER_WITHIN))?;
                Box::new(stream)
            }
            Place::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(ANSWER_WITHIN))?;
                Box::new(stream)
            }
        };
        let host = match &address.place {
            Place::Tcp(at) => at.to_string(),
            Place::Unix(_) => "localhost".to_owned(),
        };
        let mut headers = format!("Host: {host}\r\n");
        for (name, value) in &address.headers {
            headers.extend([name, ": ", value, "\r\n"]);
        }
        Ok(Self {
            stream: BufReader::with_capacity(16 << 10, stream),
            headers,
        })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The connection broke, or what came is no HTTP.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, None)
    }

    /// Sends JSON and waits for the answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<Answer> {
        self.ask("POST", path, Some(body))
    }

    fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<Answer> {
        self.send(method, path, body)?;
        let (status, length) = self.head()?;
        let body = match length {
            Length::Known(length) => self.take(length)?,
            Length::Chunked => self.chunks()?,
        };
        Ok(Answer { status, body })
    }

    fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Result<()> {
        let mut text = format!("{method} {path} HTTP/1.1\r\n{}", self.headers);
        if let Some(body) = body {
            let length = body.len();
            write!(
                text,
                "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
        } else {
            text.push_str("\r\n");
        }
        self.stream.get_mut().write_all(text.as_bytes())?;
        Ok(())
    }

    /// Reads until the end of the head.
    fn head(&mut self) -> Result<(u16, Length)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("`{first}` is no answer"))?;
        let mut length = Length::Known(0);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, length));
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Known(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length = usize::from_str_radix(line.trim(), 16)?;
            body.extend(self.take(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        if length > BODY_LEN_MAX {
            bail!("an answer of {length} bytes");
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server hung up");
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(line)
    }
}

enum Length {
    Known(usize),
    Chunked,
}

/// The messages of an event stream (`text/event-stream`), one after the other.
pub(crate) struct Messages(Connection);

impl Messages {
    /// Begins to listen.
    ///
    /// # Errors
    /// The server does not let us.
    pub(crate) fn open(address: &Address, path: &str) -> Result<Self> {
        let mut connection = Connection::open(address)?;
        connection.send("GET", path, None)?;
        let (status, _) = connection.head()?;
        if status != 200 {
            bail!("the stream answered {status}");
        }
        Ok(Self(connection))
    }

    /// Returns the data of the next message; lengths of chunks between the lines are passed over,
    /// because no field of a message looks like one.
    ///
    /// # Errors
    /// The stream ended.
    pub(crate) fn next(&mut self) -> Result<String> {
        loop {
            let line = self.0.line()?;
            if let Some(data) = line.strip_prefix("data:") {
                return Ok(data.trim_start().to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn ask(answer: &'static str) -> Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address {
            place: Place::Tcp(listener.local_addr().unwrap()),
            headers: Vec::new(),
        };
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let n = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..n]).into_owned()
        });
        let result = Connection::open(&address).unwrap().post("/x", "{}");
        assert!(server.join().unwrap().starts_with("POST /x HTTP/1.1\r\n"));
        result
    }

    #[test]
    fn both_kinds_of_length_are_read() {
        let known = ask("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        assert_eq!((known.status, known.body.as_slice()), (200, &b"{}"[..]));
        let chunked = ask(
            "HTTP/1.1 202 A\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        );
        assert_eq!(chunked.unwrap().body, b"{}");
    }

    #[test]
    fn what_is_no_success_is_an_error() {
        let answer = ask("HTTP/1.1 409 C\r\ncontent-length: 3\r\n\r\nno!").unwrap();
        assert!(answer.json().unwrap_err().to_string().contains("no!"));
        assert!(ask("nonsense\r\n\r\n").is_err());
    }
}
