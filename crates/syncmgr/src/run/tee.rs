//! Passes the output of a command on, byte for byte, and reads along.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::os::fd::AsFd;
use std::thread::JoinHandle;

/// Most bytes passed on at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// Most bytes of a line that are looked at.
const LINE_MAX: usize = 4096;

/// Starts to pass a stream on; `each` gets the lines. A `\r` ends a line too: that is how programs
/// redraw their progress. Ends when the stream does, or when nobody wants to have it any more: then
/// the command learns that as it would without us.
pub(super) fn start(
    from: impl Read + Send + 'static,
    to: impl AsFd,
    each: impl FnMut(&str) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let to = File::from(to.as_fd().try_clone_to_owned()?);
    std::thread::Builder::new()
        .name("output".to_owned())
        .spawn(move || pass(from, to, each))
}

fn pass(mut from: impl Read, mut to: File, mut each: impl FnMut(&str)) {
    let mut chunk = vec![0; CHUNK];
    let mut line = Vec::new();
    loop {
        let n = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let bytes = chunk.get(..n).unwrap_or_default();
        if to.write_all(bytes).is_err() {
            return;
        }
        for &byte in bytes {
            if byte == b'\n' || byte == b'\r' {
                tell(&mut line, &mut each);
            } else if line.len() < LINE_MAX {
                line.push(byte);
            }
        }
    }
    tell(&mut line, &mut each);
}

fn tell(line: &mut Vec<u8>, each: &mut impl FnMut(&str)) {
    if !line.is_empty() {
        each(&String::from_utf8_lossy(line));
        line.clear();
    }
}
