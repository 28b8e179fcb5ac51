//! What is kept of the output of a tool: its beginning and its end, so that a tool that talks for
//! hours costs no more than one that says a word.

use std::collections::VecDeque;

/// Most bytes kept of the beginning: versions, warnings about the set-up.
const HEAD_MAX: usize = 16 << 10;
/// Most bytes kept of the end: why it ended.
const TAIL_MAX: usize = 48 << 10;

/// Lines in order, without those in the middle when there were too many.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    head: Vec<String>,
    head_bytes: usize,
    tail: VecDeque<String>,
    tail_bytes: usize,
    n_dropped: u64,
}

impl Tail {
    /// Adds a line.
    pub fn push(&mut self, line: String) {
        let n = line.len() + 1;
        if self.tail.is_empty() && self.n_dropped == 0 && self.head_bytes + n <= HEAD_MAX {
            self.head_bytes += n;
            self.head.push(line);
            return;
        }
        self.tail_bytes += n;
        self.tail.push_back(line);
        while self.tail_bytes > TAIL_MAX {
            let Some(first) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= first.len() + 1;
            self.n_dropped += 1;
        }
    }

    /// Returns the lines that were kept.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.head.iter().chain(&self.tail).map(String::as_str)
    }

    /// Returns how many lines are missing in the middle.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Returns the last lines, at most so many bytes.
    #[must_use]
    pub fn last(&self, bytes_max: usize) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let mut bytes = 0;
        for line in self.lines().rev() {
            bytes += line.len() + 1;
            if bytes > bytes_max {
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        lines.join("\n")
    }

    /// Says whether a kept line has this text in it.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.lines().any(|line| line.contains(text))
    }

    /// Returns the last line that is not empty.
    #[must_use]
    pub fn last_line(&self) -> Option<&str> {
        self.lines().rev().find(|line| !line.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_stay() {
        let mut tail = Tail::default();
        for n in 0..100_000 {
            tail.push(format!("line {n}"));
        }
        let lines: Vec<_> = tail.lines().collect();
        assert_eq!(lines.first(), Some(&"line 0"));
        assert_eq!(lines.last(), Some(&"line 99999"));
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert!(bytes <= HEAD_MAX + TAIL_MAX, "{bytes}");
        assert_eq!(lines.len() as u64 + tail.n_dropped(), 100_000);
        assert_eq!(tail.last(25), "line 99998\nline 99999");
    }
}
