//! Bytes to lines, and back. Nothing that comes in makes this side allocate more than one message
//! may have.

use std::io::{self, Read, Write};

use serde::Serialize;

/// Most bytes of a message, with its line end. Content larger than that goes by the path of a file.
pub const MESSAGE_LEN_MAX: usize = 1024 * 1024;

/// Most levels of nesting; the message itself is the first one.
pub const NESTING_MAX: usize = 64;

/// What is read from a pipe at once: as much as a pipe of Linux holds.
const CHUNK: usize = 64 * 1024;

/// Why no further message can be read, or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A message is longer than [`MESSAGE_LEN_MAX`].
    #[error("a message is longer than 1 MiB")]
    TooLong,
    /// The stream ended within a message.
    #[error("the stream ended within a message")]
    CutOff,
    /// A value cannot be written as JSON.
    #[error("cannot write a message as JSON: {0}")]
    Unwritable(serde_json::Error),
    /// The pipe is broken.
    #[error("cannot use the pipe: {0}")]
    Io(#[from] io::Error),
}

/// Reads lines of at most [`MESSAGE_LEN_MAX`] bytes.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the line that comes next begins.
    start: usize,
    /// Up to where it was searched for its end.
    searched: usize,
    /// How much of the buffer is filled.
    end: usize,
}

impl<R: Read> Lines<R> {
    /// Reads from this.
    #[must_use]
    pub fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; CHUNK],
            start: 0,
            searched: 0,
            end: 0,
        }
    }

    /// Returns the next line without its end; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], [`FrameError::CutOff`] or [`FrameError::Io`]; the stream is of no
    /// use after that.
    #[expect(
        clippy::should_implement_trait,
        reason = "a line is lent from the buffer, which an iterator cannot do"
    )]
    pub fn next(&mut self) -> Result<Option<&[u8]>, FrameError> {
        loop {
            let fresh = &self.buffer[self.searched..self.end];
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.start..self.searched + at;
                if line.len() >= MESSAGE_LEN_MAX {
                    return Err(FrameError::TooLong);
                }
                self.start = line.end + 1;
                self.searched = self.start;
                return Ok(Some(&self.buffer[line]));
            }
            self.searched = self.end;
            if self.end - self.start >= MESSAGE_LEN_MAX {
                return Err(FrameError::TooLong);
            }
            if self.fill()? == 0 {
                return if self.start == self.end {
                    Ok(None)
                } else {
                    Err(FrameError::CutOff)
                };
            }
        }
    }

    /// Says whether a whole further line is here already, so that [`Self::next`] does not wait.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.buffer[self.start..self.end].contains(&b'\n')
    }

    /// Reads once, after making room; returns how much came.
    fn fill(&mut self) -> Result<usize, FrameError> {
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.searched -= self.start;
                self.start = 0;
            } else {
                // Doubling stops at the limit: a line that fills all of that is too long.
                let len = (self.buffer.len() * 2).min(MESSAGE_LEN_MAX);
                self.buffer.resize(len, 0);
            }
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Writes a message as a line at the end of a buffer, which stays as it was after an error.
///
/// # Errors
/// [`FrameError::TooLong`] or [`FrameError::Unwritable`].
pub fn push(line: &mut Vec<u8>, message: &impl Serialize) -> Result<(), FrameError> {
    let before = line.len();
    let written = serde_json::to_writer(&mut *line, message).map_err(FrameError::Unwritable);
    let result = written.and_then(|()| {
        if line.len() - before < MESSAGE_LEN_MAX {
            line.push(b'\n');
            Ok(())
        } else {
            Err(FrameError::TooLong)
        }
    });
    if result.is_err() {
        line.truncate(before);
    }
    result
}

/// Writes a message and passes it on at once.
///
/// # Errors
/// Any [`FrameError`] but [`FrameError::CutOff`].
pub fn write(to: &mut impl Write, message: &impl Serialize) -> Result<(), FrameError> {
    let mut line = Vec::with_capacity(256);
    push(&mut line, message)?;
    to.write_all(&line)?;
    to.flush()?;
    Ok(())
}

/// Says whether a line is nested deeper than [`NESTING_MAX`], in one pass and without a stack.
#[must_use]
pub fn is_too_deep(line: &[u8]) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in line {
        if is_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > NESTING_MAX {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
