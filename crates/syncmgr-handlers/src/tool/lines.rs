//! Takes the output of a tool apart into lines. A `\r` ends a line too: that is how programs
//! redraw their progress.

/// Most bytes of one line; what follows is dropped up to its end. A line of JSON with a long path
/// in it is far shorter.
pub(super) const LINE_MAX: usize = 64 << 10;

/// Splits a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Takes bytes and hands out the lines that end in them; empty ones are left out.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Vec<u8>)) {
        for &byte in bytes {
            if byte == b'\n' || byte == b'\r' {
                self.end(&mut each);
            } else if self.line.len() < LINE_MAX {
                self.line.push(byte);
            }
        }
    }

    /// Hands out what has no end yet.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Vec<u8>)) {
        self.end(&mut each);
    }

    fn end(&mut self, each: &mut impl FnMut(Vec<u8>)) {
        if !self.line.is_empty() {
            each(std::mem::take(&mut self.line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_a_terminal_would_begin_anew() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for bytes in [&b"a\r\nb"[..], b"c\r 10%\r", b"\n\n20%\rlast"] {
            lines.push(bytes, |line| seen.push(String::from_utf8(line).unwrap()));
        }
        lines.finish(|line| seen.push(String::from_utf8(line).unwrap()));
        assert_eq!(seen, ["a", "bc", " 10%", "20%", "last"]);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for _ in 0..100 {
            lines.push(&[b'x'; 4096], |line| seen.push(line.len()));
        }
        lines.push(b"\nshort\n", |line| seen.push(line.len()));
        assert_eq!(seen, [LINE_MAX, 5]);
    }
}
