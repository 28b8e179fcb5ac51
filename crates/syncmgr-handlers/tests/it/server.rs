//! Real servers on the loopback of this machine, for as long as a test lasts.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers; a busy machine starts one in a second.
const START_MAX: Duration = Duration::from_secs(20);

/// A server, ended when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// Starts a program, and waits until something answers at its port. `arguments` are made from
    /// the port.
    #[track_caller]
    pub(crate) fn start(
        program: &Path,
        arguments: impl FnOnce(u16) -> Vec<String>,
        env: &[(&str, &str)],
    ) -> Self {
        let port = free_port();
        let arguments = arguments(port);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Self::start_at(program, port, &arguments, env)
    }

    /// Starts a program that was told where to listen.
    #[track_caller]
    pub(crate) fn start_at(
        program: &Path,
        port: u16,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut server = Self {
            child: command.spawn().unwrap(),
            port,
        };
        let began = Instant::now();
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        while TcpStream::connect(at).is_err() {
            assert!(began.elapsed() < START_MAX, "{program:?} does not answer");
            assert_eq!(server.child.try_wait().unwrap(), None, "{program:?} ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// Returns a port at which nobody listens. Servers that are told 0 do not say which one they took.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
