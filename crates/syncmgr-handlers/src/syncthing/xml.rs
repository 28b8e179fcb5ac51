//! Reads the part of XML that the configuration of Syncthing is made of: elements, attributes, text.
//! Anything else ends the reading with an error, so that nothing is taken for what it is not.

use std::collections::BTreeMap;

/// How deep elements may lie in each other.
const DEPTH_MAX: usize = 32;
/// Most elements: a configuration with a thousand folders and devices has far fewer.
const ELEMENTS_MAX: usize = 500_000;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

/// Reads a document and returns its one outer element.
pub(super) fn parse(text: &str) -> Result<Element, &'static str> {
    let mut rest = text;
    let mut open: Vec<Element> = vec![Element::default()];
    let mut n = 0;
    while let Some(at) = rest.find('<') {
        if let Some(last) = open.last_mut() {
            last.text.push_str(&unescaped(&rest[..at]));
        }
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = &after[after.find("-->").ok_or("a comment has no end")? + 3..];
            continue;
        }
        if rest.starts_with("<?") {
            rest = &rest[rest.find("?>").ok_or("an instruction has no end")? + 2..];
            continue;
        }
        if rest.starts_with("<!") {
            return Err("it has a part that Syncthing does not write");
        }
        let end = tag_end(rest).ok_or("an element has no end")?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().ok_or("an element ends that never began")?;
            let parent = open.last_mut().ok_or("an element ends that never began")?;
            if closed.name != name.trim() {
                return Err("elements do not end in their order");
            }
            parent.children.push(closed);
            continue;
        }
        n += 1;
        if n > ELEMENTS_MAX || open.len() > DEPTH_MAX {
            return Err("it has too many elements");
        }
        let (tag, is_empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let element = begun(tag)?;
        match (is_empty, open.last_mut()) {
            (true, Some(parent)) => parent.children.push(element),
            (true, None) | (false, _) => open.push(element),
        }
    }
    match open.as_mut_slice() {
        [all] if all.children.len() == 1 => Ok(all.children.remove(0)),
        _ => Err("it is not whole"),
    }
}

/// Finds the `>` of a tag, past those within quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => return Some(at),
            (Some(open), c) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

fn begun(tag: &str) -> Result<Element, &'static str> {
    let (name, mut rest) = match tag.find(char::is_whitespace) {
        Some(at) => tag.split_at(at),
        None => (tag, ""),
    };
    let mut element = Element {
        name: name.to_owned(),
        ..Element::default()
    };
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(element);
        }
        let (key, after) = rest.split_once('=').ok_or("an attribute has no value")?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or("an attribute has no value")?;
        let (value, after) = after[1..]
            .split_once(quote)
            .ok_or("an attribute has no end")?;
        let key = key.trim().to_owned();
        element.attributes.insert(key, unescaped(value));
        rest = after;
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = rest
            .find(';')
            .and_then(|end| Some((entity(&rest[1..end])?, end)));
        match found {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text() {
        let text = "<?xml version='1.0'?>\n<c v=\"1\"><!-- > -->\n <f id=\"a&amp;b\" p='x > y'/>\n \
                    <g>1 &lt; &#50;&#x33; &nbsp;</g>\n</c>\n";
        let all = parse(text).unwrap();
        assert_eq!((all.name.as_str(), all.attribute("v")), ("c", Some("1")));
        let f = all.child("f").unwrap();
        assert_eq!(
            (f.attribute("id"), f.attribute("p")),
            (Some("a&b"), Some("x > y"))
        );
        assert_eq!(all.text_of("g"), Some("1 < 23 &nbsp;"));
    }

    #[test]
    fn what_is_not_whole_is_an_error() {
        let deep = "<a>".repeat(100);
        for bad in [
            "",
            "<a>",
            "<a></b>",
            "<a",
            "</a>",
            "<a b></a>",
            "<a/><b/>",
            "<!DOCTYPE x><a/>",
            &deep,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
