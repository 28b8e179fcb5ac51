//! Trees in one line, for tables of cases: `a=1 b/ b/c=2 l->a p| x!`.
//!
//! One word per name, in any order; directories on the way to a name are made.
//!
//! | word | meaning |
//! |---|---|
//! | `a=1` | file `a` with the content `1` |
//! | `b/` | directory |
//! | `l->a` | symbolic link with the text `a` |
//! | `p\|` | fifo, socket or device |
//! | `x!` | file that cannot be read; `x=1!` with a content, `b/!` a directory |
//! | `a=1@5` | with the modification time 5 s after 1970 |
//! | `a=1%600` | with these permission bits, octal |
//!
//! Bytes that stand for something here, blanks, control characters and what is no UTF-8 are
//! written `\x20` and the like, in names, contents and links.

use std::collections::BTreeMap;
use std::fmt;

use syncmgr_engine::entry::{FileTime, Kind};
use syncmgr_engine::path::{RelPath, display_bytes, undisplay};
use syncmgr_engine::replica::Capabilities;

use crate::memory::{Content, MemoryReplica, Node};

/// Characters that must be written as `\xNN`.
const SPECIAL: &[char] = &['=', '>', '|', '!', '@', '%', ' '];

/// One name of a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it stands for.
    pub content: Content,
    /// The engine may read it.
    pub is_readable: bool,
    /// Modification time in seconds, when it matters.
    pub mtime_secs: Option<i64>,
    /// Permission bits, when they are not 755 for directories and 644 for the rest.
    pub mode: Option<u16>,
}

/// A tree as text: parse it, print it (sorted, the same for the same tree), build it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree(pub BTreeMap<RelPath, Item>);

/// A word that is not in the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTree {
    /// The word.
    pub word: String,
    /// What is wrong with it.
    pub detail: &'static str,
}

impl fmt::Display for BadTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.word, self.detail)
    }
}

impl std::error::Error for BadTree {}

/// Reads a tree.
///
/// # Errors
/// [`BadTree`] names the first word that is not in the format.
pub fn parse(text: &str) -> Result<Tree, BadTree> {
    let mut tree = Tree::default();
    for word in text.split_whitespace() {
        let (path, item) = parse_word(word).map_err(|detail| BadTree {
            word: word.to_owned(),
            detail,
        })?;
        for dir in path.ancestors().filter(|dir| !dir.is_root()) {
            tree.0.entry(dir).or_insert_with(|| Item::of(Content::Dir));
        }
        tree.0.insert(path, item);
    }
    Ok(tree)
}

/// Reads a tree and builds it on a new replica.
///
/// # Panics
/// When the text is not in the format: it is a mistake in the test.
#[must_use]
#[track_caller]
pub fn replica(text: &str) -> MemoryReplica {
    let replica = MemoryReplica::new(Capabilities::posix());
    parse(text)
        .expect("the tree is in the format")
        .build(&replica);
    replica
}

/// Returns the tree of a replica as a person sees it, without times.
#[must_use]
pub fn of(replica: &MemoryReplica) -> Tree {
    let items = replica.snapshot().into_iter();
    Tree(items.map(|(path, node)| (path, Item::seen(node))).collect())
}

/// Like [`of`], with every modification time of a file in whole seconds.
#[must_use]
pub fn with_times(replica: &MemoryReplica) -> Tree {
    let mut tree = of(replica);
    for (path, node) in replica.snapshot() {
        if node.entry.kind == Kind::File
            && let Some(item) = tree.0.get_mut(&path)
        {
            item.mtime_secs = Some(node.entry.mtime.secs);
        }
    }
    tree
}

impl Item {
    fn of(content: Content) -> Self {
        Self {
            content,
            is_readable: true,
            mtime_secs: None,
            mode: None,
        }
    }

    fn seen(node: Node) -> Self {
        let mode = node.entry.mode;
        let mode = (mode != usual_mode(node.entry.kind)).then_some(mode);
        Self {
            is_readable: node.is_readable,
            mode,
            ..Self::of(node.content)
        }
    }
}

pub(crate) fn usual_mode(kind: Kind) -> u16 {
    match kind {
        Kind::Dir => 0o755,
        Kind::File | Kind::Special => 0o644,
        Kind::Symlink => 0o777,
    }
}

impl Tree {
    /// Builds the tree on a replica, over what is there.
    pub fn build(&self, replica: &MemoryReplica) {
        for (path, item) in &self.0 {
            let path = path.as_bytes();
            match &item.content {
                Content::File(bytes) => replica.write(path, bytes),
                Content::Dir => replica.add_dir(path),
                Content::Link(target) => replica.link_text(path, target),
                Content::Special => replica.special(path),
            };
        }
        // Attributes last: making a name changes the times of its directory.
        for (path, item) in &self.0 {
            let path = path.as_bytes();
            if let Some(mode) = item.mode {
                replica.chmod(path, mode);
            }
            if let Some(secs) = item.mtime_secs {
                replica.touch(path, FileTime::new(secs, 0));
            }
            if !item.is_readable {
                replica.set_readable(path, false);
            }
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (path, item)) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&escape(path.as_bytes()))?;
            item.fmt_rest(f)?;
        }
        Ok(())
    }
}

impl Item {
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            // An unreadable file that is empty is written `x!`.
            Content::File(bytes) if bytes.is_empty() && !self.is_readable => {}
            Content::File(bytes) => write!(f, "={}", escape(bytes))?,
            Content::Dir => f.write_str("/")?,
            Content::Link(target) => write!(f, "->{}", escape(target))?,
            Content::Special => f.write_str("|")?,
        }
        if !self.is_readable {
            f.write_str("!")?;
        }
        if let Some(secs) = self.mtime_secs {
            write!(f, "@{secs}")?;
        }
        if let Some(mode) = self.mode {
            write!(f, "%{mode:o}")?;
        }
        Ok(())
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in display_bytes(bytes).chars() {
        match c {
            ' ' => out.push_str("\\x20"),
            '=' => out.push_str("\\x3d"),
            '>' => out.push_str("\\x3e"),
            '|' => out.push_str("\\x7c"),
            '!' => out.push_str("\\x21"),
            '@' => out.push_str("\\x40"),
            '%' => out.push_str("\\x25"),
            // What else counts as a blank and would split the word.
            c if c.is_whitespace() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn parse_word(word: &str) -> Result<(RelPath, Item), &'static str> {
    let end = word.find(SPECIAL).unwrap_or(word.len());
    let (head, rest) = word.split_at(end);
    let (head, content, rest) = parse_content(head, rest)?;
    let path = RelPath::new(&undisplay(head)).map_err(|_| "the name is not inside the folder")?;
    if path.is_root() {
        return Err("there is no name");
    }
    let mut item = Item::of(content);
    parse_suffixes(&mut item, rest)?;
    Ok((path, item))
}

/// Splits name, content and suffixes.
fn parse_content<'a>(
    head: &'a str,
    rest: &'a str,
) -> Result<(&'a str, Content, &'a str), &'static str> {
    if let Some(dir) = head.strip_suffix('/') {
        return Ok((dir, Content::Dir, rest));
    }
    let value = |rest: &'a str| {
        let end = rest.find(SPECIAL).unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        (undisplay(value), rest)
    };
    match rest.as_bytes().first() {
        Some(b'=') => {
            let (bytes, rest) = value(&rest[1..]);
            Ok((head, Content::File(bytes.into()), rest))
        }
        Some(b'>') => {
            let name = head.strip_suffix('-').ok_or("`>` without `-`")?;
            let (target, rest) = value(&rest[1..]);
            Ok((name, Content::Link(target.into()), rest))
        }
        Some(b'|') => Ok((head, Content::Special, &rest[1..])),
        Some(b'!') => Ok((head, Content::File(Vec::new().into()), rest)),
        Some(_) | None => Err("it says not what the name stands for"),
    }
}

fn parse_suffixes(item: &mut Item, mut rest: &str) -> Result<(), &'static str> {
    while let Some(sign) = rest.chars().next() {
        let tail = rest.get(1..).ok_or("an unknown suffix")?;
        let end = tail.find(SPECIAL).unwrap_or(tail.len());
        let (value, next) = tail.split_at(end);
        match sign {
            '!' if value.is_empty() => item.is_readable = false,
            '@' => item.mtime_secs = Some(value.parse().map_err(|_| "no seconds after `@`")?),
            '%' => {
                let mode = u16::from_str_radix(value, 8).map_err(|_| "no octal after `%`")?;
                item.mode = Some(mode);
            }
            _ => return Err("an unknown suffix"),
        }
        rest = next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trip(text: &str) {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn canonical_text_comes_back() {
        round_trip("");
        round_trip("a=1 b/ b/c=2 l->a p| x!");
        round_trip("a=1@5 b=2%600 c=3@-5%644 d/! e=4! f=");
        round_trip("a\\x20b=c\\x3d\\x3e l->../out\\x20side \\xff=\\n");
    }

    #[test]
    fn words_are_sorted_and_directories_made() {
        let tree = parse("b/c=2   a=1").unwrap();
        assert_eq!(tree.to_string(), "a=1 b/ b/c=2");
    }

    #[test]
    fn a_replica_shows_what_was_built() {
        let text = "a=1 b/%700 b/c=2%600 l->a p| u/! u/v=3 x!";
        assert_eq!(of(&replica(text)).to_string(), text);
    }

    #[test]
    fn times_are_built_and_shown_on_demand() {
        let replica = replica("a=1@5 b/");
        assert_eq!(of(&replica).to_string(), "a=1 b/");
        assert_eq!(with_times(&replica).to_string(), "a=1@5 b/");
    }

    #[test]
    fn what_is_not_in_the_format_is_named() {
        for bad in [
            "a", "=1", "a>b", "../a=1", "a=1@x", "a=1%9", "a=1=2", "a/x?",
        ] {
            assert_eq!(parse(bad).unwrap_err().word, bad);
        }
    }
}
