//! Accepts connections, within bounds, until told to stop (S13).

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

use crate::gate::Gate;
use crate::listen::{Listener, Peer, is_welcome};

/// Most connections at once on one listener: a page has six, a command one, and each costs about
/// 20 KiB. What comes beyond waits in the queue of the system. Each listener has its own, so that
/// nobody on the port can shut the owner out of the Unix socket.
const CONNECTIONS_MAX: usize = 128;
/// How long the head of a request may take, and how long a connection may stay without one.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// Longest head in bytes: the longest token and path fit many times.
const HEAD_LEN_MAX: usize = 32 * 1024;
/// How long requests may go on once the daemon is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// How long to wait after the system has no more descriptors: trying at once would spin.
const BREATH: Duration = Duration::from_millis(200);

/// Serves requests on all listeners until `stop` is done; then takes no new ones, lets those that
/// run finish for a moment, and returns. Runs on a tokio runtime with I/O and time.
///
/// # Errors
/// A listener cannot be used.
pub async fn serve(
    listeners: Vec<Listener>,
    gate: Arc<Gate>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stopping, stopped) = watch::channel(false);
    for listener in listeners {
        let door = Door {
            gate: Arc::clone(&gate),
            room: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            stopped: stopped.clone(),
        };
        match listener {
            Listener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                let listener = UnixListener::from_std(listener)?;
                drop(tokio::spawn(door.take_users(listener)));
            }
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                let listener = TcpListener::from_std(listener)?;
                let port = listener.local_addr()?.port();
                drop(tokio::spawn(door.take_port(listener, port)));
            }
        }
    }
    drop(stopped);
    stop.await;
    gate.hub().close();
    stopping.send_replace(true);
    // Every connection holds a receiver.
    drop(tokio::time::timeout(STOP_WITHIN, stopping.closed()).await);
    Ok(())
}

/// What all connections of one listener share.
#[derive(Clone)]
struct Door {
    gate: Arc<Gate>,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Door {
    /// Waits until the daemon stops.
    async fn stopped(&mut self) {
        drop(self.stopped.wait_for(|stopped| *stopped).await);
    }

    async fn take_users(mut self, listener: UnixListener) {
        loop {
            let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopped() => return,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            // Strangers hear nothing, not even why (S1).
            let uid = stream.peer_cred().map(|peer| peer.uid());
            if let Ok(uid) = uid
                && is_welcome(uid)
            {
                self.clone().talk(stream, Peer::User(uid), permit);
            } else {
                self.gate.metrics().turned_away();
            }
        }
    }

    async fn take_port(mut self, listener: TcpListener, port: u16) {
        loop {
            let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopped() => return,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            // Answers are small and complete; waiting to fill a packet only costs time.
            drop(stream.set_nodelay(true));
            self.clone().talk(stream, Peer::Port(port), permit);
        }
    }

    /// Talks to one peer on a task of its own.
    fn talk<S>(mut self, stream: S, peer: Peer, permit: tokio::sync::OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let gate = Arc::clone(&self.gate);
        let service = service_fn(move |request| {
            let gate = Arc::clone(&gate);
            async move { Ok::<_, Infallible>(gate.answer(peer, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(HEAD_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        drop(tokio::spawn(async move {
            let mut connection = pin!(connection);
            tokio::select! {
                // A connection that breaks concerns nobody else.
                _ = connection.as_mut() => {}
                () = self.stopped() => {
                    connection.as_mut().graceful_shutdown();
                    drop(connection.await);
                }
            }
            drop(permit);
        }));
    }
}
